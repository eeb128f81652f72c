//! Transactions over two databases that never look atomic when they are not.
//!
//! `conn.transaction` begins nowhere. Each place joins at its first statement there, so that all
//! statements of that place see one snapshot. One place may be written; the other only read.

use std::num::NonZeroU32;
use std::sync::Arc;

use diesel::connection::{
    AnsiTransactionManager, TransactionDepthChange, TransactionManager, TransactionManagerStatus,
};
use diesel::result::QueryResult;

use super::hook::{self, Hook};
use super::{RoutedConnection, other};
use crate::db::backend::HouseConnection;
use crate::db::backend::sealed::Intent;
use crate::db::pool::Pooled;
use crate::error::Error;
use crate::place::Place;

/// The open transaction of a routed connection, if there is one.
#[expect(unnameable_types, reason = "diesel wants the state of a connection to be public")]
#[derive(Debug, Default)]
pub struct Transaction {
    status: TransactionManagerStatus,
    /// The place that is written, by which table, and since which depth.
    written: Option<(Place, Arc<str>, u32)>,
}

impl Transaction {
    /// 0 outside a transaction, 1 inside, more inside savepoints.
    pub(super) fn depth(&self) -> QueryResult<u32> {
        Ok(self.status.transaction_depth()?.map_or(0, NonZeroU32::get))
    }

    /// Takes note that this place is written, or refuses when the other one already is.
    pub(super) fn claim(&mut self, place: Place, table: &Arc<str>, depth: u32) -> QueryResult<()> {
        // What a test writes is rolled back in both places, and looks like nothing.
        if self.is_test() && depth == 1 {
            return Ok(());
        }
        match &self.written {
            None => self.written = Some((place, Arc::clone(table), depth)),
            Some((first, ..)) if *first == place => {}
            Some((first, written, _)) => Err(Error::SecondPlace {
                written: written.to_string(),
                place: *first,
                table: table.to_string(),
            })?,
        }
        Ok(())
    }

    fn change_depth(&mut self, change: TransactionDepthChange) -> QueryResult<()> {
        match &mut self.status {
            TransactionManagerStatus::Valid(status) => status.change_transaction_depth(change),
            TransactionManagerStatus::InError => {
                Err(diesel::result::Error::BrokenTransactionManager)
            }
        }
    }

    /// The place to commit last.
    fn last(&self) -> Place {
        self.written.as_ref().map_or(Place::Shared, |(place, ..)| *place)
    }

    /// A savepoint that was released hands its writes to what is around it.
    fn hand_over_writes(&mut self, depth: u32) {
        if let Some((.., since)) = &mut self.written {
            *since = (*since).min(depth.saturating_sub(1));
        }
        if self.is_test() && depth == 2 {
            self.written = None;
        }
    }

    fn is_test(&self) -> bool {
        let TransactionManagerStatus::Valid(status) = &self.status else { return false };
        status.in_transaction.as_ref().is_some_and(|transaction| transaction.test_transaction)
    }

    /// A write that was rolled back no longer binds the transaction to its place.
    fn forget_writes_since(&mut self, depth: u32) {
        if self.written.as_ref().is_some_and(|(.., since)| *since >= depth) {
            self.written = None;
        }
    }
}

/// A connection that a routed connection holds, and how deep it has joined the transaction.
pub(super) struct Held<C: HouseConnection> {
    pub(super) connection: Option<Pooled<C>>,
    joined: u32,
    is_hooked: bool,
}

impl<C: HouseConnection> Default for Held<C> {
    fn default() -> Self {
        Self { connection: None, joined: 0, is_hooked: false }
    }
}

impl<C: HouseConnection> Drop for Held<C> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<C: HouseConnection> Held<C> {
    pub(super) fn take(&mut self, connection: Pooled<C>, hook: Option<Hook>) {
        self.connection = Some(connection);
        if let Some(hook) = hook {
            self.put_on(&hook);
        }
    }

    pub(super) fn put_on(&mut self, hook: &Hook) {
        if let Some(connection) = &mut self.connection {
            hook.put_on(&mut **connection);
            self.is_hooked = true;
        }
    }

    pub(super) fn give_back(&mut self) {
        if let (Some(connection), true) = (&mut self.connection, self.is_hooked) {
            hook::take_off(&mut **connection);
        }
        self.connection = None;
        self.joined = 0;
        self.is_hooked = false;
    }

    /// Begins here whatever the transaction has begun, down to its innermost savepoint.
    pub(super) fn join(&mut self, depth: u32, intent: Intent) -> QueryResult<&mut Pooled<C>> {
        let connection = self.connection.as_mut().ok_or(diesel::result::Error::NotInTransaction)?;
        while self.joined < depth {
            match self.joined {
                0 => C::begin(connection, intent)?,
                _ => AnsiTransactionManager::begin_transaction(&mut **connection)?,
            }
            self.joined += 1;
        }
        Ok(connection)
    }

    /// Ends the innermost level here, if this place has joined it.
    fn leave(&mut self, depth: u32, end: fn(&mut C) -> QueryResult<()>) -> QueryResult<()> {
        match &mut self.connection {
            Some(connection) if self.joined == depth => {
                self.joined -= 1;
                end(connection)
            }
            _ => Ok(()),
        }
    }
}

/// Lets diesel's `conn.transaction` work on a [`RoutedConnection`].
#[expect(unnameable_types, reason = "diesel wants the manager of a connection to be public")]
#[non_exhaustive]
#[derive(Debug)]
pub struct RoutedTransactions;

impl RoutedTransactions {
    /// Ends the innermost level in both places, the given one last, and reports the first failure.
    fn end<C: HouseConnection>(
        conn: &mut RoutedConnection<C>,
        last: Place,
        end: fn(&mut C) -> QueryResult<()>,
    ) -> QueryResult<()> {
        let depth = conn.transaction.depth()?;
        conn.transaction.change_depth(TransactionDepthChange::DecreaseDepth)?;
        let first = conn.held(other(last)).leave(depth, end);
        let result = match first {
            Ok(()) => conn.held(last).leave(depth, end),
            // The written place must not commit when the other could not.
            Err(error) => {
                let rolled_back =
                    conn.held(last).leave(depth, AnsiTransactionManager::rollback_transaction);
                rolled_back.and(Err(error))
            }
        };
        if depth == 1 {
            conn.transaction.written = None;
            conn.shared.give_back();
            conn.local.give_back();
        }
        result
    }
}

impl<C: HouseConnection> TransactionManager<RoutedConnection<C>> for RoutedTransactions {
    type TransactionStateData = Transaction;

    fn begin_transaction(conn: &mut RoutedConnection<C>) -> QueryResult<()> {
        conn.transaction.change_depth(TransactionDepthChange::IncreaseDepth)
    }

    fn rollback_transaction(conn: &mut RoutedConnection<C>) -> QueryResult<()> {
        let depth = conn.transaction.depth()?;
        let last = conn.transaction.last();
        let result = Self::end(conn, last, AnsiTransactionManager::rollback_transaction);
        conn.transaction.forget_writes_since(depth);
        result
    }

    fn commit_transaction(conn: &mut RoutedConnection<C>) -> QueryResult<()> {
        let depth = conn.transaction.depth()?;
        let last = conn.transaction.last();
        Self::end(conn, last, AnsiTransactionManager::commit_transaction)?;
        conn.transaction.hand_over_writes(depth);
        Ok(())
    }

    fn transaction_manager_status_mut(
        conn: &mut RoutedConnection<C>,
    ) -> &mut TransactionManagerStatus {
        &mut conn.transaction.status
    }
}
