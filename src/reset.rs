//! The links that let a user who forgot the password choose a new one
//! (`PasswordResetTokenGenerator` of `django/contrib/auth/tokens.py`).
//!
//! ```text
//! MQ                                        the user's id, in base64
//! d25c7q-606945e7ef9348e380e38ba555434f9d   seconds since 2001 in base 36, half of an HMAC
//! ```
//!
//! Nothing is stored: the HMAC covers the password, the last login and the address, so a link ends when
//! one of them changes, and with that it serves only once.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, Utc};

use crate::key::{KeyRing, SecretKey, same};
use crate::signing::salted_hmac;

const SALT: &str = "django.contrib.auth.tokens.PasswordResetTokenGenerator";
const YEAR_2001: i64 = 978_307_200;
const BASE36: &[u8] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// What a link depends on: it is for this user in this state.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Subject<'a> {
    pub(crate) id: i64,
    /// The hash in `auth_user.password`.
    pub(crate) password: &'a str,
    pub(crate) last_login: Option<DateTime<Utc>>,
    pub(crate) email: &'a str,
}

/// Makes and checks the tokens in these links.
#[derive(Debug, Clone)]
pub(crate) struct ResetTokens(KeyRing);

impl ResetTokens {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self(ring.clone())
    }

    /// A token of this time, under the current key.
    pub(crate) fn make(&self, user: &Subject<'_>, seconds: u64) -> String {
        token(user, seconds, self.0.current())
    }

    /// Is this a token for the user as it is now, made no longer ago than `timeout`? One of the future
    /// is accepted, as Django does: the clocks of two apps are never quite the same.
    pub(crate) fn check(&self, user: &Subject<'_>, text: &str, now: u64, timeout: u64) -> bool {
        let Some(made) = text.split_once('-').and_then(|(seconds, _)| unbase36(seconds)) else {
            return false;
        };
        // The whole text is compared, so that no second spelling of it is accepted.
        let ours = |key| same(token(user, made, key).as_bytes(), text.as_bytes());
        self.0.iter().any(ours) && now.saturating_sub(made) <= timeout
    }
}

fn token(user: &Subject<'_>, seconds: u64, key: &SecretKey) -> String {
    let Subject { id, password, last_login, email } = user;
    let login = last_login.map(|time| time.format("%Y-%m-%d %H:%M:%S").to_string());
    let state = format!("{id}{password}{}{seconds}{email}", login.unwrap_or_default());
    let start = base36(seconds) + "-";
    salted_hmac(SALT, &state, key).iter().fold(start, |mut text, byte| {
        let _ = write!(text, "{:x}", byte >> 4);
        text
    })
}

/// The time in a token. Django counts in the local time of its `TIME_ZONE`: two apps understand each
/// other's tokens if both have UTC there. A time before 2001 counts as the first second of it.
pub(crate) fn seconds_since_2001(now: DateTime<Utc>) -> u64 {
    u64::try_from(now.timestamp().saturating_sub(YEAR_2001)).unwrap_or_default()
}

/// The user's id as it stands in a link.
pub(crate) fn encode_uid(id: i64) -> String {
    URL_SAFE_NO_PAD.encode(id.to_string())
}

/// The id that a link names. Of the many spellings that Python can read this takes the one that is
/// written, with or without padding.
pub(crate) fn decode_uid(text: &str) -> Option<i64> {
    let text = text.trim_end_matches('=');
    let id = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?.parse().ok()?;
    (encode_uid(id) == text).then_some(id)
}

fn base36(number: u64) -> String {
    let mut rest = number;
    let mut digits = Vec::new();
    while rest > 0 || digits.is_empty() {
        digits.push(BASE36[usize::try_from(rest % 36).unwrap_or_default()]);
        rest /= 36;
    }
    digits.iter().rev().map(|digit| char::from(*digit)).collect()
}

fn unbase36(text: &str) -> Option<u64> {
    text.bytes().try_fold(0_u64, |number, byte| {
        let digit = BASE36.iter().position(|known| *known == byte)?;
        number.checked_mul(36)?.checked_add(u64::try_from(digit).ok()?)
    })
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;
    use serde_json::Value;

    use super::*;
    use crate::vectors::{ring, text, vectors};

    fn subject(case: &Value) -> Subject<'_> {
        let user = &case["user"];
        Subject {
            id: user["pk"].as_i64().unwrap(),
            password: text(user, "password"),
            last_login: user["last_login"].as_str().map(|time| time.parse().unwrap()),
            email: user["email"].as_str().unwrap_or_default(),
        }
    }

    #[test]
    fn tokens_are_djangos() {
        for case in vectors("reset_token") {
            let (tokens, user) = (ResetTokens::new(&ring(&case)), subject(&case));
            let (seconds, token) = (case["seconds"].as_u64().unwrap(), text(&case, "token"));
            assert_eq!(tokens.make(&user, seconds), token, "{case}");
            assert!(tokens.check(&user, token, seconds, 0), "{case}");
            assert!(!tokens.check(&user, token, seconds + 1, 0), "{case}");
        }
    }

    #[test]
    fn tokens_are_accepted_where_django_accepts_them() {
        for case in vectors("reset_check") {
            let tokens = ResetTokens::new(&ring(&case));
            let number = |field: &str| case[field].as_u64().unwrap();
            let (now, timeout) = (number("now_seconds"), number("timeout"));
            let accepted = tokens.check(&subject(&case), text(&case, "token"), now, timeout);
            assert_eq!(accepted, case["expect"] == true, "{case}");
        }
    }

    #[test]
    fn seconds_are_counted_from_2001() {
        let seconds = |text: &str| seconds_since_2001(text.parse().unwrap());
        assert_eq!(seconds("2001-01-01T00:00:00Z"), 0);
        assert_eq!(seconds("2026-01-09T17:03:50.999Z"), 789_671_030);
        assert_eq!(seconds("1999-01-01T00:00:00Z"), 0);
        assert_eq!(seconds_since_2001(DateTime::<Utc>::MIN_UTC), 0);
    }

    #[test]
    fn ids_are_written_and_read_as_django_does() {
        for case in vectors("uidb64") {
            let (id, link) = (&case["id"], text(&case, "uidb64"));
            if let Some(pk) = case["pk"].as_str().and_then(|pk| pk.parse().ok()) {
                assert_eq!(encode_uid(pk), link, "{id}");
                assert_eq!(decode_uid(link), Some(pk), "{id}");
                continue;
            }
            let decoded = case["decoded_b64"].as_str().and_then(|text| STANDARD.decode(text).ok());
            let theirs = decoded.and_then(|bytes| String::from_utf8(bytes).ok()?.parse().ok());
            // Python skips what is not base64, here a line feed; no link is written like that.
            let theirs = if id == "uidb64/19" { None } else { theirs };
            assert_eq!(decode_uid(link), theirs, "{id}");
        }
        for link in ["KzU", "MDU", "MV8w", "MR", "IDU", "OTk5OTk5OTk5OTk5OTk5OTk5OTk"] {
            assert_eq!(decode_uid(link), None, "{link}");
        }
        assert_eq!(decode_uid(&encode_uid(i64::MIN)), Some(i64::MIN));
    }
}
