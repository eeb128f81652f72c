//! The stamp that ties a session to the password of its user (`get_session_auth_hash` of
//! `django/contrib/auth/base_user.py`): whoever changes the password ends the sessions.

use crate::key::{KeyRing, same};
use crate::signing::{SaltedHmacs, hexadecimal};

const SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

#[derive(Clone)]
pub(crate) struct Stamps(SaltedHmacs);

impl Stamps {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self(SaltedHmacs::new(ring, SALT))
    }

    /// 64 hexadecimal digits for the hash in `auth_user.password`, under the current key.
    pub(crate) fn of(&self, password_hash: &str) -> String {
        self.0.of(password_hash).next().map(|mac| hexadecimal(&mac)).unwrap_or_default()
    }

    /// Which key of the ring made this stamp for this hash: 0 is the current one.
    pub(crate) fn key_of(&self, password_hash: &str, stamp: &str) -> Option<usize> {
        // As texts, so that no second spelling of a stamp is accepted.
        self.0
            .of(password_hash)
            .position(|mac| same(hexadecimal(&mac).as_bytes(), stamp.as_bytes()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{ring, text, vectors};

    #[test]
    fn the_stamp_is_djangos() {
        for case in vectors("auth_hash") {
            let (hash, stamp) = (text(&case, "password_field"), text(&case, "hash"));
            let stamps = Stamps::new(&ring(&case));
            assert_eq!(stamps.of(hash), stamp, "{}", case["id"]);
            assert_eq!(stamps.key_of(hash, stamp), Some(0), "{}", case["id"]);
            assert_eq!(stamps.key_of(hash, &stamp.to_uppercase()), None, "{}", case["id"]);
        }
    }
}
