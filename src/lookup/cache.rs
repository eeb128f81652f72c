//! Answers that are kept for a while, as long as it is known that nothing has changed.

use std::sync::Arc;
use std::time::Duration;

use quick_cache::sync::Cache as Entries;

use super::recent::Recent;
use crate::changes::Changes;
use crate::clock::Begun;
use crate::session::SessionKey;
use crate::session::find::Row;

/// An answer is kept no longer, and none of a session that ends before.
const KEPT_FOR: Duration = Duration::from_secs(60);

pub(super) struct Cache {
    entries: Entries<SessionKey, Arc<Kept>>,
    changes: Arc<Changes>,
    recent: Arc<Recent>,
}

struct Kept {
    row: Row,
    asked: Asked,
}

/// When a question was asked: what is changed later is not in its answer.
#[derive(Clone, Copy)]
pub(super) struct Asked {
    turn: u64,
    begun: Begun,
}

impl Cache {
    pub(super) fn new(most: usize, changes: &Arc<Changes>, recent: &Arc<Recent>) -> Self {
        let (changes, recent) = (Arc::clone(changes), Arc::clone(recent));
        Self { entries: Entries::new(most), changes, recent }
    }

    /// To be called before the database is asked.
    pub(super) fn now(&self) -> Asked {
        Asked { turn: self.changes.turn(), begun: Begun::now() }
    }

    /// `None` as well while it is not known whether anything has changed.
    pub(super) fn find(&self, key: &SessionKey) -> Option<Row> {
        if !self.changes.is_current() {
            return None;
        }
        let kept = self.entries.get(key)?;
        if kept.asked.begun.ago() < KEPT_FOR
            && !self.recent.is_changed(key, kept.row.user_id(), kept.asked.turn)
        {
            return Some(kept.row.clone());
        }
        self.entries.remove(key);
        None
    }

    pub(super) fn keep(&self, key: &SessionKey, row: &Row, asked: Asked) {
        if row.lasts {
            self.entries.insert(key.clone(), Arc::new(Kept { row: row.clone(), asked }));
        }
    }
}
