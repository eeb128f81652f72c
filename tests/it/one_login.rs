//! A login in one app is a login in every app of the house.

use housekey::Session;
use serde_json::{Value, json};

use crate::support::{Home, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    a_login_at_notes_is_a_login_at_tasks,
    what_one_app_stores_the_other_reads,
    a_wrong_password_is_nobody,
    the_login_is_written_down,
);

fn a_login_at_notes_is_a_login_at_tasks(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    let ada = user(&notes, "ada");
    let cookie = login(&notes, "ada");

    let session = tasks.session(Some(&cookie)).unwrap();
    assert_eq!(session.user().unwrap().id, ada.id);
    assert_eq!(session.user().unwrap().username, "ada");
    assert_eq!(session.rejected(), None);
}

fn what_one_app_stores_the_other_reads(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    let value =
        json!({"größe": ["メモ", 1.0, 1e-7, -0.0, null, true, {"deep": [[]]}], "😀": u64::MAX});
    let session = Session::default();
    session.insert("value", &value).unwrap();
    session.insert("count", 7).unwrap();
    notes.save(&session).unwrap();

    let cookie = crate::support::cookie(&session);
    let there = tasks.session(Some(&cookie)).unwrap();
    assert_eq!(there.get::<Value>("value"), Some(value));
    assert_eq!(there.get::<u8>("count"), Some(7));
    assert_eq!(there.get::<String>("count"), None);
    assert_eq!(there.names(), ["value", "count"]);
}

fn a_wrong_password_is_nobody(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    for (name, password) in
        [("ada", "wrong"), ("ada", ""), ("Ada", PASSWORD), ("bob", PASSWORD), ("a\0da", PASSWORD)]
    {
        assert_eq!(house.authenticate(name, password).unwrap(), None, "{name}");
    }
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_some());
}

fn the_login_is_written_down(home: &Home) {
    let house = home.open("notes");
    assert_eq!(user(&house, "ada").last_login, None);
    let cookie = login(&house, "ada");
    let signed_in = house.session(Some(&cookie)).unwrap().user().unwrap();
    let last_login = signed_in.last_login.unwrap();
    assert!((last_login - signed_in.date_joined).num_seconds().abs() < 3600);
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
}
