//! Which sessions of users this app has seen since that was last written down.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use super::key::SessionKey;

/// Of a busier house some are not noted: they are seen again.
const MOST: usize = 10_000;

/// So many notes are remembered without a lock, each in the place that its hash says.
const PLACES: u64 = 4096;

/// What a look-up has found out about a session.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) user_id: i32,
    /// Seconds since 1970, by the clock of the app that wrote it.
    pub(crate) written: i64,
}

/// By session key, in their order: all apps of a house then write in one order.
pub(crate) type Notes = BTreeMap<String, Seen>;

pub(crate) struct Diary {
    notes: Mutex<Notes>,
    /// Hashes of what is noted: every request asks, and few have something new.
    noted: Box<[AtomicU64]>,
    /// Counts up from 1 when the notes are taken, and is part of the hashes.
    page: AtomicU64,
    hasher: RandomState,
}

impl Default for Diary {
    fn default() -> Self {
        Self {
            notes: Mutex::default(),
            noted: (0..PLACES).map(|_| AtomicU64::new(0)).collect(),
            page: AtomicU64::new(1),
            hasher: RandomState::new(),
        }
    }
}

/// The page on which a session that is kept was noted last.
#[derive(Default)]
pub(crate) struct Noted(AtomicU64);

impl Diary {
    /// As `note`, for less where it was done by this.
    pub(crate) fn note_kept(&self, noted: &Noted, key: &SessionKey, seen: Seen) {
        // As below.
        let page = self.page.load(Ordering::SeqCst);
        if noted.0.load(Ordering::Relaxed) != page {
            self.note(key, seen);
            noted.0.store(page, Ordering::Relaxed);
        }
    }

    pub(crate) fn note(&self, key: &SessionKey, seen: Seen) {
        // Read before the note is made: of a note that is taken meanwhile no hash stays.
        let page = self.page.load(Ordering::SeqCst);
        let hash = self.hasher.hash_one((page, key.expose_secret()));
        let place = &self.noted[usize::try_from(hash % PLACES).unwrap_or(0)];
        if place.load(Ordering::Relaxed) == hash {
            return;
        }
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MOST && !notes.contains_key(key.expose_secret()) {
            notes.insert(key.expose_secret().to_owned(), seen);
        }
        place.store(hash, Ordering::Relaxed);
    }

    pub(crate) fn take(&self) -> Notes {
        let mut notes = self.notes.lock().unwrap_or_else(PoisonError::into_inner);
        self.page.fetch_add(1, Ordering::SeqCst);
        std::mem::take(&mut notes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_that_is_kept_is_noted_once_a_page() {
        let (diary, noted) = (Diary::default(), Noted::default());
        let (key, seen) = (SessionKey::from_row("a".to_owned()), Seen { user_id: 1, written: 0 });
        for _ in 0..2 {
            (0..2).for_each(|_| diary.note_kept(&noted, &key, seen));
            assert_eq!(diary.take().len(), 1);
        }
    }

    #[test]
    fn a_session_is_noted_once_and_no_more_than_so_many_are() {
        let diary = Diary::default();
        let seen = Seen { user_id: 1, written: 0 };
        for number in 0..MOST + 5 {
            for _ in 0..2 {
                diary.note(&SessionKey::from_row(number.to_string()), seen);
            }
        }
        assert_eq!(diary.take().len(), MOST);
        assert!(diary.take().is_empty());
    }
}
