//! Sessions are read from a standby of the shared database, and nobody sees more of it than the staleness allows: a
//! real standby, also one that is an hour behind.

use std::time::Duration;

use housekey::{Caretaker, Config, Grant, Rejected};

use crate::support::proxy::Proxy;
use crate::support::staleness::{assert_holds_in_time, assert_is_seen_in_time};
use crate::support::standby::Standby;
use crate::support::{Home, House, KEY, PASSWORD, database, login, skip, user, whoami};

const AN_HOUR: &str = "1h";

/// An app that has a replica, another one that has none, and the ways to both servers.
struct Place {
    app: House,
    other: House,
    servers: Standby,
    to_primary: Proxy,
    to_standby: Proxy,
    home: Home,
}

impl Place {
    fn new() -> Option<Self> {
        Self::with(|config| config)
    }

    fn with(set: impl FnOnce(Config) -> Config) -> Option<Self> {
        let home = Home::sqlite();
        let servers = Standby::start(&home)?;
        let (to_primary, to_standby) =
            (Proxy::to(&servers.primary_url()), Proxy::to(&servers.url()));
        let other = home.open_with(home.config_at(&servers.primary_url(), "other", KEY));
        user(&other, "ada");
        let through = |proxy: &Proxy| proxy.through(&servers.primary_url());
        let config = home.config_at(&through(&to_primary), "notes", KEY);
        let config = config.shared_replica(&to_standby.through(&servers.url())).unwrap();
        let app = House::open(set(config)).unwrap();
        Some(Self { app, other, servers, to_primary, to_standby, home })
    }

    /// A visitor whom the standby knows, and by it the app.
    fn visitor(&self) -> String {
        let cookie = login(&self.other, "ada");
        self.servers.catch_up();
        self.until_the_standby_is_asked(&cookie);
        cookie
    }

    /// Waits until a look-up asks the standby, and not the primary.
    fn until_the_standby_is_asked(&self, cookie: &str) {
        loop {
            let before = (self.to_primary.sent(), self.to_standby.sent());
            assert_eq!(whoami(&self.app, cookie).as_deref(), Ok("ada"));
            if self.to_primary.sent() == before.0 && self.to_standby.sent() > before.1 {
                return;
            }
        }
    }

    fn assert_is_seen_in_time(&self, cookie: &str, why: Option<Rejected>) {
        assert_is_seen_in_time(&self.app, cookie, why);
    }
}

#[test]
fn a_standby_answers_and_what_it_does_not_have_yet_is_asked_elsewhere() {
    let Some(place) = Place::new() else { return skip("PostgreSQL") };
    let known = place.visitor();
    place.servers.delay(AN_HOUR);
    let new = login(&place.other, "ada");
    assert_eq!(whoami(&place.app, &new).as_deref(), Ok("ada"));
    assert_eq!(whoami(&place.app, &known).as_deref(), Ok("ada"));
}

#[test]
fn an_end_is_seen_in_time_though_the_standby_is_an_hour_behind() {
    let Some(place) = Place::new() else { return skip("PostgreSQL") };
    let cookies: Vec<_> = (0..4).map(|_| login(&place.other, "ada")).collect();
    let [by_logout, by_hand, by_password, by_state] = &cookies[..] else { unreachable!() };
    place.servers.catch_up();
    place.until_the_standby_is_asked(by_logout);
    place.servers.delay(AN_HOUR);

    place.other.logout(&place.other.session(Some(by_logout)).unwrap()).unwrap();
    place.assert_is_seen_in_time(by_logout, Some(Rejected::Gone));

    let primary = place.servers.primary_url();
    database::execute(
        &primary,
        &format!("DELETE FROM django_session WHERE session_key = '{by_hand}'"),
    );
    place.assert_is_seen_in_time(by_hand, Some(Rejected::Gone));

    let session = place.other.session(Some(by_password)).unwrap();
    let ada = session.user().unwrap();
    assert!(place.other.change_password(&session, &ada, PASSWORD, "another good one").unwrap());
    place.assert_is_seen_in_time(by_state, Some(Rejected::StampMismatch));
    let anew = crate::support::cookie(&session);
    assert_eq!(whoami(&place.app, &anew).as_deref(), Ok("ada"));

    database::execute(&primary, "UPDATE auth_user SET is_active = false");
    place.assert_is_seen_in_time(&anew, Some(Rejected::Inactive));
}

#[test]
fn what_a_user_may_do_is_asked_of_the_standby_and_its_end_is_seen_in_time() {
    let Some(place) = Place::new() else { return skip("PostgreSQL") };
    let cookie = place.visitor();
    let primary = place.servers.primary_url();
    let keeper = Caretaker::open(place.home.config_at(&primary, "operator", KEY)).unwrap();
    let ada = place.app.session(Some(&cookie)).unwrap().user().unwrap();
    let may = || place.app.permissions(&ada).unwrap().has_perm("auth.view_user");
    let until_the_standby_says = |can| loop {
        let before = (place.to_primary.sent(), place.to_standby.sent());
        assert_eq!(may(), can);
        if place.to_primary.sent() == before.0 && place.to_standby.sent() > before.1 {
            return;
        }
    };
    until_the_standby_says(false);

    keeper.grant("ada", "auth.view_user", Grant::Give).unwrap();
    assert_holds_in_time(may);
    place.servers.catch_up();
    until_the_standby_says(true);
    place.servers.delay(AN_HOUR);
    keeper.grant("ada", "auth.view_user", Grant::Take).unwrap();
    assert_holds_in_time(|| !may());
}

#[test]
fn who_has_changed_a_session_reads_it_so_at_once() {
    let Some(place) = Place::new() else { return skip("PostgreSQL") };
    let cookie = place.visitor();
    place.servers.delay(AN_HOUR);
    for page in 0..20 {
        let session = place.app.session(Some(&cookie)).unwrap();
        assert_eq!(session.get::<i32>("page").unwrap_or(0), page);
        session.insert("page", page + 1).unwrap();
        place.app.save(&session).unwrap();
    }
}

#[test]
fn a_standby_that_is_too_far_behind_is_left_out_until_it_is_back() {
    let short = |config: Config| config.replica_lag(Duration::from_millis(100));
    let Some(place) = Place::with(short) else { return skip("PostgreSQL") };
    let cookie = place.visitor();
    place.servers.delay(AN_HOUR);
    // What goes on meanwhile is no matter of this session.
    login(&place.other, "ada");
    loop {
        let before = place.to_primary.sent();
        assert_eq!(whoami(&place.app, &cookie).as_deref(), Ok("ada"));
        // The watch asks as well, and so do others.
        let visits = 100;
        for _ in 0..visits {
            whoami(&place.app, &cookie).unwrap();
        }
        if place.to_primary.sent() - before >= visits {
            break;
        }
    }
    place.servers.delay("0");
    place.servers.catch_up();
    place.until_the_standby_is_asked(&cookie);
}

#[test]
fn a_standby_that_is_gone_is_done_without() {
    let Some(place) = Place::new() else { return skip("PostgreSQL") };
    let cookie = place.visitor();
    place.servers.stop();
    for _ in 0..100 {
        assert_eq!(whoami(&place.app, &cookie).as_deref(), Ok("ada"));
    }
    place.servers.go_on();
    place.until_the_standby_is_asked(&cookie);
}

#[test]
fn what_is_no_standby_is_told_at_once() {
    let (key, file) = (|| housekey::SecretKey::new(KEY).unwrap(), "sqlite:house.db");
    let sqlite = Config::new(file, "sqlite:notes.db", key()).unwrap();
    let postgres = Config::new("postgres://db/house", "sqlite:notes.db", key()).unwrap();
    for (config, url) in [
        (sqlite, "postgres://db2/house"),
        (postgres.clone(), "sqlite:x.db"),
        (postgres, "mysql://x"),
    ] {
        let error = config.shared_replica(url).unwrap_err().to_string();
        assert!(error.starts_with("SHARED_REPLICA_URL "), "{error}");
    }
}
