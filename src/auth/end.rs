//! Ending many sessions: a user's, all.

use super::Auth;
use crate::error::Error;
use crate::session::codec::Undecodable;
use crate::session::info::id;
use crate::session::{owned, store};

impl Auth {
    /// Ends the session of a user that has this id; `false` when there is none.
    pub(crate) fn end_session(&self, user_id: i64, wanted: &str) -> Result<bool, Error> {
        let Ok(user_id) = i32::try_from(user_id) else { return Ok(false) };
        let keys = owned::keys_of(&self.shared, user_id)?;
        let Some(key) = keys.into_iter().find(|key| id(key) == wanted) else { return Ok(false) };
        Ok(self.delete_sessions(&[key])? > 0)
    }

    /// Ends the sessions of a user, Django's too.
    pub(crate) fn end_sessions(&self, user_id: i64) -> Result<usize, Error> {
        self.delete_sessions(&self.keys_of(user_id)?)
    }

    /// Ends all but the one of this id; `None`, and none is ended, when that is not one of the user's.
    pub(crate) fn end_other_sessions(
        &self,
        user_id: i64,
        spared: &str,
    ) -> Result<Option<usize>, Error> {
        let keys = self.keys_of(user_id)?;
        let (spared, others): (Vec<_>, Vec<_>) =
            keys.into_iter().partition(|key| id(key) == spared);
        if spared.is_empty() { Ok(None) } else { self.delete_sessions(&others).map(Some) }
    }

    pub(crate) fn end_all_sessions(&self) -> Result<usize, Error> {
        let (mut ended, mut behind) = (0, String::new());
        loop {
            let keys = store::keys(&self.shared, &behind)?;
            ended += self.delete_sessions(&keys)?;
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
        Ok(ended)
    }

    /// First those whose data alone tells whose they are: one that is adopted meanwhile is found after that.
    fn keys_of(&self, user_id: i64) -> Result<Vec<String>, Error> {
        let Ok(user_id) = i32::try_from(user_id) else { return Ok(Vec::new()) };
        let mut keys = Vec::new();
        self.meet_strangers(|found| {
            let own = found.iter().filter(|one| one.user_id == user_id);
            keys.extend(own.map(|one| one.key.clone()));
            Ok(())
        })?;
        keys.extend(owned::keys_of(&self.shared, user_id)?);
        Ok(keys)
    }

    fn delete_sessions(&self, keys: &[String]) -> Result<usize, Error> {
        let mut ended = 0;
        for keys in keys.chunks(store::BATCH) {
            ended += self.shared.transact(|conn| store::delete_all(conn, keys))?;
        }
        Ok(ended)
    }
}
