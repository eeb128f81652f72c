//! Whether a session has expired is decided by the clock of the shared database alone.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use housekey::{Clock, Expiry, Rejected, Session};

use crate::support::{Home, House, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    apps_with_any_clock_agree,
    an_expired_session_is_over_for_all,
    a_save_prolongs_the_session,
    a_session_may_have_an_expiry_of_its_own,
);

const MONTHS: Duration = Duration::from_secs(90 * 24 * 3600);

fn houses(home: &Home) -> [House; 3] {
    [Clock::default(), Clock::ahead(MONTHS), Clock::behind(MONTHS)]
        .map(|clock| home.open_with(home.config("notes").clock(clock)))
}

fn apps_with_any_clock_agree(home: &Home) {
    let houses = houses(home);
    user(&houses[0], "ada");
    for made_by in &houses {
        let cookie = login(made_by, "ada");
        for read_by in &houses {
            assert_eq!(whoami(read_by, &cookie), Ok("ada".to_owned()));
        }
    }
}

fn an_expired_session_is_over_for_all(home: &Home) {
    let houses = houses(home);
    user(&houses[0], "ada");
    let cookie = login(&houses[0], "ada");
    let slow = houses[0].session(Some(&cookie)).unwrap();
    slow.insert("page", 2).unwrap();
    home.execute("UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'");
    for house in &houses {
        assert_eq!(whoami(house, &cookie), Err(Some(Rejected::Expired)));
    }
    assert!(matches!(houses[0].save(&slow), Err(housekey::Error::SessionGone)));
}

fn seconds_left(home: &Home) -> i64 {
    home.count(if home.is_postgres() {
        "SELECT extract(epoch FROM expire_date - now())::bigint FROM django_session"
    } else {
        "SELECT CAST(strftime('%s', expire_date) - strftime('%s', 'now') AS INTEGER) FROM django_session"
    })
}

fn assert_about(found: i64, expected: i64) {
    assert!((expected - 60..=expected + 1).contains(&found), "{found} is not about {expected}");
}

fn a_save_prolongs_the_session(home: &Home) {
    let house = home.open_with(home.config("notes").session_cookie_age(Duration::from_secs(7200)));
    let session = Session::default();
    session.insert("a", 1).unwrap();
    house.save(&session).unwrap();
    assert_about(seconds_left(home), 7200);

    let soon = if home.is_postgres() {
        "now() + interval '100 s'"
    } else {
        "datetime('now', '+100 seconds')"
    };
    home.execute(&format!("UPDATE django_session SET expire_date = {soon}"));
    let unchanged = house.session(Some(&cookie(&session))).unwrap();
    house.save(&unchanged).unwrap();
    assert_about(seconds_left(home), 100);
    unchanged.insert("a", 2).unwrap();
    house.save(&unchanged).unwrap();
    assert_about(seconds_left(home), 7200);
}

fn a_session_may_have_an_expiry_of_its_own(home: &Home) {
    let house = home.open("notes");
    let session = Session::default();
    let saved = |expiry: Expiry| {
        session.set_expiry(expiry);
        house.save(&session).unwrap();
        seconds_left(home)
    };
    let fortnight = 14 * 24 * 3600;
    assert_about(saved(Expiry::After(Duration::from_secs(300))), 300);
    assert_about(saved(Expiry::AtBrowserClose), fortnight);
    assert_about(saved(Expiry::Settings), fortnight);
    let year_9999 = DateTime::<Utc>::from_timestamp(253_402_300_799, 0).unwrap();
    assert!(saved(Expiry::At(year_9999)) > 1_000_000_000);
    let past = DateTime::UNIX_EPOCH + TimeDelta::days(1);
    assert!(saved(Expiry::At(past)) < 0);
    assert_eq!(whoami(&house, &cookie(&session)), Err(Some(Rejected::Expired)));
}
