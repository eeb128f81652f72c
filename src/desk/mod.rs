//! The desk at which members of staff see and change the users and groups of the house, each as far as the own
//! rights reach.

mod groups;
mod people;
mod rights;
mod search;
mod sessions;
mod standing;
mod store;

use crate::auth::Auth;
use crate::db::{HouseConnection, SharedConnection, migrate};
use crate::error::{Denied, Error};
use crate::events::{Event, EventKind};
use crate::house::Housekey;
use crate::session::Session;
use crate::session::visitor::Visitor;
use crate::user::{User, declared};
pub use groups::{GroupFile, GroupInfo};
pub use people::{UserDetails, UserFile};
pub use rights::Rights;
pub use search::{UserPage, UserSearch};
use standing::Standing;

/// Where a member of staff sees and changes the users and groups of the house, from [`Housekey::desk`].
///
/// Each deed needs the permission that Django's admin asks for (`auth.change_user` and so on; superusers have all).
/// Nobody gives or takes a permission, or changes a user or a group, that goes beyond the own rights. Both are asked
/// anew in the transaction of the deed, and what is done is written down
/// ([`EventKind`](crate::EventKind)) with who has done it.
///
/// ```no_run
/// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
/// # -> Result<(), housekey::Error> {
/// use housekey::{UserDetails, UserSearch};
/// let desk = house.desk(session)?;
/// for user in desk.users(&UserSearch::default().text("gr"))?.users {
///     println!("{} {}", user.username, user.email);
/// }
/// let grace = desk.create_user(&UserDetails::new("grace").email("grace@example.org"))?;
/// let link = desk.set_password_link(grace.id)?;
/// # Ok(())
/// # }
/// ```
pub struct Desk<'a> {
    auth: &'a Auth,
    actor: Standing,
    visitor: Visitor,
}

impl<L: HouseConnection> Housekey<L> {
    /// The desk of the user who is signed in by this session, if that is an active member of staff.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// let groups = house.desk(session)?.groups()?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`] for everybody else; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn desk(&self, session: &Session) -> Result<Desk<'_>, Error> {
        Desk::open(self.auth(), session)
    }
}

/// A deed of the actor, in its transaction.
struct Deed<'a> {
    conn: &'a mut SharedConnection,
    actor: Standing,
    events: Vec<Event>,
}

impl<'a> Desk<'a> {
    pub(crate) fn open(auth: &'a Auth, session: &Session) -> Result<Self, Error> {
        let (user, visitor) = {
            let state = session.state();
            (state.user.clone(), state.visitor.clone())
        };
        let id = user.and_then(|user| i32::try_from(user.id).ok());
        let actor = match id {
            Some(id) => auth.shared().run(|conn| Standing::find(conn, id))?,
            None => None,
        };
        let Some(actor) = actor.filter(Standing::is_staff) else {
            auth.report(EventKind::PermissionDenied, session, Denied::NotStaff.word());
            return Err(Denied::NotStaff.into());
        };
        Ok(Self { auth, actor, visitor })
    }

    /// Who sits here, as the user was when the desk was opened.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) {
    /// println!("{} is at the desk", desk.actor().username);
    /// # }
    /// ```
    #[must_use]
    pub fn actor(&self) -> &User {
        &self.actor.user
    }

    /// Has who sits here this permission? For what a page shows; each deed asks for itself.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) {
    /// let shows_a_button = desk.has_perm("auth.add_user");
    /// # }
    /// ```
    #[must_use]
    pub fn has_perm(&self, name: &str) -> bool {
        self.actor.has(name)
    }

    /// The permissions that there are, sorted: each with Django's name for it.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// for (permission, name) in desk.permissions()? {
    ///     println!("{permission}: {name}"); // auth.add_user: Can add user
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn permissions(&self) -> Result<Vec<(String, String)>, Error> {
        self.auth.shared().run(declared::grantable)
    }

    /// One of these is needed to look at something; the first is what is asked for.
    pub(crate) fn may_see(&self, one_of: &[&'static str]) -> Result<(), Error> {
        match one_of.first() {
            Some(first) if !one_of.iter().any(|name| self.actor.has(name)) => {
                Err(self.denied(Denied::Lacks(first)))
            }
            _ => Ok(()),
        }
    }

    /// One transaction, alone with what operators and other members of staff do; the actor is who the actor is by now.
    fn write<T>(
        &self,
        needs: &'static str,
        work: impl FnOnce(&mut Deed<'_>) -> Result<T, Error>,
    ) -> Result<T, Error> {
        let done = self.auth.shared().write(|conn| {
            migrate::lock(conn)?;
            let actor = Standing::find(conn, self.actor.id())?.filter(Standing::is_staff);
            let actor = actor.ok_or(Denied::NotStaff)?;
            if !actor.has(needs) {
                return Err(Denied::Lacks(needs).into());
            }
            let mut deed = Deed { conn, actor, events: Vec::new() };
            let value = work(&mut deed)?;
            let Deed { conn, events, .. } = deed;
            events.iter().try_for_each(|event| self.auth.record(conn, event))?;
            Ok((value, events))
        });
        match done.map_err(Error::settled) {
            Ok((value, events)) => {
                events.iter().for_each(Event::tell);
                Ok(value)
            }
            Err(Error::Denied { why }) => Err(self.denied(why)),
            Err(error) => Err(error),
        }
    }

    /// What was refused is written down, too.
    fn denied(&self, why: Denied) -> Error {
        let event = self.auth.event(EventKind::PermissionDenied).about(&self.actor.user);
        self.auth.note_event(event.by(&self.visitor).detail(why.word()));
        why.into()
    }

    /// What the actor has done, with what there is to say.
    fn event(&self, kind: EventKind, what: &str) -> Event {
        let by = format!("by {}", self.actor.user.username);
        let detail = if what.is_empty() { by } else { format!("{by}: {what}") };
        self.auth.event(kind).by(&self.visitor).detail(&detail)
    }
}

impl Deed<'_> {
    /// A user whom the actor may change.
    fn user(&mut self, id: i64) -> Result<Standing, Error> {
        let found = match i32::try_from(id) {
            Ok(id) => Standing::find_locked(self.conn, id)?,
            Err(_) => None,
        };
        let user = found.ok_or_else(|| Error::unknown("user", id.to_string()))?;
        if !self.actor.covers(&user) {
            return Err(Denied::MoreThanYours.into());
        }
        Ok(user)
    }

    /// Nobody but the actor is allowed to take away from the actor what the house cannot do without.
    fn spares_actor(&mut self, user: &Standing) -> Result<(), Error> {
        if user.id() != self.actor.id() {
            return Ok(());
        }
        if user.user.is_superuser && store::active_superusers(self.conn)? == 1 {
            return Err(Denied::LastSuperuser.into());
        }
        Err(Denied::Yourself.into())
    }
}

impl std::fmt::Debug for Desk<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk").field("actor", &self.actor.user.username).finish_non_exhaustive()
    }
}
