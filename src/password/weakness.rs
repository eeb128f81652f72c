//! What makes a new password weak, by the four validators that `startproject` writes into
//! `AUTH_PASSWORD_VALIDATORS` (`django/contrib/auth/password_validation.py`, 5.2), with their defaults.

use std::collections::HashMap;
use std::fmt;

use super::common::is_common;
use crate::python::{is_digits, is_word, strip};

/// In characters.
const SHORTEST: usize = 8;
/// As many characters as the widest column of `auth_user` has room for.
const LONGEST_VALUE: usize = 254;

/// A rule that a new password does not keep; the text says what to do.
///
/// ```
/// use housekey::password::{Attribute, Person, Weakness, weaknesses};
/// let found = weaknesses("Ada1", Person::new("ada"));
/// assert_eq!(found, [Weakness::TooSimilar { to: Attribute::Username }, Weakness::TooShort]);
/// assert_eq!(
///     found[1].to_string(),
///     "the password has fewer than 8 characters; choose a longer one"
/// );
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Weakness {
    /// Seven tenths of its characters are those of something that is known of the user.
    #[error("the password is too much like the {to}; choose one that does not remind of it")]
    TooSimilar {
        /// What it is like; the first, when it is like several.
        to: Attribute,
    },
    /// Fewer than 8 characters.
    #[error("the password has fewer than {SHORTEST} characters; choose a longer one")]
    TooShort,
    /// One of about 20,000 that everybody tries first.
    #[error("the password is one of those that are tried first; choose one that nobody else has")]
    TooCommon,
    /// Digits, and nothing else.
    #[error("the password has only digits; add letters or signs")]
    EntirelyNumeric,
}

impl Weakness {
    /// Django's name for it, the `code` of its `ValidationError`: a key for texts in other languages.
    ///
    /// ```
    /// assert_eq!(housekey::password::Weakness::TooShort.code(), "password_too_short");
    /// ```
    #[must_use]
    pub fn code(self) -> &'static str {
        match self {
            Self::TooSimilar { .. } => "password_too_similar",
            Self::TooShort => "password_too_short",
            Self::TooCommon => "password_too_common",
            Self::EntirelyNumeric => "password_entirely_numeric",
        }
    }
}

/// What a password may be too similar to.
///
/// ```
/// assert_eq!(housekey::password::Attribute::Email.to_string(), "e-mail address");
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Attribute {
    /// The name to sign in with.
    Username,
    /// The first name.
    FirstName,
    /// The last name.
    LastName,
    /// The e-mail address.
    Email,
}

impl fmt::Display for Attribute {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Username => "user name",
            Self::FirstName => "first name",
            Self::LastName => "last name",
            Self::Email => "e-mail address",
        })
    }
}

/// What is known of whoever chooses a password; a [`User`](crate::User) becomes one by itself.
///
/// ```
/// use housekey::password::{Person, weaknesses};
/// let person = Person::new("ada").email("ada@example.org").names("Ada", "Lovelace");
/// assert!(!weaknesses("lovelace!", person).is_empty());
/// assert!(weaknesses("lovelace!", Person::default()).is_empty());
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Person<'a> {
    username: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    email: &'a str,
}

impl<'a> Person<'a> {
    /// Somebody of whom the user name alone is known.
    ///
    /// ```
    /// assert_ne!(housekey::password::Person::new("ada"), housekey::password::Person::default());
    /// ```
    #[must_use]
    pub fn new(username: &'a str) -> Self {
        Self { username, ..Self::default() }
    }

    /// The e-mail address is known, too.
    ///
    /// ```
    /// use housekey::password::{Person, weaknesses};
    /// assert!(!weaknesses("grace@navy.example", Person::new("").email("grace@navy.example")).is_empty());
    /// ```
    #[must_use]
    pub fn email(self, email: &'a str) -> Self {
        Self { email, ..self }
    }

    /// First and last name are known, too.
    ///
    /// ```
    /// use housekey::password::{Person, weaknesses};
    /// assert!(!weaknesses("hopper-hopper", Person::new("g").names("Grace", "Hopper-Hopper")).is_empty());
    /// ```
    #[must_use]
    pub fn names(self, first_name: &'a str, last_name: &'a str) -> Self {
        Self { first_name, last_name, ..self }
    }
}

/// All that is weak about a new password: nothing, when it may be taken. `create_user` and its like do not
/// ask, as in Django: forms do.
///
/// ```
/// use housekey::password::{Person, weaknesses};
/// # let (username, email, password) = ("ada", "ada@example.org", "12345678");
/// let person = Person::new(username).email(email); // or a `&User`
/// for weakness in weaknesses(password, person) {
///     println!("{weakness}");
/// }
/// # assert_eq!(weaknesses(password, person).len(), 2);
/// ```
#[must_use]
pub fn weaknesses<'a>(password: &str, person: impl Into<Person<'a>>) -> Vec<Weakness> {
    let lower = password.to_lowercase();
    let is_short = password.chars().nth(SHORTEST - 1).is_none();
    let found = [
        resembled(&lower, &person.into()).map(|to| Weakness::TooSimilar { to }),
        is_short.then_some(Weakness::TooShort),
        is_common(strip(&lower)).then_some(Weakness::TooCommon),
        is_digits(password).then_some(Weakness::EntirelyNumeric),
    ];
    found.into_iter().flatten().collect()
}

/// What of the person the password is too similar to. A value that no column has room for is not looked at:
/// it is refused anyway, and would be work without an end.
fn resembled(password: &str, person: &Person<'_>) -> Option<Attribute> {
    let length = password.chars().count();
    let values = [
        (Attribute::Username, person.username),
        (Attribute::FirstName, person.first_name),
        (Attribute::LastName, person.last_name),
        (Attribute::Email, person.email),
    ];
    let resembles = |value: &str| {
        let fits = !value.is_empty() && value.chars().nth(LONGEST_VALUE).is_none();
        fits && parts(&value.to_lowercase()).any(|part| is_similar(password, length, part))
    };
    values.into_iter().find(|(_, value)| resembles(value)).map(|(attribute, _)| attribute)
}

/// A value and its words: `re.split(r"\W+", value) + [value]`, in another order.
fn parts(value: &str) -> impl Iterator<Item = &str> {
    let between = |character: char| !is_word(character);
    let words = value.split(between).filter(|word| !word.is_empty());
    let is_open = value.starts_with(between) || value.ends_with(between);
    words.chain(is_open.then_some("")).chain([value])
}

/// `SequenceMatcher(a=password, b=part).quick_ratio() >= 0.7`: how many characters both have, wherever they
/// stand. What Django leaves out for its length (`exceeds_maximum_length_ratio`) is not similar either.
fn is_similar(password: &str, length: usize, part: &str) -> bool {
    let part_length = part.chars().count();
    let is_enough = |both: usize| 20 * both >= 7 * (length + part_length);
    if !is_enough(length.min(part_length)) {
        return false;
    }
    let mut left: HashMap<char, usize> = HashMap::new();
    for character in part.chars() {
        *left.entry(character).or_default() += 1;
    }
    let is_in_both = |character: &char| {
        let count = left.get_mut(character).filter(|count| **count > 0);
        count.map(|count| *count -= 1).is_some()
    };
    is_enough(password.chars().filter(is_in_both).count())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_split_as_python_splits_them() {
        let sorted = |value| {
            let mut parts: Vec<&str> = parts(value).collect();
            parts.sort_unstable();
            parts
        };
        assert_eq!(sorted("ada"), ["ada", "ada"]);
        assert_eq!(sorted("a--b_c"), ["a", "a--b_c", "b_c"]);
        assert_eq!(sorted("b."), ["", "b", "b."]);
        assert_eq!(sorted(".."), ["", ".."]);
        assert_eq!(sorted("x\u{301}y"), ["x", "x\u{301}y", "y"], "a mark is no part of a word");
    }

    /// 7 of 13 and 7 characters are 14 / 20, and 7 tenths are enough.
    #[test]
    fn seven_tenths_are_too_similar_and_less_is_not() {
        let similar = |password: &str, part| is_similar(password, password.chars().count(), part);
        assert!(similar("abcdefg123456", "gfedcba"));
        assert!(!similar("abcdefg1234567", "gfedcba"));
        assert!(!similar("abcdefgabcdefg", "abcdefg"), "each character counts once");
        assert!(similar("", "") && !similar("", "a") && !similar("a", ""));
    }
}
