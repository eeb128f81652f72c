//! What a user may do.

use std::collections::BTreeSet;

use super::standing::Standing;
use super::{Deed, Desk, store};
use crate::error::{Denied, Error};
use crate::events::EventKind;
use crate::user::{Grant, granted, grants};

/// All that a user may do, for [`Desk::set_rights`]; nothing, unless something is said.
///
/// ```
/// let mut rights = housekey::Rights::default().group("accountants").permission("billing.add_invoice");
/// rights.is_staff = true;
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rights {
    /// May sit at a desk, and open Django's admin.
    pub is_staff: bool,
    /// Has every permission.
    pub is_superuser: bool,
    /// The names of the groups.
    pub groups: Vec<String>,
    /// The user's own permissions: `app_label.codename`.
    pub permissions: Vec<String>,
}

impl Rights {
    /// One group more.
    ///
    /// ```
    /// let rights = housekey::Rights::default().group("accountants");
    /// ```
    #[must_use]
    pub fn group(mut self, name: impl Into<String>) -> Self {
        self.groups.push(name.into());
        self
    }

    /// One permission more.
    ///
    /// ```
    /// let rights = housekey::Rights::default().permission("billing.add_invoice");
    /// ```
    #[must_use]
    pub fn permission(mut self, name: impl Into<String>) -> Self {
        self.permissions.push(name.into());
        self
    }
}

impl Desk<'_> {
    /// Lets a user do this and nothing else. Needs `auth.change_user`. Who is no superuser gives and takes only the
    /// own permissions, and groups that have no others; staff and superusers are made by superusers.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, grace: &housekey::User) -> Result<(), housekey::Error> {
    /// let rights = housekey::Rights::default().group("accountants");
    /// desk.set_rights(grace.id, &rights)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`], and nothing is changed then; [`Error::Unknown`] without such a user, group or permission;
    /// [`Error::NotAllowed`] when the app's database role may not; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_rights(&self, id: i64, rights: &Rights) -> Result<(), Error> {
        self.write("auth.change_user", |deed| {
            let target = deed.user(id)?;
            let now = granted::of_user(deed.conn, target.id())?;
            let mut told = deed.set_flags(&target, rights)?;
            for (grant, name) in differences(&now.groups, &rights.groups) {
                deed.set_membership(&target, name, grant)?;
                told.push(grant.of(&format!("group {name}")));
            }
            for (grant, name) in differences(&now.own, &rights.permissions) {
                for permission in deed.permission(name)? {
                    grants::set_of_user(deed.conn, (target.id(), permission), grant)?;
                }
                told.push(grant.of(name));
            }
            if !told.is_empty() {
                let event = self.event(EventKind::RightsChanged, &told.join(" "));
                deed.events.push(event.about(&target.user));
            }
            Ok(())
        })
    }
}

impl Deed<'_> {
    /// Says what was changed.
    fn set_flags(&mut self, target: &Standing, rights: &Rights) -> Result<Vec<String>, Error> {
        let flags = [
            ("staff", target.user.is_staff, rights.is_staff),
            ("superuser", target.user.is_superuser, rights.is_superuser),
        ];
        let mut told = Vec::new();
        for (name, is_so, is_to_be) in flags {
            match (is_so, is_to_be) {
                (false, true) if !self.actor.user.is_superuser => {
                    return Err(Denied::MoreThanYours.into());
                }
                (false, true) => told.push(Grant::Give.of(name)),
                (true, false) => {
                    self.spares_actor(target)?;
                    told.push(Grant::Take.of(name));
                }
                _ => {}
            }
        }
        if !told.is_empty() {
            store::set_flags(self.conn, target.id(), rights)?;
        }
        Ok(told)
    }

    fn set_membership(&mut self, target: &Standing, name: &str, grant: Grant) -> Result<(), Error> {
        let group = grants::group(self.conn, name)?.ok_or_else(|| Error::unknown("group", name))?;
        if !self.actor.has_all(&granted::permissions_of_group(self.conn, group)?) {
            return Err(Denied::MoreThanYours.into());
        }
        grants::set_membership(self.conn, (target.id(), group), grant)?;
        Ok(())
    }

    /// The rows of a permission that the actor may give and take.
    pub(super) fn permission(&mut self, name: &str) -> Result<Vec<i32>, Error> {
        if !self.actor.has(name) {
            return Err(Denied::MoreThanYours.into());
        }
        match grants::permissions(self.conn, name)? {
            rows if rows.is_empty() => Err(Error::unknown("permission", name)),
            rows => Ok(rows),
        }
    }
}

/// What is to be taken, and what is to be given.
pub(super) fn differences<'a>(
    now: &'a [String],
    wanted: &'a [impl AsRef<str>],
) -> Vec<(Grant, &'a str)> {
    let now: BTreeSet<&str> = now.iter().map(String::as_str).collect();
    let wanted: BTreeSet<&str> = wanted.iter().map(AsRef::as_ref).collect();
    let taken = now.difference(&wanted).map(|name| (Grant::Take, *name));
    taken.chain(wanted.difference(&now).map(|name| (Grant::Give, *name))).collect()
}
