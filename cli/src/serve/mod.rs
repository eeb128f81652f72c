//! The front door: the ready-made pages as an app of their own.

mod app;
mod connections;
mod door;
mod supervisor;

use axum::Extension;
use axum::extract::ConnectInfo;
use housekey::{Config, HouseConnection, Housekey};
use serde_json::json;
use tokio::runtime::Runtime;

use crate::Failure;
use crate::args::Serve;
use crate::say::{Form, Report, shown};
use door::Door;
pub(crate) use door::Listen;

/// What is a setting of apps in general, and is known here.
pub(crate) fn default(setting: &str) -> Option<&'static str> {
    match setting {
        "APP_NAME" => Some("front"),
        "LOGIN_URL" => Some("/login"),
        _ => None,
    }
}

pub(crate) fn run(config: Config, wanted: &Serve, form: Form) -> Result<Report, Failure> {
    // `Config` has refused what is not compiled in.
    #[cfg(feature = "postgres")]
    if config.local_kind() == housekey::DatabaseKind::Postgres {
        return serve::<diesel::PgConnection>(config, wanted, form);
    }
    #[cfg(feature = "sqlite")]
    return serve::<diesel::SqliteConnection>(config, wanted, form);
    #[cfg(not(feature = "sqlite"))]
    unreachable!("Config refuses a SQLite database")
}

fn serve<L: HouseConnection>(
    config: Config,
    wanted: &Serve,
    form: Form,
) -> Result<Report, Failure> {
    let way = if config.knows_https() { Way::Https } else { Way::InTheClear };
    let house = Housekey::<L>::open(config)?;
    let name = house.app_name().to_owned();
    let runtime = Runtime::new()?;
    let served = runtime.block_on(listen(&house, wanted, way, form));
    // A database that hangs does not keep the process from its end.
    runtime.shutdown_background();
    served?;
    Ok(Report::fine(
        format!("{} has stopped", shown(&name)),
        json!({ "app": name, "stopped": true }),
    ))
}

/// How visitors come, as far as the settings tell.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Https,
    InTheClear,
}

async fn listen<L: HouseConnection>(
    house: &Housekey<L>,
    wanted: &Serve,
    way: Way,
    form: Form,
) -> Result<(), Failure> {
    let app = app::routes(house, wanted);
    let door = Door::open(&wanted.listen).await?;
    let stop = supervisor::stop()?;
    let address = door.address()?;
    if way == Way::InTheClear && door.is_reached_by_others()? {
        tracing::warn!(
            "others than this machine reach {address}, and no proxy tells of HTTPS: passwords can be read on the way; \
             listen at 127.0.0.1, behind a proxy that ends TLS, and set SECURE_PROXY_SSL_HEADER"
        );
    }
    let text = format!("{} listens at {address}", shown(house.app_name()));
    Report::fine(text, json!({ "app": house.app_name(), "address": address })).print(form);
    supervisor::ready();
    match door {
        Door::Tcp(door) => {
            let of_peer = |peer| app.clone().layer(Extension(ConnectInfo(peer)));
            connections::answer(door, of_peer, stop).await;
        }
        #[cfg(unix)]
        Door::Unix(door, path) => {
            connections::answer(door, |_| app.clone(), stop).await;
            // Without it the next start has to find out that nobody is there.
            let _ = std::fs::remove_file(path);
        }
    }
    Ok(())
}
