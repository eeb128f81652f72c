//! A real Django as another process: `tests/django/live.py` in the venv that `scripts/test` makes.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

use super::{Home, KEY, skip};

pub(crate) struct Django {
    child: Child,
    orders: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Django {
    /// A Django with the key of the house; `None` when there is none to test with.
    pub(crate) fn start(home: &Home) -> Option<Self> {
        let Ok(python) = std::env::var("HOUSEKEY_TEST_PYTHON") else {
            skip("Django");
            return None;
        };
        let mut child = Command::new(python)
            .arg(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/live.py"))
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
