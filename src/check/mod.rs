//! What must be true so that a login in one app of the house is a login in all, each condition with what was
//! found and what to do.

mod database;
mod fleet;
mod guest;
mod keys;
mod local;
mod models;
mod passwords;
mod sessions;

use std::fmt;

use crate::config::Config;
use crate::db::{SharedPool, migrate};
use crate::error::Error;
use crate::place::Place;
use crate::registry::{self, Profile};
use crate::session::SessionKey;
use crate::session::find::{Wanted, find};
pub(crate) use local::at_start;

/// How bad a [`Finding`] is.
///
/// ```
/// assert!(housekey::Level::Error > housekey::Level::Ok);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are three, and `match` on them is the point")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    /// It is as it should be.
    Ok,
    /// Logins are shared, and something will trouble the users or the house.
    Warning,
    /// A login in one app is not a login in all.
    Error,
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        })
    }
}

/// One condition of a house, from [`check`](crate::check): a fact, and what to do about it.
///
/// ```
/// fn show(findings: &[housekey::Finding]) {
///     for finding in findings {
///         println!("{finding}"); // warning: the fact; the remedy
///     }
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How bad it is.
    pub level: Level,
    /// What it is about: `key`, `cookies`, `sessions` ...
    pub topic: &'static str,
    /// What was seen.
    pub fact: String,
    /// What to do about it; empty when all is well.
    pub remedy: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.level, self.fact)?;
        if self.remedy.is_empty() { Ok(()) } else { write!(f, "; {}", self.remedy) }
    }
}

/// The findings of one topic, as they are collected.
pub(crate) struct Findings {
    topic: &'static str,
    found: Vec<Finding>,
}

impl Findings {
    fn about(topic: &'static str) -> Self {
        Self { topic, found: Vec::new() }
    }

    fn put(&mut self, level: Level, fact: impl Into<String>, remedy: impl Into<String>) {
        let (fact, remedy) = (fact.into(), remedy.into());
        self.found.push(Finding { level, topic: self.topic, fact, remedy });
    }

    fn ok(&mut self, fact: impl Into<String>) {
        self.put(Level::Ok, fact, "");
    }

    fn warn(&mut self, fact: impl Into<String>, remedy: impl Into<String>) {
        self.put(Level::Warning, fact, remedy);
    }

    fn wrong(&mut self, fact: impl Into<String>, remedy: impl Into<String>) {
        self.put(Level::Error, fact, remedy);
    }

    /// An error's text names its remedy already.
    fn failed(&mut self, error: &Error) {
        self.wrong(format!("{error:?}"), "");
    }

    /// When nothing is to be said but that.
    fn unless_any(mut self, fact: impl Into<String>) -> Vec<Finding> {
        if self.found.is_empty() {
            self.ok(fact);
        }
        self.found
    }
}

/// What was found in a house, from [`check`](crate::check): conditions, in the order in which one depends on
/// another.
///
/// ```
/// fn exit_code(checkup: &housekey::Checkup) -> i32 {
///     i32::from(!checkup.is_well())
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Checkup {
    /// All of them, also what is well.
    pub findings: Vec<Finding>,
}

impl Checkup {
    /// Is there nothing to do?
    ///
    /// ```
    /// assert!(housekey::Checkup::default().is_well());
    /// ```
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.worst() == Level::Ok
    }

    /// How bad the worst finding is.
    ///
    /// ```
    /// assert_eq!(housekey::Checkup::default().worst(), housekey::Level::Ok);
    /// ```
    #[must_use]
    pub fn worst(&self) -> Level {
        self.findings.iter().map(|finding| finding.level).max().unwrap_or(Level::Ok)
    }

    /// What there is to do: the warnings and the errors.
    ///
    /// ```
    /// assert_eq!(housekey::Checkup::default().troubles().count(), 0);
    /// ```
    pub fn troubles(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| finding.level > Level::Ok)
    }
}

/// Looks over a house with the settings of one of its apps: databases, migrations, keys, cookies, passwords,
/// sessions, permissions. It changes nothing, and finds out what it can when something is broken.
///
/// Rows are looked at in samples: the newest 200 users, and the 200 sessions that last longest.
///
/// ```no_run
/// let checkup = housekey::check(&housekey::Config::from_env()?);
/// for trouble in checkup.troubles() {
///     println!("{trouble}");
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
#[must_use]
pub fn check(config: &Config) -> Checkup {
    let shared = SharedPool::new(Place::Shared, &config.shared, 1, config.deadline);
    look_over(&shared, config)
}

/// Compares the document that an app serves with the house: is a login there a login here?
///
/// ```no_run
/// # fn with(document: &str) -> Result<(), housekey::Error> {
/// let config = housekey::Config::from_env()?;
/// if let Some(profile) = housekey::Profile::from_json(document) {
///     let is_one_of_us = housekey::check_against(&config, &profile).is_well();
/// }
/// # Ok(())
/// # }
/// ```
#[must_use]
pub fn check_against(config: &Config, profile: &Profile) -> Checkup {
    let shared = SharedPool::new(Place::Shared, &config.shared, 1, config.deadline);
    let mut findings = database::reach(&shared, config);
    if !is_broken(&findings) {
        findings.extend(guest::look(&shared, profile));
        findings.extend(fleet::alike(&shared, Some(profile)));
    }
    Checkup { findings }
}

pub(crate) fn look_over(shared: &SharedPool, config: &Config) -> Checkup {
    let mut findings = database::reach(shared, config);
    if !is_broken(&findings) {
        findings.extend(database::care(shared, config));
        findings.extend(logins(shared, config));
    }
    findings.extend(local::look(shared, config));
    Checkup { findings }
}

/// What keeps a login from being shared, or its users from being well.
fn logins(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    let mut findings = keys::of_app(shared, config);
    findings.extend(fleet::alike(shared, None));
    findings.extend(passwords::look(shared, config));
    findings.extend(sessions::look(shared, config));
    findings.extend(models::look(shared, config));
    findings
}

fn is_broken(findings: &[Finding]) -> bool {
    findings.iter().any(|finding| finding.level == Level::Error)
}

/// What a look into the shared database came to, or that it failed.
fn seen(topic: &'static str, found: Result<Vec<Finding>, Error>) -> Vec<Finding> {
    found.unwrap_or_else(|error| {
        let mut findings = Findings::about(topic);
        if error.is_strange_row() {
            findings.warn(
                format!("a row cannot be read, and hides the others ({error:?})"),
                "find the row that holds what its column should not, and mend or delete it",
            );
        } else {
            findings.failed(&error);
        }
        findings.found
    })
}

/// The tables of this version are there, and the look-up of a session can be made on them.
pub(crate) fn tables(shared: &SharedPool) -> Result<(), Error> {
    let missing = migrate::missing(shared)?;
    if !missing.is_empty() {
        return Err(Error::MigrationsMissing { missing });
    }
    let key = &SessionKey::of_nobody();
    shared.run(|conn| find(conn, Wanted { key, owner: None })).map(drop)
}

/// Writes down what this app brings along, and logs what it sees. No app stays closed because that fails:
/// logins do not need it. That the house has changed its key meanwhile is another matter.
pub(crate) fn tell(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    let noted = registry::note(shared, config);
    if let Err(
        error @ (Error::KeyMismatch { .. } | Error::KeyRetired { .. } | Error::KeyTooEarly { .. }),
    ) = noted
    {
        return Err(error);
    }
    if let Err(error) = noted.and_then(|()| passwords::agree(shared, config)) {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        tracing::warn!(app = config.app_name, %error, cause, "this app could not be written down: it is not counted when the key of the house changes");
    }
    for trouble in logins(shared, config).iter().filter(|finding| finding.level > Level::Ok) {
        tracing::warn!(app = config.app_name, "{trouble}");
    }
    Ok(())
}
