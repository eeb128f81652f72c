//! How a visitor came, as far as the app can know it.

use std::net::{IpAddr, SocketAddr};

use super::Front;
use super::head::Head;
use crate::config::Https;
use crate::csrf::Scheme;
use crate::hosts;
use crate::session::header;
use crate::session::visitor::Visitor;

/// By it a browser is known in which a user has signed in before: strangers who guess at the user's password do not
/// keep it waiting.
pub(crate) const DEVICE_COOKIE: &str = "housekey_device";

const SIGNS_OF_A_PROXY: [&str; 6] =
    ["forwarded", "via", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip"];

/// The way of a request to the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    Https,
    /// In the clear, and only within one machine.
    Loopback,
    Http,
}

impl Front {
    /// Did the request come over HTTPS, as far as can be known?
    pub(crate) fn is_secure(&self, head: &impl Head) -> bool {
        match &self.https {
            Https::ByHeader { name, value } => {
                // The proxies in between may have added theirs; the first is the visitor's.
                let said = self.told(head, name);
                said.and_then(|said| said.split(',').next())
                    .is_some_and(|said| said.trim() == value)
            }
            Https::ByAddress => head.scheme() == Some("https"),
            Https::Always => true,
        }
    }

    pub(crate) fn scheme(&self, head: &impl Head) -> Scheme {
        if self.is_secure(head) { Scheme::Https } else { Scheme::Http }
    }

    pub(crate) fn way(&self, head: &impl Head) -> Way {
        if self.is_secure(head) {
            return Way::Https;
        }
        if self.is_loopback(head) { Way::Loopback } else { Way::Http }
    }

    /// A proxy on this machine asks for `localhost` in the name of visitors from elsewhere: where there is a sign of
    /// one, it is no loopback.
    fn is_loopback(&self, head: &impl Head) -> bool {
        let is_page_here =
            |origin: &str| origin.strip_prefix("http://").is_some_and(hosts::is_loopback);
        hosts::is_loopback(self.host(head))
            && head.peer().is_none_or(|peer| peer.to_canonical().is_loopback())
            && !head.names().any(|name| SIGNS_OF_A_PROXY.contains(&name))
            && head.text("origin").is_none_or(is_page_here)
    }

    /// The host that was asked, with its port when it was named; empty when none was.
    pub(crate) fn host<'a>(&self, head: &'a impl Head) -> &'a str {
        let forwarded = self.host_header.as_deref().and_then(|name| self.told(head, name));
        let forwarded = forwarded.and_then(|hosts| hosts.split(',').next()).map(str::trim);
        forwarded.or_else(|| head.text("host")).or_else(|| head.authority()).unwrap_or_default()
    }

    pub(crate) fn visitor(&self, head: &impl Head) -> Visitor {
        let agent = head.lines("user-agent").next().unwrap_or_default();
        let device = header::find(head.lines("cookie"), DEVICE_COOKIE).map(str::to_owned);
        Visitor { device, ..Visitor::new(self.address(head), &String::from_utf8_lossy(agent)) }
    }

    fn address(&self, head: &impl Head) -> Option<IpAddr> {
        let Some(name) = &self.address_header else { return head.peer() };
        if !self.believes(head, name) {
            return head.peer();
        }
        // What stands last was added by the nearest proxy; what stands before it may be anybody's invention.
        let line = head.lines(name).last()?;
        let entry = std::str::from_utf8(line).ok()?.rsplit(',').next()?.trim();
        // Some proxies add the port.
        entry.parse().ok().or_else(|| entry.parse::<SocketAddr>().ok().map(|peer| peer.ip()))
    }

    /// What a proxy says in this header.
    fn told<'a>(&self, head: &'a impl Head, name: &str) -> Option<&'a str> {
        head.text(name).filter(|_| self.believes(head, name))
    }

    fn believes(&self, head: &impl Head, name: &str) -> bool {
        let is_trusted = self.proxies.trust(head.peer());
        if !is_trusted
            && head.lines(name).next().is_some()
            && let Some(held_back) = self.strange_proxies.may_speak()
        {
            let peer =
                head.peer().map_or("a peer without an address".to_owned(), |p| p.to_string());
            tracing::warn!(
                app = self.app,
                held_back,
                "the header {name} of {peer} is not believed: if that is your proxy, name it in \
                 TRUSTED_PROXIES (over a Unix socket: `unix`)"
            );
        }
        is_trusted
    }
}
