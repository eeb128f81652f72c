//! Django's answers about signed texts, sections `signer` to `timestamp_unsign`.

use std::time::Duration;

use chrono::DateTime;
use housekey::signing::{BadSignature, Signer, TimestampSigner};
use housekey::{KeyRing, SecretKey};
use serde_json::Value;

use crate::support::vectors;

fn ring(case: &Value) -> KeyRing {
    let key = |text: &Value| SecretKey::dangerously_unchecked(text.as_str().unwrap());
    let fallbacks = case["fallbacks"].as_array().into_iter().flatten().map(key);
    fallbacks.fold(KeyRing::new(key(&case["key"])), KeyRing::with_fallback)
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

/// Django's signer can be told another separator, another hash and a key of raw bytes; nothing that we
/// share uses them.
fn is_of_the_kind_that_django_uses(case: &Value) -> bool {
    let algorithm = case.get("algorithm").map_or("sha256", |name| name.as_str().unwrap());
    case["sep"] == ":" && algorithm == "sha256" && case["key"].is_string()
}

#[test]
fn we_sign_as_django_signs() {
    let cases: Vec<Value> =
        vectors("signer").into_iter().filter(is_of_the_kind_that_django_uses).collect();
    assert!(cases.len() >= 8);
    for case in cases {
        let salt = case["salt"].as_str().unwrap_or("django.core.signing.Signer");
        let signer = Signer::new(&ring(&case), salt);
        assert_eq!(signer.sign(text(&case, "value")), text(&case, "signed"), "{}", case["id"]);
    }
}

#[test]
fn we_believe_what_django_believes() {
    for case in vectors("signer_unsign") {
        assert!(is_of_the_kind_that_django_uses(&case));
        let signer = Signer::new(&ring(&case), text(&case, "salt"));
        let ours = signer.unsign(text(&case, "signed")).map(|verified| verified.value);
        match text(&case, "expect") {
            "ok" => assert_eq!(ours, Ok(text(&case, "value")), "{}", case["id"]),
            _ => assert_eq!(ours, Err(BadSignature::Mismatch), "{}", case["id"]),
        }
    }
}

#[test]
fn we_stamp_as_django_stamps() {
    for case in vectors("timestamp") {
        let at = DateTime::from_timestamp(case["at"].as_i64().unwrap(), 0).unwrap();
        let signed =
            TimestampSigner::new(&ring(&case), text(&case, "salt")).sign(text(&case, "value"), at);
        assert_eq!(signed, text(&case, "signed"), "{}", case["id"]);
    }
}

#[test]
fn we_let_a_stamp_age_as_django_does() {
    for case in vectors("timestamp_unsign") {
        let signer = TimestampSigner::new(&ring(&case), text(&case, "salt"));
        let (given, now) = (text(&case, "signed"), case["now"].as_f64().unwrap());
        #[expect(clippy::cast_possible_truncation, reason = "microseconds of this century")]
        let now = DateTime::from_timestamp_micros((now * 1e6).round() as i64).unwrap();
        let ours = match case["max_age"].as_f64() {
            None => signer.unsign(given),
            // A Duration is never negative: younger than -1 s now is younger than 0 s one second later.
            Some(age) if age < 0.0 => {
                let later = now + Duration::from_secs_f64(-age);
                signer.unsign_within(given, Duration::ZERO, later)
            }
            Some(age) => signer.unsign_within(given, Duration::from_secs_f64(age), now),
        };
        let expected = match text(&case, "expect") {
            "ok" => Ok(text(&case, "value")),
            "expired" => Err(BadSignature::Expired),
            "error" => Err(BadSignature::NoTimestamp),
            _ => Err(BadSignature::Mismatch),
        };
        assert_eq!(ours.map(|verified| verified.value), expected, "{}", case["id"]);
    }
}
