//! The session cookie, read and written as Django does (`django/http/cookie.py` and
//! `django/contrib/sessions/middleware.py`).

use chrono::{DateTime, Utc};
use cookie::time::{Duration, OffsetDateTime};
use cookie::{Cookie, SameSite};

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
    let mut cookie = base(&settings.name, key, settings.domain.as_deref(), flags);
    cookie.set_http_only(true);
    if let Some(age) = age {
        expire_after(&mut cookie, age, now);
    }
    cookie.to_string()
}

/// `Set-Cookie` for what a browser is known by, as far as the session cookie goes.
pub(crate) fn set_device(
    settings: &CookieSettings,
    device: &str,
    flags: Flags,
    now: DateTime<Utc>,
) -> String {
    let mut cookie = base(DEVICE_COOKIE, device, settings.domain.as_deref(), flags);
    cookie.set_http_only(true);
    expire_after(&mut cookie, YEAR, now);
    cookie.to_string()
}

/// `Set-Cookie` for the secret of the CSRF protection, which scripts may read.
pub(crate) fn set_csrf(
    settings: &CsrfSettings,
    secret: &str,
    flags: Flags,
    now: DateTime<Utc>,
) -> String {
    let domain = settings.cookie_domain.as_deref();
    let mut cookie = base(&settings.cookie_name, secret, domain, flags);
    let age = i64::try_from(settings.cookie_age.as_secs()).unwrap_or(i64::MAX);
    expire_after(&mut cookie, age, now);
    cookie.to_string()
}

/// `Set-Cookie` that takes the cookie away: the same name, domain, path and flags.
pub(crate) fn delete(settings: &CookieSettings, flags: Flags) -> String {
    let mut cookie = base(&settings.name, "", settings.domain.as_deref(), flags);
    cookie.set_http_only(true);
    cookie.set_max_age(Duration::ZERO);
    cookie.set_expires(OffsetDateTime::UNIX_EPOCH);
    cookie.to_string()
}

fn expire_after(cookie: &mut Cookie<'_>, seconds: i64, now: DateTime<Utc>) {
    let age = Duration::seconds(seconds);
    cookie.set_max_age(age);
    let now = OffsetDateTime::from_unix_timestamp(now.timestamp());
    cookie.set_expires(now.ok().and_then(|now| now.checked_add(age)));
}

fn base<'a>(name: &'a str, value: &'a str, domain: Option<&'a str>, flags: Flags) -> Cookie<'a> {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    if let Some(domain) = domain {
        cookie.set_domain(domain);
    }
    if flags == Flags::Secure {
        cookie.set_secure(true);
    }
    cookie
}
