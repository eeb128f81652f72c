//! The stamp that ties a session to the password of its user (`get_session_auth_hash` of
//! `django/contrib/auth/base_user.py`): whoever changes the password ends the sessions.

use subtle::ConstantTimeEq;

use crate::key::KeyRing;
use crate::signing::{hexadecimal, salted_hmac};

const SALT: &str = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash";

#[derive(Clone)]
pub(crate) struct Stamps(KeyRing);

impl Stamps {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self(ring.clone())
    }

    /// 64 hexadecimal digits for the hash in `auth_user.password`, under the current key.
    pub(crate) fn of(&self, password_hash: &str) -> String {
        hexadecimal(&salted_hmac(SALT, password_hash, self.0.current()))
    }

    /// Which key of the ring made this stamp for this hash: 0 is the current one.
    pub(crate) fn key_of(&self, password_hash: &str, stamp: &str) -> Option<usize> {
        self.0.iter().position(|key| {
            hexadecimal(&salted_hmac(SALT, password_hash, key))
                .as_bytes()
                .ct_eq(stamp.as_bytes())
                .into()
        })
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
