//! The app's own database, where users and sessions have no business.

use std::collections::BTreeSet;

use diesel::dsl::exists;
use diesel::prelude::*;

use super::{Finding, Findings, seen};
use crate::config::Config;
use crate::db::schema::{housekey_adoption, housekey_key};
use crate::db::{SharedConnection, SharedPool, migrate, on_shared};
use crate::error::Error;
use crate::place::Place;
use crate::session::store as sessions;
use crate::user::store as users;

const A_HOUSE: &str = "the local database is a house by itself";
const SWAPPED: &str = "see that DATABASE_URL and SHARED_DATABASE_URL are not swapped; what a house that has moved has left \
                       behind there may be deleted";

/// What an app is told at its start of a file of its own: a look into it costs nothing.
pub(crate) fn at_start(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    if config.local == config.shared || config.local.file().is_none() {
        return Ok(());
    }
    let local = SharedPool::new(Place::Local, &config.local, 1, config.deadline);
    match local.run(is_a_house) {
        Ok(true) if adopted_names(shared, config).unwrap_or_default().is_empty() => {
            tracing::warn!(app = config.app_name, "{A_HOUSE}; {SWAPPED}");
        }
        Err(Error::Database { source, .. }) if source.to_string() == "file is not a database" => {
            let problem =
                "names a file that is no SQLite database; correct it, or take the file away";
            return Err(Error::config(Place::Local.variable(), problem));
        }
        // It may be locked just now: whoever needs it is told.
        Ok(_) | Err(_) => {}
    }
    Ok(())
}

fn is_a_house(conn: &mut SharedConnection) -> QueryResult<bool> {
    Ok(migrate::table_exists(conn, "housekey_key")?
        && on_shared!(SharedConnection, conn, conn => {
            let keys = housekey_key::table.select(housekey_key::mark);
            diesel::select(exists(keys)).get_result(&mut **conn)?
        }))
}

pub(super) fn look(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    if config.local == config.shared {
        return Vec::new();
    }
    seen("local", look_at(shared, config))
}

fn look_at(shared: &SharedPool, config: &Config) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::about("local");
    if config.local.file().is_some_and(|file| !file.exists()) {
        return Ok(
            findings.unless_any("the local database (SQLite) is made when the app first opens it")
        );
    }
    let local = SharedPool::new(Place::Local, &config.local, 1, config.deadline);
    let (users, sessions) = local.run(|conn| {
        let has_users = migrate::table_exists(conn, "auth_user")?;
        let has_sessions = migrate::table_exists(conn, "django_session")?;
        let users = if has_users { users::names(conn)? } else { Vec::new() };
        Ok((users, if has_sessions { sessions::living(conn)? } else { 0 }))
    })?;
    if sessions > 0 {
        findings.wrong(
            format!("the local database keeps {sessions} living sessions: they are not shared"),
            "route `sessions` to the shared database beside `auth`, `contenttypes` and `admin` (docs/join-a-django-app.md); \
             sessions from before that may be deleted",
        );
    }
    // What is wrong with the house is told elsewhere.
    let adopted = adopted_names(shared, config).unwrap_or_default();
    if adopted.is_empty() && local.run(is_a_house)? {
        findings.warn(A_HOUSE, SWAPPED);
    }
    let strangers = users.iter().filter(|name| !adopted.contains(*name)).count();
    if strangers > 0 {
        findings.warn(
            format!(
                "the local database keeps {strangers} users of its own, who cannot sign in to the house"
            ),
            "let them join the house by `housekey adopt` (docs/adopt-an-app.md), and route `auth` to the shared database",
        );
    } else if !users.is_empty() {
        findings.ok(format!(
            "the {} users that the local database keeps have joined the house",
            users.len()
        ));
    }
    Ok(findings
        .unless_any(format!("the local database ({}) answers, and keeps no users", local.kind())))
}

/// The local names of those who have joined; none in a house that is older than its housekey.
fn adopted_names(shared: &SharedPool, config: &Config) -> Result<BTreeSet<String>, Error> {
    shared.run(|conn| {
        if !migrate::table_exists(conn, "housekey_adoption")? {
            return Ok(BTreeSet::new());
        }
        let names: Vec<String> = on_shared!(SharedConnection, conn, conn => {
            housekey_adoption::table
                .filter(housekey_adoption::app.eq(&config.app_name))
                .select(housekey_adoption::username)
                .load(&mut **conn)?
        });
        Ok(names.into_iter().collect())
    })
}
