//! Django's answers about signed texts, sections `signer` to `signed_cookie`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use housekey::signing::{BadSignature, CookieSigner, ObjectSigner, Signer, TimestampSigner};
use housekey::{KeyRing, SecretKey};
use serde_json::Value;
use serde_json::value::RawValue;

use crate::support::vectors;

fn ring(case: &Value) -> KeyRing {
    let key = |text: &Value| SecretKey::dangerously_unchecked(text.as_str().unwrap());
    let fallbacks = case["fallbacks"].as_array().into_iter().flatten().map(key);
    fallbacks.fold(KeyRing::new(key(&case["key"])), KeyRing::with_fallback)
}

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap()
}

fn time(seconds: &Value) -> DateTime<Utc> {
    #[expect(clippy::cast_possible_truncation, reason = "microseconds of this century")]
    DateTime::from_timestamp_micros((seconds.as_f64().unwrap() * 1e6).round() as i64).unwrap()
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
        let at = time(&case["at"]);
        let signed =
            TimestampSigner::new(&ring(&case), text(&case, "salt")).sign(text(&case, "value"), at);
        assert_eq!(signed, text(&case, "signed"), "{}", case["id"]);
    }
}

#[test]
fn we_let_a_stamp_age_as_django_does() {
    for case in vectors("timestamp_unsign") {
        let signer = TimestampSigner::new(&ring(&case), text(&case, "salt"));
        let (given, now) = (text(&case, "signed"), time(&case["now"]));
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

fn json(text: &str) -> Option<Box<RawValue>> {
    RawValue::from_string(text.to_owned()).ok()
}

/// `NaN` and its kin, which no JSON but Python's knows.
const ONLY_PYTHON_WRITES: [&str; 2] = ["dumps/38", "dumps/39"];
/// The same, and two spellings of base64 that no Django writes (too many `=`, `/` for `_`).
const ONLY_PYTHON_READS: [&str; 4] = ["loads/78", "loads/79", "loads/102", "loads/113"];

#[test]
fn we_sign_objects_as_django_signs_them() {
    for case in vectors("dumps") {
        let Some(payload) = case["payload"].as_str().and_then(json) else {
            assert!(ONLY_PYTHON_WRITES.iter().any(|id| case["id"] == *id), "{}", case["id"]);
            continue;
        };
        let objects = ObjectSigner::new(&ring(&case), text(&case, "salt"));
        let at = time(&case["at"]);
        let packed = case["compress"] == true;
        let signed = if packed {
            objects.dumps_compressed(&payload, at).unwrap()
        } else {
            objects.dumps(&payload, at).unwrap()
        };
        if case["byte_exact"] == true {
            assert_eq!(signed, text(&case, "signed"), "{}", case["id"]);
        }
        let back: Box<RawValue> = objects.loads(&signed).unwrap();
        assert_eq!(back.get(), payload.get(), "{}", case["id"]);
    }
}

#[test]
fn we_load_what_django_loads() {
    for case in vectors("loads") {
        let signer = ObjectSigner::new(&ring(&case), text(&case, "salt"));
        let given = text(&case, "signed");
        let ours: Result<Box<RawValue>, _> = match case["max_age"].as_f64() {
            None => signer.loads(given),
            Some(age) => {
                signer.loads_within(given, Duration::from_secs_f64(age), time(&case["now"]))
            }
        };
        let theirs = text(&case, "expect");
        if ONLY_PYTHON_READS.iter().any(|id| case["id"] == *id) {
            assert_eq!(
                (ours.unwrap_err(), theirs),
                (BadSignature::Unreadable, "ok"),
                "{}",
                case["id"]
            );
            continue;
        }
        match (ours, theirs) {
            (Ok(ours), "ok") => {
                let Some(payload) = case["payload"].as_str() else { continue };
                let value = |json: &str| serde_json::from_str::<Value>(json).ok();
                // To Python a number of that size is Infinity; we carry it as it stands.
                let same = payload.replace("Infinity", "1e400") == ours.get();
                assert!(same || value(ours.get()) == value(payload), "{}: {ours}", case["id"]);
            }
            (Err(BadSignature::Expired), "expired")
            | (Err(BadSignature::Mismatch), "bad")
            | (Err(BadSignature::Unreadable | BadSignature::NoTimestamp), "error") => {}
            (ours, theirs) => panic!("{}: {ours:?} here, {theirs} there", case["id"]),
        }
    }
}

#[test]
fn we_sign_cookies_as_django_signs_them() {
    for case in vectors("signed_cookie") {
        let cookies = CookieSigner::new(&ring(&case), text(&case, "name"), text(&case, "salt"));
        let (value, signed, legacy) =
            (text(&case, "value"), text(&case, "signed"), text(&case, "legacy"));
        let at = time(&case["at"]);
        assert_eq!(cookies.sign(value, at), signed, "{}", case["id"]);
        assert_eq!(cookies.unsign(signed), Ok(value));
        assert_eq!(cookies.unsign(legacy), Err(BadSignature::Mismatch));
        let second = Duration::from_secs(1);
        assert_eq!(
            cookies.unsign_within(signed, second, at + second * 2),
            Err(BadSignature::Expired)
        );
        let cookies = cookies.reading_legacy();
        assert_eq!((cookies.unsign(signed), cookies.unsign(legacy)), (Ok(value), Ok(value)));
        assert_eq!(
            cookies.unsign_within(legacy, second, at + second * 2),
            Err(BadSignature::Expired)
        );
    }
}
