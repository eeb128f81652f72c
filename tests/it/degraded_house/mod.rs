//! The shared database is away, hangs or is slow: who needs it gets 503 soon, everybody else notices nothing,
//! no cookie is touched, and all is well again as soon as it is back.

mod hanging;
mod sqlite;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::routing::{get as on_get, post};
use diesel::prelude::*;
use housekey::axum::HousekeyLayer;
use housekey::{Error, Session, User};

use crate::support::proxy::{Proxy, Way};
use crate::support::server::{Answer, get, request, serve};
use crate::support::turns::{Kind, Turn};
use crate::support::{Home, House, KEY, database, log, login, skip, user};

/// What is promised for the default settings.
const DEADLINE: Duration = Duration::from_secs(2);
const BACK_WITHIN: Duration = Duration::from_secs(2);

async fn greet(user: User) -> String {
    user.username
}

async fn sign_in(State(house): State<House>, session: Session) -> Result<&'static str, Error> {
    house
        .run(move |house| {
            let ada = house.authenticate("ada", crate::support::PASSWORD)?.unwrap();
            house.login(&session, &ada)
        })
        .await?;
    Ok("welcome")
}

async fn turn_page(session: Session) -> Result<&'static str, Error> {
    session.insert("page", 2)?;
    Ok("turned")
}

/// What an app does that keeps its own tables.
async fn notes(State(house): State<House>) -> Result<String, Error> {
    let count = house.run(|house| {
        let count = diesel::dsl::sql::<diesel::sql_types::BigInt>("SELECT count(*) FROM note");
        Ok(count.get_result::<i64>(&mut house.conn())?)
    });
    Ok(count.await?.to_string())
}

/// What an app does with the shared tables.
async fn people(State(house): State<House>) -> Result<String, Error> {
    let found = house.run(|house| house.find_user("ada")).await?;
    Ok(found.map(|user| user.username).unwrap_or_default())
}

/// The server has one worker thread: were it blocked, nobody else would be served.
fn app(house: &House, more: Router<House>) -> SocketAddr {
    let routes = Router::new()
        .route("/", on_get(greet))
        .route("/public", on_get(|| async { "public" }))
        .route("/notes", on_get(notes))
        .route("/people", on_get(people))
        .route("/page", on_get(turn_page))
        .route("/login", post(sign_in))
        .merge(more);
    serve(routes.layer(HousekeyLayer::new(house)).with_state(house.clone()))
}

/// Answers that all is well, when nothing can be saved any more.
fn last_words(proxy: &Arc<Proxy>) -> Router<House> {
    let proxy = Arc::clone(proxy);
    let handler = async move |session: Session| {
        session.insert("page", 3)?;
        proxy.refuse();
        Ok::<_, Error>("all is well")
    };
    Router::new().route("/last-words", on_get(handler))
}

/// An app whose way to the shared database can be disturbed, and a visitor who is signed in.
struct Place {
    home: Home,
    proxy: Arc<Proxy>,
    house: House,
    app: SocketAddr,
    cookie: String,
    _turn: Turn,
}

impl Place {
    fn new(name: &str) -> Option<Self> {
        let home = Home::postgres()?;
        let turn = Turn::of(Kind::Timed);
        let proxy = Arc::new(Proxy::before(&home));
        let config = home.config_at(&proxy.url(&home), name, KEY).deadline(DEADLINE);
        let house = home.open_with(config);
        user(&house, "ada");
        let cookie = login(&house, "ada");
        database::execute(&home.local_url(name), "CREATE TABLE note (id integer)");
        let app = app(&house, last_words(&proxy));
        let place = Self { home, proxy, house, app, cookie, _turn: turn };
        assert_eq!(place.visit("/").body, "ada");
        Some(place)
    }

    fn visit(&self, path: &str) -> Answer {
        get(self.app, path, &self.cookie)
    }

    /// Opens every connection that the pool may have.
    fn fill_the_pool(&self) {
        let held: Vec<_> =
            (0..4).map(|_| self.house.shared_as::<PgConnection>().unwrap()).collect();
        drop(held);
        assert_eq!(self.house.stats().shared.idle, 4);
    }

    /// How long it takes until the visitor is known again.
    fn time_until_back(&self) -> Duration {
        let began = Instant::now();
        loop {
            let answer = self.visit("/");
            if answer.status == 200 {
                assert_eq!(answer.body, "ada");
                return began.elapsed();
            }
            assert_untouched(&answer);
        }
    }

    #[track_caller]
    fn assert_is_back(&self) {
        let time = self.time_until_back();
        assert!(time < BACK_WITHIN, "{time:?}");
    }

    fn assert_all_but_the_house_goes_on(&self) {
        assert_eq!(self.visit("/public").body, "public");
        assert_eq!(get(self.app, "/notes", "").body, "0");
    }
}

#[track_caller]
fn assert_untouched(answer: &Answer) {
    assert_eq!((answer.status, answer.header("set-cookie")), (503, None), "{}", answer.body);
    assert!(answer.header("retry-after").is_some());
    assert_eq!(answer.body, "The house does not answer at the moment. Please try again.\n");
}

#[test]
fn while_the_house_is_away_nobody_waits_for_it() {
    let Some(place) = Place::new("away") else { return skip("PostgreSQL") };
    log::listen();
    let sessions = place.home.sessions();
    place.proxy.refuse();
    assert_untouched(&place.visit("/"));

    let began = Instant::now();
    for _ in 0..10 {
        for path in ["/", "/page", "/people"] {
            assert_untouched(&place.visit(path));
        }
        assert_untouched(&request("POST", place.app, "/login", ""));
        place.assert_all_but_the_house_goes_on();
    }
    assert!(began.elapsed() < DEADLINE, "{:?}", began.elapsed());
    let error = place.house.session(Some(&place.cookie)).unwrap_err();
    assert!(matches!(error, Error::Away { .. }) && error.is_temporary(), "{error:?}");
    // A cookie that is none, or false, asks nothing of the house.
    for cookie in ["", "nonsense"] {
        assert_eq!(get(place.app, "/", cookie).status, 401);
    }

    place.proxy.set(Way::Open);
    place.assert_is_back();
    assert_eq!(place.home.sessions(), sessions);
    let lines = log::warnings_of("away");
    assert_eq!(lines.len(), 2, "{lines:?}");
    assert!(lines[0].contains("the shared database is away"), "{lines:?}");
    assert!(lines[1].contains("the shared database is back"), "{lines:?}");
    let refused = lines[1].split("refused=").nth(1).unwrap().split(' ').next().unwrap();
    // Four of each of the ten rounds, and the one that asked for the error.
    assert!(refused.parse::<u32>().unwrap() >= 41, "{lines:?}");
}

#[test]
fn what_could_not_be_saved_is_not_acknowledged() {
    let Some(place) = Place::new("unsaved") else { return skip("PostgreSQL") };
    let rows = "SELECT string_agg(session_key || session_data, ' ' ORDER BY session_key) FROM django_session";
    let before = place.home.text(rows);
    for cookie in [place.cookie.as_str(), ""] {
        assert_untouched(&get(place.app, "/last-words", cookie));
        place.proxy.set(Way::Open);
        place.assert_is_back();
        assert_eq!(place.home.text(rows), before);
    }
}

#[test]
fn a_slow_house_makes_its_visitors_wait_and_nobody_else() {
    let Some(place) = Place::new("slow") else { return skip("PostgreSQL") };
    log::listen();
    assert_eq!(place.visit("/page").status, 200);
    let delay = Duration::from_secs(1);
    place.proxy.set(Way::Slow(delay));
    std::thread::scope(|scope| {
        let slow = scope.spawn(|| {
            let began = Instant::now();
            let answer = place.visit("/");
            assert_eq!((answer.status, answer.body.as_str()), (200, "ada"));
            began.elapsed()
        });
        place.proxy.wait_until_held_up(1);
        let fastest = (0..20).map(|_| {
            let began = Instant::now();
            place.assert_all_but_the_house_goes_on();
            began.elapsed()
        });
        let fastest = fastest.min().unwrap();
        assert!(!slow.is_finished());
        assert!(fastest < Duration::from_millis(50), "{fastest:?}");
        assert!(slow.join().unwrap() >= delay);
    });
    assert_eq!(place.visit("/page").body, "turned");
    assert_eq!(log::warnings_of("slow"), [""; 0]);
}

/// The one who saves hangs; that is no reason to keep others out for longer than it takes to ask.
#[test]
fn a_row_that_somebody_else_has_locked_does_not_shut_the_house() {
    let Some(place) = Place::new("locked") else { return skip("PostgreSQL") };
    log::listen();
    let lock = "UPDATE django_session SET session_data = session_data";
    database::in_transaction(&place.home.shared_url(), lock, || {
        assert_untouched(&place.visit("/page"));
        place.assert_is_back();
    });
    assert_eq!(log::warnings_of("locked"), [""; 0]);
    assert_eq!(place.visit("/page").body, "turned");
}
