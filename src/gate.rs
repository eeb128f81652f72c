//! How many may do at once what keeps a processor busy.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::config::Config;
use crate::error::Error;

/// How many wait for each who is inside.
const WAITING_FOR_EACH: usize = 8;

/// Lets so many in at once; of the others a few wait, no longer than they have patience.
pub(crate) struct Gate {
    most: usize,
    patience: Duration,
    there: Mutex<There>,
    freed: Condvar,
}

#[derive(Default)]
struct There {
    inside: usize,
    waiting: usize,
}

impl Gate {
    pub(crate) fn new(config: &Config) -> Self {
        Self {
            most: config.hashes_at_once,
            patience: config.deadline,
            there: Mutex::default(),
            freed: Condvar::new(),
        }
    }

    /// The way in; one is inside as long as the pass is held.
    pub(crate) fn enter(&self) -> Result<Pass<'_>, Error> {
        let mut there = self.there();
        if there.inside >= self.most {
            if there.waiting >= self.most.saturating_mul(WAITING_FOR_EACH) {
                return Err(self.busy());
            }
            there.waiting += 1;
            let is_full = |there: &mut There| there.inside >= self.most;
            let waited = self.freed.wait_timeout_while(there, self.patience, is_full);
            (there, _) = waited.unwrap_or_else(PoisonError::into_inner);
            there.waiting -= 1;
            if there.inside >= self.most {
                return Err(self.busy());
            }
        }
        there.inside += 1;
        Ok(Pass(self))
    }

    fn busy(&self) -> Error {
        Error::Busy { at_once: self.most }
    }

    fn there(&self) -> MutexGuard<'_, There> {
        self.there.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whoever has it is inside.
#[must_use]
pub(crate) struct Pass<'a>(&'a Gate);

impl Drop for Pass<'_> {
    fn drop(&mut self) {
        self.0.there().inside -= 1;
        self.0.freed.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gate(most: usize, patience: Duration) -> Gate {
        Gate { most, patience, there: Mutex::default(), freed: Condvar::new() }
    }

    const LONG: Duration = Duration::from_secs(600);

    #[test]
    fn nobody_waits_longer_than_the_patience_lasts() {
        let gate = gate(2, Duration::from_millis(1));
        let (one, _two) = (gate.enter().unwrap(), gate.enter().unwrap());
        assert!(matches!(gate.enter(), Err(Error::Busy { at_once: 2 })));
        drop(one);
        let _three = gate.enter().unwrap();
        assert_eq!(gate.there().waiting, 0);
    }

    #[test]
    fn so_many_wait_and_the_next_is_refused_at_once() {
        let gate = gate(1, LONG);
        let first = gate.enter().unwrap();
        std::thread::scope(|scope| {
            let waiting: Vec<_> = (0..WAITING_FOR_EACH)
                .map(|_| scope.spawn(|| drop(gate.enter().unwrap())))
                .collect();
            while gate.there().waiting < WAITING_FOR_EACH {
                std::thread::yield_now();
            }
            assert!(gate.enter().is_err());
            drop(first);
            for one in waiting {
                one.join().unwrap();
            }
        });
        assert!(gate.enter().is_ok(), "everybody has left");
    }

    #[test]
    fn no_more_are_inside_than_may() {
        let gate = gate(3, LONG);
        std::thread::scope(|scope| {
            for _ in 0..12 {
                scope.spawn(|| {
                    for _ in 0..200 {
                        let _pass = gate.enter().unwrap();
                        assert!(gate.there().inside <= 3);
                    }
                });
            }
        });
        assert_eq!(gate.there().inside, 0);
    }

    #[test]
    fn a_panic_inside_frees_the_place() {
        let gate = gate(1, LONG);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            let _pass = gate.enter().unwrap();
            panic!("inside");
        }));
        assert!(outcome.is_err());
        assert!(gate.enter().is_ok());
    }
}
