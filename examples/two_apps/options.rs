//! The command line.

use std::path::PathBuf;

use crate::parts::folder::Folder;
use crate::parts::terminal::Task;

pub(crate) const HELP: &str = "\
Two web apps with a database each, and one login for both.

    cargo run --example two_apps -- [OPTIONS]

    --shared URL    keep users and sessions there: postgres://… (with --features postgres),
                    sqlite:PATH or a path; house.db in the folder unless said otherwise
    --wrong-key     start the second app with another SECRET_KEY, to see it refuse
    --ports A,B     listen there (8001,8002); 0 is any free port
    --folder PATH   keep the databases, the key and the passwords there (target/house)
    --help          show this";

pub(crate) struct Options {
    pub(crate) shared: Option<String>,
    pub(crate) wrong_key: bool,
    pub(crate) ports: (u16, u16),
    pub(crate) folder: PathBuf,
}

impl Default for Options {
    fn default() -> Self {
        Self { shared: None, wrong_key: false, ports: (8001, 8002), folder: Folder::usual() }
    }
}

pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task<Options>, String> {
    let mut options = Options::default();
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} wants a value"));
        match name.as_str() {
            "--shared" => options.shared = Some(value()?),
            "--wrong-key" => options.wrong_key = true,
            "--ports" => options.ports = ports(&value()?)?,
            "--folder" => options.folder = value()?.into(),
            "--help" | "-h" => return Ok(Task::Help),
            _ => return Err(format!("unknown option `{name}`")),
        }
    }
    Ok(Task::Serve(options))
}

fn ports(text: &str) -> Result<(u16, u16), String> {
    let numbers = text.split_once(',').map(|(a, b)| (a.trim().parse(), b.trim().parse()));
    match numbers {
        Some((Ok(a), Ok(b))) => Ok((a, b)),
        _ => Err(format!("--ports wants two numbers like 8001,8002, not `{text}`")),
    }
}
