//! What a SQL text is about: its tables, and whether it writes.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{Ident, ObjectName, Query, SetExpr, Statement as Parsed, visit_relations};
use sqlparser::ast::{Visit, Visitor};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::Parser;

use crate::error::Error;
use crate::place::DatabaseKind;

/// The tables a SQL text names, and whether it changes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) tables: BTreeSet<String>,
    pub(crate) writes: bool,
}

impl Statement {
    /// Reads one or more statements in the dialect of a database.
    pub(crate) fn read(sql: &str, kind: DatabaseKind) -> Result<Self, Error> {
        let dialect: &dyn Dialect = match kind {
            DatabaseKind::Sqlite => &SQLiteDialect {},
            DatabaseKind::Postgres => &PostgreSqlDialect {},
        };
        // The parser's message quotes the SQL, which may hold a secret: only its place is kept.
        let parsed = Parser::parse_sql(dialect, sql)
            .map_err(|error| unreadable(format!("it does not parse{}", place_in(&error))))?;
        let mut found = Self { tables: BTreeSet::new(), writes: false };
        for statement in &parsed {
            if is_transaction_control(statement) {
                return Err(unreadable("it begins or ends a transaction: use conn.transaction"));
            }
            found.writes |= !matches!(statement, Parsed::Query(query) if only_reads(query));
            found.tables.extend(tables_of(statement, kind));
        }
        Ok(found)
    }
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::UnreadableSql { why: why.into() }
}

fn place_in(error: &sqlparser::parser::ParserError) -> String {
    let text = error.to_string();
    text.rfind(" at Line: ").map_or_else(String::new, |at| text[at..].to_lowercase())
}

fn is_transaction_control(statement: &Parsed) -> bool {
    matches!(
        statement,
        Parsed::StartTransaction { .. }
            | Parsed::Commit { .. }
            | Parsed::Rollback { .. }
            | Parsed::Savepoint { .. }
            | Parsed::ReleaseSavepoint { .. }
    )
}

fn only_reads(query: &Query) -> bool {
    let with = query.with.iter().flat_map(|with| &with.cte_tables);
    query.locks.is_empty()
        && body_reads(&query.body)
        && with.map(|cte| &cte.query).all(|q| only_reads(q))
}

fn body_reads(body: &SetExpr) -> bool {
    match body {
        SetExpr::Insert(_) | SetExpr::Update(_) | SetExpr::Delete(_) | SetExpr::Merge(_) => false,
        SetExpr::Query(query) => only_reads(query),
        SetExpr::SetOperation { left, right, .. } => body_reads(left) && body_reads(right),
        _ => true,
    }
}

fn tables_of(statement: &Parsed, kind: DatabaseKind) -> BTreeSet<String> {
    let mut tables = BTreeSet::new();
    let _: ControlFlow<()> = visit_relations(statement, |name| {
        tables.extend(table_name(name, kind));
        ControlFlow::Continue(())
    });
    let mut named = NamedQueries { kind, names: BTreeSet::new() };
    let _: ControlFlow<()> = statement.visit(&mut named);
    tables.retain(|table| !named.names.contains(table));
    tables
}

/// The last part of a name, as the database folds it; the schemas `public` and `main` go without saying.
fn table_name(name: &ObjectName, kind: DatabaseKind) -> Option<String> {
    let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
    let folded = |ident: &Ident| match (kind, ident.quote_style) {
        (DatabaseKind::Postgres, Some(_)) => ident.value.clone(),
        _ => ident.value.to_lowercase(),
    };
    match parts.as_slice() {
        [] => None,
        [table] => Some(folded(table)),
        [.., schema, table] => {
            let (schema, table) = (folded(schema), folded(table));
            Some(if schema == "public" || schema == "main" {
                table
            } else {
                format!("{schema}.{table}")
            })
        }
    }
}

/// The names that `WITH` gives to queries: they are no tables.
struct NamedQueries {
    kind: DatabaseKind,
    names: BTreeSet<String>,
}

impl Visitor for NamedQueries {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.names
                .extend(table_name(&ObjectName::from(vec![cte.alias.name.clone()]), self.kind));
        }
        ControlFlow::Continue(())
    }
}
