//! The secret in the cookie, and its masked copies in the forms.

use std::fmt;

use super::Failure;
use crate::key::{ALPHANUMERIC, random_text, same};

/// Characters in a secret; with its mask it has twice as many.
const LENGTH: usize = 32;

/// The secret that the cookie bears and the form proves to know.
#[derive(Clone)]
pub(crate) struct Secret(String);

impl Secret {
    pub(crate) fn generate() -> Self {
        Self(random_text(ALPHANUMERIC, LENGTH))
    }

    /// From the cookie, where Django 4.0 and older kept it masked.
    pub(crate) fn from_cookie(text: &str) -> Result<Self, Failure> {
        unmasked(text).map(Self).map_err(Failure::Cookie)
    }

    /// What belongs into the cookie.
    pub(crate) fn expose(&self) -> &str {
        &self.0
    }

    /// A token for a form: another one each time, as a compressed page would give away a constant.
    pub(crate) fn mask(&self) -> String {
        self.mask_with(&random_text(ALPHANUMERIC, LENGTH))
    }

    fn mask_with(&self, mask: &str) -> String {
        mask.to_owned() + &shifted(&self.0, mask, |secret, mask| secret + mask)
    }

    /// Does this token, masked or not, hold this secret?
    pub(crate) fn check(&self, token: &str) -> Result<(), Flaw> {
        let theirs = unmasked(token)?;
        if same(self.0.as_bytes(), theirs.as_bytes()) { Ok(()) } else { Err(Flaw::Mismatch) }
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

fn unmasked(text: &str) -> Result<String, Flaw> {
    let length = text.chars().count();
    if length != LENGTH && length != 2 * LENGTH {
        return Err(Flaw::Length);
    }
    if !text.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(Flaw::Characters);
    }
    if length == LENGTH {
        return Ok(text.to_owned());
    }
    let (mask, cipher) = text.split_at(LENGTH);
    Ok(shifted(cipher, mask, |cipher, mask| cipher + ALPHANUMERIC.len() - mask))
}

/// Combines the places in the alphabet, letter by letter.
fn shifted(text: &str, mask: &str, combine: impl Fn(usize, usize) -> usize) -> String {
    let place = |byte: u8| ALPHANUMERIC.iter().position(|known| *known == byte).unwrap_or_default();
    let pairs = text.bytes().zip(mask.bytes());
    let places = pairs.map(|(letter, mask)| combine(place(letter), place(mask)));
    places.map(|place| char::from(ALPHANUMERIC[place % ALPHANUMERIC.len()])).collect()
}

/// What is wrong with a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flaw {
    #[error("has incorrect length")]
    Length,
    #[error("has invalid characters")]
    Characters,
    #[error("incorrect")]
    Mismatch,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{text, vectors};

    #[test]
    fn a_masked_secret_is_djangos() {
        for case in vectors("csrf_mask") {
            let secret = Secret::from_cookie(text(&case, "secret")).unwrap();
            let token = text(&case, "token");
            assert_eq!(secret.mask_with(text(&case, "mask")), token, "{case}");
            assert_eq!(Secret::from_cookie(token).unwrap().expose(), secret.expose(), "{case}");
        }
    }

    #[test]
    fn a_token_matches_where_it_matches_for_django() {
        for case in vectors("csrf_match") {
            let secret = Secret::from_cookie(text(&case, "secret")).unwrap();
            let why = secret.check(text(&case, "token")).err().map(|flaw| flaw.to_string());
            let theirs = if case["match"] == true {
                None
            } else {
                Some(case["reason"].as_str().unwrap_or("incorrect"))
            };
            assert_eq!(why.as_deref(), theirs, "{case}");
        }
    }

    #[test]
    fn secrets_and_masks_are_new_each_time() {
        let secret = Secret::generate();
        assert_ne!(secret.expose(), Secret::generate().expose());
        assert_ne!(secret.mask(), secret.mask());
        assert_eq!(secret.check(&secret.mask()), Ok(()));
        assert_eq!(secret.check(secret.expose()), Ok(()));
        assert_eq!(format!("{secret:?}"), "Secret");
    }
}
