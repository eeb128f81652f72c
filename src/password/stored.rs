#[cfg(not(feature = "argon2"))]
use super::absent::Absent as Argon2;
#[cfg(not(feature = "bcrypt"))]
use super::absent::Absent as BcryptSha256;
#[cfg(not(feature = "scrypt"))]
use super::absent::Absent as Scrypt;
#[cfg(feature = "argon2")]
use super::argon2::Argon2;
#[cfg(feature = "bcrypt")]
use super::bcrypt::BcryptSha256;
use super::pbkdf2::Pbkdf2;
#[cfg(feature = "scrypt")]
use super::scrypt::Scrypt;
use super::{Algorithm, MAX_ENCODED, SALT_LENGTH, identify};

/// A stored text taken apart, with costs that may be paid.
pub(super) enum Stored<'a> {
    Pbkdf2Sha256(Pbkdf2<'a>),
    Pbkdf2Sha1(Pbkdf2<'a>),
    Argon2(Argon2),
    BcryptSha256(BcryptSha256),
    Scrypt(Scrypt),
}

impl<'a> Stored<'a> {
    pub(super) fn parse(encoded: &'a str) -> Option<Self> {
        if encoded.len() > MAX_ENCODED {
            return None;
        }
        let (_, rest) = encoded.split_once('$')?;
        Some(match identify(encoded)? {
            Algorithm::Pbkdf2Sha256 => Self::Pbkdf2Sha256(Pbkdf2::parse(rest)?),
            Algorithm::Pbkdf2Sha1 => Self::Pbkdf2Sha1(Pbkdf2::parse(rest)?),
            Algorithm::Argon2 => Self::Argon2(Argon2::parse(rest)?),
            Algorithm::BcryptSha256 => Self::BcryptSha256(BcryptSha256::parse(rest)?),
            Algorithm::Scrypt => Self::Scrypt(Scrypt::parse(rest)?),
        })
    }

    /// What a new password is stored with: Django's costs.
    pub(super) fn fresh(algorithm: Algorithm, iterations: u32, salt: &'a str) -> Option<Self> {
        let pbkdf2 = Pbkdf2 { iterations, salt };
        Some(match algorithm {
            Algorithm::Pbkdf2Sha256 => Self::Pbkdf2Sha256(pbkdf2),
            Algorithm::Pbkdf2Sha1 => Self::Pbkdf2Sha1(pbkdf2),
            Algorithm::Argon2 => Self::Argon2(Argon2::fresh(salt)?),
            Algorithm::BcryptSha256 => Self::BcryptSha256(BcryptSha256::fresh(salt)?),
            Algorithm::Scrypt => Self::Scrypt(Scrypt::fresh(salt)?),
        })
    }

    /// The text that Django would have stored for `password` at the same salt and costs.
    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        match self {
            Self::Pbkdf2Sha256(pbkdf2) => Some(pbkdf2.sha256(password)),
            Self::Pbkdf2Sha1(pbkdf2) => Some(pbkdf2.sha1(password)),
            Self::Argon2(argon2) => argon2.encode(password),
            Self::BcryptSha256(bcrypt) => bcrypt.encode(password),
            Self::Scrypt(scrypt) => scrypt.encode(password),
        }
    }

    pub(super) fn algorithm(&self) -> Algorithm {
        match self {
            Self::Pbkdf2Sha256(_) => Algorithm::Pbkdf2Sha256,
            Self::Pbkdf2Sha1(_) => Algorithm::Pbkdf2Sha1,
            Self::Argon2(_) => Algorithm::Argon2,
            Self::BcryptSha256(_) => Algorithm::BcryptSha256,
            Self::Scrypt(_) => Algorithm::Scrypt,
        }
    }

    /// What makes a guess expensive; 0 where the algorithm has fewer such numbers.
    pub(super) fn costs(&self) -> [u64; 3] {
        match self {
            Self::Pbkdf2Sha256(pbkdf2) | Self::Pbkdf2Sha1(pbkdf2) => {
                [pbkdf2.iterations.into(), 0, 0]
            }
            Self::Argon2(argon2) => argon2.costs(),
            Self::BcryptSha256(bcrypt) => bcrypt.costs(),
            Self::Scrypt(scrypt) => scrypt.costs(),
        }
    }

    pub(super) fn has_short_salt(&self) -> bool {
        match self {
            Self::Pbkdf2Sha256(Pbkdf2 { salt, .. }) | Self::Pbkdf2Sha1(Pbkdf2 { salt, .. }) => {
                salt.chars().count() < SALT_LENGTH
            }
            _ => false,
        }
    }
}
