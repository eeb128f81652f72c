//! Names and addresses are what Django's forms make of them.

use housekey::{Error, username};

use crate::support::{Home, PASSWORD, on_both_databases, user};

on_both_databases!(
    a_name_is_normalised_when_it_is_given_and_when_it_is_typed,
    a_name_that_django_would_not_take_is_refused,
);

fn a_name_is_normalised_when_it_is_given_and_when_it_is_typed(home: &Home) {
    let house = home.open("notes");
    // U+FF21 .. are the wide forms of Latin letters; NFKC makes them the usual ones.
    let ada = house.create_user("\u{ff21}da", "Ada@EXAMPLE.Org", PASSWORD).unwrap();
    assert_eq!((ada.username.as_str(), ada.email.as_str()), ("Ada", "Ada@example.org"));
    for typed in ["Ada", " Ada\t", "\u{ff21}da", "\u{a0}A\u{ff44}a\u{3000}"] {
        assert!(house.authenticate(typed, PASSWORD).unwrap().is_some(), "{typed:?}");
    }
    for typed in ["ada", "A da", "", " ", "Ada\0", &"a".repeat(100_000)] {
        assert!(house.authenticate(typed, PASSWORD).unwrap().is_none(), "{typed:.20?}");
    }
    let taken = house.create_user("A\u{ff44}a", "", PASSWORD).unwrap_err();
    assert!(matches!(taken, Error::UsernameTaken { .. }), "{taken:?}");
    let jose = house.create_user("jose\u{301}", "", PASSWORD).unwrap();
    assert_eq!(jose.username, "jos\u{e9}");
}

fn a_name_that_django_would_not_take_is_refused(home: &Home) {
    let house = home.open("notes");
    user(&house, "ok@host.example+tag-1_x");
    for name in ["", "a b", "a/b", "a\0", "x\u{301}", "a\n", "<b>", &"n".repeat(151)] {
        let error = house.create_user(name, "", PASSWORD).unwrap_err();
        assert!(matches!(error, Error::User { .. }), "{name:?}: {error:?}");
    }
    // One letter that NFKC makes eighteen: 150 is counted afterwards, as the column does.
    let long = "\u{fdfa}".repeat(10);
    assert!(house.create_user(&long, "", PASSWORD).is_err());
    for email in [&format!("{}@example.org", "e".repeat(250)), "a\0@example.org"] {
        assert!(house.create_user("grace", email, PASSWORD).is_err());
    }
}

#[test]
fn the_rules_are_there_for_an_apps_own_forms() {
    assert_eq!(username::clean(" \u{ff21}da "), Some("Ada".to_owned()));
    assert_eq!(username::clean(" "), None);
}
