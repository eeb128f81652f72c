//! The environment, read with errors that name the variable.

use std::time::Duration;

use super::cookies::{check_domain, check_name};
use super::{CookieLifetime, CookieSecurity, CookieSettings, CsrfSettings, Saving};
use crate::error::{Error, NEW_KEY};
use crate::key::SecretKey;
use crate::password::{Algorithm, Hasher, identify};
use crate::url::FORMS;

/// The variables of an environment, with errors that name them.
pub(super) struct Variables<F>(pub(super) F);

impl<F: Fn(&str) -> Option<String>> Variables<F> {
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        (self.0)(name).filter(|value| !value.is_empty())
    }

    pub(super) fn required(&self, name: &str, what: &str) -> Result<String, Error> {
        self.optional(name)
            .ok_or_else(|| Error::config(name, format!("is not set; it names {what}: {FORMS}")))
    }

    pub(super) fn secret_key(&self) -> Result<SecretKey, Error> {
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

    pub(super) fn fallback_keys(&self) -> Result<Vec<SecretKey>, Error> {
        const NAME: &str = "SECRET_KEY_FALLBACKS";
        let key = |text| {
            SecretKey::new(text)
                .map_err(|weak| Error::config(NAME, format!("holds a key that {}", weak.problem())))
        };
        self.texts(NAME)?.into_iter().map(key).collect()
    }

    pub(super) fn texts(&self, name: &str) -> Result<Vec<String>, Error> {
        let Some(list) = self.optional(name) else { return Ok(Vec::new()) };
        serde_json::from_str(&list).map_err(|_| {
            let example = match name {
                "SECURE_PROXY_SSL_HEADER" => r#"["X-Forwarded-Proto", "https"]"#,
                "TRUSTED_PROXIES" => r#"["10.0.0.2"]"#,
                _ => r#"["one", "two"]"#,
            };
            Error::config(name, format!("is not a JSON list of texts, like {example}"))
        })
    }

    pub(super) fn secure_proxy_header(&self) -> Result<Option<(String, String)>, Error> {
        const NAME: &str = "SECURE_PROXY_SSL_HEADER";
        match <[String; 2]>::try_from(self.texts(NAME)?) {
            Ok([name, value]) => Ok(Some((name, value))),
            Err(texts) if texts.is_empty() => Ok(None),
            Err(_) => Err(Error::config(
                NAME,
                "is not a header and its value, like [\"X-Forwarded-Proto\", \"https\"]",
            )),
        }
    }

    pub(super) fn hasher(&self) -> Result<Hasher, Error> {
        let algorithm = match self.optional("PASSWORD_HASHER") {
            None => Algorithm::Pbkdf2Sha256,
            Some(name) => identify(&name).ok_or_else(|| {
                Error::config(
                    "PASSWORD_HASHER",
                    "is none of pbkdf2_sha256, pbkdf2_sha1, argon2, bcrypt_sha256 and scrypt",
                )
            })?,
        };
        let default = Hasher::preferring(algorithm).map_err(|lacking| {
            Error::config("PASSWORD_HASHER", format!("cannot be used: {lacking}"))
        })?;
        match self.optional("PASSWORD_ITERATIONS") {
            None => Ok(default),
            Some(_) if algorithm != Algorithm::Pbkdf2Sha256 => Err(Error::config(
                "PASSWORD_ITERATIONS",
                "is for the PASSWORD_HASHER pbkdf2_sha256 alone; take one of the two away",
            )),
            Some(_) => match self.number("PASSWORD_ITERATIONS", 0)? {
                0 => Err(Error::config("PASSWORD_ITERATIONS", "must be at least 1")),
                rounds => Ok(Hasher::pbkdf2_sha256(rounds)),
            },
        }
    }

    pub(super) fn cookie(&self, default: CookieSettings) -> Result<CookieSettings, Error> {
        let name = self.cookie_name("SESSION_COOKIE_NAME", default.name)?;
        let domain = self.host("SESSION_COOKIE_DOMAIN")?;
        Ok(CookieSettings {
            name,
            domain,
            age: self.seconds("SESSION_COOKIE_AGE", default.age)?,
            security: self.security("SESSION_COOKIE_SECURE", default.security)?,
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

    pub(super) fn csrf(
        &self,
        default: CsrfSettings,
        session: CookieSecurity,
    ) -> Result<CsrfSettings, Error> {
        Ok(CsrfSettings {
            cookie_name: self.cookie_name("CSRF_COOKIE_NAME", default.cookie_name)?,
            cookie_domain: self.host("CSRF_COOKIE_DOMAIN")?,
            cookie_age: default.cookie_age,
            security: self.security("CSRF_COOKIE_SECURE", session)?,
            trusted_origins: self.texts("CSRF_TRUSTED_ORIGINS")?,
        })
    }

    fn cookie_name(&self, variable: &str, default: String) -> Result<String, Error> {
        let name = self.optional(variable).unwrap_or(default);
        check_name(variable, &name).map(|()| name)
    }

    fn host(&self, variable: &str) -> Result<Option<String>, Error> {
        let host = self.optional(variable);
        check_domain(variable, host.as_deref()).map(|()| host)
    }

    pub(super) fn seconds(&self, name: &str, default: Duration) -> Result<Duration, Error> {
        self.number(name, default.as_secs()).map(Duration::from_secs)
    }

    pub(super) fn number<N: std::str::FromStr>(&self, name: &str, default: N) -> Result<N, Error> {
        let Some(text) = self.optional(name) else { return Ok(default) };
        text.trim()
            .parse()
            .map_err(|_| Error::config(name, "is not a whole number; set one, in digits alone"))
    }

    fn security(&self, name: &str, default: CookieSecurity) -> Result<CookieSecurity, Error> {
        if self.optional(name).is_none() {
            return Ok(default);
        }
        self.choice(name, CookieSecurity::HttpsOnly, CookieSecurity::AnyConnection)
    }

    pub(super) fn is_true(&self, name: &str) -> Result<bool, Error> {
        self.choice(name, true, false)
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

pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}
