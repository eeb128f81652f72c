//! Rows into a table of SQLite.

use diesel::prelude::*;
use diesel::sql_types::{BigInt, Binary, Double, Nullable, Text};

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
        let mut query = diesel::sql_query(insert).into_boxed();
        for cell in rows.iter().flatten() {
            query = match cell {
                Cell::Null => query.bind::<Nullable<Text>, _>(None::<&str>),
                Cell::Integer(number) => query.bind::<BigInt, _>(number),
                Cell::Real(number) => query.bind::<Double, _>(number),
                Cell::Text(text) => query.bind::<Text, _>(text),
                Cell::Blob(bytes) => query.bind::<Binary, _>(bytes),
            };
        }
        query.execute(conn).map(drop)
    })
}
