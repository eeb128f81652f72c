//! Answers that are kept are as good as new ones but for the staleness: whoever has changed what they say.

use std::time::{Duration, Instant};

use housekey::{Rejected, SecretKey};
use serde_json::json;

use crate::support::django::Django;
use crate::support::proxy::{Proxy, Way};
use crate::support::staleness::{STALENESS, assert_is_seen_in_time};
use crate::support::{
    Home, House, KEY, OTHER_KEY, PASSWORD, cookie, login, on_both_databases, skip, user, whoami,
};

on_both_databases!(
    an_end_elsewhere_is_seen_in_time,
    what_django_does_is_seen_in_time,
    what_becomes_of_the_user_of_a_session_of_djangos_is_seen_in_time,
    who_has_changed_a_session_reads_it_so_at_once,
    a_session_that_ends_soon_is_not_kept_beyond_its_end,
    more_visitors_than_are_kept_are_known_all_the_same,
    what_a_request_did_not_save_no_other_one_reads,
    a_session_of_an_older_key_is_renewed_however_often_it_was_read,
);

fn open(home: &Home, entries: usize) -> House {
    home.open_with(home.config("notes").cache(entries))
}

fn an_end_elsewhere_is_seen_in_time(home: &Home) {
    let (app, other) = (open(home, 100), home.open("other"));
    user(&other, "ada");
    let cookies: Vec<_> = (0..4).map(|_| login(&other, "ada")).collect();
    let [by_logout, by_hand, by_password, by_state] = &cookies[..] else { unreachable!() };
    for _ in 0..3 {
        assert!(cookies.iter().all(|cookie| whoami(&app, cookie).as_deref() == Ok("ada")));
    }

    other.logout(&other.session(Some(by_logout)).unwrap()).unwrap();
    assert_is_seen_in_time(&app, by_logout, Some(Rejected::Gone));

    home.execute(&format!("DELETE FROM django_session WHERE session_key = '{by_hand}'"));
    assert_is_seen_in_time(&app, by_hand, Some(Rejected::Gone));

    let session = other.session(Some(by_password)).unwrap();
    let ada = session.user().unwrap();
    assert!(other.change_password(&session, &ada, PASSWORD, "another good one").unwrap());
    assert_is_seen_in_time(&app, by_state, Some(Rejected::StampMismatch));

    let anew = cookie(&session);
    assert_eq!(whoami(&app, &anew).as_deref(), Ok("ada"));
    home.execute("UPDATE auth_user SET is_active = false");
    assert_is_seen_in_time(&app, &anew, Some(Rejected::Inactive));
}

fn what_django_does_is_seen_in_time(home: &Home) {
    let app = open(home, 100);
    user(&app, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let log_out: fn(&mut Django, &str) = |django, cookie| {
        django.call("logout", json!({ "cookie": cookie }));
    };
    let set_password: fn(&mut Django, &str) = |django, _| {
        django.call("set_password", json!({ "username": "ada", "password": "another" }));
    };
    for (order, why) in [(log_out, Rejected::Gone), (set_password, Rejected::StampMismatch)] {
        let cookie = login(&app, "ada");
        for _ in 0..3 {
            assert_eq!(whoami(&app, &cookie).as_deref(), Ok("ada"));
        }
        order(&mut django, &cookie);
        assert_is_seen_in_time(&app, &cookie, Some(why));
    }
}

/// Whose it is stands in its data alone, until somebody writes it down.
fn what_becomes_of_the_user_of_a_session_of_djangos_is_seen_in_time(home: &Home) {
    let app = open(home, 100);
    user(&app, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let cookie = django.text("login", json!({ "username": "ada" }));
    // Until the login itself is no news any more.
    let (began, another) = (Instant::now(), login(&app, "ada"));
    while began.elapsed() < 3 * STALENESS {
        assert_eq!(whoami(&app, &another).as_deref(), Ok("ada"));
    }
    for _ in 0..5 {
        assert_eq!(whoami(&app, &cookie).as_deref(), Ok("ada"));
    }
    home.execute("UPDATE auth_user SET is_active = false");
    assert_is_seen_in_time(&app, &cookie, Some(Rejected::Inactive));
}

fn who_has_changed_a_session_reads_it_so_at_once(home: &Home) {
    let app = open(home, 100);
    user(&app, "ada");
    let cookie = login(&app, "ada");
    for page in 0..50 {
        let session = app.session(Some(&cookie)).unwrap();
        assert_eq!(session.get::<i32>("page").unwrap_or(0), page);
        session.insert("page", page + 1).unwrap();
        app.save(&session).unwrap();
    }
    app.logout(&app.session(Some(&cookie)).unwrap()).unwrap();
    assert_eq!(whoami(&app, &cookie), Err(Some(Rejected::Gone)));
}

fn a_session_that_ends_soon_is_not_kept_beyond_its_end(home: &Home) {
    let app = open(home, 100);
    user(&app, "ada");
    let cookie = login(&app, "ada");
    let soon = if home.is_postgres() {
        "now() + interval '2 seconds'"
    } else {
        "strftime('%Y-%m-%d %H:%M:%f', 'now', '+2 seconds')"
    };
    home.execute(&format!("UPDATE django_session SET expire_date = {soon}"));
    let ends = Instant::now() + Duration::from_secs(2);
    loop {
        let asked = Instant::now();
        match whoami(&app, &cookie) {
            Ok(_) => assert!(asked <= ends + STALENESS),
            Err(why) => return assert_eq!(why, Some(Rejected::Expired)),
        }
    }
}

fn more_visitors_than_are_kept_are_known_all_the_same(home: &Home) {
    let app = open(home, 2);
    let names: Vec<_> = (0..10).map(|number| format!("user{number}")).collect();
    let cookies: Vec<_> = names
        .iter()
        .map(|name| {
            user(&app, name);
            login(&app, name)
        })
        .collect();
    for _ in 0..5 {
        for (name, cookie) in names.iter().zip(&cookies) {
            assert_eq!(whoami(&app, cookie).as_ref(), Ok(name));
        }
    }
}

fn what_a_request_did_not_save_no_other_one_reads(home: &Home) {
    let app = open(home, 100);
    user(&app, "ada");
    let cookie = login(&app, "ada");
    for _ in 0..5 {
        let session = app.session(Some(&cookie)).unwrap();
        assert_eq!((session.get::<i32>("page"), session.names().len()), (None, 3));
        session.insert("page", 1).unwrap();
    }
}

fn a_session_of_an_older_key_is_renewed_however_often_it_was_read(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    let old_cookie = login(&before, "ada");
    let config = home.config_with_key("notes", OTHER_KEY).cache(100);
    let app = home.open_with(config.fallback_key(SecretKey::new(KEY).unwrap()));
    for _ in 0..5 {
        assert_eq!(whoami(&app, &old_cookie).as_deref(), Ok("ada"));
    }
    let session = app.session(Some(&old_cookie)).unwrap();
    app.save(&session).unwrap();
    let renewed = cookie(&session);
    assert_ne!(renewed, old_cookie);
    assert_eq!(whoami(&app, &renewed).as_deref(), Ok("ada"));
}

/// An app with a cache, whose way to PostgreSQL can be disturbed, and a visitor.
fn watched() -> Option<(Home, Proxy, House, String)> {
    let home = Home::postgres()?;
    let proxy = Proxy::before(&home);
    let config = home.config_at(&proxy.url(&home), "notes", KEY).cache(100);
    let app = home.open_with(config);
    user(&app, "ada");
    let cookie = login(&app, "ada");
    Some((home, proxy, app, cookie))
}

#[test]
fn what_is_kept_is_not_asked_for() {
    let Some((_home, proxy, app, cookie)) = watched() else { return skip("PostgreSQL") };
    loop {
        let before = proxy.sent();
        for _ in 0..10 {
            assert_eq!(whoami(&app, &cookie).as_deref(), Ok("ada"));
        }
        // But for the question what has changed.
        if proxy.sent() <= before + 1 {
            return;
        }
    }
}

#[test]
fn nothing_kept_is_used_while_it_is_not_known_in_time_what_has_changed() {
    let Some((home, proxy, app, cookie)) = watched() else { return skip("PostgreSQL") };
    for _ in 0..3 {
        assert_eq!(whoami(&app, &cookie).as_deref(), Ok("ada"));
    }
    proxy.set(Way::Slow(Duration::from_millis(500)));
    home.execute("DELETE FROM django_session");
    assert_is_seen_in_time(&app, &cookie, Some(Rejected::Gone));
}
