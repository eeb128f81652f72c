//! Rows into TO, many at once.

use std::sync::mpsc::Receiver;

use super::crossing::Crossing;
use crate::error::MoveError;
use crate::moving::database::Kind;
use crate::moving::{Cell, Database, quoted};
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
    for rows in batches.iter().filter(|rows| !rows.is_empty()) {
        match to.connection() {
            #[cfg(feature = "sqlite")]
            Kind::Sqlite(_) => write_sqlite(crossing, rows, to)?,
            #[cfg(feature = "postgres")]
            Kind::Postgres(conn) => {
                write_postgres(crossing, rows, conn).map_err(|source| to.failed(source))?;
            }
        }
    }
    Ok(())
}

#[cfg(feature = "sqlite")]
fn write_sqlite(
    crossing: &Crossing,
    rows: Vec<Vec<Cell>>,
    to: &mut Database,
) -> Result<(), MoveError> {
    let (table, columns) = (quoted(&crossing.table), crossing.columns());
    let one = format!("({})", vec!["?"; crossing.lanes.len()].join(", "));
    let all = vec![one; rows.len()].join(", ");
    let insert = format!("INSERT INTO {table} ({columns}) VALUES {all}");
    let values: Vec<Cell> = rows.into_iter().flatten().collect();
    to.execute(&insert, &values).map(drop)
}

/// One array a column: so the statement is short, and the same however many rows there are.
#[cfg(feature = "postgres")]
fn write_postgres(
    crossing: &Crossing,
    rows: Vec<Vec<Cell>>,
    conn: &mut diesel::PgConnection,
) -> diesel::QueryResult<()> {
    use crate::moving::Holds;
    use diesel::RunQueryDsl as _;
    use diesel::sql_types::{Array, Nullable, Text};
    let (table, columns) = (quoted(&crossing.table), crossing.columns());
    let lanes = || crossing.lanes.iter().enumerate();
    let arrays: Vec<String> = lanes().map(|(place, _)| format!("${}", place + 1)).collect();
    let names: Vec<String> = lanes().map(|(place, _)| format!("c{place}")).collect();
    let values: Vec<String> = lanes()
        .map(|(place, lane)| match (lane.carried, lane.to.declared.as_str()) {
            (Some(Holds::Bytes), _) => format!("decode(c{place}, 'hex')"),
            (Some(Holds::Interval), _) => {
                format!("c{place}::bigint * interval '1 microsecond'")
            }
            // A cast to `varchar(10)` would cut what is longer, and one to `numeric(4, 2)` round.
            (Some(Holds::Text), _) => format!("c{place}"),
            (_, declared) => format!("c{place}::{}", without_length(declared)),
        })
        .collect();
    let insert = format!(
        "INSERT INTO {table} ({columns}) OVERRIDING SYSTEM VALUE SELECT {} FROM unnest({}) AS given({})",
        values.join(", "),
        arrays.join(", "),
        names.join(", "),
    );
    let mut columns: Vec<Vec<Option<String>>> =
        lanes().map(|_| Vec::with_capacity(rows.len())).collect();
    for row in rows {
        for (column, cell) in columns.iter_mut().zip(row) {
            column.push(match cell {
                Cell::Text(text) => Some(text),
                _ => None,
            });
        }
    }
    let mut query = diesel::sql_query(insert).into_boxed();
    for column in columns {
        query = query.bind::<Array<Nullable<Text>>, _>(column);
    }
    query.execute(conn).map(drop)
}

#[cfg(feature = "postgres")]
fn without_length(declared: &str) -> String {
    match (declared.find('('), declared.find(')')) {
        (Some(begin), Some(end)) if begin < end => {
            format!("{}{}", &declared[..begin], &declared[end + 1..])
        }
        _ => declared.to_owned(),
    }
}
