//! A visitor who is nobody leaves nothing behind, whatever the cookie says.

use housekey::{Rejected, Session};

use crate::support::{Home, login, on_both_databases, user};

on_both_databases!(
    a_cookie_that_leads_nowhere_makes_no_row,
    what_is_no_session_key_costs_no_query,
    a_planted_key_is_not_taken_over,
    an_empty_session_has_no_row,
);

fn a_cookie_that_leads_nowhere_makes_no_row(home: &Home) {
    let house = home.open("notes");
    let django = "a".repeat(32);
    for cookie in [django.as_str(), "", "x", "../../etc/passwd", "' OR 1=1 --"] {
        let session = house.session(Some(cookie)).unwrap();
        assert!(session.rejected().is_some());
        assert_eq!(session.user(), None);
        house.save(&session).unwrap();
    }
    assert_eq!(home.sessions(), 0);
}

fn what_is_no_session_key_costs_no_query(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let good = login(&house, "ada");
    let mut forged = good.clone();
    let last = forged.pop().unwrap();
    forged.push(if last == 'a' { 'b' } else { 'a' });

    let before = house.stats().shared.checkouts;
    let long = "a".repeat(1_000_000);
    let upper = good.to_uppercase();
    let refused = |cookie: &str| house.session(Some(cookie)).unwrap().rejected().unwrap();
    assert_eq!(refused(&forged), Rejected::BadProof);
    for cookie in [&upper, &long, &good[..39], "ключ", "a\0b", "12345678"] {
        assert_eq!(refused(cookie), Rejected::Malformed);
    }
    assert_eq!(house.stats().shared.checkouts, before);
}

fn a_planted_key_is_not_taken_over(home: &Home) {
    let house = home.open("notes");
    let planted = "abcdefghijklmnopqrstuvwxyz012345";
    let session = house.session(Some(planted)).unwrap();
    assert_eq!(session.rejected(), Some(Rejected::Gone));
    session.insert("a", 1).unwrap();
    house.save(&session).unwrap();
    assert_ne!(crate::support::cookie(&session), planted);
}

fn an_empty_session_has_no_row(home: &Home) {
    let house = home.open("notes");
    let session = Session::default();
    session.insert("a", 1).unwrap();
    session.remove("a");
    house.save(&session).unwrap();
    assert_eq!(session.key(), None);
    assert_eq!(home.sessions(), 0);
}
