//! Rows of `housekey_app`: which apps the house has seen, on which hosts.

use std::fs;
use std::process::{Command, Stdio};
use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Profile;
use crate::config::Config;
use crate::db::schema::housekey_app;
use crate::db::{Moment, SharedConnection, on_shared};

const LONGEST_HOST: usize = 100;

/// How far back the house looks for its apps.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(housekey::Seen::default().0, Duration::from_secs(7 * 24 * 3600));
/// ```
#[expect(clippy::exhaustive_structs, reason = "a span of time and nothing else")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Seen(
    /// An app that was not there for longer is taken for gone.
    pub Duration,
);

impl Seen {
    /// Those that are there now: apps report once an hour.
    pub(crate) const NOW: Self = Self(Duration::from_secs(2 * 3600));
}

impl Default for Seen {
    /// A week.
    fn default() -> Self {
        Self(Duration::from_secs(7 * 24 * 3600))
    }
}

/// An app on one host, as it was when it opened the house last.
///
/// ```
/// fn show(app: &housekey::Instance) -> String {
///     format!("{} on {} signs with {:?}", app.app, app.host, app.profile.signs_with())
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// `APP_NAME`
    pub app: String,
    /// The machine it runs on.
    pub host: String,
    /// When it came first.
    pub first_seen: DateTime<Utc>,
    /// When it was there last, within an hour.
    pub last_seen: DateTime<Utc>,
    /// What it has told of itself.
    pub profile: Profile,
}

/// The name of this machine: Linux has it as a file (proc(5)), the others have a command.
pub(crate) fn host() -> String {
    let told = || Command::new("hostname").stdin(Stdio::null()).output().map(|told| told.stdout);
    let name = fs::read("/proc/sys/kernel/hostname").or_else(|_| told()).unwrap_or_default();
    String::from_utf8_lossy(&name).trim().chars().take(LONGEST_HOST).collect()
}

/// Writes down that this app is here, and with which settings.
pub(crate) fn register(conn: &mut SharedConnection, config: &Config) -> QueryResult<()> {
    let (host, facts) = (host(), Profile::of(config).to_json());
    on_shared!(SharedConnection, conn, conn => {
        let known = housekey_app::table.find((&config.app_name, &host));
        let rows = diesel::update(known)
            .set((housekey_app::facts.eq(&facts), housekey_app::last_seen.eq(Moment::Now)))
            .execute(&mut **conn)?;
        if rows == 0 {
            diesel::insert_into(housekey_app::table)
                .values((
                    housekey_app::app.eq(&config.app_name),
                    housekey_app::host.eq(&host),
                    housekey_app::facts.eq(&facts),
                    housekey_app::first_seen.eq(Moment::Now),
                    housekey_app::last_seen.eq(Moment::Now),
                ))
                .execute(&mut **conn)?;
        }
        Ok(())
    })
}

/// The apps that were there lately, by name and host.
pub(crate) fn seen(conn: &mut SharedConnection, within: Seen) -> QueryResult<Vec<Instance>> {
    type Row = (String, String, String, DateTime<Utc>, DateTime<Utc>);
    let since = Moment::after(-within.0.as_secs_f64());
    let rows: Vec<Row> = on_shared!(SharedConnection, conn, conn => {
        housekey_app::table
            .filter(housekey_app::last_seen.ge(since))
            .order((housekey_app::app, housekey_app::host))
            .load(&mut **conn)?
    });
    Ok(rows
        .into_iter()
        .map(|(app, host, facts, first_seen, last_seen)| {
            let profile = Profile::from_json(&facts).unwrap_or_default();
            Instance { app, host, first_seen, last_seen, profile }
        })
        .collect())
}

/// Apps on hosts that were not there for three months, as containers leave them.
pub(crate) fn forget_the_gone(conn: &mut SharedConnection) -> QueryResult<()> {
    const THREE_MONTHS: Moment = Moment::In(-90.0 * 86_400.0);
    on_shared!(SharedConnection, conn, conn => {
        let gone = housekey_app::table.filter(housekey_app::last_seen.lt(THREE_MONTHS));
        diesel::delete(gone).execute(&mut **conn).map(drop)
    })
}

/// Forgets an app that is no more, on all hosts or on one, and says of how many hosts that was.
pub(crate) fn forget(
    conn: &mut SharedConnection,
    app: &str,
    host: Option<&str>,
) -> QueryResult<usize> {
    on_shared!(SharedConnection, conn, conn => {
        let of_app = housekey_app::table.filter(housekey_app::app.eq(app));
        match host {
            None => diesel::delete(of_app).execute(&mut **conn),
            Some(host) => {
                diesel::delete(of_app.filter(housekey_app::host.eq(host))).execute(&mut **conn)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_is_known_by_the_name_that_the_system_has() {
        let told = Command::new("uname").arg("-n").output().unwrap();
        assert_eq!(host(), String::from_utf8(told.stdout).unwrap().trim_end());
    }
}
