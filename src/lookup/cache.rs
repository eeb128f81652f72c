//! Answers that are kept for a while, as long as it is known that nothing has changed.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache as Entries, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use super::recent::Recent;
use crate::changes::Changes;
use crate::clock::Begun;
use crate::session::SessionKey;
use crate::session::find::Row;

/// An answer is kept no longer, and none of a session that ends before.
const KEPT_FOR: Duration = Duration::from_secs(60);

pub(super) struct Cache {
    entries: Entries<SessionKey, Kept>,
    changes: Arc<Changes>,
    recent: Arc<Recent>,
}

#[derive(Clone)]
struct Kept {
    row: Arc<Row>,
    asked: Asked,
}

/// When a question was asked: what is changed later is not in its answer.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    turn: u64,
    begun: Begun,
}

/// It lies in parts, which do not fill evenly: they are big, and have some places more.
fn room_for<T: Clone>(most: usize) -> Entries<SessionKey, T> {
    const PART: usize = 512;
    let places = most.saturating_add(most / 4);
    let parts = (most / PART).clamp(1, 64);
    let options = OptionsBuilder::new()
        .estimated_items_capacity(places)
        .weight_capacity(places as u64)
        .shards(parts)
        .build();
    let Ok(options) = options else { return Entries::new(places) };
    let (hasher, lifecycle) = (DefaultHashBuilder::default(), DefaultLifecycle::default());
    Entries::with_options(options, UnitWeighter, hasher, lifecycle)
}

impl Cache {
    pub(super) fn new(most: usize, changes: &Arc<Changes>, recent: &Arc<Recent>) -> Self {
        let (changes, recent) = (Arc::clone(changes), Arc::clone(recent));
        Self { entries: room_for(most), changes, recent }
    }

    /// To be called before the database is asked.
    pub(super) fn now(&self) -> Asked {
        Asked { turn: self.changes.turn(), begun: Begun::now() }
    }

    /// `None` as well while it is not known whether anything has changed.
    pub(super) fn find(&self, key: &SessionKey) -> Option<Arc<Row>> {
        if !self.changes.is_current() {
            return None;
        }
        let kept = self.entries.get(key)?;
        if kept.asked.begun.ago() < KEPT_FOR
            && !self.recent.is_changed(key, kept.row.user_id(), kept.asked.turn)
        {
            return Some(kept.row);
        }
        self.entries.remove(key);
        None
    }

    pub(super) fn keep(&self, key: &SessionKey, row: &Arc<Row>, asked: Asked) {
        if row.lasts {
            self.entries.insert(key.clone(), Kept { row: Arc::clone(row), asked });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_many_as_are_promised_find_place() {
        for most in [1, 10, 100, 1_000, 10_000, 100_000] {
            let (entries, key) =
                (room_for(most), |number: usize| SessionKey::from_row(number.to_string()));
            (0..most).for_each(|number| entries.insert(key(number), ()));
            let found = (0..most).filter(|number| entries.get(&key(*number)).is_some());
            assert_eq!(found.count(), most);
        }
    }
}
