//! Whoever keeps the house does so over the shared database alone, and what is done holds in every app.

use housekey::{Active, Caretaker, Rejected};

use crate::support::{Home, OTHER_KEY, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    what_is_done_to_a_user_holds_in_every_app,
    a_login_is_explained_as_it_is_loaded,
    users_are_found_by_how_their_names_begin,
);

fn open(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

fn what_is_done_to_a_user_holds_in_every_app(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (keeper, cookie) = (open(home), login(&house, "ada"));
    assert!(keeper.set_active("ada", Active::No).unwrap());
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Inactive)));
    assert!(keeper.set_active("ada", Active::Yes).unwrap());
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    assert!(keeper.set_password("ada", "another one").unwrap());
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::StampMismatch)));
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_none());
    assert!(house.authenticate("ada", "another one").unwrap().is_some());
    assert!(!keeper.set_password("nobody", "x").unwrap());
    assert!(!keeper.set_active("nobody", Active::No).unwrap());
}

fn a_login_is_explained_as_it_is_loaded(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (keeper, cookie) = (open(home), login(&house, "ada"));
    let header = format!("sessionid={cookie}");
    let why = keeper.why(&header).unwrap();
    assert_eq!(why.verdict, Ok("ada".to_owned()));
    assert!(!why.to_string().contains(&cookie));

    let config = home.config_with_key("stranger", OTHER_KEY);
    home.execute("DELETE FROM housekey_key");
    let stranger = Caretaker::open(config).unwrap();
    let reason = stranger.why(&header).unwrap().verdict.unwrap_err();
    assert!(
        reason.contains("minted under a SECRET_KEY") && reason.contains("compare SECRET_KEY"),
        "{reason}"
    );

    home.execute("UPDATE django_session SET expire_date = '2020-01-01 00:00:00'");
    assert!(keeper.why(&header).unwrap().verdict.unwrap_err().contains("expired"));
    house.logout(&house.session(Some(&cookie)).unwrap()).unwrap();
    home.execute("DELETE FROM django_session");
    assert!(keeper.why(&header).unwrap().verdict.unwrap_err().contains("no such session"));
}

fn users_are_found_by_how_their_names_begin(home: &Home) {
    let house = home.open("notes");
    for name in ["ada", "adam", "a_b", "grace"] {
        user(&house, name);
    }
    let names = |begin: &str, most| -> Vec<String> {
        open(home).users(begin, most).unwrap().into_iter().map(|user| user.username).collect()
    };
    assert_eq!(names("ada", 10), ["ada", "adam"]);
    assert_eq!(names("a_", 10), ["a_b"], "no pattern but a text");
    assert_eq!(names("", 10).len(), 4);
    assert_eq!(names("", 2).len(), 2);
    assert!(names("%", 10).is_empty() && names("!", 10).is_empty());
}
