//! The one way from async code to the blocking core: a bounded number of threads, and no wait without
//! an end.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;

use crate::config::Config;
use crate::error::Error;

/// Threads for blocking work. Work that is given up still holds its place until it ends, so that a
/// database that hangs cannot eat all threads.
#[derive(Debug, Clone)]
pub(crate) struct Bridge {
    places: Arc<Semaphore>,
    patience: Duration,
}

impl Bridge {
    /// As many threads as there are connections: more would wait for one.
    pub(crate) fn new(config: &Config) -> Self {
        let threads = config.shared_pool_size.saturating_add(config.local_pool_size);
        let places =
            Semaphore::new(usize::try_from(threads).unwrap_or(1).min(Semaphore::MAX_PERMITS));
        Self { places: Arc::new(places), patience: config.deadline }
    }

    /// Waits for a place as long as the house waits for anything, and for the work as long as told.
    pub(crate) async fn run<R: Send + 'static>(
        &self,
        within: Duration,
        work: impl FnOnce() -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let place = tokio::time::timeout(self.patience, Arc::clone(&self.places).acquire_owned());
        let Ok(Ok(place)) = place.await else {
            return Err(Error::Deadline { waited: self.patience });
        };
        let work = tokio::task::spawn_blocking(move || {
            let _place = place;
            work()
        });
        match tokio::time::timeout(within, work).await {
            Ok(Ok(result)) => result,
            Ok(Err(_)) => Err(Error::Panicked),
            Err(_) => Err(Error::Deadline { waited: within }),
        }
    }
}
