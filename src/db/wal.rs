//! How far a PostgreSQL server has written, and its standby replayed (`pg_lsn`).

use diesel::prelude::*;
use diesel::result::QueryResult;
use diesel::sql_types::{Nullable, Text};

use super::SharedConnection;

#[derive(QueryableByName)]
struct Position {
    #[diesel(sql_type = Nullable<Text>)]
    lsn: Option<String>,
}

/// Where the next record goes: what was committed before is before it.
pub(crate) fn written(conn: &mut SharedConnection) -> QueryResult<u64> {
    ask(conn, "SELECT pg_current_wal_insert_lsn()::text AS lsn")
}

/// Up to where a standby shows what was committed.
pub(crate) fn replayed(conn: &mut SharedConnection) -> QueryResult<u64> {
    ask(conn, "SELECT pg_last_wal_replay_lsn()::text AS lsn WHERE pg_is_in_recovery()")
}

#[cfg_attr(
    not(feature = "postgres"),
    expect(unused_variables, reason = "SQLite has no log to ask for")
)]
fn ask(conn: &mut SharedConnection, sql: &str) -> QueryResult<u64> {
    let position: Option<Position> = match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(_) => None,
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            diesel::sql_query(sql).get_result(&mut **conn).optional()?
        }
    };
    position.and_then(|position| read(&position.lsn?)).ok_or(diesel::result::Error::NotFound)
}

/// Two hexadecimal numbers of 32 bits: `16/B374D848`.
fn read(lsn: &str) -> Option<u64> {
    let (high, low) = lsn.split_once('/')?;
    let number = |text| u32::from_str_radix(text, 16).ok().map(u64::from);
    Some(number(high)? << 32 | number(low)?)
}

#[cfg(test)]
mod tests {
    /// As PostgreSQL's own `pg_lsn - '0/0'` says.
    #[test]
    fn a_position_is_one_number() {
        assert_eq!(super::read("16/B374D848"), Some(97_500_059_720));
        assert_eq!(super::read("0/0"), Some(0));
        for nonsense in ["", "16", "16/", "/1", "x/1", "100000000/0"] {
            assert_eq!(super::read(nonsense), None, "{nonsense}");
        }
    }
}
