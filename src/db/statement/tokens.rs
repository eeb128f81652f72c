//! A SQL text as its words, names and signs, by the lexical rules of `PostgreSQL` ("Lexical Structure") and of
//! `SQLite` (`tokenize.c`).

use std::borrow::Cow;

use super::unreadable;
use crate::error::Error;
use crate::place::DatabaseKind;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// A keyword, or a name without quotes.
    Word(&'a str),
    /// A name in quotes.
    Quoted(Cow<'a, str>),
    /// A string, as it is written between its quotes.
    Text(&'a str),
    /// A number or a parameter.
    Value,
    Sign(char),
}

/// Reads one token after the other; comments are no tokens.
#[derive(Debug, Clone)]
pub(super) struct Tokens<'a> {
    sql: &'a str,
    at: usize,
    kind: DatabaseKind,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(sql: &'a str, kind: DatabaseKind) -> Self {
        Self { sql, at: 0, kind }
    }

    /// The next token; `None` at the end of the text.
    pub(super) fn next(&mut self) -> Result<Option<Token<'a>>, Error> {
        self.skip_blanks()?;
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let is_sqlite = self.kind == DatabaseKind::Sqlite;
        let token = match first {
            '\'' => Token::Text(self.between('\'')?),
            '"' => self.quoted('"')?,
            '`' if is_sqlite => self.quoted('`')?,
            '[' if is_sqlite => Token::Quoted(self.up_to("]", 1)?.into()),
            ':' | '@' | '$' if is_sqlite && rest[1..].starts_with(is_in_word) => {
                self.at += 1;
                self.word();
                Token::Value
            }
            '$' if !is_sqlite => self.dollar()?,
            '0'..='9' => {
                // Its dot belongs to it, and so do the letters of `0xFF` and `1e5`.
                self.run(|char| char == '.' || is_in_word(char));
                Token::Value
            }
            _ if is_in_word(first) => self.word_or_prefix()?,
            _ => {
                self.at += first.len_utf8();
                Token::Sign(first)
            }
        };
        Ok(Some(token))
    }

    /// What the next token is, which stays the next.
    pub(super) fn peek(&self) -> Result<Option<Token<'a>>, Error> {
        self.clone().next()
    }

    /// The next token, of a text that cannot end here.
    pub(super) fn more(&mut self) -> Result<Token<'a>, Error> {
        self.next()?.ok_or_else(|| self.unreadable_here())
    }

    /// An error that says where: never what stands there, which may be a secret.
    pub(super) fn unreadable_here(&self) -> Error {
        let before = &self.sql[..self.at];
        let line = before.split('\n').count();
        let column = before.rsplit('\n').next().map_or(0, |line| line.chars().count());
        unreadable(format!("it does not parse at line {line}, column {column}"))
    }

    fn rest(&self) -> &'a str {
        &self.sql[self.at..]
    }

    fn skip_blanks(&mut self) -> Result<(), Error> {
        loop {
            let rest = self.rest();
            // Another blank of Unicode is a letter to both databases.
            let rest = rest.trim_start_matches(|char| matches!(char, ' ' | '\t'..='\r'));
            self.at = self.sql.len() - rest.len();
            if rest.starts_with("--") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.comment()?;
            } else {
                return Ok(());
            }
        }
    }

    /// Comments stand in each other in `PostgreSQL`; in `SQLite` the last one may be open.
    fn comment(&mut self) -> Result<(), Error> {
        let mut depth = 0_usize;
        loop {
            let rest = self.rest();
            let Some(found) = rest.find(['/', '*']) else {
                self.at = self.sql.len();
                let is_sqlite = self.kind == DatabaseKind::Sqlite;
                return if is_sqlite { Ok(()) } else { Err(self.unreadable_here()) };
            };
            let rest = &rest[found..];
            let opens = depth == 0 || self.kind == DatabaseKind::Postgres;
            if rest.starts_with("*/") {
                depth -= 1;
            } else if rest.starts_with("/*") && opens {
                depth += 1;
            } else {
                self.at += found + 1;
                continue;
            }
            self.at += found + 2;
            if depth == 0 {
                return Ok(());
            }
        }
    }

    /// What stands before the next `end`; `open` bytes come before it.
    fn up_to(&mut self, end: &str, open: usize) -> Result<&'a str, Error> {
        let rest = &self.rest()[open..];
        let length = rest.find(end).ok_or_else(|| self.unreadable_here())?;
        self.at += open + length + end.len();
        Ok(&rest[..length])
    }

    /// Between two quotes, of which two in a row are one that belongs to it.
    fn between(&mut self, quote: char) -> Result<&'a str, Error> {
        let start = self.at + 1;
        let rest = &self.sql[start..];
        let mut from = 0;
        loop {
            let end = from + rest[from..].find(quote).ok_or_else(|| self.unreadable_here())?;
            if rest[end + 1..].starts_with(quote) {
                from = end + 2;
            } else {
                self.at = start + end + 1;
                return Ok(&rest[..end]);
            }
        }
    }

    fn quoted(&mut self, quote: char) -> Result<Token<'a>, Error> {
        let name = self.between(quote)?;
        if !name.contains(quote) {
            return Ok(Token::Quoted(name.into()));
        }
        let two = [quote, quote].iter().collect::<String>();
        Ok(Token::Quoted(name.replace(&two, quote.encode_utf8(&mut [0; 4])).into()))
    }

    /// `$1`, or a string between two `$tag$`.
    fn dollar(&mut self) -> Result<Token<'a>, Error> {
        let rest = &self.rest()[1..];
        let tag = rest.find(|char| char == '$' || !is_in_word(char));
        match tag {
            Some(end)
                if rest[end..].starts_with('$')
                    && !rest.starts_with(|char: char| char.is_ascii_digit()) =>
            {
                let tag = &self.rest()[..end + 2];
                self.up_to(tag, tag.len()).map(Token::Text)
            }
            _ => {
                self.at += 1;
                self.word();
                Ok(Token::Value)
            }
        }
    }

    fn word(&mut self) -> &'a str {
        self.run(is_in_word)
    }

    fn run(&mut self, belongs: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let run = &rest[..rest.find(|char| !belongs(char)).unwrap_or(rest.len())];
        self.at += run.len();
        run
    }

    /// A word, or the string or name that it introduces: `E'..'` has escapes, which `U&".."` may have as well.
    fn word_or_prefix(&mut self) -> Result<Token<'a>, Error> {
        let word = self.word();
        let rest = self.rest();
        if self.kind == DatabaseKind::Sqlite {
            return Ok(Token::Word(word));
        }
        if word.eq_ignore_ascii_case("u") && rest.starts_with("&\"") {
            return Err(unreadable("it writes a name with Unicode escapes"));
        }
        if !word.eq_ignore_ascii_case("e") || !rest.starts_with('\'') {
            return Ok(Token::Word(word));
        }
        let mut chars = rest.char_indices().skip(1).peekable();
        while let Some((at, char)) = chars.next() {
            match char {
                '\\' => drop(chars.next()),
                '\'' if chars.next_if(|(_, next)| *next == '\'').is_none() => {
                    self.at += at + 1;
                    return Ok(Token::Text(&rest[1..at]));
                }
                _ => {}
            }
        }
        Err(self.unreadable_here())
    }
}

fn is_in_word(char: char) -> bool {
    char.is_ascii_alphanumeric() || matches!(char, '_' | '$') || !char.is_ascii()
}
