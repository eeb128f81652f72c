//! Session keys that prove themselves before any database is asked.
//!
//! ```text
//! 7qk2v9x0c4m1n8b5z3l6j0h2g 4f 9s8d7f6g5h4j3        40 characters of [a-z0-9]
//! '______ 25 random ______' '' '___ 13 proof ___'
//!                            '- which SECRET_KEY made the proof
//! ```
//!
//! The proof is an HMAC-SHA256 over the first 27 characters under a subkey of the `SECRET_KEY`. Django
//! takes such a key as its own (its column is 40 wide). Keys that Django made have 32 characters and
//! prove nothing; the database must be asked about them.

use std::fmt;

use hmac::{Hmac, Mac};
use sha2::Sha256;

use super::Rejected;
use crate::key::{KeyRing, LOWER_ALPHANUMERIC, SecretKey, hmac_state, random_text, same};

const RANDOM: usize = 25;
const ID: usize = 2;
const PROVED: usize = RANDOM + ID;
const LENGTH: usize = 40;
const DJANGO_LENGTH: usize = 32;

/// The key of a session: what the cookie holds and what finds the row. It is a secret, so `Debug`
/// shows its first four characters alone.
///
/// ```
/// fn short(session: &housekey::Session) -> Option<String> {
///     session.key().map(|key| format!("{key:?}")) // SessionKey(7qk2…)
/// }
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct SessionKey(String);

impl SessionKey {
    pub(crate) fn from_row(key: String) -> Self {
        Self(key)
    }

    /// By its length: was it made by a Django?
    pub(crate) fn is_djangos(&self) -> bool {
        self.0.len() == DJANGO_LENGTH
    }

    /// A key that no row has.
    pub(crate) fn of_nobody() -> Self {
        Self(String::new())
    }

    /// The cookie's value. It opens the session, so it goes into the cookie and nowhere else.
    ///
    /// ```
    /// fn cookie(session: &housekey::Session) -> Option<String> {
    ///     Some(format!("sessionid={}; HttpOnly; Path=/", session.key()?.expose_secret()))
    /// }
    /// ```
    #[must_use]
    pub fn expose_secret(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({}…)", self.0.get(..4).unwrap_or_default())
    }
}

/// The first 25 characters of a session key. Where another crate has the cookie, they alone are known outside: the
/// key itself cannot be told from them without a `SECRET_KEY`, and is found again under another one.
#[cfg(feature = "_stores")]
#[derive(Clone)]
pub(crate) struct Stem(String);

#[cfg(feature = "_stores")]
impl Stem {
    #[cfg(feature = "actix-session")]
    pub(crate) fn random() -> Self {
        Self(random_text(LOWER_ALPHANUMERIC, RANDOM))
    }

    /// Another number gives another stem: 36^25 is more than 2^128.
    #[cfg(feature = "_tower_sessions")]
    pub(crate) fn of_number(number: u128) -> Self {
        Self(base36::<RANDOM>(&number.to_be_bytes()).map(char::from).iter().collect())
    }

    #[cfg(feature = "actix-session")]
    pub(crate) fn read(text: &str) -> Option<Self> {
        let is_one = text.len() == RANDOM && text.bytes().all(|b| LOWER_ALPHANUMERIC.contains(&b));
        is_one.then(|| Self(text.to_owned()))
    }

    /// The value for the cookie of that crate.
    #[cfg(feature = "actix-session")]
    pub(crate) fn expose_secret(&self) -> &str {
        &self.0
    }
}

/// Mints session keys, and tells those apart that this house has minted.
#[derive(Clone)]
pub(crate) struct Mint {
    keys: Vec<MintKey>,
}

#[derive(Clone)]
struct MintKey {
    id: String,
    prover: Hmac<Sha256>,
}

/// A cookie's value that may be a session key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Presented {
    pub(crate) key: SessionKey,
    /// Made by Django, or proved by a fallback key: to be replaced when there is a chance.
    pub(crate) proof: Proof,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    Current,
    /// By the key at that place of the ring.
    Fallback(usize),
    /// A key of Django's, which holds none.
    None,
}

impl Mint {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self { keys: ring.iter().map(MintKey::new).collect() }
    }

    pub(crate) fn mint(&self) -> SessionKey {
        self.keys[0].mint(random_text(LOWER_ALPHANUMERIC, RANDOM))
    }

    /// The keys of this stem, as each key of the ring would have minted them: the current one's first.
    #[cfg(feature = "_stores")]
    pub(crate) fn keys_of(&self, stem: &Stem) -> Vec<SessionKey> {
        self.keys.iter().map(|key| key.mint(stem.0.clone())).collect()
    }

    /// Reads a cookie's value: its shape and its proof, without a look into the database.
    pub(crate) fn read(&self, value: &str) -> Result<Presented, Rejected> {
        if !value.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9')) {
            return Err(Rejected::Malformed);
        }
        let proof = match value.len() {
            DJANGO_LENGTH => Proof::None,
            LENGTH => self.check(value)?,
            _ => return Err(Rejected::Malformed),
        };
        Ok(Presented { key: SessionKey(value.to_owned()), proof })
    }

    fn check(&self, value: &str) -> Result<Proof, Rejected> {
        let (proved, theirs) = value.split_at(PROVED);
        let id = &proved[RANDOM..];
        let mut rejected = Rejected::UnknownKey;
        for (age, key) in self.keys.iter().enumerate().filter(|(_, key)| key.id == id) {
            if same(&key.proof(proved), theirs.as_bytes()) {
                return Ok(if age == 0 { Proof::Current } else { Proof::Fallback(age) });
            }
            rejected = Rejected::BadProof;
        }
        Err(rejected)
    }
}

/// The two characters by which a session key says which key has proved it.
pub(crate) fn mark(key: &SecretKey) -> String {
    base36::<ID>(&key.derive("housekey.session-key.id")).map(char::from).iter().collect()
}

/// Those of a cookie's value, when it has the length of a key that this house mints.
pub(crate) fn mark_of(value: &str) -> Option<&str> {
    (value.len() == LENGTH).then(|| value.get(RANDOM..PROVED)).flatten()
}

impl MintKey {
    fn new(key: &SecretKey) -> Self {
        let id = mark(key);
        Self { id, prover: hmac_state(&key.derive("housekey.session-key.proof")) }
    }

    fn mint(&self, stem: String) -> SessionKey {
        let mut key = stem;
        key.push_str(&self.id);
        let proof = self.proof(&key);
        key.extend(proof.map(char::from));
        SessionKey(key)
    }

    fn proof(&self, proved: &str) -> [u8; LENGTH - PROVED] {
        let mac = self.prover.clone().chain_update(proved).finalize().into_bytes();
        base36(&mac)
    }
}

/// The last digits of the number that the first 16 bytes are, the lowest first.
fn base36<const DIGITS: usize>(bytes: &[u8]) -> [u8; DIGITS] {
    /// As many digits at a time as fit into a word, which is divided faster than a number of two.
    const AT_A_TIME: usize = 12;
    const STEP: u128 = 36_u128.pow(12);
    let mut number = bytes.iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let mut text = [0; DIGITS];
    for digits in text.chunks_mut(AT_A_TIME) {
        let mut word = u64::try_from(number % STEP).unwrap_or_default();
        number /= STEP;
        for digit in digits {
            *digit = LOWER_ALPHANUMERIC[usize::try_from(word % 36).unwrap_or_default()];
            word /= 36;
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::vectors;

    fn mint(key: &str) -> Mint {
        Mint::new(&KeyRing::new(SecretKey::dangerously_unchecked(key)))
    }

    #[test]
    fn a_minted_key_is_one_that_django_takes() {
        let key = mint("k").mint();
        assert_eq!(key.0.len(), 40, "the width of Django's column");
        assert!(key.0.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit()));
    }

    #[cfg(all(feature = "_tower_sessions", feature = "actix-session"))]
    #[test]
    fn numbers_have_stems_of_their_own_and_each_key_of_the_ring_a_key_for_them() {
        let numbers = [0, 1, 35, 36, u128::MAX / 2, u128::MAX / 2 + 1, u128::MAX - 1, u128::MAX];
        let stems = numbers.map(|number| Stem::of_number(number).0);
        assert_eq!(std::collections::BTreeSet::from(stems.clone()).len(), numbers.len());
        // The digits of the number to the base 36, the lowest first: a is 0, b is 1, 9 is 35.
        assert_eq!(stems[..4], ["a", "b", "9", "ab"].map(|digits| format!("{digits:a<25}")));
        let ring = KeyRing::new(SecretKey::dangerously_unchecked("new"))
            .with_fallback(SecretKey::dangerously_unchecked("old"));
        for stem in stems {
            let stem = Stem::read(&stem).unwrap();
            let keys = Mint::new(&ring).keys_of(&stem);
            let proofs: Vec<_> =
                keys.iter().map(|key| Mint::new(&ring).read(&key.0).unwrap().proof).collect();
            assert_eq!(proofs, [Proof::Current, Proof::Fallback(1)]);
            assert!(mint("old").keys_of(&stem).contains(&keys[1]));
        }
        assert!(Stem::read(&"a".repeat(24)).is_none() && Stem::read(&"A".repeat(25)).is_none());
    }

    #[test]
    fn every_changed_character_is_noticed() {
        let mint = mint("k");
        let key = mint.mint().0;
        for at in 0..LENGTH {
            let other = if key.as_bytes()[at] == b'a' { "b" } else { "a" };
            let mut changed = key.clone();
            changed.replace_range(at..=at, other);
            assert!(mint.read(&changed).is_err(), "character {at}");
        }
        assert_eq!(mint.read(&key).unwrap().proof, Proof::Current);
    }

    #[test]
    fn keys_of_another_house_and_of_before_are_told_apart() {
        let old = mint("old").mint().0;
        assert_eq!(mint("other").read(&old), Err(Rejected::UnknownKey));
        let ring = KeyRing::new(SecretKey::dangerously_unchecked("new"))
            .with_fallback(SecretKey::dangerously_unchecked("old"));
        assert_eq!(Mint::new(&ring).read(&old).unwrap().proof, Proof::Fallback(1));
    }

    /// Django takes any eight characters for a key. We take what Django makes, and what we make.
    #[test]
    fn what_django_refuses_is_refused() {
        let mint = mint("k");
        for case in vectors("session_key") {
            let Some(value) = case["value"].as_str() else { continue };
            let is_djangos =
                value.len() == 32 && value.bytes().all(|b| LOWER_ALPHANUMERIC.contains(&b));
            assert_eq!(mint.read(value).is_ok(), is_djangos, "{value:?}");
            assert!(case["accepted"] == true || !is_djangos, "{value:?}");
        }
    }
}
