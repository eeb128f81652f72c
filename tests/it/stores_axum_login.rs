//! An app that was written for axum-login, and knows nothing of housekey, moves its sessions into the shared database
//! by another store alone.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Form, Router};
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, login_required};
use housekey::stores::TowerSessionStore;
use tower_sessions_0_14::{MemoryStore, Session, SessionManagerLayer, SessionStore};

use crate::support::server::serve;
use crate::support::sign_in_script::{both_come, both_share_the_login_and_the_logout, signed_in};
use crate::support::{Home, on_both_databases, sign_in_script};

on_both_databases!(
    the_same_handlers_do_the_same_on_both_stores,
    apps_of_one_house_share_the_login_and_the_logout,
    a_restart_keeps_the_sessions,
    what_was_ended_elsewhere_is_quietly_over,
);

// The app, as its README has it.

#[derive(Debug, Clone)]
struct Account {
    id: i64,
    name: String,
    password: String,
}

impl AuthUser for Account {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Debug, Clone, serde::Deserialize)]
struct Credentials {
    name: String,
    password: String,
}

#[derive(Debug, Clone)]
struct Accounts(Arc<Mutex<Vec<Account>>>);

impl AuthnBackend for Accounts {
    type User = Account;
    type Credentials = Credentials;
    type Error = Infallible;

    async fn authenticate(&self, given: Credentials) -> Result<Option<Account>, Infallible> {
        let accounts = self.0.lock().unwrap();
        let is_right = |account: &&Account| {
            (&account.name, &account.password) == (&given.name, &given.password)
        };
        Ok(accounts.iter().find(is_right).cloned())
    }

    async fn get_user(&self, id: &i64) -> Result<Option<Account>, Infallible> {
        Ok(self.0.lock().unwrap().iter().find(|account| account.id == *id).cloned())
    }
}

type AuthSession = axum_login::AuthSession<Accounts>;

async fn login(mut auth: AuthSession, Form(given): Form<Credentials>) -> StatusCode {
    match auth.authenticate(given).await {
        Ok(Some(account)) => match auth.login(&account).await {
            Ok(()) => StatusCode::NO_CONTENT,
            Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
        },
        Ok(None) => StatusCode::UNAUTHORIZED,
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

async fn logout(mut auth: AuthSession) -> StatusCode {
    auth.logout().await.map_or(StatusCode::INTERNAL_SERVER_ERROR, |_| StatusCode::NO_CONTENT)
}

async fn private(auth: AuthSession) -> String {
    format!("Hello, {}", auth.user.unwrap().name)
}

async fn change_password(auth: AuthSession, State(accounts): State<Accounts>, new: String) {
    let id = auth.user.unwrap().id;
    let mut accounts = accounts.0.lock().unwrap();
    accounts.iter_mut().find(|account| account.id == id).unwrap().password = new;
}

async fn count(session: Session) -> Result<String, StatusCode> {
    let broken = |_| StatusCode::INTERNAL_SERVER_ERROR;
    let visits = session.get::<u32>("visits").await.map_err(broken)?.unwrap_or(0) + 1;
    session.insert("visits", visits).await.map_err(broken)?;
    Ok(format!("Visit {visits}"))
}

fn app(accounts: &Accounts, store: impl SessionStore + Clone) -> Router {
    let sessions = SessionManagerLayer::new(store);
    let auth = AuthManagerLayerBuilder::new(accounts.clone(), sessions).build();
    Router::new()
        .route("/private", get(private))
        .route("/password", post(change_password))
        .route_layer(login_required!(Accounts))
        .route("/login", post(login))
        .route("/logout", post(logout))
        .route("/count", get(count))
        .layer(auth)
        .with_state(accounts.clone())
}

// What is promised of it.

fn accounts() -> Accounts {
    let account = |id, name: &str| Account { id, name: name.to_owned(), password: "1".to_owned() };
    Accounts(Arc::new(Mutex::new(vec![account(1, "ada"), account(2, "grace")])))
}

fn at_home(home: &Home, name: &str, accounts: &Accounts) -> SocketAddr {
    serve(app(accounts, TowerSessionStore::new(&home.open(name))))
}

fn script(server: SocketAddr) {
    let [mut ada, mut grace] = both_come(server);
    let mut replayed = ada.clone();
    assert_eq!(ada.post(server, "/logout", "").status, 204);
    assert!(ada.is_empty());
    assert_eq!(ada.get(server, "/private").status, 401);
    assert_eq!(replayed.get(server, "/private").status, 401, "the session itself is over");
    assert_eq!(replayed.get(server, "/count").body, "Visit 1");

    let mut elsewhere = signed_in(server, "grace");
    assert_eq!(grace.post(server, "/password", "").status, 200);
    assert_eq!(elsewhere.get(server, "/private").status, 401, "the password is another one");
}

fn the_same_handlers_do_the_same_on_both_stores(home: &Home) {
    script(serve(app(&accounts(), MemoryStore::default())));
    script(at_home(home, "notes", &accounts()));
    let held = "SELECT count(*) FROM django_session WHERE length(session_key) <> 40";
    assert_eq!(home.count(held), 0);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
}

fn apps_of_one_house_share_the_login_and_the_logout(home: &Home) {
    let accounts = accounts();
    let apps = ["notes", "tasks"].map(|name| at_home(home, name, &accounts));
    both_share_the_login_and_the_logout(apps, home);
}

fn a_restart_keeps_the_sessions(home: &Home) {
    let accounts = accounts();
    let mut ada = signed_in(at_home(home, "notes", &accounts), "ada");
    let restarted = at_home(home, "notes", &accounts);
    assert_eq!(ada.get(restarted, "/private").body, "Hello, ada");
}

fn what_was_ended_elsewhere_is_quietly_over(home: &Home) {
    sign_in_script::what_was_ended_elsewhere_is_quietly_over(
        at_home(home, "notes", &accounts()),
        home,
    );
}
