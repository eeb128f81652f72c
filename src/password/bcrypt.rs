use bcrypt::{HashParts, Version, hash_with_salt};
use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

use super::algorithm::BCRYPT_ROUNDS;
use crate::key::random_bytes;

const LENGTH: usize = 60;
const MAX_COST: u32 = 16;

/// `$2b$12$SALTDIGEST`
pub(super) struct BcryptSha256 {
    version: Version,
    parts: HashParts,
}

impl BcryptSha256 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        // bcrypt has cut such texts in the middle of a character (RUSTSEC-2026-0199).
        if text.len() != LENGTH || !text.is_ascii() {
            return None;
        }
        let version = match text.get(..4)? {
            "$2a$" => Version::TwoA,
            "$2b$" => Version::TwoB,
            "$2x$" => Version::TwoX,
            "$2y$" => Version::TwoY,
            _ => return None,
        };
        let parts: HashParts = text.parse().ok()?;
        (parts.get_cost() <= MAX_COST).then_some(Self { version, parts })
    }

    /// bcrypt has salts of its own kind.
    pub(super) fn fresh(_: &str) -> Option<Self> {
        let parts = hash_with_salt(b"", 4, random_bytes()).ok()?;
        let text = parts.format_for_version(Version::TwoB).replacen(
            "$04$",
            &format!("${BCRYPT_ROUNDS:02}$"),
            1,
        );
        Self::parse(&text)
    }

    pub(super) fn costs(&self) -> [u64; 3] {
        [self.parts.get_cost().into(), 0, 0]
    }

    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        let (cost, salt) = (self.parts.get_cost(), self.parts.get_salt_raw());
        let parts = hash_with_salt(sha256_hex(password), cost, salt).ok()?;
        Some(format!("bcrypt_sha256${}", parts.format_for_version(self.version.clone())))
    }
}

/// bcrypt ends a password at its first NUL or after 72 bytes; of this one nothing is lost.
fn sha256_hex(password: &[u8]) -> Zeroizing<Vec<u8>> {
    let digit = |nibble: u8| b"0123456789abcdef"[usize::from(nibble)];
    let digest = Zeroizing::new(<[u8; 32]>::from(Sha256::digest(password)));
    Zeroizing::new(digest.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect())
}
