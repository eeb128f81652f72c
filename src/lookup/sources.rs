//! Where answers come from: the shared database, and what is as good for as long as that is known.

use std::sync::{Arc, OnceLock};
#[cfg(feature = "_web")]
use std::{num::NonZero, time::Duration};

#[cfg(feature = "_web")]
use super::answer::Found;
use super::cache::{Asked, Cache};
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
use crate::user::Permissions;
use crate::user::permission::Holder;

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
        let row = self.read(self.file_at_hand()?, std::slice::from_ref(key)).ok()?.pop().flatten();
        Some(row.ok_or(Rejected::Gone))
    }

    #[cfg(feature = "_web")]
    fn file_at_hand(&self) -> Option<&SharedPool> {
        let is_away = self.shared.breaker().is_some_and(Breaker::is_open);
        self.at_hand.as_ref().filter(|_| !is_away)
    }

    /// The same of what somebody may do.
    #[cfg(feature = "_web")]
    pub(super) fn permissions_at_hand(&self, holder: Holder) -> Option<Permissions> {
        Permissions::of(self.file_at_hand()?, holder).ok()
    }

    /// Begins to follow what changes, where the app wants a cache or has a replica.
    pub(super) fn follow(&self, config: &Config) {
        if config.cache > 0 || config.replica.is_some() {
            self.beside.get_or_init(|| Beside::new(config, &self.shared));
        }
    }

    /// What is kept of an answer, if it is known to be as good as a new one.
    pub(super) fn kept(&self, key: &SessionKey) -> Option<Arc<Row>> {
        self.beside.get()?.cache.as_ref()?.session(key)
    }

    pub(super) fn kept_permissions(&self, holder: Holder) -> Option<Permissions> {
        self.beside.get()?.cache.as_ref()?.permissions(holder)
    }

    /// This app has changed the session: it does not wait to be told.
    pub(super) fn is_changed(&self, key: &SessionKey) {
        if let Some(Beside { changes, recent, .. }) = self.beside.get() {
            recent.note(changes.turn() + 1, &[Change::Session(key.clone())]);
        }
    }

    /// The rows of sessions, in the order of the keys.
    pub(super) fn rows(&self, keys: &[SessionKey]) -> Result<Rows, Error> {
        self.answers(
            keys,
            |pool, keys| self.read(pool, keys),
            |recent, key, row, turn| {
                let user = row.and_then(|row| row.user_id());
                row.is_none_or(|row| row.alive) && !recent.is_changed(Some(key), user, turn)
            },
            Cache::keep_session,
        )
    }

    /// What each of them may do, in their order.
    pub(super) fn permissions(&self, holders: &[Holder]) -> Result<Vec<Permissions>, Error> {
        let found = self.answers(
            holders,
            permissions,
            |recent, holder, _, turn| !recent.is_changed(None, holder.user_id(), turn),
            |cache, holder, answer, asked| cache.keep_permissions(*holder, answer, asked),
        )?;
        Ok(found.into_iter().map(Option::unwrap_or_default).collect())
    }

    /// By the replica where there is one, and kept where that is wanted.
    fn answers<K: Clone + PartialEq, T>(
        &self,
        keys: &[K],
        read: impl Fn(&SharedPool, &[K]) -> Result<Vec<Option<T>>, Error>,
        is_as_it_was: impl Fn(&Recent, &K, Option<&T>, u64) -> bool,
        keep: impl Fn(&Cache, &K, &T, Asked),
    ) -> Result<Vec<Option<T>>, Error> {
        let Some(beside) = self.beside.get() else { return read(&self.shared, keys) };
        let asked = beside.cache.as_ref().map(Cache::now);
        let found = match &beside.replica {
            Some(replica) => self.by_replica(replica, keys, read, |key, answer, turn| {
                is_as_it_was(&beside.recent, key, answer, turn)
            })?,
            None => read(&self.shared, keys)?,
        };
        if let (Some(cache), Some(asked)) = (&beside.cache, asked) {
            for (key, answer) in keys.iter().zip(&found) {
                if let Some(answer) = answer {
                    keep(cache, key, answer, asked);
                }
            }
        }
        Ok(found)
    }

    /// By the replica what it is known to have as it is, both before it is asked and by its answer; the rest, and what it
    /// does not have, by the shared database.
    fn by_replica<K: Clone + PartialEq, T>(
        &self,
        replica: &Replica,
        keys: &[K],
        read: impl Fn(&SharedPool, &[K]) -> Result<Vec<Option<T>>, Error>,
        is_as_it_was: impl Fn(&K, Option<&T>, u64) -> bool,
    ) -> Result<Vec<Option<T>>, Error> {
        let Some(turn) = replica.turn() else { return read(&self.shared, keys) };
        let calm = |key: &&K| is_as_it_was(key, None, turn);
        let asked: Vec<K> = keys.iter().filter(calm).cloned().collect();
        let mut there = read(&replica.pool, &asked).unwrap_or_else(|error| {
            // A row that cannot be read is told of by the shared database.
            if !error.is_strange_row() {
                replica.leave_out();
            }
            Vec::new()
        });
        there.resize_with(asked.len(), || None);
        let mut there = asked.iter().zip(there).peekable();
        let mut found: Vec<Option<T>> = keys
            .iter()
            .map(|key| {
                let (_, answer) = there.next_if(|(asked, _)| *asked == key)?;
                answer.filter(|answer| is_as_it_was(key, Some(answer), turn))
            })
            .collect();
        let missing: Vec<usize> = (0..keys.len()).filter(|place| found[*place].is_none()).collect();
        let wanted: Vec<K> = missing.iter().map(|place| keys[*place].clone()).collect();
        for (place, answer) in missing.into_iter().zip(read(&self.shared, &wanted)?) {
            found[place] = answer;
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

fn permissions(pool: &SharedPool, holders: &[Holder]) -> Result<Vec<Option<Permissions>>, Error> {
    let found = match holders {
        [] => Vec::new(),
        [holder] => vec![Permissions::of(pool, *holder)?],
        holders => Permissions::of_each(pool, holders)?,
    };
    Ok(found.into_iter().map(Some).collect())
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
