//! What a SQL text is about: its tables, and whether it writes.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use sqlparser::ast::{
    FromTable, Ident, ObjectName, ObjectType, Query, Select, SetExpr, Statement as Parsed,
    TableFactor, TableObject, TableWithJoins, Visit, Visitor,
};
use sqlparser::dialect::{Dialect, PostgreSqlDialect, SQLiteDialect};
use sqlparser::parser::{Parser, ParserError};

use crate::error::Error;
use crate::place::DatabaseKind;

/// diesel puts parentheses around each `OR`, so that a long chain of them is deep.
const MAX_DEPTH: usize = 2000;

const LONG: usize = 4 << 10;
const STACK_PER_BYTE: usize = 1 << 10;
const MAX_STACK: usize = 2 << 30;

/// The tables a SQL text names, and whether it changes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) tables: BTreeSet<String>,
    pub(crate) writes: bool,
}

impl Statement {
    /// Reads one or more statements in the dialect of a database.
    pub(crate) fn read(sql: &str, kind: DatabaseKind) -> Result<Self, Error> {
        // A chain of operators becomes a tree as deep as it is long; a text of some length gets a stack of
        // its own, of which the system gives only what is used.
        if sql.len() < LONG {
            return Self::read_here(sql, kind);
        }
        let stack = sql.len().saturating_mul(STACK_PER_BYTE).min(MAX_STACK);
        stacker::grow(stack, || Self::read_here(sql, kind))
    }

    fn read_here(sql: &str, kind: DatabaseKind) -> Result<Self, Error> {
        let mut found = Self { tables: BTreeSet::new(), writes: false };
        for statement in &parse(sql, kind)? {
            let is_query = matches!(statement, Parsed::Query(_));
            let tables = tables_of(statement, kind);
            if is_transaction_control(statement) {
                return Err(unreadable("it begins or ends a transaction: use conn.transaction"));
            }
            if is_beyond_us(statement) {
                return Err(unreadable("it is of a kind whose tables cannot be told"));
            }
            if tables.is_empty() && !is_query {
                return Err(unreadable("it names no table"));
            }
            found.writes |= !matches!(statement, Parsed::Query(query) if only_reads(query));
            found.tables.extend(tables);
        }
        Ok(found)
    }
}

fn parse(sql: &str, kind: DatabaseKind) -> Result<Vec<Parsed>, Error> {
    let dialect: &dyn Dialect = match kind {
        DatabaseKind::Sqlite => &SQLiteDialect {},
        DatabaseKind::Postgres => &PostgreSqlDialect {},
    };
    let parser = Parser::new(dialect).with_recursion_limit(MAX_DEPTH).try_with_sql(sql);
    // The parser's message quotes the SQL, which may hold a secret: only the place in it is kept.
    parser
        .and_then(|mut parser| parser.parse_statements())
        .map_err(|error| unreadable(format!("it does not parse{}", place_in(&error))))
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::UnreadableSql { why: why.into() }
}

fn place_in(error: &ParserError) -> String {
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

/// Statements in which tables hide where the walk below does not see them.
fn is_beyond_us(statement: &Parsed) -> bool {
    struct Hidden;
    impl Visitor for Hidden {
        type Break = ();

        fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
            if names_a_table_alone(&query.body) {
                ControlFlow::Break(())
            } else {
                ControlFlow::Continue(())
            }
        }
        fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<()> {
            if select.into.is_some() { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
        // `FROM ONLY t` is read as a table called "only".
        fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
            let ident = name.0.last().and_then(|part| part.as_ident());
            let is_only = ident.is_some_and(|ident| {
                ident.quote_style.is_none() && ident.value.eq_ignore_ascii_case("only")
            });
            if is_only { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        }
    }
    matches!(statement, Parsed::CreateTrigger(_) | Parsed::Merge(_))
        || statement.visit(&mut Hidden).is_break()
}

/// `TABLE t`, alone or in a `UNION`; or a `MERGE` behind a `WITH`.
fn names_a_table_alone(body: &SetExpr) -> bool {
    match body {
        SetExpr::Table(_) | SetExpr::Merge(_) => true,
        SetExpr::SetOperation { left, right, .. } => {
            names_a_table_alone(left) || names_a_table_alone(right)
        }
        _ => false,
    }
}

fn only_reads(query: &Query) -> bool {
    let mut with = query.with.iter().flat_map(|with| &with.cte_tables);
    query.locks.is_empty() && body_reads(&query.body) && with.all(|cte| only_reads(&cte.query))
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
    let mut reader = Reader { kind, tables: BTreeSet::new(), scopes: Vec::new() };
    let _: ControlFlow<()> = statement.visit(&mut reader);
    reader.tables
}

/// Walks through a statement and collects its tables.
struct Reader {
    kind: DatabaseKind,
    tables: BTreeSet<String>,
    scopes: Vec<Scope>,
}

/// A query, with the names that its `WITH` gives to others: they are no tables.
struct Scope {
    names: Vec<String>,
    queries: Vec<*const Query>,
    /// How many of the names can be seen where we are.
    visible: usize,
}

impl Visitor for Reader {
    type Break = ();

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        let ctes: Vec<_> = query.with.iter().flat_map(|with| &with.cte_tables).collect();
        // A name can be seen in its own query when that is recursive, which SQLite always takes it for.
        let is_recursive = query.with.as_ref().is_some_and(|with| with.recursive);
        let sees_all = is_recursive || self.kind == DatabaseKind::Sqlite;
        self.scopes.push(Scope {
            names: ctes.iter().map(|cte| self.fold(&cte.alias.name)).collect(),
            queries: ctes.iter().map(|cte| std::ptr::from_ref(&*cte.query)).collect(),
            visible: if sees_all { ctes.len() } else { 0 },
        });
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<()> {
        self.scopes.pop();
        if let Some(outer) = self.scopes.last_mut()
            && let Some(done) = outer.queries.iter().position(|cte| std::ptr::eq(*cte, query))
        {
            outer.visible = outer.visible.max(done + 1);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<()> {
        if !self.is_named_query(name) {
            self.add(name);
        }
        ControlFlow::Continue(())
    }

    /// What is written is a table, whatever `WITH` has named.
    fn pre_visit_statement(&mut self, statement: &Parsed) -> ControlFlow<()> {
        match statement {
            Parsed::Insert(insert) => {
                if let TableObject::TableName(name) = &insert.table {
                    self.add(name);
                }
            }
            Parsed::Update(update) => self.add_written(std::slice::from_ref(&update.table)),
            Parsed::Delete(delete) => match &delete.from {
                FromTable::WithFromKeyword(from) | FromTable::WithoutKeyword(from) => {
                    self.add_written(from);
                }
            },
            Parsed::CreateView(view) => self.add(&view.name),
            Parsed::Drop { object_type: ObjectType::Table | ObjectType::View, names, .. } => {
                for name in names {
                    self.add(name);
                }
            }
            _ => {}
        }
        ControlFlow::Continue(())
    }
}

impl Reader {
    fn add_written(&mut self, tables: &[TableWithJoins]) {
        for table in tables {
            if let TableFactor::Table { name, .. } = &table.relation {
                self.add(name);
            }
        }
    }

    fn add(&mut self, name: &ObjectName) {
        let parts: Vec<&Ident> = name.0.iter().filter_map(|part| part.as_ident()).collect();
        match parts.as_slice() {
            [] => {}
            [table] => drop(self.tables.insert(self.fold(table))),
            [.., schema, table] => {
                let (schema, table) = (self.fold(schema), self.fold(table));
                // This schema goes without saying.
                let is_usual = schema
                    == match self.kind {
                        DatabaseKind::Sqlite => "main",
                        DatabaseKind::Postgres => "public",
                    };
                self.tables.insert(if is_usual { table } else { format!("{schema}.{table}") });
            }
        }
    }

    /// The name as the database compares it.
    fn fold(&self, name: &Ident) -> String {
        match (self.kind, name.quote_style) {
            (DatabaseKind::Postgres, Some(_)) => name.value.clone(),
            _ => name.value.to_ascii_lowercase(),
        }
    }

    fn is_named_query(&self, name: &ObjectName) -> bool {
        let [part] = name.0.as_slice() else { return false };
        let Some(name) = part.as_ident().map(|ident| self.fold(ident)) else { return false };
        self.scopes.iter().any(|scope| scope.names[..scope.visible].contains(&name))
    }
}
