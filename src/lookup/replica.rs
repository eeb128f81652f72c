//! A standby of the shared database: asked for what is known not to have changed since it was where it is.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::changes::Changes;
use crate::clock::{Begun, Pace};
use crate::config::Config;
use crate::db::{SharedPool, wal};
use crate::error::Error;
use crate::place::Place;
use crate::rounds::Rounds;
use crate::url::DatabaseUrl;

/// What its rounds are for.
const WATCHES: &str = "to watch the replica of the shared database; it is left out";

pub(super) struct Replica {
    pub(super) pool: SharedPool,
    changes: Arc<Changes>,
    state: Arc<Mutex<State>>,
    bound: Duration,
    most_behind: Duration,
    _watch: Rounds,
}

#[derive(Default)]
struct State {
    /// What was changed before that turn has arrived.
    turn: Option<u64>,
    /// When it was asked last how far it is, and answered.
    answered: Option<Begun>,
    /// Where the shared database was at some turns; the replica is not there yet.
    ahead: VecDeque<Mark>,
}

struct Mark {
    position: u64,
    turn: u64,
    seen: Begun,
}

impl Replica {
    pub(super) fn new(
        url: &DatabaseUrl,
        config: &Config,
        shared: &SharedPool,
        changes: &Arc<Changes>,
    ) -> Self {
        let pool = SharedPool::new(Place::Shared, url, config.shared_pool_size, config.deadline);
        let state = Arc::new(Mutex::new(State::default()));
        let watch = Watch {
            app: config.app_name.clone(),
            shared: shared.clone(),
            replica: pool.clone(),
            changes: Arc::clone(changes),
            state: Arc::clone(&state),
            complaints: Pace::new(Duration::from_secs(60)),
        };
        let rounds = Rounds::begin(WATCHES, config.look_every(), move || watch.look());
        Self {
            pool,
            changes: Arc::clone(changes),
            state,
            bound: config.staleness,
            most_behind: config.replica_lag,
            _watch: rounds,
        }
    }

    /// What was changed before that turn can be asked of it; `None` while that is not known.
    pub(super) fn turn(&self) -> Option<u64> {
        let state = lock(&self.state);
        let is_known = state.answered.is_some_and(|then| then.ago() <= self.bound);
        let is_near = state.ahead.front().is_none_or(|mark| mark.seen.ago() <= self.most_behind);
        state.turn.filter(|_| is_known && is_near && self.changes.is_current())
    }

    /// It did not answer: nobody asks it before the watch has.
    pub(super) fn leave_out(&self) {
        *lock(&self.state) = State::default();
    }
}

/// Looks how far the replica is behind.
struct Watch {
    app: String,
    shared: SharedPool,
    replica: SharedPool,
    changes: Arc<Changes>,
    state: Arc<Mutex<State>>,
    complaints: Pace,
}

impl Watch {
    fn look(&self) {
        let begun = Begun::now();
        // Whether a pooler lies in between is known of each way by itself.
        self.replica.learn_way();
        match self.ask() {
            Ok(replayed) => {
                let mut state = lock(&self.state);
                while state.ahead.front().is_some_and(|mark| mark.position <= replayed) {
                    state.turn = state.ahead.pop_front().map(|mark| mark.turn);
                }
                state.answered = Some(begun);
            }
            Err(error) => {
                *lock(&self.state) = State::default();
                if let Some(held_back) = self.complaints.may_speak() {
                    let app = &self.app;
                    tracing::warn!(app, held_back, %error, "the replica of the shared database is left out");
                }
            }
        }
    }

    /// How far the replica has come. All changes that were told before are before the mark.
    fn ask(&self) -> Result<u64, Error> {
        let turn = self.changes.turn();
        let position = self.shared.run(wal::written)?;
        let mark = Mark { position, turn, seen: Begun::now() };
        lock(&self.state).mark(mark);
        self.replica.run(wal::replayed)
    }
}

impl State {
    /// Those behind which nothing was written are not kept twice.
    fn mark(&mut self, mark: Mark) {
        match self.ahead.back_mut() {
            Some(last) if last.turn == mark.turn => {}
            _ => self.ahead.push_back(mark),
        }
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}
