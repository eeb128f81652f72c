//! What tables a database has, read from the database itself.

#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "sqlite")]
mod sqlite;

use std::collections::BTreeMap;

use super::database::Database;
use crate::error::MoveError;
use crate::place::DatabaseKind;

/// What a column holds, as far as it matters for a move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Holds {
    Bool,
    /// A whole number of so many bytes.
    Integer(u8),
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has none"))]
    Single,
    Double,
    Decimal,
    Text,
    Bytes,
    /// A point in time.
    Instant,
    /// A date and a time without a zone.
    Timestamp,
    Date,
    Time,
    Interval,
    Uuid,
    Json,
    #[cfg_attr(not(feature = "postgres"), expect(dead_code, reason = "SQLite has none"))]
    Address,
    /// Whatever it is: it goes as text.
    Other,
}

#[derive(Debug, Clone)]
pub(crate) struct Column {
    pub(crate) name: String,
    pub(crate) holds: Holds,
    /// The type as the database names it.
    pub(crate) declared: String,
    /// The most characters that the database takes.
    pub(crate) length: Option<usize>,
    pub(crate) is_nullable: bool,
    /// May be left out of an INSERT.
    pub(crate) has_default: bool,
    /// Worked out by the database: it cannot be written.
    pub(crate) is_generated: bool,
}

/// A foreign key.
#[derive(Debug, Clone)]
pub(crate) struct Reference {
    /// The name of its constraint; SQLite has none.
    pub(crate) name: String,
    pub(crate) columns: Vec<String>,
    pub(crate) table: String,
    pub(crate) to: Vec<String>,
}

#[derive(Debug, Clone)]
pub(crate) struct Table {
    pub(crate) name: String,
    pub(crate) columns: Vec<Column>,
    /// The columns of the primary key, if there is one.
    pub(crate) key: Vec<String>,
    pub(crate) references: Vec<Reference>,
}

impl Table {
    pub(crate) fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
    }

    /// Its name as SQL wants it.
    pub(crate) fn sql(&self) -> String {
        quoted(&self.name)
    }

    /// The foreign key of one column to another table.
    pub(crate) fn reference_of(&self, column: &str) -> Option<&Reference> {
        self.references.iter().find(|reference| reference.columns == [column])
    }
}

/// The ordinary tables by name, and what else there is that holds rows.
#[derive(Debug, Default)]
pub(crate) struct Catalog {
    pub(crate) tables: BTreeMap<String, Table>,
    /// Tables that are none: virtual ones of SQLite, foreign ones of PostgreSQL.
    pub(crate) others: Vec<String>,
}

impl Catalog {
    pub(crate) fn read(database: &mut Database) -> Result<Self, MoveError> {
        match database.kind() {
            #[cfg(feature = "sqlite")]
            DatabaseKind::Sqlite => sqlite::read(database),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres => postgres::read(database),
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            _ => unreachable!("a connection is of a kind that is compiled in"),
        }
    }

    pub(crate) fn table(&self, name: &str) -> Option<&Table> {
        self.tables.get(name)
    }

    /// Is there a foreign key to the table of that name, and from which tables?
    pub(crate) fn references_to(&self, table: &str) -> Vec<(&Table, &Reference)> {
        let all = self.tables.values();
        let pairs = all.flat_map(|from| from.references.iter().map(move |key| (from, key)));
        pairs.filter(|(_, reference)| reference.table == table).collect()
    }
}

/// A name as both databases want it quoted.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Names of columns, quoted and in a row.
pub(crate) fn listed<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quoted).collect::<Vec<_>>().join(", ")
}

/// A text as both databases want it in quotes.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}
