//! A real Django as another process: `tests/django/live.py` in one of the venvs that `scripts/test` makes.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{Home, KEY, skip};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    V4_2,
    V5_2,
}

impl Version {
    /// A program of `tests/django`, ready to run; `None` when this Django is not here.
    pub(crate) fn command(self, program: &str) -> Option<Command> {
        let (variable, name) = match self {
            Self::V4_2 => ("HOUSEKEY_TEST_PYTHON_4_2", "Django 4.2"),
            Self::V5_2 => ("HOUSEKEY_TEST_PYTHON", "Django 5.2"),
        };
        let Ok(python) = std::env::var(variable) else {
            skip(name);
            return None;
        };
        let programs = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/django");
        let mut command = Command::new(python);
        command.arg(programs.join(program)).env("PYTHONDONTWRITEBYTECODE", "1");
        Some(command)
    }
}

pub(crate) struct Django {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Django {
    /// A Django with the key of the house; `None` when there is none to test with.
    pub(crate) fn start(home: &Home) -> Option<Self> {
        Self::start_version(home, Version::V5_2)
    }

    pub(crate) fn start_version(home: &Home, version: Version) -> Option<Self> {
        let mut child = version
            .command("live.py")?
            .env("SHARED_DATABASE_URL", home.shared_url())
            .env("SECRET_KEY", KEY)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let orders = child.stdin.take().unwrap();
        let answers = BufReader::new(child.stdout.take().unwrap());
        Some(Self { child, orders, answers })
    }

    /// Calls a function of `live.py` with these arguments.
    pub(crate) fn call(&mut self, function: &str, mut arguments: Value) -> Value {
        arguments["do"] = json!(function);
        writeln!(self.orders, "{arguments}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        assert!(!answer.is_empty(), "Django ended at {function}; see its words above");
        serde_json::from_str(&answer).unwrap()
    }

    pub(crate) fn text(&mut self, function: &str, arguments: Value) -> String {
        self.call(function, arguments).as_str().unwrap().to_owned()
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
