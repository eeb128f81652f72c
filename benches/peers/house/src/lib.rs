//! What the servers have in common: where they listen, and the one SELECT that the floors send.

#![allow(missing_docs)]

mod lookup;

use std::env;
use std::process::exit;

use axum::Router;
use axum::http::HeaderMap;
use axum::http::header::COOKIE;
use tokio::net::TcpListener;

pub use lookup::{postgres, postgres_find_each, sqlite};

/// The SQLite floors have the settings that housekey gives a connection.
pub const SQLITE: &str = "PRAGMA busy_timeout = 2000; PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; \
     PRAGMA synchronous = FULL";

/// A variable of the environment; the server ends without it.
#[must_use]
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        eprintln!("{name} is not set; benches/peers/run sets it");
        exit(2)
    })
}

/// Serves on the loopback at `PORT`.
///
/// # Panics
/// When the port is taken.
pub async fn serve(router: Router) {
    let address = format!("127.0.0.1:{}", variable("PORT"));
    let listener = TcpListener::bind(address).await.expect("the port is free");
    axum::serve(listener, router).await.expect("axum never ends");
}

/// The session key as the browser sent it.
#[must_use]
pub fn session_key(headers: &HeaderMap) -> Option<&str> {
    let cookies = headers.get(COOKIE)?.to_str().ok()?;
    cookies.split("; ").find_map(|cookie| cookie.strip_prefix("sessionid="))
}
