//! Refusals that are yet to be written down: what strangers can cause as often as they like is told in time, and fills
//! no disk.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Event;

/// How many are kept in a minute; of more it is only told how many there were.
const MOST: usize = 500;

#[derive(Default)]
pub(crate) struct Ledger(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    events: Vec<Event>,
    noted: usize,
    dropped: u64,
}

impl Ledger {
    pub(crate) fn note(&self, event: Event) {
        let mut pages = self.pages();
        if pages.noted < MOST {
            pages.noted += 1;
            pages.events.push(event);
        } else {
            pages.dropped += 1;
        }
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.pages().events)
    }

    /// For those that could not be written down now.
    pub(crate) fn put_back(&self, mut events: Vec<Event>) {
        let mut pages = self.pages();
        events.append(&mut pages.events);
        events.truncate(MOST);
        pages.events = events;
    }

    /// A minute has gone by: how many were too many in it?
    pub(crate) fn begin_a_minute(&self) -> u64 {
        let mut pages = self.pages();
        pages.noted = 0;
        std::mem::take(&mut pages.dropped)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::events::EventKind;

    fn note(ledger: &Ledger, times: usize) {
        (0..times).for_each(|_| ledger.note(Event::new(EventKind::CsrfFailed, "notes")));
    }

    #[test]
    fn no_more_than_so_many_are_kept_in_a_minute() {
        let ledger = Ledger::default();
        note(&ledger, MOST - 1);
        assert_eq!(ledger.take().len(), MOST - 1);
        note(&ledger, 4);
        assert_eq!(ledger.take().len(), 1, "also when some were written down meanwhile");
        assert_eq!((ledger.begin_a_minute(), ledger.begin_a_minute()), (3, 0));
        note(&ledger, MOST);
        let kept = ledger.take();
        note(&ledger, 1);
        ledger.begin_a_minute();
        note(&ledger, 1);
        ledger.put_back(kept);
        assert_eq!(ledger.take().len(), MOST);
    }
}
