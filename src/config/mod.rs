//! What an app says of itself: two database URLs, the common key, and Django's cookie settings.
//!
//! A [`Config`] opens nothing. Settings have the names and the defaults of `django/conf/global_settings.py`.

mod cookies;
mod proxies;
mod scale;
mod variables;

use std::time::Duration;

use crate::clock::Clock;
use crate::error::Error;
use crate::key::{Fingerprint, KeyRing, SecretKey};
use crate::password::Hasher;
use crate::permission::ModelPermissions;
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;
#[cfg(feature = "_web")]
pub(crate) use cookies::needs_https;
use variables::Variables;
pub(crate) use variables::is_token_byte;

const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 3600);
const YEAR: Duration = Duration::from_secs(52 * 7 * 24 * 3600);
const THREE_DAYS: Duration = Duration::from_secs(3 * 24 * 3600);
/// `"django.contrib.sessions." + SessionStore.__qualname__`
const SESSION_SALT: &str = "django.contrib.sessions.SessionStore";

/// The settings of one app of the house.
///
/// ```
/// use housekey::{Config, SecretKey};
/// let key = SecretKey::new(housekey::key::generate())?;
/// let config = Config::new("sqlite:house.db", "sqlite:notes.db", key)?
///     .app_name("notes")
///     .login_url("/login")
///     .share_table("company");
/// # Ok::<(), housekey::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    pub(crate) shared: DatabaseUrl,
    pub(crate) local: DatabaseUrl,
    pub(crate) keys: KeyRing,
    pub(crate) app_name: String,
    pub(crate) login_url: Option<String>,
    /// Hosts that `next` may name besides the one that was asked.
    pub(crate) next_hosts: Vec<String>,
    /// Hosts that the app answers for; when there are none, for any.
    pub(crate) allowed_hosts: Vec<String>,
    /// Where visitors find the app.
    pub(crate) public_url: Option<String>,
    pub(crate) https: Https,
    /// The header by which the proxy in front tells a visitor's address.
    pub(crate) address_header: Option<String>,
    /// The header by which it tells the host that was asked.
    pub(crate) host_header: Option<String>,
    /// Whose headers are believed.
    pub(crate) trusted_proxies: Vec<String>,
    pub(crate) cookie: CookieSettings,
    pub(crate) csrf: CsrfSettings,
    pub(crate) session_salt: String,
    pub(crate) hasher: Hasher,
    pub(crate) hashes_at_once: usize,
    pub(crate) password_reset_timeout: Duration,
    pub(crate) permissions: Vec<ModelPermissions>,
    pub(crate) shared_tables: Vec<String>,
    pub(crate) shared_prefixes: Vec<String>,
    pub(crate) shared_pool_size: u32,
    pub(crate) local_pool_size: u32,
    pub(crate) deadline: Duration,
    /// How many sessions are kept in memory.
    pub(crate) cache: usize,
    pub(crate) replica: Option<DatabaseUrl>,
    pub(crate) replica_lag: Duration,
    pub(crate) staleness: Duration,
    pub(crate) clock: Clock,
}

/// The session cookie: `SESSION_COOKIE_*` and their kin.
#[derive(Debug, Clone)]
pub(crate) struct CookieSettings {
    pub(crate) name: String,
    pub(crate) domain: Option<String>,
    pub(crate) age: Duration,
    pub(crate) security: CookieSecurity,
    pub(crate) saving: Saving,
    pub(crate) lifetime: CookieLifetime,
}

/// How it is known that a request came over HTTPS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Https {
    /// By the scheme in the request's address, which HTTP/2 has and HTTP/1.1 has not.
    ByAddress,
    ByHeader {
        name: String,
        value: String,
    },
    Always,
}

/// The cookie of the CSRF protection: `CSRF_*`.
#[derive(Debug, Clone)]
pub(crate) struct CsrfSettings {
    pub(crate) cookie_name: String,
    pub(crate) cookie_domain: Option<String>,
    pub(crate) cookie_age: Duration,
    pub(crate) security: CookieSecurity,
    pub(crate) trusted_origins: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieSecurity {
    AnyConnection,
    /// For trying out: within one machine nobody listens on the way.
    HttpsOrLoopback,
    HttpsOnly,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Saving {
    WhenChanged,
    EveryRequest,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieLifetime {
    Age,
    UntilBrowserCloses,
}

impl Config {
    /// The two databases and the common key; everything else has a default.
    ///
    /// A URL is `postgres://…`, `sqlite:PATH` or a path. The app's name is that of the running program
    /// until [`Config::app_name`] gives another.
    ///
    /// ```
    /// use housekey::{Config, SecretKey};
    /// let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("sqlite:house.db", "sqlite:notes.db", key)?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a URL that names no database, or one whose kind is not compiled in.
    pub fn new(shared_url: &str, local_url: &str, key: SecretKey) -> Result<Self, Error> {
        Ok(Self {
            shared: DatabaseUrl::parse(Place::Shared, shared_url)?,
            local: DatabaseUrl::parse(Place::Local, local_url)?,
            keys: KeyRing::new(key),
            app_name: program_name(),
            login_url: None,
            next_hosts: Vec::new(),
            allowed_hosts: Vec::new(),
            public_url: None,
            https: Https::ByAddress,
            address_header: None,
            host_header: None,
            trusted_proxies: Vec::new(),
            cookie: CookieSettings {
                name: "sessionid".to_owned(),
                domain: None,
                age: TWO_WEEKS,
                security: CookieSecurity::HttpsOrLoopback,
                saving: Saving::WhenChanged,
                lifetime: CookieLifetime::Age,
            },
            csrf: CsrfSettings {
                cookie_name: "csrftoken".to_owned(),
                cookie_domain: None,
                cookie_age: YEAR,
                security: CookieSecurity::HttpsOrLoopback,
                trusted_origins: Vec::new(),
            },
            session_salt: SESSION_SALT.to_owned(),
            hasher: Hasher::default(),
            hashes_at_once: std::thread::available_parallelism().map_or(1, usize::from),
            password_reset_timeout: THREE_DAYS,
            permissions: Vec::new(),
            shared_tables: Vec::new(),
            shared_prefixes: Vec::new(),
            shared_pool_size: 4,
            local_pool_size: 8,
            deadline: Duration::from_secs(2),
            cache: 0,
            replica: None,
            replica_lag: Duration::from_secs(10),
            staleness: Duration::from_millis(100),
            clock: Clock::default(),
        })
    }

    /// Reads the settings from the environment.
    ///
    /// | variable | meaning | default |
    /// |---|---|---|
    /// | `SHARED_DATABASE_URL` | users and sessions | required |
    /// | `DATABASE_URL` | the app's own tables | required |
    /// | `SECRET_KEY` or `SECRET_KEY_FILE` | the common key, or a file that holds it | required |
    /// | `SECRET_KEY_FALLBACKS` | JSON list of keys that still verify | `[]` |
    /// | `APP_NAME` | this app, in the registry and in messages | the program's name |
    /// | `PUBLIC_URL` | where visitors find this app, for `housekey check`: `https://notes.example.org` | not said |
    /// | `LOGIN_URL` | where to send who is not signed in | answer 401 |
    /// | `SESSION_COOKIE_NAME` | | `sessionid` |
    /// | `SESSION_COOKIE_DOMAIN` | for apps on several hosts: their parent domain | this host |
    /// | `SESSION_COOKIE_AGE` | seconds | 1209600 |
    /// | `SESSION_COOKIE_SECURE` | send the cookie over HTTPS alone; `false` lets anybody on the way read it | `true`, but not where host is this very machine |
    /// | `SESSION_SAVE_EVERY_REQUEST` | every request prolongs the session | `false` |
    /// | `SESSION_EXPIRE_AT_BROWSER_CLOSE` | | `false` |
    /// | `SESSION_SALT` | of a Django with a session store of its own: `django.contrib.sessions.` and its class | `django.contrib.sessions.SessionStore` |
    /// | `CSRF_COOKIE_NAME` | | `csrftoken` |
    /// | `CSRF_COOKIE_DOMAIN` | as `SESSION_COOKIE_DOMAIN` | this host |
    /// | `CSRF_COOKIE_SECURE` | | as `SESSION_COOKIE_SECURE` |
    /// | `CSRF_TRUSTED_ORIGINS` | JSON list of origins whose pages may post here | `[]` |
    /// | `SUCCESS_URL_ALLOWED_HOSTS` | JSON list of hosts that `next` may name | `[]` |
    /// | `ALLOWED_HOSTS` | JSON list of hosts that the app answers for; `.example.org` stands for all below | any |
    /// | `TRUSTED_PROXIES` | JSON list of the addresses and nets (`10.0.0.0/8`) whose headers are believed; `unix` for a Unix socket | this very machine |
    /// | `USE_X_FORWARDED_HOST` | the proxy tells the host that was asked in `X-Forwarded-Host` | `false` |
    /// | `SECURE_PROXY_SSL_HEADER` | JSON list: the header by which the proxy says "it was HTTPS", and its value | none |
    /// | `CLIENT_ADDRESS_HEADER` | the header by which the proxy tells a visitor's address, like `X-Real-IP` | the connection's |
    /// | `PASSWORD_HASHER` | `pbkdf2_sha256`, `pbkdf2_sha1`, `argon2`, `bcrypt_sha256` or `scrypt`, the last three each with its feature | `pbkdf2_sha256` |
    /// | `PASSWORD_ITERATIONS` | rounds of `pbkdf2_sha256` | 1000000 |
    /// | `PASSWORD_RESET_TIMEOUT` | seconds | 259200 |
    /// | `SESSION_CACHE_ENTRIES` | how many sessions, and permissions of users, are kept in memory | 0 |
    /// | `SHARED_REPLICA_URL` | a streaming standby of the shared database, from which sessions and permissions are read | none |
    ///
    /// The URL of a PostgreSQL that is reached through a pooler in transaction mode (PgBouncer) says so:
    /// `postgres://USER@HOST/NAME?pgbouncer=true`. With `pgbouncer=false` nothing lies in between, or it keeps prepared
    /// statements itself; where neither is said it is found out.
    ///
    /// ```no_run
    /// let config = housekey::Config::from_env()?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] that names the variable and what to set.
    pub fn from_env() -> Result<Self, Error> {
        Self::from_env_or(|_| None)
    }

    /// Reads the settings from the environment, and those that are not set there from elsewhere: the command
    /// line needs no `DATABASE_URL`.
    ///
    /// ```no_run
    /// let config = housekey::Config::from_env_or(|name| (name == "APP_NAME").then(|| "notes".to_owned()))?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] that names the variable and what to set.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place where the environment is read"
    )]
    pub fn from_env_or(default: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let broken = std::cell::RefCell::new(None);
        let config = Self::from_vars(|name| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Some(value),
            Ok(_) | Err(std::env::VarError::NotPresent) => default(name),
            Err(std::env::VarError::NotUnicode(_)) => {
                broken.replace(Some(name.to_owned()));
                None
            }
        });
        // A key that is left out silently would be looked for elsewhere.
        match broken.take() {
            Some(name) => Err(Error::config(name, "is no text in UTF-8; set it anew")),
            None => config,
        }
    }

    /// Reads the same settings from anywhere: a file of yours, a map in a test.
    ///
    /// ```
    /// use housekey::Config;
    /// let error = Config::from_vars(|_| None).unwrap_err();
    /// assert!(error.to_string().starts_with("SHARED_DATABASE_URL is not set"));
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] that names the variable and what to set.
    pub fn from_vars(vars: impl Fn(&str) -> Option<String>) -> Result<Self, Error> {
        let vars = Variables(vars);
        let shared = vars.required("SHARED_DATABASE_URL", "the database of users and sessions")?;
        let local = vars.required("DATABASE_URL", "the database of this app's own tables")?;
        let mut config = Self::new(&shared, &local, vars.secret_key()?)?;
        for key in vars.fallback_keys()? {
            config = config.fallback_key(key);
        }
        config.app_name = vars.optional("APP_NAME").unwrap_or(config.app_name);
        config.public_url = vars.optional("PUBLIC_URL");
        config.login_url = vars.optional("LOGIN_URL");
        config.next_hosts = vars.texts("SUCCESS_URL_ALLOWED_HOSTS")?;
        config.allowed_hosts = vars.texts("ALLOWED_HOSTS")?;
        config.trusted_proxies = vars.texts("TRUSTED_PROXIES")?;
        if vars.is_true("USE_X_FORWARDED_HOST")? {
            config = config.use_x_forwarded_host();
        }
        if let Some((name, value)) = vars.secure_proxy_header()? {
            config = config.secure_proxy_ssl_header(name, value);
        }
        if let Some(name) = vars.optional("CLIENT_ADDRESS_HEADER") {
            config = config.client_address_header(name);
        }
        config.cookie = vars.cookie(config.cookie)?;
        config.csrf = vars.csrf(config.csrf, config.cookie.security)?;
        config.session_salt = vars.optional("SESSION_SALT").unwrap_or(config.session_salt);
        config.hasher = vars.hasher()?;
        config.password_reset_timeout =
            vars.seconds("PASSWORD_RESET_TIMEOUT", config.password_reset_timeout)?;
        config.cache = vars.number("SESSION_CACHE_ENTRIES", 0)?;
        match vars.optional("SHARED_REPLICA_URL") {
            Some(url) => config.shared_replica(&url),
            None => Ok(config),
        }
    }

    /// The app's name in the registry of the house and in messages.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.app_name("notes");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn app_name(mut self, name: impl Into<String>) -> Self {
        self.app_name = name.into();
        self
    }

    /// A key that verifies but does not sign (`SECRET_KEY_FALLBACKS`); call it once for each.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let (new, old) = (housekey::key::generate(), housekey::key::generate());
    /// let config = Config::new("house.db", "notes.db", SecretKey::new(new)?)?
    ///     .fallback_key(SecretKey::new(old)?);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn fallback_key(mut self, key: SecretKey) -> Self {
        self.keys = self.keys.with_fallback(key);
        self
    }

    /// What may be shown of the key that signs.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key.clone())?;
    /// assert_eq!(config.fingerprint(), key.fingerprint());
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        self.keys.current().fingerprint()
    }

    /// What kind of database the app's own is, for an app that serves either.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// # #[cfg(feature = "sqlite")]
    /// let config = Config::new("house.db", "notes.db", key)?;
    /// # #[cfg(feature = "sqlite")]
    /// assert_eq!(config.local_kind(), housekey::DatabaseKind::Sqlite);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn local_kind(&self) -> DatabaseKind {
        self.local.kind()
    }

    /// For an app without tables of its own: no other database than the shared one is opened or made, whatever
    /// `DATABASE_URL` says.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "front.db", key)?.without_local_database();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn without_local_database(mut self) -> Self {
        self.local = self.shared.clone();
        self
    }

    /// Where visitors find this app (`PUBLIC_URL`): from it `housekey check` tells whether the session cookie of
    /// one app reaches the others.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.public_url("https://notes.example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn public_url(mut self, url: impl Into<String>) -> Self {
        self.public_url = Some(url.into());
        self
    }

    /// Where a visitor who must sign in is sent (`LOGIN_URL`); without it the answer is 401.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.login_url("/login");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn login_url(mut self, url: impl Into<String>) -> Self {
        self.login_url = Some(url.into());
        self
    }

    /// How long a session lives after its last change (`SESSION_COOKIE_AGE`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let day = std::time::Duration::from_secs(24 * 3600);
    /// let config = Config::new("house.db", "notes.db", key)?.session_cookie_age(day);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_cookie_age(mut self, age: Duration) -> Self {
        self.cookie.age = age;
        self
    }

    /// Rounds of `pbkdf2_sha256` for new password hashes. Every app of the house wants the same number.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.password_iterations(1_200_000);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn password_iterations(self, rounds: u32) -> Self {
        self.password_hasher(Hasher::pbkdf2_sha256(rounds))
    }

    /// How new passwords are hashed, and up to what stored ones are upgraded (the first of Django's
    /// `PASSWORD_HASHERS`). Every app of the house wants the same.
    ///
    /// ```no_run
    /// use housekey::password::{Algorithm, Hasher};
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .password_hasher(Hasher::preferring(Algorithm::Argon2)?);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn password_hasher(mut self, hasher: Hasher) -> Self {
        self.hasher = hasher;
        self
    }

    /// How many passwords this app hashes at once: as many as there are processors, unless said otherwise. Eight
    /// times as many wait for that, no longer than [`Config::deadline`]; beyond that a login is
    /// [`Error::Busy`]. So a flood of logins does not take all threads and memory of the app. 0 counts as 1.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.password_hashes_at_once(2);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn password_hashes_at_once(mut self, most: usize) -> Self {
        self.hashes_at_once = most.max(1);
        self
    }

    /// How long a link for a new password is good (`PASSWORD_RESET_TIMEOUT`): three days unless said
    /// otherwise.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let hour = std::time::Duration::from_secs(3600);
    /// let config = Config::new("house.db", "notes.db", key)?.password_reset_timeout(hour);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn password_reset_timeout(mut self, timeout: Duration) -> Self {
        self.password_reset_timeout = timeout;
        self
    }

    /// The permissions of this app's own models, which [`migrate`](crate::migrate) puts into the shared
    /// database; see [`permissions!`](crate::permissions!).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "billing.db", key)?.permissions(housekey::permissions! {
    ///     "billing": Invoice { add, change, "approve_invoice" = "Can approve invoice" }
    /// });
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn permissions(mut self, models: impl IntoIterator<Item = ModelPermissions>) -> Self {
        self.permissions.extend(models);
        self
    }

    /// The salt of signed sessions, for a house whose Django apps have a session store class of their own:
    /// `django.contrib.sessions.` and the name of that class.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .session_salt("django.contrib.sessions.AuditedSessionStore");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_salt(mut self, salt: impl Into<String>) -> Self {
        self.session_salt = salt.into();
        self
    }

    /// Another origin whose pages may post here (`CSRF_TRUSTED_ORIGINS`): `https://tasks.example.org`, or
    /// `https://*.example.org` for all below a domain. Call it once for each.
    ///
    /// The pages over there must say where they are from: with the `Referrer-Policy` that housekey and Django send by
    /// default, `same-origin`, browsers send `Origin: null` to all others, which is refused. With
    /// `strict-origin-when-cross-origin` they say it.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .csrf_trusted_origin("https://tasks.example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn csrf_trusted_origin(mut self, origin: impl Into<String>) -> Self {
        self.csrf.trusted_origins.push(origin.into());
        self
    }

    /// Another host, with its port, that `next` may send a visitor to after the login (Django's
    /// `success_url_allowed_hosts`). Call it once for each.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "front.db", key)?.allow_next_host("tasks.example.org");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn allow_next_host(mut self, host: impl Into<String>) -> Self {
        self.next_hosts.push(host.into());
        self
    }

    /// A table of the apps' own that lives in the shared database.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.share_table("company");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn share_table(mut self, table: impl Into<String>) -> Self {
        self.shared_tables.push(table.into());
        self
    }

    /// Tables of the apps' own that live in the shared database, by how their names begin.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.share_tables_with_prefix("crm_");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn share_tables_with_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.shared_prefixes.push(prefix.into());
        self
    }

    /// How many connections the pools may hold: 4 shared and 8 local ones unless said otherwise.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.pool_sizes(2, 4);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn pool_sizes(mut self, shared: u32, local: u32) -> Self {
        self.shared_pool_size = shared.max(1);
        self.local_pool_size = local.max(1);
        self
    }

    /// How long to wait for a connection, for a locked SQLite file, and for a place in
    /// [`Housekey::run`](crate::Housekey::run): 2 s unless said otherwise.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .deadline(std::time::Duration::from_millis(500));
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline.max(Duration::from_millis(1));
        self
    }

    /// The clock that stamps signed texts and cookies; another one than the system's is for tests.
    ///
    /// ```
    /// # use housekey::{Clock, Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let late = Clock::ahead(std::time::Duration::from_secs(600));
    /// let config = Config::new("house.db", "notes.db", key)?.clock(late);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }
}

fn program_name() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(std::path::Path::file_stem);
    name.map_or_else(|| "app".to_owned(), |name| name.to_string_lossy().into_owned())
}
