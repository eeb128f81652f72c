//! An app that was written for actix-session and actix-identity, and knows nothing of housekey, moves its sessions into
//! the shared database by another store alone.

use std::net::SocketAddr;

use actix_identity::{Identity, IdentityMiddleware};
use actix_session::config::{PersistentSession, TtlExtensionPolicy};
use actix_session::storage::{CookieSessionStore, SessionStore};
use actix_session::{Session, SessionMiddleware};
use actix_web::cookie::Key;
use actix_web::cookie::time::Duration;
use actix_web::web::{Form, get, post};
use actix_web::{App, HttpMessage, HttpRequest, HttpResponse, HttpServer, Responder, Result};
use housekey::stores::ActixSessionStore;

use crate::support::sign_in_script::{both_come, both_share_the_login_and_the_logout, signed_in};
use crate::support::{Home, on_both_databases, sign_in_script};

on_both_databases!(
    the_same_handlers_do_the_same_on_both_stores,
    a_logout_ends_the_session_itself,
    apps_of_one_house_share_the_login_and_the_logout,
    a_restart_keeps_the_sessions,
    what_was_ended_elsewhere_is_quietly_over,
);

// The app, as its README has it.

#[derive(serde::Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

async fn login(request: HttpRequest, given: Form<Credentials>) -> Result<HttpResponse> {
    if given.password != "1" {
        return Ok(HttpResponse::Unauthorized().finish());
    }
    Identity::login(&request.extensions(), given.name.clone()).unwrap();
    Ok(HttpResponse::NoContent().finish())
}

async fn logout(identity: Identity) -> HttpResponse {
    identity.logout();
    HttpResponse::NoContent().finish()
}

async fn private(identity: Identity) -> impl Responder {
    format!("Hello, {}", identity.id().unwrap())
}

async fn count(session: Session) -> Result<String> {
    let visits = session.get::<u32>("visits")?.unwrap_or(0) + 1;
    session.insert("visits", visits)?;
    Ok(format!("Visit {visits}"))
}

async fn visits(session: Session) -> Result<String> {
    Ok(format!("{:?}", session.get::<u32>("visits")?))
}

/// Serves on a free port of the loopback, with one worker thread, until the test process ends.
fn serve<S: SessionStore + 'static>(store: impl Fn() -> S + Clone + Send + 'static) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let end = crate::support::server::end_of_test();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let lifecycle = PersistentSession::default()
                    .session_ttl(Duration::hours(1))
                    .session_ttl_extension_policy(TtlExtensionPolicy::OnEveryRequest);
                let sessions = SessionMiddleware::builder(store(), Key::from(&[7; 64]))
                    .session_lifecycle(lifecycle)
                    .build();
                App::new()
                    .wrap(IdentityMiddleware::default())
                    .wrap(sessions)
                    .route("/login", post().to(login))
                    .route("/logout", post().to(logout))
                    .route("/private", get().to(private))
                    .route("/count", get().to(count))
                    .route("/visits", get().to(visits))
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind(("127.0.0.1", 0)).unwrap();
            tell.send(server.addrs()[0]).unwrap();
            crate::support::server::until(end, server.run()).await;
        });
    });
    told.recv().unwrap()
}

// What is promised of it.

fn at_home(home: &Home, name: &str) -> SocketAddr {
    let store = ActixSessionStore::new(&home.open(name));
    serve(move || store.clone())
}

fn script(server: SocketAddr) {
    let [mut ada, mut grace] = both_come(server);
    assert_eq!(grace.get(server, "/visits").body, "Some(1)");

    assert_eq!(ada.post(server, "/logout", "").status, 204);
    assert!(ada.is_empty());
    assert_eq!(ada.get(server, "/private").status, 401);
    assert_eq!(grace.get(server, "/private").body, "Hello, grace");
}

fn the_same_handlers_do_the_same_on_both_stores(home: &Home) {
    script(serve(CookieSessionStore::default));
    script(at_home(home, "notes"));
    assert_eq!(home.sessions(), 1, "grace is still signed in");
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
}

/// What a cookie that holds the session itself cannot do.
fn a_logout_ends_the_session_itself(home: &Home) {
    let server = at_home(home, "notes");
    let mut ada = signed_in(server, "ada");
    let mut replayed = ada.clone();
    ada.post(server, "/logout", "");
    assert_eq!(replayed.get(server, "/private").status, 401);
    assert_eq!(replayed.get(server, "/count").body, "Visit 1");
}

fn apps_of_one_house_share_the_login_and_the_logout(home: &Home) {
    let apps = ["notes", "tasks"].map(|name| at_home(home, name));
    both_share_the_login_and_the_logout(apps, home);
}

fn a_restart_keeps_the_sessions(home: &Home) {
    let mut ada = signed_in(at_home(home, "notes"), "ada");
    assert_eq!(ada.get(at_home(home, "notes"), "/private").body, "Hello, ada");
}

fn what_was_ended_elsewhere_is_quietly_over(home: &Home) {
    sign_in_script::what_was_ended_elsewhere_is_quietly_over(at_home(home, "notes"), home);
}
