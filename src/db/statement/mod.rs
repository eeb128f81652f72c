//! What a SQL text is about: its tables, and whether it writes.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::place::DatabaseKind;

mod kinds;
mod reader;
mod tokens;
mod with;

/// The tables a SQL text names, and whether it changes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) tables: BTreeSet<String>,
    pub(crate) writes: bool,
}

impl Statement {
    /// Reads one or more statements in the dialect of a database.
    pub(crate) fn read(sql: &str, kind: DatabaseKind) -> Result<Self, Error> {
        reader::Reader::read(sql, kind)
    }
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::UnreadableSql { why: why.into() }
}
