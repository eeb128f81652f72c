//! The least that an app with users on SQLite is: its build is what is measured.

use axum::Router;
use axum::routing::get;
use diesel::SqliteConnection;
use housekey::axum::HousekeyLayer;
use housekey::{Config, Housekey, User};
use tokio::net::TcpListener;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
    let whoami = get(|user: User| async move { user.username });
    let router = Router::new().route("/whoami", whoami).layer(HousekeyLayer::new(&house));
    axum::serve(TcpListener::bind("127.0.0.1:3000").await?, router).await?;
    Ok(())
}
