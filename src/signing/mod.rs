//! Text to signed text and back, byte for byte as `django/core/signing.py` does it.
//!
//! ```text
//! hello:C2VJ9e9gdY_uDZIo00MWFAAebUNbPK0-anGjbp-frK0           Signer
//! value '_______ HMAC-SHA256, base64url without padding _'
//!
//! hello:1veFHC:EkPSxu_0S95d66JDbnElk4uNxpV6HdaREUy1nkBi9jU    TimestampSigner
//!       '_____ seconds since 1970 in base 62, signed as well
//! ```
//!
//! The MAC's key is `SHA256(salt || "signer" || SECRET_KEY)`. Every use has a salt of its own, so that
//! a text signed for one purpose is nothing in another.

mod cookie;
mod object;

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};

use crate::key::{KeyRing, SecretKey, hmac_state, same};

pub use cookie::CookieSigner;
pub use object::ObjectSigner;

const SEPARATOR: char = ':';
const SIGNATURE_LENGTH: usize = 43;
const HEXADECIMAL: &[u8; 16] = b"0123456789abcdef";
const BASE62: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// Why a signed text is not believed.
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::{BadSignature, Signer}};
/// let signer = Signer::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
/// assert_eq!(signer.unsign("hello:forged").unwrap_err(), BadSignature::Mismatch);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BadSignature {
    /// No key of the ring made this signature.
    #[error("signature does not match any of our keys")]
    Mismatch,
    /// Rightly signed, but without a readable time stamp.
    #[error("signed text has no time stamp")]
    NoTimestamp,
    /// Rightly signed, but too long ago.
    #[error("signed text is too old")]
    Expired,
    /// Rightly signed, but not what it was taken for.
    #[error("signed text holds something else")]
    Unreadable,
}

/// A value whose signature was verified.
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::Signer};
/// let signer = Signer::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
/// let signed = signer.sign("hello");
/// assert_eq!(signer.unsign(&signed).unwrap().value, "hello");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Verified<'a> {
    /// The text that was signed.
    pub value: &'a str,
    /// Which key of the ring made the signature: 0 is the current one, the others are fallbacks.
    pub key: usize,
}

/// Signs and verifies with the keys of a ring, for one purpose (`django.core.signing.Signer`).
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::Signer};
/// let old = SecretKey::dangerously_unchecked("old");
/// let signed = Signer::new(&KeyRing::new(old.clone()), "notes").sign("hello");
///
/// let ring = KeyRing::new(SecretKey::dangerously_unchecked("new")).with_fallback(old);
/// assert_eq!(Signer::new(&ring, "notes").unsign(&signed).unwrap().key, 1);
/// ```
#[derive(Clone)]
pub struct Signer {
    keys: Vec<Hmac<Sha256>>,
}

impl Signer {
    /// A signer for the purpose named by `salt`.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::Signer};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("public-key"));
    /// let signed = Signer::new(&ring, "auth").sign("hello");
    /// assert_eq!(signed, "hello:C2VJ9e9gdY_uDZIo00MWFAAebUNbPK0-anGjbp-frK0");
    /// ```
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str) -> Self {
        Self { keys: ring.iter().map(|key| salted_state(&[salt, "signer"], key)).collect() }
    }

    /// The value with its signature.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::Signer};
    /// let signer = Signer::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// assert!(signer.sign("a:b").starts_with("a:b:"));
    /// ```
    #[must_use]
    pub fn sign(&self, value: &str) -> String {
        let mut signed = String::with_capacity(value.len() + 1 + SIGNATURE_LENGTH);
        signed.push_str(value);
        signed.push(SEPARATOR);
        signed.push_str(std::str::from_utf8(&signature(&self.keys[0], value)).unwrap_or_default());
        signed
    }

    /// The value, if one of the ring's keys signed it.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::Signer};
    /// let signer = Signer::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// assert_eq!(signer.unsign(&signer.sign("a:b")).unwrap().value, "a:b");
    /// ```
    ///
    /// # Errors
    /// [`BadSignature::Mismatch`], whatever is wrong with the text.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<Verified<'a>, BadSignature> {
        // No signature holds a separator, so the last one stands before it.
        let end = signed.len().checked_sub(SIGNATURE_LENGTH);
        let (value, theirs) =
            end.and_then(|end| signed.split_at_checked(end)).ok_or(BadSignature::Mismatch)?;
        let value = value.strip_suffix(SEPARATOR).ok_or(BadSignature::Mismatch)?;
        let ours = |key| same(&signature(key, value), theirs.as_bytes());
        let key = self.keys.iter().position(ours).ok_or(BadSignature::Mismatch)?;
        Ok(Verified { value, key })
    }
}

impl std::fmt::Debug for Signer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Signer({} keys)", self.keys.len())
    }
}

/// A [`Signer`] that also signs the time (`django.core.signing.TimestampSigner`).
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::TimestampSigner};
/// let signer = TimestampSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
/// let (now, minute) = (chrono::DateTime::UNIX_EPOCH, std::time::Duration::from_secs(60));
/// let signed = signer.sign("hello", now);
/// assert!(signer.unsign_within(&signed, minute, now + minute).is_ok());
/// assert!(signer.unsign_within(&signed, minute, now + 2 * minute).is_err());
/// ```
#[derive(Debug, Clone)]
pub struct TimestampSigner(Signer);

impl TimestampSigner {
    /// A signer for the purpose named by `salt`.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::TimestampSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// assert!(TimestampSigner::new(&ring, "notes").unsign("hello").is_err());
    /// ```
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str) -> Self {
        Self(Signer::new(ring, salt))
    }

    /// The value, the time (whole seconds are kept) and the signature over both.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::TimestampSigner};
    /// let signer = TimestampSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "n");
    /// assert!(signer.sign("hello", chrono::DateTime::UNIX_EPOCH).starts_with("hello:0:"));
    /// ```
    #[must_use]
    pub fn sign(&self, value: &str, now: DateTime<Utc>) -> String {
        self.0.sign(&format!("{value}{SEPARATOR}{}", base62(now.timestamp())))
    }

    /// The value, however old it is.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::TimestampSigner};
    /// let signer = TimestampSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "n");
    /// let signed = signer.sign("hello", chrono::DateTime::UNIX_EPOCH);
    /// assert_eq!(signer.unsign(&signed).unwrap().value, "hello");
    /// ```
    ///
    /// # Errors
    /// [`BadSignature`] of any kind but `Expired`.
    pub fn unsign<'a>(&self, signed: &'a str) -> Result<Verified<'a>, BadSignature> {
        self.unstamp(signed).map(|(verified, _)| verified)
    }

    /// The value, if it was signed no longer than `max_age` before `now`. A stamp of the future is
    /// accepted, as Django does: the clocks of two apps are never quite the same.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::TimestampSigner};
    /// let signer = TimestampSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "n");
    /// let (then, second) = (chrono::DateTime::UNIX_EPOCH, std::time::Duration::from_secs(1));
    /// let signed = signer.sign("hello", then);
    /// assert!(signer.unsign_within(&signed, second, then + 2 * second).is_err());
    /// ```
    ///
    /// # Errors
    /// [`BadSignature`] of any kind.
    pub fn unsign_within<'a>(
        &self,
        signed: &'a str,
        max_age: Duration,
        now: DateTime<Utc>,
    ) -> Result<Verified<'a>, BadSignature> {
        let (verified, stamp) = self.unstamp(signed)?;
        let age = i128::from(now.timestamp_micros()) - i128::from(stamp) * 1_000_000;
        if age > i128::try_from(max_age.as_micros()).unwrap_or(i128::MAX) {
            return Err(BadSignature::Expired);
        }
        Ok(verified)
    }

    fn unstamp<'a>(&self, signed: &'a str) -> Result<(Verified<'a>, i64), BadSignature> {
        let Verified { value, key } = self.0.unsign(signed)?;
        let (value, stamp) = value.rsplit_once(SEPARATOR).ok_or(BadSignature::NoTimestamp)?;
        let stamp = unbase62(stamp).ok_or(BadSignature::NoTimestamp)?;
        Ok((Verified { value, key }, stamp))
    }
}

/// The keys of a ring, set up for `salted_hmac(salt, value, key, sha256)` of `django/utils/crypto.py`.
#[derive(Clone)]
pub(crate) struct SaltedHmacs(Vec<Hmac<Sha256>>);

impl SaltedHmacs {
    pub(crate) fn new(ring: &KeyRing, salt: &str) -> Self {
        Self(ring.iter().map(|key| salted_state(&[salt], key)).collect())
    }

    /// Of each key of the ring in turn, the current one first.
    pub(crate) fn of(&self, value: &str) -> impl Iterator<Item = [u8; 32]> {
        self.0.iter().map(move |key| key.clone().chain_update(value).finalize().into_bytes().into())
    }
}

/// The same for one value.
pub(crate) fn salted_hmac(salt: &str, value: &str, key: &SecretKey) -> [u8; 32] {
    salted_state(&[salt], key).chain_update(value).finalize().into_bytes().into()
}

/// Two digits for each byte, in small letters.
pub(crate) fn hexadecimal(bytes: &[u8]) -> String {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let mut text = String::with_capacity(bytes.len() * 2);
    text.extend(digits.map(|digit| char::from(HEXADECIMAL[usize::from(digit)])));
    text
}

fn salted_state(salt: &[&str], key: &SecretKey) -> Hmac<Sha256> {
    let digest = salt.iter().fold(Sha256::new(), Sha256::chain_update);
    hmac_state(&digest.chain_update(key.expose()).finalize())
}

/// The MAC as text: it is compared as text too, so that no second spelling of it is accepted.
fn signature(key: &Hmac<Sha256>, value: &str) -> [u8; SIGNATURE_LENGTH] {
    let mac = key.clone().chain_update(value).finalize().into_bytes();
    let mut text = [0; SIGNATURE_LENGTH];
    let written = URL_SAFE_NO_PAD.encode_slice(mac, &mut text);
    debug_assert_eq!(written, Ok(SIGNATURE_LENGTH));
    text
}

fn base62(number: i64) -> String {
    let mut rest = number.unsigned_abs();
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(BASE62[usize::try_from(rest % 62).unwrap_or_default()]);
        rest /= 62;
    }
    let sign = if number < 0 { "-" } else { "" };
    digits.iter().rev().fold(sign.to_owned(), |text, digit| text + &char::from(*digit).to_string())
}

fn unbase62(text: &str) -> Option<i64> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |digits| (-1, digits));
    if text.is_empty() {
        return None;
    }
    digits.bytes().try_fold(0_i64, |number, byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        number.checked_mul(62)?.checked_add(i64::from(digit) * sign)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fuzz::{fuzz, seeds};
    use crate::vectors::vectors;

    #[test]
    fn fuzz_unsign() {
        let ring = KeyRing::new(SecretKey::dangerously_unchecked("nobody has this key"));
        let (plain, dated) = (Signer::new(&ring, "s"), TimestampSigner::new(&ring, "s"));
        let objects = ObjectSigner::new(&ring, "s");
        let seeds =
            seeds(&["signer_unsign", "timestamp_unsign", "loads", "session_encode"], "signed");
        fuzz(&seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(plain.unsign(&text).is_err() && dated.unsign(&text).is_err());
            // Behind a right signature, as if the key were known.
            let signed = plain.sign(&text);
            assert_eq!(plain.unsign(&signed).unwrap().value, text);
            let _ = dated.unsign_within(&signed, Duration::MAX, DateTime::UNIX_EPOCH);
            let again = dated.sign(&text, DateTime::UNIX_EPOCH);
            assert_eq!(dated.unsign(&again).unwrap().value, text);
            let _ = objects.loads::<serde_json::Value>(&again);
        });
    }

    #[test]
    fn base_62_is_djangos() {
        for case in vectors("b62") {
            let text = case["s"].as_str().unwrap();
            match case.get("n") {
                Some(number) => {
                    // Beyond 64 bits Python goes on counting; no time stamp is that long.
                    let number = number.as_str().unwrap().parse::<i64>().ok();
                    assert_eq!(unbase62(text), number, "{text}");
                    if case["decode_only"] != true {
                        assert_eq!(number.map(base62), number.map(|_| text.to_owned()));
                    }
                }
                None => assert_eq!(unbase62(text), None, "{text}"),
            }
        }
    }
}
