//! What is asked of whoever sits at the terminal.

use std::io::{BufRead as _, IsTerminal as _};

use crate::Failure;

/// Asked for twice without an echo, or the first line of standard input; never an argument, which everybody on
/// the machine could read.
pub(crate) fn new_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        return if password.is_empty() {
            Err("no password on standard input".into())
        } else {
            Ok(password)
        };
    }
    let password = rpassword::prompt_password("Password: ")?;
    if password.is_empty() || rpassword::prompt_password("Password (again): ")? != password {
        return Err("the passwords are empty or not the same; nothing is changed".into());
    }
    Ok(password)
}

/// Tells what is about to happen, and waits for a "yes".
pub(crate) fn confirm(warning: &str) -> Result<bool, Failure> {
    if !std::io::stdin().is_terminal() {
        return Err("standard input is no terminal to ask on; say --yes, nothing is changed".into());
    }
    eprint!("{warning}\nType yes to go on: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim() == "yes")
}
