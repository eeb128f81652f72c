//! The operator's handle: the people and the sessions of a house, without an app and its database.

mod events;
mod keys;
mod people;

use crate::auth::{Auth, Why};
use crate::check;
use crate::config::Config;
use crate::db::{AppliedStep, SharedConnection, SharedPool, migrate};
use crate::error::Error;
use crate::events::{Event, EventKind};
use crate::place::Place;
use crate::registry;
use crate::session::store as sessions;
use crate::user::store as users;
use crate::user::{Grant, Group, granted, grants, removal};
pub use keys::SignOut;

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
    migrate::missing(&SharedPool::new(Place::Shared, &config.shared, 1, config.deadline))
}

/// The steps of [`migrate`](crate::migrate) that were applied, in their order.
///
/// ```no_run
/// for step in housekey::applied(&housekey::Config::from_env()?)? {
///     println!("{} by app {} at {}", step.step, step.app, step.at);
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
pub fn applied(config: &Config) -> Result<Vec<AppliedStep>, Error> {
    migrate::ledger(&SharedPool::new(Place::Shared, &config.shared, 1, config.deadline))
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
        let shared = SharedPool::new(Place::Shared, &config.shared, 1, config.deadline);
        check::tables(&shared)?;
        registry::is_known(&shared, &config)?;
        let auth = Auth::new(&config, shared.clone());
        Ok(Self { shared, auth, config })
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

    /// How many users there are.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// println!("{} users", house.user_count()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn user_count(&self) -> Result<i64, Error> {
        self.shared.run(users::count)
    }

    /// How many sessions have not ended.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// println!("{} sessions", house.session_count()?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn session_count(&self) -> Result<i64, Error> {
        self.shared.run(sessions::living)
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
        self.write_down(|conn| {
            let user = known(grants::user(conn, username)?, "user", username)?;
            let mut is_other = false;
            for permission in rows_of(conn, permission)? {
                is_other |= grants::set_of_user(conn, (user, permission), grant)?;
            }
            let event = self.auth.event(EventKind::RightsChanged).named(user, username);
            Ok(is_other.then(|| event.detail(&grant.of(permission))))
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
        self.write_down(|conn| {
            let row = known(grants::group(conn, group)?, "group", group)?;
            let mut is_other = false;
            for permission in rows_of(conn, permission)? {
                is_other |= grants::set_of_group(conn, (row, permission), grant)?;
            }
            let told = format!("{group} {}", grant.of(permission));
            Ok(is_other.then(|| self.auth.event(EventKind::GroupChanged).detail(&told)))
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
        self.write_down(|conn| {
            let user = known(grants::user(conn, username)?, "user", username)?;
            let row = known(grants::group(conn, group)?, "group", group)?;
            let is_other = grants::set_membership(conn, (user, row), grant)?;
            let event = self.auth.event(EventKind::RightsChanged).named(user, username);
            Ok(is_other.then(|| event.detail(&grant.of(&format!("group {group}")))))
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
    /// [`Error::Group`] for a name of no or of more than 150 characters; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn create_group(&self, name: &str) -> Result<(), Error> {
        grants::admit_group(name)?;
        self.write_down(|conn| {
            if grants::group(conn, name)?.is_some() {
                return Ok(None);
            }
            grants::create_group(conn, name)?;
            Ok(Some(self.auth.event(EventKind::GroupCreated).detail(name)))
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

    /// The group of that name, with its members and permissions.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let members = house.find_group("accountants")?.map(|group| group.members);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn find_group(&self, name: &str) -> Result<Option<Group>, Error> {
        self.shared.run(|conn| match grants::group(conn, name)? {
            Some(id) => granted::of_group(conn, id, name).map(Some),
            None => Ok(None),
        })
    }

    /// Deletes a group, and with it who was in it and what it gave.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// house.delete_group("accountants")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unknown`] without such a group; [`Error::StillReferred`] when rows of other tables than
    /// Django's own refer to it: nothing is changed then. [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn delete_group(&self, name: &str) -> Result<(), Error> {
        let deleted = self.write_down(|conn| {
            let id = known(grants::group(conn, name)?, "group", name)?;
            removal::remove(conn, &removal::GROUP, id, name)?;
            Ok(Some(self.auth.event(EventKind::GroupDeleted).detail(name)))
        });
        deleted.map_err(|error| removal::told(error, &removal::GROUP, name))
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.auth
    }

    /// One transaction, alone with what other operators do.
    fn write<T>(
        &self,
        work: impl FnOnce(&mut SharedConnection) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = self.shared.write(|conn| {
            migrate::lock(conn)?;
            work(conn)
        });
        done.map_err(Error::settled)
    }

    /// The same, with what has happened by it, if anything has.
    fn write_down(
        &self,
        work: impl FnOnce(&mut SharedConnection) -> Result<Option<Event>, Error>,
    ) -> Result<(), Error> {
        let event = self.write(|conn| {
            let event = work(conn)?;
            if let Some(event) = &event {
                self.auth.record(conn, event)?;
            }
            Ok(event)
        })?;
        event.iter().for_each(Event::tell);
        Ok(())
    }
}

fn rows_of(conn: &mut SharedConnection, permission: &str) -> Result<Vec<i32>, Error> {
    let rows = grants::permissions(conn, permission)?;
    known((!rows.is_empty()).then_some(rows), "permission", permission)
}

fn known<T>(found: Option<T>, what: &'static str, name: &str) -> Result<T, Error> {
    found.ok_or_else(|| Error::unknown(what, name))
}

impl std::fmt::Debug for Caretaker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caretaker").field("shared", &self.shared.kind()).finish_non_exhaustive()
    }
}
