//! Whoever is asked for at the same time is looked up together, by one query; each gets an answer of their own.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::routing::get;
use housekey::axum::{AuthSession, HousekeyLayer};
use housekey::{Error, Session, User};
use tower_service::Service;

use crate::support::proxy::{Proxy, Way};
use crate::support::{Home, House, KEY, on_both_databases, skip, user};

on_both_databases!(
    each_of_many_gets_the_answer_that_is_theirs,
    blocking_callers_wait_in_the_same_line,
    a_session_is_whose_it_says_whoever_it_was_thought_to_belong_to,
);

/// So many are answered by one query.
const TOGETHER: usize = 64;
/// So many wait at most.
const WAITING: usize = 4096;

pub(crate) type Visit = Pin<Box<dyn Future<Output = (StatusCode, String)>>>;

async fn greet(user: Option<User>, session: Session) -> String {
    let name = user.map(|user| user.username).unwrap_or_default();
    format!("{name} {:?}", session.rejected())
}

async fn may(auth: AuthSession) -> Result<String, Error> {
    Ok(auth.permissions().await?.iter().collect::<Vec<_>>().join(" "))
}

fn app(house: &House) -> Router {
    Router::new().route("/", get(greet)).route("/may", get(may)).layer(HousekeyLayer::new(house))
}

/// A visit that has not begun yet.
pub(crate) fn visit(app: &Router, path: &str, cookie: &str) -> Visit {
    let mut app = app.clone();
    let request = Request::get(path).header("host", "localhost");
    let request = request.header("cookie", format!("sessionid={cookie}")).body(Body::empty());
    // A runtime lets one task do so much at a time; here one task plays the parts of thousands.
    Box::pin(tokio::task::unconstrained(async move {
        let answer = app.call(request.unwrap()).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 1 << 16).await.unwrap();
        (status, String::from_utf8(body.to_vec()).unwrap())
    }))
}

/// Goes on with a visit as far as that goes without waiting.
fn poll(visit: &mut Visit) -> Poll<(StatusCode, String)> {
    visit.as_mut().poll(&mut Context::from_waker(Waker::noop()))
}

/// All of them at the same time.
async fn all(visits: Vec<Visit>) -> Vec<(StatusCode, String)> {
    let mut visits = visits;
    // Each has asked before any is waited for.
    let early: Vec<_> = visits.iter_mut().map(poll).collect();
    let mut answers = Vec::new();
    for (visit, early) in visits.into_iter().zip(early) {
        answers.push(match early {
            Poll::Ready(answer) => answer,
            Poll::Pending => visit.await,
        });
    }
    answers
}

pub(crate) fn now<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(work)
}

/// A session of that user, without a password.
fn signed_in(house: &House, user: &User) -> String {
    let session = Session::default();
    house.login(&session, user).unwrap();
    crate::support::cookie(&session)
}

/// Sessions of which each is another case, and some that are like others.
fn cookies(home: &Home, house: &House) -> Vec<String> {
    let (ada, grace, odd) = (user(house, "ada"), user(house, "grace"), user(house, "odd"));
    let mut cookies: Vec<_> = (0..TOGETHER).map(|_| signed_in(house, &ada)).collect();
    cookies.push(cookies[0].clone());
    cookies.push(signed_in(house, &grace));
    let (ended, expired, strange) =
        (signed_in(house, &ada), signed_in(house, &ada), signed_in(house, &odd));
    house.logout(&house.session(Some(&ended)).unwrap()).unwrap();
    let past = "UPDATE django_session SET expire_date = '2000-01-01 00:00:00'";
    home.execute(&format!("{past} WHERE session_key = '{expired}'"));
    let unreadable = if home.is_postgres() { "'infinity'" } else { "'nonsense'" };
    home.execute(&format!("UPDATE auth_user SET date_joined = {unreadable} WHERE id = {}", odd.id));
    home.execute("UPDATE auth_user SET is_active = false WHERE username = 'grace'");
    // As Django makes it: nobody has written down whose it is.
    let (of_django, ours) = ("d".repeat(32), signed_in(house, &ada));
    home.execute(&format!(
        "INSERT INTO django_session SELECT '{of_django}', session_data, expire_date FROM django_session \
         WHERE session_key = '{ours}'"
    ));
    let of_nobody = "n".repeat(32);
    let other = if ours.ends_with('x') { 'y' } else { 'x' };
    let forged = format!("{}{other}", &ours[..39]);
    cookies.extend([ended, expired, strange, of_django, of_nobody, forged, String::new()]);
    cookies
}

fn each_of_many_gets_the_answer_that_is_theirs(home: &Home) {
    let house = home.open("notes");
    let cookies = cookies(home, &house);
    home.execute("UPDATE auth_user SET is_superuser = true WHERE username = 'grace'");
    let app = app(&house);
    now(async {
        let visits = |path: &str| cookies.iter().map(|cookie| visit(&app, path, cookie)).collect();
        for path in ["/", "/may"] {
            let together = all(visits(path)).await;
            for (number, alone) in visits(path).into_iter().enumerate() {
                assert_eq!(together[number], alone.await, "{path} {number}");
            }
        }
        let greetings = all(visits("/")).await;
        let count = |body: &str| greetings.iter().filter(|(_, said)| said == body).count();
        assert_eq!(count("ada None"), TOGETHER + 2);
        for why in ["Gone", "Expired", "Inactive"] {
            assert!(count(&format!(" Some({why})")) >= 1, "{why}: {greetings:?}");
        }
    });
}

/// The process remembers whose sessions are; what others have written meanwhile counts.
fn a_session_is_whose_it_says_whoever_it_was_thought_to_belong_to(home: &Home) {
    let house = home.open("notes");
    let (ada, grace) = (user(&house, "ada"), user(&house, "grace"));
    let cookies: Vec<_> = (0..TOGETHER).map(|_| signed_in(&house, &ada)).collect();
    let of_grace = signed_in(&house, &grace);
    let app = app(&house);
    let crowd = || cookies.iter().map(|cookie| visit(&app, "/", cookie)).collect::<Vec<_>>();
    let everybody_is = |said: &str| {
        now(async {
            for _ in 0..2 {
                for (status, answer) in all(crowd()).await {
                    assert_eq!((status, answer.as_str()), (StatusCode::OK, said));
                }
            }
            // Also who comes alone.
            assert_eq!(visit(&app, "/", &cookies[0]).await.1, said);
        });
    };
    everybody_is("ada None");

    home.execute(&format!(
        "UPDATE django_session SET session_data = \
         (SELECT session_data FROM django_session WHERE session_key = '{of_grace}')"
    ));
    everybody_is("grace None");

    home.execute(&format!("UPDATE housekey_session SET user_id = {}", ada.id));
    everybody_is("grace None");
    let stranger = home.open("wiki");
    assert_eq!(crate::support::whoami(&stranger, &cookies[0]).as_deref(), Ok("grace"));

    let unreadable = if home.is_postgres() { "'infinity'" } else { "'nonsense'" };
    home.execute(&format!(
        "UPDATE auth_user SET date_joined = {unreadable} WHERE id = {}",
        grace.id
    ));
    everybody_is(" Some(Unreadable)");
    let of_ada = signed_in(&house, &ada);
    home.execute(&format!(
        "UPDATE django_session SET session_data = \
         (SELECT session_data FROM django_session WHERE session_key = '{of_ada}')"
    ));
    everybody_is("ada None");

    home.execute(&format!(
        "DELETE FROM housekey_session; DELETE FROM auth_user WHERE id = {}",
        ada.id
    ));
    everybody_is(" Some(Inactive)");
}

fn blocking_callers_wait_in_the_same_line(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let cookies: Vec<_> = (0..8).map(|_| signed_in(&house, &ada)).collect();
    std::thread::scope(|scope| {
        for cookie in &cookies {
            scope.spawn(|| {
                for _ in 0..50 {
                    let session = house.session(Some(cookie)).unwrap();
                    assert_eq!(session.user().unwrap().username, "ada");
                    assert_eq!(crate::support::cookie(&session), *cookie);
                }
            });
        }
    });
}

/// A house whose way to PostgreSQL can be disturbed, and a visitor.
fn watched() -> Option<(Home, Proxy, House, String)> {
    watched_with(Duration::from_secs(600))
}

fn watched_with(deadline: Duration) -> Option<(Home, Proxy, House, String)> {
    let home = Home::postgres()?;
    let proxy = Proxy::before(&home);
    let config = home.config_at(&proxy.url(&home), "notes", KEY);
    let house = home.open_with(config.deadline(deadline));
    let ada = user(&house, "ada");
    let cookie = signed_in(&house, &ada);
    Some((home, proxy, house, cookie))
}

#[test]
fn a_lone_look_up_is_one_round_trip() {
    let Some((_home, proxy, house, cookie)) = watched() else { return skip("PostgreSQL") };
    let app = app(&house);
    now(async {
        // Each connection prepares its statement once.
        for _ in 0..20 {
            visit(&app, "/", &cookie).await;
        }
        let before = proxy.sent();
        for _ in 0..100 {
            assert_eq!(visit(&app, "/", &cookie).await.1, "ada None");
        }
        assert_eq!(proxy.sent() - before, 100);
    });
}

/// Nobody has written down whose it is: the first time it takes two.
#[test]
fn so_is_that_of_a_session_that_django_made_once_it_was_seen() {
    let Some((home, proxy, house, cookie)) = watched() else { return skip("PostgreSQL") };
    home.execute(&format!("DELETE FROM housekey_session WHERE session_key = '{cookie}'"));
    let app = app(&house);
    now(async {
        for _ in 0..20 {
            assert_eq!(visit(&app, "/", &cookie).await.1, "ada None");
        }
        let before = proxy.sent();
        for _ in 0..100 {
            assert_eq!(visit(&app, "/", &cookie).await.1, "ada None");
        }
        assert_eq!(proxy.sent() - before, 100);
    });
}

#[test]
fn who_waits_meanwhile_is_answered_by_one_query() {
    let Some((_home, proxy, house, cookie)) = watched() else { return skip("PostgreSQL") };
    let app = app(&house);
    let crowd = || (0..TOGETHER).map(|_| visit(&app, "/", &cookie)).collect::<Vec<_>>();
    now(async {
        for _ in 0..20 {
            all(crowd()).await;
        }
        proxy.set(Way::Stuck);
        let before = proxy.sent();
        let mut crowd = crowd();
        assert!(crowd.iter_mut().all(|visit| poll(visit).is_pending()));
        proxy.wait_until_held_up(1);
        proxy.set(Way::Open);
        for (status, said) in all(crowd).await {
            assert_eq!((status, said.as_str()), (StatusCode::OK, "ada None"));
        }
        // The first, perhaps a second at the same time, and the others.
        let sent = proxy.sent() - before;
        assert!((1..=4).contains(&sent), "{sent} messages for {TOGETHER} visitors");
    });
}

#[test]
fn no_more_wait_than_can_be_served_and_who_goes_away_makes_room() {
    let Some((_home, proxy, house, cookie)) = watched() else { return skip("PostgreSQL") };
    let app = app(&house);
    now(async {
        visit(&app, "/", &cookie).await;
        proxy.set(Way::Stuck);
        // Two queries at a time may be under way.
        let mut first: Vec<_> = (0..2).map(|_| visit(&app, "/", &cookie)).collect();
        for (held_up, visit) in first.iter_mut().enumerate() {
            assert!(poll(visit).is_pending());
            proxy.wait_until_held_up(held_up + 1);
        }
        let mut crowd: Vec<_> = (0..WAITING).map(|_| visit(&app, "/", &cookie)).collect();
        assert!(crowd.iter_mut().all(|visit| poll(visit).is_pending()));
        let refused = visit(&app, "/", &cookie).await;
        assert_eq!(refused.0, StatusCode::SERVICE_UNAVAILABLE);
        crowd.truncate(WAITING - 10);
        let mut late: Vec<_> = (0..10).map(|_| visit(&app, "/", &cookie)).collect();
        assert!(late.iter_mut().all(|visit| poll(visit).is_pending()));
        proxy.set(Way::Open);
        crowd.extend(first);
        crowd.extend(late);
        for (status, said) in all(crowd).await {
            assert_eq!((status, said.as_str()), (StatusCode::OK, "ada None"));
        }
    });
}

/// They ask on their own threads, so there is no other one yet.
#[test]
fn who_comes_behind_blocking_callers_is_answered_after_them() {
    let deadline = Duration::from_secs(20);
    let Some((_home, proxy, house, cookie)) = watched_with(deadline) else {
        return skip("PostgreSQL");
    };
    let app = app(&house);
    proxy.set(Way::Stuck);
    std::thread::scope(|scope| {
        let callers: Vec<_> =
            (0..2).map(|_| scope.spawn(|| crate::support::whoami(&house, &cookie))).collect();
        proxy.wait_until_held_up(2);
        now(async {
            let mut behind = visit(&app, "/", &cookie);
            assert!(poll(&mut behind).is_pending());
            proxy.set(Way::Open);
            assert_eq!(behind.await, (StatusCode::OK, "ada None".to_owned()));
        });
        for caller in callers {
            assert_eq!(caller.join().unwrap().as_deref(), Ok("ada"));
        }
    });
}
