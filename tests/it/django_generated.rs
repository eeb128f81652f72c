//! Generated cases, answered here and by a live Django: they agree on all of them.
//!
//! `HOUSEKEY_TEST_SEED` repeats a run; each test prints its seed.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::DateTime;
use diesel::prelude::*;
use housekey::next::{Scheme, is_safe};
use housekey::schema::django_session;
use housekey::signing::{BadSignature, ObjectSigner, Signer, TimestampSigner};
use housekey::{KeyRing, SecretKey};
use serde_json::{Map, Value, json};

use crate::support::cases::{bent, dice, text};
use crate::support::dice::Dice;
use crate::support::django::Django;
use crate::support::{Home, House, KEY, OTHER_KEY};

const CASES: usize = 100_000;
const BATCH: usize = 1_000;
const SESSION_SALT: &str = "django.contrib.sessions.SessionStore";
/// 2026-01-09 16:23:50 UTC.
const NOW: i64 = 1_767_975_830;

/// A Django, and a house that a Django could live in.
fn start() -> Option<(Home, Django)> {
    let home = Home::sqlite();
    let django = Django::start(&home)?;
    Some((home, django))
}

fn ring(key: &str, fallbacks: &[String]) -> KeyRing {
    let secret = |text: &str| SecretKey::dangerously_unchecked(text);
    fallbacks.iter().fold(KeyRing::new(secret(key)), |ring, key| ring.with_fallback(secret(key)))
}

#[test]
fn a_redirect_is_safe_here_where_it_is_safe_there() {
    let Some((_home, mut django)) = start() else { return };
    let dice = &mut dice("next_url");
    // Other versions of Python read brackets otherwise.
    let brackets = django.call("python", json!({})) == json!([3, 11]);
    let mut parts = vec![
        "http:",
        "https:",
        "HTTP:",
        "javascript:",
        "ftp:",
        "//",
        "/",
        "/",
        "\\",
        "?",
        "#",
        "@",
        ":",
        ":80",
        ".",
        "evil.example",
        "app.example",
        "app.example:8000",
        "APP.example",
        " ",
        "\t",
        "\n",
        "\r",
        "\0",
        "\u{1b}",
        "%2f",
        "next=",
        "a",
        "1",
        "+",
        "-",
        "\u{a0}",
        "\u{3000}",
        "\u{ff0f}",
        "\u{ff20}",
        "\u{fe55}",
        "\u{2100}",
        "\u{200b}",
        "\u{feff}",
        "ä",
        ";",
        "&",
        "user:pw@",
        "%zone",
        "\u{85}",
        "\u{1c}",
    ];
    if brackets {
        parts.extend(["[", "]", "[::1]", "::1", "[v1.a]", "v1.", "1.2.3.4", "fe80::1%1"]);
    }
    let hosts = ["app.example", "app.example:8000", "[::1]", "[::1]:80", "1"];
    for _ in 0..CASES / BATCH {
        let cases: Vec<(String, Vec<&str>, bool)> = (0..BATCH)
            .map(|_| {
                let length = 1 + dice.below(7);
                let mut url: String = (0..length).map(|_| dice.pick(&parts)).collect();
                if dice.below(4) == 0 {
                    url = bent(dice, &url);
                }
                if dice.below(500) == 0 {
                    url.push_str(&"a".repeat(2048 - url.chars().count().min(2047) + dice.below(2)));
                }
                if !brackets && url.contains(['[', ']']) {
                    url.clear();
                }
                let allowed = (0..dice.below(3)).map(|_| dice.pick(&hosts)).collect();
                (url, allowed, dice.below(2) == 0)
            })
            .collect();
        let theirs = django.call("next_url", json!({ "cases": cases }));
        for ((url, allowed, https), theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
            let scheme = if *https { Scheme::HttpsOnly } else { Scheme::HttpOrHttps };
            let ours = is_safe(url, allowed.iter().copied(), scheme);
            assert_eq!(json!(ours), *theirs, "{url:?} {allowed:?} {https}");
        }
    }
}

#[test]
fn what_is_signed_here_is_signed_there_and_believed_alike() {
    let Some((_home, mut django)) = start() else { return };
    let dice = &mut dice("signing");
    for _ in 0..CASES / BATCH / 2 {
        let cases: Vec<(String, String, String, Option<i64>)> = (0..BATCH)
            .map(|_| {
                let now = (dice.below(3) > 0)
                    .then(|| NOW - i64::try_from(dice.below(4_000_000_000)).unwrap());
                (text(dice) + "k", text(dice) + "s", text(dice), now)
            })
            .collect();
        let signed = django.call("sign", json!({ "cases": cases }));
        let signed: Vec<&str> =
            signed.as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect();
        for ((key, salt, value, now), theirs) in cases.iter().zip(&signed) {
            let ring = ring(key, &[]);
            let ours = match now {
                None => Signer::new(&ring, salt).sign(value),
                Some(now) => TimestampSigner::new(&ring, salt)
                    .sign(value, DateTime::from_timestamp(*now, 0).unwrap()),
            };
            assert_eq!(ours, *theirs, "{key:?} {salt:?} {value:?} {now:?}");
        }
        let tries: Vec<Value> = cases
            .iter()
            .zip(&signed)
            .map(|((key, salt, _, now), signed)| {
                let signed =
                    if dice.below(2) == 0 { bent(dice, signed) } else { (*signed).to_owned() };
                let (current, fallbacks) = match dice.below(4) {
                    0 => (key.clone(), vec![text(dice) + "f"]),
                    1 => (text(dice) + "n", vec![key.clone()]),
                    2 => (text(dice) + "n", vec![text(dice) + "f", key.clone()]),
                    _ => (key.clone(), vec![]),
                };
                let age = (dice.below(3) > 0).then(|| dice.below(100));
                let later = now.map(|now| now + i64::try_from(dice.below(120)).unwrap());
                json!([current, fallbacks, salt, signed, later, age])
            })
            .collect();
        let theirs = django.call("unsign", json!({ "cases": tries }));
        for (case, theirs) in tries.iter().zip(theirs.as_array().unwrap()) {
            let fallbacks: Vec<String> = serde_json::from_value(case[1].clone()).unwrap();
            let ring = ring(case[0].as_str().unwrap(), &fallbacks);
            let (salt, signed) = (case[2].as_str().unwrap(), case[3].as_str().unwrap());
            let ours = match (case[4].as_i64(), case[5].as_u64()) {
                (None, _) => Signer::new(&ring, salt).unsign(signed),
                (Some(_), None) => TimestampSigner::new(&ring, salt).unsign(signed),
                (Some(now), Some(age)) => TimestampSigner::new(&ring, salt).unsign_within(
                    signed,
                    Duration::from_secs(age),
                    DateTime::from_timestamp(now, 0).unwrap(),
                ),
            };
            let ours = match ours {
                Ok(verified) => json!(verified.value),
                Err(BadSignature::Expired) => json!({"bad": "SignatureExpired"}),
                Err(BadSignature::Mismatch) => json!({"bad": "BadSignature"}),
                Err(_) => json!({"bad": "ValueError"}),
            };
            assert_eq!(ours, *theirs, "{case}");
        }
    }
}

/// Any JSON value that `serde_json` carries.
fn value(dice: &mut Dice, depth: usize) -> Value {
    match dice.below(if depth > 4 { 8 } else { 10 }) {
        0 => Value::Null,
        1 => json!(dice.below(2) == 0),
        2 => json!(dice.next().cast_signed() >> dice.below(60)),
        3 => json!(dice.next()),
        4 => {
            let float = f64::from_bits(dice.next());
            json!(if float.is_finite() { float } else { 0.5 })
        }
        5 => json!(f64::from(u32::try_from(dice.below(1_000_000)).unwrap()) / 1000.0),
        6 | 7 => json!(text(dice)),
        8 => (0..dice.below(4)).map(|_| value(dice, depth + 1)).collect(),
        _ => Value::Object(
            (0..dice.below(4)).map(|_| (text(dice), value(dice, depth + 1))).collect(),
        ),
    }
}

#[test]
fn objects_are_signed_alike() {
    let Some((_home, mut django)) = start() else { return };
    let dice = &mut dice("dumps");
    let at = DateTime::from_timestamp(NOW, 0).unwrap();
    for _ in 0..CASES / BATCH {
        let values: Vec<Value> = (0..BATCH).map(|_| value(dice, 0)).collect();
        let cases: Vec<Value> = values
            .iter()
            .map(|value| json!(["key", "salt", value.to_string(), NOW, false]))
            .collect();
        let signed = django.call("dumps", json!({ "cases": cases }));
        let objects = ObjectSigner::new(&ring("key", &[]), "salt");
        let packed: Vec<Value> = values
            .iter()
            .map(|value| {
                json!(["key", [], "salt", objects.dumps_compressed(value, at).unwrap(), NOW, 10])
            })
            .collect();
        let unpacked = django.call("loads", json!({ "cases": packed }));
        for (at_case, value) in values.iter().enumerate() {
            assert_eq!(json!(objects.dumps(value, at).unwrap()), signed[at_case], "{value}");
            let theirs: Value = serde_json::from_str(unpacked[at_case].as_str().unwrap()).unwrap();
            assert_eq!(theirs, *value);
            assert_eq!(objects.loads::<Value>(signed[at_case].as_str().unwrap()).unwrap(), *value);
        }
    }
}

/// What a session's row may hold: JSON objects, JSON that only Python knows, and what is nearly JSON.
fn payload(dice: &mut Dice) -> String {
    let object: Map<String, Value> =
        (0..dice.below(5)).map(|_| (text(dice), value(dice, 1))).collect();
    let json = Value::Object(object).to_string();
    let odd = [
        "NaN",
        "-Infinity",
        "Infinity",
        "1e400",
        "-0",
        "-0.0",
        "1E5",
        "123456789012345678901234567890",
        "1.0e-7",
        "\"\\ud83d\"",
        "\"\\ud83d\\ude00\"",
        "\"\\u00FF\\/\"",
        "[ ]",
        "{ \"a\" :\n1 }",
        "\"ÿ\"",
        "01",
        "1.",
        ".5",
        "+1",
        "nan",
        "-NaN",
        "'a'",
        "\"\\x\"",
        "\"\t\"",
        "[1,]",
        "undefined",
        "tru",
        "\"\u{7f}\"",
    ];
    match dice.below(4) {
        0 => json,
        1 => bent(dice, &json),
        2 => {
            let mut json = format!("{{\"a\":{},\"b\":{}}}", dice.pick(&odd), dice.pick(&odd));
            if dice.below(4) == 0 {
                json = bent(dice, &json);
            }
            json
        }
        _ => {
            let name = dice.pick(&["a", "b", "_x", "ä", "\\u00e4", ""]);
            format!(
                " {{\"{name}\":{},\"a\" : {}, \"a\":{}}}\n",
                dice.pick(&odd),
                value(dice, 2),
                value(dice, 2)
            )
        }
    }
}

/// The text of a row with this payload, as whoever has one of these keys may have written it.
fn row(dice: &mut Dice, payload: &str) -> String {
    let key = if dice.below(3) == 0 { OTHER_KEY } else { KEY };
    // Django reads latin-1, so what is beyond that cannot be in a row.
    let bytes: Vec<u8> =
        payload.chars().map(|letter| u8::try_from(letter).unwrap_or(b'?')).collect();
    let mut body = URL_SAFE_NO_PAD.encode(&bytes);
    if dice.below(2) == 0 {
        let mut packer =
            flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::default());
        std::io::Write::write_all(&mut packer, &bytes).unwrap();
        body = format!(".{}", URL_SAFE_NO_PAD.encode(packer.finish().unwrap()));
    }
    let at = DateTime::from_timestamp(NOW, 0).unwrap();
    let row = TimestampSigner::new(&ring(key, &[]), SESSION_SALT).sign(&body, at);
    if dice.below(8) == 0 { bent(dice, &row) } else { row }
}

fn insert(house: &House, rows: &[(String, String)]) {
    let end = || diesel::dsl::sql::<housekey::DjangoTime>("'2100-01-01 00:00:00'");
    let conn = &mut house.shared().unwrap();
    conn.immediate_transaction(|conn| {
        diesel::delete(django_session::table).execute(conn)?;
        for (key, data) in rows {
            diesel::insert_into(django_session::table)
                .values((
                    django_session::session_key.eq(key),
                    django_session::session_data.eq(data),
                    django_session::expire_date.eq(end()),
                ))
                .execute(conn)?;
        }
        QueryResult::Ok(())
    })
    .unwrap();
}

fn decode(django: &mut Django, rows: &[&str]) -> Vec<Option<String>> {
    let cases: Vec<Value> = rows.iter().map(|row| json!([KEY, [OTHER_KEY], row])).collect();
    serde_json::from_value(django.call("session_decode", json!({ "cases": cases }))).unwrap()
}

#[test]
fn a_session_is_read_alike_and_goes_back_as_it_was() {
    let Some((home, mut django)) = start() else { return };
    let dice = &mut dice("session codec");
    let house =
        home.open_with(home.config("notes").fallback_key(SecretKey::new(OTHER_KEY).unwrap()));
    let (mut read, mut saved_again) = (0, 0);
    for _ in 0..CASES / BATCH {
        let rows: Vec<(String, String)> = (0..BATCH)
            .map(|_| {
                let payload = payload(dice);
                let key = dice.text(b"abcdefghijklmnopqrstuvwxyz0123456789", 32);
                (String::from_utf8(key).unwrap(), row(dice, &payload))
            })
            .collect();
        insert(&house, &rows);
        let theirs =
            decode(&mut django, &rows.iter().map(|(_, row)| row.as_str()).collect::<Vec<_>>());
        // What is no object breaks Django's session, and names that are no Unicode cannot be ours.
        let readable = |payload: &String| payload.starts_with('{');
        let mut written: Vec<(String, String)> = Vec::new();
        for ((key, row), theirs) in rows.iter().zip(&theirs) {
            let session = house.session(Some(key)).unwrap();
            let ours = session.key().is_some();
            let theirs = theirs.as_ref().filter(|payload| readable(payload));
            assert_eq!(ours, theirs.is_some(), "{row} {theirs:?} {:?}", session.rejected());
            read += usize::from(ours);
            let Some(payload) = theirs.filter(|_| dice.below(5) == 0) else { continue };
            session.insert("probe", 1).unwrap();
            house.save(&session).unwrap();
            let start = payload.strip_suffix('}').unwrap();
            let comma = if start == "{" { "" } else { "," };
            let new_key = session.key().unwrap().expose_secret().to_owned();
            written.push((new_key, format!("{start}{comma}\"probe\":1}}")));
        }
        let conn = &mut house.shared().unwrap();
        let saved: Vec<String> = written
            .iter()
            .map(|(key, _)| {
                django_session::table
                    .find(key)
                    .select(django_session::session_data)
                    .first(conn)
                    .unwrap()
            })
            .collect();
        let again = decode(&mut django, &saved.iter().map(String::as_str).collect::<Vec<_>>());
        for ((_, expected), again) in written.iter().zip(again) {
            assert_eq!(again.as_ref(), Some(expected));
            saved_again += 1;
        }
    }
    eprintln!("{read} of {CASES} were sessions, {saved_again} of them were saved again");
    assert!(read > CASES / 4 && saved_again > CASES / 40);
}

/// By the front door: the guard of the axum layer, asked without a socket between.
#[test]
fn a_csrf_token_matches_here_where_it_matches_there() {
    use tower_service::Service;

    let Some((home, mut django)) = start() else { return };
    let dice = &mut dice("csrf_match");
    let layer = housekey::axum::HousekeyLayer::new(&home.open("notes"));
    let mut app = axum::Router::new().route("/", axum::routing::post(|| async {})).layer(layer);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let alphanumeric = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    for _ in 0..CASES / BATCH {
        let cases: Vec<(String, String)> = (0..BATCH)
            .map(|_| {
                let mut random =
                    |length| String::from_utf8(dice.text(alphanumeric, length)).unwrap();
                let (secret, mask) = (random(32), random(32));
                let token = match dice.below(5) {
                    0 => secret.clone(),
                    1 => masked(&secret, &mask, alphanumeric),
                    2 => bent(dice, &masked(&secret, &mask, alphanumeric)),
                    3 => masked(&secret, &mask, alphanumeric).to_lowercase(),
                    _ => text(dice),
                };
                (if token.is_empty() { "x".to_owned() } else { token }, secret)
            })
            .collect();
        let theirs = django.call("csrf_match", json!({ "cases": cases }));
        for ((token, secret), theirs) in cases.iter().zip(theirs.as_array().unwrap()) {
            let encoded =
                percent_encoding::utf8_percent_encode(token, percent_encoding::NON_ALPHANUMERIC);
            let request = http::Request::post("/")
                .header("cookie", format!("csrftoken={secret}"))
                .header("content-type", "application/x-www-form-urlencoded")
                .body(axum::body::Body::from(format!("csrfmiddlewaretoken={encoded}")))
                .unwrap();
            let (status, body) = runtime.block_on(async {
                let response = app.call(request).await.unwrap();
                let status = response.status().as_u16();
                (status, axum::body::to_bytes(response.into_body(), 10_000).await.unwrap())
            });
            let reason = match (theirs[0].as_str(), theirs[1] == true) {
                (None, true) => "",
                (None, false) => "CSRF verification failed. CSRF token from POST incorrect.\n",
                (Some(reason), _) => {
                    &format!("CSRF verification failed. CSRF token from POST {reason}.\n")
                }
            };
            assert_eq!(
                (status == 200, body.as_ref()),
                (reason.is_empty(), reason.as_bytes()),
                "{token:?} {secret}"
            );
        }
    }
}

/// Each letter is moved along the alphabet by that of the mask.
fn masked(secret: &str, mask: &str, alphabet: &[u8]) -> String {
    let index = |byte| alphabet.iter().position(|known| *known == byte).unwrap();
    let moved = |(a, b)| char::from(alphabet[(index(a) + index(b)) % alphabet.len()]);
    mask.chars().chain(secret.bytes().zip(mask.bytes()).map(moved)).collect()
}
