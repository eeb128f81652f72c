//! Rows of `housekey_change` on PostgreSQL, which triggers write; the version of the file on SQLite.
//!
//! Transactions end in another order than they begin in, so no number says what was read already. A snapshot does: each
//! transaction was over in the last one, or was open, or begun later. What those of the last two kinds have written
//! is what is new. So nothing is missed or read twice, and a transaction that stays open for an hour costs nothing.

#[cfg(feature = "postgres")]
use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Change;
#[cfg(feature = "postgres")]
use super::log;
#[cfg(feature = "postgres")]
use crate::db::Moment;
#[cfg(feature = "postgres")]
use crate::db::schema::housekey_change;
use crate::db::{SharedConnection, SharedPool};
use crate::error::Error;
#[cfg(feature = "postgres")]
use crate::session::SessionKey;

/// What a connection has seen of the database.
pub(super) enum Seen {
    /// It is another one when another connection has written; each connection counts for itself.
    #[cfg(feature = "sqlite")]
    Version(i32),
    #[cfg(feature = "postgres")]
    Horizon(Horizon),
}

/// A snapshot: which transactions were over.
#[cfg(feature = "postgres")]
#[derive(Debug, PartialEq)]
pub(super) struct Horizon {
    /// All below were over.
    xmin: i64,
    /// None from here on was begun.
    xmax: i64,
    /// Of those in between, the ones that were open.
    open: Vec<i64>,
    at: DateTime<Utc>,
    /// When the server was started: another one may have lost what this one has seen.
    started: DateTime<Utc>,
}

/// What has changed since, and what is seen now. When nothing was seen before, everything has changed.
pub(super) fn changes(
    conn: &mut SharedConnection,
    since: Option<&Seen>,
) -> QueryResult<(Vec<Change>, Seen)> {
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => {
            let version = version(conn)?;
            let is_same = matches!(since, Some(Seen::Version(before)) if *before == version);
            let changes = if is_same { Vec::new() } else { vec![Change::Everything] };
            Ok((changes, Seen::Version(version)))
        }
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            let since = match since {
                Some(Seen::Horizon(horizon)) => Some(horizon),
                _ => None,
            };
            let (changes, horizon) = logged(conn, since)?;
            Ok((changes, Seen::Horizon(horizon)))
        }
    }
}

#[cfg(feature = "sqlite")]
fn version(conn: &mut SqliteConnection) -> QueryResult<i32> {
    #[derive(QueryableByName)]
    struct Row {
        #[diesel(sql_type = diesel::sql_types::Integer)]
        data_version: i32,
    }
    let row: Row = diesel::sql_query("PRAGMA data_version").get_result(conn)?;
    Ok(row.data_version)
}

/// Of more changes than this at once everything is told.
#[cfg(feature = "postgres")]
const MOST: u16 = 1000;

#[cfg(feature = "postgres")]
#[derive(Queryable)]
struct Logged {
    snapshot: String,
    at: DateTime<Utc>,
    started: DateTime<Utc>,
    is_one: bool,
    session_key: Option<String>,
    user_id: Option<i64>,
}

#[cfg(feature = "postgres")]
fn logged(conn: &mut PgConnection, since: Option<&Horizon>) -> QueryResult<(Vec<Change>, Horizon)> {
    let (from, open) = since.map_or((i64::MAX, &[][..]), |seen| (seen.xmax, &seen.open));
    let rows: Vec<Logged> = log::Since { from, open, most: i64::from(MOST) + 1 }.load(conn)?;
    let horizon = rows.first().and_then(Horizon::of).ok_or(diesel::result::Error::NotFound)?;
    let is_next = since.is_some_and(|since| horizon.follows(since));
    if !is_next || rows.len() > usize::from(MOST) {
        return Ok((vec![Change::Everything], horizon));
    }
    let changes = rows.into_iter().filter(|row| row.is_one);
    Ok((changes.map(Change::from).collect(), horizon))
}

#[cfg(feature = "postgres")]
impl From<Logged> for Change {
    fn from(row: Logged) -> Self {
        match (row.session_key, row.user_id) {
            (Some(key), _) => Self::Session(SessionKey::from_row(key)),
            (None, Some(id)) => Self::User(id),
            (None, None) => Self::Everything,
        }
    }
}

#[cfg(feature = "postgres")]
impl Horizon {
    fn of(row: &Logged) -> Option<Self> {
        let mut parts = row.snapshot.split(':');
        let (xmin, xmax) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let open = parts.next()?.split(',').filter(|xid| !xid.is_empty());
        let open = open.map(str::parse).collect::<Result<_, _>>().ok()?;
        Some(Self { xmin, xmax, open, at: row.at, started: row.started })
    }

    /// May the log be relied on for the time between? Not when parts of it may be purged by now, and not on a server that
    /// does not go on where the other was.
    fn follows(&self, before: &Self) -> bool {
        let between = self.at - before.at;
        self.started == before.started
            && (self.xmin >= before.xmin && self.xmax >= before.xmax)
            && (chrono::TimeDelta::zero()..KEPT / 2).contains(&between)
    }
}

/// How long at least a change is kept after its transaction was over.
#[cfg(feature = "postgres")]
const KEPT: chrono::TimeDelta = chrono::TimeDelta::minutes(10);

/// How many changes are deleted at once.
#[cfg(feature = "postgres")]
const BATCH: i64 = 500;

/// Deletes a batch of changes that everybody has been told of, and says how many there were. When a transaction was over
/// stands nowhere; but each row says which ones were when it was written.
pub(crate) fn forget_old(shared: &SharedPool) -> Result<usize, Error> {
    shared.transact(|conn| match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(_) => Ok(0),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => forget_old_rows(conn),
    })
}

#[cfg(feature = "postgres")]
fn forget_old_rows(conn: &mut PgConnection) -> QueryResult<usize> {
    #[expect(clippy::cast_precision_loss, reason = "minutes, in seconds")]
    let old = Moment::In(-(KEPT.num_seconds() as f64));
    let settled: Option<i64> = housekey_change::table
        .filter(housekey_change::at.lt(old))
        .order(housekey_change::at.desc())
        .select(housekey_change::settled)
        .first(conn)
        .optional()?;
    let Some(settled) = settled else { return Ok(0) };
    diesel::sql_query(FORGET)
        .bind::<diesel::sql_types::BigInt, _>(settled)
        .bind::<diesel::sql_types::BigInt, _>(BATCH)
        .execute(conn)
}

/// The rows have no name of their own, but where they are.
#[cfg(feature = "postgres")]
const FORGET: &str = "DELETE FROM housekey_change WHERE ctid = ANY (ARRAY(\
    SELECT ctid FROM housekey_change WHERE xid < $1 ORDER BY xid LIMIT $2))";

/// As if seen long ago, in a time to come, on another server, and on one that has lost something.
#[cfg(all(test, feature = "postgres"))]
impl Seen {
    pub(super) fn spoilt(&self) -> [Self; 5] {
        use chrono::TimeDelta;
        let Self::Horizon(Horizon { xmin, xmax, at, started, .. }) = *self else {
            panic!("a file is not asked for")
        };
        let horizon = |xmin, xmax, at, started| {
            Self::Horizon(Horizon { xmin, xmax, open: Vec::new(), at, started })
        };
        [
            horizon(xmin, xmax, at - TimeDelta::minutes(6), started),
            horizon(xmin, xmax, at + TimeDelta::minutes(1), started),
            horizon(xmin, xmax, at, started - TimeDelta::seconds(1)),
            horizon(xmin + 1_000_000, xmax, at, started),
            horizon(xmin, xmax + 1_000_000, at, started),
        ]
    }
}
