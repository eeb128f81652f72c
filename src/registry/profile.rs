//! What an app tells of itself: to the registry when it opens the house, and to whoever asks for its document.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::config::{Config, CookieSecurity};

/// What an app of the house says of itself, for `housekey check` to compare; nothing in it is a secret.
///
/// As JSON it is the document that an app serves (`housekey::axum::profile`) and that `check --against` reads.
/// A Django app may serve the same; what it leaves out is not compared.
///
/// ```
/// let profile = housekey::Profile::from_json(r#"{"app": "wiki", "keys": ["3f9a0c5e7d214b68"]}"#).unwrap();
/// assert_eq!(profile.signs_with(), Some("3f9a0c5e7d214b68"));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Profile {
    /// What serves it: `housekey 0.1.0`, or `Django 5.2.19`.
    pub made_by: String,
    /// `APP_NAME`
    pub app: String,
    /// The name of the house that the app stands in: equal in all apps of one shared database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house: Option<String>,
    /// The fingerprints of `SECRET_KEY` and of `SECRET_KEY_FALLBACKS`, in this order.
    pub keys: Vec<String>,
    /// `SESSION_COOKIE_*`
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_cookie: Option<CookieProfile>,
    /// Django's `SESSION_ENGINE`; a housekey app has no choice of these.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_engine: Option<String>,
    /// By what names a Django app knows the databases of its `users` and its `sessions`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub databases: BTreeMap<String, String>,
    /// The salt of signed sessions, which names Django's `SessionStore` class.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_salt: Option<String>,
    /// The preferred hasher with its cost, as `pbkdf2_sha256$1000000`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password_hasher: Option<String>,
    /// Where visitors find the app (`PUBLIC_URL`).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
}

/// How an app sets the session cookie.
///
/// ```
/// let cookie = housekey::CookieProfile::default();
/// assert_eq!((cookie.name.as_str(), cookie.path.as_str(), cookie.age), ("sessionid", "/", 1_209_600));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct CookieProfile {
    /// `SESSION_COOKIE_NAME`
    pub name: String,
    /// `SESSION_COOKIE_DOMAIN`
    pub domain: Option<String>,
    /// `SESSION_COOKIE_PATH`
    pub path: String,
    /// `SESSION_COOKIE_SECURE`
    pub secure: bool,
    /// `SESSION_COOKIE_SAMESITE`
    pub samesite: String,
    /// `SESSION_COOKIE_AGE`, in seconds.
    pub age: u64,
}

/// As Django has it when nothing is set.
impl Default for CookieProfile {
    fn default() -> Self {
        Self {
            name: "sessionid".to_owned(),
            domain: None,
            path: "/".to_owned(),
            secure: false,
            samesite: "Lax".to_owned(),
            age: 14 * 24 * 3600,
        }
    }
}

impl Profile {
    pub(crate) fn of(config: &Config) -> Self {
        let cookie = &config.cookie;
        Self {
            made_by: concat!("housekey ", env!("CARGO_PKG_VERSION")).to_owned(),
            app: config.app_name.clone(),
            house: None,
            keys: config.keys.fingerprints().map(|key| key.to_string()).collect(),
            session_cookie: Some(CookieProfile {
                name: cookie.name.clone(),
                domain: cookie.domain.clone(),
                secure: cookie.security != CookieSecurity::AnyConnection,
                age: cookie.age.as_secs(),
                ..CookieProfile::default()
            }),
            session_engine: None,
            databases: BTreeMap::new(),
            session_salt: Some(config.session_salt.clone()),
            password_hasher: Some(config.hasher.to_string()),
            public_url: config.public_url.clone(),
        }
    }

    /// Reads the document of an app; `None` when it is no such document: it must tell the app and its keys.
    ///
    /// ```
    /// assert!(housekey::Profile::from_json("<!doctype html>").is_none());
    /// ```
    #[must_use]
    pub fn from_json(json: &str) -> Option<Self> {
        let profile: Self = serde_json::from_str(json).ok()?;
        (!profile.app.is_empty() && !profile.keys.is_empty()).then_some(profile)
    }

    /// The document, as an app serves it.
    ///
    /// ```
    /// let profile = housekey::Profile::from_json(r#"{"app": "wiki", "keys": ["3f9a0c5e7d214b68"]}"#).unwrap();
    /// assert_eq!(housekey::Profile::from_json(&profile.to_json()), Some(profile));
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        // Texts, numbers and lists always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// The fingerprint of the key that the app signs with.
    ///
    /// ```
    /// assert_eq!(housekey::Profile::default().signs_with(), None);
    /// ```
    #[must_use]
    pub fn signs_with(&self) -> Option<&str> {
        self.keys.first().map(String::as_str)
    }

    pub(crate) fn verifies(&self, fingerprint: &str) -> bool {
        self.keys.iter().any(|key| key == fingerprint)
    }
}
