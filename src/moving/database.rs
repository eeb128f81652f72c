//! One connection to a database of either kind, for work that reads its tables at run time.

use std::time::Duration;

use diesel::connection::SimpleConnection as _;
use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Nullable, Text};

use super::catalog::quoted;
use super::row::{Cell, Row};
use crate::error::MoveError;
use crate::place::DatabaseKind;
use crate::url::DatabaseUrl;

/// How PostgreSQL writes texts: the same whatever the server, the database or the role is set to. Rows that a
/// policy hides are an error, and not missing.
/// It holds for one transaction: behind a pooler the next one may be another client's.
#[cfg(feature = "postgres")]
const POSTGRES_SETUP: &str = "SET LOCAL timezone = 'UTC'; SET LOCAL datestyle = 'ISO, YMD'; \
    SET LOCAL intervalstyle = 'postgres'; SET LOCAL extra_float_digits = 1; SET LOCAL bytea_output = 'hex'; \
    SET LOCAL standard_conforming_strings = on; SET LOCAL client_min_messages = warning; \
    SET LOCAL row_security = off; SET LOCAL statement_timeout = 0; \
    SET LOCAL idle_in_transaction_session_timeout = 0; ";

/// Foreign keys are looked at when all rows are there; no row goes along with another.
#[cfg(feature = "sqlite")]
const SQLITE_SETUP: &str = "PRAGMA foreign_keys = OFF; PRAGMA synchronous = FULL; \
    PRAGMA cache_size = -65536; ";

pub(crate) struct Database {
    /// What errors call it.
    name: &'static str,
    connection: Kind,
    /// How long it waits for what somebody else has locked.
    #[cfg(feature = "postgres")]
    patience: Duration,
}

pub(crate) enum Kind {
    #[cfg(feature = "sqlite")]
    Sqlite(SqliteConnection),
    #[cfg(feature = "postgres")]
    Postgres(PgConnection),
}

/// The same on either kind.
macro_rules! on_either {
    ($database:expr, $conn:ident => $work:expr) => {
        match &mut $database.connection {
            #[cfg(feature = "sqlite")]
            $crate::moving::database::Kind::Sqlite($conn) => $work,
            #[cfg(feature = "postgres")]
            $crate::moving::database::Kind::Postgres($conn) => $work,
        }
    };
}

impl Database {
    pub(crate) fn open(
        name: &'static str,
        url: &DatabaseUrl,
        patience: Duration,
    ) -> Result<Self, MoveError> {
        let target = url.connection_string(patience.as_secs().max(1));
        let unreachable = |error: ConnectionError| MoveError::Unreachable {
            database: name,
            source: url.redact(&error.to_string()),
        };
        let connection = match url.kind() {
            #[cfg(feature = "sqlite")]
            DatabaseKind::Sqlite => {
                Kind::Sqlite(SqliteConnection::establish(&target).map_err(unreachable)?)
            }
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres => {
                Kind::Postgres(PgConnection::establish(&target).map_err(unreachable)?)
            }
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            _ => unreachable!("a URL of a kind that is not compiled in is refused"),
        };
        #[cfg_attr(not(feature = "sqlite"), expect(unused_mut, reason = "SQLite is set up"))]
        let mut database = Self {
            name,
            connection,
            #[cfg(feature = "postgres")]
            patience,
        };
        #[cfg(feature = "sqlite")]
        if database.kind() == DatabaseKind::Sqlite {
            let waits = patience.as_millis();
            // First of all, because the others read the file already.
            database.run(&format!("PRAGMA busy_timeout = {waits}; {SQLITE_SETUP}"))?;
        }
        Ok(database)
    }

    /// A database that is nowhere, and gone with the value.
    #[cfg(feature = "sqlite")]
    pub(crate) fn in_memory(name: &'static str) -> Result<Self, MoveError> {
        let connection =
            SqliteConnection::establish(":memory:").map_err(|error| MoveError::Unreachable {
                database: name,
                source: crate::error::Refused(error.to_string()),
            })?;
        Ok(Self {
            name,
            connection: Kind::Sqlite(connection),
            #[cfg(feature = "postgres")]
            patience: Duration::ZERO,
        })
    }

    pub(crate) fn name(&self) -> &'static str {
        self.name
    }

    pub(crate) fn kind(&self) -> DatabaseKind {
        match self.connection {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => DatabaseKind::Sqlite,
            #[cfg(feature = "postgres")]
            Kind::Postgres(_) => DatabaseKind::Postgres,
        }
    }

    /// What no other database has, however its URL is written.
    pub(crate) fn identity(&mut self) -> Result<String, MoveError> {
        let rows = self.rows(match self.kind() {
            DatabaseKind::Sqlite => "SELECT file FROM pragma_database_list WHERE name = 'main'",
            DatabaseKind::Postgres => {
                "SELECT concat_ws(' ', extract(epoch FROM pg_postmaster_start_time()), oid, current_schema()) FROM pg_database \
                 WHERE datname = current_database()"
            }
        })?;
        Ok(rows.first().map(|row| row.text(0).to_owned()).unwrap_or_default())
    }

    pub(crate) fn connection(&mut self) -> &mut Kind {
        &mut self.connection
    }

    /// Begins a transaction that sees one state of the database to its end.
    pub(crate) fn begin_reading(&mut self) -> Result<(), MoveError> {
        match self.kind() {
            DatabaseKind::Sqlite => self.run("BEGIN"),
            DatabaseKind::Postgres => {
                self.begin_on_postgres("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            }
        }
    }

    /// Begins a transaction that writes. Dropped without [`commit`](Self::commit), nothing was written.
    pub(crate) fn begin_writing(&mut self) -> Result<(), MoveError> {
        match self.kind() {
            DatabaseKind::Sqlite => self.run("BEGIN IMMEDIATE"),
            DatabaseKind::Postgres => self.begin_on_postgres("BEGIN"),
        }
    }

    #[cfg(feature = "postgres")]
    fn begin_on_postgres(&mut self, begin: &str) -> Result<(), MoveError> {
        let waits = self.patience.as_millis();
        self.run(&format!("{begin}; {POSTGRES_SETUP}SET LOCAL lock_timeout = {waits}"))
    }

    #[cfg(not(feature = "postgres"))]
    fn begin_on_postgres(&mut self, begin: &str) -> Result<(), MoveError> {
        self.run(begin)
    }

    pub(crate) fn commit(&mut self) -> Result<(), MoveError> {
        self.run("COMMIT").map_err(|error| match error {
            MoveError::Database { database, source } => MoveError::Unsure { database, source },
            error => error,
        })
    }

    /// Runs statements that have no values in them.
    pub(crate) fn run(&mut self, sql: &str) -> Result<(), MoveError> {
        let done = on_either!(self, conn => conn.batch_execute(sql));
        done.map_err(|source| self.failed(source))
    }

    /// Runs one statement with values, and says of how many rows it was; they are `$1`, `$2` .. in its text, and
    /// on PostgreSQL of the type `text`.
    pub(crate) fn execute(&mut self, sql: &str, values: &[Cell]) -> Result<usize, MoveError> {
        let done = match &mut self.connection {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(conn) => execute_sqlite(conn, sql, values),
            #[cfg(feature = "postgres")]
            Kind::Postgres(conn) => execute_postgres(conn, sql, values),
        };
        done.map_err(|source| self.failed(source))
    }

    /// All rows of a query that has few; on PostgreSQL each of its columns is a text.
    pub(crate) fn rows(&mut self, sql: &str) -> Result<Vec<Row>, MoveError> {
        let rows = on_either!(self, conn => diesel::sql_query(sql).load(conn));
        rows.map_err(|source| self.failed(source))
    }

    /// The one number that a query comes to; none counts as zero.
    pub(crate) fn number(&mut self, sql: &str) -> Result<i64, MoveError> {
        let cast = format!("SELECT CAST(({sql}) AS varchar)");
        let rows = self.rows(&cast)?;
        Ok(rows.first().and_then(|row| row.integer(0)).unwrap_or(0))
    }

    /// How many rows a table has.
    pub(crate) fn count(&mut self, table: &str) -> Result<u64, MoveError> {
        let count = format!("SELECT count(*) FROM {}", quoted(table));
        Ok(self.number(&count)?.unsigned_abs())
    }

    /// One row of a query after the other, however many there are.
    pub(crate) fn each(
        &mut self,
        sql: &str,
        mut visit: impl FnMut(Row) -> Result<(), MoveError>,
    ) -> Result<(), MoveError> {
        let name = self.name;
        let failed = |source| MoveError::Database { database: name, source };
        let query = diesel::sql_query(sql);
        match &mut self.connection {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(conn) => {
                use diesel::connection::DefaultLoadingMode;
                let rows = query.load_iter::<Row, DefaultLoadingMode>(conn).map_err(failed)?;
                rows.into_iter().try_for_each(|row| visit(row.map_err(failed)?))
            }
            #[cfg(feature = "postgres")]
            Kind::Postgres(conn) => {
                use diesel::pg::PgRowByRowLoadingMode;
                let rows = query.load_iter::<Row, PgRowByRowLoadingMode>(conn).map_err(failed)?;
                rows.into_iter().try_for_each(|row| visit(row.map_err(failed)?))
            }
        }
    }

    pub(crate) fn failed(&self, source: diesel::result::Error) -> MoveError {
        MoveError::Database { database: self.name, source }
    }
}

/// One statement with values, in the order of the places that its text has for them.
#[cfg(feature = "sqlite")]
pub(crate) fn execute_sqlite<'a>(
    conn: &mut SqliteConnection,
    sql: &str,
    values: impl IntoIterator<Item = &'a Cell>,
) -> QueryResult<usize> {
    use diesel::sql_types::{BigInt, Binary, Double};
    let mut query = diesel::sql_query(sql).into_boxed();
    for value in values {
        query = match value {
            Cell::Null => query.bind::<Nullable<Text>, _>(None::<&str>),
            Cell::Integer(number) => query.bind::<BigInt, _>(number),
            Cell::Real(number) => query.bind::<Double, _>(number),
            Cell::Text(text) => query.bind::<Text, _>(text),
            Cell::Blob(bytes) => query.bind::<Binary, _>(bytes),
        };
    }
    query.execute(conn)
}

#[cfg(feature = "postgres")]
fn execute_postgres(conn: &mut PgConnection, sql: &str, values: &[Cell]) -> QueryResult<usize> {
    let mut query = diesel::sql_query(sql).into_boxed();
    for value in values {
        query = match value {
            Cell::Text(text) => query.bind::<Text, _>(text.clone()),
            Cell::Integer(number) => query.bind::<Text, _>(number.to_string()),
            Cell::Real(number) => query.bind::<Text, _>(number.to_string()),
            Cell::Null | Cell::Blob(_) => query.bind::<Nullable<Text>, _>(None::<String>),
        };
    }
    query.execute(conn)
}
