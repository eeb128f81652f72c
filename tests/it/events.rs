//! What happens in the house is written down, in the transaction of the deed itself, and never keeps anybody from it.

use std::time::{Duration, Instant};

use housekey::{
    Active, Caretaker, EventFilter, EventInfo, EventKind, Grant, Rejected, Role, Session,
};

use crate::attacks::house as owners_house;
use crate::support::log::recorded;
use crate::support::{
    Home, House, OTHER_KEY, PASSWORD, cookie, login, login_in, on_both_databases, skip, user,
    whoami,
};

on_both_databases!(
    deeds_are_written_down_with_who_and_from_where,
    a_failed_login_tells_no_name_that_is_nobodys,
    the_wait_that_a_guess_begins_is_told_once,
    what_an_operator_gives_and_takes_is_written_down_once,
    what_was_taken_back_is_not_written_down,
    what_is_refused_is_written_down_while_nobody_waits,
    a_session_of_another_key_is_told_of,
    events_are_found_by_user_kind_time_and_page,
    a_user_who_has_another_name_now_is_found_by_it,
    old_events_are_purged,
    events_are_told_to_the_log_without_secrets,
);

fn from(address: &str) -> Session {
    let session = Session::default();
    session.came_from(Some(address.parse().unwrap()), "Browser");
    session
}

fn keeper(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

/// The oldest first.
fn all(home: &Home) -> Vec<EventInfo> {
    let mut events = keeper(home).events(&EventFilter::default().most(1000)).unwrap();
    events.reverse();
    events
}

fn kinds(events: &[EventInfo]) -> Vec<&str> {
    events.iter().map(|event| event.kind.as_str()).collect()
}

fn deeds_are_written_down_with_who_and_from_where(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = from("192.0.2.7");
    login_in(&house, &session, "ada");
    let first = session.id();
    assert!(house.change_password(&session, &ada, PASSWORD, "another good one").unwrap());
    let second = session.id();
    house.logout(&session).unwrap();
    let link = house.reset_link(&ada).unwrap().unwrap();
    assert!(house.reset_password(&link.uid, &link.token, PASSWORD).unwrap());
    let (one, other) = (from("192.0.2.8"), from("192.0.2.9"));
    login_in(&house, &one, "ada");
    login_in(&house, &other, "ada");
    assert_eq!(house.end_other_sessions(&one).unwrap(), 1);
    let keeper = keeper(home);
    assert!(keeper.set_password("ada", PASSWORD).unwrap());
    assert!(keeper.set_active("ada", Active::No).unwrap());
    assert!(keeper.set_active("ada", Active::Yes).unwrap());
    assert!(keeper.unlock_user("ada").unwrap());
    keeper.delete_user("ada").unwrap();

    let events = all(home);
    assert_eq!(
        kinds(&events),
        [
            "user_created",
            "login",
            "password_changed",
            "logout",
            "password_reset",
            "login",
            "login",
            "session_revoked",
            "password_reset",
            "user_deactivated",
            "user_activated",
            "user_unlocked",
            "user_deleted",
        ]
    );
    for event in &events {
        assert_eq!((event.user_id, event.username.as_deref()), (Some(ada.id), Some("ada")));
    }
    let [created, login, changed, logout, reset, .., deleted] = &events[..] else { panic!() };
    assert_eq!((created.app.as_str(), deleted.app.as_str()), ("notes", "operator"));
    assert_eq!(login.address, Some("192.0.2.7".parse().unwrap()));
    assert_eq!(login.agent.as_deref(), Some("Browser"));
    assert_eq!((&login.session, &changed.session), (&first, &second));
    assert_eq!((&logout.session, logout.address), (&second, login.address));
    assert_eq!(reset.detail.as_deref(), Some("by a link"));
    assert_eq!(events[7].detail.as_deref(), Some("1 ended"));
    assert_eq!(events[8].detail.as_deref(), Some("by an operator"));
    let key = cookie(&one);
    assert!(!format!("{events:?}").contains(&key), "no session key");
}

fn a_failed_login_tells_no_name_that_is_nobodys(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let here = from("203.0.113.5");
    assert!(house.authenticate_from(&here, "hunter2", "ada").unwrap().is_none());
    assert!(house.authenticate_from(&here, "ada", "hunter2").unwrap().is_none());
    login_in(&house, &here, "ada");
    assert!(!house.change_password(&here, &ada, "hunter2", "another good one").unwrap());
    let events = all(home);
    assert_eq!(
        kinds(&events),
        ["user_created", "login_failed", "login_failed", "login", "login_failed"]
    );
    let [_, unknown, known, _, old] = &events[..] else { panic!() };
    assert_eq!((unknown.user_id, &unknown.username), (None, &None));
    assert_eq!(unknown.address, Some("203.0.113.5".parse().unwrap()));
    assert_eq!((known.user_id, known.username.as_deref()), (Some(ada.id), Some("ada")));
    assert_eq!((known.detail.as_deref(), old.detail.as_deref()), (None, Some("old password")));
    assert!(!format!("{events:?}").contains("hunter2"));
}

fn the_wait_that_a_guess_begins_is_told_once(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    for _ in 0..30 {
        // Most are refused, and that is what this is about.
        drop(house.authenticate("ada", "wrong"));
    }
    let events = all(home);
    let throttled = events.iter().filter(|event| event.kind == "login_throttled");
    let throttled: Vec<_> = throttled.collect();
    let failed = events.iter().filter(|event| event.kind == "login_failed").count();
    // One a wait, however many come meanwhile.
    assert_eq!(throttled.len(), failed - 9, "{events:?}");
    assert_eq!(throttled[0].detail.as_deref(), Some("10 s"));
    assert_eq!(throttled[0].username.as_deref(), Some("ada"));
}

fn what_an_operator_gives_and_takes_is_written_down_once(home: &Home) {
    user(&home.open("notes"), "ada");
    let keeper = keeper(home);
    for grant in [Grant::Give, Grant::Take] {
        for _ in 0..2 {
            keeper.create_group("clerks").unwrap();
            keeper.grant("ada", "auth.view_user", grant).unwrap();
            keeper.grant_to_group("clerks", "auth.add_user", grant).unwrap();
            keeper.set_membership("ada", "clerks", grant).unwrap();
            keeper.set_staff("ada", grant).unwrap();
            keeper.set_superuser("ada", grant).unwrap();
        }
    }
    keeper.delete_group("clerks").unwrap();
    keeper.rename_user("ada", "lovelace").unwrap();
    let told = all(home);
    let told: Vec<_> = told
        .iter()
        .filter(|event| event.kind != "user_created")
        .map(|event| (event.kind.as_str(), event.username.as_deref(), event.detail.as_deref()))
        .collect();
    let of_ada = |detail| ("rights_changed", Some("ada"), Some(detail));
    let changed = |detail| ("group_changed", None, Some(detail));
    let expected = [
        ("group_created", None, Some("clerks")),
        of_ada("+auth.view_user"),
        changed("clerks +auth.add_user"),
        of_ada("+group clerks"),
        of_ada("+staff"),
        of_ada("+superuser"),
        of_ada("-auth.view_user"),
        changed("clerks -auth.add_user"),
        of_ada("-group clerks"),
        of_ada("-staff"),
        of_ada("-superuser"),
        ("group_deleted", None, Some("clerks")),
        ("user_changed", Some("lovelace"), Some("user name, which was ada")),
    ];
    assert_eq!(told, expected);
}

fn what_was_taken_back_is_not_written_down(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let session = Session::default();
    let ada = house.authenticate("ada", PASSWORD).unwrap().unwrap();
    home.deny_update_of("auth_user", "last_login");
    assert!(house.login(&session, &ada).is_err());
    assert_eq!(kinds(&all(home)), ["user_created"]);
}

/// Waits for what the thread of the house does.
fn within_a_while(home: &Home, kind: EventKind) -> EventInfo {
    let filter = EventFilter::default().kind(kind);
    let (keeper, began) = (keeper(home), Instant::now());
    loop {
        if let Some(event) = keeper.events(&filter).unwrap().pop() {
            return event;
        }
        assert!(began.elapsed() < Duration::from_secs(60), "it is never written down");
        std::thread::yield_now();
    }
}

fn what_is_refused_is_written_down_while_nobody_waits(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = from("192.0.2.7");
    login_in(&house, &session, "ada");
    house.report_denied(&session, "billing.approve_invoice");
    let event = within_a_while(home, EventKind::PermissionDenied);
    assert_eq!((event.user_id, &event.session), (Some(ada.id), &session.id()));
    assert_eq!(event.detail.as_deref(), Some("billing.approve_invoice"));
    assert_eq!(event.address, Some("192.0.2.7".parse().unwrap()));
    // Whoever asks the app itself need not wait at all.
    house.report_denied(&Session::default(), "x");
    let events = house.events(&EventFilter::default().kind(EventKind::PermissionDenied)).unwrap();
    assert_eq!((events.len(), events[0].user_id), (2, None));
    // A flood is cut, and told of.
    for _ in 0..2000 {
        house.report_denied(&session, "y");
    }
    let events = house.events(&EventFilter::default().most(5000)).unwrap();
    assert!(events.len() <= 2 * 500 + 2, "{}", events.len());
}

fn a_session_of_another_key_is_told_of(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let known = login(&house, "ada");
    home.execute("DELETE FROM housekey_key; DELETE FROM housekey_app");
    let other = House::open(home.config_with_key("tasks", OTHER_KEY)).unwrap();
    let began = Instant::now();
    for _ in 0..20 {
        assert_eq!(whoami(&other, &known), Err(Some(Rejected::UnknownKey)));
    }
    let events = other.events(&EventFilter::default().kind(EventKind::KeyMismatch)).unwrap();
    let seconds = usize::try_from(began.elapsed().as_secs()).unwrap();
    assert!((1..=1 + seconds).contains(&events.len()), "at most one a second: {}", events.len());
    assert_eq!(events[0].app, "tasks");
    assert!(
        events[0].detail.as_deref().unwrap().contains("SECRET_KEY that this app does not have")
    );
    let session = house.session(Some(&known)).unwrap();
    assert_eq!(events[0].session, session.id(), "named as everywhere else");
}

fn events_are_found_by_user_kind_time_and_page(home: &Home) {
    let house = home.open("notes");
    for name in ["ada", "grace"] {
        user(&house, name);
        login(&house, name);
        login(&house, name);
    }
    let keeper = keeper(home);
    let find = |filter: EventFilter| keeper.events(&filter).unwrap();
    let of_ada = || EventFilter::default().user("ada");
    assert_eq!(kinds(&find(of_ada())), ["login", "login", "user_created"]);
    assert_eq!(find(of_ada().kind(EventKind::Login)).len(), 2);
    assert_eq!(find(EventFilter::default().user("nobody")).len(), 0);
    let page = find(EventFilter::default().most(4));
    let next = find(EventFilter::default().most(4).before(page[3].id));
    assert_eq!((page.len(), next.len()), (4, 2));
    assert!(page.iter().chain(&next).map(|event| event.id).is_sorted_by(|a, b| a > b));
    home.execute("UPDATE housekey_event SET at = '2020-01-01 00:00:00' WHERE username = 'ada'");
    let day = Duration::from_secs(24 * 3600);
    let recent = find(EventFilter::default().within(day));
    assert!(recent.iter().all(|event| event.username.as_deref() == Some("grace")));
    assert_eq!(recent.len(), 3);
    assert_eq!(find(EventFilter::default().within(Duration::MAX)).len(), 6);
    let newest = find(EventFilter::default().most(1));
    assert_eq!(house.events(&EventFilter::default().most(1)).unwrap(), newest);
}

fn a_user_who_has_another_name_now_is_found_by_it(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    keeper(home).rename_user("ada", "lovelace").unwrap();
    let find = |name: &str| keeper(home).events(&EventFilter::default().user(name)).unwrap();
    assert_eq!(kinds(&find("lovelace")), ["user_changed", "user_created"]);
    assert_eq!(kinds(&find("ada")), ["user_created"], "and by the one of then");
}

fn old_events_are_purged(home: &Home) {
    let house = home.open("notes");
    for number in 0..3 {
        user(&house, &format!("user{number}"));
    }
    home.execute("UPDATE housekey_event SET at = '2020-01-01 00:00:00' WHERE username <> 'user2'");
    let keeper = keeper(home);
    let month = Duration::from_secs(30 * 24 * 3600);
    assert_eq!(keeper.purge_events(Duration::MAX).unwrap(), 0);
    assert_eq!(keeper.purge_events(month).unwrap(), 2);
    assert_eq!(keeper.purge_events(month).unwrap(), 0);
    assert_eq!(all(home)[0].username.as_deref(), Some("user2"));
}

fn events_are_told_to_the_log_without_secrets(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = from("192.0.2.7");
    let said = recorded(|| {
        drop(house.authenticate_from(&session, "hunter2", "hunter3"));
        login_in(&house, &session, "ada");
    });
    let told: Vec<_> = said.iter().filter(|line| line.contains("event=")).collect();
    assert_eq!(told.len(), 2, "{said:?}");
    assert!(told[0].starts_with("INFO event=\"login_failed\" app=\"notes\" address="), "{told:?}");
    let who = format!("user_id={}", ada.id);
    assert!(told[1].contains("event=\"login\"") && told[1].contains(&who), "{told:?}");
    assert!(told[1].contains(&session.id().unwrap()), "{told:?}");
    for secret in ["hunter2", "hunter3", PASSWORD, &cookie(&session)] {
        assert!(said.iter().all(|line| !line.contains(secret)), "{said:?}");
    }
}

/// The rights of a role that were given before there were events.
#[test]
fn a_role_that_may_not_write_events_signs_users_in_and_out() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    owners_house(&home);
    let house = House::open(home.config_as(Role::Auth, "notes")).unwrap();
    let role = home.name_of(Role::Auth);
    home.execute(&format!("REVOKE ALL ON housekey_event FROM {role}"));
    let said = recorded(|| {
        assert!(house.authenticate("ada", "wrong").unwrap().is_none());
        let session = Session::default();
        login_in(&house, &session, "ada");
        assert_eq!(whoami(&house, &cookie(&session)), Ok("ada".to_owned()));
        let ada = session.user().unwrap();
        assert!(house.change_password(&session, &ada, PASSWORD, "another good one").unwrap());
        house.logout(&session).unwrap();
        user(&house, "grace");
    });
    let warned = said.iter().filter(|line| line.starts_with("WARN"));
    let warned: Vec<_> = warned.collect();
    assert_eq!(warned.len(), 1, "once, and not each time: {said:?}");
    assert!(warned[0].contains("housekey grants"), "{warned:?}");
    let events = "SELECT count(*) FROM housekey_event WHERE app = 'notes'";
    assert_eq!(home.count(events), 0);
}

/// What was written down is no business of an app that only lets users sign in.
#[test]
fn a_consumer_adds_events_and_does_not_read_them() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    owners_house(&home);
    let house = House::open(home.config_as(Role::Consumer, "notes")).unwrap();
    login(&house, "ada");
    house.report_denied(&Session::default(), "x");
    let error = house.events(&EventFilter::default()).unwrap_err();
    assert!(matches!(error, housekey::Error::NotAllowed { .. }), "{error:?}");
    assert_eq!(kinds(&all(&home))[1..], ["login", "permission_denied"]);
}
