//! What a piece of work has to do with the shared database, told to whoever looks after it.

use std::cell::RefCell;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::place::Place;

/// How many connections of the shared database a piece of work holds, seen from another thread.
#[derive(Debug, Clone, Default)]
pub(crate) struct Held(Arc<AtomicI64>);

/// Who works on a thread.
struct Here {
    held: Held,
    when_it_waits: Box<dyn Fn()>,
}

thread_local! {
    static HERE: RefCell<Option<Here>> = const { RefCell::new(None) };
}

impl Held {
    #[cfg(feature = "_async")]
    pub(crate) fn counting<R>(
        &self,
        when_it_waits: impl Fn() + 'static,
        work: impl FnOnce() -> R,
    ) -> R {
        HERE.set(Some(Here { held: self.clone(), when_it_waits: Box::new(when_it_waits) }));
        let done = work();
        HERE.take();
        done
    }

    #[cfg(feature = "_async")]
    pub(crate) fn is_any(&self) -> bool {
        self.0.load(Ordering::Relaxed) > 0
    }
}

#[derive(Debug, Clone, Copy)]
pub(super) enum Change {
    Taken,
    GivenBack,
    WaitsForOne,
}

/// The work on this thread has to do with the pool of that place.
pub(super) fn note(place: Place, change: Change) {
    if place == Place::Local {
        return;
    }
    HERE.with_borrow(|here| {
        let Some(Here { held: Held(count), when_it_waits }) = here else { return };
        match change {
            Change::Taken => drop(count.fetch_add(1, Ordering::Relaxed)),
            Change::GivenBack => drop(count.fetch_sub(1, Ordering::Relaxed)),
            Change::WaitsForOne => when_it_waits(),
        }
    });
}
