//! A user who was deactivated is nobody, in every app, with the next request.

use housekey::Rejected;

use crate::support::{Home, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    the_sessions_of_an_inactive_user_are_nobodys,
    an_inactive_user_cannot_sign_in,
    a_deleted_user_is_nobody,
);

fn the_sessions_of_an_inactive_user_are_nobodys(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    home.execute("UPDATE auth_user SET is_active = FALSE");
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Inactive)));
    // As in Django, the session stays, and is the user's again after re-activation.
    home.execute("UPDATE auth_user SET is_active = TRUE");
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
}

fn an_inactive_user_cannot_sign_in(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    home.execute("UPDATE auth_user SET is_active = FALSE");
    assert_eq!(house.authenticate("ada", PASSWORD).unwrap(), None);
}

fn a_deleted_user_is_nobody(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookie = login(&house, "ada");
    home.execute("DELETE FROM auth_user");
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Inactive)));
    let error = house.login(&housekey::Session::default(), &ada).unwrap_err();
    assert_eq!(error.to_string(), "the user `ada` does not exist any more");
}
