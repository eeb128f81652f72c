//! Changing the password signs the user out everywhere but here; a stronger hash signs out nobody.

use housekey::Rejected;

use crate::support::{Home, PASSWORD, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    the_other_sessions_end_and_this_one_goes_on,
    a_wrong_old_password_changes_nothing,
    of_two_changes_at_once_one_is_made,
    a_stronger_hash_ends_no_session,
    a_weaker_cost_never_weakens_a_hash,
    a_hash_that_may_not_be_replaced_lets_its_user_in,
);

/// Some houses let their apps read password hashes and not write them.
fn a_hash_that_may_not_be_replaced_lets_its_user_in(home: &Home) {
    user(&home.open("notes"), "ada");
    home.deny_update_of("auth_user", "password");
    let strong = home.open_with(home.config("tasks").password_iterations(20));
    let cookie = login(&strong, "ada");
    assert_eq!(whoami(&strong, &cookie), Ok("ada".to_owned()));
    assert!(home.text("SELECT password FROM auth_user").starts_with("pbkdf2_sha256$10$"));
}

const NEW: &str = "another horse, another battery";

fn the_other_sessions_end_and_this_one_goes_on(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    let ada = user(&notes, "ada");
    let (desk, phone) = (login(&notes, "ada"), login(&tasks, "ada"));

    let session = notes.session(Some(&desk)).unwrap();
    assert!(notes.change_password(&session, &ada, PASSWORD, NEW).unwrap());
    assert_eq!(whoami(&tasks, &cookie(&session)), Ok("ada".to_owned()));
    assert_eq!(whoami(&tasks, &phone), Err(Some(Rejected::StampMismatch)));
    assert_eq!(whoami(&notes, &desk), Err(Some(Rejected::Gone)));
    assert_eq!(home.sessions(), 1);
    assert_eq!(notes.authenticate("ada", PASSWORD).unwrap(), None);
    assert!(tasks.authenticate("ada", NEW).unwrap().is_some());
}

fn a_wrong_old_password_changes_nothing(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let desk = login(&house, "ada");
    let session = house.session(Some(&desk)).unwrap();
    assert!(!house.change_password(&session, &ada, "wrong", NEW).unwrap());
    assert_eq!(whoami(&house, &desk), Ok("ada".to_owned()));
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_some());
}

fn of_two_changes_at_once_one_is_made(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookies = [login(&house, "ada"), login(&house, "ada")];
    let changed: Vec<bool> = std::thread::scope(|scope| {
        let change = |(number, cookie): (usize, String)| {
            let (house, ada) = (&house, &ada);
            scope.spawn(move || {
                let session = house.session(Some(&cookie)).unwrap();
                house.change_password(&session, ada, PASSWORD, &format!("{NEW} {number}")).unwrap()
            })
        };
        let threads: Vec<_> = cookies.into_iter().enumerate().map(change).collect();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    let accepted: Vec<bool> = (0..2)
        .map(|number| house.authenticate("ada", &format!("{NEW} {number}")).unwrap().is_some())
        .collect();
    assert_eq!(changed, accepted);
    assert_eq!(changed.iter().filter(|changed| **changed).count(), 1);
}

fn a_stronger_hash_ends_no_session(home: &Home) {
    let weak = home.open("notes");
    user(&weak, "ada");
    let desk = login(&weak, "ada");
    let strong = home.open_with(home.config("tasks").password_iterations(20));
    let phone = login(&strong, "ada");

    assert!(home.text("SELECT password FROM auth_user").starts_with("pbkdf2_sha256$20$"));
    for house in [&weak, &strong] {
        assert_eq!(whoami(house, &desk), Ok("ada".to_owned()));
        assert_eq!(whoami(house, &phone), Ok("ada".to_owned()));
    }
}

fn a_weaker_cost_never_weakens_a_hash(home: &Home) {
    let strong = home.open_with(home.config("tasks").password_iterations(20));
    user(&strong, "ada");
    login(&home.open("notes"), "ada");
    assert!(home.text("SELECT password FROM auth_user").starts_with("pbkdf2_sha256$20$"));
}
