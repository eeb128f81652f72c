//! What an app says of itself: two database URLs, the common key, and Django's cookie settings.
//!
//! A [`Config`] opens nothing. Settings have the names and the defaults of `django/conf/global_settings.py`.

use std::time::Duration;

use crate::clock::Clock;
use crate::error::{Error, NEW_KEY};
use crate::key::{KeyRing, SecretKey};
use crate::place::{DatabaseKind, Place};
use crate::url::{DatabaseUrl, FORMS};

const TWO_WEEKS: Duration = Duration::from_secs(14 * 24 * 3600);
/// Django 5.2's `PBKDF2PasswordHasher.iterations`.
const ITERATIONS: u32 = 1_000_000;

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
    pub(crate) cookie: CookieSettings,
    pub(crate) password_iterations: u32,
    pub(crate) shared_tables: Vec<String>,
    pub(crate) shared_prefixes: Vec<String>,
    pub(crate) shared_pool_size: u32,
    pub(crate) local_pool_size: u32,
    pub(crate) deadline: Duration,
    pub(crate) clock: Clock,
}

/// The session cookie: `SESSION_COOKIE_*` and their kin.
#[derive(Debug, Clone)]
pub(crate) struct CookieSettings {
    pub(crate) name: String,
    #[cfg_attr(not(feature = "axum"), expect(dead_code, reason = "for the web adapters"))]
    pub(crate) domain: Option<String>,
    pub(crate) age: Duration,
    pub(crate) security: CookieSecurity,
    pub(crate) saving: Saving,
    pub(crate) lifetime: CookieLifetime,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CookieSecurity {
    AnyConnection,
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
            cookie: CookieSettings {
                name: "sessionid".to_owned(),
                domain: None,
                age: TWO_WEEKS,
                security: CookieSecurity::AnyConnection,
                saving: Saving::WhenChanged,
                lifetime: CookieLifetime::Age,
            },
            password_iterations: ITERATIONS,
            shared_tables: Vec::new(),
            shared_prefixes: Vec::new(),
            shared_pool_size: 4,
            local_pool_size: 8,
            deadline: Duration::from_secs(2),
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
    /// | `LOGIN_URL` | where to send who is not signed in | answer 401 |
    /// | `SESSION_COOKIE_NAME` | | `sessionid` |
    /// | `SESSION_COOKIE_DOMAIN` | for apps on several hosts: their parent domain | this host |
    /// | `SESSION_COOKIE_AGE` | seconds | 1209600 |
    /// | `SESSION_COOKIE_SECURE` | send the cookie over HTTPS alone | `false` |
    /// | `SESSION_SAVE_EVERY_REQUEST` | every request prolongs the session | `false` |
    /// | `SESSION_EXPIRE_AT_BROWSER_CLOSE` | | `false` |
    /// | `PASSWORD_ITERATIONS` | rounds of `pbkdf2_sha256` | 1000000 |
    ///
    /// ```no_run
    /// let config = housekey::Config::from_env()?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] that names the variable and what to set.
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the place where the environment is read"
    )]
    pub fn from_env() -> Result<Self, Error> {
        Self::from_vars(|name| std::env::var(name).ok())
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
        config.login_url = vars.optional("LOGIN_URL");
        config.cookie = vars.cookie(config.cookie)?;
        config.password_iterations =
            vars.number("PASSWORD_ITERATIONS", config.password_iterations)?;
        if config.password_iterations == 0 {
            return Err(Error::config("PASSWORD_ITERATIONS", "must be at least 1"));
        }
        Ok(config)
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

    /// Sends the session cookie over HTTPS alone (`SESSION_COOKIE_SECURE`).
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.session_cookie_secure();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn session_cookie_secure(mut self) -> Self {
        self.cookie.security = CookieSecurity::HttpsOnly;
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
    pub fn password_iterations(mut self, rounds: u32) -> Self {
        self.password_iterations = rounds.max(1);
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

/// The variables of an environment, with errors that name them.
struct Variables<F>(F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    fn required(&self, name: &str, what: &str) -> Result<String, Error> {
        self.optional(name)
            .ok_or_else(|| Error::config(name, format!("is not set; it names {what}: {FORMS}")))
    }

    fn secret_key(&self) -> Result<SecretKey, Error> {
        match (self.optional("SECRET_KEY"), self.optional("SECRET_KEY_FILE")) {
            (Some(_), Some(_)) => Err(Error::config(
                "SECRET_KEY_FILE",
                "and SECRET_KEY are both set; keep one of them",
            )),
            (Some(text), None) => Ok(SecretKey::new(text)?),
            (None, Some(path)) => key_from_file(&path),
            (None, None) => Err(Error::config("SECRET_KEY", format!("is not set; {NEW_KEY}"))),
        }
    }

    fn fallback_keys(&self) -> Result<Vec<SecretKey>, Error> {
        const NAME: &str = "SECRET_KEY_FALLBACKS";
        let Some(list) = self.optional(NAME) else { return Ok(Vec::new()) };
        let texts: Vec<String> = serde_json::from_str(&list)
            .map_err(|_| Error::config(NAME, "is not a JSON list of texts, like [\"old key\"]"))?;
        let key = |text| {
            SecretKey::new(text)
                .map_err(|weak| Error::config(NAME, format!("holds a key that {}", weak.problem())))
        };
        texts.into_iter().map(key).collect()
    }

    fn cookie(&self, default: CookieSettings) -> Result<CookieSettings, Error> {
        let name = self.optional("SESSION_COOKIE_NAME").unwrap_or(default.name);
        if !name.bytes().all(is_token_byte) {
            return Err(Error::config(
                "SESSION_COOKIE_NAME",
                "may hold letters, digits and -_.~ only",
            ));
        }
        let domain = self.optional("SESSION_COOKIE_DOMAIN");
        if domain.as_deref().is_some_and(|domain| !domain.bytes().all(is_host_byte)) {
            return Err(Error::config("SESSION_COOKIE_DOMAIN", "is not the name of a host"));
        }
        let age = self.number("SESSION_COOKIE_AGE", default.age.as_secs())?;
        Ok(CookieSettings {
            name,
            domain,
            age: Duration::from_secs(age),
            security: self.choice(
                "SESSION_COOKIE_SECURE",
                CookieSecurity::HttpsOnly,
                default.security,
            )?,
            saving: self.choice(
                "SESSION_SAVE_EVERY_REQUEST",
                Saving::EveryRequest,
                default.saving,
            )?,
            lifetime: self.choice(
                "SESSION_EXPIRE_AT_BROWSER_CLOSE",
                CookieLifetime::UntilBrowserCloses,
                default.lifetime,
            )?,
        })
    }

    fn number<N: std::str::FromStr>(&self, name: &str, default: N) -> Result<N, Error> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        text.trim()
            .parse()
            .map_err(|_| Error::config(name, "is not a whole number; set one, in digits alone"))
    }

    /// `yes` when the variable is true, `no` when it is false or absent.
    fn choice<T>(&self, name: &str, yes: T, no: T) -> Result<T, Error> {
        match self.optional(name).as_deref().map(str::to_ascii_lowercase).as_deref() {
            None | Some("false" | "0" | "no" | "off") => Ok(no),
            Some("true" | "1" | "yes" | "on") => Ok(yes),
            Some(_) => Err(Error::config(name, "is neither true nor false; set one of the two")),
        }
    }
}

fn key_from_file(path: &str) -> Result<SecretKey, Error> {
    const NAME: &str = "SECRET_KEY_FILE";
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::config(NAME, format!("cannot be read ({error}); name a file that holds the key"))
    })?;
    SecretKey::new(text.trim_end_matches(['\r', '\n'])).map_err(|weak| {
        Error::config(NAME, format!("holds a key that {}; {NEW_KEY}", weak.problem()))
    })
}

fn program_name() -> String {
    let program = std::env::current_exe().ok();
    let name = program.as_deref().and_then(std::path::Path::file_stem);
    name.map_or_else(|| "app".to_owned(), |name| name.to_string_lossy().into_owned())
}

fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._".contains(&byte)
}
