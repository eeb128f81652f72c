//! The tables of a SQLite database, by its pragmas.

use std::collections::BTreeMap;

use super::{Catalog, Column, Holds, Reference, Table, literal};
use crate::error::MoveError;
use crate::moving::database::Database;

pub(super) fn read(database: &mut Database) -> Result<Catalog, MoveError> {
    let mut catalog = Catalog::default();
    let tables = "SELECT name, type FROM pragma_table_list WHERE schema = 'main' \
                  AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name";
    for row in database.rows(tables)? {
        let name = row.text(0).to_owned();
        match row.text(1) {
            "table" => drop(catalog.tables.insert(name.clone(), table(database, name)?)),
            "virtual" => catalog.others.push(name),
            _ => {}
        }
    }
    name_the_keys(&mut catalog);
    Ok(catalog)
}

fn table(database: &mut Database, name: String) -> Result<Table, MoveError> {
    let of = literal(&name);
    let rows = database.rows(&format!(
        "SELECT name, type, \"notnull\", dflt_value IS NOT NULL, pk, hidden FROM pragma_table_xinfo({of}) \
         WHERE hidden <> 1"
    ))?;
    let mut key: Vec<(i64, String)> = rows
        .iter()
        .filter_map(|row| {
            Some((row.integer(4).filter(|place| *place > 0)?, row.text(0).to_owned()))
        })
        .collect();
    key.sort();
    let is_row_id = |row: &crate::moving::row::Row| {
        key.len() == 1 && row.integer(4) == Some(1) && row.text(1).eq_ignore_ascii_case("integer")
    };
    let columns = rows.iter().map(|row| Column {
        name: row.text(0).to_owned(),
        holds: holds(row.text(1)),
        declared: row.text(1).to_ascii_lowercase(),
        length: None,
        is_nullable: row.integer(2) == Some(0) && !is_row_id(row),
        has_default: row.integer(3) == Some(1) || is_row_id(row),
        is_generated: row.integer(5).is_some_and(|hidden| hidden > 1),
    });
    let columns = columns.collect();
    let key: Vec<String> = key.into_iter().map(|(_, name)| name).collect();
    let references = references(database, &of)?;
    Ok(Table { name, columns, key, references })
}

fn references(database: &mut Database, of: &str) -> Result<Vec<Reference>, MoveError> {
    let rows = database.rows(&format!(
        "SELECT id, \"table\", \"from\", \"to\" FROM pragma_foreign_key_list({of}) ORDER BY id, seq"
    ))?;
    let mut references: BTreeMap<i64, Reference> = BTreeMap::new();
    for row in &rows {
        let reference =
            references.entry(row.integer(0).unwrap_or(0)).or_insert_with(|| Reference {
                name: String::new(),
                columns: Vec::new(),
                table: row.text(1).to_owned(),
                to: Vec::new(),
            });
        reference.columns.push(row.text(2).to_owned());
        reference.to.push(row.text(3).to_owned());
    }
    Ok(references.into_values().collect())
}

/// A foreign key may name its table and its columns in other letters, and the columns not at all: the primary key is
/// meant.
fn name_the_keys(catalog: &mut Catalog) {
    let tables: Vec<Table> = catalog.tables.values().cloned().collect();
    for reference in catalog.tables.values_mut().flat_map(|table| &mut table.references) {
        let found = tables.iter().find(|to| to.name.eq_ignore_ascii_case(&reference.table));
        let Some(table) = found else { continue };
        reference.table.clone_from(&table.name);
        if reference.to.iter().any(String::is_empty) {
            reference.to.clone_from(&table.key);
        }
        for to in &mut reference.to {
            let is_meant = |column: &&Column| column.name.eq_ignore_ascii_case(to);
            if let Some(column) = table.columns.iter().find(is_meant) {
                to.clone_from(&column.name);
            }
        }
    }
}

/// By the words that Django, diesel and people write: SQLite itself takes any.
fn holds(declared: &str) -> Holds {
    let declared = declared.to_ascii_lowercase();
    let word = declared.split(['(', ' ']).next().unwrap_or_default();
    match word {
        "bool" | "boolean" => Holds::Bool,
        "date" => Holds::Date,
        "time" => Holds::Time,
        "uuid" => Holds::Uuid,
        "json" | "jsonb" => Holds::Json,
        "timestamptz" | "timestamptzsqlite" => Holds::Instant,
        "datetime" | "timestamp" => Holds::Timestamp,
        "decimal" | "numeric" => Holds::Decimal,
        "bytea" | "binary" | "varbinary" => Holds::Bytes,
        "bpchar" => Holds::Text,
        _ if word.contains("int") => Holds::Integer(8),
        _ if ["char", "text", "clob"].iter().any(|part| word.contains(part)) => Holds::Text,
        _ if word.contains("blob") => Holds::Bytes,
        _ if ["real", "floa", "doub"].iter().any(|part| word.contains(part)) => Holds::Double,
        _ => Holds::Other,
    }
}
