//! The axum layer: nothing for who asks nothing, one look-up for who asks, and 503 for a broken house.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get as on_get, post};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::axum::HousekeyLayer;
use housekey::{Config, Error, Expiry, Session, User};

use crate::support::server::{get, request, serve};
use crate::support::{Home, House, login, on_both_databases, skip, user, whoami};

on_both_databases!(
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

async fn greet(user: Option<User>) -> String {
    user.map_or("nobody".to_owned(), |user| user.username)
}

async fn three_extractors(user: User, again: Option<User>, session: Session) -> String {
    assert_eq!(Some(&user), again.as_ref());
    session.user().unwrap().username
}

async fn sign_in(State(house): State<House>, session: Session) -> Result<(), Error> {
    house
        .run(move |house| {
            crate::support::login_in(house, &session, "ada");
            Ok(())
        })
        .await
}

async fn sign_out(State(house): State<House>, session: Session) -> Result<(), Error> {
    house.run(move |house| house.logout(&session)).await
}

async fn set(session: Session) -> Result<&'static str, Error> {
    session.insert("page", 2)?;
    Ok("set")
}

async fn fail(session: Session) -> Result<StatusCode, Error> {
    session.insert("page", 3)?;
    Ok(StatusCode::INTERNAL_SERVER_ERROR)
}

async fn remember(session: Session) -> Result<(), Error> {
    session.insert("a", 1)?;
    session.set_expiry(Expiry::AtBrowserClose);
    Ok(())
}

/// Ends the session behind the request's back, then changes it.
async fn interrupt(State(house): State<House>, session: Session) -> Result<(), Error> {
    let key = session.key().unwrap();
    house.run(move |house| house.logout(&house.session(Some(key.expose_secret()))?)).await?;
    session.insert("page", 4)
}

fn app(house: &House) -> SocketAddr {
    let routes = Router::new()
        .route("/", on_get(greet))
        .route("/public", on_get(|| async { "public" }))
        .route("/private", on_get(three_extractors))
        .route("/login", post(sign_in))
        .route("/logout", post(sign_out))
        .route("/set", on_get(set))
        .route("/fail", on_get(fail))
        .route("/remember", on_get(remember))
        .route("/interrupt", on_get(interrupt));
    serve(routes.layer(HousekeyLayer::new(house)).with_state(house.clone()))
}

fn house(home: &Home, change: impl FnOnce(Config) -> Config) -> (House, SocketAddr) {
    let house = home.open_with(change(home.config("notes")));
    user(&house, "ada");
    let address = app(&house);
    (house, address)
}

fn a_route_that_asks_nothing_costs_nothing(home: &Home) {
    let (house, app) = house(home, |config| config);
    let cookie = login(&house, "ada");
    let before = house.stats().shared.checkouts;
    let answer = get(app, "/public", &cookie);
    assert_eq!((answer.status, answer.body.as_str()), (200, "public"));
    assert_eq!((answer.header("vary"), answer.header("set-cookie")), (None, None));
    assert_eq!(house.stats().shared.checkouts, before);
}

fn an_anonymous_visitor_gets_no_cookie_and_no_row(home: &Home) {
    let (house, app) = house(home, |config| config);
    let before = house.stats().shared.checkouts;
    for cookie in ["", "nonsense"] {
        let answer = get(app, "/", cookie);
        assert_eq!((answer.status, answer.body.as_str()), (200, "nobody"));
        assert_eq!((answer.header("vary"), answer.header("set-cookie")), (Some("Cookie"), None));
    }
    assert_eq!(house.stats().shared.checkouts, before);
    assert_eq!(home.sessions(), 0);
}

fn a_login_sets_the_cookie_as_django_does(home: &Home) {
    let (_, app) = house(home, |config| config);
    let answer = request("POST", app, "/login", "");
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

fn who_must_sign_in_is_refused_or_sent_to_the_login_page(home: &Home) {
    let (house, app) = house(home, |config| config);
    let answer = get(app, "/private", "");
    assert_eq!((answer.status, answer.header("location")), (401, None));
    let cookie = login(&house, "ada");
    assert_eq!(get(app, "/private", &cookie).body, "ada");

    let with_page = home.open_with(home.config("notes").login_url("/login"));
    let answer = get(self::app(&with_page), "/private?page=2&a=%20b", "");
    assert_eq!(answer.status, 303);
    assert_eq!(answer.header("location"), Some("/login?next=/private%3Fpage%3D2%26a%3D%2520b"));
    assert_eq!(answer.header("vary"), Some("Cookie"));
}

fn a_session_is_looked_up_once_by_one_query(home: &Home) {
    let (house, app) = house(home, |config| config);
    let cookie = login(&house, "ada");
    let before = house.stats().shared.checkouts;
    assert_eq!(get(app, "/private", &cookie).body, "ada");
    assert_eq!(house.stats().shared.checkouts, before + 1);
}

fn changes_are_saved_after_the_handler(home: &Home) {
    let (house, app) = house(home, |config| config);
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

fn a_session_that_ended_meanwhile_is_400(home: &Home) {
    let (house, app) = house(home, |config| config);
    let cookie = login(&house, "ada");
    let answer = get(app, "/interrupt", &cookie);
    assert_eq!((answer.status, answer.header("set-cookie")), (400, None));
    assert_eq!(home.sessions(), 0);
}

fn a_logout_takes_the_cookie_away(home: &Home) {
    let (house, app) = house(home, |config| config);
    let cookie = login(&house, "ada");
    let answer = request("POST", app, "/logout", &cookie);
    let header = answer.header("set-cookie").unwrap();
    assert!(header.starts_with("sessionid=;") && header.contains("Max-Age=0"), "{header}");
    assert!(header.contains("Path=/") && header.contains("SameSite=Lax"), "{header}");
    assert!(whoami(&house, &cookie).is_err());
}

fn every_request_may_prolong_the_session(home: &Home) {
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
    let app = app(&house);
    let cookie = login(&house, "ada");
    let answer = get(app, "/", &cookie);
    assert_eq!(answer.cookie().unwrap(), cookie);
    let header = answer.header("set-cookie").unwrap();
    assert!(header.contains("Secure") && header.contains("Domain=example.org"), "{header}");
    assert_eq!(get(app, "/", "").header("set-cookie"), None);
}

#[test]
fn a_broken_shared_database_is_503_and_touches_no_cookie() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let short = |config: Config| config.deadline(std::time::Duration::from_millis(1500));
    let (house, app) = house(&home, short);
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

    for path in ["/", "/private", "/set"] {
        let answer = get(app, path, &cookie);
        assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{path}");
        assert!(answer.header("retry-after").is_some());
        assert!(!answer.body.contains("postgres"), "{}", answer.body);
    }
    assert_eq!(get(app, "/public", &cookie).status, 200);
    assert_eq!(get(app, "/", "").body, "nobody");

    admin.batch_execute(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true")).unwrap();
    let mut answer = get(app, "/private", &cookie);
    while answer.status == 503 {
        answer = get(app, "/private", &cookie);
    }
    assert_eq!(answer.body, "ada");
}

/// The server of these tests has one worker thread: were it blocked, nobody else would be served.
#[test]
fn a_slow_database_blocks_no_worker() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let (house, app) = house(&home, |config| config);
    let cookie = login(&house, "ada");
    let mut lock = PgConnection::establish(&home.shared_url()).unwrap();
    lock.batch_execute("BEGIN; LOCK TABLE django_session IN ACCESS EXCLUSIVE MODE").unwrap();
    std::thread::scope(|scope| {
        let waiting = scope.spawn(|| get(app, "/private", &cookie).body);
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
    let app = serve(Router::new().route("/", on_get(greet)));
    let answer = get(app, "/", "");
    assert_eq!((answer.status, answer.body.as_str()), (500, "Something went wrong.\n"));
}
