//! A flood of logins takes no more than its share of an app: so many passwords are hashed at once, a few more wait,
//! and the others are told at once.

use std::sync::mpsc::channel;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};
use housekey::Error;

use crate::support::{Home, PASSWORD, on_both_databases, user};

on_both_databases!(
    beyond_those_who_are_served_and_those_who_wait_everybody_is_refused_at_once,
    new_passwords_are_hashed_in_their_turn_as_well,
);

/// Holds what every login has to write, until the value is dropped.
enum Hold {
    Sqlite(SqliteConnection),
    Postgres(PgConnection),
}

impl Hold {
    fn of(home: &Home) -> Self {
        let url = home.shared_url();
        if home.is_postgres() {
            let mut conn = PgConnection::establish(&url).unwrap();
            conn.batch_execute("BEGIN; LOCK TABLE housekey_throttle IN EXCLUSIVE MODE").unwrap();
            Self::Postgres(conn)
        } else {
            let mut conn = SqliteConnection::establish(url.trim_start_matches("sqlite:")).unwrap();
            conn.batch_execute("BEGIN IMMEDIATE").unwrap();
            Self::Sqlite(conn)
        }
    }

    fn release(self) {
        match self {
            Self::Sqlite(mut conn) => conn.batch_execute("ROLLBACK").unwrap(),
            Self::Postgres(mut conn) => conn.batch_execute("ROLLBACK").unwrap(),
        }
    }
}

/// One is inside and held up by the database, eight wait for that one.
fn beyond_those_who_are_served_and_those_who_wait_everybody_is_refused_at_once(home: &Home) {
    let house = home.open_with(home.config("notes").password_hashes_at_once(1));
    user(&house, "ada");
    let hold = Hold::of(home);
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for number in 0..40 {
            let (house, tell) = (&house, tell.clone());
            scope.spawn(move || {
                tell.send(house.authenticate(&format!("user {number}"), "wrong")).unwrap();
            });
        }
        for _ in 0..40 - 9 {
            let error = told.recv().unwrap().unwrap_err();
            assert!(matches!(error, Error::Busy { at_once: 1, .. }), "{error:?}");
            assert!(error.is_temporary(), "503 with Retry-After");
        }
        hold.release();
        for _ in 0..9 {
            assert!(told.recv().unwrap().unwrap().is_none());
        }
    });
    assert_eq!(home.count("SELECT count(*) FROM housekey_throttle"), 9, "nobody else is counted");
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_some());
}

fn new_passwords_are_hashed_in_their_turn_as_well(home: &Home) {
    let house = home.open_with(home.config("notes").password_hashes_at_once(0));
    let ada = user(&house, "ada");
    let hold = Hold::of(home);
    let (tell, told) = channel();
    std::thread::scope(|scope| {
        for number in 0..40 {
            let (house, tell) = (&house, tell.clone());
            scope.spawn(move || {
                let guessed = house.authenticate(&format!("user {number}"), "wrong");
                tell.send(guessed.map(drop)).unwrap();
            });
        }
        for _ in 0..40 - 9 {
            told.recv().unwrap().unwrap_err();
        }
        let link = house.reset_link(&ada).unwrap().unwrap();
        let made = house.create_user("grace", "", PASSWORD).map(drop);
        let changed = house.reset_password(&link.uid, &link.token, PASSWORD).map(drop);
        for refused in [made, changed] {
            assert!(matches!(refused, Err(Error::Busy { .. })), "{refused:?}");
        }
        hold.release();
        for _ in 0..9 {
            told.recv().unwrap().unwrap();
        }
    });
    assert!(house.create_user("grace", "", PASSWORD).is_ok());
}
