//! What was ended stays ended, and what two requests save at once is not lost.

use std::sync::Barrier;

use housekey::{Error, Rejected, Session};

use crate::support::{Home, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    a_slow_request_does_not_bring_a_session_back,
    a_save_races_a_logout,
    two_requests_that_change_different_names_keep_both,
    eight_writers_lose_nothing,
);

fn a_slow_request_does_not_bring_a_session_back(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    let slow = house.session(Some(&cookie)).unwrap();
    slow.insert("page", 2).unwrap();

    house.logout(&house.session(Some(&cookie)).unwrap()).unwrap();
    assert!(matches!(house.save(&slow), Err(Error::SessionGone)));
    assert_eq!(home.sessions(), 0);
    assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Gone)));
}

fn a_save_races_a_logout(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    for round in 0..50 {
        let cookie = login(&house, "ada");
        let writer = house.session(Some(&cookie)).unwrap();
        let leaver = house.session(Some(&cookie)).unwrap();
        let start = Barrier::new(2);
        std::thread::scope(|scope| {
            scope.spawn(|| {
                start.wait();
                writer.insert("round", round).unwrap();
                let saved = house.save(&writer);
                assert!(matches!(saved, Ok(()) | Err(Error::SessionGone)), "{saved:?}");
            });
            start.wait();
            house.logout(&leaver).unwrap();
        });
        assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::Gone)));
    }
    assert_eq!(home.sessions(), 0);
}

fn two_requests_that_change_different_names_keep_both(home: &Home) {
    let house = home.open("notes");
    let session = Session::default();
    session.insert("gone", 1).unwrap();
    session.insert("kept", 1).unwrap();
    house.save(&session).unwrap();

    let (one, two) = (again(&house, &session), again(&house, &session));
    one.insert("one", 1).unwrap();
    one.remove("gone");
    two.insert("two", 2).unwrap();
    house.save(&one).unwrap();
    house.save(&two).unwrap();
    assert_eq!(again(&house, &session).names(), ["kept", "one", "two"]);
}

fn again(house: &crate::support::House, session: &Session) -> Session {
    house.session(Some(&cookie(session))).unwrap()
}

fn eight_writers_lose_nothing(home: &Home) {
    const ROUNDS: u32 = 25;
    let house = home.open("notes");
    let session = Session::default();
    session.insert("start", 0).unwrap();
    house.save(&session).unwrap();
    let key = cookie(&session);
    std::thread::scope(|scope| {
        for writer in 0..8 {
            let (house, key) = (&house, &key);
            scope.spawn(move || {
                for round in 1..=ROUNDS {
                    let session = house.session(Some(key)).unwrap();
                    session.insert(&format!("writer {writer}"), round).unwrap();
                    house.save(&session).unwrap();
                }
            });
        }
    });
    let end = house.session(Some(&key)).unwrap();
    for writer in 0..8 {
        assert_eq!(end.get::<u32>(&format!("writer {writer}")), Some(ROUNDS), "writer {writer}");
    }
}
