//! A pool of connections to one database: lazily filled, and no wait without an end.

use std::fmt;
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, NopErrorHandler, PooledConnection};

use super::backend::HouseConnection;
use super::stats::{Counters, PoolStats};
use crate::error::{Error, is_broken_connection};
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;

/// A connection taken from one of the pools of a [`Housekey`](crate::Housekey): a plain diesel
/// connection that goes back when dropped.
pub type Pooled<C> = PooledConnection<ConnectionManager<C>>;

#[expect(unnameable_types, reason = "part of a sealed trait")]
pub struct Pool<C: diesel::r2d2::R2D2Connection + Send + 'static> {
    place: Place,
    url: DatabaseUrl,
    size: u32,
    deadline: Duration,
    connections: diesel::r2d2::Pool<ConnectionManager<C>>,
    counters: Counters,
}

impl<C: diesel::r2d2::R2D2Connection + Send + 'static> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self {
            place: self.place,
            url: self.url.clone(),
            size: self.size,
            deadline: self.deadline,
            connections: self.connections.clone(),
            counters: self.counters.clone(),
        }
    }
}

impl<C: diesel::r2d2::R2D2Connection + Send + 'static> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {:?})", self.place, self.url)
    }
}

impl<C: HouseConnection> Pool<C> {
    /// Opens nothing: the first connection is made when the first is asked for.
    pub(crate) fn new(place: Place, url: &DatabaseUrl, size: u32, deadline: Duration) -> Self {
        let counters = Counters::default();
        let manager = ConnectionManager::new(url.connection_string(deadline.as_secs().max(1)));
        let connections = diesel::r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            .connection_timeout(deadline)
            // A ping costs as much as the query; a dead connection shows when it is used.
            .test_on_check_out(false)
            .error_handler(Box::new(NopErrorHandler))
            .event_handler(Box::new(counters.clone()))
            .connection_customizer(Box::new(Setup { place, kind: url.kind(), deadline }))
            .build_unchecked(manager);
        Self { place, url: url.clone(), size, deadline, connections, counters }
    }

    pub(crate) fn get(&self) -> Result<Pooled<C>, Error> {
        self.connections.get().map_err(|error| self.why_none(&error))
    }

    /// Takes note of an error: when one connection is dead, those that lie idle most likely are too, and
    /// none of them is handed out again.
    pub(crate) fn notice(&self, error: &diesel::result::Error) {
        if !is_broken_connection(error) {
            return;
        }
        for _ in 0..self.size {
            self.connections.try_get().into_iter().for_each(give_up);
        }
    }

    pub(crate) fn size(&self) -> u32 {
        self.size
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.counters.stats(&self.connections.state(), self.size)
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.url
    }

    /// r2d2 knows one error, whose text ends in the driver's message when there was one.
    fn why_none(&self, error: &diesel::r2d2::PoolError) -> Error {
        let text = error.to_string();
        match text.split_once(": ") {
            Some((_, message)) => Error::Unreachable {
                place: self.place,
                kind: self.url.kind(),
                source: self.url.redact(message),
            },
            None => {
                Error::PoolTimeout { place: self.place, waited: self.deadline, size: self.size }
            }
        }
    }
}

/// So marked, the pool closes the connection instead of handing it out again.
pub(crate) fn give_up<C: HouseConnection>(mut connection: Pooled<C>) {
    AnsiTransactionManager::transaction_manager_status_mut(&mut *connection).set_in_error();
}

/// What every new connection is told.
#[derive(Debug)]
struct Setup {
    place: Place,
    kind: DatabaseKind,
    deadline: Duration,
}

impl<C: HouseConnection> CustomizeConnection<C, diesel::r2d2::Error> for Setup {
    fn on_acquire(&self, connection: &mut C) -> Result<(), diesel::r2d2::Error> {
        if self.kind == DatabaseKind::Sqlite {
            let milliseconds = self.deadline.as_millis();
            connection.batch_execute(&format!("PRAGMA busy_timeout = {milliseconds}"))?;
            if self.place == Place::Shared {
                // As Django: foreign keys hold. As several processes need: readers beside a writer,
                // and a login that was acknowledged is on the disk.
                connection.batch_execute(
                    "PRAGMA foreign_keys = ON; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL",
                )?;
            }
        }
        Ok(())
    }
}
