//! Ending many sessions: a user's, all.

use std::collections::BTreeSet;

use super::Auth;
use crate::error::Error;
use crate::events::{Event, EventKind};
use crate::session::codec::Undecodable;
use crate::session::info::id;
use crate::session::{owned, store};

impl Auth {
    /// Ends the session of a user that has this id; `false` when there is none.
    pub(crate) fn end_session(&self, user_id: i64, wanted: &str) -> Result<bool, Error> {
        let Ok(user_id) = i32::try_from(user_id) else { return Ok(false) };
        let keys = owned::keys_of(&self.shared, user_id)?;
        let Some(key) = keys.into_iter().find(|key| id(key) == wanted) else { return Ok(false) };
        let event = self.revocation(user_id)?.in_session_of(wanted);
        Ok(self.delete_sessions(&[key], &event)? > 0)
    }

    /// Ends the sessions of a user, Django's too.
    pub(crate) fn end_sessions(&self, user_id: i64) -> Result<usize, Error> {
        let Ok(user_id) = i32::try_from(user_id) else { return Ok(0) };
        let event = self.revocation(user_id)?;
        self.delete_sessions(&self.keys_of(user_id)?, &event)
    }

    /// Ends all but the one of this id; `None`, and none is ended, when that is not one of the user's.
    pub(crate) fn end_other_sessions(
        &self,
        user_id: i64,
        spared: &str,
    ) -> Result<Option<usize>, Error> {
        let Ok(user_id) = i32::try_from(user_id) else { return Ok(None) };
        let keys = self.keys_of(user_id)?;
        let (spared, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| id(key) == spared);
        if spared.is_empty() {
            return Ok(None);
        }
        let event = self.revocation(user_id)?;
        self.delete_sessions(&others, &event).map(Some)
    }

    pub(crate) fn end_all_sessions(&self) -> Result<usize, Error> {
        let (mut ended, mut behind) = (0, String::new());
        let event = self.event(EventKind::SessionRevoked);
        loop {
            let keys = store::keys(&self.shared, &behind)?;
            ended += self.delete_sessions(&keys, &event)?;
            let Some(last) = keys.into_iter().next_back() else { return Ok(ended) };
            behind = last;
        }
    }

    /// A row that was written anew meanwhile stays.
    pub(crate) fn end_foreign_sessions(&self) -> Result<usize, Error> {
        let mut ended = 0;
        self.meet_living(|page| {
            let is_foreign =
                |data: &str| matches!(self.codec.decode(data), Err(Undecodable::Signature));
            for (key, data) in page.iter().filter(|(_, data)| is_foreign(data)) {
                let done = self.shared.transact(|conn| store::delete_unchanged(conn, key, data))?;
                ended += usize::from(done);
            }
            Ok(())
        })?;
        if ended > 0 {
            let event = self.event(EventKind::SessionRevoked);
            self.record_all(&[event.detail(&format!("{ended} of another key"))]);
        }
        Ok(ended)
    }

    /// The event of it, with the user's name if there is one still.
    fn revocation(&self, user_id: i32) -> Result<Event, Error> {
        let event = self.event(EventKind::SessionRevoked);
        Ok(match self.readable_by_id(user_id.into())? {
            Some(row) => event.about(&row.into()),
            None => event.named(user_id, ""),
        })
    }

    /// First those whose data alone tells whose they are: one that is adopted meanwhile is found after that, and one that
    /// somebody has in hand is adopted later.
    pub(crate) fn keys_of(&self, user_id: i32) -> Result<Vec<String>, Error> {
        let mut keys = BTreeSet::new();
        self.meet_strangers(|found| {
            let own = found.iter().filter(|one| one.user_id == user_id);
            keys.extend(own.map(|one| one.key.clone()));
        })?;
        keys.extend(owned::keys_of(&self.shared, user_id)?);
        Ok(keys.into_iter().collect())
    }

    fn delete_sessions(&self, keys: &[String], event: &Event) -> Result<usize, Error> {
        let mut ended = 0;
        for keys in keys.chunks(store::BATCH) {
            let counted = |count: usize| event.clone().detail(&format!("{count} ended"));
            let count = self.shared.transact(|conn| {
                let count = store::delete_all(conn, keys)?;
                if count > 0 {
                    self.record(conn, &counted(count))?;
                }
                Ok(count)
            })?;
            if count > 0 {
                counted(count).tell();
            }
            ended += count;
        }
        Ok(ended)
    }
}
