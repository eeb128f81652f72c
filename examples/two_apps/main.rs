//! Two web apps, each with a database of its own, and one login for both.
//!
//!     cargo run --example two_apps
//!
//! Sign in at either address that it prints, then open the other one. `--help` names what else it shows.

mod app;
mod entries;
mod options;
mod page;
#[path = "../parts/mod.rs"]
mod parts;

use std::io;
use std::process::ExitCode;

use diesel::SqliteConnection;
use housekey::{Config, Housekey, SecretKey};
use tokio::net::TcpListener;

use app::{About, App};
use options::Options;
use parts::folder::Folder;
use parts::page::Look;
use parts::people::People;
use parts::terminal::{self, Failure, no_port, say};

/// One app of the house, its local database a SQLite file.
type House = Housekey<SqliteConnection>;

static NOTES: About = About {
    look: Look { name: "notes", color: "#1d4ed8", color_in_the_dark: "#93b4ff" },
    entry: "note",
    purpose: "Short notes, for you alone.",
};
static TASKS: About = About {
    look: Look { name: "tasks", color: "#166a3f", color_in_the_dark: "#7fd6a4" },
    entry: "task",
    purpose: "What you want to get done.",
};

#[tokio::main]
async fn main() -> ExitCode {
    // What the library has to say: a row of another key, a form without its token.
    tracing_subscriber::fmt().with_writer(io::stderr).init();
    match terminal::options(options::parse(std::env::args().skip(1)), options::HELP) {
        Ok(options) => terminal::ended(run(&options).await),
        Err(ended) => ended,
    }
}

async fn run(options: &Options) -> Result<(), Failure> {
    let folder = Folder::open(&options.folder)?;
    let shared_url = options.shared.clone().unwrap_or_else(|| folder.sqlite_url("house"));
    let key = folder.key()?;

    let notes = open(&NOTES, &shared_url, &folder, key.clone())?;
    let tasks = open(&TASKS, &shared_url, &folder, tasks_key(options, key)?)?;

    let notes_door = listen(options.ports.0).await?;
    let tasks_door = listen(options.ports.1).await?;
    let notes_port = notes_door.local_addr()?.port();
    let tasks_port = tasks_door.local_addr()?.port();

    let people = People::of(&notes, &folder).await?;
    say(&welcome(notes_port, tasks_port, &people));

    let notes = App { house: notes, about: &NOTES, other: &TASKS, other_port: tasks_port };
    let tasks = App { house: tasks, about: &TASKS, other: &NOTES, other_port: notes_port };
    tokio::try_join!(serve(notes_door, notes), serve(tasks_door, tasks))?;
    Ok(())
}

/// Opens one of the apps. The first to come makes the tables of the house and registers its key.
fn open(
    about: &About,
    shared_url: &str,
    folder: &Folder,
    key: SecretKey,
) -> Result<House, housekey::Error> {
    let config = Config::new(shared_url, &folder.sqlite_url(about.look.name), key)?
        .app_name(about.look.name)
        .login_url("/account/login");
    housekey::migrate(&config)?;
    let house = House::open(config)?;
    entries::create_table(&house)?;
    Ok(house)
}

/// The key of the house, unless we are to show what another one does.
fn tasks_key(options: &Options, key: SecretKey) -> Result<SecretKey, housekey::Error> {
    if !options.wrong_key {
        return Ok(key);
    }
    say("--wrong-key: `tasks` is now started with another SECRET_KEY than `notes`, on purpose.");
    Ok(SecretKey::new(housekey::key::generate())?)
}

async fn listen(port: u16) -> Result<TcpListener, Failure> {
    let door = TcpListener::bind(("127.0.0.1", port)).await;
    door.map_err(|error| no_port(port, "--ports", &error))
}

/// Answers requests until Ctrl-C.
async fn serve(door: TcpListener, app: App) -> io::Result<()> {
    let stop = async {
        // Without a handler for it, Ctrl-C ends the process all the same.
        let _ = tokio::signal::ctrl_c().await;
    };
    // With the addresses of the visitors, for the list of a user's sessions.
    let routes = app.router().into_make_service_with_connect_info::<std::net::SocketAddr>();
    axum::serve(door, routes).with_graceful_shutdown(stop).await
}

fn welcome(notes_port: u16, tasks_port: u16, people: &People) -> String {
    format!(
        "notes  http://127.0.0.1:{notes_port}/\n\
         tasks  http://127.0.0.1:{tasks_port}/\n\
         \n\
         Sign in at one, and open the other. ada may do everything: her account leads to the users and groups\n\
         of the house. The users and their passwords:\n\
         \n\
         {people}\n\
         \n\
         Ctrl-C stops both."
    )
}
