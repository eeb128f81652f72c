//! A link for a new password is good once, for a while, and in every app of the house.

use std::time::Duration;

use housekey::{Clock, Rejected};
use serde_json::json;

use crate::support::django::Django;
use crate::support::{Home, OTHER_KEY, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    a_link_is_redeemed_once_in_any_app,
    a_link_ends_with_what_it_was_made_for,
    a_link_ages,
    who_may_not_sign_in_by_password_gets_no_link,
    of_two_who_redeem_it_at_once_one_is_too_late,
    what_is_no_link_is_refused,
    a_link_of_django_is_good_here_and_the_other_way_round,
    a_link_of_the_old_key_is_good_while_that_key_is_a_fallback,
);

fn a_link_is_redeemed_once_in_any_app(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    let ada = user(&notes, "ada");
    let cookie = login(&notes, "ada");
    let ada = notes.find_user(&ada.username).unwrap().unwrap();
    let link = notes.reset_link(&ada).unwrap().unwrap();
    assert_eq!(tasks.user_of_reset(&link.uid, &link.token).unwrap(), Some(ada));
    assert!(tasks.reset_password(&link.uid, &link.token, "new password").unwrap());

    assert_eq!(notes.user_of_reset(&link.uid, &link.token).unwrap(), None);
    assert!(!notes.reset_password(&link.uid, &link.token, "another").unwrap());
    assert!(notes.authenticate("ada", PASSWORD).unwrap().is_none());
    assert!(notes.authenticate("ada", "new password").unwrap().is_some());
    assert_eq!(whoami(&notes, &cookie), Err(Some(Rejected::StampMismatch)));
    assert!(!format!("{link:?}").contains(&link.token));
}

fn a_link_ends_with_what_it_was_made_for(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    for change in [
        "UPDATE auth_user SET email = 'new@example.org'",
        "UPDATE auth_user SET last_login = '2026-01-01 00:00:00'",
        "UPDATE auth_user SET password = 'x'",
        "DELETE FROM auth_user",
    ] {
        let link = house.reset_link(&ada).unwrap().unwrap();
        assert!(house.user_of_reset(&link.uid, &link.token).unwrap().is_some());
        home.execute(change);
        assert_eq!(house.user_of_reset(&link.uid, &link.token).unwrap(), None, "{change}");
    }
    assert_eq!(house.reset_link(&ada).unwrap(), None, "there is no such user any more");
}

fn who_may_not_sign_in_by_password_gets_no_link(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    home.execute("UPDATE auth_user SET is_active = FALSE");
    assert_eq!(house.reset_link(&ada).unwrap(), None);
    let unusable = housekey::password::unusable();
    home.execute(&format!("UPDATE auth_user SET is_active = TRUE, password = '{unusable}'"));
    assert_eq!(house.reset_link(&ada).unwrap(), None);
}

fn a_link_ages(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let link = house.reset_link(&ada).unwrap().unwrap();
    let (minute, hour) = (Duration::from_secs(60), Duration::from_secs(3600));
    let at = |clock| {
        let late = home.open_with(home.config("late").password_reset_timeout(hour).clock(clock));
        late.user_of_reset(&link.uid, &link.token).unwrap().is_some()
    };
    assert!(at(Clock::ahead(59 * minute)));
    assert!(!at(Clock::ahead(61 * minute)));
    assert!(at(Clock::behind(hour)), "the clocks of two apps are never quite the same");
}

fn of_two_who_redeem_it_at_once_one_is_too_late(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let link = house.reset_link(&ada).unwrap().unwrap();
    let redeem = |new: &'static str| house.reset_password(&link.uid, &link.token, new).unwrap();
    let done: Vec<bool> = std::thread::scope(|scope| {
        let tries = ["one", "two", "three", "four"].map(|new| scope.spawn(move || redeem(new)));
        tries.map(|one| one.join().unwrap()).into()
    });
    assert_eq!(done.iter().filter(|done| **done).count(), 1, "{done:?}");
}

fn what_is_no_link_is_refused(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let link = house.reset_link(&ada).unwrap().unwrap();
    let long = "9".repeat(100_000);
    for uid in ["", "x", "=", "MQ==MQ", "LTE", "OTk5OTk5OTk5OTk5OTk5OTk5OTk", "ä", "\0", &long] {
        assert_eq!(house.user_of_reset(uid, &link.token).unwrap(), None, "{uid:.20}");
    }
    let upper = link.token.to_uppercase();
    for token in ["", "-", "--", "x-y", "ä-ö", &upper, &format!("0{}", link.token), "\0", &long] {
        assert_eq!(house.user_of_reset(&link.uid, token).unwrap(), None, "{token:.20}");
    }
    assert!(house.user_of_reset(&link.uid, &link.token).unwrap().is_some());
    let too_long = house.reset_password(&link.uid, &link.token, &"p".repeat(5000));
    assert!(matches!(too_long, Err(housekey::Error::User { .. })), "{too_long:?}");
}

fn a_link_of_django_is_good_here_and_the_other_way_round(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    login(&house, "ada");
    home.execute("UPDATE auth_user SET email = 'ada@example.org'");
    let ada = house.find_user("ada").unwrap().unwrap();
    let Some(mut django) = Django::start(home) else { return };
    let ours = house.reset_link(&ada).unwrap().unwrap();
    let theirs = django.call("reset_link", json!({"username": "ada"}));
    assert_eq!(theirs[0], ours.uid);
    assert_eq!(django.call("check_reset", json!({"uid": ours.uid, "token": ours.token})), true);
    let (uid, token) = (theirs[0].as_str().unwrap(), theirs[1].as_str().unwrap());
    assert!(house.reset_password(uid, token, "new password").unwrap());
    assert_eq!(django.call("check_reset", json!({"uid": ours.uid, "token": ours.token})), false);
}

fn a_link_of_the_old_key_is_good_while_that_key_is_a_fallback(home: &Home) {
    let before = home.open("notes");
    let ada = user(&before, "ada");
    let link = before.reset_link(&ada).unwrap().unwrap();
    let old = housekey::SecretKey::new(crate::support::KEY).unwrap();
    let after = home.open_with(home.config_with_key("notes", OTHER_KEY).fallback_key(old));
    assert!(after.user_of_reset(&link.uid, &link.token).unwrap().is_some());
    home.execute("DELETE FROM housekey_key");
    let without = home.open_with(home.config_with_key("notes", OTHER_KEY));
    assert_eq!(without.user_of_reset(&link.uid, &link.token).unwrap(), None);
}
