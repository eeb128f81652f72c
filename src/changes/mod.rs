//! What has changed of sessions and users, whoever has changed it: told in time, or known not to be.
//!
//! Who remembers what was read asks [`Changes::is_current`] before each use, forgets what is told, and puts nothing in
//! that was read across a [`Changes::turn`].

#[cfg(feature = "postgres")]
mod log;
mod reader;
pub(crate) mod store;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::clock::{self, Pace};
use crate::config::Config;
use crate::db::SharedPool;
use crate::error::Error;
use crate::place::Place;
use crate::rounds::Rounds;
use crate::session::SessionKey;

use reader::Reader;

/// What is not any more as it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Change {
    /// The row of a session: it may be gone.
    Session(SessionKey),
    /// A user, or what the user may do.
    #[cfg_attr(
        not(feature = "postgres"),
        expect(dead_code, reason = "SQLite tells of no user alone")
    )]
    User(i64),
    /// Nothing that was read before is to be relied on.
    Everything,
}

/// How often is asked, and how old an answer may be.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Polling {
    pub(crate) every: Duration,
    pub(crate) bound: Duration,
}

/// What the rounds are for.
const ASKS: &str = "to ask what has changed; everything is read from the database";

/// A thread that asks the shared database what has changed, until this is dropped.
pub(crate) struct Changes {
    known: Arc<Known>,
    _polls: Rounds,
}

type Subscriber = Box<dyn FnMut(u64, &[Change]) + Send>;

struct Known {
    bound: Duration,
    origin: Instant,
    /// When the last poll began that succeeded, in nanoseconds since the origin; 0 when the last one failed.
    as_of: AtomicU64,
    turn: AtomicU64,
    subscribers: Mutex<Vec<Subscriber>>,
}

impl Changes {
    /// Begins to ask, on a connection of its own. Until the first answer nothing is current.
    pub(crate) fn begin(config: &Config, polling: Polling) -> Self {
        /// A database that is away longer is asked anew.
        const PATIENCE: Duration = Duration::from_secs(1);
        let shared = SharedPool::new(Place::Shared, &config.shared, 1, PATIENCE);
        let known = Arc::new(Known::new(polling.bound));
        let mut poller = Poller {
            reader: Reader::new(shared),
            known: Arc::clone(&known),
            app: config.app_name.clone(),
            complaints: Pace::new(Duration::from_secs(60)),
        };
        let polls = Rounds::begin_at_once(ASKS, polling.every, move || poller.poll());
        Self { known, _polls: polls }
    }

    /// Is all known that had changed a bound ago? Else what is remembered is not to be used.
    pub(crate) fn is_current(&self) -> bool {
        self.known.is_current()
    }

    /// How many polls have told of changes. It goes on before they are told: what was read since a turn, and is kept under
    /// the lock under which the told is forgotten, is as new as the turn if that is still the same.
    pub(crate) fn turn(&self) -> u64 {
        self.known.turn.load(Ordering::SeqCst)
    }

    /// Tells from now on what has changed, in order and with the turn, before a poll counts as done. The thread that polls waits for it.
    pub(crate) fn subscribe(&self, subscriber: impl FnMut(u64, &[Change]) + Send + 'static) {
        self.known.subscribers().push(Box::new(subscriber));
    }
}

impl Known {
    fn new(bound: Duration) -> Self {
        Self {
            bound,
            origin: clock::steady(),
            as_of: AtomicU64::new(0),
            turn: AtomicU64::new(0),
            subscribers: Mutex::default(),
        }
    }

    fn is_current(&self) -> bool {
        let as_of = self.as_of.load(Ordering::SeqCst);
        as_of > 0 && self.since_origin(clock::steady()).saturating_sub(as_of) <= nanos(self.bound)
    }

    fn since_origin(&self, time: Instant) -> u64 {
        nanos(time.saturating_duration_since(self.origin))
    }

    fn subscribers(&self) -> std::sync::MutexGuard<'_, Vec<Subscriber>> {
        self.subscribers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn tell(&self, changes: &[Change]) {
        if changes.is_empty() {
            return;
        }
        let turn = self.turn.fetch_add(1, Ordering::SeqCst) + 1;
        self.subscribers().iter_mut().for_each(|subscriber| subscriber(turn, changes));
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

struct Poller {
    reader: Reader,
    known: Arc<Known>,
    app: String,
    complaints: Pace,
}

impl Poller {
    fn poll(&mut self) {
        let began = clock::steady();
        let as_of = match self.reader.read() {
            Ok(changes) => {
                self.known.tell(&changes);
                self.known.since_origin(began).max(1)
            }
            Err(error) => {
                self.complain(&error);
                0
            }
        };
        self.known.as_of.store(as_of, Ordering::SeqCst);
    }

    fn complain(&self, error: &Error) {
        if let Some(held_back) = self.complaints.may_speak() {
            let app = &self.app;
            tracing::warn!(app, held_back, %error, "it could not be asked what has changed, so everything is read from the database");
        }
    }
}

#[cfg(test)]
#[cfg(all(feature = "sqlite", feature = "postgres"))]
mod tests;
