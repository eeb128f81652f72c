//! What must be true before an app may write into the house: the tables are there, and its key is the
//! house's. And what had better be true: `warnings`.

mod warnings;

use diesel::prelude::*;

use crate::config::Config;
use crate::db::schema::housekey_key;
use crate::db::{Moment, SharedConnection, SharedPool, migrate, on_shared};
use crate::error::Error;
use crate::key::{Fingerprint, KeyRing};
use crate::session::{self, SessionKey};
pub use warnings::Warning;
pub(crate) use warnings::{tell, warnings};

/// A key that an app of the house has registered.
struct Registered {
    fingerprint: String,
    app: String,
}

/// What the registry says of this app's keys.
enum Standing {
    Known,
    /// The first key of the house, or a new one of an app that also has an old one.
    New,
    Foreign(Registered),
}

/// The tables of this version are there, and the look-up of a session can be made on them.
pub(crate) fn tables(shared: &SharedPool) -> Result<(), Error> {
    let missing = migrate::missing(shared)?;
    if !missing.is_empty() {
        return Err(Error::MigrationsMissing { missing });
    }
    session::store::find(shared, &SessionKey::of_nobody()).map(drop)
}

/// The app's key is one that the house knows; the first app to come registers its own.
pub(crate) fn key(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    if !(1..=100).contains(&config.app_name.chars().count()) {
        return Err(Error::config("APP_NAME", "must have 1 to 100 characters; give another name"));
    }
    let keys = &config.keys;
    let registered = shared.run(registry)?;
    match standing(keys, registered) {
        Standing::Known => Ok(()),
        Standing::Foreign(house) => Err(mismatch(config, house)),
        Standing::New => shared.write(|conn| {
            // Between the look and the lock another app may have come first.
            migrate::lock(conn)?;
            match standing(keys, registry(conn)?) {
                Standing::Known => Ok(()),
                Standing::Foreign(house) => Err(mismatch(config, house)),
                Standing::New => Ok(register(conn, keys.current().fingerprint(), config)?),
            }
        }),
    }
}

fn standing(keys: &KeyRing, registered: Vec<Registered>) -> Standing {
    let is_registered =
        |ours: Fingerprint| registered.iter().any(|key| key.fingerprint == ours.to_string());
    if is_registered(keys.current().fingerprint()) {
        return Standing::Known;
    }
    if keys.fingerprints().any(is_registered) {
        return Standing::New;
    }
    registered.into_iter().next().map_or(Standing::New, Standing::Foreign)
}

fn mismatch(config: &Config, house: Registered) -> Error {
    Error::KeyMismatch {
        app: config.app_name.clone(),
        ours: config.keys.current().fingerprint(),
        house: house.fingerprint,
        registered_by: house.app,
    }
}

/// All keys of the house, the newest first.
fn registry(conn: &mut SharedConnection) -> QueryResult<Vec<Registered>> {
    let rows: Vec<(String, String)> = on_shared!(SharedConnection, conn, conn => {
        housekey_key::table
            .order(housekey_key::first_seen.desc())
            .select((housekey_key::fingerprint, housekey_key::app))
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().map(|(fingerprint, app)| Registered { fingerprint, app }).collect())
}

fn register(conn: &mut SharedConnection, key: Fingerprint, config: &Config) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(housekey_key::table)
            .values((
                housekey_key::fingerprint.eq(key.to_string()),
                housekey_key::app.eq(&config.app_name),
                housekey_key::first_seen.eq(Moment::Now),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}
