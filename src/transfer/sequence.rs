//! The next ids of TO: above all that FROM has ever given, because rows elsewhere may still have them.

use crate::error::MoveError;
use crate::moving::{Database, Table, literal, quoted};
use crate::place::DatabaseKind;

pub(super) fn carry_over(
    table: (&Table, &Table),
    from: &mut Database,
    to: &mut Database,
) -> Result<(), MoveError> {
    for column in table.1.columns.iter().filter(|column| column.has_default) {
        if let Some(last) = last_given(table.0, &column.name, from)? {
            raise(table.1, &column.name, last, to)?;
        }
    }
    Ok(())
}

/// The last id that the database gave by itself, or that is there; `None` where it gives none.
fn last_given(table: &Table, column: &str, from: &mut Database) -> Result<Option<i64>, MoveError> {
    let given = match from.kind() {
        DatabaseKind::Sqlite => {
            if table.key != [column] || !counts_for_ever(table, from)? {
                return Ok(None);
            }
            format!("SELECT max(seq) FROM sqlite_sequence WHERE name = {}", literal(&table.name))
        }
        DatabaseKind::Postgres => match sequence(table, column, from)? {
            Some(sequence) => {
                format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {sequence}")
            }
            None => return Ok(None),
        },
    };
    let there = format!("SELECT max({}) FROM {}", quoted(column), table.sql());
    Ok(Some(from.number(&given)?.max(from.number(&there)?)))
}

fn raise(table: &Table, column: &str, last: i64, to: &mut Database) -> Result<(), MoveError> {
    let there = format!("SELECT max({}) FROM {}", quoted(column), table.sql());
    let last = last.max(to.number(&there)?);
    match to.kind() {
        _ if last < 1 => Ok(()),
        DatabaseKind::Sqlite => {
            if table.key != [column] || !counts_for_ever(table, to)? {
                return Ok(());
            }
            let name = literal(&table.name);
            to.run(&format!(
                "INSERT INTO sqlite_sequence (name, seq) SELECT {name}, 0 \
                 WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {name}); \
                 UPDATE sqlite_sequence SET seq = {last} WHERE name = {name} AND seq < {last}"
            ))
        }
        DatabaseKind::Postgres => match sequence(table, column, to)? {
            Some(sequence) => to.run(&format!(
                "SELECT setval({}, greatest({last}, (SELECT last_value FROM {sequence})))",
                literal(&sequence)
            )),
            None => Ok(()),
        },
    }
}

/// The name of the sequence of a column, as SQL has it.
fn sequence(
    table: &Table,
    column: &str,
    database: &mut Database,
) -> Result<Option<String>, MoveError> {
    let name = format!(
        "SELECT pg_get_serial_sequence({}, {})::text",
        literal(&table.sql()),
        literal(column)
    );
    let rows = database.rows(&name)?;
    Ok(rows.first().map(|row| row.text(0).to_owned()).filter(|name| !name.is_empty()))
}

/// Does SQLite remember the ids of deleted rows?
fn counts_for_ever(table: &Table, database: &mut Database) -> Result<bool, MoveError> {
    let says_so = format!(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = {} AND sql LIKE '%AUTOINCREMENT%'",
        literal(&table.name)
    );
    Ok(database.number(&says_so)? > 0)
}
