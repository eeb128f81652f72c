//! The command line.

use std::path::PathBuf;

use crate::parts::folder::Folder;
use crate::parts::terminal::Task;

pub(crate) const HELP: &str = "\
An app on actix-web, in one house with the apps of two_apps.

    cargo run --example actix_app -- [OPTIONS]

    --shared URL    keep users and sessions there: postgres://… (with --features postgres),
                    sqlite:PATH or a path; house.db in the folder unless said otherwise
    --port PORT     listen there (8003); 0 is any free port
    --folder PATH   keep the databases, the key and the passwords there (target/house)
    --help          show this";

pub(crate) struct Options {
    pub(crate) shared: Option<String>,
    pub(crate) port: u16,
    pub(crate) folder: PathBuf,
}

pub(crate) fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Task<Options>, String> {
    let mut options = Options { shared: None, port: 8003, folder: Folder::usual() };
    while let Some(name) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{name} wants a value"));
        match name.as_str() {
            "--shared" => options.shared = Some(value()?),
            "--port" => {
                let port = value()?;
                let why = || format!("--port wants a number like 8003, not `{port}`");
                options.port = port.parse().map_err(|_| why())?;
            }
            "--folder" => options.folder = value()?.into(),
            "--help" | "-h" => return Ok(Task::Help),
            _ => return Err(format!("unknown option `{name}`")),
        }
    }
    Ok(Task::Serve(options))
}
