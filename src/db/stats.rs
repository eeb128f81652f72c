//! Numbers for a metrics crate to export.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use diesel::r2d2::HandleEvent;
use diesel::r2d2::event::{CheckinEvent, CheckoutEvent, TimeoutEvent};

use super::held::{self, Change};
use crate::place::Place;

/// What the databases of an app have done since it was opened, from
/// [`Housekey::stats`](crate::Housekey::stats).
///
/// ```
/// # #[cfg(feature = "sqlite")]
/// fn export(house: &housekey::Housekey<diesel::SqliteConnection>) {
///     let stats = house.stats();
///     println!("{} of {} statements known", stats.routed - stats.decided, stats.routed);
///     println!("{} waits in vain for the shared database", stats.shared.timeouts);
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stats {
    /// The pool of the shared database.
    pub shared: PoolStats,
    /// The pool of the local database; the same as `shared` when the two URLs are the same.
    pub local: PoolStats,
    /// Statements sent through `house.conn()`.
    pub routed: u64,
    /// How many of them had to be read to know where they go; the others were known.
    pub decided: u64,
}

/// One pool of connections.
///
/// ```
/// fn is_exhausted(pool: &housekey::PoolStats) -> bool {
///     pool.idle == 0 && pool.open == pool.size
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PoolStats {
    /// How often a connection was asked for and given.
    pub checkouts: u64,
    /// How often one was asked for in vain.
    pub timeouts: u64,
    /// How long all that asked have waited together.
    pub waited: Duration,
    /// Connections that are open now.
    pub open: u32,
    /// Those of them that nobody uses now.
    pub idle: u32,
    /// How many there may be.
    pub size: u32,
}

/// Counts what a pool tells of.
#[derive(Debug, Clone)]
pub(crate) struct Counters {
    counts: Arc<Counts>,
    place: Place,
}

#[derive(Debug, Default)]
struct Counts {
    checkouts: AtomicU64,
    timeouts: AtomicU64,
    waited_nanoseconds: AtomicU64,
}

impl Counters {
    pub(crate) fn new(place: Place) -> Self {
        Self { counts: Arc::default(), place }
    }

    pub(crate) fn stats(&self, state: &diesel::r2d2::State, size: u32) -> PoolStats {
        let Counts { checkouts, timeouts, waited_nanoseconds } = &*self.counts;
        PoolStats {
            checkouts: checkouts.load(Ordering::Relaxed),
            timeouts: timeouts.load(Ordering::Relaxed),
            waited: Duration::from_nanos(waited_nanoseconds.load(Ordering::Relaxed)),
            open: state.connections,
            idle: state.idle_connections,
            size,
        }
    }

    fn wait(&self, waited: Duration) {
        let nanoseconds = u64::try_from(waited.as_nanos()).unwrap_or(u64::MAX);
        self.counts.waited_nanoseconds.fetch_add(nanoseconds, Ordering::Relaxed);
    }
}

impl HandleEvent for Counters {
    fn handle_checkout(&self, event: CheckoutEvent) {
        self.counts.checkouts.fetch_add(1, Ordering::Relaxed);
        self.wait(event.duration());
        held::note(self.place, Change::Taken);
    }

    fn handle_checkin(&self, _: CheckinEvent) {
        held::note(self.place, Change::GivenBack);
    }

    fn handle_timeout(&self, event: TimeoutEvent) {
        self.counts.timeouts.fetch_add(1, Ordering::Relaxed);
        self.wait(event.timeout());
    }
}
