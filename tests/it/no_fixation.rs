//! Who knew the session key before a login knows nothing after it.

use housekey::{Rejected, Session};

use crate::support::{Home, cookie, login, login_in, on_both_databases, user, whoami};

on_both_databases!(
    a_login_changes_the_key_and_keeps_what_the_visitor_had,
    a_login_over_another_users_session_takes_nothing_of_it,
    a_second_login_of_the_same_user_changes_the_key_too,
    a_login_over_the_session_of_an_inactive_user_takes_nothing_of_it,
    a_login_that_fails_signs_nobody_in,
);

fn a_login_over_the_session_of_an_inactive_user_takes_nothing_of_it(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let session = Session::default();
    login_in(&house, &session, "ada");
    session.insert("secret", "of ada").unwrap();
    house.save(&session).unwrap();
    home.execute("UPDATE auth_user SET is_active = FALSE WHERE username = 'ada'");

    let left_behind = house.session(Some(&cookie(&session))).unwrap();
    assert_eq!(left_behind.user(), None);
    login_in(&house, &left_behind, "grace");
    assert_eq!(left_behind.get::<String>("secret"), None);
    assert_eq!(whoami(&house, &cookie(&left_behind)), Ok("grace".to_owned()));
}

/// The attacker knows the key of the session that the visitor has; the login cannot be stored.
fn a_login_that_fails_signs_nobody_in(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = Session::default();
    session.insert("basket", "tea").unwrap();
    house.save(&session).unwrap();
    let planted = cookie(&session);
    home.deny_update_of("auth_user", "last_login");
    assert!(house.login(&session, &ada).is_err());
    house.save(&session).unwrap();
    assert_eq!((session.user(), session.get("basket")), (None, Some("tea".to_owned())));
    assert_eq!(whoami(&house, &planted), Err(None));
}

fn a_login_changes_the_key_and_keeps_what_the_visitor_had(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let session = Session::default();
    session.insert("basket", ["tea"]).unwrap();
    house.save(&session).unwrap();
    let planted = cookie(&session);

    login_in(&house, &session, "ada");
    assert_ne!(cookie(&session), planted);
    assert_eq!(whoami(&house, &planted), Err(Some(Rejected::Gone)));
    let after = house.session(Some(&cookie(&session))).unwrap();
    assert_eq!(after.get::<Vec<String>>("basket").unwrap(), ["tea"]);
    assert_eq!(home.sessions(), 1);
}

fn a_login_over_another_users_session_takes_nothing_of_it(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let phone = login(&house, "ada");
    let desk = login(&house, "ada");

    let session = house.session(Some(&desk)).unwrap();
    session.insert("secret", "of ada").unwrap();
    house.save(&session).unwrap();
    login_in(&house, &session, "grace");

    let after = house.session(Some(&cookie(&session))).unwrap();
    assert_eq!(after.user().unwrap().username, "grace");
    assert_eq!(after.get::<String>("secret"), None);
    assert_eq!(whoami(&house, &desk), Err(Some(Rejected::Gone)));
    assert_eq!(whoami(&house, &phone), Ok("ada".to_owned()));
}

fn a_second_login_of_the_same_user_changes_the_key_too(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let first = login(&house, "ada");
    let session = house.session(Some(&first)).unwrap();
    login_in(&house, &session, "ada");
    assert_ne!(cookie(&session), first);
    assert_eq!(whoami(&house, &first), Err(Some(Rejected::Gone)));
    assert_eq!(whoami(&house, &cookie(&session)), Ok("ada".to_owned()));
}
