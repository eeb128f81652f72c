//! Which tables stand in a statement. It is read from left to right, once, and what is open stands on a stack of our
//! own: no text is too deep.

use super::Statement;
use super::kinds::beyond_us;
use super::tokens::{Token, Tokens};
use super::with::{Found, Stage, With};
use crate::error::Error;
use crate::place::DatabaseKind;

/// What the last keyword has led into, as far as it tells of tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Clause {
    Expression,
    Select,
    From,
    /// `DELETE FROM t`, which `USING` may follow.
    Delete,
    /// `UPDATE t SET ..`, which `FROM` may follow.
    Set,
    Insert,
    /// `CREATE` or `ALTER`.
    Define,
    /// `WHERE`, `ORDER BY` and all that come after the tables.
    Rest,
}

/// A statement, or what stands in one pair of brackets.
#[derive(Debug)]
pub(super) struct Scope {
    pub(super) clause: Clause,
    /// A table comes next.
    pub(super) wants: bool,
    /// `INSERT`, `UPDATE` and `DELETE` may begin here.
    may_change: bool,
    with: With,
    /// How many tables were found before it.
    first: usize,
}

impl Scope {
    fn new(clause: Clause, first: usize) -> Self {
        let with = With::default();
        Self { clause, wants: false, may_change: false, with, first }
    }
}

/// What stands before a word, as far as it tells of its meaning.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    Other,
    /// A statement or a bracket begins, and a query may begin with it.
    Opening,
    Comma,
    Dot,
    As,
    /// `IS`, or `IS NOT`.
    Is,
    IsDistinct,
}

/// Reads a text and collects its tables.
pub(super) struct Reader<'a> {
    pub(super) tokens: Tokens<'a>,
    pub(super) kind: DatabaseKind,
    scopes: Vec<Scope>,
    pub(super) found: Vec<Found>,
    pub(super) writes: bool,
    pub(super) before: Before,
}

impl<'a> Reader<'a> {
    pub(super) fn read(sql: &'a str, kind: DatabaseKind) -> Result<Statement, Error> {
        let mut reader = Self {
            tokens: Tokens::new(sql, kind),
            kind,
            scopes: Vec::new(),
            found: Vec::new(),
            writes: false,
            before: Before::Other,
        };
        while let Some(token) = reader.tokens.next()? {
            if token != Token::Sign(';') {
                reader.statement(token)?;
            }
        }
        let tables = reader.found.into_iter().map(|table| table.name).collect();
        Ok(Statement { tables, writes: reader.writes })
    }

    fn statement(&mut self, first: Token<'a>) -> Result<(), Error> {
        let whole = Scope::new(Clause::Expression, self.found.len());
        self.scopes.push(Scope { may_change: true, ..whole });
        self.before = Before::Opening;
        self.begin(first)?;
        while let Some(token) = self.tokens.next()? {
            if token == Token::Sign(';') {
                break;
            }
            self.step(token)?;
        }
        self.end_scope()?;
        if self.scopes.is_empty() { Ok(()) } else { Err(self.tokens.unreadable_here()) }
    }

    pub(super) fn step(&mut self, token: Token<'a>) -> Result<(), Error> {
        if self.top().with.stage != Stage::Outside {
            return self.step_with(token);
        }
        let before = std::mem::replace(&mut self.before, Before::Other);
        let wants = self.top().wants;
        match token {
            Token::Word(word) if before != Before::Dot => self.word(word, before)?,
            Token::Word(_) | Token::Value | Token::Text(_) | Token::Quoted(_) if !wants => {}
            Token::Quoted(_) => self.table(token)?,
            Token::Text(_) if self.kind == DatabaseKind::Sqlite => self.table(token)?,
            Token::Sign('(') => {
                self.top().wants = false;
                let clause = if wants { Clause::From } else { Clause::Expression };
                let inside = Scope::new(clause, self.found.len());
                self.scopes.push(Scope { wants, ..inside });
                self.before = Before::Opening;
            }
            Token::Sign(')') => {
                self.end_scope()?;
                // It would close what was never opened.
                if self.scopes.is_empty() {
                    return Err(self.tokens.unreadable_here());
                }
            }
            Token::Sign(sign) if !wants => {
                if sign == ',' {
                    self.before = Before::Comma;
                    let scope = self.top();
                    scope.wants = scope.clause == Clause::From;
                } else if sign == '.' {
                    self.before = Before::Dot;
                }
            }
            _ => return Err(self.tokens.unreadable_here()),
        }
        Ok(())
    }

    fn begin_with(&mut self) -> Result<(), Error> {
        // `RETURNING WITH (OLD AS o)` names no query.
        if !self.opens()? {
            let kind = self.kind;
            self.top().with.begin(kind);
        }
        Ok(())
    }

    /// `name (columns) AS NOT MATERIALIZED (query), ..`
    fn step_with(&mut self, token: Token<'a>) -> Result<(), Error> {
        let stage = self.top().with.stage;
        let word = if let Token::Word(word) = &token { lower(word) } else { String::new() };
        match (stage, &token) {
            (Stage::Name, _) if word == "recursive" => self.top().with.recursive(),
            (Stage::Name, Token::Word(_) | Token::Quoted(_) | Token::Text(_)) => {
                let name = self.fold(&token);
                self.top().with.name(name);
            }
            (Stage::As, _) if word == "as" => self.top().with.stage = Stage::Query,
            (Stage::Query, _) if matches!(word.as_str(), "not" | "materialized") => {}
            (Stage::As | Stage::Query, Token::Sign('(')) => {
                let inside = Scope::new(Clause::Expression, self.found.len());
                self.scopes.push(Scope { may_change: stage == Stage::Query, ..inside });
                self.before = Before::Opening;
            }
            (Stage::Next, Token::Sign(',')) => self.top().with.stage = Stage::Name,
            (Stage::Next, _) if matches!(word.as_str(), "search" | "cycle") => {
                return Err(beyond_us());
            }
            (Stage::Next, _) => {
                self.top().with.stage = Stage::Outside;
                self.before = Before::Opening;
                return self.step(token);
            }
            _ => return Err(self.tokens.unreadable_here()),
        }
        Ok(())
    }

    fn word(&mut self, word: &'a str, before: Before) -> Result<(), Error> {
        let is_postgres = self.kind == DatabaseKind::Postgres;
        let scope = self.top();
        let clause = scope.clause;
        let starts = before == Before::Opening;
        if before == Before::As && matches!(clause, Clause::Select | Clause::Rest) {
            return Ok(());
        }
        let lower = lower(word);
        if scope.wants {
            match lower.as_str() {
                "only" | "lateral" if is_postgres => return Ok(()),
                "select" | "values" | "with" | "table" if starts => scope.wants = false,
                "select" => return Err(self.tokens.unreadable_here()),
                _ => return self.table(Token::Word(word)),
            }
        }
        match lower.as_str() {
            "select" => scope.clause = Clause::Select,
            "values" if starts => scope.clause = Clause::Rest,
            "with" if starts || clause == Clause::Insert => return self.begin_with(),
            "table" => (scope.clause, scope.wants) = (Clause::Rest, true),
            "insert" | "replace" | "update" | "delete" | "merge" if starts && scope.may_change => {
                return self.change(&lower);
            }
            "from" if before == Before::IsDistinct => {}
            "from" => match clause {
                Clause::Select | Clause::Set => (scope.clause, scope.wants) = (Clause::From, true),
                // `ROWS FROM (f(), g())`
                Clause::From => return Err(beyond_us()),
                _ => {}
            },
            "join" => scope.wants = clause == Clause::From,
            "using" if clause == Clause::Delete => {
                (scope.clause, scope.wants) = (Clause::From, true);
            }
            "into" if clause == Clause::Select => return Err(beyond_us()),
            "as" if clause == Clause::Define => self.before = Before::Opening,
            "as" => self.before = Before::As,
            "is" => self.before = Before::Is,
            "not" if before == Before::Is => self.before = Before::Is,
            "distinct" if before == Before::Is => self.before = Before::IsDistinct,
            // `CREATE TABLE a (LIKE b)`, `PARTITION OF b`, `INHERITS (b)`
            "like" if matches!(before, Before::Opening | Before::Comma) => scope.wants = true,
            "inherits" if clause == Clause::Define => scope.wants = true,
            "partition" if clause == Clause::Define && self.skip(&["of"])? => {
                self.top().wants = true;
            }
            _ => self.end_of_tables(&lower)?,
        }
        Ok(())
    }

    /// After these words a comma is not followed by a table.
    fn end_of_tables(&mut self, word: &str) -> Result<(), Error> {
        let clause = self.top().clause;
        let ends = match word {
            "where" | "group" | "having" | "order" | "limit" | "window" | "returning" | "union"
            | "intersect" | "except" => true,
            "on" => self.next_is(&["conflict"])?,
            "for" => {
                let locks = clause != Clause::Expression
                    && self.next_is(&["update", "share", "no", "key"])?;
                self.writes |= locks;
                locks
            }
            _ => false,
        };
        if ends && clause == Clause::From {
            self.top().clause = Clause::Rest;
        }
        Ok(())
    }

    /// A table that is read, or a function that gives rows.
    fn table(&mut self, first: Token<'a>) -> Result<(), Error> {
        let (name, scopes) = self.name(first)?;
        let called = self.opens()?;
        let scope = self.top();
        scope.wants = false;
        if !called || scope.clause != Clause::From {
            self.found.push(Found { name, scopes });
        }
        Ok(())
    }

    /// A name with its schema, and in how many scopes it may be the name of a query.
    pub(super) fn name(&mut self, first: Token<'a>) -> Result<(String, usize), Error> {
        let mut schema = None;
        let mut table = first;
        while self.skip_sign('.')? {
            schema = Some(std::mem::replace(&mut table, self.tokens.more()?));
        }
        if matches!(table, Token::Sign(_) | Token::Value) {
            return Err(self.tokens.unreadable_here());
        }
        let table = self.fold(&table);
        let Some(schema) = schema.map(|schema| self.fold(&schema)) else {
            return Ok((table, usize::MAX));
        };
        // This schema goes without saying.
        let usual = match self.kind {
            DatabaseKind::Sqlite => "main",
            DatabaseKind::Postgres => "public",
        };
        Ok((if schema == usual { table } else { format!("{schema}.{table}") }, 0))
    }

    /// The name as the database compares it.
    fn fold(&self, name: &Token<'a>) -> String {
        match name {
            Token::Quoted(name) if self.kind == DatabaseKind::Postgres => name.clone().into_owned(),
            Token::Quoted(name) => lower(name),
            Token::Word(name) | Token::Text(name) => lower(name),
            Token::Value | Token::Sign(_) => String::new(),
        }
    }

    /// The bracket closes, or the statement ends.
    fn end_scope(&mut self) -> Result<(), Error> {
        let Some(ended) = self.scopes.pop() else { return Err(self.tokens.unreadable_here()) };
        if ended.wants || ended.with.stage != Stage::Outside {
            return Err(self.tokens.unreadable_here());
        }
        let scope = self.scopes.len();
        ended.with.end(&mut self.found, ended.first, scope);
        if let Some(around) = self.scopes.last_mut()
            && around.with.stage == Stage::Query
        {
            around.with.end_query(&mut self.found, ended.first, scope - 1);
        }
        Ok(())
    }

    pub(super) fn top(&mut self) -> &mut Scope {
        self.scopes.last_mut().expect("a statement is open")
    }
}

pub(super) fn lower(word: &str) -> String {
    word.to_ascii_lowercase()
}
