//! Ending many sessions: what has expired, a user's, all.

use super::{Auth, load};
use crate::error::Error;
use crate::session::store;
use crate::user::store as users;

impl Auth {
    /// Deletes the rows of sessions that have ended, in batches.
    pub(crate) fn purge_sessions(&self) -> Result<usize, Error> {
        let mut purged = 0;
        loop {
            let keys = store::expired(&self.shared)?;
            let done = if keys.is_empty() { 0 } else { self.delete_sessions(&keys)? };
            if done == 0 {
                return Ok(purged);
            }
            purged += done;
        }
    }

    /// Ends the sessions of a user, Django's too: whose those are stands in their data alone. `None` when
    /// there is no such user.
    pub(crate) fn end_sessions_of(&self, username: &str) -> Result<Option<usize>, Error> {
        let Some(user) = users::find_by_username(&self.shared, username)? else { return Ok(None) };
        let is_users = |owner: Option<i32>, data: &str| match owner {
            Some(owner) => owner == user.id,
            None => self
                .codec
                .decode(data)
                .is_ok_and(|decoded| load::user_id(&decoded.data) == Some(user.id.into())),
        };
        self.end_sessions_that(is_users).map(Some)
    }

    pub(crate) fn end_all_sessions(&self) -> Result<usize, Error> {
        self.end_sessions_that(|_, _| true)
    }

    fn end_sessions_that(
        &self,
        is_meant: impl Fn(Option<i32>, &str) -> bool,
    ) -> Result<usize, Error> {
        let (mut ended, mut behind) = (0, String::new());
        loop {
            let page = store::page(&self.shared, &behind)?;
            let Some((last, ..)) = page.last() else { return Ok(ended) };
            behind.clone_from(last);
            let meant = page.into_iter().filter(|(_, owner, data)| is_meant(*owner, data));
            let keys: Vec<String> = meant.map(|(key, ..)| key).collect();
            if !keys.is_empty() {
                ended += self.delete_sessions(&keys)?;
            }
        }
    }

    fn delete_sessions(&self, keys: &[String]) -> Result<usize, Error> {
        self.shared.transact(|conn| store::delete_all(conn, keys))
    }
}
