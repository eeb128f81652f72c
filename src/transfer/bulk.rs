//! What a database need not keep up while many rows come in: it is put right when all are there.

use diesel::result::Error;

use super::crossing::{Crossing, ROW};
use super::reasons::leads_nowhere;
use crate::error::MoveError;
use crate::moving::{Catalog, Database, literal, quoted};
use crate::place::DatabaseKind;

/// SQL that makes everything as it was.
pub(super) struct Relaxed {
    indexes: Vec<String>,
    references: Vec<String>,
}

/// A table with fewer rows to come keeps its indexes.
const MANY: u64 = 10_000;

/// Lets references wait for the end of the transaction, and indexes be made anew. Nobody else writes into these
/// tables meanwhile.
pub(super) fn relax(crossings: &[Crossing], to: &mut Database) -> Result<Relaxed, MoveError> {
    let mut relaxed = Relaxed { indexes: Vec::new(), references: Vec::new() };
    for crossing in crossings {
        let table = quoted(&crossing.table);
        let indexes = match to.kind() {
            DatabaseKind::Sqlite => indexes_of_sqlite(&crossing.table),
            DatabaseKind::Postgres => {
                to.run(&format!("LOCK TABLE {table} IN EXCLUSIVE MODE"))?;
                let regclass = format!("{}::regclass", literal(&table));
                for row in to.rows(&strict_references(&regclass))? {
                    to.run(&format!("{} DEFERRABLE", row.text(0)))?;
                    relaxed.references.push(format!("{} NOT DEFERRABLE", row.text(0)));
                }
                indexes_of_postgres(&regclass)
            }
        };
        if crossing.rows >= MANY && to.count(&crossing.table)? == 0 {
            for row in to.rows(&indexes)? {
                to.run(&format!("DROP INDEX {}", row.text(0)))?;
                relaxed.indexes.push(row.text(1).to_owned());
            }
        }
    }
    if to.kind() == DatabaseKind::Postgres {
        to.run("SET CONSTRAINTS ALL DEFERRED")?;
    }
    Ok(relaxed)
}

impl Relaxed {
    /// Makes everything as it was; every reference leads to a row.
    pub(super) fn tighten(
        &self,
        crossings: &[Crossing],
        there: &Catalog,
        to: &mut Database,
    ) -> Result<(), MoveError> {
        match to.kind() {
            DatabaseKind::Sqlite => check_sqlite(crossings, to)?,
            DatabaseKind::Postgres => {
                to.run("SAVEPOINT before_the_keys")?;
                to.run("SET CONSTRAINTS ALL IMMEDIATE")
                    .or_else(|error| Err(dangling(error, there, to)?))?;
            }
        }
        self.indexes.iter().chain(&self.references).try_for_each(|sql| to.run(sql))
    }
}

fn check_sqlite(crossings: &[Crossing], to: &mut Database) -> Result<(), MoveError> {
    for crossing in crossings {
        let check =
            format!("SELECT count(*) FROM pragma_foreign_key_check({})", literal(&crossing.table));
        if let Ok(rows @ 1..) = u64::try_from(to.number(&check)?) {
            return Err(MoveError::Dangling { table: crossing.table.clone(), rows });
        }
    }
    Ok(())
}

/// How many rows of the table lead nowhere of which PostgreSQL complains.
fn dangling(error: MoveError, there: &Catalog, to: &mut Database) -> Result<MoveError, MoveError> {
    let MoveError::Database { source: Error::DatabaseError(_, about), .. } = &error else {
        return Ok(error);
    };
    let Some(table) = about.table_name().and_then(|name| there.table(name)) else {
        return Ok(error);
    };
    to.run("ROLLBACK TO SAVEPOINT before_the_keys")?;
    let nowhere: Vec<String> = table.references.iter().map(leads_nowhere).collect();
    let rows = to.number(&format!(
        "SELECT count(*) FROM {} AS {ROW} WHERE {}",
        table.sql(),
        nowhere.join(" OR ")
    ))?;
    let rows = u64::try_from(rows).unwrap_or(0);
    Ok(MoveError::Dangling { table: table.name.clone(), rows })
}

fn strict_references(table: &str) -> String {
    format!(
        "SELECT format('ALTER TABLE %s ALTER CONSTRAINT %I', conrelid::regclass, conname) \
         FROM pg_constraint WHERE contype = 'f' AND NOT condeferrable AND conparentid = 0 AND conrelid = {table}"
    )
}

/// Those that the text says all of; not those of keys.
fn indexes_of_sqlite(table: &str) -> String {
    format!(
        "SELECT '\"' || replace(m.name, '\"', '\"\"') || '\"', m.sql FROM sqlite_master AS m \
         JOIN pragma_index_list({table}) AS i ON i.name = m.name \
         WHERE m.type = 'index' AND m.sql IS NOT NULL AND i.\"unique\" = 0",
        table = literal(table)
    )
}

/// Those that their definition says all of; not those of keys, and of nobody else's tables.
fn indexes_of_postgres(table: &str) -> String {
    format!(
        "SELECT i.indexrelid::regclass::text, pg_get_indexdef(i.indexrelid) \
         FROM pg_index AS i JOIN pg_class AS c ON c.oid = i.indexrelid \
         WHERE i.indrelid = {table} AND NOT i.indisunique AND NOT i.indisexclusion AND NOT i.indisclustered \
         AND NOT i.indisreplident AND i.indisvalid AND c.relkind = 'i' AND c.reltablespace = 0 \
         AND obj_description(c.oid, 'pg_class') IS NULL AND pg_has_role(c.relowner, 'USAGE') \
         AND NOT EXISTS (SELECT 1 FROM pg_constraint AS k WHERE k.conindid = i.indexrelid)"
    )
}
