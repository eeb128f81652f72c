//! The sessions of a user.

use super::Desk;
use crate::error::Error;
use crate::events::{Event, EventKind};
use crate::session::{SessionInfo, info, owned, store};

impl Desk<'_> {
    /// The living sessions of a user, the newest first, as far as they are known: see
    /// [`Housekey::sessions_of`](crate::Housekey::sessions_of). Needs `auth.view_user` or `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// for session in desk.sessions(grace.id)? {
    ///     println!("{} since {}", session.id, session.created);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn sessions(&self, id: i64) -> Result<Vec<SessionInfo>, Error> {
        self.may_see(&["auth.view_user", "auth.change_user"])?;
        self.auth.sessions_of(id)
    }

    /// Ends the session of a user that has this [`SessionInfo::id`]; `false` when the user has no such session (any
    /// more). Needs `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// let ended = desk.end_session(grace.id, "8d0f7c2b91e4a635")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unknown`] without such a user; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_session(&self, id: i64, session: &str) -> Result<bool, Error> {
        let keys = match i32::try_from(id) {
            Ok(id) => owned::keys_of(self.auth.shared(), id)?,
            Err(_) => Vec::new(),
        };
        let keys: Vec<String> = keys.into_iter().filter(|key| info::id(key) == session).collect();
        Ok(self.end(id, &keys, |event| event.in_session_of(session))? > 0)
    }

    /// Ends all sessions of a user, begun in whichever app, and says how many. It reads what Django apps have begun
    /// and nobody has looked at yet. Needs `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// let ended = desk.end_sessions(grace.id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Desk::end_session`].
    pub fn end_sessions(&self, id: i64) -> Result<usize, Error> {
        self.end(id, &[], |event| event)?;
        let keys = i32::try_from(id).map_or(Ok(Vec::new()), |id| self.auth.keys_of(id))?;
        let mut ended = 0;
        for keys in keys.chunks(store::BATCH) {
            ended += self.end(id, keys, |event| event)?;
        }
        Ok(ended)
    }

    /// No keys ask whether one may.
    fn end(
        &self,
        id: i64,
        keys: &[String],
        tell: impl FnOnce(Event) -> Event,
    ) -> Result<usize, Error> {
        self.write("auth.change_user", |deed| {
            let target = deed.user(id)?;
            let ended = store::delete_all(deed.conn, keys)?;
            if ended > 0 {
                let event = self.event(EventKind::SessionRevoked, &format!("{ended} ended"));
                deed.events.push(tell(event.about(&target.user)));
            }
            Ok(ended)
        })
    }
}
