//! Answers that are kept for a while, as long as it is known that nothing has changed.

use std::hash::Hash;
use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::{Cache as Entries, DefaultLifecycle};
use quick_cache::{DefaultHashBuilder, OptionsBuilder, UnitWeighter};

use super::recent::Recent;
use crate::changes::Changes;
use crate::clock::Begun;
use crate::session::SessionKey;
use crate::session::find::Row;
use crate::user::Permissions;
use crate::user::permission::Holder;

/// An answer is kept no longer, and none of a session that ends before.
const KEPT_FOR: Duration = Duration::from_secs(60);

pub(super) struct Cache {
    sessions: Entries<SessionKey, Kept<Arc<Row>>>,
    permissions: Entries<Holder, Kept<Permissions>>,
    changes: Arc<Changes>,
    recent: Arc<Recent>,
}

#[derive(Clone)]
struct Kept<T> {
    answer: T,
    asked: Asked,
}

/// When a question was asked: what is changed later is not in its answer.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    turn: u64,
    begun: Begun,
}

/// It lies in parts, which do not fill evenly: they are big, and have some places more.
fn room_for<K: Eq + Hash, T: Clone>(most: usize) -> Entries<K, T> {
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
        Self { sessions: room_for(most), permissions: room_for(most), changes, recent }
    }

    /// To be called before the database is asked.
    pub(super) fn now(&self) -> Asked {
        Asked { turn: self.changes.turn(), begun: Begun::now() }
    }

    pub(super) fn session(&self, key: &SessionKey) -> Option<Arc<Row>> {
        self.find(&self.sessions, key, |row, turn| {
            self.recent.is_changed(Some(key), row.user_id(), turn)
        })
    }

    pub(super) fn keep_session(&self, key: &SessionKey, row: &Arc<Row>, asked: Asked) {
        if row.lasts {
            self.sessions.insert(key.clone(), Kept { answer: Arc::clone(row), asked });
        }
    }

    pub(super) fn permissions(&self, holder: Holder) -> Option<Permissions> {
        self.find(&self.permissions, &holder, |_, turn| {
            self.recent.is_changed(None, holder.user_id(), turn)
        })
    }

    pub(super) fn keep_permissions(&self, holder: Holder, answer: &Permissions, asked: Asked) {
        self.permissions.insert(holder, Kept { answer: answer.clone(), asked });
    }

    /// `None` as well while it is not known whether anything has changed.
    fn find<K: Eq + Hash, T: Clone>(
        &self,
        entries: &Entries<K, Kept<T>>,
        key: &K,
        is_changed: impl FnOnce(&T, u64) -> bool,
    ) -> Option<T> {
        if !self.changes.is_current() {
            return None;
        }
        let kept = entries.get(key)?;
        if kept.asked.begun.ago() < KEPT_FOR && !is_changed(&kept.answer, kept.asked.turn) {
            return Some(kept.answer);
        }
        entries.remove(key);
        None
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
