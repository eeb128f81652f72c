//! The app's own database, where users and sessions have no business.

use super::{Finding, Findings, seen};
use crate::config::Config;
use crate::db::{SharedPool, migrate};
use crate::error::Error;
use crate::place::Place;
use crate::session::store as sessions;
use crate::user::store as users;

pub(super) fn look(config: &Config) -> Vec<Finding> {
    if config.local == config.shared {
        return Vec::new();
    }
    seen("local", look_at(config))
}

fn look_at(config: &Config) -> Result<Vec<Finding>, Error> {
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
        let users = if has_users { users::count(conn)? } else { 0 };
        Ok((users, if has_sessions { sessions::living(conn)? } else { 0 }))
    })?;
    if sessions > 0 {
        findings.wrong(
            format!("the local database keeps {sessions} living sessions: they are not shared"),
            "route `sessions` to the shared database beside `auth`, `contenttypes` and `admin` (docs/join-a-django-app.md); \
             sessions from before that may be deleted",
        );
    }
    if users > 0 {
        findings.warn(
            format!(
                "the local database keeps {users} users of its own, who cannot sign in to the house"
            ),
            "route `auth` to the shared database, and make those users there",
        );
    }
    Ok(findings
        .unless_any(format!("the local database ({}) answers, and keeps no users", local.kind())))
}
