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
use subtle::ConstantTimeEq;

use super::Rejected;
use crate::key::{KeyRing, LOWER_ALPHANUMERIC, SecretKey, hmac_state, random_text};

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
#[derive(Clone, PartialEq, Eq)]
pub struct SessionKey(String);

impl SessionKey {
    pub(crate) fn from_row(key: String) -> Self {
        Self(key)
    }

    pub(crate) fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for SessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SessionKey({}…)", self.0.get(..4).unwrap_or_default())
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
    Fallback,
    /// A key of Django's, which holds none.
    None,
}

impl Mint {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self { keys: ring.iter().map(MintKey::new).collect() }
    }

    pub(crate) fn mint(&self) -> SessionKey {
        let current = &self.keys[0];
        let mut key = random_text(LOWER_ALPHANUMERIC, RANDOM);
        key.push_str(&current.id);
        key.push_str(&current.proof(&key));
        SessionKey(key)
    }

    /// Reads a cookie's value: its shape and its proof, without a look into the database.
    pub(crate) fn read(&self, value: &str) -> Result<Presented, Rejected> {
        if !value.bytes().all(|byte| LOWER_ALPHANUMERIC.contains(&byte)) {
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
            if key.proof(proved).as_bytes().ct_eq(theirs.as_bytes()).into() {
                return Ok(if age == 0 { Proof::Current } else { Proof::Fallback });
            }
            rejected = Rejected::BadProof;
        }
        Err(rejected)
    }
}

impl MintKey {
    fn new(key: &SecretKey) -> Self {
        let id = base36(&key.derive("housekey.session-key.id"), ID);
        Self { id, prover: hmac_state(&key.derive("housekey.session-key.proof")) }
    }

    fn proof(&self, proved: &str) -> String {
        let mac = self.prover.clone().chain_update(proved).finalize().into_bytes();
        base36(&mac, LENGTH - PROVED)
    }
}

/// The last `digits` digits of the number that the first 16 bytes are.
fn base36(bytes: &[u8], digits: usize) -> String {
    let mut number = bytes.iter().take(16).fold(0_u128, |sum, byte| sum << 8 | u128::from(*byte));
    let mut text = String::with_capacity(digits);
    for _ in 0..digits {
        text.push(char::from(LOWER_ALPHANUMERIC[usize::try_from(number % 36).unwrap_or_default()]));
        number /= 36;
    }
    text
}
