//! The sessions of a user, wherever they were begun: for apps and for operators.

use crate::caretaker::Caretaker;
use crate::error::Error;

impl Caretaker {
    /// Deletes the rows of sessions that have ended, a thousand at a time, and says how many there were
    /// (Django's `clearsessions`).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// println!("{} sessions purged", house.purge_sessions()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn purge_sessions(&self) -> Result<usize, Error> {
        self.auth().purge_sessions()
    }

    /// Ends all sessions of a user, begun in whichever app, and says how many; `None` when there is no such
    /// user. It reads every session of the house, because only their data tells whose Django's are.
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
        self.auth().end_sessions_of(username)
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
}
