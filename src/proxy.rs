//! Whom the app believes what it says of others: the proxies in front of it.

use std::net::IpAddr;

use ipnet::IpNet;

/// `TRUSTED_PROXIES`
#[derive(Debug, Clone)]
pub(crate) struct Proxies {
    nets: Vec<IpNet>,
    /// A connection without an address, as over a Unix socket.
    nameless: Nameless,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Nameless {
    Believed,
    Strangers,
}

impl Proxies {
    /// Addresses, nets, and `unix`; when nothing is said, the machine itself. The error tells what is wrong with
    /// which entry.
    pub(crate) fn new(entries: &[String]) -> Result<Self, String> {
        if entries.is_empty() {
            let nets = ["127.0.0.0/8", "::1/128"].map(str::parse).into_iter().flatten().collect();
            return Ok(Self { nets, nameless: Nameless::Strangers });
        }
        let mut proxies = Self { nets: Vec::new(), nameless: Nameless::Strangers };
        for entry in entries {
            if entry == "unix" {
                proxies.nameless = Nameless::Believed;
                continue;
            }
            let net = entry.parse::<IpNet>().or_else(|_| entry.parse::<IpAddr>().map(IpNet::from));
            proxies.nets.push(net.map_err(|_| {
                format!(
                    "holds `{entry}`, which is neither an address, nor a net like 10.0.0.0/8, nor `unix`"
                )
            })?);
        }
        Ok(proxies)
    }

    /// Is what this peer says of others to be believed?
    pub(crate) fn trust(&self, peer: Option<IpAddr>) -> bool {
        match peer {
            None => self.nameless == Nameless::Believed,
            Some(peer) => {
                let peer = peer.to_canonical();
                self.nets.iter().any(|net| net.contains(&peer))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(entries: &[&str]) -> Proxies {
        Proxies::new(&entries.iter().map(|e| (*e).to_owned()).collect::<Vec<_>>()).unwrap()
    }

    #[test]
    fn only_the_proxies_that_were_named_are_believed() {
        let peer = |text: &str| Some(text.parse().unwrap());
        let named = proxies(&["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);
        for good in ["10.1.2.3", "192.0.2.7", "2001:db8::1", "::ffff:10.9.9.9"] {
            assert!(named.trust(peer(good)), "{good}");
        }
        for bad in ["11.0.0.1", "192.0.2.8", "127.0.0.1", "2001:db9::1"] {
            assert!(!named.trust(peer(bad)), "{bad}");
        }
        assert!(!named.trust(None));
        assert!(proxies(&["unix"]).trust(None));
        let unsaid = proxies(&[]);
        assert!(unsaid.trust(peer("127.0.0.1")) && unsaid.trust(peer("::1")));
        assert!(!unsaid.trust(peer("10.0.0.1")) && !unsaid.trust(None));
        assert!(Proxies::new(&["proxy.example".to_owned()]).is_err());
    }
}
