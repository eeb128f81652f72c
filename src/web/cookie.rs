//! The cookies, written as Django does (`django/http/response.py`, `django/contrib/sessions/middleware.py`; the
//! syntax is RFC 6265, 4.1).

use chrono::{DateTime, Datelike, TimeDelta, Utc};

use super::client::DEVICE_COOKIE;
use super::visit::Flags;
use crate::config::{CookieSettings, CsrfSettings};

const YEAR: i64 = 365 * 24 * 3600;

/// `Set-Cookie` for a session key; without an age the cookie ends with the browser.
pub(crate) fn set(
    settings: &CookieSettings,
    key: &str,
    flags: Flags,
    age: Option<i64>,
    now: DateTime<Utc>,
) -> String {
    let mut cookie = http_only(&settings.name, key, settings.domain.as_deref(), flags);
    if let Some(age) = age {
        cookie += &expiry(age, now);
    }
    cookie
}

/// `Set-Cookie` for what a browser is known by, as far as the session cookie goes.
pub(crate) fn set_device(
    settings: &CookieSettings,
    device: &str,
    flags: Flags,
    now: DateTime<Utc>,
) -> String {
    http_only(DEVICE_COOKIE, device, settings.domain.as_deref(), flags) + &expiry(YEAR, now)
}

/// `Set-Cookie` for the secret of the CSRF protection, which scripts may read.
pub(crate) fn set_csrf(
    settings: &CsrfSettings,
    secret: &str,
    flags: Flags,
    now: DateTime<Utc>,
) -> String {
    let domain = settings.cookie_domain.as_deref();
    let age = i64::try_from(settings.cookie_age.as_secs()).unwrap_or(i64::MAX);
    base(&settings.cookie_name, secret, domain, flags) + &expiry(age, now)
}

/// `Set-Cookie` that takes the cookie away: the same name, domain, path and flags.
pub(crate) fn delete(settings: &CookieSettings, flags: Flags) -> String {
    http_only(&settings.name, "", settings.domain.as_deref(), flags)
        + &expiry(0, DateTime::UNIX_EPOCH)
}

/// A time that four digits of a year cannot tell is left to `Max-Age`.
fn expiry(seconds: i64, now: DateTime<Utc>) -> String {
    let end = TimeDelta::try_seconds(seconds).and_then(|age| now.checked_add_signed(age));
    let end = end.filter(|end| end.year() <= 9999);
    let end = end.map(|end| end.format("; Expires=%a, %d %b %Y %H:%M:%S GMT").to_string());
    let end = end.unwrap_or_default();
    format!("; Max-Age={seconds}{end}")
}

fn http_only(name: &str, value: &str, domain: Option<&str>, flags: Flags) -> String {
    base(name, value, domain, flags) + "; HttpOnly"
}

fn base(name: &str, value: &str, domain: Option<&str>, flags: Flags) -> String {
    let domain = domain.map(|domain| format!("; Domain={domain}")).unwrap_or_default();
    let secure = if flags == Flags::Secure { "; Secure" } else { "" };
    format!("{name}={value}; Path=/; SameSite=Lax{domain}{secure}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_ends_at_a_date_of_the_web() {
        let now = DateTime::parse_from_rfc3339("2026-02-28T23:30:09Z").unwrap().to_utc();
        let hour = "; Max-Age=3600; Expires=Sun, 01 Mar 2026 00:30:09 GMT";
        assert_eq!(expiry(3600, now), hour);
        assert_eq!(expiry(300_000_000_000, now), "; Max-Age=300000000000");
        assert_eq!(expiry(i64::MAX, now), format!("; Max-Age={}", i64::MAX));
    }
}
