//! What the proxy in front of an app says, and for which hosts the app answers.

use super::{Config, Https};

impl Config {
    /// The header by which the proxy in front says that a request came over HTTPS, and the value it then
    /// has (`SECURE_PROXY_SSL_HEADER`). The proxy must take that header away from what visitors send.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .secure_proxy_ssl_header("X-Forwarded-Proto", "https");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn secure_proxy_ssl_header(
        mut self,
        name: impl Into<String>,
        value: impl Into<String>,
    ) -> Self {
        self.https = Https::ByHeader { name: header_name(&name.into()), value: value.into() };
        self
    }

    /// The header by which the proxy in front tells a visitor's address (`X-Real-IP`, `X-Forwarded-For`), for
    /// the list of a user's sessions. The proxy must take that header away from what visitors send, or add to
    /// it: of a list the last address counts, which the nearest proxy has added.
    ///
    /// Without it the address is that of the connection, where the app serves
    /// `into_make_service_with_connect_info::<SocketAddr>()`; behind a proxy that is the proxy's.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.client_address_header("X-Real-IP");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn client_address_header(mut self, name: impl Into<String>) -> Self {
        self.address_header = Some(header_name(&name.into()));
        self
    }

    /// Every request comes over HTTPS: for an app that ends TLS itself, or behind a proxy that lets nothing
    /// else through. Without it only requests that say so (HTTP/2, or [`Config::secure_proxy_ssl_header`])
    /// are taken for secure.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.always_https();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn always_https(mut self) -> Self {
        self.https = Https::Always;
        self
    }

    /// Can the app know that a request came over HTTPS: by a header ([`Config::secure_proxy_ssl_header`]), or because
    /// all do ([`Config::always_https`])? If not, and others than this machine reach it, passwords may be read on the way.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?;
    /// assert!(!config.knows_https());
    /// assert!(config.always_https().knows_https());
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn knows_https(&self) -> bool {
        self.https != Https::ByAddress
    }

    /// The proxy in front tells in `X-Forwarded-Host` which host was asked (`USE_X_FORWARDED_HOST`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.use_x_forwarded_host();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn use_x_forwarded_host(mut self) -> Self {
        self.host_header = Some("x-forwarded-host".to_owned());
        self
    }

    /// A proxy whose headers are believed: its address, its net like `10.0.0.0/8`, or `unix` for who comes over a
    /// Unix socket. Call it once for each. When none is named, what is on this very machine is believed.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .trusted_proxy("10.0.0.2")
    ///     .client_address_header("X-Real-IP");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn trusted_proxy(mut self, address: impl Into<String>) -> Self {
        self.trusted_proxies.push(address.into());
        self
    }

    /// A host that the app answers for (`ALLOWED_HOSTS`); `.example.org` stands for all below. When none is named,
    /// it answers for any.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.allowed_host("notes.example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn allowed_host(mut self, host: impl Into<String>) -> Self {
        self.allowed_hosts.push(host.into());
        self
    }
}

/// Django names headers as WSGI does.
fn header_name(name: &str) -> String {
    name.trim().trim_start_matches("HTTP_").replace('_', "-")
}
