//! One more app of the house, on actix-web, and what it shows to whom.
//!
//!     cargo run --example actix_app
//!
//! It joins the house of `two_apps`: who signs in at one is signed in at all three. `--help` names the options.

mod options;
mod pages;
#[path = "../parts/mod.rs"]
mod parts;

use std::io;
use std::process::ExitCode;

use actix_web::{App, HttpServer, web};
use diesel::SqliteConnection;
use housekey::actix::HousekeyMiddleware;
use housekey::{Config, Housekey};

use options::Options;
use parts::folder::Folder;
use parts::people::People;
use parts::terminal::{self, Failure, no_port, say};

/// One app of the house, its local database a SQLite file.
type House = Housekey<SqliteConnection>;

#[actix_web::main]
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
    let config = Config::new(&shared_url, &folder.sqlite_url("billing"), folder.key()?)?
        .app_name("billing")
        .login_url("/account/login")
        .permissions(housekey::permissions! {
            "billing": Invoice { "approve_invoice" = "Can approve invoices" }
        });
    housekey::migrate(&config)?;
    let house = House::open(config)?;
    let people = People::of(&house, &folder).await?;

    let housekey = HousekeyMiddleware::new(&house);
    let house = web::Data::new(house);
    let app =
        move || App::new().app_data(house.clone()).configure(pages::routes).wrap(housekey.clone());
    let server = HttpServer::new(app)
        .workers(2)
        .bind(("127.0.0.1", options.port))
        .map_err(|error| no_port(options.port, "--port", &error))?;
    say(&welcome(server.addrs()[0].port(), &people));
    server.run().await?;
    Ok(())
}

fn welcome(port: u16, people: &People) -> String {
    format!(
        "billing  http://127.0.0.1:{port}/\n\
         \n\
         Two of its pages are for ada alone, who may do everything, until she gives others the right at\n\
         http://127.0.0.1:{port}/account/users. The users and their passwords:\n\
         \n\
         {people}\n\
         \n\
         The apps of two_apps are in the same house. Ctrl-C stops this one."
    )
}
