//! What was changed lately in the shared database, so that no old answer passes for a new one.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};

use crate::changes::Change;
use crate::session::SessionKey;

/// So many changes are told apart; beyond that everything counts as changed.
const MOST: usize = 10_000;

/// For each session and each user the turn in which it was changed last.
#[derive(Default)]
pub(super) struct Recent {
    turns: RwLock<Turns>,
    /// The last turn that was noted, or is about to be: who asks of a later one needs no lock.
    latest: AtomicU64,
}

#[derive(Default)]
struct Turns {
    sessions: HashMap<SessionKey, u64>,
    users: HashMap<i64, u64>,
    everything: u64,
}

impl Recent {
    /// What was read before that turn is older than these changes.
    pub(super) fn note(&self, turn: u64, changes: &[Change]) {
        let mut turns = self.turns.write().unwrap_or_else(PoisonError::into_inner);
        self.latest.fetch_max(turn, Ordering::SeqCst);
        for change in changes {
            match change {
                Change::Session(key) => drop(turns.sessions.insert(key.clone(), turn)),
                Change::User(id) => drop(turns.users.insert(*id, turn)),
                Change::Everything => turns.forget(turn),
            }
        }
        if turns.sessions.len() + turns.users.len() > MOST {
            turns.forget(turn);
        }
    }

    /// Was the session or the user changed after that turn?
    pub(super) fn is_changed(
        &self,
        session: Option<&SessionKey>,
        user: Option<i32>,
        since: u64,
    ) -> bool {
        if self.latest.load(Ordering::SeqCst) <= since {
            return false;
        }
        let turns = self.turns.read().unwrap_or_else(PoisonError::into_inner);
        let is_later = |turn: Option<&u64>| turn.is_some_and(|turn| *turn > since);
        turns.everything > since
            || session.is_some_and(|key| is_later(turns.sessions.get(key)))
            || user.is_some_and(|id| is_later(turns.users.get(&id.into())))
    }
}

impl Turns {
    fn forget(&mut self, turn: u64) {
        *self = Self { everything: turn, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(name: &str) -> SessionKey {
        SessionKey::from_row(name.to_owned())
    }

    #[test]
    fn a_session_is_as_old_as_its_last_change_or_its_users() {
        let recent = Recent::default();
        recent.note(3, &[Change::Session(key("a")), Change::User(7)]);
        recent.note(4, &[Change::Session(key("b"))]);
        let changed = |name, user, since| recent.is_changed(Some(&key(name)), user, since);
        assert!(changed("a", None, 2) && !changed("a", None, 3));
        assert!(changed("b", None, 3) && !changed("b", None, 4));
        assert!(changed("c", Some(7), 2) && !changed("c", Some(7), 3));
        assert!(!changed("c", Some(8), 0) && !changed("c", None, 0));
    }

    #[test]
    fn what_a_user_may_do_is_as_old_as_the_users_last_change() {
        let recent = Recent::default();
        recent.note(3, &[Change::Session(key("a")), Change::User(7)]);
        assert!(recent.is_changed(None, Some(7), 2) && !recent.is_changed(None, Some(7), 3));
        assert!(!recent.is_changed(None, Some(8), 2) && !recent.is_changed(None, None, 2));
    }

    #[test]
    fn everything_is_every_session_until_that_turn() {
        let recent = Recent::default();
        recent.note(5, &[Change::Everything, Change::Session(key("a"))]);
        assert!(
            recent.is_changed(Some(&key("c")), None, 4)
                && !recent.is_changed(Some(&key("c")), None, 5)
        );
    }

    #[test]
    fn too_many_to_tell_apart_are_everything() {
        let recent = Recent::default();
        let many: Vec<_> = (0..=MOST).map(|n| Change::Session(key(&n.to_string()))).collect();
        recent.note(1, &many);
        assert!(recent.is_changed(Some(&key("another")), None, 0));
        assert!(!recent.is_changed(Some(&key("another")), None, 1));
    }
}
