//! New ids in the place of old ones, in the app's own database.

use serde::{Deserialize, Serialize};

use super::columns::{Columns, Spot};
use super::plan::{AdoptedColumn, Found};
use crate::error::MoveError;
use crate::moving::{Database, Row, literal, quoted};
use crate::place::DatabaseKind;

/// A value that was nobody's id, and was taken out: the row by its primary key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Orphan {
    pub(super) table: String,
    pub(super) column: String,
    pub(super) key: Vec<(String, String)>,
    pub(super) old: String,
}

/// Rows of one multi-row INSERT.
const AT_ONCE: usize = 500;

impl Spot {
    /// `TABLE.COLUMN`
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.table, self.column)
    }

    fn count(&self, local: &mut Database, condition: &str) -> Result<u64, MoveError> {
        let (table, only) = (quoted(&self.table), &self.only);
        let count =
            local.number(&format!("SELECT count(*) FROM {table} AS t WHERE {condition}{only}"))?;
        Ok(count.unsigned_abs())
    }

    fn update(&self, local: &mut Database, rest: &str) -> Result<u64, MoveError> {
        let (table, column) = (quoted(&self.table), quoted(&self.column));
        let only = &self.only;
        let rows =
            local.execute(&format!("UPDATE {table} AS t SET {column} = {rest}{only}"), &[])?;
        Ok(rows as u64)
    }

    fn sql(&self) -> String {
        format!("t.{}", quoted(&self.column))
    }

    /// Has an id of a user.
    fn is_known(&self) -> String {
        let column = self.sql();
        if self.is_text {
            format!("{column} IN (SELECT CAST(id AS varchar) FROM {})", self.of)
        } else {
            format!("EXISTS (SELECT 1 FROM {} AS u WHERE u.id = {column})", self.of)
        }
    }

    /// Has what could be an id, and is nobody's: it would become somebody's.
    fn is_orphan(&self, kind: DatabaseKind) -> String {
        let (column, is_known) = (self.sql(), self.is_known());
        let could_be = match kind {
            _ if !self.is_text => format!("{column} > 0"),
            DatabaseKind::Sqlite => {
                format!("{column} GLOB '[1-9]*' AND {column} NOT GLOB '*[^0-9]*'")
            }
            DatabaseKind::Postgres => format!("{column} ~ '^[1-9][0-9]*$'"),
        };
        format!("{could_be} AND NOT {is_known}")
    }

    pub(super) fn look(&self, local: &mut Database) -> Result<AdoptedColumn, MoveError> {
        let rows = self.count(local, &self.is_known())?;
        let orphans = self.orphans(local)?;
        let (table, column) = (self.table.clone(), self.column.clone());
        Ok(AdoptedColumn {
            table,
            column,
            of: self.of.to_owned(),
            found: self.found,
            rows,
            orphans,
        })
    }

    pub(super) fn orphans(&self, local: &mut Database) -> Result<u64, MoveError> {
        let orphan = self.is_orphan(local.kind());
        if self.found == Found::Itself { Ok(0) } else { self.count(local, &orphan) }
    }

    /// Can the orphans be taken out, and be put back?
    pub(super) fn may_lose_orphans(&self) -> bool {
        self.is_nullable && !self.key.is_empty() && !self.key.contains(&self.column)
    }

    /// Takes out what is nobody's id.
    pub(super) fn take_orphans(&self, local: &mut Database) -> Result<Vec<Orphan>, MoveError> {
        let orphan = self.is_orphan(local.kind());
        let columns = self.key.iter().chain([&self.column]);
        let columns: Vec<String> =
            columns.map(|name| format!("CAST(t.{} AS varchar)", quoted(name))).collect();
        let (columns, table, only) = (columns.join(", "), quoted(&self.table), &self.only);
        let rows =
            local.rows(&format!("SELECT {columns} FROM {table} AS t WHERE {orphan}{only}"))?;
        self.update(local, &format!("NULL WHERE {orphan}"))?;
        let keyed = |row: &Row| {
            let values = self.key.iter().enumerate();
            values.map(|(place, name)| (name.clone(), row.text(place).to_owned())).collect()
        };
        let taken = rows.iter().map(|row| Orphan {
            table: self.table.clone(),
            column: self.column.clone(),
            key: keyed(row),
            old: row.text(self.key.len()).to_owned(),
        });
        Ok(taken.collect())
    }

    /// Puts new ids in the place of the old ones. Where a new id is an old one as well, by the way of values that
    /// nobody has, because a unique index looks at each row.
    fn rewrite(&self, local: &mut Database) -> Result<u64, MoveError> {
        let (old, new) = if self.is_text { ("old_text", "new_text") } else { ("old", "new") };
        let column = self.sql();
        let is_old = format!("{column} IN (SELECT {old} FROM housekey_ids)");
        let planned = self.count(local, &is_old)?;
        let is_taken = format!("{column} IN (SELECT {new} FROM housekey_ids)");
        let from = format!("FROM housekey_ids AS m WHERE m.{old} = {column}");
        let rows = if self.count(local, &is_taken)? == 0 {
            self.update(local, &format!("m.{new} {from}"))?
        } else if self.is_text {
            let rows = self.update(local, &format!("'~' || m.new_text {from}"))?;
            let is_away = format!("{column} IN (SELECT '~' || new_text FROM housekey_ids)");
            self.update(local, &format!("substr({column}, 2) WHERE {is_away}"))?;
            rows
        } else {
            let (table, name) = (quoted(&self.table), quoted(&self.column));
            let top = local.number(&format!("SELECT max({name}) FROM {table}"))?;
            let new = local.number("SELECT max(new) FROM housekey_ids")?;
            let top = top.max(new);
            if top.checked_add(new).is_none_or(|highest| highest > self.largest) {
                return Err(self.too_full());
            }
            let rows = self.update(local, &format!("{top} + m.new {from}"))?;
            self.update(local, &format!("{column} - {top} WHERE {column} > {top}"))?;
            rows
        };
        if rows == planned { Ok(rows) } else { Err(self.unlike()) }
    }

    fn too_full(&self) -> MoveError {
        let problem = format!(
            "has an id in {} that is near the largest there can be; give that row a smaller one, and run this again",
            self.name()
        );
        MoveError::Schema { database: super::LOCAL, problem }
    }

    fn unlike(&self) -> MoveError {
        MoveError::Rewritten { column: self.name() }
    }
}

/// Rewrites every column, and looks whether every row has what it should. `ids` are the old ones with the new ones,
/// where they differ.
pub(super) fn rewrite(
    local: &mut Database,
    columns: &Columns,
    ids: &[(i64, i64)],
    mut progress: impl FnMut(&str, u64),
) -> Result<Vec<AdoptedColumn>, MoveError> {
    note_ids(local, ids)?;
    let broken = broken(local)?;
    let watches = unwatch(local, columns)?;
    let mut rewritten = Vec::new();
    for spot in &columns.spots {
        let rows = spot.rewrite(local)?;
        let (table, column) = (spot.table.clone(), spot.column.clone());
        let (of, found) = (spot.of.to_owned(), spot.found);
        rewritten.push(AdoptedColumn { table, column, of, found, rows, orphans: 0 });
        progress(&format!("rows of {} rewritten", spot.name()), rows);
    }
    watches.iter().try_for_each(|watch| local.run(watch))?;
    for spot in &columns.spots {
        if spot.orphans(local)? > 0 {
            return Err(spot.unlike());
        }
    }
    let after = self::broken(local)?;
    if let Some((table, rows)) = after.iter().find(|(table, rows)| {
        let before = broken.iter().find(|(name, _)| name == table);
        before.is_none_or(|(_, before)| rows > before)
    }) {
        return Err(MoveError::Dangling { table: table.clone(), rows: *rows });
    }
    raise_counter(local, columns.of)?;
    local.run("DROP TABLE housekey_ids")?;
    Ok(rewritten)
}

fn note_ids(local: &mut Database, ids: &[(i64, i64)]) -> Result<(), MoveError> {
    local.run(
        "CREATE TEMPORARY TABLE housekey_ids (old bigint PRIMARY KEY, new bigint NOT NULL UNIQUE, \
         old_text varchar(20) NOT NULL UNIQUE, new_text varchar(20) NOT NULL UNIQUE)",
    )?;
    for some in ids.chunks(AT_ONCE) {
        let rows: Vec<String> =
            some.iter().map(|(old, new)| format!("({old}, {new}, '{old}', '{new}')")).collect();
        local.run(&format!("INSERT INTO housekey_ids VALUES {}", rows.join(", ")))?;
    }
    match local.kind() {
        DatabaseKind::Sqlite => Ok(()),
        DatabaseKind::Postgres => local.run("ANALYZE housekey_ids"),
    }
}

/// The rows of each table that refer to none. PostgreSQL has none: it looks when a key is made again.
fn broken(local: &mut Database) -> Result<Vec<(String, u64)>, MoveError> {
    if local.kind() == DatabaseKind::Postgres {
        return Ok(Vec::new());
    }
    let rows = local.rows("SELECT \"table\", count(*) FROM pragma_foreign_key_check GROUP BY 1")?;
    let count = |row: &Row| row.integer(1).unwrap_or(0).unsigned_abs();
    Ok(rows.iter().map(|row| (row.text(0).to_owned(), count(row))).collect())
}

/// Takes the foreign keys away on PostgreSQL, and says how to make them again.
fn unwatch(local: &mut Database, columns: &Columns) -> Result<Vec<String>, MoveError> {
    if local.kind() == DatabaseKind::Sqlite {
        return Ok(Vec::new());
    }
    // What is still to be looked at by the database is looked at now, and not at the end.
    local.run("SET CONSTRAINTS ALL IMMEDIATE")?;
    let mut again = Vec::new();
    for watch in &columns.watches {
        let (table, name) = (quoted(&watch.table), quoted(&watch.name));
        let definition = local.rows(&format!(
            "SELECT pg_get_constraintdef(oid) FROM pg_constraint WHERE conname = {} AND conrelid = {}::regclass",
            literal(&watch.name),
            literal(&table)
        ))?;
        let definition = definition.first().map(|row| row.text(0)).unwrap_or_default();
        again.push(format!("ALTER TABLE {table} ADD CONSTRAINT {name} {definition}"));
        local.run(&format!("ALTER TABLE {table} DROP CONSTRAINT {name}"))?;
    }
    Ok(again)
}

/// No id is given a second time.
fn raise_counter(local: &mut Database, of: &str) -> Result<(), MoveError> {
    match local.kind() {
        DatabaseKind::Sqlite => {
            let counts = "SELECT count(*) FROM sqlite_master WHERE name = 'sqlite_sequence'";
            if local.number(counts)? == 0 {
                return Ok(());
            }
            local.run(&format!(
                "UPDATE sqlite_sequence SET seq = max(seq, (SELECT coalesce(max(id), 0) FROM {of})) \
                 WHERE name = '{of}'"
            ))
        }
        DatabaseKind::Postgres => {
            let counter = format!("pg_get_serial_sequence('{of}', 'id')");
            local.run(&format!(
                "SELECT setval({counter}, greatest(nextval({counter}), (SELECT max(id) FROM {of})))"
            ))
        }
    }
}

/// Puts back what [`take_orphans`](Spot::take_orphans) took, where nothing has come in its place.
pub(super) fn restore_orphans(local: &mut Database, taken: &[Orphan]) -> Result<(), MoveError> {
    let alike = |a: &Orphan, b: &Orphan| a.table == b.table && a.column == b.column;
    for of_column in taken.chunk_by(alike) {
        for some in of_column.chunks(AT_ONCE) {
            local.run(&restoring(local.kind(), some))?;
        }
    }
    Ok(())
}

/// Of rows of one column; the database casts a number to whatever the column holds.
fn restoring(kind: DatabaseKind, some: &[Orphan]) -> String {
    let first = &some[0];
    let rows = some.iter().map(|orphan| {
        let values = orphan.key.iter().map(|(_, value)| value).chain([&orphan.old]);
        format!("({})", values.map(|value| literal(value)).collect::<Vec<_>>().join(", "))
    });
    let rows = rows.collect::<Vec<_>>().join(", ");
    let keys =
        first.key.iter().zip(1..).map(|((name, _), place)| {
            format!("CAST(t.{} AS varchar) = m.column{place}", quoted(name))
        });
    let keys = keys.collect::<Vec<_>>().join(" AND ");
    let old = format!("m.column{}", first.key.len() + 1);
    let old = match kind {
        DatabaseKind::Sqlite => old,
        DatabaseKind::Postgres => format!("CAST({old} AS numeric)"),
    };
    let (table, column) = (quoted(&first.table), quoted(&first.column));
    format!(
        "UPDATE {table} AS t SET {column} = {old} FROM (VALUES {rows}) AS m \
         WHERE t.{column} IS NULL AND {keys}"
    )
}
