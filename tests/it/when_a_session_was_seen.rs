//! When a session was used last is written down within minutes, and never while a visitor waits.

use chrono::{DateTime, Utc};
use diesel::PgConnection;
use diesel::connection::{Connection, SimpleConnection};

use crate::support::log::recorded;
use crate::support::{Home, House, login, on_both_databases, skip, user, whoami};

on_both_databases!(
    a_use_is_written_down_after_the_request,
    it_is_not_written_down_every_time,
    a_session_that_has_ended_is_not_written_down,
    a_database_that_refuses_it_costs_a_line_in_the_log,
);

fn last_seen(house: &House) -> DateTime<Utc> {
    let ada = house.find_user("ada").unwrap().unwrap();
    house.sessions_of(&ada).unwrap()[0].last_seen.unwrap()
}

fn seen_ago(home: &Home, minutes: u32) {
    let then = if home.is_postgres() {
        format!("now() - interval '{minutes} minutes'")
    } else {
        format!("datetime('now', '-{minutes} minutes')")
    };
    home.execute(&format!("UPDATE housekey_session SET last_seen = {then}"));
}

fn minutes_ago(time: DateTime<Utc>) -> i64 {
    (Utc::now() - time).num_minutes()
}

fn a_use_is_written_down_after_the_request(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    assert_eq!(minutes_ago(last_seen(&house)), 0, "a login is a use");
    seen_ago(home, 60);
    assert_eq!(minutes_ago(last_seen(&house)), 60);

    let before = home.text("SELECT CAST(last_seen AS text) FROM housekey_session");
    let session = house.session(Some(&cookie)).unwrap();
    house.save(&session).unwrap();
    assert_eq!(home.text("SELECT CAST(last_seen AS text) FROM housekey_session"), before);
    assert_eq!(minutes_ago(last_seen(&house)), 0);
}

fn it_is_not_written_down_every_time(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    for (minutes, expected) in [(4, 4), (6, 0)] {
        seen_ago(home, minutes);
        assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
        assert_eq!(minutes_ago(last_seen(&house)), expected);
    }
    home.execute("UPDATE housekey_session SET last_seen = NULL");
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    assert_eq!(minutes_ago(last_seen(&house)), 0);
}

fn a_session_that_has_ended_is_not_written_down(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookie = login(&house, "ada");
    home.execute("DELETE FROM housekey_session");
    let session = house.session(Some(&cookie)).unwrap();
    house.logout(&session).unwrap();
    assert_eq!(house.sessions_of(&ada).unwrap(), []);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
}

fn a_database_that_refuses_it_costs_a_line_in_the_log(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookie = login(&house, "ada");
    seen_ago(home, 60);
    home.deny_update_of("housekey_session", "last_seen");
    let said = recorded(|| {
        for _ in 0..2 {
            assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
            assert_eq!(house.sessions_of(&ada).unwrap().len(), 1);
        }
    });
    let warned: Vec<_> = said.iter().filter(|line| line.starts_with("WARN")).collect();
    assert_eq!(warned.len(), 1, "{said:?}");
    assert!(warned[0].contains("which sessions are in use") && !warned[0].contains(&cookie[..8]));
}

#[test]
fn the_books_wait_for_no_row_that_somebody_has_in_hand() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let name = home.text("SELECT current_database()::text");
    home.execute(&format!("ALTER DATABASE {name} SET lock_timeout = '1s'"));
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookies = [login(&house, "ada"), login(&house, "ada")];
    seen_ago(&home, 60);
    let mut somebody = PgConnection::establish(&home.shared_url()).unwrap();
    let lock = format!(
        "BEGIN; SELECT 1 FROM housekey_session WHERE session_key = '{}' FOR UPDATE",
        cookies[0]
    );
    somebody.batch_execute(&lock).unwrap();
    let said = recorded(|| {
        for cookie in &cookies {
            assert_eq!(whoami(&house, cookie), Ok("ada".to_owned()));
        }
        let mut ages: Vec<_> = house.sessions_of(&ada).unwrap();
        ages.sort_by_key(|session| session.last_seen);
        let ages: Vec<_> = ages.iter().map(|one| minutes_ago(one.last_seen.unwrap())).collect();
        assert_eq!(ages, [60, 0]);
    });
    assert!(said.iter().all(|line| !line.starts_with("WARN")), "{said:?}");
}
