//! The kinds of statement, and the tables at their beginning.

use super::reader::{Before, Clause, Reader, lower};
use super::tokens::Token;
use super::unreadable;
use super::with::Found;
use crate::error::Error;
use crate::place::DatabaseKind;

impl<'a> Reader<'a> {
    /// The first word tells the kind of a statement.
    pub(super) fn begin(&mut self, first: Token<'a>) -> Result<(), Error> {
        let Token::Word(word) = first else {
            let is_query = first == Token::Sign('(');
            return if is_query { self.step(first) } else { Err(self.tokens.unreadable_here()) };
        };
        match lower(word).as_str() {
            "select" | "with" | "values" | "table" | "insert" | "replace" | "update" | "delete" => {
                self.step(first)
            }
            "explain" => self.explain(),
            "create" => self.create(),
            "alter" => self.alter(),
            "drop" => self.drop(),
            "truncate" | "lock" => {
                self.skip(&["table"])?;
                self.list()
            }
            "analyze" => {
                self.skip(&["verbose"])?;
                self.list()
            }
            "begin" | "start" | "commit" | "end" | "rollback" | "abort" | "savepoint"
            | "release" => Err(unreadable("it begins or ends a transaction: use conn.transaction")),
            _ => Err(beyond_us()),
        }
    }

    pub(super) fn change(&mut self, word: &str) -> Result<(), Error> {
        self.writes = true;
        if word == "merge" {
            return Err(beyond_us());
        }
        for resolution in ["replace", "ignore", "abort", "fail", "rollback"] {
            self.skip(&["or", resolution])?;
        }
        let clause = match word {
            "update" => Clause::Set,
            "delete" => Clause::Delete,
            _ => Clause::Insert,
        };
        let goes_on = match clause {
            Clause::Delete => self.skip(&["from"])?,
            Clause::Insert => self.skip(&["into"])?,
            _ => true,
        };
        if !goes_on {
            return Err(self.tokens.unreadable_here());
        }
        self.written()?;
        self.top().clause = clause;
        Ok(())
    }

    fn explain(&mut self) -> Result<(), Error> {
        self.skip(&["query", "plan"])?;
        self.skip(&["analyze"])?;
        self.skip(&["verbose"])?;
        let mut ahead = self.tokens.clone();
        if ahead.next()? == Some(Token::Sign('('))
            && let Some(Token::Word(word)) = ahead.next()?
            && !matches!(lower(word).as_str(), "select" | "with" | "values" | "table")
        {
            self.skip_brackets()?;
        }
        // Neither database explains an explanation; as many as there are would be as deep in here.
        if self.next_is(&["explain"])? {
            return Err(self.tokens.unreadable_here());
        }
        let first = self.tokens.more()?;
        self.begin(first)
    }

    fn create(&mut self) -> Result<(), Error> {
        self.skip(&["or", "replace"])?;
        for word in ["local", "global", "temp", "temporary", "unlogged", "recursive", "virtual"] {
            self.skip(&[word])?;
        }
        self.skip(&["unique"])?;
        if self.skip(&["index"])? {
            while !self.skip(&["on"])? {
                self.tokens.more()?;
            }
        } else {
            self.table_or_view()?;
        }
        self.skip(&["if", "not", "exists"])?;
        self.define()
    }

    fn alter(&mut self) -> Result<(), Error> {
        self.table_or_view()?;
        if self.skip(&["all"])? {
            return Err(beyond_us());
        }
        self.skip(&["if", "exists"])?;
        self.define()?;
        self.skip(&["no"])?;
        self.top().wants = self.skip(&["inherit"])?
            || self.skip(&["attach", "partition"])?
            || self.skip(&["detach", "partition"])?;
        Ok(())
    }

    fn define(&mut self) -> Result<(), Error> {
        self.top().clause = Clause::Define;
        self.written()
    }

    fn drop(&mut self) -> Result<(), Error> {
        self.table_or_view()?;
        self.skip(&["if", "exists"])?;
        self.list()
    }

    fn table_or_view(&mut self) -> Result<(), Error> {
        self.skip(&["materialized"])?;
        if self.skip(&["table"])? || self.skip(&["view"])? { Ok(()) } else { Err(beyond_us()) }
    }

    fn list(&mut self) -> Result<(), Error> {
        loop {
            self.written()?;
            self.skip_sign('*')?;
            if self.opens()? {
                self.skip_brackets()?;
            }
            if !self.skip_sign(',')? {
                return Ok(());
            }
        }
    }

    /// Goes on if these words come next.
    pub(super) fn skip(&mut self, words: &[&str]) -> Result<bool, Error> {
        let mut ahead = self.tokens.clone();
        for word in words {
            match ahead.next()? {
                Some(Token::Word(next)) if next.eq_ignore_ascii_case(word) => {}
                _ => return Ok(false),
            }
        }
        self.tokens = ahead;
        Ok(true)
    }

    /// Goes on if this sign comes next.
    pub(super) fn skip_sign(&mut self, sign: char) -> Result<bool, Error> {
        let mut ahead = self.tokens.clone();
        let comes = ahead.next()? == Some(Token::Sign(sign));
        if comes {
            self.tokens = ahead;
        }
        Ok(comes)
    }

    fn skip_brackets(&mut self) -> Result<(), Error> {
        let mut depth = 0_usize;
        loop {
            match self.tokens.more()? {
                Token::Sign('(') => depth += 1,
                Token::Sign(')') if depth <= 1 => return Ok(()),
                Token::Sign(')') => depth -= 1,
                _ => {}
            }
        }
    }

    /// Does a bracket come next?
    pub(super) fn opens(&self) -> Result<bool, Error> {
        Ok(self.tokens.peek()? == Some(Token::Sign('(')))
    }

    /// What is written is a table, whatever `WITH` has named.
    fn written(&mut self) -> Result<(), Error> {
        self.writes = true;
        self.before = Before::Other;
        if self.kind == DatabaseKind::Postgres {
            self.skip(&["only"])?;
        }
        let first = self.tokens.more()?;
        let (name, _) = self.name(first)?;
        self.found.push(Found { name, scopes: 0 });
        Ok(())
    }

    pub(super) fn next_is(&self, words: &[&str]) -> Result<bool, Error> {
        let next = self.tokens.peek()?;
        Ok(matches!(next, Some(Token::Word(word)) if words.contains(&lower(word).as_str())))
    }
}

pub(super) fn beyond_us() -> Error {
    unreadable("it is of a kind whose tables cannot be told")
}
