//! Rows into TO, many at once.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::sync::mpsc::Receiver;

use super::crossing::Crossing;
use crate::error::MoveError;
use crate::moving::database::Kind;
use crate::moving::{Cell, Database};
use crate::place::DatabaseKind;

/// Rows that go into one statement.
const AT_ONCE: usize = 1_000;
/// SQLite takes 32,766 values in one statement, and the text of a longer one is no faster.
const VALUES_AT_ONCE: usize = 2_000;

/// Rows of one table that are gathered for a statement.
pub(super) struct Batch {
    rows: Vec<Vec<Cell>>,
    at_once: usize,
}

impl Batch {
    pub(super) fn new(crossing: &Crossing, to: DatabaseKind) -> Self {
        let at_once = match to {
            DatabaseKind::Sqlite => {
                (VALUES_AT_ONCE / crossing.lanes.len().max(1)).clamp(1, AT_ONCE)
            }
            DatabaseKind::Postgres => AT_ONCE,
        };
        Self { rows: Vec::with_capacity(at_once), at_once }
    }

    /// Takes a row, and hands out all when they are enough.
    pub(super) fn add(&mut self, row: Vec<Cell>) -> Option<Vec<Vec<Cell>>> {
        self.rows.push(row);
        (self.rows.len() >= self.at_once)
            .then(|| std::mem::replace(&mut self.rows, Vec::with_capacity(self.at_once)))
    }

    pub(super) fn rest(self) -> Vec<Vec<Cell>> {
        self.rows
    }
}

/// Writes all rows that come, and ends when no more can.
pub(super) fn write(
    crossing: &Crossing,
    to: &mut Database,
    batches: &Receiver<Vec<Vec<Cell>>>,
) -> Result<(), MoveError> {
    let Some(first) = batches.iter().find(|rows| !rows.is_empty()) else { return Ok(()) };
    let rows = std::iter::once(first).chain(batches.iter());
    let name = to.name();
    let written = match to.connection() {
        #[cfg(feature = "sqlite")]
        Kind::Sqlite(conn) => sqlite::insert(crossing, rows, conn),
        #[cfg(feature = "postgres")]
        Kind::Postgres(conn) => postgres::copy(crossing, rows, conn),
    };
    written.map_err(|source| MoveError::Database { database: name, source })
}
