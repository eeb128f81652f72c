//! The session cookie, read and written as Django does (`django/http/cookie.py` and
//! `django/contrib/sessions/middleware.py`).

use chrono::{DateTime, Utc};
use cookie::time::{Duration, OffsetDateTime};
use cookie::{Cookie, SameSite};

use crate::config::{CookieSecurity, CookieSettings, CsrfSettings};

/// The value of the last cookie of that name, over all `Cookie` headers.
pub(crate) fn find<'a>(headers: impl Iterator<Item = &'a [u8]>, name: &str) -> Option<&'a str> {
    let pairs = headers.flat_map(|header| header.split(|byte| *byte == b';'));
    let values = pairs.filter_map(|pair| {
        let at = pair.iter().position(|byte| *byte == b'=')?;
        let (key, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
        (key == name.as_bytes()).then_some(value)
    });
    let value = values.last()?;
    let value = value.strip_prefix(b"\"").and_then(|v| v.strip_suffix(b"\"")).unwrap_or(value);
    // What is no text is no session key either.
    Some(std::str::from_utf8(value).unwrap_or("?")).filter(|value| !value.is_empty())
}

/// `Set-Cookie` for a session key; without an age the cookie ends with the browser.
pub(crate) fn set(
    settings: &CookieSettings,
    key: &str,
    age: Option<i64>,
    now: DateTime<Utc>,
) -> String {
    let mut cookie = base(&settings.name, key, settings.domain.as_deref(), settings.security);
    cookie.set_http_only(true);
    if let Some(age) = age {
        expire_after(&mut cookie, age, now);
    }
    cookie.to_string()
}

/// `Set-Cookie` for the secret of the CSRF protection, which scripts may read.
pub(crate) fn set_csrf(settings: &CsrfSettings, secret: &str, now: DateTime<Utc>) -> String {
    let (domain, security) = (settings.cookie_domain.as_deref(), settings.security);
    let mut cookie = base(&settings.cookie_name, secret, domain, security);
    let age = i64::try_from(settings.cookie_age.as_secs()).unwrap_or(i64::MAX);
    expire_after(&mut cookie, age, now);
    cookie.to_string()
}

/// `Set-Cookie` that takes the cookie away: the same name, domain, path and flags.
pub(crate) fn delete(settings: &CookieSettings) -> String {
    let mut cookie = base(&settings.name, "", settings.domain.as_deref(), settings.security);
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

fn base<'a>(
    name: &'a str,
    value: &'a str,
    domain: Option<&'a str>,
    security: CookieSecurity,
) -> Cookie<'a> {
    let mut cookie = Cookie::new(name, value);
    cookie.set_path("/");
    cookie.set_same_site(SameSite::Lax);
    if let Some(domain) = domain {
        cookie.set_domain(domain);
    }
    if security == CookieSecurity::HttpsOnly {
        cookie.set_secure(true);
    }
    cookie
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(header: &str) -> Option<&str> {
        find(std::iter::once(header.as_bytes()), "sessionid")
    }

    #[test]
    fn fuzz_cookie_header() {
        let seeds: Vec<Vec<u8>> = [
            "sessionid=abc; csrftoken=def",
            "a=1;  sessionid = \"abc\" ;; =; sessionid",
            "sessionid=a, b; sessionid=c=d",
        ]
        .map(|header| header.as_bytes().to_vec())
        .into();
        crate::fuzz::fuzz(&seeds, |bytes| {
            let value = find(bytes.split(|byte| *byte == b'\n'), "sessionid");
            assert!(value.is_none_or(|value| !value.is_empty() && !value.contains(';')));
        });
    }

    /// The right side is what `django.http.cookie.parse_cookie` answers.
    #[test]
    fn the_header_is_read_as_django_reads_it() {
        assert_eq!(read("sessionid=abc"), Some("abc"));
        assert_eq!(read("a=1;  sessionid = abc ; b=2"), Some("abc"));
        assert_eq!(read("sessionid=abc; sessionid=def"), Some("def"));
        assert_eq!(read("sessionid=\"abc\""), Some("abc"));
        assert_eq!(read("Sessionid=abc; xsessionid=def"), None);
        assert_eq!(read("sessionid"), None);
        assert_eq!(read("sessionid="), None);
        assert_eq!(read(""), None);
    }

    #[test]
    fn a_value_that_is_no_text_is_there_and_no_key() {
        assert_eq!(find(std::iter::once(&b"sessionid=\xff\xfe"[..]), "sessionid"), Some("?"));
    }
}
