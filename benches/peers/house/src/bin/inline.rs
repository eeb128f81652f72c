//! The inline floor: the same SELECT on SQLite, without leaving the thread of the request.

use std::cell::RefCell;

use axum::Router;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use housekey_peers_house::{SQLITE, serve, session_key, sqlite, variable};

thread_local! {
    static CONNECTION: RefCell<SqliteConnection> = {
        let mut conn = SqliteConnection::establish(&variable("DATABASE")).expect("the database opens");
        conn.batch_execute(SQLITE).expect("settings of SQLite");
        RefCell::new(conn)
    };
}

#[tokio::main]
async fn main() {
    serve(Router::new().route("/whoami", get(whoami))).await;
}

async fn whoami(headers: HeaderMap) -> Result<String, StatusCode> {
    let key = session_key(&headers).ok_or(StatusCode::UNAUTHORIZED)?;
    let found = CONNECTION.with_borrow_mut(|conn| sqlite::find(conn, key));
    let (_, user) =
        found.map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?.ok_or(StatusCode::UNAUTHORIZED)?;
    Ok(user.username)
}
