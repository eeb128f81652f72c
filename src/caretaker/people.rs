//! The people of the house, one at a time.

use super::Caretaker;
use crate::error::Error;
use crate::user::store::{self as users, Rank};
use crate::user::{Active, User};

impl Caretaker {
    /// The users whose names begin so, sorted; at most so many.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let all = house.users("", 100)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn users(&self, begin: &str, most: u32) -> Result<Vec<User>, Error> {
        users::list(&self.shared, begin, most.into())
    }

    /// The user of that name, exactly as it is written; active or not.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_there = house.find_user("ada")?.is_some();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn find_user(&self, username: &str) -> Result<Option<User>, Error> {
        self.auth.find_user(username)
    }

    /// Makes a user; see [`Housekey::create_user`](crate::Housekey::create_user).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.create_user("ada", "ada@example.org", "correct horse battery staple")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::create_user`](crate::Housekey::create_user).
    pub fn create_user(&self, username: &str, email: &str, password: &str) -> Result<User, Error> {
        self.auth.create_user(username, email, password, Rank::Ordinary)
    }

    /// Makes a user who may do everything.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.create_superuser("root", "root@example.org", "correct horse battery staple")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::create_user`](crate::Housekey::create_user).
    pub fn create_superuser(
        &self,
        username: &str,
        email: &str,
        password: &str,
    ) -> Result<User, Error> {
        self.auth.create_user(username, email, password, Rank::Superuser)
    }

    /// Gives the user a new password, without the old one; `false` when there is no such user. All sessions
    /// of the user end.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_done = house.set_password("ada", "battery horse staple correct")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::User`] when the password is too long; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn set_password(&self, username: &str, password: &str) -> Result<bool, Error> {
        self.auth.set_password(username, password)
    }

    /// Lets the user sign in, or not; `false` when there is no such user.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_done = house.set_active("grace", housekey::Active::No)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_active(&self, username: &str, active: Active) -> Result<bool, Error> {
        self.shared.transact(|conn| users::set_active(conn, username, active))
    }
}
