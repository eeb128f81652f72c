//! An app that was written for tower-sessions moves its sessions into the shared database by another store alone.

use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::Path;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use housekey::stores::TowerSessionStore;
use serde_json::{Value, json};
use tokio::sync::Notify;
use tower_sessions::cookie::time::Duration;
use tower_sessions::{Expiry, MemoryStore, Session, SessionManagerLayer, SessionStore};

use crate::support::jar::Jar;
use crate::support::server::serve;
use crate::support::{Home, on_both_databases};

on_both_databases!(
    the_same_handlers_do_the_same_on_both_stores,
    apps_of_one_house_share_the_session,
    a_request_that_outlives_its_session_brings_nothing_back,
);

async fn put(session: Session, Path((name, text)): Path<(String, String)>) -> StatusCode {
    let Ok(value) = serde_json::from_str::<Value>(&text) else { return StatusCode::BAD_REQUEST };
    match session.insert(&name, value).await {
        Ok(()) => StatusCode::NO_CONTENT,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn value_of(session: Session, Path(name): Path<String>) -> Result<Json<Value>, StatusCode> {
    let value = session.get::<Value>(&name).await;
    value.map(|value| Json(json!(value))).map_err(|_| StatusCode::INTERNAL_SERVER_ERROR)
}

async fn cycle(session: Session) -> StatusCode {
    session.cycle_id().await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
}

async fn flush(session: Session) -> StatusCode {
    session.flush().await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |()| StatusCode::NO_CONTENT)
}

async fn remember(session: Session) {
    session.set_expiry(Some(Expiry::OnInactivity(Duration::weeks(10))));
}

fn app(store: impl SessionStore + Clone) -> Router {
    let sessions = SessionManagerLayer::new(store)
        .with_name("notes")
        .with_expiry(Expiry::OnInactivity(Duration::hours(1)));
    Router::new()
        .route("/put/{name}/{text}", post(put))
        .route("/get/{name}", get(value_of))
        .route("/cycle", post(cycle))
        .route("/flush", post(flush))
        .route("/remember", post(remember))
        .layer(sessions)
}

fn at_home(home: &Home, name: &str) -> SocketAddr {
    serve(app(TowerSessionStore::new(&home.open(name))))
}

fn script(server: SocketAddr) {
    let mut jar = Jar::default();
    assert_eq!(jar.get(server, "/get/a").body, "null");
    assert!(jar.is_empty());
    for text in ["18446744073709551615", "-0.0", "1e300", "\"%C3%BC%F0%9F%98%80\"", "[[]]", "null"]
    {
        let path = format!("/put/a/{}", text.replace('"', "%22"));
        assert_eq!(jar.post(server, &path, "").status, 204);
        let expected = text.replace("%C3%BC%F0%9F%98%80", "ü😀").replace("1e300", "1e+300");
        assert_eq!(jar.get(server, "/get/a").body.replace("1e300", "1e+300"), expected);
    }
    let deep = "[".repeat(127) + &"]".repeat(127);
    assert_eq!(jar.post(server, &format!("/put/deep/{deep}"), "").status, 204);
    assert_eq!(jar.get(server, "/get/deep").body, deep);

    let mut before = jar.clone();
    assert_eq!(jar.post(server, "/cycle", "").status, 204);
    assert_eq!(jar.get(server, "/get/deep").body, deep);
    assert_eq!(before.get(server, "/get/deep").body, "null");

    assert_eq!(jar.post(server, "/remember", "").status, 200);
    let mut replayed = jar.clone();
    assert_eq!(jar.post(server, "/flush", "").status, 204);
    assert!(jar.is_empty());
    assert_eq!(replayed.get(server, "/get/deep").body, "null");
}

fn the_same_handlers_do_the_same_on_both_stores(home: &Home) {
    script(serve(app(MemoryStore::default())));
    let server = at_home(home, "notes");
    script(server);
    assert_eq!(home.sessions(), 0);

    let mut jar = Jar::default();
    let weeks_left = if home.is_postgres() {
        "SELECT extract(epoch FROM expire_date - now())::bigint / 604800 FROM django_session"
    } else {
        "SELECT (strftime('%s', expire_date) - strftime('%s', 'now')) / 604800 FROM django_session"
    };
    jar.post(server, "/put/a/1", "");
    assert_eq!(home.count(weeks_left), 0);
    jar.post(server, "/remember", "");
    assert!((9..=10).contains(&home.count(weeks_left)));
}

fn apps_of_one_house_share_the_session(home: &Home) {
    let [notes, tasks] = ["notes", "tasks"].map(|name| at_home(home, name));
    let mut jar = Jar::default();
    jar.post(notes, "/put/a/1", "");
    jar.post(tasks, "/put/b/2", "");
    assert_eq!(jar.get(notes, "/get/b").body, "2");
    assert_eq!(jar.get(at_home(home, "notes"), "/get/a").body, "1", "after a restart");
    let mut other_tab = jar.clone();
    jar.post(notes, "/flush", "");
    assert_eq!(other_tab.get(tasks, "/get/a").body, "null");
    // A cookie that leads nowhere is no reason to fail.
    assert_eq!(other_tab.post(tasks, "/put/a/3", "").status, 204);
    assert_eq!(other_tab.get(notes, "/get/a").body, "3");
}

fn a_request_that_outlives_its_session_brings_nothing_back(home: &Home) {
    let store = TowerSessionStore::new(&home.open("notes"));
    let [is_there, may_go] = [(); 2].map(|()| Arc::new(Notify::new()));
    let (arrived, gate) = (Arc::clone(&is_there), Arc::clone(&may_go));
    let slow = move |session: Session| async move {
        session.insert("page", 2).await.unwrap();
        arrived.notify_one();
        gate.notified().await;
    };
    let sessions = SessionManagerLayer::new(store.clone()).with_name("notes");
    let slow = serve(Router::new().route("/slow", post(slow)).layer(sessions));
    let quick = serve(app(store));

    let mut jar = Jar::default();
    jar.post(quick, "/put/a/1", "");
    let mut other_tab = jar.clone();
    std::thread::scope(|scope| {
        let late = scope.spawn(|| jar.post(slow, "/slow", "").status);
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(is_there.notified());
        assert_eq!(other_tab.post(quick, "/flush", "").status, 204);
        may_go.notify_one();
        assert_eq!(late.join().unwrap(), 200, "the visitor sees no error");
    });
    assert_eq!(home.sessions(), 0);
    assert_eq!(jar.get(quick, "/get/page").body, "null");
    assert!(jar.is_empty(), "the cookie goes with the next request");
}
