//! Nobody guesses a password by trying: wrong ones are counted for all apps together, before they are looked at, and
//! nobody is kept out for good by what others try.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use housekey::{Caretaker, Error, Session, User};

use crate::support::{Home, House, PASSWORD, login_in, on_both_databases, user};

on_both_databases!(
    no_more_guesses_are_looked_at_than_the_limit_whatever_comes_at_once,
    two_apps_count_together,
    the_right_password_in_many_requests_at_once_is_right_in_all,
    the_right_password_works_after_the_wait_and_not_before,
    a_refused_guess_makes_the_wait_no_longer,
    a_stranger_at_one_address_does_not_keep_out_the_user_at_another,
    a_known_device_is_not_kept_out_by_fifty_strangers,
    with_a_new_password_every_device_is_a_stranger,
    a_reset_lets_in_who_was_kept_out,
    the_device_of_somebody_else_is_a_stranger,
    a_success_empties_the_lanes_of_the_user_and_not_of_the_address,
    an_unknown_name_and_an_inactive_user_are_counted_the_same,
    what_was_typed_as_a_name_is_nowhere_to_be_read,
    guesses_at_the_old_password_are_counted,
    an_operator_lets_a_user_in_again,
    what_is_forgotten_is_purged,
    what_cannot_be_counted_is_not_let_in,
);

const FREE: i64 = 10;
const FREE_AT_ADDRESS: i64 = 5;

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    Right,
    Wrong,
    Wait(Duration),
}

#[track_caller]
fn answer(outcome: Result<Option<User>, Error>) -> Answer {
    match outcome {
        Ok(Some(_)) => Answer::Right,
        Ok(None) => Answer::Wrong,
        Err(Error::TooManyAttempts { wait, .. }) => Answer::Wait(wait),
        Err(error) => panic!("{error:?}"),
    }
}

/// How many of so many guesses are looked at, all of them wrong.
#[track_caller]
fn looked_at(guesses: i64, mut guess: impl FnMut() -> Result<Option<User>, Error>) -> i64 {
    let looked_at = (0..guesses).filter(|_| match answer(guess()) {
        Answer::Right => panic!("a wrong password is right"),
        Answer::Wrong => true,
        Answer::Wait(wait) => {
            assert!((1..=900).contains(&wait.as_secs()), "{wait:?}");
            false
        }
    });
    i64::try_from(looked_at.count()).unwrap()
}

fn from(address: &str) -> Session {
    let session = Session::default();
    session.came_from(Some(address.parse().unwrap()), "Browser");
    session
}

/// As if so many seconds had gone by since.
fn later(home: &Home, seconds: u32) {
    let moved = |column: &str| {
        if home.is_postgres() {
            format!("{column} = {column} - interval '{seconds} seconds'")
        } else {
            format!("{column} = strftime('%Y-%m-%d %H:%M:%f', {column}, '-{seconds} seconds')")
        }
    };
    let columns = ["since", "opens", "ends"].map(moved).join(", ");
    home.execute(&format!("UPDATE housekey_throttle SET {columns}"));
}

/// How many guesses the waits of an account let through in a time: 10, and one more after 10, 30, 70 .. seconds.
fn let_through(within: Duration) -> i64 {
    let mut waited = Duration::ZERO;
    let waits = [10, 20, 40, 80, 160, 300, 300, 300].map(Duration::from_secs);
    let more = waits.iter().take_while(|wait| {
        waited += **wait;
        waited <= within
    });
    FREE + i64::try_from(more.count()).unwrap()
}

fn no_more_guesses_are_looked_at_than_the_limit_whatever_comes_at_once(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (began, wrong) = (Instant::now(), AtomicI64::new(0));
    std::thread::scope(|scope| {
        for _ in 0..16 {
            scope.spawn(|| {
                let found = looked_at(1000, || house.authenticate("ada", "wrong"));
                wrong.fetch_add(found, Ordering::Relaxed);
            });
        }
    });
    let wrong = wrong.into_inner();
    assert_eq!(wrong, home.count("SELECT level FROM housekey_throttle"), "each was counted");
    assert!((FREE..=let_through(began.elapsed())).contains(&wrong), "{wrong}");
}

fn two_apps_count_together(home: &Home) {
    let (notes, tasks) = (home.open("notes"), home.open("tasks"));
    user(&notes, "ada");
    assert_eq!(looked_at(6, || notes.authenticate("ada", "wrong")), 6);
    assert_eq!(looked_at(6, || tasks.authenticate("ada", "wrong")), FREE - 6);
    assert_eq!(looked_at(6, || notes.authenticate("ada", "wrong")), 0);
}

/// As many as the free attempts are at work with it, whoever of them gets the lanes first.
fn the_right_password_in_many_requests_at_once_is_right_in_all(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    std::thread::scope(|scope| {
        for number in 0..FREE_AT_ADDRESS - 1 {
            let (house, here) = (&house, from(&format!("192.0.2.{}", number / 4)));
            scope.spawn(move || {
                for _ in 0..100 {
                    let outcome = house.authenticate_from(&here, "ada", PASSWORD);
                    assert_eq!(answer(outcome), Answer::Right);
                }
            });
        }
    });
    assert_eq!(home.count("SELECT max(level) FROM housekey_throttle"), 0);
}

fn the_right_password_works_after_the_wait_and_not_before(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    assert_eq!(looked_at(FREE, || house.authenticate("ada", "wrong")), FREE);
    let Answer::Wait(wait) = answer(house.authenticate("ada", PASSWORD)) else {
        panic!("the right password tells nothing while it has to wait");
    };
    assert!(wait <= Duration::from_secs(10), "{wait:?}");
    let error = house.authenticate("ada", PASSWORD).unwrap_err();
    assert!(error.to_string().starts_with("too many wrong passwords; try again in "), "{error}");
    assert!(!error.to_string().contains("ada") && !error.is_temporary());
    later(home, 11);
    assert_eq!(answer(house.authenticate("ada", PASSWORD)), Answer::Right);
    assert_eq!(looked_at(20, || house.authenticate("ada", "wrong")), FREE, "all is forgotten");
}

fn a_refused_guess_makes_the_wait_no_longer(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    looked_at(FREE, || house.authenticate("ada", "wrong"));
    let rows = || {
        let columns =
            "CAST(opens AS text) || ' ' || CAST(since AS text) || ' ' || CAST(level AS text)";
        home.text(&format!("SELECT {columns} FROM housekey_throttle"))
    };
    let before = rows();
    assert_eq!(looked_at(50, || house.authenticate("ada", "wrong")), 0);
    assert_eq!(rows(), before);
    // The waits grow, up to the longest, and no further.
    for wait in [10, 20, 40, 80, 160, 300, 300, 300] {
        let Answer::Wait(told) = answer(house.authenticate("ada", "wrong")) else {
            panic!("{wait}")
        };
        assert!(told <= Duration::from_secs(wait), "{told:?} and not {wait}");
        later(home, u32::try_from(wait).unwrap() + 1);
        assert_eq!(answer(house.authenticate("ada", "wrong")), Answer::Wrong);
    }
}

fn a_stranger_at_one_address_does_not_keep_out_the_user_at_another(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (stranger, ada) = (from("203.0.113.5"), from("192.0.2.7"));
    let guess = || house.authenticate_from(&stranger, "ada", "wrong");
    assert_eq!(looked_at(100, guess), FREE_AT_ADDRESS);
    assert_eq!(answer(house.authenticate_from(&ada, "ada", PASSWORD)), Answer::Right);
    // It is the stranger's own lane that is full.
    assert_eq!(looked_at(5, || house.authenticate_from(&stranger, "ada", "wrong")), 0);
    let neighbour = from("2001:db8::1");
    let guess = || house.authenticate_from(&neighbour, "ada", "wrong");
    assert_eq!(looked_at(100, guess), FREE_AT_ADDRESS);
    let same_network = from("2001:db8::ffff:2");
    assert_eq!(looked_at(5, || house.authenticate_from(&same_network, "ada", "wrong")), 0);
    // Of a machine's own programs it is only the account that is counted.
    let local = from("127.0.0.1");
    let ada = user(&house, "grace");
    assert_eq!(looked_at(50, || house.authenticate_from(&local, &ada.username, "wrong")), FREE);
}

/// The value of a device's cookie after a login.
fn device(house: &House, name: &str) -> String {
    let session = from("192.0.2.7");
    login_in(house, &session, name);
    house.device_cookie(&session).unwrap()
}

fn a_known_device_is_not_kept_out_by_fifty_strangers(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = device(&house, "ada");
    for number in 0..50 {
        let stranger = from(&format!("203.0.113.{number}"));
        looked_at(3, || house.authenticate_from(&stranger, "ada", "wrong"));
    }
    let elsewhere = from("192.0.2.9");
    assert_ne!(answer(house.authenticate_from(&elsewhere, "ada", PASSWORD)), Answer::Right);
    let known = from("192.0.2.9");
    known.came_with(&cookie);
    assert_eq!(answer(house.authenticate_from(&known, "ada", PASSWORD)), Answer::Right);
    // A device that was stolen guesses no faster than anybody.
    let guess = || house.authenticate_from(&known, "ada", "wrong");
    assert_eq!(looked_at(50, guess), FREE_AT_ADDRESS);
}

fn with_a_new_password_every_device_is_a_stranger(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let (stolen, own) = (device(&house, "ada"), from("192.0.2.7"));
    login_in(&house, &own, "ada");
    assert!(house.change_password(&own, &ada, PASSWORD, "another good one").unwrap());
    let new = house.device_cookie(&own).unwrap();
    looked_at(FREE, || house.authenticate("ada", "wrong"));
    for (cookie, right) in [(stolen, false), (new, true)] {
        let session = from("203.0.113.9");
        session.came_with(&cookie);
        let outcome = answer(house.authenticate_from(&session, "ada", "another good one"));
        assert_eq!(outcome == Answer::Right, right);
    }
}

fn a_reset_lets_in_who_was_kept_out(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    looked_at(FREE, || house.authenticate("ada", "wrong"));
    let link = house.reset_link(&ada).unwrap().unwrap();
    assert!(house.reset_password(&link.uid, &link.token, "another good one").unwrap());
    assert_eq!(answer(house.authenticate("ada", "another good one")), Answer::Right);
}

fn the_device_of_somebody_else_is_a_stranger(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "eve");
    let evil = device(&house, "eve");
    looked_at(FREE, || house.authenticate("ada", "wrong"));
    for cookie in [evil.as_str(), "1.forged:x", "", &"x".repeat(10_000)] {
        let session = from("192.0.2.9");
        session.came_with(cookie);
        assert_ne!(answer(house.authenticate_from(&session, "ada", PASSWORD)), Answer::Right);
    }
}

fn a_success_empties_the_lanes_of_the_user_and_not_of_the_address(home: &Home) {
    let house = home.open("notes");
    let eve = user(&house, "eve");
    let level = "SELECT level FROM housekey_throttle WHERE account = ''";
    let here = from("203.0.113.5");
    for number in 0..40 {
        let name = format!("user {number}");
        assert_eq!(looked_at(2, || house.authenticate_from(&here, &name, "wrong")), 2);
        assert_eq!(answer(house.authenticate_from(&here, "eve", PASSWORD)), Answer::Right);
    }
    assert_eq!(home.count(level), 80, "of the address all wrong ones are left, and no others");
    let guesses = (0..40).map(|number| format!("another {number}"));
    let wrong = guesses
        .filter(|name| answer(house.authenticate_from(&here, name, "wrong")) == Answer::Wrong);
    let wrong = wrong.count();
    // One is forgotten every six seconds.
    assert!(wrong >= 20, "{wrong}");
    let elsewhere = from("192.0.2.7");
    assert_eq!(answer(house.authenticate_from(&elsewhere, &eve.username, PASSWORD)), Answer::Right);
}

fn an_unknown_name_and_an_inactive_user_are_counted_the_same(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    home.execute("UPDATE auth_user SET is_active = FALSE WHERE username = 'grace'");
    let here = from("203.0.113.5");
    for (name, password) in [("ada", "wrong"), ("nobody", "wrong"), ("grace", PASSWORD), ("", "")] {
        let guess = || house.authenticate_from(&here, name, password);
        assert_eq!(looked_at(9, guess), FREE_AT_ADDRESS, "{name}");
        let error = house.authenticate_from(&here, name, password).unwrap_err().to_string();
        assert!(error.starts_with("too many wrong passwords; try again in "), "{error}");
    }
    let blanks = format!("  {}\n", "ada");
    assert_eq!(looked_at(3, || house.authenticate_from(&here, &blanks, "wrong")), 0, "one name");
}

fn what_was_typed_as_a_name_is_nowhere_to_be_read(home: &Home) {
    let house = home.open("notes");
    let typed = "hunter2-typed-into-the-wrong-field";
    looked_at(3, || house.authenticate_from(&from("203.0.113.5"), typed, "ada"));
    let rows = "SELECT count(*) FROM housekey_throttle WHERE length(lane) = 64";
    assert_eq!(home.count(rows), 3);
    let shown = "lane || account LIKE '%hunter2%' OR lane || account LIKE '%203.0%'";
    assert_eq!(home.count(&format!("SELECT count(*) FROM housekey_throttle WHERE {shown}")), 0);
}

fn guesses_at_the_old_password_are_counted(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = Session::default();
    login_in(&house, &session, "ada");
    let guess = |old: &str| house.change_password(&session, &ada, old, "another good one");
    for _ in 0..FREE_AT_ADDRESS {
        assert!(!guess("wrong").unwrap());
    }
    assert!(matches!(guess(PASSWORD), Err(Error::TooManyAttempts { .. })));
    assert_eq!(answer(house.authenticate("ada", PASSWORD)), Answer::Right, "a lane of its own");
    assert!(matches!(guess(PASSWORD), Err(Error::TooManyAttempts { .. })), "which stays full");
    later(home, 11);
    assert!(guess(PASSWORD).unwrap());
    assert_eq!(answer(house.authenticate("ada", "another good one")), Answer::Right);
}

fn an_operator_lets_a_user_in_again(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    for name in ["ada", "grace"] {
        looked_at(FREE, || house.authenticate_from(&from("203.0.113.5"), name, "wrong"));
        looked_at(FREE, || house.authenticate(name, "wrong"));
    }
    assert!(keeper.unlock_user("ada").unwrap());
    assert!(!keeper.unlock_user("nobody").unwrap());
    let here = from("203.0.113.5");
    assert_eq!(answer(house.authenticate_from(&here, "ada", PASSWORD)), Answer::Right);
    assert_ne!(answer(house.authenticate_from(&here, "grace", PASSWORD)), Answer::Right);
}

fn what_is_forgotten_is_purged(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    looked_at(3, || house.authenticate_from(&from("203.0.113.5"), "ada", "wrong"));
    let rows = "SELECT count(*) FROM housekey_throttle";
    keeper.purge_sessions(|_| {}).unwrap();
    assert_eq!(home.count(rows), 3);
    later(home, 60);
    keeper.purge_sessions(|_| {}).unwrap();
    assert_eq!(home.count(rows), 2, "what an address has tried is forgotten first");
    later(home, 3 * 3600);
    keeper.purge_sessions(|_| {}).unwrap();
    assert_eq!(home.count(rows), 0);
    // What was emptied by a success holds nothing.
    assert_eq!(answer(house.authenticate("ada", PASSWORD)), Answer::Right);
    later(home, 1);
    keeper.purge_sessions(|_| {}).unwrap();
    assert_eq!(home.count(rows), 0);
}

fn what_cannot_be_counted_is_not_let_in(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    home.deny_update_of("housekey_throttle", "level");
    let error = house.authenticate("ada", PASSWORD).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    home.execute("DROP TABLE housekey_throttle");
    let error = house.authenticate("ada", PASSWORD).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
}
