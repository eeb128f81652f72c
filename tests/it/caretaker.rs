//! Whoever keeps the house does so over the shared database alone, and what is done holds in every app.

use housekey::{Active, Caretaker, Error, Grant, Rejected};

use crate::support::{Home, OTHER_KEY, PASSWORD, login, on_both_databases, user, whoami};

on_both_databases!(
    what_is_done_to_a_user_holds_in_every_app,
    a_login_is_explained_as_it_is_loaded,
    users_are_found_by_how_their_names_begin,
    who_may_do_everything_is_said_by_the_operator,
    what_is_granted_is_had_in_every_app_and_what_is_taken_is_not,
    the_sessions_of_a_user_end_wherever_they_were_begun,
    what_has_expired_is_purged_and_nothing_else,
    renewals_that_lead_nowhere_are_purged,
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
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Gone)));
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
    let gone = keeper.why(&header).unwrap().verdict.unwrap_err();
    assert!(gone.contains("no such session") && gone.contains("it is of another house"), "{gone}");
}

fn the_sessions_of_a_user_end_wherever_they_were_begun(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let [one, two, theirs] = [login(&house, "ada"), login(&house, "ada"), login(&house, "grace")];
    // As if Django had begun the second: nothing beside its data says whose it is.
    home.execute(&format!("DELETE FROM housekey_session WHERE session_key = '{two}'"));
    let keeper = open(home);
    assert_eq!(keeper.end_sessions_of("nobody").unwrap(), None);
    assert_eq!(keeper.end_sessions_of("ada").unwrap(), Some(2));
    for cookie in [&one, &two] {
        assert_eq!(whoami(&house, cookie), Err(Some(Rejected::Gone)));
    }
    assert_eq!(whoami(&house, &theirs), Ok("grace".to_owned()));
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 1);
    assert_eq!(keeper.end_all_sessions().unwrap(), 1);
    assert_eq!(home.sessions(), 0);
}

fn what_has_expired_is_purged_and_nothing_else(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let [old, new] = [login(&house, "ada"), login(&house, "ada")];
    let past = "expire_date = '2020-01-01 00:00:00'";
    home.execute(&format!("UPDATE django_session SET {past} WHERE session_key = '{old}'"));
    // More than one batch of them.
    let data = "SELECT session_data FROM django_session LIMIT 1";
    let rows: Vec<String> =
        (0..2500).map(|n| format!("('old{n:029}', ({data}), '2020-01-01 00:00:00')")).collect();
    home.execute(&format!("INSERT INTO django_session VALUES {}", rows.join(",")));
    let keeper = open(home);
    let mut told = Vec::new();
    assert_eq!(keeper.purge_sessions(|so_far| told.push(so_far)).unwrap(), 2501);
    assert!(told.is_sorted() && told.len() > 2 && told.last() == Some(&2501), "{told:?}");
    assert_eq!(keeper.purge_sessions(|_| ()).unwrap(), 0);
    assert_eq!((home.sessions(), home.count("SELECT count(*) FROM housekey_session")), (1, 1));
    assert_eq!(whoami(&house, &new), Ok("ada".to_owned()));
}

fn renewals_that_lead_nowhere_are_purged(home: &Home) {
    drop(home.open("notes"));
    let renewals = "('a', 'b', '2026-01-01 00:00:00'), ('c', 'd', '2100-01-01 00:00:00')";
    home.execute(&format!("INSERT INTO housekey_renewal VALUES {renewals}"));
    assert_eq!(open(home).purge_sessions(|_| ()).unwrap(), 0);
    assert_eq!(home.text("SELECT session_key FROM housekey_renewal"), "c");
}

fn what_is_granted_is_had_in_every_app_and_what_is_taken_is_not(home: &Home) {
    let models = housekey::permissions! { "billing": Invoice { add, change } };
    let house = home.open_with(home.config("billing").permissions(models));
    let ada = user(&house, "ada");
    let keeper = open(home);
    let has = |name: &str| house.permissions(&ada).unwrap().has_perm(name);
    for _ in 0..2 {
        keeper.grant("ada", "billing.add_invoice", Grant::Give).unwrap();
        assert!(has("billing.add_invoice") && !has("billing.change_invoice"));
    }
    keeper.create_group("accountants").unwrap();
    keeper.create_group("accountants").unwrap();
    keeper.grant_to_group("accountants", "billing.change_invoice", Grant::Give).unwrap();
    assert!(!has("billing.change_invoice"));
    keeper.set_membership("ada", "accountants", Grant::Give).unwrap();
    assert!(has("billing.change_invoice"));
    assert_eq!(keeper.groups().unwrap(), ["accountants"]);

    for _ in 0..2 {
        keeper.grant("ada", "billing.add_invoice", Grant::Take).unwrap();
        keeper.set_membership("ada", "accountants", Grant::Take).unwrap();
        assert!(!has("billing.add_invoice") && !has("billing.change_invoice"));
    }
    for error in [
        keeper.grant("nobody", "billing.add_invoice", Grant::Give).unwrap_err(),
        keeper.grant("ada", "billing.no_such", Grant::Give).unwrap_err(),
        keeper.grant("ada", "nonsense", Grant::Give).unwrap_err(),
        keeper.set_membership("ada", "nowhere", Grant::Give).unwrap_err(),
    ] {
        assert!(matches!(error, Error::Unknown { .. }), "{error:?}");
    }
    for name in ["", &"g".repeat(151), "a\0"] {
        assert!(matches!(keeper.create_group(name), Err(Error::Group { .. })), "{name:?}");
    }
}

fn who_may_do_everything_is_said_by_the_operator(home: &Home) {
    let models = housekey::permissions! { "billing": Invoice { add, "approve" = "Can approve" } };
    let house = home.open_with(home.config("billing").permissions(models));
    user(&house, "ada");
    let keeper = open(home);
    let is = || {
        let ada = house.find_user("ada").unwrap().unwrap();
        let may = house.permissions(&ada).unwrap().has_perm("billing.approve");
        (ada.is_superuser, ada.is_staff, may)
    };
    assert!(keeper.set_superuser("ada", Grant::Give).unwrap());
    assert_eq!(is(), (true, true, true));
    assert!(keeper.set_superuser("ada", Grant::Take).unwrap());
    assert_eq!(is(), (false, true, false));
    assert!(keeper.set_staff("ada", Grant::Take).unwrap());
    assert_eq!(is(), (false, false, false));
    assert!(!keeper.set_superuser("nobody", Grant::Give).unwrap());
    assert!(!keeper.set_staff("nobody", Grant::Give).unwrap());

    let named = |name: &str, told: &str| (name.to_owned(), told.to_owned());
    let expected =
        [named("billing.add_invoice", "Can add invoice"), named("billing.approve", "Can approve")];
    assert_eq!(keeper.permissions(Some("billing")).unwrap(), expected);
    // Beside those of Django's own models.
    let all = keeper.permissions(None).unwrap();
    assert_eq!(all[all.len() - 2..], expected);
    assert!(all[..all.len() - 2].iter().all(|(name, _)| name.starts_with("auth.")));
    assert!(keeper.permissions(Some("shop")).unwrap().is_empty());
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
