//! The check that a form was sent from a page of ours (`django/middleware/csrf.py`).
//!
//! The browser keeps a secret of 32 letters and digits in the cookie `csrftoken`; a form brings the same
//! secret under a mask of its own. Neither depends on a key, a session or a user, so all apps that see
//! the cookie accept each other's forms.

mod secret;

use std::fmt;

use crate::python::{SplitUrl, split_url};

pub(crate) use secret::{Flaw, Secret};

/// How the visitor speaks to this app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scheme {
    Http,
    Https,
}

/// What a request has brought along.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Attempt<'a> {
    pub(crate) method: &'a str,
    /// The header `Host`.
    pub(crate) host: &'a str,
    pub(crate) scheme: Scheme,
    pub(crate) cookie: Option<&'a str>,
    /// The field `csrfmiddlewaretoken` of a `POST`.
    pub(crate) form: Option<&'a str>,
    /// The header `X-CSRFToken`.
    pub(crate) header: Option<&'a str>,
    pub(crate) origin: Option<&'a str>,
    pub(crate) referer: Option<&'a str>,
    /// The header `Sec-Fetch-Site`, which no page can forge.
    pub(crate) site: Option<&'a str>,
}

/// Needs no check, since such a request changes nothing.
pub(crate) fn is_harmless(method: &str) -> bool {
    matches!(method, "GET" | "HEAD" | "OPTIONS" | "TRACE")
}

impl Attempt<'_> {
    /// Does a page of this app send it, by its `Origin`?
    fn is_from_itself(&self, origin: &str) -> bool {
        let host = match self.scheme {
            Scheme::Http => origin.strip_prefix("http://"),
            Scheme::Https => origin.strip_prefix("https://"),
        };
        host == Some(self.host)
    }

    /// What the browser says itself (Fetch Metadata), which Django does not ask for. Old browsers say nothing, nor
    /// does any where there is no HTTPS.
    fn check_site(&self) -> Result<(), Failure> {
        match self.site {
            None | Some("same-origin" | "none") => Ok(()),
            Some(_) => Err(Failure::OtherSite),
        }
    }

    /// Is there a secret at all that a token could prove to be known?
    pub(crate) fn check_cookie(&self) -> Result<(), Failure> {
        Secret::from_cookie(self.cookie.ok_or(Failure::NoCookie)?).map(drop)
    }

    /// Does the token prove that the sender knows the secret?
    pub(crate) fn check_token(&self) -> Result<(), Failure> {
        if is_harmless(self.method) {
            return Ok(());
        }
        let secret = Secret::from_cookie(self.cookie.ok_or(Failure::NoCookie)?)?;
        let form = self.form.filter(|token| self.method == "POST" && !token.is_empty());
        let (token, place) = match (form, self.header) {
            (Some(token), _) => (token, Place::Form),
            (None, Some(token)) => (token, Place::Header),
            (None, None) => return Err(Failure::NoToken),
        };
        secret.check(token).map_err(|flaw| Failure::Token { place, flaw })
    }
}

/// From where a form may come, besides the host that it is sent to.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    trusted: Vec<Trusted>,
    cookie_domain: Option<String>,
}

/// An entry of `CSRF_TRUSTED_ORIGINS`.
#[derive(Debug, Clone)]
struct Trusted {
    /// As it stands, if it has no `*`.
    exact: Option<String>,
    scheme: String,
    /// The host and the port; with a `.` before them for all hosts below them.
    pattern: String,
}

impl Rules {
    /// The entries of `CSRF_TRUSTED_ORIGINS`, and `CSRF_COOKIE_DOMAIN`. The error says what is wrong with
    /// which entry (Django's check `4_0.E001`).
    pub(crate) fn new(trusted: &[String], cookie_domain: Option<&str>) -> Result<Self, String> {
        let trusted = trusted.iter().map(|origin| Trusted::parse(origin));
        Ok(Self {
            trusted: trusted.collect::<Result<_, _>>()?,
            cookie_domain: cookie_domain.map(str::to_owned),
        })
    }

    /// The first half of the check, which needs no token: does the request come from one of our pages?
    pub(crate) fn check_source(&self, attempt: &Attempt<'_>) -> Result<(), Failure> {
        if is_harmless(attempt.method) {
            return Ok(());
        }
        match (attempt.origin, attempt.scheme) {
            (Some(origin), _) if attempt.is_from_itself(origin) => attempt.check_site(),
            (Some(origin), _) => self.check_origin(origin),
            // On the way of an insecure page its form could have been forged, with its cookie.
            (None, Scheme::Https) => {
                attempt.check_site().and_then(|()| self.check_referer(attempt))
            }
            (None, Scheme::Http) => attempt.check_site(),
        }
    }

    /// Is it an origin that was named? Then the page may be of another site.
    fn check_origin(&self, origin: &str) -> Result<(), Failure> {
        if self.trusted.iter().any(|trusted| trusted.exact.as_deref() == Some(origin)) {
            return Ok(());
        }
        let below = |from: &SplitUrl, trusted: &Trusted| {
            trusted.exact.is_none()
                && trusted.scheme == from.scheme
                && is_same_domain(&from.netloc, &trusted.pattern)
        };
        match split_url(origin) {
            Some(from) if self.trusted.iter().any(|trusted| below(&from, trusted)) => Ok(()),
            _ => Err(Failure::BadOrigin(origin.to_owned())),
        }
    }

    fn check_referer(&self, attempt: &Attempt<'_>) -> Result<(), Failure> {
        let from = split_url(attempt.referer.ok_or(Failure::NoReferer)?);
        let from = from.filter(|from| !from.scheme.is_empty() && !from.netloc.is_empty());
        let from = from.ok_or(Failure::MalformedReferer)?;
        if from.scheme != "https" {
            return Err(Failure::InsecureReferer);
        }
        let ours = self.cookie_domain.as_ref().map(|domain| match other_port(attempt.host) {
            Some(port) => format!("{domain}:{port}"),
            None => domain.clone(),
        });
        let ours = ours.as_deref().unwrap_or(attempt.host);
        let patterns = self.trusted.iter().map(|trusted| trusted.pattern.as_str());
        if patterns.chain([ours]).any(|pattern| is_same_domain(&from.netloc, pattern)) {
            return Ok(());
        }
        Err(Failure::BadReferer(shown(&from)))
    }
}

impl Trusted {
    fn parse(origin: &str) -> Result<Self, String> {
        if !origin.contains("://") {
            return Err(format!("holds `{origin}`, which has no scheme; begin it with https://"));
        }
        let parts = split_url(origin).ok_or_else(|| {
            format!("holds `{origin}`, which has no valid host; write it like https://app.example")
        })?;
        Ok(Self {
            exact: (!origin.contains('*')).then(|| origin.to_owned()),
            scheme: parts.scheme,
            pattern: parts.netloc.trim_start_matches('*').to_lowercase(),
        })
    }
}

/// `is_same_domain` of `django/utils/http.py`.
fn is_same_domain(host: &str, pattern: &str) -> bool {
    let pattern = pattern.to_lowercase();
    if pattern.is_empty() {
        return false;
    }
    host == pattern
        || pattern.strip_prefix('.').is_some_and(|bare| host == bare || host.ends_with(&pattern))
}

/// The port in a header `Host`, unless it goes without saying. Django takes the port of its socket,
/// which behind a proxy is another.
fn other_port(host: &str) -> Option<&str> {
    let (_, port) = host.rsplit_once(':')?;
    let is_number = !port.is_empty() && port.bytes().all(|byte| byte.is_ascii_digit());
    (is_number && port != "443" && port != "80").then_some(port)
}

/// `SplitResult.geturl()`, which drops a `?` or `#` with nothing behind it.
fn shown(url: &SplitUrl) -> String {
    let (rest, fragment) = url.rest.split_once('#').unwrap_or((&url.rest, ""));
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut text = format!("{}://{}{path}", url.scheme, url.netloc);
    for (mark, part) in [('?', query), ('#', fragment)] {
        if !part.is_empty() {
            text.push(mark);
            text.push_str(part);
        }
    }
    text
}

/// Where a token was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Form,
    Header,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "POST",
            Self::Header => "the 'X-Csrftoken' HTTP header",
        })
    }
}

/// Why a request is refused, in the words in which Django logs it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Failure {
    #[error("Origin checking failed - {0} does not match any trusted origins.")]
    BadOrigin(String),
    #[error("Referer checking failed - no Referer.")]
    NoReferer,
    #[error("Referer checking failed - Referer is malformed.")]
    MalformedReferer,
    #[error("Referer checking failed - Referer is insecure while host is secure.")]
    InsecureReferer,
    #[error("Referer checking failed - {0} does not match any trusted origins.")]
    BadReferer(String),
    #[error("Sec-Fetch-Site checking failed - a page of another origin has sent the request.")]
    OtherSite,
    #[error("CSRF cookie not set.")]
    NoCookie,
    #[error("CSRF cookie {0}.")]
    Cookie(Flaw),
    #[error("CSRF token missing.")]
    NoToken,
    #[error("CSRF token from {place} {flaw}.")]
    Token { place: Place, flaw: Flaw },
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{text, vectors};

    #[test]
    fn requests_are_refused_for_djangos_reasons() {
        for case in vectors("csrf_request") {
            let optional = |field: &str| case[field].as_str();
            let trusted = case["trusted"].as_array().unwrap();
            let trusted: Vec<_> = trusted.iter().map(|t| t.as_str().unwrap().to_owned()).collect();
            // CSRF_USE_SESSIONS, which is not ours, has another place for the secret, and the same rules.
            let (cookie, domain) = if case["use_sessions"] == true {
                ("session_secret", "session_cookie_domain")
            } else {
                ("cookie", "csrf_cookie_domain")
            };
            let rules = Rules::new(&trusted, optional(domain)).unwrap();
            let attempt = Attempt {
                method: text(&case, "method"),
                host: text(&case, "host"),
                scheme: if case["secure"] == true { Scheme::Https } else { Scheme::Http },
                cookie: optional(cookie),
                form: optional("form"),
                header: optional("header"),
                origin: optional("origin"),
                referer: optional("referer"),
                site: None,
            };
            let outcome = rules
                .check_source(&attempt)
                .and_then(|()| attempt.check_token())
                .map_err(|failure| failure.to_string());
            let outcome = outcome.err().unwrap_or_else(|| "accept".to_owned());
            assert_eq!(outcome, text(&case, "expect"), "{case}");
        }
    }

    fn from_referer(referer: &'static str) -> Attempt<'static> {
        Attempt {
            method: "POST",
            host: "app.example.org:8443",
            scheme: Scheme::Https,
            cookie: None,
            form: None,
            header: None,
            origin: None,
            referer: Some(referer),
            site: None,
        }
    }

    #[test]
    fn what_the_browser_says_of_the_page_counts_unless_its_origin_was_named() {
        let rules = Rules::new(&["https://tasks.example".to_owned()], None).unwrap();
        let attempt = |origin, site| Attempt {
            host: "app.example",
            origin,
            site: Some(site),
            ..from_referer("https://app.example/")
        };
        let own = Some("https://app.example");
        for (origin, site, outcome) in [
            (own, "same-origin", Ok(())),
            (own, "none", Ok(())),
            (own, "cross-site", Err(Failure::OtherSite)),
            (own, "same-site", Err(Failure::OtherSite)),
            (None, "same-origin", Ok(())),
            (None, "cross-site", Err(Failure::OtherSite)),
            (Some("https://tasks.example"), "same-site", Ok(())),
            (Some("null"), "cross-site", Err(Failure::BadOrigin("null".to_owned()))),
        ] {
            assert_eq!(rules.check_source(&attempt(origin, site)), outcome, "{origin:?} {site}");
        }
    }

    #[test]
    fn a_trusted_origin_has_a_scheme_and_a_host() {
        let problem = |entry: &str| Rules::new(&[entry.to_owned()], None).unwrap_err();
        assert_eq!(
            problem("ok.test"),
            "holds `ok.test`, which has no scheme; begin it with https://"
        );
        assert_eq!(
            problem("https://[ok.test"),
            "holds `https://[ok.test`, which has no valid host; write it like https://app.example"
        );
    }

    #[test]
    fn the_domain_of_the_cookie_is_taken_with_the_port_of_the_host() {
        let rules = Rules::new(&[], Some(".example.org")).unwrap();
        let outcome = |referer| rules.check_source(&from_referer(referer));
        assert_eq!(outcome("https://other.example.org:8443/"), Ok(()));
        assert!(matches!(outcome("https://other.example.org/"), Err(Failure::BadReferer(_))));
    }

    #[test]
    fn a_referer_is_shown_as_django_shows_it() {
        let rules = Rules::new(&[], None).unwrap();
        for (referer, theirs) in [
            ("HTTPS://Evil.example/A?#", "https://Evil.example/A"),
            ("https://evil.example?q#f", "https://evil.example?q#f"),
            ("https://evil.example#?", "https://evil.example#?"),
            ("https://evil.example/\t?a?b#c#d", "https://evil.example/?a?b#c#d"),
        ] {
            let failure = rules.check_source(&from_referer(referer)).unwrap_err();
            assert_eq!(failure, Failure::BadReferer(theirs.to_owned()));
        }
    }
}
