//! Two databases behind one connection: pools, the router, and the shared tables.

#[cfg(feature = "postgres")]
mod any;
pub(crate) mod backend;
pub(crate) mod migrate;
mod held;
mod id;
#[cfg(feature = "postgres")]
mod null;
mod pool;
mod roles;
pub(crate) mod routed;
mod router;
#[expect(clippy::exhaustive_structs, reason = "`table!` makes them so")]
pub mod schema;
pub(crate) mod settings;
mod shared;
mod statement;
mod statements;
mod stats;
mod time;
pub(crate) mod wal;
mod watch;
#[cfg(any(feature = "sqlite", feature = "moving"))]
mod written;

use std::sync::Arc;

use diesel::result::QueryResult;

pub use backend::HouseConnection;
pub use migrate::AppliedStep;
pub use pool::Pooled;
#[cfg(test)]
pub(crate) use roles::shared_tables;
pub use roles::{Role, grants};
pub use routed::RoutedConnection;
pub use stats::{PoolStats, Stats};
pub use time::DjangoTime;

#[cfg(feature = "postgres")]
pub(crate) use any::AnyOf;
#[cfg(feature = "_async")]
pub(crate) use held::Held;
pub(crate) use id::DjangoId;
#[cfg(feature = "postgres")]
pub(crate) use null::Null;
pub(crate) use pool::FileIdentity;
use pool::Pool;
use routed::{Layout, Route, Routes};
use router::Router;
pub(crate) use shared::{SharedConnection, SharedPool, locked, on_shared};
#[cfg(feature = "moving")]
pub(crate) use time::Stamp;
pub(crate) use time::{DatabaseNow, InAMinute, Moment};
#[cfg(feature = "moving")]
pub(crate) use written::read_time;

use crate::config::Config;
use crate::error::Error;
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;

/// The databases of one app, and what is known about where its queries go.
pub(crate) struct Databases<L: HouseConnection> {
    pub(crate) shared: SharedPool,
    local: Pool<L>,
    pub(crate) routes: Routes,
}

impl<L: HouseConnection> Databases<L> {
    /// Opens nothing, but makes the file of a local SQLite database.
    pub(crate) fn new(config: &Config) -> Result<Arc<Self>, Error> {
        check_kind::<L>(&config.local)?;
        let shared = SharedPool::new(
            Place::Shared,
            &config.shared,
            config.shared_pool_size,
            config.deadline,
        );
        // The same URL twice is one database, and two pools of it would wait for each other.
        let same = L::pool_of(&shared).filter(|_| config.shared == config.local).cloned();
        if same.is_none() {
            create_file(Place::Local, &config.local)?;
        }
        let layout = if same.is_some() { Layout::OneDatabase } else { Layout::Two };
        let tables = Router::new(L::KIND, &config.shared_tables, &config.shared_prefixes);
        let routes = Routes::new(tables, layout, L::KIND, config.shared.kind());
        let local = same.unwrap_or_else(|| {
            Pool::new(Place::Local, &config.local, config.local_pool_size, config.deadline)
        });
        Ok(Arc::new(Self { shared, local, routes }))
    }

    pub(crate) fn get(&self, place: Place) -> Result<Pooled<L>, Error> {
        match place {
            Place::Local => self.local(),
            Place::Shared => self.shared_as(),
        }
    }

    /// Hands on what a statement of this route came to, and tells its pool of an error.
    fn noticing<T>(&self, route: &Route, result: QueryResult<T>) -> QueryResult<T> {
        if let Err(error) = &result {
            match (route.place, L::pool_of(&self.shared)) {
                (Place::Shared, Some(pool)) => pool.notice(error),
                _ => self.local.notice(error),
            }
        }
        result
    }

    pub(crate) fn local(&self) -> Result<Pooled<L>, Error> {
        self.local.get()
    }

    pub(crate) fn shared_as<C: HouseConnection>(&self) -> Result<Pooled<C>, Error> {
        let pool = C::pool_of(&self.shared).ok_or_else(|| Error::OtherKind {
            table: "what you ask for".to_owned(),
            shared: self.shared.kind(),
            local: C::KIND,
        })?;
        pool.get()
    }

    /// Finds out whether prepared statements may be kept, where that is not known.
    pub(crate) fn learn_way(&self) {
        self.shared.learn_way();
        self.local.learn_way();
    }

    pub(crate) fn stats(&self) -> Stats {
        let (routed, decided) = self.routes.counts();
        Stats { shared: self.shared.stats(), local: self.local.stats(), routed, decided }
    }
}

fn check_kind<L: HouseConnection>(url: &DatabaseUrl) -> Result<(), Error> {
    if url.kind() == L::KIND {
        return Ok(());
    }
    let connection = match url.kind() {
        DatabaseKind::Sqlite => "SqliteConnection",
        DatabaseKind::Postgres => "PgConnection",
    };
    Err(Error::config(
        Place::Local.variable(),
        format!(
            "is a {} database, but the app opens the house for {}; use Housekey::<{connection}> or \
             another URL",
            url.kind(),
            L::KIND
        ),
    ))
}

/// Makes the file of a SQLite database, for this user alone: whatever the umask says, nobody else
/// reads hashes and session keys in it.
pub(crate) fn create_file(place: Place, url: &DatabaseUrl) -> Result<(), Error> {
    let Some(path) = url.file() else { return Ok(()) };
    if path.exists() {
        return Ok(());
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&path).map(drop).map_err(|error| {
        let message = format!("the file cannot be made: {error}");
        Error::Unreachable { place, kind: url.kind(), source: url.redact(&message) }
    })
}
