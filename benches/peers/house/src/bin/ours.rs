//! housekey with axum. `ours migrate` makes the tables of the house and ends.

use std::env;

use axum::Router;
use axum::routing::get;
use diesel::SqliteConnection;
use housekey::axum::HousekeyLayer;
use housekey::{Config, Error, Housekey, SecretKey, User};
use housekey_peers_house::{serve, variable};

#[tokio::main]
async fn main() -> Result<(), Error> {
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let key = SecretKey::new(variable("SECRET_KEY"))?;
    let config = Config::new(&variable("DATABASE"), &variable("LOCAL"), key)?.app_name("peers");
    if env::args().nth(1).as_deref() == Some("migrate") {
        return housekey::migrate(&config).map(drop);
    }
    let house = Housekey::<SqliteConnection>::open(cached(config))?;
    let whoami = get(|user: User| async move { user.username });
    serve(Router::new().route("/whoami", whoami).layer(HousekeyLayer::new(&house))).await;
    Ok(())
}

/// `CACHE` is how many sessions are kept in memory; without it there is no cache.
fn cached(config: Config) -> Config {
    match env::var("CACHE") {
        Ok(entries) => config.cache(entries.parse().expect("CACHE is a number")),
        Err(_) => config,
    }
}
