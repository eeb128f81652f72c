//! No secret is in any error, `Debug` or log line: keys, passwords, hashes, session keys, URLs.

use std::error::Error as _;
use std::fmt::Debug;

use diesel::prelude::*;
use housekey::signing::{Signer, TimestampSigner};
use housekey::{Caretaker, Config, Error, Housekey, KeyRing, SecretKey};

use crate::support::{Home, KEY, PASSWORD, login, on_both_databases, user};

on_both_databases!(nothing_that_can_be_printed_tells_a_secret);

const URL_PASSWORD: &str = "s3cr3t-url-password";

fn nothing_that_can_be_printed_tells_a_secret(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookie = login(&house, "ada");
    let hash = home.text("SELECT password FROM auth_user");
    let session = house.session(Some(&cookie)).unwrap();
    session.insert("note", "s3cr3t-session-value").unwrap();

    let key = SecretKey::new(KEY).unwrap();
    let ring = KeyRing::new(key.clone());
    let url = format!("postgres://ada:{URL_PASSWORD}@127.0.0.1:1/house");
    let config = Config::new(&url, &home.local_url("x"), key.clone()).unwrap().app_name("x");
    let config = config.deadline(std::time::Duration::from_millis(100));
    let unreachable = Housekey::<SqliteConnection>::open(config.clone()).unwrap_err();
    let mismatch = {
        let other = home.config_with_key("tasks", crate::support::OTHER_KEY);
        Housekey::<SqliteConnection>::open(other).unwrap_err()
    };
    let mut conn = house.conn();
    let bad_query = diesel::sql_query(format!("SELECT '{hash}' FROM FROM")).execute(&mut conn);
    let bad_query = Error::from(bad_query.unwrap_err());
    let sessions = house.sessions_of(&ada).unwrap();
    assert_eq!(sessions.len(), 1);
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    let taken = house.create_user("ada", "", PASSWORD).unwrap_err();

    let things: Vec<&dyn Debug> = vec![
        &house,
        &ada,
        &session,
        &key,
        &ring,
        &config,
        &unreachable,
        &mismatch,
        &bad_query,
        &taken,
    ];
    let signers: [&dyn Debug; 2] = [&Signer::new(&ring, "s"), &TimestampSigner::new(&ring, "s")];
    let more: [&dyn Debug; 5] = [&session.key(), &conn, &session.user(), &sessions, &keeper];
    let mut shown: Vec<String> = things
        .iter()
        .chain(&signers)
        .chain(&more)
        .map(|thing| format!("{thing:?} {thing:#?}"))
        .collect();
    for error in [&unreachable, &mismatch, &bad_query, &taken] {
        let causes = std::iter::successors(error.source(), |cause| (*cause).source());
        shown.extend(causes.map(ToString::to_string));
        shown.push(error.to_string());
    }
    let secrets =
        [KEY, PASSWORD, URL_PASSWORD, &url, &hash, &cookie, &cookie[5..], "s3cr3t-session-value"];
    for text in &shown {
        for secret in secrets {
            assert!(!text.contains(secret), "a secret is in {text}");
        }
    }
    assert!(shown.iter().any(|text| text.contains("notes")), "the check has looked at something");
}
