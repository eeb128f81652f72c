//! The names and flags of the two cookies, and whether a browser takes them.

use super::{Config, CookieSecurity, is_token_byte};
use crate::error::Error;

const HOST_PREFIX: &str = "__Host-";

/// Does a browser take a cookie of that name only when it is marked as one for HTTPS (RFC 6265bis)?
pub(crate) fn needs_https(name: &str) -> bool {
    begins_with(name, HOST_PREFIX) || begins_with(name, "__Secure-")
}

/// Browsers compare without regard to case.
fn begins_with(name: &str, prefix: &str) -> bool {
    name.get(..prefix.len()).is_some_and(|beginning| beginning.eq_ignore_ascii_case(prefix))
}

/// May a cookie have this name (`SESSION_COOKIE_NAME`, `CSRF_COOKIE_NAME`)?
pub(super) fn check_name(setting: &str, name: &str) -> Result<(), Error> {
    if name.is_empty() || !name.bytes().all(is_token_byte) {
        return Err(Error::config(setting, "may hold letters, digits and -_.~ only"));
    }
    Ok(())
}

/// May it be a cookie of this domain (`SESSION_COOKIE_DOMAIN`, `CSRF_COOKIE_DOMAIN`)?
pub(super) fn check_domain(setting: &str, domain: Option<&str>) -> Result<(), Error> {
    let is_host_byte = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
    if domain.is_some_and(|domain| !domain.bytes().all(is_host_byte)) {
        return Err(Error::config(setting, "is not the name of a host"));
    }
    Ok(())
}

impl Config {
    /// Sends both cookies over HTTPS alone (`SESSION_COOKIE_SECURE`, `CSRF_COOKIE_SECURE`), also where the host is this
    /// very machine.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.session_cookie_secure();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_cookie_secure(self) -> Self {
        self.cookies(CookieSecurity::HttpsOnly)
    }

    /// Lets the cookies go in the clear, for a house without TLS: **anybody on the way between browser and app can
    /// read them, and is the user then.**
    ///
    /// Where the host is this very machine (`localhost`, `127.0.0.1`) that needs no leave.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.danger_cookies_in_the_clear();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn danger_cookies_in_the_clear(self) -> Self {
        self.cookies(CookieSecurity::AnyConnection)
    }

    /// The name of the session cookie (`SESSION_COOKIE_NAME`), equal in all apps. Browsers let nobody else set a
    /// `__Host-` cookie of a host, and want HTTPS for it.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.session_cookie_name("__Host-sessionid");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.cookie.name = name.into();
        self
    }

    /// The parent domain of the hosts that share the session cookie (`SESSION_COOKIE_DOMAIN`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.session_cookie_domain("example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.cookie.domain = Some(domain.into());
        self
    }

    /// The name of the cookie that guards forms (`CSRF_COOKIE_NAME`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.csrf_cookie_name("__Host-csrftoken");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn csrf_cookie_name(mut self, name: impl Into<String>) -> Self {
        self.csrf.cookie_name = name.into();
        self
    }

    /// The parent domain of the hosts that share that cookie (`CSRF_COOKIE_DOMAIN`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.csrf_cookie_domain("example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn csrf_cookie_domain(mut self, domain: impl Into<String>) -> Self {
        self.csrf.cookie_domain = Some(domain.into());
        self
    }

    fn cookies(mut self, security: CookieSecurity) -> Self {
        self.cookie.security = security;
        self.csrf.security = security;
        self
    }

    /// Would a browser take cookies of these names, domains and flags (RFC 6265bis)?
    pub(crate) fn cookies_can_be_set(&self) -> Result<(), Error> {
        let (session, csrf) = (&self.cookie, &self.csrf);
        let cookies = [
            ("SESSION_COOKIE", &session.name, &session.domain, session.security),
            ("CSRF_COOKIE", &csrf.cookie_name, &csrf.cookie_domain, csrf.security),
        ];
        for (setting, name, domain, security) in cookies {
            let of = |part: &str| format!("{setting}_{part}");
            check_name(&of("NAME"), name)?;
            check_domain(&of("DOMAIN"), domain.as_deref())?;
            if begins_with(name, HOST_PREFIX) && domain.is_some() {
                let problem = "is set, and browsers take a `__Host-` cookie for one host alone; take it away, or \
                               begin the name with `__Secure-`";
                return Err(Error::config(of("DOMAIN"), problem));
            }
            if needs_https(name) && security == CookieSecurity::AnyConnection {
                let problem = "is false, and browsers take a cookie of that name over HTTPS alone; take the \
                               beginning `__Host-` or `__Secure-` from its name";
                return Err(Error::config(of("SECURE"), problem));
            }
        }
        Ok(())
    }
}
