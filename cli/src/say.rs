//! What a command has found: a text for people, or JSON for programs.

use std::io::Write as _;
use std::process::ExitCode;

use chrono::{DateTime, Utc};
use serde_json::{Value, json};

#[derive(Clone, Copy)]
pub(crate) enum Form {
    Text,
    Json,
}

pub(crate) struct Report {
    text: String,
    facts: Value,
    code: u8,
}

impl Report {
    pub(crate) fn fine(text: String, facts: Value) -> Self {
        Self { text, facts, code: 0 }
    }

    pub(crate) fn not_fine(text: String, facts: Value) -> Self {
        Self { text, facts, code: 1 }
    }

    pub(crate) fn broken(text: String, facts: Value) -> Self {
        Self { text, facts, code: 2 }
    }

    pub(crate) fn print(self, form: Form) -> ExitCode {
        let mut out = std::io::stdout().lock();
        let written = match form {
            Form::Text => writeln!(out, "{}", self.text),
            Form::Json => writeln!(out, "{}", self.facts),
        };
        match written {
            // Who reads no more, as `head`, wants no more.
            Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => {
                let _ = writeln!(
                    std::io::stderr(),
                    "error: what this command has to say could not be written ({error}); what it does it has \
                     done: look before you repeat it"
                );
                ExitCode::from(2)
            }
            _ => ExitCode::from(self.code),
        }
    }
}

pub(crate) fn utc(time: DateTime<Utc>) -> String {
    format!("{} UTC", time.format("%F %T"))
}

pub(crate) fn done(name: &str, what: &str) -> Report {
    Report::fine(format!("{} {what}", shown(name)), json!({ "name": name }))
}

/// A line of names.
pub(crate) fn listed(what: &str, names: &[String]) -> String {
    let names: Vec<String> = names.iter().map(|name| shown(name)).collect();
    let names = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
    format!("{what}: {names}")
}

/// An error with its causes, in one line.
pub(crate) fn told(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(error.source(), |cause| cause.source());
    shown(&causes.fold(error.to_string(), |told, cause| format!("{told}: {cause}")))
}

/// A name as a terminal may show it: what would move the cursor or turn the direction of writing is escaped.
pub(crate) fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for letter in text.chars() {
        if letter.is_control() || TURNING.contains(&letter) {
            shown.extend(letter.escape_unicode());
        } else {
            shown.push(letter);
        }
    }
    shown
}

/// A text of several lines, each as a terminal may show it.
pub(crate) fn lines(text: &str) -> String {
    text.lines().map(shown).collect::<Vec<_>>().join("\n")
}

/// Marks that hide or reorder what stands around them, and separators of lines.
const TURNING: [char; 13] = [
    '\u{200e}', '\u{200f}', '\u{2028}', '\u{2029}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
    '\u{202e}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}',
];
