//! Rows into a table of SQLite.

use diesel::prelude::*;

use crate::moving::database::execute_sqlite;
use crate::moving::{Cell, quoted};
use crate::transfer::crossing::Crossing;

/// One statement for each batch.
pub(super) fn insert(
    crossing: &Crossing,
    mut batches: impl Iterator<Item = Vec<Vec<Cell>>>,
    conn: &mut SqliteConnection,
) -> QueryResult<()> {
    batches.try_for_each(|rows| {
        if rows.is_empty() {
            return Ok(());
        }
        let (table, columns) = (quoted(&crossing.table), crossing.columns());
        let one = format!("({})", vec!["?"; crossing.lanes.len()].join(", "));
        let all = vec![one; rows.len()].join(", ");
        let insert = format!("INSERT INTO {table} ({columns}) VALUES {all}");
        execute_sqlite(conn, &insert, rows.iter().flatten()).map(drop)
    })
}
