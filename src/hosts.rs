//! Names of hosts: for which the app answers, and which lead every machine to itself.

use std::net::IpAddr;

/// `ALLOWED_HOSTS`; none named is any.
#[cfg(feature = "_web")]
#[derive(Debug, Clone, Default)]
pub(crate) struct Hosts(pub(crate) Vec<String>);

#[cfg(feature = "_web")]
impl Hosts {
    /// Does the app answer for this host (`validate_host` of `django/http/request.py`)?
    pub(crate) fn allow(&self, host: &str) -> bool {
        if self.0.is_empty() {
            return true;
        }
        let name = without_port(host);
        let name = name.strip_suffix('.').unwrap_or(name);
        is_host(name) && self.0.iter().any(|pattern| matches(pattern, name))
    }
}

#[cfg(feature = "_web")]
fn matches(pattern: &str, name: &str) -> bool {
    if pattern == "*" {
        return true;
    }
    match pattern.strip_prefix('.') {
        Some(domain) => name.eq_ignore_ascii_case(domain) || ends_with(name, pattern),
        None => name.eq_ignore_ascii_case(pattern),
    }
}

#[cfg(feature = "_web")]
fn is_host(name: &str) -> bool {
    let is_bracketed = name.starts_with('[') && name.ends_with(']');
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b".-".contains(&byte);
    let is_address = |byte: u8| byte.is_ascii_hexdigit() || b".:[]".contains(&byte);
    !name.is_empty() && name.bytes().all(|b| if is_bracketed { is_address(b) } else { is_good(b) })
}

/// Is it a name that leads every machine to itself?
pub(crate) fn is_loopback(host: &str) -> bool {
    let name = without_port(host);
    let name = name.strip_prefix('[').and_then(|name| name.strip_suffix(']')).unwrap_or(name);
    name.eq_ignore_ascii_case("localhost")
        || ends_with(name, ".localhost")
        || name.parse::<IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback())
}

/// Letters in any case.
fn ends_with(name: &str, end: &str) -> bool {
    let at = name.len().checked_sub(end.len());
    at.is_some_and(|at| name.as_bytes()[at..].eq_ignore_ascii_case(end.as_bytes()))
}

fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(feature = "_web")]
    /// As `validate_host(split_domain_port(host)[0], allowed)` of Django 5.2 answers.
    #[test]
    fn hosts_are_allowed_as_in_django() {
        let hosts =
            Hosts(["notes.example.org", ".house.example", "[::1]"].map(str::to_owned).into());
        for good in [
            "notes.example.org",
            "NOTES.example.org:8000",
            "notes.example.org.",
            "house.example",
            "a.b.house.example:1",
            "[::1]:8000",
        ] {
            assert!(hosts.allow(good), "{good}");
        }
        for bad in
            ["", "evil.example", "xhouse.example", "a/.house.example", "a@b.house.example", "::1"]
        {
            assert!(!hosts.allow(bad), "{bad}");
        }
        assert!(Hosts::default().allow("anything"));
    }

    #[test]
    fn loopback_has_many_names() {
        for here in [
            "localhost",
            "LOCALHOST:80",
            "app.localhost:1",
            "127.0.0.1:8000",
            "127.9.9.9",
            "[::1]:1",
        ] {
            assert!(is_loopback(here), "{here}");
        }
        for elsewhere in ["", "localhost.example", "127.0.0.1.example", "10.0.0.1", "[::2]", "::1x"]
        {
            assert!(!is_loopback(elsewhere), "{elsewhere}");
        }
    }
}
