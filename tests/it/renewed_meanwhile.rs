//! A session is given a new key while other requests are under way with the old one: none of them loses anything,
//! and who ends the session ends it.

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use housekey::{Config, SecretKey};

use crate::support::{
    Home, House, KEY, OTHER_KEY, PASSWORD, cookie, login, on_both_databases, user, whoami,
};

on_both_databases!(
    a_logout_ends_what_another_request_has_renewed,
    a_login_ends_what_another_request_has_renewed,
    a_change_goes_to_where_another_request_has_moved_the_session,
    a_hash_made_stronger_meanwhile_signs_nobody_out,
    who_ends_a_session_that_is_being_renewed_waits_and_ends_it,
);

/// An app of the house in the midst of a change of keys.
fn app(home: &Home, name: &str, signs: &str, verifies: &str) -> Config {
    home.config_with_key(name, signs).fallback_key(SecretKey::new(verifies).unwrap())
}

/// A session begun under the old key, and an app that renews it.
fn before_and_after(home: &Home) -> (String, House) {
    let before = home.open("notes");
    user(&before, "ada");
    let old = login(&before, "ada");
    (old, home.open_with(app(home, "notes", OTHER_KEY, KEY)))
}

fn a_logout_ends_what_another_request_has_renewed(home: &Home) {
    let (old, notes) = before_and_after(home);
    let leaving = notes.session(Some(&old)).unwrap();
    let reading = notes.session(Some(&old)).unwrap();
    notes.save(&reading).unwrap();
    let new = cookie(&reading);
    assert_ne!(new, old);
    notes.logout(&leaving).unwrap();
    assert_eq!(home.sessions(), 0);
    for cookie in [&old, &new] {
        assert!(whoami(&notes, cookie).is_err());
    }
}

fn a_login_ends_what_another_request_has_renewed(home: &Home) {
    let (old, notes) = before_and_after(home);
    let signing_in = notes.session(Some(&old)).unwrap();
    let reading = notes.session(Some(&old)).unwrap();
    notes.save(&reading).unwrap();
    let grace = user(&notes, "grace");
    notes.login(&signing_in, &grace).unwrap();
    assert_eq!(home.sessions(), 1);
    assert!(whoami(&notes, &cookie(&reading)).is_err());
    assert_eq!(whoami(&notes, &cookie(&signing_in)), Ok("grace".to_owned()));
}

fn a_change_goes_to_where_another_request_has_moved_the_session(home: &Home) {
    let (old, notes) = before_and_after(home);
    let behind = home.open_with(app(home, "tasks", KEY, OTHER_KEY));
    let late = [(&notes, "one"), (&behind, "two")].map(|(app, name)| {
        let session = app.session(Some(&old)).unwrap();
        session.insert(name, 1).unwrap();
        (app, session)
    });
    let reading = notes.session(Some(&old)).unwrap();
    notes.save(&reading).unwrap();
    for (app, session) in &late {
        app.save(session).unwrap();
        assert_eq!(cookie(session), cookie(&reading));
    }
    let found = notes.session(Some(&cookie(&reading))).unwrap();
    assert_eq!((found.get("one"), found.get("two")), (Some(1), Some(1)));
    assert_eq!(found.user().unwrap().username, "ada");
}

fn a_hash_made_stronger_meanwhile_signs_nobody_out(home: &Home) {
    let (old, notes) = before_and_after(home);
    let reading = notes.session(Some(&old)).unwrap();
    let costly = app(home, "tasks", OTHER_KEY, KEY).password_iterations(20);
    assert!(home.open_with(costly).authenticate("ada", PASSWORD).unwrap().is_some());
    assert_eq!(whoami(&notes, &old), Ok("ada".to_owned()), "the hash is another one now");
    notes.save(&reading).unwrap();
    assert_eq!(whoami(&notes, &cookie(&reading)), Ok("ada".to_owned()));
}

type End = fn(&House, &housekey::Session);

/// The statements of a renewal on PostgreSQL, held up in their midst.
fn who_ends_a_session_that_is_being_renewed_waits_and_ends_it(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let by_logout: End = |notes, session| notes.logout(session).unwrap();
    let by_list: End = |notes, session| {
        let ended = notes.end_sessions_of(&session.user().unwrap()).unwrap();
        assert_eq!(ended, 1);
    };
    let notes = home.open("notes");
    user(&notes, "ada");
    for end in [by_logout, by_list] {
        let old = login(&notes, "ada");
        let new = format!("{}{}", "z".repeat(8), &old[8..]);
        let ending = notes.session(Some(&old)).unwrap();
        let mut renewal = PgConnection::establish(&home.shared_url()).unwrap();
        let is_awaited = format!(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = '{}' AND wait_event_type = 'Lock'",
            home.database()
        );
        renewal
            .batch_execute(&format!(
                "BEGIN; SELECT 1 FROM django_session WHERE session_key = '{old}' FOR UPDATE"
            ))
            .unwrap();
        std::thread::scope(|scope| {
            let ended = scope.spawn(|| end(&notes, &ending));
            while home.count(&is_awaited) == 0 {
                std::thread::yield_now();
            }
            renewal
                .batch_execute(&format!(
                    "INSERT INTO django_session SELECT '{new}', session_data, expire_date \
                     FROM django_session WHERE session_key = '{old}'; \
                     UPDATE housekey_session SET session_key = '{new}' WHERE session_key = '{old}'; \
                     DELETE FROM django_session WHERE session_key = '{old}'; \
                     INSERT INTO housekey_renewal VALUES \
                     ('{old}', '{new}', now() + interval '1 minute'); COMMIT"
                ))
                .unwrap();
            ended.join().unwrap();
        });
        assert_eq!(home.sessions(), 0);
        assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
    }
}
