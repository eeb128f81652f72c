//! A logout in one app is a logout in every app of the house.

use housekey::{Rejected, Session};

use crate::support::{Home, login, on_both_databases, user, whoami};

on_both_databases!(
    a_logout_at_tasks_is_a_logout_at_notes,
    a_logout_ends_this_session_alone,
    a_logout_of_nobody_is_no_error,
);

fn a_logout_at_tasks_is_a_logout_at_notes(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    user(&notes, "ada");
    let cookie = login(&notes, "ada");

    let session = tasks.session(Some(&cookie)).unwrap();
    tasks.logout(&session).unwrap();
    assert_eq!(session.user(), None);
    assert_eq!(whoami(&notes, &cookie), Err(Some(Rejected::Gone)));
    assert_eq!(whoami(&tasks, &cookie), Err(Some(Rejected::Gone)));
    assert_eq!(home.sessions(), 0);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
}

fn a_logout_ends_this_session_alone(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (desk, phone) = (login(&house, "ada"), login(&house, "ada"));
    house.logout(&house.session(Some(&desk)).unwrap()).unwrap();
    assert_eq!(whoami(&house, &phone), Ok("ada".to_owned()));
}

fn a_logout_of_nobody_is_no_error(home: &Home) {
    let house = home.open("notes");
    let session = Session::default();
    house.logout(&session).unwrap();
    house.save(&session).unwrap();
    assert_eq!(home.sessions(), 0);
}
