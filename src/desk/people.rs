//! One user at a time: what there is to see, and what the user is called.

use super::standing::Standing;
use super::{Desk, Rights};
use crate::error::Error;
use crate::events::EventKind;
use crate::password::{is_usable, unusable};
use crate::throttle::store as throttle;
use crate::user::store::{self as users, Details, New};
use crate::user::{Active, Granted, ResetLink, User, granted};
use crate::username;

/// What a user is called, and where mail goes; what is not said is empty.
///
/// ```
/// use housekey::UserDetails;
/// let grace = UserDetails::new("grace").email("grace@example.org").names("Grace", "Hopper");
/// fn with_another_address(user: &housekey::User) -> UserDetails {
///     UserDetails::from(user).email("grace@example.com")
/// }
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserDetails {
    username: String,
    email: String,
    first_name: String,
    last_name: String,
}

impl UserDetails {
    /// By the rules of [`Housekey::create_user`](crate::Housekey::create_user).
    ///
    /// ```
    /// let grace = housekey::UserDetails::new("grace");
    /// ```
    pub fn new(username: impl Into<String>) -> Self {
        let (email, first_name, last_name) = Default::default();
        Self { username: username.into(), email, first_name, last_name }
    }

    /// At most 254 characters.
    ///
    /// ```
    /// let grace = housekey::UserDetails::new("grace").email("grace@example.org");
    /// ```
    #[must_use]
    pub fn email(mut self, email: impl Into<String>) -> Self {
        self.email = email.into();
        self
    }

    /// First and last name, each at most 150 characters.
    ///
    /// ```
    /// let grace = housekey::UserDetails::new("grace").names("Grace", "Hopper");
    /// ```
    #[must_use]
    pub fn names(mut self, first: impl Into<String>, last: impl Into<String>) -> Self {
        (self.first_name, self.last_name) = (first.into(), last.into());
        self
    }

    /// As they are stored. What a user has already may be older than the rules.
    fn admit(&self, now: Option<&User>) -> Result<Details, Error> {
        let is_kept = |new: &str, of: fn(&User) -> &String| now.is_some_and(|now| of(now) == new);
        let username = match &self.username {
            kept if is_kept(kept, |now| &now.username) => kept.clone(),
            new => username::admit(new)?,
        };
        let email = match &self.email {
            kept if is_kept(kept, |now| &now.email) => kept.clone(),
            new => username::admit_email(&username, new)?,
        };
        let first_name = match &self.first_name {
            kept if is_kept(kept, |now| &now.first_name) => kept.clone(),
            new => username::admit_name(&username, new)?,
        };
        let last_name = match &self.last_name {
            kept if is_kept(kept, |now| &now.last_name) => kept.clone(),
            new => username::admit_name(&username, new)?,
        };
        Ok(Details { username, email, first_name, last_name })
    }
}

impl From<&User> for UserDetails {
    fn from(user: &User) -> Self {
        Self::new(&user.username).email(&user.email).names(&user.first_name, &user.last_name)
    }
}

/// A user with all that is granted, from [`Desk::user`].
///
/// ```
/// fn shows_a_form(file: &housekey::UserFile) -> bool {
///     file.may_change
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFile {
    /// Who it is.
    pub user: User,
    /// The groups and permissions.
    pub granted: Granted,
    /// Can any password be right? Who is new has none, until one is chosen by [`Desk::set_password_link`].
    pub has_password: bool,
    /// May who sits at the desk change this user?
    pub may_change: bool,
}

impl UserFile {
    /// The rights as they are, to be changed and set by [`Desk::set_rights`].
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, file: &housekey::UserFile) -> Result<(), housekey::Error> {
    /// let rights = file.rights().group("accountants");
    /// desk.set_rights(file.user.id, &rights)?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn rights(&self) -> Rights {
        Rights {
            is_staff: self.user.is_staff,
            is_superuser: self.user.is_superuser,
            groups: self.granted.groups.clone(),
            permissions: self.granted.own.clone(),
        }
    }
}

impl Desk<'_> {
    /// A user with groups and permissions; `None` when there is none of that id. Needs `auth.view_user` or
    /// `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// if let Some(file) = desk.user(7)? {
    ///     println!("{} is in {}", file.user.username, file.granted.groups.join(", "));
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn user(&self, id: i64) -> Result<Option<UserFile>, Error> {
        self.may_see(&["auth.view_user", "auth.change_user"])?;
        let Some(row) = self.auth.readable_by_id(id)? else { return Ok(None) };
        let (granted, standing) = self
            .auth
            .shared()
            .run(|conn| Ok((granted::of_user(conn, row.id)?, Standing::of(conn, row.clone())?)))?;
        let may_change = self.has_perm("auth.change_user") && self.actor.covers(&standing);
        let has_password = is_usable(&row.password);
        Ok(Some(UserFile { user: standing.user, granted, has_password, may_change }))
    }

    /// Makes a user who may do nothing yet, and who cannot sign in before a password is chosen:
    /// [`Desk::set_password_link`]. Needs `auth.add_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// let grace = desk.create_user(&housekey::UserDetails::new("grace").email("grace@example.org"))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::UsernameTaken`]; [`Error::User`] for what Django would not take;
    /// [`Error::NotAllowed`] when the app's database role may not; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn create_user(&self, details: &UserDetails) -> Result<User, Error> {
        self.write("auth.add_user", |deed| {
            let Details { username, email, first_name, last_name } = details.admit(None)?;
            let new = New { first_name, last_name, ..New::ordinary(username, email, unusable()) };
            let user = users::create(deed.conn, &new)?;
            deed.events.push(self.event(EventKind::UserCreated, "").about(&user));
            Ok(user)
        })
    }

    /// Changes what a user is called, and where mail goes. Sessions go on; links for a new password end with another
    /// address. Needs `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// let details = housekey::UserDetails::from(grace).names("Grace", "Hopper");
    /// let grace = desk.update_user(grace.id, &details)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Desk::create_user`], and [`Error::Unknown`] without such a user.
    pub fn update_user(&self, id: i64, details: &UserDetails) -> Result<User, Error> {
        self.write("auth.change_user", |deed| {
            let Standing { row, user: before, .. } = deed.user(id)?;
            let details = details.admit(Some(&before))?;
            let Details { username, email, first_name, last_name } = &details;
            let pairs = [
                ("e-mail address", email, &before.email),
                ("first name", first_name, &before.first_name),
                ("last name", last_name, &before.last_name),
            ];
            let changed = pairs.into_iter().filter(|(_, new, old)| new != old);
            let mut changed: Vec<String> = changed.map(|(what, ..)| what.to_owned()).collect();
            if *username != before.username {
                changed.push(format!("user name, which was {}", before.username));
            }
            if changed.is_empty() {
                return Ok(before);
            }
            users::set_details(deed.conn, row.id, &details)?;
            let Details { username, email, first_name, last_name } = details;
            let user = User { username, first_name, last_name, email, ..before };
            let event = self.event(EventKind::UserChanged, &changed.join(", "));
            deed.events.push(event.about(&user));
            Ok(user)
        })
    }

    /// Lets a user sign in, or not. Needs `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// desk.set_active(grace.id, housekey::Active::No)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`], also for oneself; [`Error::Unknown`] without such a user; [`Error::NotAllowed`] when the
    /// app's database role may not; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_active(&self, id: i64, active: Active) -> Result<(), Error> {
        self.write("auth.change_user", |deed| {
            let target = deed.user(id)?;
            let kind = match active {
                Active::Yes => EventKind::UserActivated,
                Active::No => EventKind::UserDeactivated,
            };
            if target.user.is_active == (active == Active::Yes) {
                return Ok(());
            }
            if active == Active::No {
                deed.spares_actor(&target)?;
            }
            users::set_active(deed.conn, &target.user.username, active)?;
            deed.events.push(self.event(kind, "").about(&target.user));
            Ok(())
        })
    }

    /// What a link holds by which the user chooses a password, as from
    /// [`Housekey::reset_link`](crate::Housekey::reset_link), also for who has none yet. Needs `auth.change_user`.
    ///
    /// It is as good as the password: whoever has it is that user. What is written down is that it was made.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// let link = desk.set_password_link(grace.id)?;
    /// let address = format!("https://notes.example.org/reset/{}/{}/", link.uid, link.token);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Desk::set_active`]; [`Error::User`] for a user who is not active.
    pub fn set_password_link(&self, id: i64) -> Result<ResetLink, Error> {
        self.write("auth.change_user", |deed| {
            let target = deed.user(id)?;
            if !target.user.is_active {
                let problem = "may not sign in; activate the user first".to_owned();
                return Err(Error::User { username: target.user.username, problem });
            }
            deed.events.push(self.event(EventKind::PasswordLink, "").about(&target.user));
            Ok(self.auth.link_of(&target.row))
        })
    }

    /// Forgets the wrong passwords that were tried for a user, so that the next attempt is let through. Needs
    /// `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// desk.unlock(grace.id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Desk::set_active`].
    pub fn unlock(&self, id: i64) -> Result<(), Error> {
        self.write("auth.change_user", |deed| {
            let target = deed.user(id)?;
            throttle::forget(deed.conn, &target.user.username)?;
            deed.events.push(self.event(EventKind::UserUnlocked, "").about(&target.user));
            Ok(())
        })
    }
}
