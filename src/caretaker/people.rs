//! The people of the house, one at a time.

use diesel::QueryResult;

use super::{Caretaker, known};
use crate::db::SharedConnection;
use crate::error::Error;
use crate::events::EventKind;
use crate::user::store::{self as users, Rank};
use crate::user::{Active, Grant, Granted, User, declared, granted, grants, removal};
use crate::username;

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
        let is_done = self.auth.set_password(username, password)?;
        if let Some(user) = self.find_user(username)?.filter(|_| is_done) {
            // They are void by now, and would only lie about until somebody comes with them.
            self.auth.end_void_sessions(user.id)?;
        }
        Ok(is_done)
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
        let Some(user) = self.find_user(username)? else { return Ok(false) };
        let kind = match active {
            Active::Yes => EventKind::UserActivated,
            Active::No => EventKind::UserDeactivated,
        };
        let event = self.auth.event(kind).about(&user);
        self.auth.also_recorded(&event, |conn| users::set_active(conn, username, active))
    }

    /// Forgets the wrong passwords that were tried for this name, from wherever they came: the next attempt is let
    /// through ([`Error::TooManyAttempts`]). `false` when there is no such user. An address that tries many names goes
    /// on waiting, no longer than a minute.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_done = house.unlock_user("ada")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn unlock_user(&self, username: &str) -> Result<bool, Error> {
        self.auth.unlock(username)
    }

    /// Gives the user another name, by the rules of [`Housekey::create_user`](crate::Housekey::create_user). The
    /// sessions of the user go on.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let user = house.rename_user("ada", "lovelace")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a user; [`Error::UsernameTaken`]; [`Error::User`] for a name that Django
    /// would not take; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn rename_user(&self, old: &str, new: &str) -> Result<User, Error> {
        let name = username::admit(new)?;
        self.write_down(|conn| {
            let user = known(grants::user(conn, old)?, "user", old)?;
            users::rename(conn, user, &name)?;
            let event = self.auth.event(EventKind::UserChanged).named(user, &name);
            Ok((name != old).then(|| event.detail(&format!("user name, which was {old}"))))
        })?;
        known(self.find_user(&name)?, "user", &name)
    }

    /// Deletes the user for good, with all that Django's own tables have of the user, and all sessions. Local
    /// rows of the apps keep the id, which no other user gets; see
    /// [`Referenced::find_orphans`](crate::Referenced::find_orphans). Mostly [`Caretaker::set_active`] does better.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.delete_user("grace")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a user; [`Error::StillReferred`] when rows of other tables than Django's
    /// own refer to the user, who stays then. [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn delete_user(&self, username: &str) -> Result<(), Error> {
        let event = |id: i32| self.auth.event(EventKind::UserDeleted).named(id, username);
        let deleted = self.write(|conn| {
            let user = known(grants::user(conn, username)?, "user", username)?;
            removal::remove(conn, &removal::USER, user, username)?;
            self.auth.record(conn, &event(user))?;
            Ok(user)
        });
        let user = deleted.map_err(|error| removal::told(error, &removal::USER, username))?;
        event(user).tell();
        // They are nobody's by now, and only lie about.
        self.auth.end_sessions(user.into()).map(drop)
    }

    /// Lets the user do everything, and open Django's admin, or do everything no more; `false` when there is no
    /// such user.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_done = house.set_superuser("ada", housekey::Grant::Give)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_superuser(&self, username: &str, grant: Grant) -> Result<bool, Error> {
        let deed = |conn: &mut SharedConnection| users::set_superuser(conn, username, grant);
        self.set_flag(username, ("superuser", |user| user.is_superuser), grant, deed)
    }

    /// Lets the user open Django's admin, or not; `false` when there is no such user.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_done = house.set_staff("ada", housekey::Grant::Take)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_staff(&self, username: &str, grant: Grant) -> Result<bool, Error> {
        let deed = |conn: &mut SharedConnection| users::set_staff(conn, username, grant);
        self.set_flag(username, ("staff", |user| user.is_staff), grant, deed)
    }

    fn set_flag(
        &self,
        username: &str,
        (name, is_set): (&str, fn(&User) -> bool),
        grant: Grant,
        deed: impl FnOnce(&mut SharedConnection) -> QueryResult<bool>,
    ) -> Result<bool, Error> {
        let Some(user) = self.find_user(username)? else { return Ok(false) };
        if is_set(&user) == (grant == Grant::Give) {
            return self.shared.transact(deed);
        }
        let event = self.auth.event(EventKind::RightsChanged).about(&user);
        self.auth.also_recorded(&event.detail(&grant.of(name)), deed)
    }

    /// The permissions that can be granted, sorted: each with Django's name for it. Of one app label, or of all.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// for (permission, name) in house.permissions(Some("billing"))? {
    ///     println!("{permission}: {name}"); // billing.approve_invoice: Can approve invoice
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn permissions(&self, label: Option<&str>) -> Result<Vec<(String, String)>, Error> {
        let mut all = self.shared.run(declared::grantable)?;
        let is_of = |name: &str, label| name.split_once('.').is_some_and(|(of, _)| of == label);
        all.retain(|(name, _)| label.is_none_or(|label| is_of(name, label)));
        Ok(all)
    }

    /// The groups and permissions of a user.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_accountant = house.granted("ada")?.groups.iter().any(|group| group == "accountants");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a user; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn granted(&self, username: &str) -> Result<Granted, Error> {
        let granted = self.shared.run(|conn| {
            let user = grants::user(conn, username)?;
            user.map(|user| granted::of_user(conn, user)).transpose()
        })?;
        known(granted, "user", username)
    }
}
