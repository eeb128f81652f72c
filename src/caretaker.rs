//! The operator's handle: the people and the sessions of a house, without an app and its database.

use crate::auth::{Auth, Why};
use crate::check::{self, Warning};
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::Error;
use crate::user::store::{self as users, Rank};
use crate::user::{Active, Grant, User, grants};

/// Keeps a house: its users and sessions, over the shared database alone.
///
/// ```no_run
/// use housekey::{Caretaker, Config};
/// let house = Caretaker::open(Config::from_env()?)?;
/// house.set_active("grace", housekey::Active::No)?;
/// # Ok::<(), housekey::Error>(())
/// ```
pub struct Caretaker {
    shared: SharedPool,
    auth: Auth,
    config: Config,
}

/// The steps of [`migrate`](crate::migrate) that the shared database lacks; nothing is changed.
///
/// ```no_run
/// for step in housekey::plan(&housekey::Config::from_env()?)? {
///     println!("would apply {step}");
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
pub fn plan(config: &Config) -> Result<Vec<String>, Error> {
    migrate::missing(&SharedPool::new(&config.shared, 1, config.deadline))
}

impl Caretaker {
    /// Opens the house, if its tables are there and the key is one that it knows.
    ///
    /// ```no_run
    /// use housekey::{Caretaker, Config};
    /// let house = Caretaker::open(Config::from_env()?)?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::open`](crate::Housekey::open).
    pub fn open(config: Config) -> Result<Self, Error> {
        let shared = SharedPool::new(&config.shared, 1, config.deadline);
        check::tables(&shared)?;
        check::key(&shared, &config)?;
        let auth = Auth::new(&config, shared.clone());
        Ok(Self { shared, auth, config })
    }

    /// What will trouble the users of the house; see [`Housekey::check`](crate::Housekey::check).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let is_well = house.check()?.is_empty();
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::check`](crate::Housekey::check).
    pub fn check(&self) -> Result<Vec<Warning>, Error> {
        check::warnings(&self.shared, &self.config)
    }

    /// Why a `Cookie` header is, or is not, a login here. Nothing is changed, and no secret is told.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// println!("{}", house.why("sessionid=7qk2v9x0c4m1n8b5z3l6j0h2g4f9s8d7f6g5h4j3")?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`]: never because of the cookie.
    pub fn why(&self, cookies: &str) -> Result<Why, Error> {
        self.auth.why(cookies)
    }

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

    /// Gives a permission to a user, or takes it: `app_label.codename`. What groups or superusers have is not
    /// touched.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.grant("ada", "billing.approve_invoice", housekey::Grant::Give)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a user or permission; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn grant(&self, username: &str, permission: &str, grant: Grant) -> Result<(), Error> {
        self.write(|conn| {
            let user = known(grants::user(conn, username)?, "user", username)?;
            for permission in rows_of(conn, permission)? {
                grants::set_of_user(conn, (user, permission), grant)?;
            }
            Ok(())
        })
    }

    /// Gives a permission to a group, or takes it.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.grant_to_group("accountants", "billing.approve_invoice", housekey::Grant::Give)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a group or permission; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn grant_to_group(&self, group: &str, permission: &str, grant: Grant) -> Result<(), Error> {
        self.write(|conn| {
            let row = known(grants::group(conn, group)?, "group", group)?;
            for permission in rows_of(conn, permission)? {
                grants::set_of_group(conn, (row, permission), grant)?;
            }
            Ok(())
        })
    }

    /// Puts a user into a group, or takes the user out of it.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.set_membership("ada", "accountants", housekey::Grant::Give)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a user or group; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn set_membership(&self, username: &str, group: &str, grant: Grant) -> Result<(), Error> {
        self.write(|conn| {
            let user = known(grants::user(conn, username)?, "user", username)?;
            let row = known(grants::group(conn, group)?, "group", group)?;
            Ok(grants::set_membership(conn, (user, row), grant)?)
        })
    }

    /// Makes a group; one that is there already is no error.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.create_group("accountants")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a name of no or of more than 150 characters; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn create_group(&self, name: &str) -> Result<(), Error> {
        let is_good = (1..=150).contains(&name.chars().count()) && !name.contains('\0');
        if !is_good {
            return Err(Error::config("the name of a group", "must have 1 to 150 characters"));
        }
        self.write(|conn| match grants::group(conn, name)? {
            Some(_) => Ok(()),
            None => Ok(grants::create_group(conn, name)?),
        })
    }

    /// The names of all groups, sorted.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let groups = house.groups()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn groups(&self) -> Result<Vec<String>, Error> {
        self.shared.run(grants::groups)
    }

    /// One transaction, alone with what other operators do.
    fn write(
        &self,
        work: impl FnOnce(&mut SharedConnection) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let done = self.shared.write(|conn| {
            migrate::lock(conn)?;
            work(conn)
        });
        done.map_err(Error::settled)
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

fn rows_of(conn: &mut SharedConnection, permission: &str) -> Result<Vec<i32>, Error> {
    let rows = grants::permissions(conn, permission)?;
    known((!rows.is_empty()).then_some(rows), "permission", permission)
}

fn known<T>(found: Option<T>, what: &'static str, name: &str) -> Result<T, Error> {
    found.ok_or_else(|| Error::Unknown { what, name: name.to_owned() })
}

impl Caretaker {
    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }
}

impl std::fmt::Debug for Caretaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caretaker").field("shared", &self.shared.kind()).finish_non_exhaustive()
    }
}
