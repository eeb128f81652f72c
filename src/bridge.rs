//! The one way from async code to the blocking core: a bounded number of threads, and no wait without
//! an end.

use std::pin::pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::breaker::Breaker;
use crate::config::Config;
use crate::db::{Held, SharedPool};
use crate::error::Error;

/// What a look-up may take longer than the deadline, so that work which keeps the deadline can say itself
/// what it waited for.
const GRACE: Duration = Duration::from_millis(200);

/// How much longer the work of an app may take than the house waits for anything: a password hash is meant
/// to be slow.
const PATIENCE_WITH_WORK: u32 = 15;

/// How often in a deadline it is seen whether work hangs.
const GLANCES: u32 = 4;

/// How much work of the app may wait for the shared database, beside what goes on meanwhile.
const WAITING: u32 = 100;

/// Threads for blocking work, in three lanes, so that nobody stands in another's way: the sessions of
/// visitors, the work of the app, and passwords.
#[derive(Debug, Clone)]
pub(crate) struct Bridge {
    sessions: Lane,
    work: Lane,
    #[cfg(feature = "_web")]
    passwords: Lane,
    shared: SharedPool,
    deadline: Duration,
}

impl Bridge {
    pub(crate) fn new(config: &Config, shared: &SharedPool) -> Self {
        let (house, own) = (config.shared_pool_size, config.local_pool_size);
        #[cfg(feature = "_web")]
        let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Self {
            sessions: Lane::new(house, house),
            work: Lane::new(house.saturating_add(own), WAITING),
            #[cfg(feature = "_web")]
            passwords: Lane::new(u32::try_from(cores).unwrap_or(1), house.saturating_mul(2)),
            shared: shared.clone(),
            deadline: config.deadline,
        }
    }

    /// Looks up or saves a session. No visitor waits longer for it than the deadline, the wait for a place
    /// included.
    pub(crate) async fn session<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let answer = async {
            let place = self.sessions.place_if_there(&self.shared).await?;
            // It is seen to its end even when the visitor goes away.
            let seen_to = tokio::spawn(self.clone().see_to(place, work));
            seen_to.await.unwrap_or(Err(Error::Panicked))
        };
        timeout(self.deadline + GRACE * 2, answer).await.unwrap_or_else(|_| Err(self.late(1)))
    }

    async fn see_to<R: Send + 'static>(
        self,
        place: OwnedSemaphorePermit,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let term = self.shared.breaker().map(Breaker::term);
        let desk = Desk::default();
        let Ok(answer) = timeout(self.deadline + GRACE, desk.run(place, || {}, work)).await else {
            desk.step_aside(&self.sessions.aside);
            let late = self.late(1);
            if let Some(term) = term {
                self.shared.failed(term, &late);
            }
            return Err(late);
        };
        answer
    }

    /// Does the work of an app. It is let through while the shared database is away: it may not need it.
    pub(crate) async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let place = timeout(self.deadline, self.work.place()).await;
        self.with_patience(&self.work, place.map_err(|_| self.late(1))??, work).await
    }

    /// Does work with a password. Many logins at a time wait for each other, and for nobody else.
    #[cfg(feature = "_web")]
    pub(crate) async fn password<R: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let place = timeout(self.deadline, self.passwords.place_if_there(&self.shared)).await;
        self.with_patience(&self.passwords, place.map_err(|_| self.late(1))??, work).await
    }

    /// Waits long, but not for work that hangs in a shared database that is away.
    async fn with_patience<R: Send + 'static>(
        &self,
        lane: &Lane,
        place: OwnedSemaphorePermit,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let desk = Desk::default();
        let (waiter, aside) = (desk.clone(), Arc::clone(&lane.aside));
        let mut answer = pin!(desk.run(place, move || waiter.step_aside(&aside), work));
        let mut asking = 0;
        for glance in 1..=PATIENCE_WITH_WORK * GLANCES {
            if let Ok(answer) = timeout(self.deadline / GLANCES, &mut answer).await {
                return answer;
            }
            asking = if desk.held.is_any() { asking + 1 } else { 0 };
            if asking == GLANCES {
                self.shared.doubt();
            }
            if asking >= GLANCES && self.shared.breaker().is_some_and(Breaker::is_open) {
                desk.step_aside(&lane.aside);
                return Err(Error::Deadline { waited: self.deadline * glance / GLANCES });
            }
        }
        desk.step_aside(&lane.aside);
        Err(self.late(PATIENCE_WITH_WORK))
    }

    fn late(&self, deadlines: u32) -> Error {
        Error::Deadline { waited: self.deadline * deadlines }
    }
}

/// A bounded number of threads. Work that is given up goes on to hold one until it ends, so that a database
/// that hangs cannot eat them all.
#[derive(Debug, Clone)]
struct Lane {
    places: Arc<Semaphore>,
    /// Places for work that hangs or waits, so that it stands in nobody's way. When these are taken as well,
    /// it does.
    aside: Arc<Semaphore>,
}

impl Lane {
    fn new(places: u32, aside: u32) -> Self {
        let permits = |count: u32| {
            let count = usize::try_from(count).unwrap_or(1).min(Semaphore::MAX_PERMITS);
            Arc::new(Semaphore::new(count))
        };
        Self { places: permits(places), aside: permits(aside) }
    }

    async fn place(&self) -> Result<OwnedSemaphorePermit, Error> {
        Arc::clone(&self.places).acquire_owned().await.map_err(|_| Error::Panicked)
    }

    /// For those who cannot do without the shared database: nobody queues up for it while it is away.
    async fn place_if_there(&self, shared: &SharedPool) -> Result<OwnedSemaphorePermit, Error> {
        if let Ok(place) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(place);
        }
        shared.breaker().map(Breaker::admit).transpose()?;
        self.place().await
    }
}

/// Where one piece of work is done; it gives up its place in the lane when it is done.
#[derive(Debug, Default, Clone)]
struct Desk {
    place: Arc<Mutex<Option<OwnedSemaphorePermit>>>,
    /// Connections of the shared database.
    held: Held,
}

impl Desk {
    async fn run<R: Send + 'static>(
        &self,
        place: OwnedSemaphorePermit,
        when_it_waits: impl Fn() + Send + 'static,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        *self.place() = Some(place);
        let worker = Worker(self.clone());
        let done = tokio::task::spawn_blocking(move || worker.0.held.counting(when_it_waits, work));
        done.await.unwrap_or(Err(Error::Panicked))
    }

    /// Makes room for others, if there is any aside.
    fn step_aside(&self, aside: &Arc<Semaphore>) {
        if let Some(place) = &mut *self.place()
            && !Arc::ptr_eq(place.semaphore(), aside)
            && let Ok(room) = Arc::clone(aside).try_acquire_owned()
        {
            *place = room;
        }
    }

    fn place(&self) -> MutexGuard<'_, Option<OwnedSemaphorePermit>> {
        self.place.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever works at a desk; also when the work panics, or is never begun, its place is free in the end.
struct Worker(Desk);

impl Drop for Worker {
    fn drop(&mut self) {
        self.0.place().take();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::sync::mpsc::{Sender, channel};

    use super::*;
    use crate::key::{SecretKey, generate};
    use crate::place::Place;

    /// Nothing is opened: the databases are never asked.
    fn bridge(deadline: Duration) -> Bridge {
        let key = SecretKey::new(generate()).unwrap();
        let config = Config::new("nowhere.db", "nowhere-else.db", key).unwrap();
        let config = config.pool_sizes(2, 2).deadline(deadline);
        Bridge::new(&config, &SharedPool::new(Place::Shared, &config.shared, 2, deadline))
    }

    /// Work that goes on until the sender is dropped, and how much of it was begun.
    fn endless() -> (Sender<()>, Arc<AtomicUsize>, impl Fn() -> Result<(), Error> + Clone + Send) {
        let (end, ended) = channel::<()>();
        let (ended, begun) = (Arc::new(Mutex::new(ended)), Arc::new(AtomicUsize::new(0)));
        let count = Arc::clone(&begun);
        let work = move || {
            count.fetch_add(1, Ordering::Relaxed);
            let _ = ended.lock().unwrap().recv();
            Ok(())
        };
        (end, begun, work)
    }

    #[tokio::test]
    async fn a_flood_of_logins_keeps_nobody_else_from_working() {
        let bridge = bridge(Duration::from_secs(600));
        let (end, begun, login) = endless();
        let logins: Vec<_> = (0..100)
            .map(|_| {
                let (bridge, login) = (bridge.clone(), login.clone());
                tokio::spawn(async move { bridge.password(login).await })
            })
            .collect();
        while begun.load(Ordering::Relaxed) == 0 {
            tokio::task::yield_now().await;
        }
        assert_eq!(bridge.session(|| Ok("visitor")).await.unwrap(), "visitor");
        assert_eq!(bridge.work(|| Ok("app")).await.unwrap(), "app");
        drop(end);
        for login in logins {
            login.await.unwrap().unwrap();
        }
    }

    #[tokio::test]
    async fn threads_that_hang_are_counted_and_come_back() {
        let bridge = bridge(Duration::from_millis(1));
        let (end, begun, look_up) = endless();
        for _ in 0..10 {
            let late = bridge.session(look_up.clone()).await.unwrap_err();
            assert!(matches!(late, Error::Deadline { .. }), "{late:?}");
        }
        // A place for each connection, and the same once more in their stead.
        assert_eq!(begun.load(Ordering::Relaxed), 4);
        assert_eq!(bridge.work(|| Ok("app")).await.unwrap(), "app");
        drop(end);
        while bridge.session(|| Ok(())).await.is_err() {}
        for permits in [&bridge.sessions.places, &bridge.sessions.aside] {
            while permits.available_permits() < 2 {
                tokio::task::yield_now().await;
            }
            assert_eq!(permits.available_permits(), 2);
        }
    }
}
