//! Users see where they are signed in, in Django's apps too, and can end any of it.

use housekey::{Caretaker, Error, Rejected, Session, SessionInfo};
use serde_json::json;

use crate::support::django::Django;
use crate::support::{
    Home, House, OTHER_KEY, PASSWORD, cookie, login, login_in, on_both_databases, troubles, user,
    whoami,
};

on_both_databases!(
    users_see_their_own_sessions_the_newest_first,
    what_is_no_login_any_more_is_not_listed,
    a_session_of_djangos_is_listed_once_it_was_seen_here,
    an_operator_sees_all_of_djangos_at_once,
    what_is_written_beside_a_session_changes_nobody,
    a_session_of_djangos_that_was_seen_outlives_a_stronger_hash,
    one_session_is_ended_by_its_id,
    all_others_end_djangos_too,
    who_goes_on_in_a_session_of_djangos_may_end_the_others,
    nothing_is_ended_for_the_sake_of_a_session_that_is_not_there,
);

fn open(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

fn sessions(house: &House, name: &str) -> Vec<SessionInfo> {
    house.sessions_of(&house.find_user(name).unwrap().unwrap()).unwrap()
}

/// A row as Django would have left it: nothing beside its data says whose it is.
fn forget_owner(home: &Home, cookie: &str) {
    home.execute(&format!("DELETE FROM housekey_session WHERE session_key = '{cookie}'"));
}

fn owners(home: &Home) -> i64 {
    home.count("SELECT count(*) FROM housekey_session")
}

fn users_see_their_own_sessions_the_newest_first(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    user(&notes, "ada");
    user(&notes, "grace");
    let old = login(&notes, "ada");
    let past = "created = '2026-01-02 03:04:05', last_seen = '2026-01-03 03:04:05'";
    home.execute(&format!("UPDATE housekey_session SET {past}"));
    login(&notes, "grace");
    let session = Session::default();
    session.came_from(Some("2001:db8::7".parse().unwrap()), "Lynx/2.9");
    login_in(&tasks, &session, "ada");
    let visitor = Session::default();
    visitor.insert("cart", 1).unwrap();
    notes.save(&visitor).unwrap();

    let found = sessions(&notes, "ada");
    let [new, first] = &found[..] else { panic!("{found:?}") };
    assert_eq!((new.app.as_deref(), first.app.as_deref()), (Some("tasks"), Some("notes")));
    assert_eq!((new.address, new.agent.as_deref()), ("2001:db8::7".parse().ok(), Some("Lynx/2.9")));
    assert_eq!((first.address, &first.agent), (None, &None));
    assert!(new.is_current(&session) && !first.is_current(&session));
    assert!(!new.is_current(&visitor) && !new.is_current(&Session::default()));
    assert_eq!(session.id().as_ref(), Some(&new.id));
    assert_eq!(first.created.to_rfc3339(), "2026-01-02T03:04:05+00:00");
    assert_eq!(first.last_seen.unwrap().to_rfc3339(), "2026-01-03T03:04:05+00:00");
    assert!((new.created - chrono::Utc::now()).abs().num_minutes() < 5);
    assert_eq!((new.expires - new.created).num_hours(), 14 * 24);
    assert!(new.last_seen.is_some());

    let shown = format!("{found:?}");
    assert!(!shown.contains(&old[..5]) && !shown.contains(&cookie(&session)[..5]), "{shown}");
    assert_eq!(sessions(&notes, "grace").len(), 1);
    assert_eq!(open(home).sessions_of("ada").unwrap().unwrap(), found);
    assert_eq!(open(home).sessions_of("nobody").unwrap(), None);
}

fn what_is_no_login_any_more_is_not_listed(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let count = || sessions(&house, "ada").len();
    let [expired, foreign, logged_out] = [0; 3].map(|_| login(&house, "ada"));
    assert_eq!(count(), 3);
    let row = |cookie: &str| format!("WHERE session_key = '{cookie}'");
    let end = "expire_date = '2026-01-01 00:00:00'";
    home.execute(&format!("UPDATE django_session SET {end} {}", row(&expired)));
    assert_eq!(count(), 2);

    let elsewhere = Home::sqlite();
    let stranger = elsewhere.open_with(elsewhere.config_with_key("stranger", OTHER_KEY));
    user(&stranger, "ada");
    login(&stranger, "ada");
    let data = elsewhere.text("SELECT session_data FROM django_session");
    home.execute(&format!("UPDATE django_session SET session_data = '{data}' {}", row(&foreign)));
    assert_eq!(count(), 1);
    // As a logout in a Django app, which knows nothing of the row beside it.
    home.execute(&format!("DELETE FROM django_session {}", row(&logged_out)));
    assert_eq!(count(), 0);

    login(&house, "ada");
    assert_eq!(count(), 1);
    let link = house.reset_link(&ada).unwrap().unwrap();
    assert!(house.reset_password(&link.uid, &link.token, "another one").unwrap());
    assert_eq!((count(), home.sessions()), (0, 3));
}

fn a_session_of_djangos_is_listed_once_it_was_seen_here(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let theirs = django.text("login", json!({"username": "ada"}));
    assert_eq!(sessions(&house, "ada"), []);
    let queries = |of: &dyn Fn()| {
        let before = house.stats().shared.checkouts;
        of();
        house.stats().shared.checkouts - before
    };
    let look = || assert_eq!(whoami(&house, &theirs), Ok("ada".to_owned()));
    assert_eq!(queries(&look), 2);

    let found = sessions(&house, "ada");
    let [one] = &found[..] else { panic!("{found:?}") };
    assert_eq!((&one.app, one.address, &one.agent), (&None, None, &None));
    assert!(one.last_seen.is_some());
    assert!((one.created - chrono::Utc::now()).abs().num_minutes() < 5);
    assert_eq!(queries(&look), 1, "whose it is was written down");
    assert_eq!(sessions(&house, "ada"), found);

    // It is Django's still.
    let why = open(home).why(&format!("sessionid={theirs}")).unwrap().to_string();
    assert!(why.contains("begun by a Django app"), "{why}");
    assert!(troubles(&house).is_empty(), "{:?}", house.check());
    django.call("logout", json!({"cookie": theirs}));
    assert_eq!(whoami(&house, &theirs), Err(Some(Rejected::Gone)));
    assert_eq!(sessions(&house, "ada"), []);
}

fn an_operator_sees_all_of_djangos_at_once(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    django.text("login", json!({"username": "ada"}));
    let data = home.text("SELECT session_data FROM django_session");
    // More than a page of them; some that nobody can read, and some whose time is over.
    let row = |n: u32| match n {
        0..10 => format!("('bad{n:029}', 'nonsense', '2100-01-01 00:00:00')"),
        10..20 => format!("('old{n:029}', '{data}', '2026-01-01 00:00:00')"),
        _ => format!("('new{n:029}', '{data}', '2100-01-01 00:00:00')"),
    };
    let rows: Vec<String> = (0..1220).map(row).collect();
    home.execute(&format!("INSERT INTO django_session VALUES {}", rows.join(",")));
    let ours = login(&house, "ada");

    let found = open(home).sessions_of("ada").unwrap().unwrap();
    assert_eq!((found.len(), owners(home)), (1202, 1202));
    assert_eq!(found.iter().filter(|one| one.app.as_deref() == Some("notes")).count(), 1);
    let theirs = found.iter().find(|one| one.app.is_none()).unwrap();
    assert_eq!(theirs.last_seen, None, "no housekey app has seen it");
    assert_eq!(open(home).sessions_of("ada").unwrap().unwrap(), found);
    assert_eq!(whoami(&house, &ours), Ok("ada".to_owned()));
}

fn what_is_written_beside_a_session_changes_nobody(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let grace = user(&house, "grace");
    let cookie = login(&house, "ada");
    home.execute(&format!("UPDATE housekey_session SET user_id = {}", grace.id));
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    assert_eq!((sessions(&house, "grace"), sessions(&house, "ada")), (vec![], vec![]));
    home.execute("UPDATE housekey_session SET address = 'nonsense', app = 'Robert''); --'");
    home.execute("UPDATE housekey_session SET user_id = (SELECT min(id) FROM auth_user)");
    let found = sessions(&house, "ada");
    assert_eq!((found[0].address, found[0].app.as_deref()), (None, Some("Robert'); --")));
}

fn a_session_of_djangos_that_was_seen_outlives_a_stronger_hash(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let [seen, unseen] = [login(&house, "ada"), login(&house, "ada")];
    for cookie in [&seen, &unseen] {
        forget_owner(home, cookie);
    }
    assert_eq!(whoami(&house, &seen), Ok("ada".to_owned()));
    assert_eq!(sessions(&house, "ada").len(), 1);
    let stronger = home.open_with(home.config("notes").password_iterations(20));
    assert!(stronger.authenticate("ada", PASSWORD).unwrap().is_some());
    assert_eq!(whoami(&house, &seen), Ok("ada".to_owned()));
    assert_eq!(whoami(&house, &unseen), Err(Some(Rejected::StampMismatch)));
}

fn one_session_is_ended_by_its_id(home: &Home) {
    let house = home.open("notes");
    let (ada, grace) = (user(&house, "ada"), user(&house, "grace"));
    let session = Session::default();
    login_in(&house, &session, "ada");
    let (id, other) = (session.id().unwrap(), login(&house, "ada"));
    for wrong in ["", "0000000000000000", &cookie(&session), &id.to_uppercase()] {
        assert!(!house.end_session(&ada, wrong).unwrap(), "{wrong}");
    }
    assert!(!house.end_session(&grace, &id).unwrap(), "the session of somebody else");
    assert!(house.end_session(&ada, &id).unwrap());
    assert!(!house.end_session(&ada, &id).unwrap());
    assert_eq!(whoami(&house, &cookie(&session)), Err(Some(Rejected::Gone)));
    assert_eq!((whoami(&house, &other), owners(home)), (Ok("ada".to_owned()), 1));

    let id = sessions(&house, "ada")[0].id.clone();
    let keeper = open(home);
    assert!(!keeper.end_session("nobody", &id).unwrap());
    assert!(!keeper.end_session("grace", &id).unwrap());
    assert!(keeper.end_session("ada", &id).unwrap());
    assert_eq!(whoami(&house, &other), Err(Some(Rejected::Gone)));
}

fn all_others_end_djangos_too(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let Some(mut django) = Django::start(home) else { return };
    let theirs = django.text("login", json!({"username": "ada"}));
    let of_grace = django.text("login", json!({"username": "grace"}));
    let session = Session::default();
    login_in(&house, &session, "ada");
    login(&house, "ada");
    assert_eq!(house.end_other_sessions(&session).unwrap(), 2);
    assert_eq!(django.text("whoami", json!({"cookie": theirs})), "");
    assert_eq!(django.text("whoami", json!({"cookie": of_grace})), "grace");
    assert_eq!(django.text("whoami", json!({"cookie": cookie(&session)})), "ada");
    assert_eq!(house.end_other_sessions(&session).unwrap(), 0);
    assert_eq!(house.end_other_sessions(&Session::default()).unwrap(), 0, "nobody has none");

    let again = django.text("login", json!({"username": "ada"}));
    let ada = house.find_user("ada").unwrap().unwrap();
    assert_eq!(house.end_sessions_of(&ada).unwrap(), 2);
    for ended in [&again, &cookie(&session)] {
        assert_eq!(whoami(&house, ended), Err(Some(Rejected::Gone)));
    }
    assert_eq!((home.sessions(), owners(home)), (1, 1), "whose the other is was written down");
}

fn who_goes_on_in_a_session_of_djangos_may_end_the_others(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (here, other) = (login(&house, "ada"), login(&house, "ada"));
    forget_owner(home, &here);
    let session = house.session(Some(&here)).unwrap();
    assert_eq!(house.end_other_sessions(&session).unwrap(), 1);
    assert_eq!(whoami(&house, &here), Ok("ada".to_owned()));
    assert_eq!(whoami(&house, &other), Err(Some(Rejected::Gone)));
}

fn nothing_is_ended_for_the_sake_of_a_session_that_is_not_there(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = Session::default();
    login_in(&house, &session, "ada");
    let [one, two] = [login(&house, "ada"), login(&house, "ada")];
    forget_owner(home, &two);
    let keeper = open(home);
    assert_eq!(keeper.end_other_sessions_of("ada", "0000000000000000").unwrap(), None);
    assert_eq!(keeper.end_other_sessions_of("nobody", &session.id().unwrap()).unwrap(), None);
    let gone = house.session(Some(&cookie(&session))).unwrap();
    house.logout(&session).unwrap();
    assert!(matches!(house.end_other_sessions(&gone), Err(Error::SessionGone)));
    assert_eq!(home.sessions(), 2);

    let spared = house.session(Some(&one)).unwrap().id().unwrap();
    assert_eq!(keeper.end_other_sessions_of("ada", &spared).unwrap(), Some(1));
    assert_eq!(whoami(&house, &one), Ok("ada".to_owned()));
    assert!(house.change_password(&Session::default(), &ada, PASSWORD, "another").unwrap());
    assert_eq!(keeper.end_sessions_of("ada").unwrap(), Some(1));
}
