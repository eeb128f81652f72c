//! The next ids of TO: above all that FROM has ever given, because rows elsewhere may still have them.

use crate::error::MoveError;
use crate::moving::{Database, Table, literal, quoted};
use crate::place::DatabaseKind;

pub(super) fn carry_over(
    (here, there): (&Table, &Table),
    from: &mut Database,
    to: &mut Database,
) -> Result<(), MoveError> {
    for column in there.columns.iter().filter(|column| column.has_default) {
        let name = &column.name;
        let Some(next) = sequence(there, name, to)?.filter(|_| here.column(name).is_some()) else {
            continue;
        };
        let given = sequence(here, name, from)?;
        let given = given.map_or(Ok(0), |given| from.number(&given.last()))?;
        let last = given.max(highest(here, name, from)?).max(highest(there, name, to)?);
        if last > 0 {
            to.run(&next.raise(last))?;
        }
    }
    Ok(())
}

/// What gives ids by itself, and never one that it has given before.
enum Sequence {
    /// The table whose rows SQLite counts.
    Sqlite(String),
    /// The sequence by its name, as SQL has it.
    Postgres(String),
}

impl Sequence {
    /// SQL for the last id that was given.
    fn last(&self) -> String {
        match self {
            Self::Sqlite(table) => {
                format!("SELECT max(seq) FROM sqlite_sequence WHERE name = {}", literal(table))
            }
            Self::Postgres(name) => {
                format!("SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM {name}")
            }
        }
    }

    fn raise(&self, last: i64) -> String {
        match self {
            Self::Sqlite(table) => {
                let name = literal(table);
                format!(
                    "INSERT INTO sqlite_sequence (name, seq) SELECT {name}, 0 \
                     WHERE NOT EXISTS (SELECT 1 FROM sqlite_sequence WHERE name = {name}); \
                     UPDATE sqlite_sequence SET seq = {last} WHERE name = {name} AND seq < {last}"
                )
            }
            Self::Postgres(name) => format!(
                "SELECT setval({}, greatest({last}, (SELECT last_value FROM {name})))",
                literal(name)
            ),
        }
    }
}

fn highest(table: &Table, column: &str, database: &mut Database) -> Result<i64, MoveError> {
    database.number(&format!("SELECT max({}) FROM {}", quoted(column), table.sql()))
}

/// The sequence of a column, if it has one: its own, or one that its default names.
fn sequence(
    table: &Table,
    column: &str,
    database: &mut Database,
) -> Result<Option<Sequence>, MoveError> {
    if database.kind() == DatabaseKind::Sqlite {
        let counts = table.key == [column] && counts_for_ever(table, database)?;
        return Ok(counts.then(|| Sequence::Sqlite(table.name.clone())));
    }
    let (regclass, name) = (literal(&table.sql()), literal(column));
    let rows = database.rows(&format!(
        "SELECT coalesce(pg_get_serial_sequence({regclass}, {name})::text, ( \
            SELECT s.oid::regclass::text FROM pg_attrdef AS d \
            JOIN pg_attribute AS a ON a.attrelid = d.adrelid AND a.attnum = d.adnum \
            JOIN pg_depend AS p ON p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid \
            JOIN pg_class AS s ON p.refclassid = 'pg_class'::regclass AND s.oid = p.refobjid \
            WHERE d.adrelid = {regclass}::regclass AND a.attname = {name} AND s.relkind = 'S' LIMIT 1))"
    ))?;
    let found = rows.first().map(|row| row.text(0).to_owned()).filter(|name| !name.is_empty());
    Ok(found.map(Sequence::Postgres))
}

/// Does SQLite remember the ids of deleted rows?
fn counts_for_ever(table: &Table, database: &mut Database) -> Result<bool, MoveError> {
    let says_so = format!(
        "SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = {} AND sql LIKE '%AUTOINCREMENT%'",
        literal(&table.name)
    );
    Ok(database.number(&says_so)? > 0)
}
