//! A house to run the command line in.

use std::io::Write as _;
use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

pub(crate) const KEY: &str = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF";

/// A folder for a house, gone when the value is dropped.
pub(crate) struct Home(pub(crate) PathBuf);

impl Home {
    pub(crate) fn new(name: &str) -> Self {
        let folder =
            std::env::temp_dir().join(format!("housekey-cli-{}-{name}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        Self(folder)
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.run_with(KEY, arguments, "")
    }

    pub(crate) fn run_with(&self, key: &str, arguments: &[&str], input: &str) -> Output {
        self.run_in(&[("SECRET_KEY", key)], arguments, input)
    }

    /// With these settings; no output has a key of theirs in it.
    #[track_caller]
    pub(crate) fn run_in(
        &self,
        settings: &[(&str, &str)],
        arguments: &[&str],
        input: &str,
    ) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
        command.args(arguments).current_dir(&self.0).env_clear();
        command.env("SHARED_DATABASE_URL", "sqlite:house.db").env("PASSWORD_ITERATIONS", "10");
        command.env("APP_NAME", "operator").envs(settings.iter().copied());
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // A command that reads nothing may have ended already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = text(&output.stdout) + &text(&output.stderr);
        for (name, value) in settings.iter().filter(|(name, _)| name.starts_with("SECRET_KEY")) {
            let parts = value.split(['[', ']', '"', ',']).filter(|part| part.len() > 20);
            assert!(parts.into_iter().all(|key| !said.contains(key)), "{name} in: {said}");
        }
        output
    }

    /// What it prints, if it ends with this code.
    #[track_caller]
    pub(crate) fn says(&self, code: i32, arguments: &[&str], input: &str) -> String {
        let output = self.run_with(KEY, arguments, input);
        let (out, err) = (text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {out} {err}");
        if code == 2 { err } else { out }
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}
