//! Moving in with one's people: an app that had users of its own joins a house (feature `moving`).
//!
//! [`Adoption`] finds out who of them is who in the house, makes the others there with their password hashes, and
//! puts the ids of the house in the place of the app's own ones, in all its tables. The tables of users stay where
//! they are, with new ids, so that foreign keys hold. `docs/adopt-an-app.md` follows an admin through.

mod columns;
mod ledger;
mod look;
mod matching;
mod named;
mod people;
mod plan;
mod report;
mod rewriting;
mod rights;
mod undo;

use std::collections::{HashMap, HashSet};
use std::path::Path;

use crate::check;
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::{Error, MoveError};
use crate::moving::{Catalog, Database, listed};
use crate::place::{DatabaseKind, Place};
use crate::registry;
use columns::Columns;
use look::Look;
use named::Renumbered;
pub use plan::{AdoptedColumn, AdoptedGroup, AdoptionPlan, Conflict, Fate, Found, Person};
pub use report::{AdoptionReport, AdoptionUndone, Kept};
use rights::Rights;
use undo::Undo;

/// What errors call the app's own database.
const LOCAL: &str = "the local database";

/// By what a local user is found in the house.
///
/// ```
/// assert_ne!(housekey::adoption::MatchBy::Username, housekey::adoption::MatchBy::Email);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MatchBy {
    /// The same name, if the e-mail is the same, too.
    Username,
    /// The same e-mail, whatever the name.
    Email,
}

/// What an operator knows about a local user or group: a line of the map.
///
/// ```
/// use housekey::adoption::Answer;
/// assert_ne!(Answer::Same("ada".to_owned()), Answer::New("ada".to_owned()));
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    /// Is this user or group of the house.
    Same(String),
    /// Is nobody of the house, and gets this name there.
    New(String),
}

/// Do superusers and staff of the app become superusers and staff of the whole house?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Ranks {
    Left,
    Kept,
}

/// What becomes of ids that are nobody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Orphans {
    Conflict,
    Null,
}

/// An app with users of its own joins a house: `SHARED_DATABASE_URL` is the house, `DATABASE_URL` the app's own
/// database with its `auth_user`, `APP_NAME` the app.
///
/// ```no_run
/// use housekey::{Adoption, Config};
/// let adoption = Adoption::new(Config::from_env()?).column("wiki_page.author_number");
/// if adoption.plan()?.is_settled() {
///     let report = adoption.run("wiki.undo.json".as_ref(), |step, rows| println!("{rows} {step}"))?;
///     println!("{report}");
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Adoption {
    config: Config,
    by: MatchBy,
    trusts_usernames: bool,
    ranks: Ranks,
    orphans: Orphans,
    people: HashMap<String, Answer>,
    groups: HashMap<String, Answer>,
    columns: Vec<String>,
}

impl Adoption {
    /// With the rules that merge nobody who could be somebody else.
    ///
    /// ```no_run
    /// let adoption = housekey::Adoption::new(housekey::Config::from_env()?);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn new(config: Config) -> Self {
        Self {
            config,
            by: MatchBy::Username,
            trusts_usernames: false,
            ranks: Ranks::Left,
            orphans: Orphans::Conflict,
            people: HashMap::new(),
            groups: HashMap::new(),
            columns: Vec::new(),
        }
    }

    /// By what local users are found in the house; by the username, unless told otherwise.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// let adoption = adoption.by(housekey::adoption::MatchBy::Email);
    /// # }
    /// ```
    #[must_use]
    pub fn by(mut self, by: MatchBy) -> Self {
        self.by = by;
        self
    }

    /// Takes the same username for the same person where there is no e-mail to compare. Differing e-mails stay a
    /// conflict.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// let adoption = adoption.trust_usernames();
    /// # }
    /// ```
    #[must_use]
    pub fn trust_usernames(mut self) -> Self {
        self.trusts_usernames = true;
        self
    }

    /// Lets superusers and staff of the app be that in the whole house, and lets permissions over the users of
    /// the house itself come along.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// let adoption = adoption.keep_ranks();
    /// # }
    /// ```
    #[must_use]
    pub fn keep_ranks(mut self) -> Self {
        self.ranks = Ranks::Kept;
        self
    }

    /// Takes ids that are nobody's out of the columns that may be empty.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// let adoption = adoption.null_orphans();
    /// # }
    /// ```
    #[must_use]
    pub fn null_orphans(mut self) -> Self {
        self.orphans = Orphans::Null;
        self
    }

    /// Settles who a local user is.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// use housekey::adoption::Answer;
    /// let adoption = adoption.person("ada", Answer::New("ada.of.wiki".to_owned()));
    /// # }
    /// ```
    #[must_use]
    pub fn person(mut self, local: &str, answer: Answer) -> Self {
        self.people.insert(local.to_owned(), answer);
        self
    }

    /// Settles which group a local group is.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// use housekey::adoption::Answer;
    /// let adoption = adoption.group("editors", Answer::Same("editors".to_owned()));
    /// # }
    /// ```
    #[must_use]
    pub fn group(mut self, local: &str, answer: Answer) -> Self {
        self.groups.insert(local.to_owned(), answer);
        self
    }

    /// Names a column with ids of users that has no foreign key: `TABLE.COLUMN`.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) {
    /// let adoption = adoption.column("wiki_reading.reader_number");
    /// # }
    /// ```
    #[must_use]
    pub fn column(mut self, name: &str) -> Self {
        self.columns.push(name.to_owned());
        self
    }

    /// What would be done; nothing is changed.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) -> Result<(), housekey::Error> {
    /// println!("{}", adoption.plan()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Move`] when a database is not as it must be, or the operator named what is not there; otherwise
    /// as [`Caretaker::open`](crate::Caretaker::open).
    pub fn plan(&self) -> Result<AdoptionPlan, Error> {
        let (shared, mut local) = open(&self.config)?;
        local.begin_reading()?;
        let catalog = catalog(&mut local)?;
        let look = shared.run(|conn| Ok(self.look(conn, &mut local, &catalog)))?;
        Ok(look.map_err(Error::settled)?.plan)
    }

    /// Does it: each database in one transaction, the house first. What takes it back is written into a new file
    /// before. `progress` is told of steps and rows.
    ///
    /// ```no_run
    /// # fn with(adoption: housekey::Adoption) -> Result<(), housekey::Error> {
    /// let report = adoption.run("wiki.undo.json".as_ref(), |_, _| {})?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`plan`](Self::plan); [`MoveError::Unsettled`] while there is a conflict. Nothing is changed then, but
    /// with [`MoveError::HalfWay`].
    pub fn run(
        &self,
        undo_file: &Path,
        mut progress: impl FnMut(&str, u64),
    ) -> Result<AdoptionReport, Error> {
        let (shared, mut local) = open(&self.config)?;
        undo::is_free(undo_file)?;
        begin_alone(&mut local)?;
        let catalog = catalog(&mut local)?;
        let columns = Columns::find_all(&mut local, &catalog, &self.columns)?;
        lock(&mut local, &columns)?;
        let report = shared.write(|conn| {
            migrate::lock(conn)?;
            people::hold(conn)?;
            let look = self.look(conn, &mut local, &catalog)?;
            progress("users of the app compared", look.plan.users.len() as u64);
            match look.plan.conflicts.len() {
                0 if look.plan.is_done() => Ok(AdoptionReport::of_nothing(look.plan)),
                0 => self.write(conn, &mut local, (&catalog, look), undo_file, &mut progress),
                conflicts => Err(MoveError::Unsettled { conflicts }.into()),
            }
        });
        let report = report.map_err(Error::settled)?;
        if report.undo_file.is_some() {
            progress("users committed in the house", report.plan.users.len() as u64);
            if let Err(error) = local.commit() {
                drop(local);
                return Err(self.take_back(&report.plan, error, undo_file));
            }
        }
        Ok(report)
    }

    /// Takes an adoption back, by the file that it has written: the app's own ids are there again, and who was
    /// made in the house goes, unless something there holds them. May be run again.
    ///
    /// ```no_run
    /// use housekey::{Adoption, Config};
    /// println!("{}", Adoption::undo(&Config::from_env()?, "wiki.undo.json".as_ref())?);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`MoveError::NotUndone`] when rows would be left without their user, and [`MoveError::File`] when the file
    /// is of another house or app: nothing is changed then. Otherwise as [`plan`](Self::plan).
    pub fn undo(config: &Config, file: &Path) -> Result<AdoptionUndone, Error> {
        let undo = Undo::read(file)?;
        let (shared, mut local) = open(config)?;
        undo.is_of(&shared, config, file)?;
        begin_alone(&mut local)?;
        let catalog = catalog(&mut local)?;
        let mut undone = undo.back_in_the_app(&mut local, &catalog)?;
        // The app first: its ids must not be those of users who are gone.
        local.commit()?;
        let removed = shared.write(|conn| {
            migrate::lock(conn)?;
            undo.back_in_the_house(conn, &mut undone)
        });
        removed.map_err(Error::settled)?;
        Ok(undone)
    }

    /// The app's database has refused the last word: who was made in the house goes again, if nobody of the app was in
    /// it before. Those may be somebody in other apps by now.
    fn take_back(&self, plan: &AdoptionPlan, error: MoveError, undo_file: &Path) -> Error {
        let is_first = plan.of(Fate::Before).next().is_none();
        let source = error.into_cause();
        match source {
            Some(source) if is_first && Self::undo(&self.config, undo_file).is_ok() => {
                MoveError::Database { database: LOCAL, source }.into()
            }
            source => {
                let undo_file = undo_file.display().to_string();
                MoveError::HalfWay { undo_file, source }.into()
            }
        }
    }

    /// Under which names the house has groups of the app. Those of an app that has joined have the ids of the house,
    /// and their names may be those of other groups there.
    fn groups(&self, plan: &AdoptionPlan, rights: &Rights) -> HashMap<String, String> {
        let own: Vec<String> = if plan.has_joined() { Vec::new() } else { rights.group_names() };
        let answers = self.groups.iter().map(|(name, answer)| match answer {
            Answer::Same(house) | Answer::New(house) => (name.clone(), house.clone()),
        });
        let planned = plan.groups.iter().map(|group| (group.name.clone(), group.house.clone()));
        own.into_iter().map(|name| (name.clone(), name)).chain(answers).chain(planned).collect()
    }

    fn write(
        &self,
        conn: &mut SharedConnection,
        local: &mut Database,
        (catalog, look): (&Catalog, Look),
        undo_file: &Path,
        progress: &mut impl FnMut(&str, u64),
    ) -> Result<AdoptionReport, Error> {
        let Look { mut plan, locals, rights, columns, ledger } = look;
        locals.move_in(conn, &mut plan.users, self.ranks)?;
        progress("users made in the house", plan.of(Fate::Moved).count() as u64);
        let app = &self.config.app_name;
        let new = undo::ledger_lines(&plan);
        let old: HashSet<&str> = ledger.iter().map(|one| one.username.as_str()).collect();
        let replaced =
            new.iter().map(|one| one.username.as_str()).filter(|name| old.contains(name));
        ledger::forget(conn, app, &replaced.collect::<Vec<_>>())?;
        ledger::add(conn, app, &new)?;
        let mut given = rights.give(conn, &plan)?;
        progress("memberships and permissions given", (plan.memberships + plan.permissions) as u64);
        let mut taken = Vec::new();
        if self.orphans == Orphans::Null {
            let spots = columns.iter().flat_map(|columns| &columns.spots);
            for spot in spots.filter(|spot| spot.may_lose_orphans()) {
                taken.extend(spot.take_orphans(local)?);
            }
        }
        plan.columns.clear();
        let mut others = Vec::new();
        let groups = self.groups(&plan, &rights);
        for columns in &columns {
            let ids = match columns.of {
                columns::USERS => users(&plan),
                of => {
                    others.push(named::renumbered(of, conn, local, &groups, &mut given)?);
                    others.last().map(Renumbered::there).unwrap_or_default()
                }
            };
            plan.columns.extend(rewriting::rewrite(local, columns, &ids, &mut *progress)?);
        }
        look::end_sessions(local, catalog)?;
        let house = migrate::house(conn)?.unwrap_or_default();
        let orphans = taken.len();
        let undo = Undo::new(&plan, house, &ledger, given);
        undo.with(others, taken).write(undo_file)?;
        progress("users written into the undo file", plan.users.len() as u64);
        // A connection that is gone is noticed before the house commits.
        local.run("SELECT 1")?;
        Ok(AdoptionReport { plan, undo_file: Some(undo_file.to_owned()), orphans })
    }
}

/// The ids that change.
fn users(plan: &AdoptionPlan) -> Vec<(i64, i64)> {
    let ids = plan.users.iter().filter_map(|one| Some((one.local_id, one.user_id?)));
    ids.filter(|(old, new)| old != new).collect()
}

/// Both databases, if the house is one and the app has its own.
fn open(config: &Config) -> Result<(SharedPool, Database), Error> {
    if config.shared == config.local {
        return Err(MoveError::SameDatabase.into());
    }
    let shared = SharedPool::new(Place::Shared, &config.shared, 1, config.deadline);
    check::tables(&shared)?;
    registry::has_key_of(&shared, config)?;
    let local = Database::open(LOCAL, &config.local, config.deadline)?;
    Ok((shared, local))
}

fn catalog(local: &mut Database) -> Result<Catalog, Error> {
    let catalog = Catalog::read(local)?;
    people::has_users(&catalog)?;
    Ok(catalog)
}

/// On SQLite nobody reads meanwhile either: a reader would keep the commit waiting, when the house has committed.
fn begin_alone(local: &mut Database) -> Result<(), MoveError> {
    match local.kind() {
        DatabaseKind::Sqlite => local.run("BEGIN EXCLUSIVE"),
        DatabaseKind::Postgres => local.begin_writing(),
    }
}

/// Nobody writes an old id while they are rewritten.
fn lock(local: &mut Database, columns: &[Columns]) -> Result<(), MoveError> {
    if local.kind() == DatabaseKind::Sqlite {
        return Ok(());
    }
    let spots = columns.iter().flat_map(|columns| &columns.spots);
    let tables = listed(spots.map(|spot| spot.table.as_str()));
    local.run(&format!("LOCK TABLE {tables} IN SHARE ROW EXCLUSIVE MODE"))
}
