//! A pool of connections to one database: lazily filled, and no wait without an end.

use std::fmt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock, PoisonError, RwLock, RwLockReadGuard, Weak};
use std::time::Duration;

use diesel::connection::{AnsiTransactionManager, TransactionManager};
use diesel::r2d2::{ConnectionManager, CustomizeConnection, NopErrorHandler, PooledConnection};

use super::backend::HouseConnection;
use super::held::{self, Change};
use super::statements::Statements;
use super::stats::{Counters, PoolStats};
use crate::breaker::{Breaker, Term};
use crate::error::{Error, is_broken_connection};
use crate::place::{DatabaseKind, Place};
use crate::url::DatabaseUrl;

/// A connection taken from one of the pools of a [`Housekey`](crate::Housekey): a plain diesel
/// connection that goes back when dropped.
pub type Pooled<C> = PooledConnection<ConnectionManager<C>>;

#[expect(unnameable_types, reason = "part of a sealed trait")]
pub struct Pool<C: diesel::r2d2::R2D2Connection + Send + 'static>(Arc<Inner<C>>);

pub(super) struct Inner<C: diesel::r2d2::R2D2Connection + Send + 'static> {
    place: Place,
    url: DatabaseUrl,
    size: u32,
    deadline: Duration,
    generation: RwLock<Generation<C>>,
    counters: Counters,
    statements: Statements,
    /// Only a house that is open has one: a tool asks once, and says what it was told.
    breaker: OnceLock<Breaker>,
    pub(super) keeper: Keeper,
    /// Held by each question that is under way.
    pub(super) asking: Arc<()>,
}

/// The connections that are handed out now. Those of the generation before may still hang somewhere.
struct Generation<C: diesel::r2d2::R2D2Connection + Send + 'static> {
    connections: diesel::r2d2::Pool<ConnectionManager<C>>,
    /// Alive as long as this generation has connections.
    life: Weak<()>,
    before: Weak<()>,
    /// Which file the connections of SQLite have open.
    file: OnceLock<FileIdentity>,
}

/// Whether somebody is asking if the database is back.
#[derive(Default)]
pub(super) struct Keeper(AtomicBool);

impl Keeper {
    /// `false` when somebody is at it already.
    pub(super) fn begin(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }

    pub(super) fn end(&self) {
        self.0.store(false, Ordering::Release);
    }
}

impl<C: diesel::r2d2::R2D2Connection + Send + 'static> Clone for Pool<C> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<C: diesel::r2d2::R2D2Connection + Send + 'static> From<Arc<Inner<C>>> for Pool<C> {
    fn from(inner: Arc<Inner<C>>) -> Self {
        Self(inner)
    }
}

impl<C: diesel::r2d2::R2D2Connection + Send + 'static> fmt::Debug for Pool<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pool({}, {:?})", self.0.place, self.0.url)
    }
}

impl<C: HouseConnection> Pool<C> {
    /// Opens nothing: the first connection is made when the first is asked for.
    pub(crate) fn new(place: Place, url: &DatabaseUrl, size: u32, deadline: Duration) -> Self {
        let counters = Counters::new(place);
        let first = Generation::begin(place, url, size, deadline, &counters);
        Self(Arc::new(Inner {
            place,
            url: url.clone(),
            size,
            deadline,
            generation: RwLock::new(first),
            counters,
            statements: Statements::of(url),
            breaker: OnceLock::new(),
            keeper: Keeper::default(),
            asking: Arc::new(()),
        }))
    }

    /// From now on nobody waits for a database of which it is known that it is away.
    pub(crate) fn guard(&self, breaker: Breaker) {
        // One that is there already does the same.
        let _ = self.0.breaker.set(breaker);
    }

    pub(crate) fn get(&self) -> Result<Pooled<C>, Error> {
        let Some(breaker) = self.0.breaker.get() else { return self.take(self.0.deadline) };
        // Whoever is refused sees to it that somebody asks.
        let term = breaker.admit().inspect_err(|_| self.watch())?;
        self.take(self.0.deadline).inspect_err(|error| match error {
            // Whether those that are in use hang, or are only held for long, has to be asked.
            Error::PoolTimeout { .. } => self.watch(),
            error => self.failed(term, error),
        })
    }

    /// What was begun in this term failed in a way that speaks of the database, not of a row.
    pub(crate) fn failed(&self, term: Term, error: &Error) {
        if let Some(breaker) = self.0.breaker.get() {
            let is_news = breaker.open(term, error);
            // Where one hangs, those that lie idle most likely would too.
            if is_news && matches!(error, Error::Deadline { .. }) {
                self.renew();
            }
            self.watch();
        }
    }

    /// A connection, whatever the breaker says.
    pub(super) fn take(&self, patience: Duration) -> Result<Pooled<C>, Error> {
        self.see_to_the_file()?;
        let connections = self.generation().connections.clone();
        if connections.state().idle_connections == 0 {
            held::note(self.0.place, Change::WaitsForOne);
        }
        let mut connection = connections.get_timeout(patience).map_err(|error| {
            let all_are_in_use = connections.state().connections >= self.0.size;
            match error.to_string().split_once(": ") {
                // r2d2 knows one error, whose text ends in the driver's message when there was one.
                Some((_, message)) => self.unreachable(message),
                None if all_are_in_use => {
                    Error::PoolTimeout { place: self.0.place, waited: patience, size: self.0.size }
                }
                None => self.unreachable(&format!("there was no answer within {patience:?}")),
            }
        })?;
        self.settle(&mut connection);
        Ok(connection)
    }

    /// Takes note of an error: when one connection is dead, those that lie idle most likely are too, and
    /// none of them is handed out again.
    pub(crate) fn notice(&self, error: &diesel::result::Error) {
        self.notice_lost_statement(error);
        if is_broken_connection(error) {
            let connections = self.generation().connections.clone();
            empty(&connections, self.0.size);
        }
    }

    /// Begins anew with other connections when all of these are in use for too long: they hang, and nobody
    /// can call them back. Those of two generations are the most there may be.
    pub(super) fn renew_if_all_hang(&self) {
        let state = self.generation().connections.state();
        if state.connections >= self.0.size && state.idle_connections == 0 {
            self.renew();
        }
    }

    /// `false` while there are connections of the generation before.
    fn renew(&self) -> bool {
        let Inner { place, url, size, deadline, counters, .. } = &*self.0;
        let mut generation = self.0.generation.write().unwrap_or_else(PoisonError::into_inner);
        if generation.before.strong_count() > 0 {
            return false;
        }
        let next = Generation::begin(*place, url, *size, *deadline, counters);
        let before = std::mem::replace(&mut *generation, next);
        generation.before = before.life;
        drop(generation);
        empty(&before.connections, *size);
        true
    }

    /// A SQLite file that was taken away lives on for those who have it open: what they wrote would be lost.
    fn see_to_the_file(&self) -> Result<(), Error> {
        let Some(path) = self.0.url.file() else { return Ok(()) };
        let now = FileIdentity::of(&path);
        let generation = self.generation();
        let Some(then) = generation.file.get() else {
            now.map(|now| generation.file.set(now));
            return Ok(());
        };
        let is_same = now.as_ref() == Some(then);
        drop(generation);
        if is_same || self.renew() {
            return Ok(());
        }
        Err(self.unreachable("the file was taken away while it was in use"))
    }

    fn generation(&self) -> RwLockReadGuard<'_, Generation<C>> {
        self.0.generation.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn inner(&self) -> &Arc<Inner<C>> {
        &self.0
    }

    pub(crate) fn breaker(&self) -> Option<&Breaker> {
        self.0.breaker.get()
    }

    pub(super) fn statements(&self) -> &Statements {
        &self.0.statements
    }

    pub(super) fn place(&self) -> Place {
        self.0.place
    }

    pub(super) fn deadline(&self) -> Duration {
        self.0.deadline
    }

    pub(crate) fn size(&self) -> u32 {
        self.0.size
    }

    pub(crate) fn stats(&self) -> PoolStats {
        self.0.counters.stats(&self.generation().connections.state(), self.0.size)
    }

    pub(crate) fn url(&self) -> &DatabaseUrl {
        &self.0.url
    }

    fn unreachable(&self, message: &str) -> Error {
        let (place, url) = (self.0.place, &self.0.url);
        Error::Unreachable { place, kind: url.kind(), source: url.redact(message) }
    }
}

impl<C: HouseConnection> Generation<C> {
    fn begin(
        place: Place,
        url: &DatabaseUrl,
        size: u32,
        deadline: Duration,
        counters: &Counters,
    ) -> Self {
        let manager = ConnectionManager::new(url.connection_string(deadline.as_secs().max(1)));
        let life = Arc::new(());
        let alive = Arc::downgrade(&life);
        let connections = diesel::r2d2::Pool::builder()
            .max_size(size)
            .min_idle(Some(0))
            // Half of it is the longest rest between two tries to connect; how long a caller waits is said
            // with each call.
            .connection_timeout(deadline.min(Duration::from_secs(1)))
            // A ping costs as much as the query; a dead connection shows when it is used.
            .test_on_check_out(false)
            .error_handler(Box::new(NopErrorHandler))
            .event_handler(Box::new(counters.clone()))
            .connection_customizer(Box::new(Setup {
                place,
                kind: url.kind(),
                deadline,
                _life: life,
            }))
            .build_unchecked(manager);
        Self { connections, life: alive, before: Weak::new(), file: OnceLock::new() }
    }
}

/// Closes what lies idle.
fn empty<C: HouseConnection>(connections: &diesel::r2d2::Pool<ConnectionManager<C>>, at_most: u32) {
    for _ in 0..at_most {
        connections.try_get().into_iter().for_each(give_up);
    }
}

/// Which file a path leads to, whatever its name.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct FileIdentity(u64, u64);

impl FileIdentity {
    #[cfg(unix)]
    pub(crate) fn of(path: &Path) -> Option<Self> {
        use std::os::unix::fs::MetadataExt;
        path.metadata().ok().map(|file| Self(file.dev(), file.ino()))
    }

    /// Nobody takes away a file that is open.
    #[cfg(not(unix))]
    pub(crate) fn of(path: &Path) -> Option<Self> {
        path.exists().then_some(Self(0, 0))
    }
}

/// So marked, the pool closes the connection instead of handing it out again.
pub(crate) fn give_up<C: HouseConnection>(mut connection: Pooled<C>) {
    AnsiTransactionManager::transaction_manager_status_mut(&mut *connection).set_in_error();
}

/// So much of the shared file is read as memory, in bytes: a look-up then copies no pages. Where it was tried.
const MAPPED: Option<u32> =
    if cfg!(all(target_os = "linux", target_pointer_width = "64")) { Some(1 << 30) } else { None };

/// What every new connection is told.
#[derive(Debug)]
struct Setup {
    place: Place,
    kind: DatabaseKind,
    deadline: Duration,
    _life: Arc<()>,
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
                if let Some(bytes) = MAPPED {
                    connection.batch_execute(&format!("PRAGMA mmap_size = {bytes}"))?;
                }
            }
        }
        Ok(())
    }
}
