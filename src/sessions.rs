//! The sessions of a user, wherever they were begun: for apps and for operators.

use crate::caretaker::Caretaker;
use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;
use crate::session::{Session, SessionInfo};
use crate::user::User;

impl<L: HouseConnection> Housekey<L> {
    /// The living sessions of a user, the newest first, for a page on which users see where they are signed in.
    ///
    /// Sessions begun in Django apps are among them as soon as a housekey app or an operator has seen them.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// if let Some(user) = session.user() {
    ///     for one in house.sessions_of(&user)?.iter().filter(|one| !one.is_current(session)) {
    ///         println!("{}: {}", one.id, one.created);
    ///     }
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn sessions_of(&self, user: &User) -> Result<Vec<SessionInfo>, Error> {
        self.auth().sessions_of(user.id)
    }

    /// Ends the session of this user that has this [`SessionInfo::id`]; `false` when the user has no such
    /// session (any more).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, user: &housekey::User, id: &str)
    /// # -> Result<(), housekey::Error> {
    /// let ended = house.end_session(user, id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_session(&self, user: &User, id: &str) -> Result<bool, Error> {
        self.auth().end_session(user.id, id)
    }

    /// Ends all sessions of the signed-in user but this one, Django's too, and says how many. It reads what Django
    /// apps have begun and nobody has looked at yet.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// let ended = house.end_other_sessions(session)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionGone`] when this session has ended itself; then no other is ended.
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_other_sessions(&self, session: &Session) -> Result<usize, Error> {
        let (Some(user), Some(id)) = (session.user(), session.id()) else { return Ok(0) };
        self.auth().end_other_sessions(user.id, &id)?.ok_or(Error::SessionGone)
    }

    /// Ends all sessions of a user, begun in whichever app, and says how many. It reads what Django apps have begun
    /// and nobody has looked at yet.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, user: &housekey::User)
    /// # -> Result<(), housekey::Error> {
    /// let ended = house.end_sessions_of(user)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_sessions_of(&self, user: &User) -> Result<usize, Error> {
        self.auth().end_sessions(user.id)
    }
}

impl Caretaker {
    /// The living sessions of a user, begun in whichever app, the newest first; `None` when there is no such
    /// user.
    ///
    /// It writes down first whose the sessions are that Django apps have begun, for all users: it reads those that
    /// nobody has looked at yet.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// for one in house.sessions_of("grace")?.unwrap_or_default() {
    ///     println!("{} {:?} {}", one.id, one.app, one.created);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn sessions_of(&self, username: &str) -> Result<Option<Vec<SessionInfo>>, Error> {
        let Some(user) = self.find_user(username)? else { return Ok(None) };
        self.auth().adopt_strangers()?;
        self.auth().sessions_of(user.id).map(Some)
    }

    /// Deletes the rows of sessions that have ended, and says how many there were (Django's `clearsessions`);
    /// also what is left of wrong passwords that are forgotten.
    ///
    /// It deletes some hundred at a time and rests in between, so that the apps go on, and tells each time how
    /// many they are so far.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let purged = house.purge_sessions(|so_far| println!("{so_far} sessions"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn purge_sessions(&self, tell: impl FnMut(usize)) -> Result<usize, Error> {
        self.auth().purge_sessions(tell)
    }

    /// Ends the session of a user that has this [`SessionInfo::id`]; `false` when there is no such user or
    /// session.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let ended = house.end_session("grace", "8d0f7c2b91e4a635")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_session(&self, username: &str, id: &str) -> Result<bool, Error> {
        match self.find_user(username)? {
            Some(user) => self.auth().end_session(user.id, id),
            None => Ok(false),
        }
    }

    /// Ends all sessions of a user, begun in whichever app, and says how many; `None` when there is no such
    /// user. It reads what Django apps have begun and nobody has looked at yet.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let ended = house.end_sessions_of("grace")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_sessions_of(&self, username: &str) -> Result<Option<usize>, Error> {
        let user = self.find_user(username)?;
        user.map(|user| self.auth().end_sessions(user.id)).transpose()
    }

    /// The same, but for the session with this [`SessionInfo::id`]; `None`, and none is ended, when there is no
    /// such user or session.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let ended = house.end_other_sessions_of("grace", "8d0f7c2b91e4a635")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_other_sessions_of(&self, username: &str, id: &str) -> Result<Option<usize>, Error> {
        match self.find_user(username)? {
            Some(user) => self.auth().end_other_sessions(user.id, id),
            None => Ok(None),
        }
    }

    /// Ends all sessions of the house, and says how many there were.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let ended = house.end_all_sessions()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_all_sessions(&self) -> Result<usize, Error> {
        self.auth().end_all_sessions()
    }

    /// Ends the living sessions that no key of this house has signed, and says how many: what is left of an app
    /// that had another key. No app does that by itself.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let ended = house.end_foreign_sessions()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn end_foreign_sessions(&self) -> Result<usize, Error> {
        self.auth().end_foreign_sessions()
    }
}
