//! Which connections may keep prepared statements.
//!
//! A pooler in transaction mode gives each transaction any of its connections to the server. There a statement that this
//! client has prepared is unknown, or, under the same name, another client's. So nothing is kept before it is known that
//! nothing of that kind lies in between; each query is then planned anew, which is slower and never wrong.

use std::sync::atomic::{AtomicU8, Ordering};

use diesel::connection::CacheSize;

use super::backend::HouseConnection;
use super::pool::Pool;
#[cfg(feature = "postgres")]
use crate::key::{LOWER_ALPHANUMERIC, random_text};
use crate::url::{DatabaseUrl, Way};

/// Whether connections of one pool keep their statements.
#[derive(Debug)]
pub(super) struct Statements(AtomicU8);

const UNKNOWN: u8 = 0;
const KEPT: u8 = 1;
const NOT_KEPT: u8 = 2;

impl Statements {
    pub(super) fn of(url: &DatabaseUrl) -> Self {
        Self(AtomicU8::new(match url.way() {
            Way::Unsaid => UNKNOWN,
            Way::Direct => KEPT,
            Way::Pooler => NOT_KEPT,
        }))
    }

    fn is(&self, state: u8) -> bool {
        self.0.load(Ordering::Relaxed) == state
    }

    /// `false` when that was known.
    fn become_known(&self, state: u8) -> bool {
        self.0.swap(state, Ordering::Relaxed) != state
    }
}

impl<C: HouseConnection> Pool<C> {
    /// Has a connection keep its statements, or not, as far as it is known by now. Costs nothing when it does already.
    pub(super) fn settle(&self, connection: &mut C) {
        let keeps = self.statements().is(KEPT);
        connection.set_prepared_statement_cache_size(if keeps {
            CacheSize::Unbounded
        } else {
            CacheSize::Disabled
        });
    }

    /// Finds out what lies in between, unless that is known: one more connection, for a moment. When the database does
    /// not answer it stays unknown.
    #[cfg(feature = "postgres")]
    pub(crate) fn learn_way(&self) {
        let is_away = self.breaker().is_some_and(crate::breaker::Breaker::is_open);
        if !self.statements().is(UNKNOWN) || is_away {
            return;
        }
        match way_to(self.url(), self.deadline().as_secs().max(1)) {
            Some(Way::Direct) => drop(self.statements().become_known(KEPT)),
            Some(_) => self.no_longer_kept(
                "is reached through a pooler, or something that does not hand on the settings of a connection",
            ),
            None => {}
        }
    }

    /// The way to a file is known.
    #[cfg(not(feature = "postgres"))]
    #[expect(clippy::unused_self, reason = "PostgreSQL is asked")]
    pub(crate) fn learn_way(&self) {}

    /// Through something that does not keep what a connection has prepared?
    #[cfg(feature = "postgres")]
    pub(crate) fn is_pooled(&self) -> bool {
        self.statements().is(NOT_KEPT)
    }

    /// A statement was not there any more, or another client's: from now on none is kept.
    pub(super) fn notice_lost_statement(&self, error: &diesel::result::Error) {
        if is_lost_statement(error) {
            self.no_longer_kept(
                "does not know what was prepared before, so a pooler lies in between",
            );
        }
    }

    fn no_longer_kept(&self, why: &str) {
        if self.statements().become_known(NOT_KEPT) {
            tracing::warn!(
                "the {} database {why}: prepared statements are not kept; say so by `pgbouncer=true` in {}, or by \
                 `pgbouncer=false` where the pooler keeps them itself (PgBouncer from 1.21 on, with \
                 max_prepared_statements)",
                self.place(),
                self.place().variable(),
            );
        }
    }
}

/// diesel hands on no SQLSTATE (42P05, 26000), and the server may speak any language; but the name is diesel's.
pub(super) fn is_lost_statement(error: &diesel::result::Error) -> bool {
    let diesel::result::Error::DatabaseError(_, told) = error else { return false };
    told.message().contains("\"__diesel_stmt_")
}

/// A setting that the server's session has from its beginning is there for good, when it is ours alone. A pooler refuses
/// it, or leaves it out. `None` when there was no answer.
#[cfg(feature = "postgres")]
fn way_to(url: &DatabaseUrl, seconds: u64) -> Option<Way> {
    use diesel::prelude::*;

    const NAME: &str = "housekey.connection";
    let token = random_text(LOWER_ALPHANUMERIC, 16);
    let seen = PgConnection::establish(&url.with_setting(seconds, NAME, &token)).map(|mut conn| {
        let setting = format!("current_setting('{NAME}', true)");
        let setting =
            diesel::dsl::sql::<diesel::sql_types::Nullable<diesel::sql_types::Text>>(&setting);
        diesel::select(setting).get_result::<Option<String>>(&mut conn)
    });
    match seen {
        Ok(Ok(Some(setting))) if setting == token => Some(Way::Direct),
        Ok(Ok(_)) => Some(Way::Pooler),
        Ok(Err(_)) => None,
        Err(_) => {
            // Was it only the setting that was refused?
            PgConnection::establish(&url.connection_string(seconds)).ok().map(|_| Way::Pooler)
        }
    }
}
