use std::time::Duration;

use chrono::{DateTime, Utc};

use super::{BadSignature, TimestampSigner};
use crate::key::{KeyRing, SecretKey};

/// Signs the value of a cookie (`HttpResponse.set_signed_cookie` and `HttpRequest.get_signed_cookie`).
///
/// The form is that of Django 5.2.15, 6.0.6 and later. What older ones wrote is read when that is asked for.
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
/// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
/// let (signer, now) = (CookieSigner::new(&ring, "theme", ""), chrono::DateTime::UNIX_EPOCH);
/// let value = signer.sign("dark", now);
/// assert_eq!(signer.unsign(&value)?, "dark");
/// assert!(CookieSigner::new(&ring, "role", "").unsign(&value).is_err());
/// # Ok::<(), housekey::signing::BadSignature>(())
/// ```
#[derive(Debug, Clone)]
pub struct CookieSigner {
    current: TimestampSigner,
    legacy: TimestampSigner,
    reads: Reads,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reads {
    Current,
    LegacyToo,
}

impl CookieSigner {
    /// A signer for the cookie of that name; the salt is an additional text, often empty.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// let signer = CookieSigner::new(&ring, "theme", "salt");
    /// assert!(signer.sign("dark", chrono::DateTime::UNIX_EPOCH).starts_with("dark:0:"));
    /// ```
    #[must_use]
    pub fn new(ring: &KeyRing, name: &str, salt: &str) -> Self {
        let keys =
            ring.map(|key| SecretKey::from_bytes(&[b"django.http.cookies", key.expose()].concat()));
        let length = salt.chars().count();
        let current = format!("django.http.cookies.v2:{length}:{salt}{name}");
        Self {
            current: TimestampSigner::new(&keys, &current),
            legacy: TimestampSigner::new(&keys, &format!("{name}{salt}")),
            reads: Reads::Current,
        }
    }

    /// Reads what Django before 5.2.15 and 6.0.6 has written, too (`SIGNED_COOKIE_LEGACY_SALT_FALLBACK`).
    ///
    /// In that form the cookie `ab` with the salt `c` and the cookie `a` with the salt `bc` are one
    /// (CVE-2026-6873), so turn it on for a time of transition only.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// let signer = CookieSigner::new(&ring, "theme", "").reading_legacy();
    /// ```
    #[must_use]
    pub fn reading_legacy(mut self) -> Self {
        self.reads = Reads::LegacyToo;
        self
    }

    /// The value with its time (whole seconds are kept) and signature.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// let signed = CookieSigner::new(&ring, "theme", "").sign("dark", chrono::DateTime::UNIX_EPOCH);
    /// assert!(signed.starts_with("dark:0:"));
    /// ```
    #[must_use]
    pub fn sign(&self, value: &str, now: DateTime<Utc>) -> String {
        self.current.sign(value, now)
    }

    /// The value, however long ago it was signed.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// assert!(CookieSigner::new(&ring, "theme", "").unsign("dark").is_err());
    /// ```
    ///
    /// # Errors
    /// [`BadSignature`] of any kind but `Expired`.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<&'a str, BadSignature> {
        self.read(|signer| signer.unsign(signed).map(|verified| verified.value))
    }

    /// The value, if it was signed at most `max_age` ago.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::CookieSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// let (then, second) = (chrono::DateTime::UNIX_EPOCH, std::time::Duration::from_secs(1));
    /// let signer = CookieSigner::new(&ring, "theme", "");
    /// assert!(signer.unsign_within(&signer.sign("dark", then), second, then + 2 * second).is_err());
    /// ```
    ///
    /// # Errors
    /// [`BadSignature`] of any kind.
    pub fn unsign_within<'a>(
        &self,
        signed: &'a str,
        max_age: Duration,
        now: DateTime<Utc>,
    ) -> Result<&'a str, BadSignature> {
        self.read(|signer| {
            signer.unsign_within(signed, max_age, now).map(|verified| verified.value)
        })
    }

    /// One that is too old is not tried again in the older form.
    fn read<'a>(
        &self,
        unsign: impl Fn(&TimestampSigner) -> Result<&'a str, BadSignature>,
    ) -> Result<&'a str, BadSignature> {
        match unsign(&self.current) {
            Err(BadSignature::Mismatch) if self.reads == Reads::LegacyToo => unsign(&self.legacy),
            read => read,
        }
    }
}
