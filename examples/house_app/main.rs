//! One app of the house: a small JSON service with notes of its own, on axum.
//!
//! Its settings come from the environment: those of `housekey::Config::from_env`, and `LISTEN`.
//!
//! ```text
//! SHARED_DATABASE_URL=house.db DATABASE_URL=notes.db SECRET_KEY=… \
//!     cargo run --example house_app --all-features -- --migrate
//! ```

#![expect(clippy::print_stdout, reason = "a program says where it listens")]

mod answer;
mod input;
mod notes;
mod pages;

use std::error::Error as StdError;
use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Duration;

use diesel::connection::SimpleConnection;
#[cfg(feature = "postgres")]
use housekey::DatabaseKind;
use housekey::{Config, Housekey};

use notes::Notes;

/// How long requests under way may take to end when the app is told to stop.
const GRACE: Duration = Duration::from_secs(1);

fn main() -> ExitCode {
    // What the library has to say: a row of another key, a form without its token.
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    match start() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {}", with_causes(&*error));
            ExitCode::FAILURE
        }
    }
}

/// The error and what it came from, on one line.
fn with_causes(error: &dyn StdError) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line = format!("{line}: {error}");
        cause = error.source();
    }
    line.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn start() -> Result<(), Box<dyn StdError>> {
    let config = Config::from_env()?;
    match std::env::args_os().nth(1) {
        None => {}
        Some(argument) if argument == "--migrate" => report(&housekey::migrate(&config)?),
        Some(_) => return Err("the only argument is --migrate; settings are variables".into()),
    }
    // `Config` has refused what is not compiled in.
    #[cfg(feature = "postgres")]
    if config.local_kind() == DatabaseKind::Postgres {
        return run::<diesel::PgConnection>(config);
    }
    #[cfg(feature = "sqlite")]
    return run::<diesel::SqliteConnection>(config);
    #[cfg(not(feature = "sqlite"))]
    unreachable!("Config refuses a SQLite database")
}

#[expect(clippy::disallowed_methods, reason = "what Config::from_env does not read or tell")]
fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|value| !value.is_empty())
}

/// On standard error: the only line on standard output is the address.
fn report(applied: &[String]) {
    if applied.is_empty() {
        eprintln!("the shared database has all migrations");
    }
    for step in applied {
        eprintln!("applied the shared migration {step}");
    }
}

fn run<L: Notes>(config: Config) -> Result<(), Box<dyn StdError>> {
    let house = Housekey::<L>::open(config)?;
    house.local()?.batch_execute(L::CREATE_TABLE)?;
    let runtime = tokio::runtime::Runtime::new()?;
    let served = runtime.block_on(serve(house));
    // A database that hangs does not keep the app from stopping.
    runtime.shutdown_background();
    served
}

async fn serve<L: Notes>(house: Housekey<L>) -> Result<(), Box<dyn StdError>> {
    let address = variable("LISTEN").unwrap_or_else(|| "127.0.0.1:8001".to_owned());
    let listener = tokio::net::TcpListener::bind(&address).await.map_err(|error| {
        format!("LISTEN cannot be used ({error}); set a free address like 127.0.0.1:8001")
    })?;
    let (mut stop, mut stop_at_once) = (StopSignal::new()?, StopSignal::new()?);
    println!("house_app `{}` serves http://{}/", house.app_name(), listener.local_addr()?);
    // With the addresses of the visitors, for the list of a user's sessions.
    let routes = pages::routes(house).into_make_service_with_connect_info::<SocketAddr>();
    let server =
        axum::serve(listener, routes).with_graceful_shutdown(async move { stop.received().await });
    tokio::select! {
        ended = server => Ok(ended?),
        () = async { stop_at_once.received().await; tokio::time::sleep(GRACE).await } => Ok(()),
    }
}

/// SIGTERM, where there is such a thing, or Ctrl-C.
struct StopSignal {
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
}

impl StopSignal {
    fn new() -> std::io::Result<Self> {
        Ok(Self {
            #[cfg(unix)]
            terminate: tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate())?,
        })
    }

    async fn received(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
        #[cfg(not(unix))]
        let _ = tokio::signal::ctrl_c().await;
    }
}
