//! The sessions of a user, and an owner for those that Django apps have begun.

use super::{Auth, USER_HASH, load};
use crate::error::Error;
use crate::session::SessionInfo;
use crate::session::diary::Seen;
use crate::session::owned::{self, Sighting, Stranger};
use crate::session::store::{self, BATCH};
use crate::user::store::UserRow;

impl Auth {
    /// Those that are known to be the user's: living, signed by a key of ours, with the password as it is now.
    /// When they were seen is written down first.
    pub(crate) fn sessions_of(&self, user_id: i64) -> Result<Vec<SessionInfo>, Error> {
        self.write_down();
        let Some(user) = self.readable_by_id(user_id)? else { return Ok(Vec::new()) };
        let rows = owned::living_of(&self.shared, user.id)?;
        let logins =
            rows.into_iter().filter(|row| self.has_stamp_of(&user, &row.data) == Some(true));
        Ok(logins.map(SessionInfo::from).collect())
    }

    /// Is it tied to the user's password as it is? `None` when it is not known to be the user's at all.
    fn has_stamp_of(&self, user: &UserRow, data: &str) -> Option<bool> {
        let decoded = self.codec.decode(data).ok()?;
        let stamp: String = decoded.data.get(USER_HASH).unwrap_or_default();
        let is_users = load::user_id(&decoded.data) == Some(user.id.into());
        is_users.then(|| self.stamps.key_of(&user.password, &stamp).is_some())
    }

    /// Ends what a new password has left void of the user's sessions. A login since then stays.
    pub(crate) fn end_void_sessions(&self, user_id: i64) -> Result<(), Error> {
        let Some(user) = self.readable_by_id(user_id)? else { return Ok(()) };
        for row in owned::living_of(&self.shared, user.id)? {
            if self.has_stamp_of(&user, &row.data) == Some(false) {
                self.shared.transact(|conn| store::delete_unchanged(conn, &row.key, &row.data))?;
            }
        }
        Ok(())
    }

    /// Gives all sessions an owner whose data tells one.
    pub(crate) fn adopt_strangers(&self) -> Result<(), Error> {
        self.meet_strangers(|found| self.shared.transact(|conn| owned::adopt(conn, found)))
    }

    /// Goes through the living sessions that have no owner yet, some at a time; visitors' who have not signed in,
    /// and those that another key has signed, are nobody's. Which have an owner is told by two lists of keys in
    /// one order: a join is what databases plan badly here.
    pub(super) fn meet_strangers(
        &self,
        mut tell: impl FnMut(&[Stranger]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut behind = String::new();
        loop {
            let mut keys = store::keys(&self.shared, &behind)?;
            let Some(last) = keys.last().cloned() else { return Ok(()) };
            let known = owned::known_between(&self.shared, &behind, &last)?;
            keys.retain(|key| !known.contains(key));
            for keys in keys.chunks(BATCH) {
                let rows = owned::living(&self.shared, keys)?;
                let found = rows.iter().filter_map(|(key, data)| self.found(key, data));
                tell(&found.collect::<Vec<_>>())?;
            }
            behind = last;
        }
    }

    /// Goes through the living sessions with their data, a page at a time.
    pub(super) fn meet_living(
        &self,
        mut tell: impl FnMut(Vec<(String, String)>) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let mut behind = String::new();
        loop {
            let page = store::living_page(&self.shared, &behind)?;
            let Some((last, _)) = page.last() else { return Ok(()) };
            behind.clone_from(last);
            tell(page)?;
        }
    }

    fn found(&self, key: &str, data: &str) -> Option<Stranger> {
        let decoded = self.codec.decode(data).ok()?;
        let user_id = i32::try_from(load::user_id(&decoded.data)?).ok()?;
        let seen = Seen { user_id, written: decoded.written };
        Some(self.stranger(key, seen, Sighting::Found))
    }
}
