//! User names and e-mail addresses as Django stores them: `UnicodeUsernameValidator` of
//! `django/contrib/auth/validators.py`, `UsernameField` of `forms.py` and `BaseUserManager` of
//! `base_user.py` there.

use unicode_normalization::UnicodeNormalization as _;

use crate::error::Error;
use crate::python::{is_word, strip};

/// As many characters as `auth_user.username` has room for.
pub(crate) const MAX_CHARACTERS: usize = 150;
/// In bytes; 150 characters have no more than 600, and Unicode's forms shrink hardly anything.
const MOST_TO_NORMALIZE: usize = 4096;

/// A name in the one spelling under which it is stored (Unicode's NFKC).
///
/// ```
/// use housekey::username::normalize;
/// assert_eq!(normalize("ｅ\u{301}ric"), "éric");
/// assert_eq!(normalize("Eric"), "Eric");
/// ```
#[must_use]
pub fn normalize(raw: &str) -> String {
    raw.nfkc().collect()
}

/// May a normalized name be given to a new user? Letters, numbers and `@`, `.`, `+`, `-`, `_` may be in
/// it. Django does not ask that of names that are already there.
///
/// ```
/// use housekey::username::is_valid;
/// assert!(is_valid("名前+1@example"));
/// assert!(!is_valid("two words"));
/// ```
#[must_use]
pub fn is_valid(normalized: &str) -> bool {
    !normalized.is_empty() && normalized.chars().all(may_be_in_a_name)
}

fn may_be_in_a_name(character: char) -> bool {
    matches!(character, '@' | '.' | '+' | '-') || is_word(character)
}

/// The name to look up for what was typed into a login form; `None` where the form itself refuses it.
///
/// ```
/// use housekey::username::clean;
/// assert_eq!(clean(" ﬁnn\n").as_deref(), Some("finn"));
/// assert_eq!(clean("  "), None);
/// ```
#[must_use]
pub fn clean(raw: &str) -> Option<String> {
    let name = strip(raw);
    if name.is_empty() || name.contains('\0') {
        return None;
    }
    // Django's form leaves it as it is, too, and nobody has such a name.
    let too_long = name.chars().nth(MAX_CHARACTERS).is_some();
    Some(if too_long { name.to_owned() } else { normalize(name) })
}

/// The spelling under which a user who gets this name is stored.
pub(crate) fn admit(raw: &str) -> Result<String, Error> {
    if raw.len() > MOST_TO_NORMALIZE {
        return Err(refuse("", "has a name of more than 150 characters; give a shorter one"));
    }
    let name = normalize(raw);
    match name.chars().nth(MAX_CHARACTERS) {
        Some(_) => Err(refuse(&name, "has a name of more than 150 characters; give a shorter one")),
        None if name.is_empty() => Err(refuse(&name, "has no name; give one")),
        None if !is_valid(&name) => Err(refuse(
            &name,
            "has a name with other characters than letters, digits and @.+-_; give another one",
        )),
        None => Ok(name),
    }
}

/// The spelling under which the e-mail address of this user is stored.
pub(crate) fn admit_email(username: &str, raw: &str) -> Result<String, Error> {
    let email = normalize_email(raw);
    match email.chars().count() {
        255.. => Err(refuse(
            username,
            "has an e-mail address of more than 254 characters; give another one",
        )),
        _ if email.contains('\0') => {
            Err(refuse(username, "has an e-mail address with a NUL in it; give another one"))
        }
        _ => Ok(email),
    }
}

/// A first or last name of this user as Django's forms store it.
pub(crate) fn admit_name(username: &str, raw: &str) -> Result<String, Error> {
    let name = strip(raw);
    match name.chars().nth(MAX_CHARACTERS) {
        Some(_) => Err(refuse(
            username,
            "has a first or last name of more than 150 characters; give a shorter one",
        )),
        None if name.contains('\0') => {
            Err(refuse(username, "has a first or last name with a NUL in it; give another one"))
        }
        None => Ok(name.to_owned()),
    }
}

fn refuse(username: &str, problem: &str) -> Error {
    Error::User { username: username.to_owned(), problem: problem.to_owned() }
}

/// An e-mail address in the spelling under which Django stores it: the part behind the last `@` in
/// lower case, the part before it as it is.
///
/// ```
/// use housekey::username::normalize_email;
/// assert_eq!(normalize_email(" Ada@Example.ORG "), "Ada@example.org");
/// ```
#[must_use]
pub fn normalize_email(raw: &str) -> String {
    match strip(raw).rsplit_once('@') {
        Some((name, domain)) => format!("{name}@{}", domain.to_lowercase()),
        None => raw.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{text, vectors};

    #[test]
    fn names_are_read_as_django_reads_them() {
        for case in vectors("username") {
            let raw = text(&case, "raw");
            let normalized = normalize(raw);
            assert_eq!(normalized, text(&case, "normalized"), "{}", case["id"]);
            assert_eq!(is_valid(&normalized), case["valid"] == true, "{}", case["id"]);
            assert_eq!(clean(raw).as_deref(), case["login"].as_str(), "{}", case["id"]);
        }
    }

    #[test]
    fn addresses_are_stored_as_django_stores_them() {
        for case in vectors("email") {
            assert_eq!(normalize_email(text(&case, "raw")), text(&case, "normalized"), "{case}");
        }
        // Django's answers to a capital sigma, which at the end of a word has a small letter of its own.
        for (raw, theirs) in [
            ("a@ΟΔΟΣ", "a@οδος"),
            ("a@ΟΔΟΣ.ΣΣ", "a@οδοσ.σς"),
            ("a@Σ", "a@σ"),
            ("a@Α\u{345}Σ\u{345}\u{301}-", "a@α\u{345}ς\u{345}\u{301}-"),
            ("a@ΑΣ\u{345}Α", "a@ασ\u{345}α"),
        ] {
            assert_eq!(normalize_email(raw), theirs);
        }
    }
}
