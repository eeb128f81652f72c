//! Refusals that are yet to be written down: what strangers can cause as often as they like is told in time, and fills
//! no disk.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use super::Event;

/// How many of a kind are told and kept in a minute; of more it is only told how many there were. So what strangers
/// do hides nothing that users do.
const MOST: usize = 200;
/// How many wait at most for a database that is away.
const MOST_WAITING: usize = 1000;

#[derive(Default)]
pub(crate) struct Ledger(Mutex<Pages>);

#[derive(Default)]
struct Pages {
    events: Vec<Event>,
    /// How many of each kind in this minute.
    noted: BTreeMap<&'static str, usize>,
    dropped: u64,
}

impl Ledger {
    pub(crate) fn note(&self, event: Event) {
        if self.pages().admit(event.kind.name()) {
            event.tell();
            self.pages().events.push(event);
        }
    }

    pub(crate) fn take(&self) -> Vec<Event> {
        std::mem::take(&mut self.pages().events)
    }

    /// For those that could not be written down now.
    pub(crate) fn put_back(&self, mut events: Vec<Event>) {
        let mut pages = self.pages();
        events.append(&mut pages.events);
        events.truncate(MOST_WAITING);
        pages.events = events;
    }

    /// A minute has gone by: how many were too many in it?
    pub(crate) fn begin_a_minute(&self) -> u64 {
        let mut pages = self.pages();
        pages.noted.clear();
        std::mem::take(&mut pages.dropped)
    }

    fn pages(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Pages {
    fn admit(&mut self, kind: &'static str) -> bool {
        let noted = self.noted.entry(kind).or_default();
        if *noted == MOST {
            self.dropped += 1;
            return false;
        }
        *noted += 1;
        true
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
    fn a_flood_of_one_kind_hides_no_other() {
        let ledger = Ledger::default();
        note(&ledger, 5 * MOST);
        ledger.note(Event::new(EventKind::PermissionDenied, "notes"));
        let kept = ledger.take();
        assert_eq!(
            (kept.len(), kept.last().unwrap().kind),
            (MOST + 1, EventKind::PermissionDenied)
        );
    }

    #[test]
    fn no_more_than_so_many_are_kept_in_a_minute() {
        let ledger = Ledger::default();
        note(&ledger, MOST - 1);
        assert_eq!(ledger.take().len(), MOST - 1);
        note(&ledger, 4);
        assert_eq!(ledger.take().len(), 1, "also when some were written down meanwhile");
        assert_eq!((ledger.begin_a_minute(), ledger.begin_a_minute()), (3, 0));
        let mut kept = Vec::new();
        for _ in 0..2 * MOST_WAITING / MOST {
            note(&ledger, MOST);
            kept.extend(ledger.take());
            ledger.begin_a_minute();
        }
        ledger.put_back(kept);
        assert_eq!(ledger.take().len(), MOST_WAITING);
    }
}
