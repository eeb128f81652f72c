//! The common secret of the house, and the only source of randomness.
//!
//! A [`SecretKey`] is Django's `SECRET_KEY`: its UTF-8 bytes, as they are, are the secret. It shows
//! itself only as a [`Fingerprint`], which is safe to print, to store and to read over a telephone.

use std::fmt;

use ctutils::CtEq;
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use zeroize::Zeroizing;

pub(crate) const LOWER_ALPHANUMERIC: &[u8] = b"abcdefghijklmnopqrstuvwxyz0123456789";
pub(crate) const ALPHANUMERIC: &[u8] =
    b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

const MIN_LENGTH: usize = 50;
const MIN_DISTINCT: usize = 5;
const INSECURE_PREFIX: &str = "django-insecure-";

/// The common `SECRET_KEY` of a house, or an older one that still verifies.
///
/// `Debug` shows the fingerprint; there is no `Display`, and the bytes are wiped on drop.
///
/// ```
/// use housekey::SecretKey;
/// let key = SecretKey::new("k3-no-two-houses-share-this-text-0123456789-abcdefg").unwrap();
/// assert!(!format!("{key:?}").contains("houses"));
/// ```
#[derive(Clone)]
pub struct SecretKey(Zeroizing<Box<[u8]>>);

impl SecretKey {
    /// Takes a key as it stands in the settings; the limits are those of Django's check `security.W009`.
    ///
    /// ```
    /// use housekey::{SecretKey, key::WeakKey};
    /// assert!(matches!(SecretKey::new("secret"), Err(WeakKey::Short { characters: 6, .. })));
    /// ```
    ///
    /// # Errors
    /// [`WeakKey`] below 50 characters, with fewer than 5 distinct ones, or with the prefix
    /// `django-insecure-` that Django gives to keys not meant for production.
    pub fn new(text: impl Into<String>) -> Result<Self, WeakKey> {
        let text = Zeroizing::new(text.into());
        let characters = text.chars().count();
        let distinct = text.chars().collect::<std::collections::BTreeSet<_>>().len();
        if text.starts_with(INSECURE_PREFIX) {
            return Err(WeakKey::InsecurePrefix);
        }
        if characters < MIN_LENGTH {
            return Err(WeakKey::Short { characters });
        }
        if distinct < MIN_DISTINCT {
            return Err(WeakKey::Uniform { distinct });
        }
        Ok(Self::dangerously_unchecked(&text))
    }

    /// Takes any text as a key, however weak: for test vectors, and for trying out beside a Django
    /// project that still has its `django-insecure-` key.
    ///
    /// ```
    /// let key = housekey::SecretKey::dangerously_unchecked("k");
    /// assert_ne!(key, housekey::SecretKey::dangerously_unchecked("l"));
    /// ```
    #[must_use]
    pub fn dangerously_unchecked(text: &str) -> Self {
        Self::from_bytes(text.as_bytes())
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.into()))
    }

    /// What may be shown of this key: equal keys have equal fingerprints.
    ///
    /// ```
    /// let key = housekey::SecretKey::dangerously_unchecked("k");
    /// assert_eq!(key.fingerprint().to_string().len(), 16);
    /// ```
    #[must_use]
    pub fn fingerprint(&self) -> Fingerprint {
        let mac = self.derive("housekey.fingerprint");
        let mut short = [0; 8];
        short.copy_from_slice(&mac[..8]);
        Fingerprint(short)
    }

    /// A key for one purpose, from which nothing can be learned about this one.
    pub(crate) fn derive(&self, purpose: &str) -> [u8; 32] {
        hmac_sha256(&self.0, purpose.as_bytes())
    }

    pub(crate) fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl PartialEq for SecretKey {
    fn eq(&self, other: &Self) -> bool {
        same(&self.0, &other.0)
    }
}

impl Eq for SecretKey {}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({})", self.fingerprint())
    }
}

/// Why a text is refused as a [`SecretKey`]; the text itself is not in it.
///
/// ```
/// let why = housekey::SecretKey::new("a".repeat(60)).unwrap_err();
/// assert_eq!(why.to_string(), "the key has 1 distinct characters, at least 5 are needed");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WeakKey {
    /// Fewer than 50 characters.
    #[error("the key has {characters} characters, at least {MIN_LENGTH} are needed")]
    #[non_exhaustive]
    Short {
        /// How many it has.
        characters: usize,
    },
    /// Fewer than 5 different characters.
    #[error("the key has {distinct} distinct characters, at least {MIN_DISTINCT} are needed")]
    #[non_exhaustive]
    Uniform {
        /// How many it has.
        distinct: usize,
    },
    /// The prefix that Django writes into new projects.
    #[error(
        "the key starts with `{INSECURE_PREFIX}`: it was made for development and may be known to others"
    )]
    InsecurePrefix,
}

impl WeakKey {
    /// What to say of a setting that holds such a key.
    pub(crate) fn problem(self) -> String {
        self.to_string().replacen("the key ", "", 1)
    }
}

/// The name of a key: 16 hexadecimal digits that tell keys apart and give nothing away.
///
/// HMAC-SHA256 under the key, cut to 64 bits.
///
/// ```
/// use housekey::SecretKey;
/// let (a, b) = (SecretKey::dangerously_unchecked("a"), SecretKey::dangerously_unchecked("b"));
/// assert_ne!(a.fingerprint(), b.fingerprint());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Fingerprint([u8; 8]);

impl fmt::Debug for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Fingerprint({self})")
    }
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", u64::from_be_bytes(self.0))
    }
}

/// The key that signs, and the keys that are still believed: Django's `SECRET_KEY` and
/// `SECRET_KEY_FALLBACKS`.
///
/// ```
/// use housekey::{KeyRing, SecretKey};
/// let old = SecretKey::dangerously_unchecked("old");
/// let ring = KeyRing::new(SecretKey::dangerously_unchecked("new")).with_fallback(old.clone());
/// assert!(ring.contains(old.fingerprint()));
/// ```
#[derive(Debug, Clone)]
pub struct KeyRing {
    keys: Vec<SecretKey>,
}

impl KeyRing {
    /// A ring of one key, which signs.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// assert_eq!(ring.fingerprints().count(), 1);
    /// ```
    #[must_use]
    pub fn new(current: SecretKey) -> Self {
        Self { keys: vec![current] }
    }

    /// Adds a key that verifies but never signs, after those already there.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("new"))
    ///     .with_fallback(SecretKey::dangerously_unchecked("old"));
    /// assert_eq!(ring.fingerprints().count(), 2);
    /// ```
    #[must_use]
    pub fn with_fallback(mut self, key: SecretKey) -> Self {
        self.keys.push(key);
        self
    }

    /// The key that signs.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey};
    /// let key = SecretKey::dangerously_unchecked("k");
    /// assert_eq!(KeyRing::new(key.clone()).current(), &key);
    /// ```
    #[must_use]
    pub fn current(&self) -> &SecretKey {
        &self.keys[0]
    }

    /// The fingerprints of all keys, the signing one first.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// assert_eq!(ring.fingerprints().next(), Some(ring.current().fingerprint()));
    /// ```
    pub fn fingerprints(&self) -> impl Iterator<Item = Fingerprint> {
        self.keys.iter().map(SecretKey::fingerprint)
    }

    /// Does this ring hold the key of that fingerprint?
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey};
    /// let other = SecretKey::dangerously_unchecked("other").fingerprint();
    /// assert!(!KeyRing::new(SecretKey::dangerously_unchecked("k")).contains(other));
    /// ```
    #[must_use]
    pub fn contains(&self, fingerprint: Fingerprint) -> bool {
        self.fingerprints().any(|ours| ours == fingerprint)
    }

    /// A ring of keys made from these.
    pub(crate) fn map(&self, make: impl Fn(&SecretKey) -> SecretKey) -> Self {
        Self { keys: self.keys.iter().map(make).collect() }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &SecretKey> {
        self.keys.iter()
    }
}

/// Keys that stand in the documentation of housekey, for everybody to read.
const PUBLISHED: [&str; 1] = ["k3-no-two-houses-share-this-text-0123456789-abcdefg"];
/// What people write who mean to put a key there later.
const PLACEHOLDERS: [&str; 8] = [
    "changeme",
    "change-me",
    "change_me",
    "replace-me",
    "replace_me",
    "your-secret",
    "your_secret",
    "secret-key-here",
];

/// Is this a key that anybody may know?
pub(crate) fn is_published(key: &SecretKey) -> bool {
    let text = String::from_utf8_lossy(key.expose()).to_ascii_lowercase();
    PUBLISHED.contains(&text.as_str()) || PLACEHOLDERS.iter().any(|part| text.contains(part))
}

/// A new text for `SECRET_KEY`: 50 characters of `a-zA-Z0-9`, 297 random bits.
///
/// ```
/// let text = housekey::key::generate();
/// assert!(housekey::SecretKey::new(text).is_ok());
/// ```
///
/// # Panics
/// When the operating system has no randomness to give.
#[must_use]
pub fn generate() -> String {
    random_text(ALPHANUMERIC, MIN_LENGTH)
}

/// `length` characters drawn evenly from `alphabet` (ASCII).
pub(crate) fn random_text(alphabet: &[u8], length: usize) -> String {
    // Bytes at or above the largest multiple of the alphabet's size would favour its first letters.
    let limit = 256 - 256 % alphabet.len();
    let mut text = String::with_capacity(length);
    let mut pool = [0_u8; 64];
    while text.len() < length {
        getrandom::fill(&mut pool).expect("the operating system gives random bytes");
        let letters = pool.iter().filter(|byte| usize::from(**byte) < limit);
        let letters = letters.map(|byte| char::from(alphabet[usize::from(*byte) % alphabet.len()]));
        text.extend(letters.take(length - text.len()));
    }
    text
}

#[cfg(feature = "bcrypt")]
pub(crate) fn random_bytes<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    bytes
}

pub(crate) fn hmac_sha256(key: &[u8], message: &[u8]) -> [u8; 32] {
    hmac_state(key).chain_update(message).finalize().into_bytes().into()
}

/// Are they the same, told in a time that does not depend on where they differ? Eight bytes at a time, because a MAC
/// is compared at each request.
pub(crate) fn same(ours: &[u8], theirs: &[u8]) -> bool {
    if ours.len() != theirs.len() {
        return false;
    }
    let (ours, our_rest) = ours.as_chunks::<8>();
    let (theirs, their_rest) = theirs.as_chunks::<8>();
    let words = ours.iter().zip(theirs);
    let words = words.map(|(a, b)| u64::from_ne_bytes(*a) ^ u64::from_ne_bytes(*b));
    let rest = our_rest.iter().zip(their_rest).map(|(a, b)| u64::from(a ^ b));
    words.chain(rest).fold(0, |differing, word| differing | word).ct_eq(&0).into()
}

/// An HMAC with its key already set up; a clone of it costs less than the set-up.
pub(crate) fn hmac_state(key: &[u8]) -> Hmac<Sha256> {
    Hmac::new_from_slice(key).expect("HMAC takes keys of any length")
}
