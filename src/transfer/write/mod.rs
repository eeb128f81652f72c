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
/// Texts and bytes that are kept in memory at once, roughly: a row may be large.
const BYTES_AT_ONCE: usize = 4 * 1024 * 1024;

/// Rows of one table that are gathered for a statement.
pub(super) struct Batch {
    rows: Vec<Vec<Cell>>,
    bytes: usize,
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
        Self { rows: Vec::with_capacity(at_once), bytes: 0, at_once }
    }

    /// Takes a row, and hands out all when they are enough.
    pub(super) fn add(&mut self, row: Vec<Cell>) -> Option<Vec<Vec<Cell>>> {
        self.bytes += row.iter().map(length).sum::<usize>();
        self.rows.push(row);
        if self.rows.len() < self.at_once && self.bytes < BYTES_AT_ONCE {
            return None;
        }
        self.bytes = 0;
        Some(std::mem::replace(&mut self.rows, Vec::with_capacity(self.at_once)))
    }

    pub(super) fn rest(self) -> Vec<Vec<Cell>> {
        self.rows
    }
}

fn length(cell: &Cell) -> usize {
    match cell {
        Cell::Text(text) => text.len(),
        Cell::Blob(bytes) => bytes.len(),
        Cell::Null | Cell::Integer(_) | Cell::Real(_) => 0,
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
