//! An example as a running program, with its folder in a home of the tests.

use std::collections::HashMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use super::{Home, example};

/// It is gone when the value is dropped.
pub(crate) struct Program {
    pub(crate) child: Child,
    /// The addresses of its apps, by their names.
    urls: HashMap<String, String>,
    /// Passwords, by the names of the users.
    pub(crate) users: HashMap<String, String>,
}

impl Program {
    /// Waits until it has told where its apps are, and who its two users.
    pub(crate) fn start(command: &mut Command, apps: &[&str]) -> Self {
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        // From here on a panic ends the program too.
        let mut program = Self { child, urls: HashMap::new(), users: HashMap::new() };
        let lines = BufReader::new(program.child.stdout.as_mut().unwrap()).lines();
        for line in lines.map_while(Result::ok).take_while(|line| !line.contains("Ctrl-C")) {
            let Some((name, told)) = line.split_once("  ") else { continue };
            let known = if apps.contains(&name) { &mut program.urls } else { &mut program.users };
            known.insert(name.to_owned(), told.to_owned());
        }
        assert_eq!(program.users.len(), 2, "the program has not started");
        program
    }

    pub(crate) fn url(&self, app: &str) -> String {
        self.urls[app].clone()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The folder that the apps of the examples share.
pub(crate) fn folder(home: &Home) -> PathBuf {
    home.folder().join("two_apps")
}

/// On any free ports, which the option names.
pub(crate) fn command(name: &str, ports: [&str; 2], arguments: &[&str], folder: &Path) -> Command {
    let mut command = Command::new(example(name));
    command.args(ports).arg("--folder").arg(folder).args(arguments);
    command
}

/// For a start that is to end by itself.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}
