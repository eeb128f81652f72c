//! `housekey`: keeps a house from the command line. All that it knows is in the library.
//!
//! Settings come from the environment, as those of an app; `DATABASE_URL` may be missing. Exit codes: 0 all is
//! well, 1 something is not as asked (a warning, no such user, no login), 2 an error.

mod adopt;
mod args;
mod ask;
mod checkup;
mod events;
mod groups;
mod init;
mod keys;
mod progress;
mod say;
mod serve;
mod sessions;
mod transfer;
mod users;

use std::io::{BufRead as _, IsTerminal as _, Read as _, Write as _};
use std::process::ExitCode;

use clap::Parser as _;
use housekey::{Caretaker, Config, Error};
use serde_json::json;

use args::{Args, Command};
use checkup::{migration_facts, migration_line};
use say::{Form, Report};

fn main() -> ExitCode {
    let args = Args::parse();
    tracing_subscriber::fmt().with_writer(std::io::stderr).without_time().init();
    let form = if args.json { Form::Json } else { Form::Text };
    match run(args.command, form) {
        Ok(report) => report.print(form),
        Err(error) if is_not_there(&*error) => {
            let told = say::told(&*error);
            Report::not_fine(told.clone(), json!({ "error": told })).print(form)
        }
        Err(error) => {
            let told = say::told(&*error);
            let _ = writeln!(std::io::stderr(), "error: {told}");
            if let Form::Json = form {
                return Report::broken(String::new(), json!({ "error": told })).print(form);
            }
            ExitCode::from(2)
        }
    }
}

/// What was asked for is not in the house: as the commands themselves say of a user.
fn is_not_there(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(error.downcast_ref(), Some(Error::Unknown { .. }))
}

/// An error of the library, or of what the command line does itself.
type Failure = Box<dyn std::error::Error>;

fn run(command: Command, form: Form) -> Result<Report, Failure> {
    Ok(match command {
        Command::Init { file, shared, local } => init::init(&file, shared, &local)?,
        Command::Key(command) => keys::run(&command)?,
        Command::App(command) => keys::apps(&open()?, &command)?,
        Command::Migrate { plan: true } => plan(&config()?)?,
        Command::Migrate { plan: false } => steps(&housekey::migrate(&config()?)?),
        Command::Adopt(wanted) => adopt::run(&Config::from_env()?, &wanted)?,
        Command::Status => checkup::status(&config()?, &open()?)?,
        Command::Check { against: None } => checkup::check(&config()?),
        Command::Check { against: Some(url) } => checkup::against(&config()?, &url)?,
        Command::Grants { role, name } => {
            let sql = housekey::grants(role, &name.unwrap_or_else(|| format!("housekey_{role}")))?;
            Report::fine(sql.clone(), json!({ "sql": sql }))
        }
        Command::Transfer(what) => transfer::run(&what)?,
        Command::Serve(wanted) => {
            let config = config_or(serve::default)?.without_local_database();
            serve::run(config, &wanted, form)?
        }
        Command::Why => why(&open()?)?,
        Command::Events(wanted) => events::list(&open()?, wanted)?,
        Command::Sessions(command) => sessions::run(&open()?, command)?,
        Command::Group(command) => groups::run(&open()?, command)?,
        Command::Permissions { label } => groups::permissions(&open()?, label.as_deref())?,
        Command::User(command) => users::run(&open()?, command)?,
    })
}

fn config() -> Result<Config, Error> {
    config_or(|_| None)
}

/// Only the shared database is needed here.
#[expect(clippy::disallowed_methods, reason = "the other database is wanted by apps, and not here")]
fn config_or(default: impl Fn(&str) -> Option<&'static str>) -> Result<Config, Error> {
    Config::from_env_or(|name| match name {
        "DATABASE_URL" => std::env::var("SHARED_DATABASE_URL").ok(),
        name => default(name).map(str::to_owned),
    })
}

fn open() -> Result<Caretaker, Error> {
    Caretaker::open(config()?)
}

/// What is there, and what is not yet.
fn plan(config: &Config) -> Result<Report, Error> {
    let (missing, applied) = (housekey::plan(config)?, housekey::applied(config)?);
    let lines = applied.iter().map(migration_line);
    let lines = lines.chain(missing.iter().map(|step| format!("would apply {step}")));
    let text = lines.collect::<Vec<_>>().join("\n");
    let applied: Vec<_> = applied.iter().map(migration_facts).collect();
    Ok(Report::fine(text, json!({ "steps": missing, "applied": applied })))
}

fn steps(steps: &[String]) -> Report {
    let lines: Vec<String> = steps.iter().map(|step| format!("applied {step}")).collect();
    let text = if lines.is_empty() {
        "the shared database has all migrations".to_owned()
    } else {
        lines.join("\n")
    };
    Report::fine(text, json!({ "steps": steps }))
}

/// No server takes more.
const MOST_OF_A_HEADER: u64 = 64 * 1024;

/// The header comes by standard input: an argument would be seen by everybody on the machine.
fn why(house: &Caretaker) -> Result<Report, Failure> {
    let mut cookies = Vec::new();
    if std::io::stdin().is_terminal() {
        eprint!("The Cookie header of a request, in one line: ");
        std::io::stdin().lock().take(MOST_OF_A_HEADER).read_until(b'\n', &mut cookies)?;
    } else {
        std::io::stdin().take(MOST_OF_A_HEADER).read_to_end(&mut cookies)?;
    }
    let why = house.why(&String::from_utf8_lossy(&cookies))?;
    let facts = json!({
        "facts": why.facts, "user": why.verdict.as_ref().ok(), "reason": why.verdict.as_ref().err(),
    });
    let mut plain = why.clone();
    plain.facts.iter_mut().for_each(|fact| *fact = say::shown(fact));
    plain.verdict = plain.verdict.map_err(|reason| say::shown(&reason));
    let text = plain.to_string();
    Ok(if why.verdict.is_ok() { Report::fine(text, facts) } else { Report::not_fine(text, facts) })
}
