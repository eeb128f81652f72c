//! For many visitors: answers that are kept, and a replica that is asked.

use std::time::Duration;

use super::Config;
use crate::error::Error;
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;

const LONGEST: Duration = Duration::from_secs(10);
const SHORTEST: Duration = Duration::from_millis(10);

/// How often it is asked within the staleness what has changed: one answer may be late.
const LOOKS: u32 = 3;

impl Config {
    /// Keeps the sessions and users of so many visitors in the memory of this app, about 2 kB each, and the permissions of
    /// so many users, about 100 bytes each; none unless said.
    ///
    /// Every process asks the shared database some times a second what has changed, whoever changed it: an app, Django,
    /// `psql`. So a logout, a new password, a deactivated user or a permission that is taken away is seen everywhere within
    /// [`Config::staleness`]. While it cannot be known, nothing kept is used. Most houses need no cache: look-ups are
    /// gathered anyway.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?.cache(10_000);
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn cache(mut self, max_entries: usize) -> Self {
        self.cache = max_entries;
        self
    }

    /// Reads sessions, their users and what these may do from this streaming standby of the shared database, PostgreSQL
    /// alone; one unless said: none.
    ///
    /// What it does not have is asked for in the shared database itself, and so is what has changed lately: the same
    /// [`Config::staleness`] holds as for a cache. A replica that is further behind than [`Config::replica_lag`], or does not answer, is left out
    /// until it is well. The URL is that of one standby, not of a balancer before several.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # #[cfg(feature = "postgres")] {
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("postgres://notes@db1/house", "postgres://notes@db1/notes", key)?
    ///     .shared_replica("postgres://notes@db2/house")?;
    /// # }
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] when it is no URL of PostgreSQL, or the shared database is none.
    pub fn shared_replica(mut self, url: &str) -> Result<Self, Error> {
        let replica = DatabaseUrl::parse(Place::Shared, url)
            .map_err(|error| of_the_replica(&error.to_string()))?;
        let is_postgres = |url: &DatabaseUrl| url.kind() == DatabaseKind::Postgres;
        if !is_postgres(&replica) || !is_postgres(&self.shared) {
            return Err(of_the_replica(
                "names a standby of a PostgreSQL server; a SQLite file has none, leave it out",
            ));
        }
        self.replica = Some(replica);
        Ok(self)
    }

    /// How far behind a [replica](Config::shared_replica) may be and still be asked for what has not changed: 10 s unless
    /// said otherwise.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .replica_lag(std::time::Duration::from_secs(2));
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn replica_lag(mut self, most: Duration) -> Self {
        self.replica_lag = most;
        self
    }

    /// How old an answer of a [cache](Config::cache) or a [replica](Config::shared_replica) may be: 100 ms unless said
    /// otherwise, from 10 ms to 10 s. Without these two nothing is ever old.
    ///
    /// ```
    /// # use housekey::{Config, SecretKey};
    /// # let key = SecretKey::new(housekey::key::generate())?;
    /// let config = Config::new("house.db", "notes.db", key)?
    ///     .cache(10_000)
    ///     .staleness(std::time::Duration::from_millis(250));
    /// # Ok::<(), housekey::Error>(())
    /// ```
    #[must_use]
    pub fn staleness(mut self, bound: Duration) -> Self {
        self.staleness = bound.clamp(SHORTEST, LONGEST);
        self
    }

    /// How often to ask what has changed.
    pub(crate) fn look_every(&self) -> Duration {
        self.staleness / LOOKS
    }
}

fn of_the_replica(problem: &str) -> Error {
    let problem = problem.trim_start_matches(Place::Shared.variable()).trim_start();
    Error::config("SHARED_REPLICA_URL", problem)
}
