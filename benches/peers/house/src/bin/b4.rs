//! B4: axum, a pool of diesel and r2d2 that tests nothing at check-out, and one SELECT on a thread for blocking work.

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use axum::routing::get;
use diesel::connection::SimpleConnection;
use diesel::r2d2::{self, ConnectionManager, CustomizeConnection, Pool, R2D2Connection};
use diesel::{PgConnection, QueryResult, SqliteConnection};
use housekey_peers_house::{SQLITE, postgres, serve, session_key, sqlite, variable};

/// More connections make it no faster, and its 99th percentile worse.
const CONNECTIONS: u32 = 8;

type Find<C> = fn(&mut C, &str) -> QueryResult<Option<String>>;

struct Server<C: R2D2Connection + 'static> {
    pool: Pool<ConnectionManager<C>>,
    find: Find<C>,
}

impl<C: R2D2Connection + 'static> Clone for Server<C> {
    fn clone(&self) -> Self {
        Self { pool: self.pool.clone(), find: self.find }
    }
}

#[derive(Debug)]
struct Settings;

impl CustomizeConnection<SqliteConnection, r2d2::Error> for Settings {
    fn on_acquire(&self, conn: &mut SqliteConnection) -> Result<(), r2d2::Error> {
        conn.batch_execute(SQLITE).map_err(r2d2::Error::QueryError)
    }
}

#[tokio::main]
async fn main() {
    let url = variable("DATABASE");
    if url.starts_with("postgres:") {
        let pool = builder().build(ConnectionManager::new(url)).expect("the database answers");
        let find: Find<PgConnection> =
            |conn, key| Ok(postgres::find(conn, key)?.map(|(_, user)| user.username));
        run(Server { pool, find }).await;
    } else {
        let pool = builder().connection_customizer(Box::new(Settings));
        let pool = pool.build(ConnectionManager::new(url)).expect("the database opens");
        let find: Find<SqliteConnection> =
            |conn, key| Ok(sqlite::find(conn, key)?.map(|(_, user)| user.username));
        run(Server { pool, find }).await;
    }
}

fn builder<C: R2D2Connection + 'static>() -> r2d2::Builder<ConnectionManager<C>> {
    Pool::builder().max_size(CONNECTIONS).test_on_check_out(false)
}

async fn run<C: R2D2Connection + 'static>(server: Server<C>) {
    serve(Router::new().route("/whoami", get(whoami::<C>)).with_state(server)).await;
}

async fn whoami<C: R2D2Connection + 'static>(
    State(server): State<Server<C>>,
    headers: HeaderMap,
) -> Result<String, StatusCode> {
    let key = session_key(&headers).ok_or(StatusCode::UNAUTHORIZED)?.to_owned();
    let work = move || {
        let mut conn = server.pool.get().map_err(|_| StatusCode::SERVICE_UNAVAILABLE)?;
        (server.find)(&mut conn, &key).map_err(|_| StatusCode::SERVICE_UNAVAILABLE)
    };
    let name = tokio::task::spawn_blocking(work).await.expect("no panic")?;
    name.ok_or(StatusCode::UNAUTHORIZED)
}
