//! Which algorithms there are, by Django's names.

use std::fmt;

/// The algorithms that verify: those of Django's default `PASSWORD_HASHERS`.
///
/// ```
/// assert_eq!(housekey::password::Algorithm::BcryptSha256.to_string(), "bcrypt_sha256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// PBKDF2 with HMAC-SHA-256, preferred by Django and by [`Hasher`].
    Pbkdf2Sha256,
    /// PBKDF2 with HMAC-SHA-1.
    Pbkdf2Sha1,
    /// Argon2id, Argon2i or Argon2d.
    Argon2,
    /// bcrypt over the SHA-256 of the password.
    BcryptSha256,
    /// scrypt.
    Scrypt,
}

impl Algorithm {
    /// A hash is upgraded to what resists guessing better, and never back: that goes by the memory that
    /// a guess takes.
    pub(super) fn strength(self) -> u8 {
        match self {
            Self::Pbkdf2Sha1 => 0,
            Self::Pbkdf2Sha256 => 1,
            Self::BcryptSha256 => 2,
            Self::Scrypt => 3,
            Self::Argon2 => 4,
        }
    }
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Pbkdf2Sha256 => "pbkdf2_sha256",
            Self::Pbkdf2Sha1 => "pbkdf2_sha1",
            Self::Argon2 => "argon2",
            Self::BcryptSha256 => "bcrypt_sha256",
            Self::Scrypt => "scrypt",
        })
    }
}

/// The algorithm that a stored text names, whether or not the rest of it makes sense.
///
/// ```
/// use housekey::password::{Algorithm, identify};
/// assert_eq!(identify("scrypt$16384$salt$8$5$digest"), Some(Algorithm::Scrypt));
/// assert_eq!(identify("md5$salt$digest"), None);
/// ```
#[must_use]
pub fn identify(encoded: &str) -> Option<Algorithm> {
    let name = encoded.split_once('$').map_or(encoded, |(name, _)| name);
    Some(match name {
        "pbkdf2_sha256" => Algorithm::Pbkdf2Sha256,
        "pbkdf2_sha1" => Algorithm::Pbkdf2Sha1,
        "argon2" => Algorithm::Argon2,
        "bcrypt_sha256" => Algorithm::BcryptSha256,
        "scrypt" => Algorithm::Scrypt,
        _ => return None,
    })
}
