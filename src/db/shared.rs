//! The shared database, whose kind is known only when the URL is.

use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::result::QueryResult;

use super::backend::sealed::{Dialect, Intent};
use super::pool::{Pool, Pooled, give_up};
use super::statements::is_lost_statement;
use super::stats::PoolStats;
use crate::breaker::{Breaker, Term};
use crate::error::{Error, is_broken_connection};
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;

/// The pool of the shared database.
#[expect(unnameable_types, reason = "part of a sealed trait")]
#[derive(Debug, Clone)]
pub enum SharedPool {
    #[cfg(feature = "sqlite")]
    Sqlite(Pool<diesel::SqliteConnection>),
    #[cfg(feature = "postgres")]
    Postgres(Pool<diesel::PgConnection>),
}

/// A connection of that pool.
pub(crate) enum SharedConnection {
    #[cfg(feature = "sqlite")]
    Sqlite(Pooled<diesel::SqliteConnection>),
    #[cfg(feature = "postgres")]
    Postgres(Pooled<diesel::PgConnection>),
}

/// The same typed diesel code on whichever kind the shared database is: written once, compiled for each.
macro_rules! on_shared {
    ($enum:ident, $value:expr, $inner:ident => $work:expr) => {
        match $value {
            #[cfg(feature = "sqlite")]
            $crate::db::$enum::Sqlite($inner) => $work,
            #[cfg(feature = "postgres")]
            $crate::db::$enum::Postgres($inner) => $work,
        }
    };
}
pub(crate) use on_shared;

/// Reads rows that nobody else changes before this transaction ends: `first` or `load`, and `skip_locked` where what
/// somebody else has in hand is left out.
macro_rules! locked {
    ($conn:expr, $query:expr $(, $skip:ident)? => $read:ident) => {
        match $conn {
            // A transaction that writes has the whole file to itself.
            #[cfg(feature = "sqlite")]
            $crate::db::SharedConnection::Sqlite(conn) => $query.$read(&mut **conn),
            #[cfg(feature = "postgres")]
            $crate::db::SharedConnection::Postgres(conn) => {
                $query.for_update()$(.$skip())?.$read(&mut **conn)
            }
        }
    };
}
pub(crate) use locked;

impl SharedPool {
    /// Of the shared database, or of a local one that is only looked at.
    pub(crate) fn new(place: Place, url: &DatabaseUrl, size: u32, deadline: Duration) -> Self {
        match url.kind() {
            #[cfg(feature = "sqlite")]
            DatabaseKind::Sqlite => Self::Sqlite(Pool::new(place, url, size, deadline)),
            #[cfg(feature = "postgres")]
            DatabaseKind::Postgres => Self::Postgres(Pool::new(place, url, size, deadline)),
            #[cfg(not(all(feature = "sqlite", feature = "postgres")))]
            _ => unreachable!("Config refuses a URL of a kind that is not compiled in"),
        }
    }

    /// How many connections it has at most.
    pub(crate) fn size(&self) -> u32 {
        on_shared!(SharedPool, self, pool => pool.size())
    }

    /// A connection for who keeps it.
    pub(crate) fn get(&self) -> Result<SharedConnection, Error> {
        Ok(match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(pool) => SharedConnection::Sqlite(pool.get()?),
            #[cfg(feature = "postgres")]
            Self::Postgres(pool) => SharedConnection::Postgres(pool.get()?),
        })
    }

    /// Runs what may be run twice, again when its connection turns out to be dead.
    pub(crate) fn run<T>(
        &self,
        mut work: impl FnMut(&mut SharedConnection) -> QueryResult<T>,
    ) -> Result<T, Error> {
        let (value, _) = self.repeat_while_dead(&mut work)?;
        Ok(value)
    }

    /// Runs work in one transaction that is known to write: all of it is committed, or none.
    pub(crate) fn write<T>(
        &self,
        work: impl FnOnce(&mut SharedConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let ((), mut connection) = self.repeat_while_dead(&mut SharedConnection::begin)?;
        match work(&mut connection) {
            Ok(value) => connection.commit().map_err(Error::shared).map(|()| value),
            Err(error) => {
                // What failed is the first error; a connection that cannot roll back is not used again.
                let _ = connection.rollback();
                Err(error)
            }
        }
    }

    /// The same for statements of housekey's own: when one fails, that is the shared database's fault.
    pub(crate) fn transact<T>(
        &self,
        work: impl FnOnce(&mut SharedConnection) -> QueryResult<T>,
    ) -> Result<T, Error> {
        self.write(|conn| Ok(work(conn)?)).map_err(Error::settled)
    }

    fn repeat_while_dead<T>(
        &self,
        work: &mut impl FnMut(&mut SharedConnection) -> QueryResult<T>,
    ) -> Result<(T, SharedConnection), Error> {
        // A connection that was never handed out before may be as dead as those that were.
        let mut old_ones = self.size();
        loop {
            let mut connection = self.get()?;
            match work(&mut connection) {
                Ok(value) => return Ok((value, connection)),
                Err(error) if is_broken_connection(&error) && old_ones > 0 => {
                    old_ones -= 1;
                    self.notice(&error);
                    connection.give_up();
                }
                Err(error) if is_lost_statement(&error) && old_ones > 0 => {
                    old_ones -= 1;
                    self.notice(&error);
                }
                Err(error) => return Err(Error::shared(error)),
            }
        }
    }

    /// What an error tells of the way to the database.
    pub(crate) fn notice(&self, error: &diesel::result::Error) {
        on_shared!(SharedPool, self, pool => pool.notice(error));
    }

    /// From now on nobody waits for the database while it is known to be away.
    pub(crate) fn guard(&self, breaker: Breaker) {
        on_shared!(SharedPool, self, pool => pool.guard(breaker));
    }

    pub(crate) fn breaker(&self) -> Option<&Breaker> {
        on_shared!(SharedPool, self, pool => pool.breaker())
    }

    /// Refuses at once while the database is away, and sees to it that somebody asks whether it is back.
    pub(crate) fn admit(&self) -> Result<(), Error> {
        let admitted = self.breaker().map(Breaker::admit).transpose();
        admitted.map(drop).inspect_err(|_| self.doubt())
    }

    pub(crate) fn term(&self) -> Option<Term> {
        self.breaker().map(Breaker::term)
    }

    /// What was begun in this term failed in a way that speaks of the database.
    pub(crate) fn failed(&self, term: Term, error: &Error) {
        on_shared!(SharedPool, self, pool => pool.failed(term, error));
    }

    /// Something takes long: is the database still there?
    pub(crate) fn doubt(&self) {
        on_shared!(SharedPool, self, pool => pool.doubt());
    }

    /// Finds out whether prepared statements may be kept, unless that is known.
    pub(crate) fn learn_way(&self) {
        on_shared!(SharedPool, self, pool => pool.learn_way());
    }

    /// Through something that does not keep what a connection has prepared?
    #[cfg(feature = "postgres")]
    pub(crate) fn is_pooled(&self) -> bool {
        on_shared!(SharedPool, self, pool => pool.is_pooled())
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        on_shared!(SharedPool, self, pool => pool.url())
    }

    pub(crate) fn kind(&self) -> DatabaseKind {
        self.url().kind()
    }

    pub(crate) fn stats(&self) -> PoolStats {
        on_shared!(SharedPool, self, pool => pool.stats())
    }
}

impl SharedConnection {
    /// Takes a lock of PostgreSQL, until the end of the transaction. SQLite has one writer, and needs none.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(unused_variables, clippy::unnecessary_wraps, reason = "PostgreSQL may fail")
    )]
    pub(crate) fn lock(&mut self, sql: &str) -> QueryResult<()> {
        match self {
            #[cfg(feature = "sqlite")]
            Self::Sqlite(_) => Ok(()),
            #[cfg(feature = "postgres")]
            Self::Postgres(conn) => diesel::connection::SimpleConnection::batch_execute(conn, sql),
        }
    }

    fn begin(&mut self) -> QueryResult<()> {
        on_shared!(SharedConnection, self, connection => connection.begin(Intent::Write))
    }

    fn commit(&mut self) -> QueryResult<()> {
        on_shared!(SharedConnection, self, connection => {
            AnsiTransactionManager::commit_transaction(&mut **connection)
        })
    }

    fn rollback(&mut self) -> QueryResult<()> {
        on_shared!(SharedConnection, self, connection => {
            AnsiTransactionManager::rollback_transaction(&mut **connection)
        })
    }

    /// It is closed, and not handed out again.
    pub(crate) fn give_up(self) {
        on_shared!(SharedConnection, self, connection => give_up(connection));
    }
}
