//! The sessions of a user, and an owner for those that Django apps have begun.

use std::collections::HashMap;

use super::{Auth, load};
use crate::clock;
use crate::error::Error;
use crate::session::codec::{Decoded, Undecodable};
use crate::session::diary::Seen;
use crate::session::owned::{self, Sighting, Stranger};
use crate::session::store::{self, BATCH};
use crate::session::{SessionInfo, stranger};
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
        let is_users = load::user_id(&decoded.data) == Some(user.id.into());
        is_users.then(|| self.key_of_stamp(&decoded.data, &user.password).is_some())
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
        self.meet_strangers(|_| ())
    }

    /// The same, and tells whom it has found. Visitors' who have not signed in are nobody's, and are not met again; those
    /// that another key has signed are left for an app that has it.
    pub(super) fn meet_strangers(&self, mut tell: impl FnMut(&[Stranger])) -> Result<(), Error> {
        let mut behind = String::new();
        loop {
            let page = stranger::page(&self.shared, &behind)?;
            if page.len() < BATCH {
                return self.meet(&page, &mut tell);
            }
            clock::at_half_pace(|| self.meet(&page, &mut tell))?;
            behind.clone_from(&page[BATCH - 1]);
        }
    }

    fn meet(&self, page: &[String], tell: &mut impl FnMut(&[Stranger])) -> Result<(), Error> {
        if page.is_empty() {
            return Ok(());
        }
        let living = owned::living(&self.shared, page)?;
        let mut nobodys: HashMap<&str, Option<&str>> =
            page.iter().map(|key| (key.as_str(), None)).collect();
        let mut found = Vec::new();
        for (key, data) in &living {
            match self.codec.decode(data).map(|decoded| self.found(key, &decoded)) {
                Err(Undecodable::Signature) => drop(nobodys.remove(key.as_str())),
                Ok(Some(stranger)) => {
                    nobodys.remove(key.as_str());
                    found.push(stranger);
                }
                Ok(None) | Err(Undecodable::Content) => {
                    nobodys.insert(key, Some(data));
                }
            }
        }
        tell(&found);
        self.shared.transact(|conn| {
            owned::adopt(conn, &found)?;
            stranger::settle(conn, page, &nobodys)
        })
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

    fn found(&self, key: &str, decoded: &Decoded) -> Option<Stranger> {
        let user_id = i32::try_from(load::user_id(&decoded.data)?).ok()?;
        let seen = Seen { user_id, written: decoded.written };
        Some(self.stranger(key, seen, Sighting::Found))
    }
}
