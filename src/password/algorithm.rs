//! Which algorithms there are, by Django's names.

use std::fmt;

/// Memory in KiB, passes and lanes of Django's `Argon2PasswordHasher`.
pub(super) const ARGON2_COSTS: [u32; 3] = [102_400, 2, 8];
/// Of Django's `BCryptSHA256PasswordHasher`, as a power of 2.
pub(super) const BCRYPT_ROUNDS: u32 = 12;
/// N, r and p of Django's `ScryptPasswordHasher`.
pub(super) const SCRYPT_COSTS: [u32; 3] = [1 << 14, 8, 5];

/// The algorithms that verify: those of Django's default `PASSWORD_HASHERS`. Argon2, bcrypt and scrypt take a feature
/// each, named like the crate.
///
/// ```
/// assert_eq!(housekey::password::Algorithm::BcryptSha256.to_string(), "bcrypt_sha256");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Algorithm {
    /// PBKDF2 with HMAC-SHA-256, preferred by Django and by [`Hasher`](super::Hasher).
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

    /// Can this build hash so?
    pub(super) fn built_in(self) -> Result<(), NotBuiltIn> {
        let (feature, is_on) = match self {
            Self::Pbkdf2Sha256 | Self::Pbkdf2Sha1 => return Ok(()),
            Self::Argon2 => ("argon2", cfg!(feature = "argon2")),
            Self::BcryptSha256 => ("bcrypt", cfg!(feature = "bcrypt")),
            Self::Scrypt => ("scrypt", cfg!(feature = "scrypt")),
        };
        if is_on { Ok(()) } else { Err(NotBuiltIn { algorithm: self, feature }) }
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

/// This build cannot hash passwords so, nor read such hashes.
///
/// ```
/// use housekey::password::{Algorithm, Hasher};
/// if let Err(lacking) = Hasher::preferring(Algorithm::Scrypt) {
///     assert_eq!(
///         lacking.to_string(),
///         "the password hasher `scrypt` is not built into this app; build it with the feature `scrypt` of housekey"
///     );
/// }
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the password hasher `{algorithm}` is not built into this app; build it with the feature `{feature}` of housekey"
)]
#[non_exhaustive]
pub struct NotBuiltIn {
    /// What is lacking.
    pub algorithm: Algorithm,
    /// The feature of this crate that brings it.
    pub feature: &'static str,
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
