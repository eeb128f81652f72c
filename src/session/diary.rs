//! Which sessions of users this app has seen since that was last written down.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::key::SessionKey;

/// Of a busier house some are not noted: they are seen again.
const MOST: usize = 10_000;

/// What a look-up has found out about a session.
#[derive(Clone, Copy)]
pub(crate) struct Seen {
    pub(crate) user_id: i32,
    /// Seconds since 1970, by the clock of the app that wrote it.
    pub(crate) written: i64,
}

/// By session key, in their order: all apps of a house then write in one order.
pub(crate) type Notes = BTreeMap<String, Seen>;

#[derive(Default)]
pub(crate) struct Diary(Mutex<Notes>);

impl Diary {
    pub(crate) fn note(&self, key: &SessionKey, seen: Seen) {
        let mut notes = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if notes.len() < MOST && !notes.contains_key(key.expose_secret()) {
            notes.insert(key.expose_secret().to_owned(), seen);
        }
    }

    pub(crate) fn take(&self) -> Notes {
        std::mem::take(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
