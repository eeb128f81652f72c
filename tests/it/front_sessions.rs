//! A session in front of a handler: nothing for who asks nothing, one look-up for who asks, and 503 for a broken house.

use std::net::SocketAddr;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::Config;

use crate::support::fronts::Framework::{self, Actix, Axum};
use crate::support::fronts::on_each_front;
use crate::support::server::{get, request};
use crate::support::{Home, House, login, skip, user, whoami};

on_each_front!(
    a_route_that_asks_nothing_costs_nothing,
    an_anonymous_visitor_gets_no_cookie_and_no_row,
    a_login_sets_the_cookie_as_django_does,
    who_must_sign_in_is_refused_or_sent_to_the_login_page,
    a_session_is_looked_up_once_by_one_query,
    changes_are_saved_after_the_handler,
    a_session_that_ended_meanwhile_is_400,
    a_logout_takes_the_cookie_away,
    every_request_may_prolong_the_session,
);

fn house(
    framework: Framework,
    home: &Home,
    change: impl FnOnce(Config) -> Config,
) -> (House, SocketAddr) {
    let house = home.open_with(change(home.config("notes")));
    user(&house, "ada");
    let address = framework.serve(&house);
    (house, address)
}

fn a_route_that_asks_nothing_costs_nothing(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let cookie = login(&house, "ada");
    let before = house.stats().shared.checkouts;
    let answer = get(app, "/public", &cookie);
    assert_eq!((answer.status, answer.body.as_str()), (200, "public"));
    assert_eq!((answer.header("vary"), answer.header("set-cookie")), (None, None));
    assert_eq!(house.stats().shared.checkouts, before);
}

fn an_anonymous_visitor_gets_no_cookie_and_no_row(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let before = house.stats().shared.checkouts;
    for cookie in ["", "nonsense"] {
        let answer = get(app, "/", cookie);
        assert_eq!((answer.status, answer.body.as_str()), (200, "nobody"));
        assert_eq!((answer.header("vary"), answer.header("set-cookie")), (Some("Cookie"), None));
    }
    assert_eq!(house.stats().shared.checkouts, before);
    assert_eq!(home.sessions(), 0);
}

fn a_login_sets_the_cookie_as_django_does(framework: Framework, home: &Home) {
    let (_, app) = house(framework, home, |config| config);
    let answer = request("POST", app, "/login-behind", "");
    let cookie = answer.cookie().unwrap();
    let header = answer.header("set-cookie").unwrap();
    for part in ["HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=1209600", "Expires="] {
        assert!(header.contains(&format!("; {part}")), "{part} in {header}");
    }
    for part in ["Domain", "Secure"] {
        assert!(!header.contains(part), "{part} in {header}");
    }
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    let answer = get(app, "/", &cookie);
    assert_eq!((answer.body.as_str(), answer.header("set-cookie")), ("ada", None));
    assert_eq!(answer.header("cache-control"), Some("private, no-store"));

    let header = get(app, "/remember", "").header("set-cookie").unwrap().to_owned();
    assert!(!header.contains("Max-Age") && !header.contains("Expires"), "{header}");
}

fn who_must_sign_in_is_refused_or_sent_to_the_login_page(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let answer = get(app, "/three", "");
    assert_eq!((answer.status, answer.header("location")), (401, None));
    let cookie = login(&house, "ada");
    assert_eq!(get(app, "/three", &cookie).body, "ada");

    let with_page = home.open_with(home.config("notes").login_url("/login"));
    let answer = get(framework.serve(&with_page), "/three?page=2&a=%20b", "");
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/login?next=/three%3Fpage%3D2%26a%3D%2520b"));
    assert_eq!(answer.header("vary"), Some("Cookie"));
}

fn a_session_is_looked_up_once_by_one_query(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let cookie = login(&house, "ada");
    let before = house.stats().shared.checkouts;
    assert_eq!(get(app, "/three", &cookie).body, "ada");
    // None at all, where a SQLite file is read past the pool.
    assert!(house.stats().shared.checkouts <= before + 1);
}

fn changes_are_saved_after_the_handler(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let answer = get(app, "/set", "");
    let cookie = answer.cookie().unwrap();
    let page = || house.session(Some(&cookie)).unwrap().get::<u8>("page");
    assert_eq!(page(), Some(2));
    assert_eq!(get(app, "/fail", &cookie).status, 500);
    assert_eq!(page(), Some(2));
    // Set to what it is already, which prolongs the session as in Django.
    assert_eq!(get(app, "/set", &cookie).cookie(), Some(cookie.clone()));
    assert_eq!(get(app, "/", &cookie).header("cache-control"), Some("private, no-store"));
}

fn a_session_that_ended_meanwhile_is_400(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let cookie = login(&house, "ada");
    let answer = get(app, "/interrupt", &cookie);
    assert_eq!((answer.status, answer.header("set-cookie")), (400, None));
    assert_eq!(home.sessions(), 0);
}

fn a_logout_takes_the_cookie_away(framework: Framework, home: &Home) {
    let (house, app) = house(framework, home, |config| config);
    let cookie = login(&house, "ada");
    let answer = request("POST", app, "/logout", &cookie);
    let header = answer.header("set-cookie").unwrap();
    assert!(header.starts_with("sessionid=;") && header.contains("Max-Age=0"), "{header}");
    assert!(header.contains("Path=/") && header.contains("SameSite=Lax"), "{header}");
    assert!(whoami(&house, &cookie).is_err());
}

fn every_request_may_prolong_the_session(framework: Framework, home: &Home) {
    let vars = |name: &str| match name {
        "SHARED_DATABASE_URL" => Some(home.shared_url()),
        "DATABASE_URL" => Some(home.local_url("notes")),
        "SECRET_KEY" => Some(crate::support::KEY.to_owned()),
        "SESSION_SAVE_EVERY_REQUEST" => Some("True".to_owned()),
        "SESSION_COOKIE_SECURE" => Some("true".to_owned()),
        "SESSION_COOKIE_DOMAIN" => Some("example.org".to_owned()),
        "PASSWORD_ITERATIONS" => Some("10".to_owned()),
        _ => None,
    };
    let house = home.open_with(Config::from_vars(vars).unwrap());
    user(&house, "ada");
    let app = framework.serve(&house);
    let cookie = login(&house, "ada");
    let answer = get(app, "/", &cookie);
    assert_eq!(answer.cookie().unwrap(), cookie);
    let header = answer.header("set-cookie").unwrap();
    assert!(header.contains("Secure") && header.contains("Domain=example.org"), "{header}");
    assert_eq!(get(app, "/", "").header("set-cookie"), None);
}

#[test]
fn a_broken_shared_database_is_503_and_touches_no_cookie() {
    for framework in [Axum, Actix] {
        broken_database(framework);
    }
}

fn broken_database(framework: Framework) {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let short = |config: Config| config.deadline(std::time::Duration::from_millis(1500));
    let (house, app) = house(framework, &home, short);
    let cookie = login(&house, "ada");
    let name = home.text("SELECT current_database()::text");
    let admin = std::env::var("HOUSEKEY_TEST_POSTGRES").unwrap();
    let mut admin = PgConnection::establish(&admin).unwrap();
    admin
        .batch_execute(&format!(
            "ALTER DATABASE {name} ALLOW_CONNECTIONS false; \
             SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
        ))
        .unwrap();

    for path in
        ["/", "/three", "/set", "/user", "/may", "/stream", "/cached", "/required/login/deep"]
    {
        let answer = get(app, path, &cookie);
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{path}");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.body.contains("postgres"), "{}", answer.body);
    }
    assert_eq!(get(app, "/public", &cookie).status, 200);
    assert_eq!(get(app, "/", "").body, "nobody");

    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    let mut answer = get(app, "/three", &cookie);
    while answer.status == 503 {
        answer = get(app, "/three", &cookie);
    }
    assert_eq!(answer.body, "ada");
}

/// The server of these tests has one worker thread: were it blocked, nobody else would be served.
#[test]
fn a_slow_database_blocks_no_worker() {
    for framework in [Axum, Actix] {
        slow_database(framework);
    }
}

fn slow_database(framework: Framework) {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let (house, app) = house(framework, &home, |config| config);
    let cookie = login(&house, "ada");
    let mut lock = PgConnection::establish(&home.shared_url()).unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get(app, "/three", &cookie).body);
        let held = "SELECT count(*) FROM pg_locks WHERE NOT granted AND relation = 'django_session'::regclass";
        while home.count(held) == 0 {
            std::thread::yield_now();
        }
        assert_eq!(get(app, "/public", "").body, "public");
        assert!(!waiting.is_finished());
        lock.batch_execute("COMMIT").unwrap();
        assert_eq!(waiting.join().unwrap(), "ada");
    });
}

#[test]
fn a_route_without_the_layer_is_500_with_a_reason_in_the_log() {
    for framework in [Axum, Actix] {
        let app = framework.serve_bare();
        let answer = get(app, "/user", "");
        assert_eq!((answer.status, answer.body.as_str()), (500, "Something went wrong.\n"));
    }
}
