//! Members of staff at their desks.

use housekey::{Caretaker, Denied, Desk, Error, EventFilter, EventInfo, Grant, Session};

use super::{Home, House, login_in, user};

pub(crate) fn keeper(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

/// A new member of staff with these permissions, who has just signed in.
pub(crate) fn staff(home: &Home, house: &House, name: &str, permissions: &[&str]) -> Session {
    user(house, name);
    let keeper = keeper(home);
    assert!(keeper.set_staff(name, Grant::Give).unwrap());
    for permission in permissions {
        keeper.grant(name, permission, Grant::Give).unwrap();
    }
    signed_in(house, name)
}

/// A new superuser who has just signed in.
pub(crate) fn superuser(house: &House, name: &str) -> Session {
    house.create_superuser(name, "", super::PASSWORD).unwrap();
    signed_in(house, name)
}

pub(crate) fn signed_in(house: &House, name: &str) -> Session {
    let session = Session::default();
    session.came_from(Some("192.0.2.7".parse().unwrap()), "Browser");
    login_in(house, &session, name);
    session
}

pub(crate) fn desk<'a>(house: &'a House, session: &Session) -> Desk<'a> {
    house.desk(session).unwrap()
}

pub(crate) fn id(house: &House, name: &str) -> i64 {
    house.find_user(name).unwrap().unwrap().id
}

pub(crate) fn why<T: std::fmt::Debug>(refused: Result<T, Error>) -> Denied {
    match refused.unwrap_err() {
        Error::Denied { why, .. } => why,
        error => panic!("{error:?}"),
    }
}

/// What was written down of this kind, the oldest first.
pub(crate) fn events(home: &Home, kind: housekey::EventKind) -> Vec<EventInfo> {
    let filter = EventFilter::default().kind(kind).most(1000);
    let mut events = keeper(home).events(&filter).unwrap();
    events.reverse();
    events
}

/// The name of whom each is about, and what else was said.
pub(crate) fn told(events: &[EventInfo]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|event| {
            (event.username.as_deref().unwrap_or(""), event.detail.as_deref().unwrap_or(""))
        })
        .collect()
}
