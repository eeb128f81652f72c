//! Django's password hashes, byte for byte, as `django/contrib/auth/hashers.py` (5.2) writes them:
//!
//! ```text
//! pbkdf2_sha256$1000000$SALT$BASE64           the preferred one; what `Hasher::hash` writes
//! pbkdf2_sha1$ITERATIONS$SALT$BASE64
//! argon2$argon2id$v=19$m=102400,t=2,p=8$SALT$DIGEST     SALT and DIGEST: base64 without padding
//! bcrypt_sha256$$2b$12$SALTDIGEST             22 and 31 characters, over the hex of the SHA-256
//! scrypt$N$SALT$R$P$BASE64
//! !RANDOM                                     unusable: no password is right
//! ```
//!
//! A stored hash is hostile input: whatever it says, verifying it takes no more than about 1 GiB and
//! a quarter of a minute, and ends in a [`Verdict`].

use std::fmt;
use std::hint::black_box;

use self::algorithm::{ARGON2_COSTS, BCRYPT_ROUNDS, SCRYPT_COSTS};
use self::pbkdf2::{MAX_ITERATIONS, Pbkdf2};
use self::stored::Stored;
use crate::key::{ALPHANUMERIC, random_text, same};

#[cfg(not(all(feature = "argon2", feature = "bcrypt", feature = "scrypt")))]
mod absent;
mod algorithm;
#[cfg(feature = "argon2")]
mod argon2;
#[cfg(feature = "bcrypt")]
mod bcrypt;
mod common;
mod pbkdf2;
#[cfg(feature = "scrypt")]
mod scrypt;
mod stored;
mod weakness;

pub use algorithm::{Algorithm, NotBuiltIn, identify};
pub use weakness::{Attribute, Person, Weakness, weaknesses};

/// The longest password that is hashed at all, in bytes of UTF-8; Django itself has no limit.
///
/// ```
/// use housekey::password::{Hasher, MAX_PASSWORD};
/// let hasher = Hasher::pbkdf2_sha256(1);
/// assert!(hasher.hash(&"p".repeat(MAX_PASSWORD)).is_ok());
/// assert!(hasher.hash(&"p".repeat(MAX_PASSWORD + 1)).is_err());
/// ```
pub const MAX_PASSWORD: usize = 4096;

const MAX_ENCODED: usize = 1024;
const ITERATIONS: u32 = 1_000_000;
const SALT_LENGTH: usize = 22;
/// A salt for what is thrown away.
const FILLER: &str = "0123456789abcdefghijkl";
const UNUSABLE_LENGTH: usize = 40;

/// The preferred hash of the house: what new passwords get, and what stored ones are held against.
///
/// The default is that of Django 5.2, `pbkdf2_sha256` with 1,000,000 iterations.
///
/// ```
/// use housekey::password::{Hasher, Verdict};
/// let hasher = Hasher::default();
/// let encoded = hasher.hash("correct horse")?;
/// assert!(encoded.starts_with("pbkdf2_sha256$1000000$"));
/// assert_eq!(hasher.verify("correct horse", &encoded), Verdict::Right);
/// # Ok::<(), housekey::password::TooLong>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hasher {
    algorithm: Algorithm,
    /// Of PBKDF2; the others have Django's costs.
    iterations: u32,
}

impl Default for Hasher {
    fn default() -> Self {
        Self::pbkdf2_sha256(ITERATIONS)
    }
}

impl Hasher {
    /// Prefers `pbkdf2_sha256`; 0 iterations count as 1, more than 10,000,000 as 10,000,000.
    ///
    /// ```
    /// let hasher = housekey::password::Hasher::pbkdf2_sha256(600_000);
    /// assert!(hasher.hash("secret")?.starts_with("pbkdf2_sha256$600000$"));
    /// # Ok::<(), housekey::password::TooLong>(())
    /// ```
    #[must_use]
    pub fn pbkdf2_sha256(iterations: u32) -> Self {
        Self { algorithm: Algorithm::Pbkdf2Sha256, iterations: iterations.clamp(1, MAX_ITERATIONS) }
    }

    /// Prefers another algorithm, at the costs of Django 5.2.
    ///
    /// | algorithm | cost | feature |
    /// |---|---|---|
    /// | `pbkdf2_sha256`, `pbkdf2_sha1` | 1,000,000 iterations | |
    /// | `argon2` | 100 MiB, 2 passes, 8 lanes | `argon2` |
    /// | `bcrypt_sha256` | 2^12 rounds | `bcrypt` |
    /// | `scrypt` | N = 2^14, r = 8, p = 5 | `scrypt` |
    ///
    /// ```
    /// use housekey::password::{Algorithm, Hasher};
    /// # #[cfg(feature = "bcrypt")] {
    /// let hasher = Hasher::preferring(Algorithm::BcryptSha256)?;
    /// assert!(hasher.hash("secret")?.starts_with("bcrypt_sha256$$2b$12$"));
    /// # }
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`NotBuiltIn`] without the algorithm's feature.
    pub fn preferring(algorithm: Algorithm) -> Result<Self, NotBuiltIn> {
        algorithm.built_in()?;
        Ok(Self::of_algorithm(algorithm))
    }

    /// Only to be compared with, unless the algorithm is built in.
    fn of_algorithm(algorithm: Algorithm) -> Self {
        Self { algorithm, iterations: ITERATIONS }
    }

    /// Encodes a new password with a new salt, ready for the column `password`.
    ///
    /// ```
    /// let hasher = housekey::password::Hasher::pbkdf2_sha256(1);
    /// assert_ne!(hasher.hash("secret")?, hasher.hash("secret")?);
    /// # Ok::<(), housekey::password::TooLong>(())
    /// ```
    ///
    /// # Errors
    /// [`TooLong`] over [`MAX_PASSWORD`] bytes: [`Hasher::verify`] would never find it right.
    ///
    /// # Panics
    /// When the operating system has no randomness to give.
    pub fn hash(&self, password: &str) -> Result<String, TooLong> {
        if password.len() > MAX_PASSWORD {
            return Err(TooLong { bytes: password.len() });
        }
        let salt = random_text(ALPHANUMERIC, SALT_LENGTH);
        let encoded = Stored::fresh(self.algorithm, self.iterations, &salt)
            .and_then(|fresh| fresh.encode(password.as_bytes()));
        Ok(encoded.expect("the costs of Django are within the limits"))
    }

    /// Tells whether `password` is the one that was stored as `encoded`.
    ///
    /// A text that is no hash of the five algorithms, or asks for too much work, is [`Verdict::Wrong`]
    /// after as long as one hash takes, and so is [`Verdict::NotBuiltIn`]. Only a password over [`MAX_PASSWORD`] is wrong at once.
    ///
    /// ```
    /// use housekey::password::{Hasher, Verdict};
    /// let (old, new) = (Hasher::pbkdf2_sha256(10), Hasher::pbkdf2_sha256(20));
    /// let encoded = old.hash("secret")?;
    /// assert_eq!(new.verify("secret", &encoded), Verdict::RightButWeaker);
    /// assert_eq!(new.verify("Secret", &encoded), Verdict::Wrong);
    /// assert_eq!(new.verify("secret", "no hash"), Verdict::Wrong);
    /// assert_eq!(old.verify("secret", &new.hash("secret")?), Verdict::Right);
    /// # Ok::<(), housekey::password::TooLong>(())
    /// ```
    pub fn verify(&self, password: &str, encoded: &str) -> Verdict {
        if password.len() > MAX_PASSWORD {
            return Verdict::Wrong;
        }
        let stored = Stored::parse(encoded);
        let again = stored.as_ref().and_then(|stored| stored.encode(password.as_bytes()));
        let (Some(stored), Some(again)) = (stored, again) else {
            self.spend(password);
            return not_built_in(encoded).map_or(Verdict::Wrong, Verdict::NotBuiltIn);
        };
        if !same(again.as_bytes(), encoded.as_bytes()) {
            self.spend_missing(password, &stored);
            return Verdict::Wrong;
        }
        if self.surpasses(&stored) { Verdict::RightButWeaker } else { Verdict::Right }
    }

    /// Works as long as [`Hasher::verify`] does on a wrong password, whether or not this is the right one.
    pub(crate) fn turn_away(self, password: &str, encoded: &str) {
        if self.verify(password, encoded) == Verdict::RightButWeaker
            && let Some(stored) = Stored::parse(encoded)
        {
            self.spend_missing(password, &stored);
        }
    }

    /// Works as long as [`Hasher::hash`] and throws the result away.
    ///
    /// For a user who does not exist: an answer that comes sooner would tell so.
    ///
    /// ```
    /// use housekey::password::{Hasher, Verdict};
    /// fn login(hasher: &Hasher, stored: Option<&str>, password: &str) -> Verdict {
    ///     let Some(stored) = stored else {
    ///         hasher.spend(password);
    ///         return Verdict::Wrong;
    ///     };
    ///     hasher.verify(password, stored)
    /// }
    /// assert_eq!(login(&Hasher::pbkdf2_sha256(1), None, "secret"), Verdict::Wrong);
    /// ```
    pub fn spend(&self, password: &str) {
        if let Algorithm::Pbkdf2Sha256 = self.algorithm {
            return spend_iterations(password, self.iterations);
        }
        let filler = Stored::fresh(self.algorithm, self.iterations, FILLER);
        if let Some(filler) = filler.filter(|_| password.len() <= MAX_PASSWORD) {
            black_box(filler.encode(password.as_bytes()));
        }
    }

    /// A wrong password at a cheaper hash takes no less time than at a preferred one: how long it takes must
    /// not tell that there is such a user.
    fn spend_missing(self, password: &str, stored: &Stored<'_>) {
        match (self.algorithm, stored) {
            (Algorithm::Pbkdf2Sha256, Stored::Pbkdf2Sha256(cheaper)) => {
                spend_iterations(password, self.iterations.saturating_sub(cheaper.iterations));
            }
            _ if self.surpasses(stored) => self.spend(password),
            _ => {}
        }
    }

    /// The hasher that wrote this, as far as its costs tell; `None` for what no password is right with.
    pub(crate) fn of(encoded: &str) -> Option<Self> {
        match Stored::parse(encoded)? {
            Stored::Pbkdf2Sha256(pbkdf2) => Some(Self::pbkdf2_sha256(pbkdf2.iterations)),
            other => Some(Self::of_algorithm(other.algorithm())),
        }
    }

    /// Reads back what `Display` writes, to be compared with: it may be of an algorithm that is not built in.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        match text.split_once('$') {
            Some(("pbkdf2_sha256", rounds)) => Some(Self::pbkdf2_sha256(rounds.parse().ok()?)),
            _ => identify(text).map(Self::of_algorithm),
        }
    }

    /// Would this hasher upgrade what the other one wrote?
    pub(crate) fn is_above(self, other: Self) -> bool {
        self.is_costlier(other.algorithm, other.costs())
    }

    fn surpasses(self, stored: &Stored<'_>) -> bool {
        let (theirs, costs) = (stored.algorithm(), stored.costs());
        self.is_costlier(theirs, costs)
            || (theirs == self.algorithm && costs == self.costs() && stored.has_short_salt())
    }

    /// Not "differs", as in Django: two apps of different cost would take turns to re-hash, and each
    /// new hash ends the user's other sessions.
    fn is_costlier(self, theirs: Algorithm, costs: [u64; 3]) -> bool {
        if theirs != self.algorithm {
            return theirs.strength() < self.algorithm.strength();
        }
        let ours = self.costs();
        ours != costs && ours.iter().zip(costs).all(|(ours, theirs)| *ours >= theirs)
    }

    /// As [`Stored::costs`] has them of what this hasher writes.
    fn costs(self) -> [u64; 3] {
        match self.algorithm {
            Algorithm::Pbkdf2Sha256 | Algorithm::Pbkdf2Sha1 => [self.iterations.into(), 0, 0],
            Algorithm::Argon2 => ARGON2_COSTS.map(u64::from),
            Algorithm::BcryptSha256 => [BCRYPT_ROUNDS.into(), 0, 0],
            Algorithm::Scrypt => SCRYPT_COSTS.map(u64::from),
        }
    }
}

/// The algorithm and its costs, as the hashes begin: `pbkdf2_sha256$1000000`.
///
/// ```
/// assert_eq!(housekey::password::Hasher::default().to_string(), "pbkdf2_sha256$1000000");
/// ```
impl fmt::Display for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.algorithm)?;
        let costs = self.costs();
        costs.iter().filter(|cost| **cost > 0).try_for_each(|cost| write!(f, "${cost}"))
    }
}

/// What keeps this build from finding any password right with a stored text, if the text is of an algorithm that
/// another build has.
pub(crate) fn not_built_in(encoded: &str) -> Option<NotBuiltIn> {
    identify(encoded)?.built_in().err()
}

fn spend_iterations(password: &str, iterations: u32) {
    if iterations > 0 && password.len() <= MAX_PASSWORD {
        let filler = Pbkdf2 { iterations, salt: FILLER };
        black_box(filler.sha256(password.as_bytes()));
    }
}

/// What [`Hasher::verify`] found.
///
/// ```
/// use housekey::password::{Hasher, Verdict};
/// let hasher = Hasher::pbkdf2_sha256(1_000);
/// let (mut column, password) = (Hasher::pbkdf2_sha256(10).hash("secret")?, "secret");
/// let verdict = hasher.verify(password, &column);
/// if verdict == Verdict::RightButWeaker {
///     column = hasher.hash(password)?;
/// }
/// assert_ne!(verdict, Verdict::Wrong);
/// assert_eq!(hasher.verify(password, &column), Verdict::Right);
/// # Ok::<(), housekey::password::TooLong>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
#[non_exhaustive]
pub enum Verdict {
    /// Another password, or a stored text with which no password is right.
    Wrong,
    /// The password, and its hash is as strong as the house wants it.
    Right,
    /// The password, but under another algorithm, fewer iterations or a shorter salt: hash it anew.
    RightButWeaker,
    /// Nobody can tell: the hash is of an algorithm that this build lacks.
    NotBuiltIn(NotBuiltIn),
}

/// A new password is longer than [`MAX_PASSWORD`].
///
/// ```
/// let refused = housekey::password::Hasher::pbkdf2_sha256(1).hash(&"p".repeat(5000)).unwrap_err();
/// assert_eq!(refused.to_string(), "a password has at most 4096 bytes, this one has 5000");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a password has at most {MAX_PASSWORD} bytes, this one has {bytes}")]
#[non_exhaustive]
pub struct TooLong {
    /// The length of the refused password as UTF-8.
    pub bytes: usize,
}

/// Whether a stored text may have a password at all: Django's `is_password_usable`.
///
/// ```
/// use housekey::password::{is_usable, unusable};
/// assert!(!is_usable(&unusable()));
/// assert!(is_usable("even this"), "only the mark counts");
/// ```
#[must_use]
pub fn is_usable(encoded: &str) -> bool {
    !encoded.starts_with('!')
}

/// A text to store for a user who has no password: Django's `make_password(None)`.
///
/// ```
/// let encoded = housekey::password::unusable();
/// assert_eq!((encoded.len(), &encoded[..1]), (41, "!"));
/// ```
#[must_use]
pub fn unusable() -> String {
    format!("!{}", random_text(ALPHANUMERIC, UNUSABLE_LENGTH))
}

/// What hashing with PBKDF2 and SHA-256 has cost this thread so far.
#[cfg(test)]
pub(crate) fn iterations_done() -> u64 {
    pbkdf2::DONE.get()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Only what costs nothing is computed: the rest is within limits that other tests hold.
    #[test]
    fn fuzz_password_hash() {
        let seeds = crate::fuzz::seeds(&["password_encode", "password_verify"], "encoded");
        crate::fuzz::fuzz(&seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            let _ = (identify(&text), is_usable(&text), Hasher::of(&text), Hasher::parse(&text));
            let Some(stored) = Stored::parse(&text) else { return };
            let costs = stored.costs();
            let is_cheap = match stored.algorithm() {
                Algorithm::BcryptSha256 => false,
                _ => costs.iter().product::<u64>() <= 64 && costs.iter().all(|cost| *cost <= 64),
            };
            if is_cheap && let Some(again) = stored.encode(b"password") {
                assert!(again.len() > MAX_ENCODED || Stored::parse(&again).is_some(), "{text}");
            }
        });
    }

    #[test]
    fn pbkdf2_hashes_a_given_salt_as_django_does() {
        let encode =
            |iterations, salt, password: &[u8]| Pbkdf2 { iterations, salt }.sha256(password);
        assert_eq!(
            encode(1, "ODVqnA2GBdzo73kAzNqZ2r", b"secret"),
            "pbkdf2_sha256$1$ODVqnA2GBdzo73kAzNqZ2r$10z7VrQ1sNk8HJ1hWcm8CgalloV3Ja+RbT28GMBIHNY="
        );
        assert_eq!(
            encode(100, "s\u{e4}ltig", b"a"),
            "pbkdf2_sha256$100$s\u{e4}ltig$4fAVTSLzUp25tkoG+8cyGQdoqa2mVsoy3sJaH0+1JTA="
        );
    }

    /// `password_encode/24`: no `str` can hold this password.
    #[test]
    fn a_password_that_is_no_utf_8_hashes_as_its_bytes() {
        assert_eq!(
            Pbkdf2 { iterations: 10, salt: "bytes" }.sha256(&[0xff, 0xfe, 0x80, 0x91]),
            "pbkdf2_sha256$10$bytes$bzNMpwE/L0AaOYcbo+NOAbcqcR6VwqFMpYU8FImiq/k="
        );
    }

    #[cfg(all(feature = "argon2", feature = "bcrypt", feature = "scrypt"))]
    #[test]
    fn a_cost_at_its_cap_is_paid_and_one_above_is_not() {
        let bcrypt = "bcrypt_sha256$$2b$#$GEk3KIFImPRKjo9jLCXaL.PYn79MclGlebbozjL/1.DPpFudLaLmC";
        for (pattern, cap) in [
            ("pbkdf2_sha256$#$salt$x", 10_000_000),
            ("pbkdf2_sha1$#$salt$x", 10_000_000),
            ("argon2$argon2id$v=19$m=#,t=1,p=1$c2FsdHNhbHQ$eHh4eA", 1_048_576),
            ("argon2$argon2id$v=19$m=1024,t=#,p=1$c2FsdHNhbHQ$eHh4eA", 20),
            ("argon2$argon2id$v=19$m=1024,t=1,p=#$c2FsdHNhbHQ$eHh4eA", 64),
            (bcrypt, 16),
            ("scrypt$16384$salt$#$1$x", 512),
            ("scrypt$1048576$salt$8$#$x", 2),
            ("scrypt$2$salt$1$#$x", 65_536),
        ] {
            let at = |cost: u64| pattern.replace('#', &cost.to_string());
            assert!(Stored::parse(&at(cap)).is_some(), "{}", at(cap));
            assert!(Stored::parse(&at(cap + 1)).is_none(), "{}", at(cap + 1));
            assert!(Stored::parse(&at(u32::MAX.into())).is_none(), "{pattern}");
            assert!(Stored::parse(&at(u64::MAX)).is_none(), "{pattern}");
        }
    }

    #[test]
    fn a_text_at_its_longest_is_read_and_one_byte_more_is_not() {
        let of_length = |length| format!("pbkdf2_sha256$1${:s<1$}$x", "", length - 18);
        assert_eq!(of_length(MAX_ENCODED).len(), MAX_ENCODED);
        assert!(Stored::parse(&of_length(MAX_ENCODED)).is_some());
        assert!(Stored::parse(&of_length(MAX_ENCODED + 1)).is_none());
    }

    #[test]
    fn only_what_is_weaker_is_hashed_anew() {
        let hasher = Hasher::pbkdf2_sha256(20);
        let verdict = |stored: &Stored<'_>| hasher.verify("p", &stored.encode(b"p").unwrap());
        let (salt, short) = ("ibncOld7yiY0v0dPAqfefo", "ibncOld7yiY0v0dPAqfef");
        for (iterations, salt, expected) in [
            (19, salt, Verdict::RightButWeaker),
            (20, salt, Verdict::Right),
            (21, salt, Verdict::Right),
            (20, short, Verdict::RightButWeaker),
            (21, short, Verdict::Right),
        ] {
            assert_eq!(verdict(&Stored::Pbkdf2Sha256(Pbkdf2 { iterations, salt })), expected);
        }
        let sha1 = Stored::Pbkdf2Sha1(Pbkdf2 { iterations: 21, salt });
        assert_eq!(verdict(&sha1), Verdict::RightButWeaker);
    }
}
