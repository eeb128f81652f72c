//! Where answers come from: the shared database, and what is as good for as long as that is known.

use std::sync::{Arc, OnceLock};
#[cfg(feature = "_web")]
use std::{num::NonZero, time::Duration};

#[cfg(feature = "_web")]
use super::answer::Found;
use super::cache::Cache;
use super::owners::Owners;
use super::recent::Recent;
use super::replica::Replica;
#[cfg(feature = "_web")]
use crate::breaker::Breaker;
use crate::changes::{Change, Changes, Polling};
use crate::config::Config;
use crate::db::SharedPool;
use crate::error::Error;
#[cfg(feature = "_web")]
use crate::place::{DatabaseKind, Place};
#[cfg(feature = "_web")]
use crate::session::Rejected;
use crate::session::SessionKey;
use crate::session::find::{Row, Wanted, find, find_each};

type Rows = Vec<Option<Arc<Row>>>;

/// How long a thread that serves other visitors may wait for a file that somebody has locked.
#[cfg(feature = "_web")]
const A_MOMENT: Duration = Duration::from_millis(1);

#[cfg(feature = "_web")]
const MOST_AT_HAND: u32 = 8;

pub(super) struct Sources {
    pub(super) shared: SharedPool,
    #[cfg(feature = "_web")]
    /// A file that is read sooner than another thread wakes up, by connections that wait for nobody.
    at_hand: Option<SharedPool>,
    pub(super) owners: Owners,
    beside: OnceLock<Beside>,
}

struct Beside {
    changes: Arc<Changes>,
    recent: Arc<Recent>,
    cache: Option<Cache>,
    replica: Option<Replica>,
}

impl Sources {
    pub(super) fn new(config: &Config, shared: &SharedPool) -> Self {
        #[cfg(not(feature = "_web"))]
        let _ = config;
        Self {
            shared: shared.clone(),
            #[cfg(feature = "_web")]
            at_hand: (shared.kind() == DatabaseKind::Sqlite)
                .then(|| SharedPool::new(Place::Shared, &config.shared, at_a_time(), A_MOMENT)),
            owners: Owners::default(),
            beside: OnceLock::new(),
        }
    }

    #[cfg(feature = "_web")]
    pub(super) fn at_hand(&self) -> Option<usize> {
        let file = self.at_hand.as_ref().filter(|_| self.beside.get().is_none())?;
        usize::try_from(file.size()).ok()
    }

    /// The row of a session by a connection that waits for nobody. `None` when it has to be waited for.
    #[cfg(feature = "_web")]
    pub(super) fn row_at_hand(&self, key: &SessionKey) -> Option<Found> {
        let is_away = self.shared.breaker().is_some_and(Breaker::is_open);
        let file = self.at_hand.as_ref().filter(|_| !is_away)?;
        let row = self.read(file, std::slice::from_ref(key)).ok()?.pop().flatten();
        Some(row.ok_or(Rejected::Gone))
    }

    /// Begins to follow what changes, where the app wants a cache or has a replica.
    pub(super) fn follow(&self, config: &Config) {
        if config.cache > 0 || config.replica.is_some() {
            self.beside.get_or_init(|| Beside::new(config, &self.shared));
        }
    }

    /// What is kept of an answer, if it is known to be as good as a new one.
    pub(super) fn kept(&self, key: &SessionKey) -> Option<Arc<Row>> {
        self.beside.get()?.cache.as_ref()?.find(key)
    }

    /// This app has changed the session: it does not wait to be told.
    pub(super) fn is_changed(&self, key: &SessionKey) {
        if let Some(Beside { changes, recent, .. }) = self.beside.get() {
            recent.note(changes.turn() + 1, &[Change::Session(key.clone())]);
        }
    }

    /// The rows of sessions, in the order of the keys.
    pub(super) fn rows(&self, keys: &[SessionKey]) -> Result<Rows, Error> {
        let Some(beside) = self.beside.get() else { return self.read(&self.shared, keys) };
        let asked = beside.cache.as_ref().map(Cache::now);
        let found = match &beside.replica {
            Some(replica) => self.rows_by(replica, &beside.recent, keys)?,
            None => self.read(&self.shared, keys)?,
        };
        if let (Some(cache), Some(asked)) = (&beside.cache, asked) {
            for (key, row) in keys.iter().zip(&found) {
                if let Some(row) = row {
                    cache.keep(key, row, asked);
                }
            }
        }
        Ok(found)
    }

    /// By the replica what it is known to have as it is; the rest by the shared database.
    fn rows_by(
        &self,
        replica: &Replica,
        recent: &Recent,
        keys: &[SessionKey],
    ) -> Result<Rows, Error> {
        let Some(turn) = replica.turn() else { return self.read(&self.shared, keys) };
        let calm = |key: &&SessionKey| !recent.is_changed(key, None, turn);
        let asked: Vec<SessionKey> = keys.iter().filter(calm).cloned().collect();
        let mut there = self.read(&replica.pool, &asked).unwrap_or_else(|error| {
            // A row that cannot be read is told of by the shared database.
            if !error.is_strange_row() {
                replica.leave_out();
            }
            Vec::new()
        });
        there.resize_with(asked.len(), || None);
        let is_good =
            |key: &SessionKey, row: &Row| row.alive && !recent.is_changed(key, row.user_id(), turn);
        let mut there = asked.iter().zip(there).peekable();
        let mut found: Rows = keys
            .iter()
            .map(|key| {
                let (_, row) = there.next_if(|(asked, _)| *asked == key)?;
                row.filter(|row| is_good(key, row))
            })
            .collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|place| found[*place].is_none()).collect();
        let wanted: Vec<SessionKey> = missing.iter().map(|place| keys[*place].clone()).collect();
        for (place, row) in missing.into_iter().zip(self.read(&self.shared, &wanted)?) {
            found[place] = row;
        }
        Ok(found)
    }

    /// With the owners that are remembered.
    fn read(&self, pool: &SharedPool, keys: &[SessionKey]) -> Result<Rows, Error> {
        let wanted: Vec<Wanted<'_>> =
            keys.iter().map(|key| Wanted { key, owner: self.owners.of(key) }).collect();
        let found = self.ask(pool, &wanted);
        match (&found, &*wanted) {
            // It may be the row of a user whom the guess was wrong about.
            (Err(error), [Wanted { key, owner: Some(_) }]) if error.is_strange_row() => {
                self.ask(pool, &[Wanted { key, owner: None }])
            }
            _ => found,
        }
    }

    /// A lone one by the plain statement, which PostgreSQL plans once.
    fn ask(&self, pool: &SharedPool, wanted: &[Wanted<'_>]) -> Result<Rows, Error> {
        let rows = match wanted {
            [] => Vec::new(),
            [wanted] => vec![pool.run(|conn| find(conn, *wanted))?],
            wanted => pool.run(|conn| find_each(conn, wanted))?,
        };
        for (Wanted { key, owner }, row) in wanted.iter().zip(&rows) {
            if let (None, Some(id)) = (owner, row.as_ref().and_then(Row::user_id)) {
                self.owners.learn(key, id);
            }
        }
        Ok(rows.into_iter().map(|row| row.map(Arc::new)).collect())
    }
}

/// As many connections as run at a time: who reads a file keeps a processor busy.
#[cfg(feature = "_web")]
fn at_a_time() -> u32 {
    let processors = std::thread::available_parallelism().map_or(1, NonZero::get);
    u32::try_from(processors).map_or(MOST_AT_HAND, |many| many.min(MOST_AT_HAND))
}

impl Beside {
    fn new(config: &Config, shared: &SharedPool) -> Self {
        let polling = Polling { every: config.look_every(), bound: config.staleness };
        let (changes, recent) =
            (Arc::new(Changes::begin(config, polling)), Arc::new(Recent::default()));
        let told = Arc::clone(&recent);
        changes.subscribe(move |turn, changes| told.note(turn, changes));
        let cache = (config.cache > 0).then(|| Cache::new(config.cache, &changes, &recent));
        let replica = config.replica.as_ref();
        let replica = replica.map(|url| Replica::new(url, config, shared, &changes));
        Self { changes, recent, cache, replica }
    }
}
