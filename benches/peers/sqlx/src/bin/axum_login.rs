//! axum-login with the sqlx stores of tower-sessions. `axum_login migrate` makes the store's table and ends.

use std::env;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId};
use housekey_peers_sqlx::{CONNECTIONS, FIND_USER, User, address, variable};
use sqlx::postgres::{PgPool, PgPoolOptions};
use sqlx::sqlite::{SqlitePool, SqlitePoolOptions};
use tokio::net::TcpListener;
use tower_sessions::{SessionManagerLayer, SessionStore};
use tower_sessions_sqlx_store::{PostgresStore, SqliteStore};

#[derive(Debug, Clone)]
struct Member(User);

impl AuthUser for Member {
    type Id = i32;

    fn id(&self) -> i32 {
        self.0.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.0.password.as_bytes()
    }
}

#[derive(Debug, Clone)]
enum Backend {
    Postgres(PgPool),
    Sqlite(SqlitePool),
}

impl AuthnBackend for Backend {
    type User = Member;
    type Credentials = ();
    type Error = sqlx::Error;

    async fn authenticate(&self, (): ()) -> Result<Option<Member>, sqlx::Error> {
        Ok(None)
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<Member>, sqlx::Error> {
        let user: Option<User> = match self {
            Self::Postgres(pool) => sqlx::query_as(FIND_USER).bind(id).fetch_optional(pool).await?,
            Self::Sqlite(pool) => sqlx::query_as(FIND_USER).bind(id).fetch_optional(pool).await?,
        };
        Ok(user.map(Member))
    }
}

#[tokio::main]
async fn main() -> Result<(), sqlx::Error> {
    let url = variable("DATABASE");
    let is_to_migrate = env::args().nth(1).as_deref() == Some("migrate");
    if url.starts_with("postgres:") {
        let pool = PgPoolOptions::new().max_connections(CONNECTIONS).connect(&url).await?;
        let store = PostgresStore::new(pool.clone());
        if is_to_migrate {
            return store.migrate().await;
        }
        run(store, Backend::Postgres(pool)).await;
    } else {
        let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).connect(&url).await?;
        let store = SqliteStore::new(pool.clone());
        if is_to_migrate {
            return store.migrate().await;
        }
        run(store, Backend::Sqlite(pool)).await;
    }
    Ok(())
}

async fn run<S: SessionStore + Clone>(store: S, backend: Backend) {
    let sessions = SessionManagerLayer::new(store).with_secure(false);
    let layer = AuthManagerLayerBuilder::new(backend, sessions).build();
    let router = Router::new().route("/whoami", get(whoami)).layer(layer);
    let listener = TcpListener::bind(address()).await.expect("the port is free");
    axum::serve(listener, router).await.expect("axum never ends");
}

async fn whoami(session: axum_login::AuthSession<Backend>) -> Result<String, StatusCode> {
    session.user.map(|user| user.0.username).ok_or(StatusCode::UNAUTHORIZED)
}
