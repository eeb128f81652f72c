//! When a session was used last is written down within minutes, and never while a visitor waits.

use chrono::{DateTime, Utc};

use crate::support::log::recorded;
use crate::support::{Home, House, login, on_both_databases, user, whoami};

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
