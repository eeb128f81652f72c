//! The two databases of an app: where a table may live, and what kind of database that is.

use std::fmt;

/// Where a table lives: in the database of the house, or in the app's own.
///
/// ```
/// assert_eq!(housekey::Place::Shared.to_string(), "shared");
/// ```
#[expect(clippy::exhaustive_enums, reason = "a house has two places; `match` on them is the point")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Place {
    /// Users and sessions, the same for every app of the house.
    Shared,
    /// The app's own tables.
    Local,
}

impl Place {
    /// The setting that names this database, as [`Config::from_env`](crate::Config::from_env) reads it.
    ///
    /// ```
    /// assert_eq!(housekey::Place::Local.variable(), "DATABASE_URL");
    /// ```
    #[must_use]
    pub fn variable(self) -> &'static str {
        match self {
            Self::Shared => "SHARED_DATABASE_URL",
            Self::Local => "DATABASE_URL",
        }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Shared => "shared",
            Self::Local => "local",
        })
    }
}

/// A kind of database that housekey speaks.
///
/// ```
/// assert_eq!(housekey::DatabaseKind::Sqlite.to_string(), "SQLite");
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DatabaseKind {
    /// SQLite 3, compiled in (feature `sqlite`).
    Sqlite,
    /// PostgreSQL through libpq (feature `postgres`).
    Postgres,
}

impl fmt::Display for DatabaseKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}
