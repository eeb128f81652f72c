//! What the headers of an answer say to browsers and caches.

use bytes::Bytes;

use super::Front;
use super::client::Way;
use super::head::{essence, is_html};
use super::login;
use super::visit::Outcome;

/// The headers of an answer, in the words of no framework.
pub(crate) trait Headers {
    fn has(&self, name: &'static str) -> bool;
    fn text(&self, name: &'static str) -> Option<&str>;
    /// In place of what is there.
    fn set(&mut self, name: &'static str, value: &str);
    /// As `set`, for a text that is the same in many answers: it is not copied.
    fn share(&mut self, name: &'static str, value: &Bytes);
    /// As `share`, beside what is there.
    fn share_beside(&mut self, name: &'static str, value: &Bytes);
    /// Beside what is there; a cookie is not shown in debug output.
    fn add(&mut self, name: &'static str, value: &str);

    fn share_if_absent(&mut self, name: &'static str, value: &Bytes) {
        if !value.is_empty() && !self.has(name) {
            self.share(name, value);
        }
    }
}

/// The map of headers of an `http` crate of whatever version, named by its module.
macro_rules! headers_of {
    ($($module:ident)::+) => {
        impl Headers for $($module)::+::HeaderMap {
            fn has(&self, name: &'static str) -> bool {
                self.contains_key(named(name))
            }

            fn text(&self, name: &'static str) -> Option<&str> {
                self.get(named(name))?.to_str().ok()
            }

            fn set(&mut self, name: &'static str, value: &str) {
                if let Ok(value) = $($module)::+::HeaderValue::from_str(value) {
                    self.insert(named(name), value);
                }
            }

            fn share(&mut self, name: &'static str, value: &bytes::Bytes) {
                let value = $($module)::+::HeaderValue::from_maybe_shared(value.clone());
                if let Ok(value) = value {
                    self.insert(named(name), value);
                }
            }

            fn share_beside(&mut self, name: &'static str, value: &bytes::Bytes) {
                let value = $($module)::+::HeaderValue::from_maybe_shared(value.clone());
                if let Ok(value) = value {
                    self.append(named(name), value);
                }
            }

            fn add(&mut self, name: &'static str, value: &str) {
                if let Ok(mut value) = $($module)::+::HeaderValue::from_str(value) {
                    value.set_sensitive(name == "set-cookie");
                    self.append(named(name), value);
                }
            }
        }

        fn lines_of<'a>(
            headers: &'a $($module)::+::HeaderMap,
            name: &str,
        ) -> impl Iterator<Item = &'a [u8]> + use<'a> {
            let all = match known(name) {
                Some(known) => headers.get_all(known),
                None => headers.get_all(name),
            };
            all.into_iter().map($($module)::+::HeaderValue::as_bytes)
        }

        fn named(name: &'static str) -> $($module)::+::HeaderName {
            let parsed = || $($module)::+::HeaderName::from_static(name);
            known(name).cloned().unwrap_or_else(parsed)
        }

        /// What is looked for or said at every request, parsed before.
        fn known(name: &str) -> Option<&'static $($module)::+::HeaderName> {
            $crate::web::headers::among!($($module)::+::HeaderName, name,
                ACCEPT "accept", CACHE_CONTROL "cache-control", CONTENT_TYPE "content-type",
                COOKIE "cookie", CSP "content-security-policy", FORWARDED_FOR "x-forwarded-for",
                FORWARDED_HOST "x-forwarded-host", FORWARDED_PROTO "x-forwarded-proto",
                FRAMES "x-frame-options", HOST "host", HSTS "strict-transport-security",
                MODE "sec-fetch-mode", NOSNIFF "x-content-type-options",
                OPENER "cross-origin-opener-policy", ORIGIN "origin", REAL_IP "x-real-ip",
                REFERRERS "referrer-policy", REQUESTED_WITH "x-requested-with", USER_AGENT "user-agent", VARY "vary")
        }
    };
}
pub(crate) use headers_of;

macro_rules! among {
    ($type:ty, $name:ident, $($constant:ident $text:literal),*) => {{
        $(static $constant: $type = <$type>::from_static($text);)*
        match $name {
            $($text => Some(&$constant),)*
            _ => None,
        }
    }};
}
pub(crate) use among;

/// Does a header of an answer stay when its text is said in another form? What describes the text does not.
pub(crate) fn stays(name: &str) -> bool {
    const OF_THE_TEXT: [&str; 9] = [
        "accept-ranges",
        "cache-control",
        "etag",
        "last-modified",
        "location",
        "retry-after",
        "trailer",
        "transfer-encoding",
        "www-authenticate",
    ];
    !name.starts_with("content-") && !OF_THE_TEXT.contains(&name)
}

/// Cookies, and what caches have to know of an answer that depends on them.
pub(crate) fn mark(headers: &mut impl Headers, outcome: &Outcome) {
    if !outcome.asked {
        return;
    }
    headers.share_beside("vary", &COOKIE);
    let has_cookie = !outcome.set_cookies.is_empty();
    if has_cookie || (outcome.private && !headers.has("cache-control")) {
        headers.share("cache-control", &NO_STORE);
    }
    for cookie in &outcome.set_cookies {
        headers.add("set-cookie", cookie);
    }
}

static COOKIE: Bytes = Bytes::from_static(b"Cookie");
static NO_STORE: Bytes = Bytes::from_static(b"private, no-store");
static NOSNIFF: Bytes = Bytes::from_static(b"nosniff");

/// What is put together from several settings, once.
#[derive(Clone)]
pub(crate) struct Policies {
    csp: Bytes,
    /// Empty for none.
    hsts: Bytes,
}

impl Front {
    /// What Django's `SecurityMiddleware` and `XFrameOptionsMiddleware` say, and a content security policy. What the
    /// app has said itself stays.
    pub(crate) fn secure(&self, headers: &mut impl Headers, way: Way) {
        headers.share_if_absent("x-content-type-options", &NOSNIFF);
        headers.share_if_absent("referrer-policy", &self.pages.referrer_policy);
        headers.share_if_absent("x-frame-options", &self.pages.frame_options);
        headers.share_if_absent("cross-origin-opener-policy", &self.pages.opener_policy);
        if way == Way::Https {
            headers.share_if_absent("strict-transport-security", &self.policies().hsts);
        }
        if headers.text("content-type").is_some_and(|kind| is_html(essence(kind))) {
            headers.share_if_absent("content-security-policy", &self.policies().csp);
        }
    }

    fn policies(&self) -> &Policies {
        self.policies.get_or_init(|| {
            // Where a form may lead: after a login, and when somebody must sign in first.
            let login_host = self.login_url.as_deref().and_then(login::host);
            let hosts = self.next_hosts.iter().map(String::as_str).chain(login_host);
            Policies { csp: self.pages.csp(hosts).into(), hsts: self.pages.hsts().into() }
        })
    }
}
