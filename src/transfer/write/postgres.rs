//! Rows into a table of PostgreSQL, by `COPY` in its text format.
//! <https://www.postgresql.org/docs/current/sql-copy.html>

use std::cell::RefCell;
use std::io::Write;

use diesel::pg::{CopyTarget, Pg};
use diesel::prelude::*;
use diesel::query_builder::AstPass;
use diesel::result::Error;
use diesel::sql_types::Integer;

use crate::moving::{Cell, Holds, quoted};
use crate::transfer::crossing::{Crossing, Lane};

/// So many bytes go to the server at once.
const AT_ONCE: usize = 64 * 1024;

diesel::table! {
    /// Stands for the table that is written: diesel wants to know it when it is compiled.
    any (id) { id -> Integer, }
}

thread_local! {
    /// The table that this thread writes, and its columns. `CopyTarget` has no other way to learn of them.
    static TARGET: RefCell<String> = const { RefCell::new(String::new()) };
}

struct Target;

impl CopyTarget for Target {
    type Table = any::table;
    type SqlType = Integer;

    fn walk_target(mut pass: AstPass<'_, '_, Pg>) -> QueryResult<()> {
        TARGET.with_borrow(|target| pass.push_sql(target));
        Ok(())
    }
}

pub(super) fn copy(
    crossing: &Crossing,
    batches: impl Iterator<Item = Vec<Vec<Cell>>>,
    conn: &mut PgConnection,
) -> QueryResult<()> {
    TARGET.set(format!("{} ({})", quoted(&crossing.table), crossing.columns()));
    let batches = RefCell::new(batches);
    let send = |to: &mut dyn Write| -> QueryResult<()> {
        let mut bytes = Vec::with_capacity(2 * AT_ONCE);
        for row in batches.borrow_mut().by_ref().flatten() {
            add(&mut bytes, &crossing.lanes, &row);
            if bytes.len() >= AT_ONCE {
                to.write_all(&bytes).map_err(lost)?;
                bytes.clear();
            }
        }
        to.write_all(&bytes).map_err(lost)
    };
    diesel::copy_from(any::table).from_raw_data(Target, send).execute(conn).map(drop)
}

fn lost(error: std::io::Error) -> Error {
    Error::SerializationError(Box::new(error))
}

fn add(bytes: &mut Vec<u8>, lanes: &[Lane], row: &[Cell]) {
    for (place, (lane, cell)) in lanes.iter().zip(row).enumerate() {
        if place > 0 {
            bytes.push(b'\t');
        }
        let Cell::Text(text) = cell else {
            bytes.extend(b"\\N");
            continue;
        };
        match lane.carried {
            Some(Holds::Bytes) => {
                bytes.extend(b"\\\\x");
                bytes.extend(text.as_bytes());
            }
            Some(Holds::Interval) => {
                bytes.extend(text.as_bytes());
                bytes.extend(b" microseconds");
            }
            _ => add_escaped(bytes, text.as_bytes()),
        }
    }
    bytes.push(b'\n');
}

fn add_escaped(bytes: &mut Vec<u8>, text: &[u8]) {
    for byte in text {
        match byte {
            b'\\' => bytes.extend(b"\\\\"),
            b'\n' => bytes.extend(b"\\n"),
            b'\r' => bytes.extend(b"\\r"),
            b'\t' => bytes.extend(b"\\t"),
            byte => bytes.push(*byte),
        }
    }
}
