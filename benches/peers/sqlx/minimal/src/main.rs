//! The least that an app with users on SQLite is with axum-login: its build is what is measured.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use axum_login::tower_sessions::SessionManagerLayer;
use axum_login::{AuthManagerLayerBuilder, AuthUser, AuthnBackend, UserId};
use sqlx::SqlitePool;
use tokio::net::TcpListener;
use tower_sessions_sqlx_store::SqliteStore;

#[derive(Debug, Clone, sqlx::FromRow)]
struct User {
    id: i64,
    username: String,
    password: String,
}

impl AuthUser for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn session_auth_hash(&self) -> &[u8] {
        self.password.as_bytes()
    }
}

#[derive(Debug, Clone)]
struct Backend(SqlitePool);

impl AuthnBackend for Backend {
    type User = User;
    type Credentials = String;
    type Error = sqlx::Error;

    async fn authenticate(&self, name: String) -> Result<Option<User>, sqlx::Error> {
        let query = sqlx::query_as("SELECT id, username, password FROM users WHERE username = ?");
        query.bind(name).fetch_optional(&self.0).await
    }

    async fn get_user(&self, id: &UserId<Self>) -> Result<Option<User>, sqlx::Error> {
        let query = sqlx::query_as("SELECT id, username, password FROM users WHERE id = ?");
        query.bind(id).fetch_optional(&self.0).await
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let pool = SqlitePool::connect("sqlite:app.db").await?;
    let store = SqliteStore::new(pool.clone());
    store.migrate().await?;
    let layer = AuthManagerLayerBuilder::new(Backend(pool), SessionManagerLayer::new(store)).build();
    let router = Router::new().route("/whoami", get(whoami)).layer(layer);
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).await?;
    Ok(())
}

async fn whoami(session: axum_login::AuthSession<Backend>) -> Result<String, StatusCode> {
    session.user.map(|user| user.username).ok_or(StatusCode::UNAUTHORIZED)
}
