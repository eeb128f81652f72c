//! Tests that measure how long something takes, and tests that keep the whole machine busy, take turns.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// What a test is to the others.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It starts browsers.
    Loud,
    /// It holds what it sees against a time.
    Timed,
}

/// While this is there, tests of the other kind wait. One test may have several.
pub(crate) struct Turn(());

struct Running {
    kind: Kind,
    turns: usize,
}

static RUNNING: Mutex<Running> = Mutex::new(Running { kind: Kind::Loud, turns: 0 });
static OVER: Condvar = Condvar::new();

impl Turn {
    pub(crate) fn of(kind: Kind) -> Self {
        let others = |running: &mut Running| running.turns > 0 && running.kind != kind;
        let running = OVER.wait_while(running(), others);
        let mut running = running.unwrap_or_else(PoisonError::into_inner);
        running.kind = kind;
        running.turns += 1;
        Self(())
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        running().turns -= 1;
        OVER.notify_all();
    }
}

fn running() -> MutexGuard<'static, Running> {
    RUNNING.lock().unwrap_or_else(PoisonError::into_inner)
}
