//! The tables of a PostgreSQL database, by its catalogs: those of the schema that new tables go to.

use super::{Catalog, Column, Holds, Reference, Table};
use crate::error::MoveError;
use crate::moving::database::Database;
use crate::moving::row::Row;

const TABLES: &str = "SELECT relname::text, relkind::text FROM pg_class \
    WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'f') AND NOT relispartition \
    ORDER BY relname";

const COLUMNS: &str = "SELECT c.relname::text, a.attname::text, t.typname::text, \
        format_type(a.atttypid, a.atttypmod), \
        CASE WHEN t.typname IN ('varchar', 'bpchar') AND a.atttypmod > 4 THEN (a.atttypmod - 4)::text END, \
        a.attnotnull::text, (a.atthasdef OR a.attidentity <> '')::text, (a.attgenerated <> '')::text \
    FROM pg_class AS c \
    JOIN pg_attribute AS a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
    JOIN pg_type AS t ON t.oid = a.atttypid \
    WHERE c.relnamespace = current_schema()::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition \
    ORDER BY c.relname, a.attnum";

/// A table of another schema is named with it: it is not the one of that name here.
const REFERENCES: &str = "SELECT c.relname::text, k.conname::text, \
        CASE WHEN r.relnamespace = c.relnamespace THEN r.relname::text \
             ELSE r.relnamespace::regnamespace::text || '.' || r.relname END, \
        f.attname::text, t.attname::text \
    FROM pg_constraint AS k \
    JOIN pg_class AS c ON c.oid = k.conrelid \
    JOIN pg_class AS r ON r.oid = k.confrelid \
    CROSS JOIN LATERAL unnest(k.conkey, k.confkey) WITH ORDINALITY AS pair(from_number, to_number, place) \
    JOIN pg_attribute AS f ON f.attrelid = k.conrelid AND f.attnum = pair.from_number \
    JOIN pg_attribute AS t ON t.attrelid = k.confrelid AND t.attnum = pair.to_number \
    WHERE k.contype = 'f' AND k.conparentid = 0 AND c.relnamespace = current_schema()::regnamespace \
    ORDER BY c.relname, k.conname, pair.place";

const KEYS: &str = "SELECT c.relname::text, a.attname::text \
    FROM pg_index AS i \
    JOIN pg_class AS c ON c.oid = i.indrelid \
    CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS part(number, place) \
    JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = part.number \
    WHERE i.indisprimary AND part.place <= i.indnkeyatts AND c.relnamespace = current_schema()::regnamespace \
    ORDER BY c.relname, part.place";

pub(super) fn read(database: &mut Database) -> Result<Catalog, MoveError> {
    let mut catalog = Catalog::default();
    for row in database.rows(TABLES)? {
        let name = row.text(0).to_owned();
        if row.text(1) == "f" {
            catalog.others.push(name);
            continue;
        }
        let (columns, key, references) = (vec![], vec![], vec![]);
        let table = Table { name: name.clone(), columns, key, references };
        catalog.tables.insert(name, table);
    }
    of_each(database, &mut catalog, COLUMNS, |table, row| table.columns.push(column(row)))?;
    of_each(database, &mut catalog, REFERENCES, |table, row| {
        let (name, from, to) = (row.text(1), row.text(3).to_owned(), row.text(4).to_owned());
        match table.references.last_mut() {
            Some(reference) if reference.name == name => {
                reference.columns.push(from);
                reference.to.push(to);
            }
            _ => table.references.push(Reference {
                name: name.to_owned(),
                columns: vec![from],
                table: row.text(2).to_owned(),
                to: vec![to],
            }),
        }
    })?;
    of_each(database, &mut catalog, KEYS, |table, row| table.key.push(row.text(1).to_owned()))?;
    Ok(catalog)
}

/// Adds each row of a query to the table that its first column names.
fn of_each(
    database: &mut Database,
    catalog: &mut Catalog,
    sql: &str,
    mut add: impl FnMut(&mut Table, &Row),
) -> Result<(), MoveError> {
    for row in database.rows(sql)? {
        if let Some(table) = catalog.tables.get_mut(row.text(0)) {
            add(table, &row);
        }
    }
    Ok(())
}

fn column(row: &Row) -> Column {
    Column {
        name: row.text(1).to_owned(),
        holds: holds(row.text(2)),
        declared: row.text(3).to_owned(),
        length: row.integer(4).and_then(|length| length.try_into().ok()),
        is_nullable: row.text(5) == "false",
        has_default: row.text(6) == "true",
        is_generated: row.text(7) == "true",
    }
}

fn holds(kind: &str) -> Holds {
    match kind {
        "bool" => Holds::Bool,
        "int2" => Holds::Integer(2),
        "int4" => Holds::Integer(4),
        "int8" => Holds::Integer(8),
        "float4" => Holds::Single,
        "float8" => Holds::Double,
        "numeric" => Holds::Decimal,
        "text" | "varchar" | "bpchar" | "citext" | "name" => Holds::Text,
        "bytea" => Holds::Bytes,
        "timestamptz" => Holds::Instant,
        "timestamp" => Holds::Timestamp,
        "date" => Holds::Date,
        "time" => Holds::Time,
        "interval" => Holds::Interval,
        "uuid" => Holds::Uuid,
        "json" | "jsonb" => Holds::Json,
        "inet" | "cidr" => Holds::Address,
        _ => Holds::Other,
    }
}
