//! A new `SECRET_KEY` with the old one among the fallbacks signs nobody out.

use housekey::{Error, Rejected, SecretKey};

use crate::support::{Home, House, KEY, OTHER_KEY, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    a_session_outlives_its_key,
    an_app_that_has_both_keys_may_come_first,
    without_the_old_key_the_session_is_not_believed,
    a_renewal_brings_no_ended_session_back,
    a_renewal_takes_along_what_another_request_has_saved,
);

fn a_renewal_brings_no_ended_session_back(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    let rotated = rotated(home);
    for page in [None, Some(2)] {
        let old_cookie = login(&before, "ada");
        let slow = rotated.session(Some(&old_cookie)).unwrap();
        if let Some(page) = page {
            slow.insert("page", page).unwrap();
        }
        before.logout(&before.session(Some(&old_cookie)).unwrap()).unwrap();
        let saved = rotated.save(&slow);
        // Who has changed nothing has lost nothing: another tab may have been the first to renew.
        assert_eq!(matches!(saved, Err(Error::SessionGone)), page.is_some(), "{saved:?}");
        assert_eq!(home.sessions(), 0);
    }
}

fn a_renewal_takes_along_what_another_request_has_saved(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    let old_cookie = login(&before, "ada");
    let rotated = rotated(home);
    let renewing = rotated.session(Some(&old_cookie)).unwrap();
    renewing.insert("ours", 1).unwrap();
    let other = before.session(Some(&old_cookie)).unwrap();
    other.insert("theirs", 2).unwrap();
    before.save(&other).unwrap();
    rotated.save(&renewing).unwrap();

    let retired = House::open(home.config_with_key("notes", OTHER_KEY)).unwrap();
    let renewed = retired.session(Some(&cookie(&renewing))).unwrap();
    assert_eq!(renewed.user().unwrap().username, "ada");
    assert_eq!((renewed.get("ours"), renewed.get("theirs")), (Some(1), Some(2)));
    assert_eq!(home.sessions(), 1);
}

fn rotated(home: &Home) -> House {
    let old = SecretKey::new(KEY).unwrap();
    home.open_with(home.config_with_key("notes", OTHER_KEY).fallback_key(old))
}

fn a_session_outlives_its_key(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    let old_cookie = login(&before, "ada");
    let rotated = rotated(home);

    let session = rotated.session(Some(&old_cookie)).unwrap();
    assert_eq!(session.user().unwrap().username, "ada");
    session.insert("page", 2).unwrap();
    rotated.save(&session).unwrap();

    // Renewed at the first chance: it no longer needs the old key.
    let retired = House::open(home.config_with_key("notes", OTHER_KEY)).unwrap();
    let renewed = retired.session(Some(&cookie(&session))).unwrap();
    assert_eq!(renewed.user().unwrap().username, "ada");
    assert_eq!(renewed.get::<u8>("page"), Some(2));
    assert_eq!(home.sessions(), 1);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 1);
}

fn an_app_that_has_both_keys_may_come_first(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    rotated(home);
    let fresh = House::open(home.config_with_key("tasks", OTHER_KEY)).unwrap();
    let cookie = login(&fresh, "ada");
    let staged = home.config("wiki").fallback_key(SecretKey::new(OTHER_KEY).unwrap());
    assert_eq!(whoami(&home.open_with(staged), &cookie), Ok("ada".to_owned()));
}

fn without_the_old_key_the_session_is_not_believed(home: &Home) {
    let before = home.open("notes");
    user(&before, "ada");
    let old_cookie = login(&before, "ada");
    rotated(home);
    let retired = House::open(home.config_with_key("tasks", OTHER_KEY)).unwrap();
    assert_eq!(whoami(&retired, &old_cookie), Err(Some(Rejected::UnknownKey)));
    assert_eq!(whoami(&before, &old_cookie), Ok("ada".to_owned()));
}
