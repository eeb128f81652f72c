//! A house, or an app's own tables, from one database to another (feature `moving`).

mod bulk;
mod copy;
mod crossing;
mod gone;
mod house;
mod natural;
mod reasons;
mod report;
mod sequence;
mod tables;
mod tally;
mod target;
mod value;
mod work;
mod write;

use std::collections::BTreeSet;
use std::time::Duration;

use crate::error::{Error, MoveError};
use crate::place::Place;
use crate::url::DatabaseUrl;
use copy::Intent;
pub use report::{LeftRows, Loss, TransferReport, TransferredTable};

/// How long a lock or a connection is waited for.
const PATIENCE: Duration = Duration::from_secs(20);

/// Moves a house to another database: from SQLite to PostgreSQL, back, or from one server to another.
///
/// Users keep their ids, passwords, groups, permissions and sessions. Content types and permissions go by their
/// names: what TO has of them keeps its id. All is written in one transaction, and looked at again before it ends:
/// counts, checksums and references. So what is interrupted has not happened, and can be run again; what has
/// happened is not done twice.
///
/// ```no_run
/// let transfer = housekey::Transfer::new("house.db", "postgres://owner@db.local/house")?;
/// let plan = transfer.plan()?;
/// if plan.problems.is_empty() {
///     let report = transfer.run(|progress| eprintln!("{progress:?}"))?;
///     println!("{report}");
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
#[derive(Debug, Clone)]
pub struct Transfer {
    from: DatabaseUrl,
    to: DatabaseUrl,
    what: What,
    /// Further tables of the house, which apps have named.
    tables: BTreeSet<String>,
    leave: BTreeSet<String>,
}

/// Which tables move.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    House,
    Local,
}

/// How far a [`Transfer`] is.
///
/// ```
/// fn show(progress: &housekey::transfer::TransferProgress) {
///     println!("{}: {} of {}", progress.table, progress.rows, progress.of);
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TransferProgress {
    /// The table that is read, or read again.
    pub table: String,
    /// How many rows of all tables were read so far; each is read twice, on either side.
    pub rows: u64,
    /// How many that will be.
    pub of: u64,
}

impl Transfer {
    /// From one database to the other, both as in `SHARED_DATABASE_URL`; nothing is opened yet.
    ///
    /// ```
    /// let transfer = housekey::Transfer::new("sqlite:house.db", "sqlite:/srv/house/house.db")?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a URL that is none; [`MoveError::SameDatabase`].
    pub fn new(from: &str, to: &str) -> Result<Self, Error> {
        let named = |name: &str, url| {
            DatabaseUrl::parse(Place::Shared, url).map_err(|error| match error {
                Error::Config { problem, .. } => Error::config(name, problem),
                error => error,
            })
        };
        let (from, to) = (named("FROM", from)?, named("TO", to)?);
        if from == to {
            return Err(MoveError::SameDatabase.into());
        }
        let (tables, leave) = (BTreeSet::new(), BTreeSet::new());
        Ok(Self { from, to, what: What::House, tables, leave })
    }

    /// Moves an app's own tables instead, all that FROM has; TO has them already, as the app's migrations make them.
    ///
    /// ```no_run
    /// let transfer = housekey::Transfer::new("notes.db", "postgres://notes@db.local/notes")?.local();
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn local(mut self) -> Self {
        self.what = What::Local;
        self
    }

    /// Moves this table as well: one that apps share by [`Config::share_table`](crate::Config::share_table).
    ///
    /// ```no_run
    /// let transfer = housekey::Transfer::new("house.db", "postgres://owner@db.local/house")?.table("company");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn table(mut self, name: &str) -> Self {
        self.tables.insert(name.to_owned());
        self
    }

    /// Leaves this table where it is.
    ///
    /// ```no_run
    /// let transfer = housekey::Transfer::new("notes.db", "postgres://notes@db.local/notes")?.local().leave("old_note");
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn leave(mut self, name: &str) -> Self {
        self.leave.insert(name.to_owned());
        self
    }

    /// What would happen: every row is read, and nothing is written.
    ///
    /// ```no_run
    /// # fn with(transfer: &housekey::Transfer) -> Result<(), housekey::Error> {
    /// println!("{}", transfer.plan()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Move`], when there is nothing to look at; what would stop the move is in
    /// [`TransferReport::problems`].
    pub fn plan(&self) -> Result<TransferReport, Error> {
        Ok(work::carry_out(self, Intent::Plan, |_| {})?)
    }

    /// Moves, and tells how far it is; nothing is written when it fails, whenever that is.
    ///
    /// ```no_run
    /// # fn with(transfer: &housekey::Transfer) -> Result<(), housekey::Error> {
    /// let report = transfer.run(|progress| eprintln!("{} of {}", progress.rows, progress.of))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Move`].
    pub fn run(&self, progress: impl FnMut(&TransferProgress)) -> Result<TransferReport, Error> {
        Ok(work::carry_out(self, Intent::Move, progress)?)
    }
}
