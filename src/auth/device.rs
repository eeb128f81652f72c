//! What a browser is known by in which a user has signed in before. It opens nothing: guesses from there are
//! counted apart from those of strangers.
//!
//! ```text
//! 7.q1w2e3r4t5z6u7i8o9p0a1.1f2e3d4c5b6a7980:SIGNATURE    id of the user, random text, mark of the password;
//!                                                         signed by the keys of the house
//! ```
//!
//! With a new password every browser is a stranger again: somebody else may have known the old one.

use sha2::{Digest, Sha256};

use crate::key::{KeyRing, LOWER_ALPHANUMERIC, random_text};
use crate::signing::{Signer, hexadecimal};
use crate::user::store::UserRow;

const SALT: &str = "housekey.device";
const NONCE_LENGTH: usize = 22;
/// No longer text was ever signed here.
const LONGEST: usize = 120;

pub(crate) struct Devices(Signer);

/// A browser that this user has signed in with before.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Device {
    pub(crate) user_id: i64,
    /// Tells it from the other browsers of the user.
    pub(crate) nonce: String,
    /// Of the password that was given in it.
    mark: String,
}

impl Device {
    pub(crate) fn is_of(&self, row: &UserRow) -> bool {
        self.user_id == i64::from(row.id) && self.mark == mark(&row.password)
    }
}

/// Tells nothing of the hash, which has a random salt in it.
fn mark(password_hash: &str) -> String {
    hexadecimal(&Sha256::digest(format!("{SALT}\0{password_hash}"))[..8])
}

impl Devices {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self(Signer::new(ring, SALT))
    }

    /// For a cookie, after a login.
    pub(crate) fn make(&self, user_id: i64, password_hash: &str) -> String {
        let nonce = random_text(LOWER_ALPHANUMERIC, NONCE_LENGTH);
        self.0.sign(&format!("{user_id}.{nonce}.{}", mark(password_hash)))
    }

    /// What a cookie says, if a key of the house has signed it.
    pub(crate) fn read(&self, text: &str) -> Option<Device> {
        let verified = self.0.unsign(Some(text).filter(|text| text.len() <= LONGEST)?).ok()?;
        let (user_id, rest) = verified.value.split_once('.')?;
        let (nonce, mark) = rest.split_once('.')?;
        let user_id = user_id.parse().ok()?;
        Some(Device { user_id, nonce: nonce.to_owned(), mark: mark.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::key::SecretKey;

    fn devices(keys: &[&str]) -> Devices {
        let mut keys = keys.iter().map(|key| SecretKey::dangerously_unchecked(key));
        let ring = KeyRing::new(keys.next().unwrap());
        Devices::new(&keys.fold(ring, KeyRing::with_fallback))
    }

    #[test]
    fn a_device_is_read_by_the_keys_of_the_house_alone() {
        let old = devices(&["old"]).make(7, "hash");
        assert_eq!(devices(&["new", "old"]).read(&old).unwrap().user_id, 7);
        assert_eq!(devices(&["new"]).read(&old), None);
        assert_ne!(devices(&["old"]).make(7, "hash"), old, "each browser has its own");
        let elsewhere =
            Signer::new(&KeyRing::new(SecretKey::dangerously_unchecked("old")), "notes");
        assert_eq!(
            devices(&["old"]).read(&elsewhere.sign("7.x.y")),
            None,
            "signed for something else"
        );
    }

    #[test]
    fn what_is_no_device_is_none() {
        let devices = devices(&["k"]);
        let made = devices.make(i64::MAX, "hash");
        assert!(devices.read(&made).is_some(), "{made}");
        assert!(made.bytes().all(|byte| byte.is_ascii_graphic() && !b"\",;\\".contains(&byte)));
        for text in ["", ":", "7.x", &made[1..], &made[..made.len() - 1], &"a".repeat(10_000)] {
            assert_eq!(devices.read(text), None, "{text}");
        }
        for value in ["7", "7.x", "x.y.z", "..", "7.x.y".repeat(50).as_str()] {
            assert_eq!(devices.read(&devices.0.sign(value)), None, "{value}");
        }
    }
}
