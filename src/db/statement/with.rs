//! The tables found so far, and the names that a `WITH` gives to queries: they are no tables.

use crate::place::DatabaseKind;

/// A table that a statement names.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) name: String,
    /// It may be the name of a query of as many of the open brackets, counted from the outermost.
    pub(super) scopes: usize,
}

/// A `WITH` that is being read, and what it has named.
#[derive(Debug, Default)]
pub(super) struct With {
    pub(super) stage: Stage,
    names: Vec<String>,
    sees_all: bool,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is none, or it has ended.
    #[default]
    Outside,
    /// `WITH` or a comma was read.
    Name,
    /// The name was read.
    As,
    /// `AS` was read.
    Query,
    /// The query was read.
    Next,
}

impl With {
    /// `SQLite` takes each for one that sees itself.
    pub(super) fn begin(&mut self, kind: DatabaseKind) {
        self.stage = Stage::Name;
        self.sees_all = kind == DatabaseKind::Sqlite;
    }

    /// Its queries see all of its names, their own and later ones too.
    pub(super) fn recursive(&mut self) {
        self.sees_all = true;
    }

    pub(super) fn name(&mut self, name: String) {
        self.names.push(name);
        self.stage = Stage::As;
    }

    /// The query of the last name has ended; the tables from `first` on are those of the query, and `scope` is ours.
    pub(super) fn end_query(&mut self, found: &mut Vec<Found>, first: usize, scope: usize) {
        self.stage = Stage::Next;
        if let (false, Some((_, earlier))) = (self.sees_all, self.names.split_last()) {
            take_out(found, first, earlier, scope);
            for table in &mut found[first..] {
                table.scopes = table.scopes.min(scope);
            }
        }
    }

    /// The bracket has ended in which the names are seen.
    pub(super) fn end(self, found: &mut Vec<Found>, first: usize, scope: usize) {
        take_out(found, first, &self.names, scope);
    }
}

fn take_out(found: &mut Vec<Found>, first: usize, names: &[String], scope: usize) {
    if !names.is_empty() {
        let inside = found.split_off(first);
        let is_table = |table: &Found| table.scopes <= scope || !names.contains(&table.name);
        found.extend(inside.into_iter().filter(is_table));
    }
}
