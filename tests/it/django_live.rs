//! A real Django on the same shared database: what one writes the other reads.

use housekey::{Rejected, Session};
use serde_json::{Value, json};

use crate::support::django::Django;
use crate::support::{Home, PASSWORD, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    a_session_written_here_is_read_by_django,
    a_session_written_by_django_is_read_here,
    a_login_here_is_a_login_in_django,
    a_login_in_django_is_a_login_here,
    a_logout_on_either_side_is_a_logout_on_both,
    hashes_are_verified_on_both_sides,
    our_tables_need_no_migration_of_djangos,
    tables_that_django_made_are_taken_as_they_are,
);

fn values() -> Value {
    json!({
        "nested": {"list": [1, [2, [3, {"four": null}]]], "true": true},
        "größe": "данные メモ 😀 \u{7f} \"quoted\" \\ / \u{1} é",
        "float": 0.1, "whole": 1.0, "tiny": 1e-7, "huge": 1e300, "big": u64::MAX, "negative": -7,
        "long": "ab".repeat(5000),
    })
}

fn store(house: &crate::support::House) -> Session {
    let session = Session::default();
    for (name, value) in values().as_object().unwrap() {
        session.insert(name, value).unwrap();
    }
    house.save(&session).unwrap();
    session
}

fn a_session_written_here_is_read_by_django(home: &Home) {
    let house = home.open("notes");
    let session = store(&house);
    let Some(mut django) = Django::start(home) else { return };
    assert_eq!(django.call("load", json!({"cookie": cookie(&session)})), values());
    let row = home.text("SELECT session_data FROM django_session");
    assert_eq!(django.call("decode", json!({"data": row})), values());
    // Unpacked: what is compared is what Python's `json.dumps` would have written.
    assert!(!row.starts_with('.'));
}

fn a_session_written_by_django_is_read_here(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let mut arguments = values();
    arguments["username"] = json!("ada");
    let cookie = django.text("login", arguments);
    let row = home.text("SELECT session_data FROM django_session");
    assert!(row.starts_with('.'), "Django packs what is long");

    let session = house.session(Some(&cookie)).unwrap();
    for (name, value) in values().as_object().unwrap() {
        assert_eq!(session.get::<Value>(name).as_ref(), Some(value), "{name}");
    }
    session.insert("ours", 1).unwrap();
    house.save(&session).unwrap();
    let mut expected = values();
    expected["ours"] = json!(1);
    let loaded = django.call("load", json!({"cookie": cookie}));
    for (name, value) in expected.as_object().unwrap() {
        assert_eq!(&loaded[name], value, "{name}");
    }
}

fn a_login_here_is_a_login_in_django(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    assert_eq!(django.text("whoami", json!({"cookie": cookie})), "ada");
    home.execute("UPDATE auth_user SET is_active = FALSE");
    assert_eq!(django.text("whoami", json!({"cookie": cookie})), "");
}

fn a_login_in_django_is_a_login_here(home: &Home) {
    let house = home.open("notes");
    let Some(mut django) = Django::start(home) else { return };
    django.call("create_user", json!({"username": "grace", "password": PASSWORD}));
    let theirs = django.text("login", json!({"username": "grace"}));
    assert_eq!(theirs.len(), 32);
    assert_eq!(whoami(&house, &theirs), Ok("grace".to_owned()));

    // Signed in on either side over the other's session: one row is left, and both read it.
    let session = house.session(Some(&theirs)).unwrap();
    crate::support::login_in(&house, &session, "grace");
    assert_eq!(django.text("whoami", json!({"cookie": cookie(&session)})), "grace");
    assert_eq!(home.sessions(), 1);
}

fn a_logout_on_either_side_is_a_logout_on_both(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let ours = login(&house, "ada");
    django.call("logout", json!({"cookie": ours}));
    assert_eq!(whoami(&house, &ours), Err(Some(Rejected::Gone)));

    let theirs = django.text("login", json!({"username": "ada"}));
    house.logout(&house.session(Some(&theirs)).unwrap()).unwrap();
    assert_eq!(django.text("whoami", json!({"cookie": theirs})), "");
    assert_eq!(home.sessions(), 0);
}

fn hashes_are_verified_on_both_sides(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let ours = home.text("SELECT password FROM auth_user");
    assert_eq!(django.call("check", json!({"password": PASSWORD, "encoded": ours})), true);
    assert_eq!(django.call("check", json!({"password": "wrong", "encoded": ours})), false);
    django.call("create_user", json!({"username": "grace", "password": PASSWORD}));
    assert!(house.authenticate("grace", PASSWORD).unwrap().is_some());
    assert!(house.authenticate("grace", "wrong").unwrap().is_none());
}

#[test]
fn every_hash_that_is_written_here_is_right_in_django() {
    use housekey::password::{Algorithm, Hasher};
    let home = Home::sqlite();
    let Some(mut django) = Django::start(&home) else { return };
    for algorithm in [
        Algorithm::Pbkdf2Sha256,
        Algorithm::Pbkdf2Sha1,
        Algorithm::Argon2,
        Algorithm::BcryptSha256,
        Algorithm::Scrypt,
    ] {
        let hasher = Hasher::preferring(algorithm).unwrap();
        for password in [PASSWORD, "größe メモ 😀", ""] {
            let encoded = hasher.hash(password).unwrap();
            let arguments = json!({"password": password, "encoded": encoded});
            assert_eq!(django.call("check", arguments), true, "{encoded}");
            // At the costs that Django 5.2 prefers itself: it would not hash it anew.
            assert_eq!(django.call("must_update", json!({"encoded": encoded})), false, "{encoded}");
        }
    }
}

fn our_tables_need_no_migration_of_djangos(home: &Home) {
    home.open("notes");
    let Some(mut django) = Django::start(home) else { return };
    let answer = django.call("migrate", json!({}));
    assert_eq!(answer, json!(["No planned migration operations.", "No changes detected"]));
}

fn tables_that_django_made_are_taken_as_they_are(home: &Home) {
    let Some(mut django) = Django::start(home) else { return };
    django.call("make_tables", json!({}));
    django.call("create_user", json!({"username": "grace", "password": PASSWORD}));
    let theirs = django.text("login", json!({"username": "grace"}));
    let before = home.count("SELECT count(*) FROM django_migrations");

    let house = home.open("notes");
    assert_eq!(home.count("SELECT count(*) FROM django_migrations"), before);
    assert_eq!(whoami(&house, &theirs), Ok("grace".to_owned()));
    let answer = django.call("migrate", json!({}));
    assert_eq!(answer, json!(["No planned migration operations.", "No changes detected"]));
}
