//! What a layer is told beyond what all apps of the house have to agree on: Django's settings of its
//! `SecurityMiddleware`, and where visitors are sent.

use std::time::Duration;

use bytes::Bytes;

/// What a page may load unless the app says otherwise: what comes from the same origin. Behind it stand the hosts
/// to which a form may lead in the end.
const CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
                   connect-src 'self'; media-src 'self'; manifest-src 'self'; base-uri 'none'; \
                   frame-ancestors 'none'; form-action 'self'";

/// The headers of the answers.
#[derive(Debug, Clone)]
pub(crate) struct PageSettings {
    pub(crate) csp: Csp,
    pub(crate) referrer_policy: Bytes,
    pub(crate) opener_policy: Bytes,
    pub(crate) frame_options: Bytes,
    pub(crate) hsts: Option<Duration>,
    pub(crate) hsts_reach: Reach,
    /// Django's `DATA_UPLOAD_MAX_MEMORY_SIZE`, in bytes.
    pub(crate) most_of_a_form: usize,
}

#[derive(Debug, Clone)]
pub(crate) enum Csp {
    OwnOrigin,
    /// Empty for none.
    Said(String),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reach {
    ThisHost,
    HostsBelow,
}

impl Default for PageSettings {
    fn default() -> Self {
        Self {
            csp: Csp::OwnOrigin,
            referrer_policy: Bytes::from_static(b"same-origin"),
            opener_policy: Bytes::from_static(b"same-origin"),
            frame_options: Bytes::from_static(b"DENY"),
            hsts: None,
            hsts_reach: Reach::ThisHost,
            most_of_a_form: 2_621_440,
        }
    }
}

impl PageSettings {
    /// A policy may be written over several lines. What cannot stand in a header is no policy of anybody's.
    pub(crate) fn say_csp(&mut self, policy: &str) {
        let policy = policy.split_whitespace().collect::<Vec<_>>().join(" ");
        if policy.bytes().all(|byte| (b' '..=b'~').contains(&byte)) {
            self.csp = Csp::Said(policy);
        } else {
            tracing::error!(
                policy,
                "SECURE_CSP holds letters that no header may hold, so that of housekey is used instead; write \
                 names of hosts as browsers send them (xn--)"
            );
        }
    }

    /// The policy for a page of the app, whose forms may lead to these hosts.
    pub(crate) fn csp<'a>(&self, hosts: impl Iterator<Item = &'a str>) -> String {
        match &self.csp {
            Csp::Said(policy) => policy.clone(),
            // Browsers hold a form to this also where it is redirected to.
            Csp::OwnOrigin => {
                hosts.filter(|host| is_plain(host)).fold(CSP.to_owned(), |policy, host| {
                    format!("{policy} http://{host} https://{host}")
                })
            }
        }
    }

    /// Empty for none.
    pub(crate) fn hsts(&self) -> String {
        let Some(seconds) = self.hsts.map(|time| time.as_secs()) else { return String::new() };
        match self.hsts_reach {
            Reach::ThisHost => format!("max-age={seconds}"),
            Reach::HostsBelow => format!("max-age={seconds}; includeSubDomains"),
        }
    }
}

/// No text that would begin another directive.
fn is_plain(host: &str) -> bool {
    !host.is_empty() && host.bytes().all(|b| b.is_ascii_alphanumeric() || b".-:[]_".contains(&b))
}

/// The builder's methods, equal for each framework. The type holds `front: Arc<Front>`.
macro_rules! builder {
    ($type:ident, $path:literal) => {
        impl $type {
            /// Where a visitor who must sign in is sent from the routes inside (`LOGIN_URL`).
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).with_login_url(\"/login\");")]
            /// # }
            /// ```
            #[must_use]
            pub fn with_login_url(self, url: impl Into<String>) -> Self {
                self.set(|front| front.login_url = Some(url.into()))
            }

            /// A host, with its port if it has one, that `next` may name besides the one that was asked
            /// (`SUCCESS_URL_ALLOWED_HOSTS`).
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house)")]
            ///     .with_success_url_allowed_host("tasks.example.org");
            /// # }
            /// ```
            #[must_use]
            pub fn with_success_url_allowed_host(self, host: impl Into<String>) -> Self {
                self.set(|front| front.next_hosts.push(host.into()))
            }

            /// A host that the app answers for (`ALLOWED_HOSTS`); `.example.org` stands for all below. Requests for
            /// others get 400. When none is named, any host is answered for.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).with_allowed_host(\"notes.example.org\");")]
            /// # }
            /// ```
            #[must_use]
            pub fn with_allowed_host(self, host: impl Into<String>) -> Self {
                self.set(|front| front.allowed_hosts.0.push(host.into()))
            }

            /// The `Content-Security-Policy` of the app's pages (Django 6's `SECURE_CSP`), or an empty text for none.
            /// A page that brings its own keeps it.
            ///
            /// Unless said otherwise a page may load what comes from its own origin, and nothing inline.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house)")]
            ///     .with_secure_csp("default-src 'self'; style-src 'self' 'unsafe-inline'");
            /// # }
            /// ```
            #[must_use]
            pub fn with_secure_csp(self, policy: impl Into<String>) -> Self {
                self.set(|front| front.pages.say_csp(&policy.into()))
            }

            /// The `Referrer-Policy` (`SECURE_REFERRER_POLICY`): `same-origin` unless said otherwise.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).with_secure_referrer_policy(\"no-referrer\");")]
            /// # }
            /// ```
            #[must_use]
            pub fn with_secure_referrer_policy(self, policy: impl Into<String>) -> Self {
                self.set(|front| front.pages.referrer_policy = Into::<String>::into(policy).into())
            }

            /// The `Cross-Origin-Opener-Policy` (`SECURE_CROSS_ORIGIN_OPENER_POLICY`): `same-origin` unless said
            /// otherwise.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house)")]
            ///     .with_secure_cross_origin_opener_policy("same-origin-allow-popups");
            /// # }
            /// ```
            #[must_use]
            pub fn with_secure_cross_origin_opener_policy(self, policy: impl Into<String>) -> Self {
                self.set(|front| front.pages.opener_policy = Into::<String>::into(policy).into())
            }

            /// The header `X-Frame-Options` (`X_FRAME_OPTIONS`): `DENY` unless said otherwise.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).with_x_frame_options(\"SAMEORIGIN\");")]
            /// # }
            /// ```
            #[must_use]
            pub fn with_x_frame_options(self, options: impl Into<String>) -> Self {
                self.set(|front| front.pages.frame_options = Into::<String>::into(options).into())
            }

            /// For how many seconds browsers shall use nothing but HTTPS here (`SECURE_HSTS_SECONDS`). It is said to
            /// who came over HTTPS; unless this is called, to nobody.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).with_secure_hsts_seconds(31_536_000);")]
            /// # }
            /// ```
            #[must_use]
            pub fn with_secure_hsts_seconds(self, seconds: u64) -> Self {
                self.set(|front| front.pages.hsts = Some(std::time::Duration::from_secs(seconds)))
            }

            /// The same for all hosts below this one (`SECURE_HSTS_INCLUDE_SUBDOMAINS`).
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house)")]
            ///     .with_secure_hsts_seconds(31_536_000)
            ///     .with_secure_hsts_include_subdomains();
            /// # }
            /// ```
            #[must_use]
            pub fn with_secure_hsts_include_subdomains(self) -> Self {
                self.set(|front| front.pages.hsts_reach = Reach::HostsBelow)
            }

            /// How many bytes a posted form may have (`DATA_UPLOAD_MAX_MEMORY_SIZE`): 2.5 MB unless said otherwise,
            /// longer ones get 413. Files do not count.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house)")]
            ///     .with_data_upload_max_memory_size(64 * 1024);
            /// # }
            /// ```
            #[must_use]
            pub fn with_data_upload_max_memory_size(self, bytes: usize) -> Self {
                self.set(|front| front.pages.most_of_a_form = bytes)
            }

            /// Takes the CSRF guard away from the routes inside (Django's `csrf_exempt`): for those that believe
            /// something else than a cookie, like a signed webhook.
            ///
            /// ```no_run
            /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
            #[doc = concat!("let layer = ", $path, "::new(house).csrf_exempt();")]
            /// # }
            /// ```
            #[must_use]
            pub fn csrf_exempt(self) -> Self {
                self.set(|front| front.guard = Guard::Exempt)
            }

            fn set(mut self, change: impl FnOnce(&mut Front)) -> Self {
                let front = Arc::make_mut(&mut self.front);
                change(front);
                front.policies.take();
                self
            }
        }

        impl std::fmt::Debug for $type {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(stringify!($type))
            }
        }
    };
}
pub(crate) use builder;
