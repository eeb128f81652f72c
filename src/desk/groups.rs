//! The groups of the house.

use super::rights::differences;
use super::{Deed, Desk, store};
use crate::error::{Denied, Error};
use crate::events::EventKind;
use crate::user::{granted, grants, removal};

/// So many members are named.
const MOST_MEMBERS: i64 = 100;

/// A group in a list, from [`Desk::groups`].
///
/// ```
/// fn line(group: &housekey::GroupInfo) -> String {
///     format!("{} ({})", group.name, group.members)
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupInfo {
    /// The primary key.
    pub id: i64,
    /// Unique, at most 150 characters.
    pub name: String,
    /// How many users are in it.
    pub members: i64,
    /// What its users may do, sorted: `app_label.codename`.
    pub permissions: Vec<String>,
}

/// A group, from [`Desk::group`].
///
/// ```
/// fn shows_a_form(group: &housekey::GroupFile) -> bool {
///     group.may_change
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupFile {
    /// The primary key.
    pub id: i64,
    /// Unique, at most 150 characters.
    pub name: String,
    /// How many users are in it.
    pub member_count: i64,
    /// The names of the first hundred, sorted.
    pub members: Vec<String>,
    /// What its users may do, sorted: `app_label.codename`.
    pub permissions: Vec<String>,
    /// May who sits at the desk change this group?
    pub may_change: bool,
}

/// A group that the actor may change.
struct Found {
    id: i32,
    name: String,
    permissions: Vec<String>,
}

impl Desk<'_> {
    /// All groups, by name. Needs `auth.view_group` or `auth.change_group`, or `auth.change_user`, to put users into
    /// groups.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// for group in desk.groups()? {
    ///     println!("{}: {} users", group.name, group.members);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn groups(&self) -> Result<Vec<GroupInfo>, Error> {
        self.may_see(&["auth.view_group", "auth.change_group", "auth.change_user"])?;
        self.auth.shared().run(|conn| {
            let mut permissions = store::permissions_of_groups(conn)?;
            let groups = store::groups(conn)?.into_iter();
            let info = |(id, name, members)| {
                let permissions = permissions.remove(&id).unwrap_or_default();
                GroupInfo { id: id.into(), name, members, permissions }
            };
            Ok(groups.map(info).collect())
        })
    }

    /// A group with its first members; `None` when there is none of that id. Needs `auth.view_group` or
    /// `auth.change_group`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// let members = desk.group(3)?.map(|group| group.members);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn group(&self, id: i64) -> Result<Option<GroupFile>, Error> {
        self.may_see(&["auth.view_group", "auth.change_group"])?;
        let Ok(row) = i32::try_from(id) else { return Ok(None) };
        self.auth.shared().run(|conn| {
            let Some(name) = store::group_name(conn, row)? else { return Ok(None) };
            let permissions = granted::permissions_of_group(conn, row)?;
            let (member_count, members) =
                (store::member_count(conn, row)?, store::members(conn, row, MOST_MEMBERS)?);
            let may_change = self.has_perm("auth.change_group") && self.actor.has_all(&permissions);
            Ok(Some(GroupFile { id, name, member_count, members, permissions, may_change }))
        })
    }

    /// Makes a group that gives nothing yet. Needs `auth.add_group`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// let accountants = desk.create_group("accountants")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::GroupTaken`]; [`Error::Group`] for a name of no or of more than 150 characters;
    /// [`Error::NotAllowed`] when the app's database role may not; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn create_group(&self, name: &str) -> Result<GroupInfo, Error> {
        let name = name.trim();
        self.write("auth.add_group", |deed| {
            grants::admit_group(name)?;
            grants::create_group(deed.conn, name).map_err(|error| store::taken(error, name))?;
            let id = grants::group(deed.conn, name)?;
            let id = id.ok_or_else(|| Error::unknown("group", name))?;
            deed.tell(self, EventKind::GroupCreated, name);
            let (name, members, permissions) = (name.to_owned(), 0, Vec::new());
            Ok(GroupInfo { id: id.into(), name, members, permissions })
        })
    }

    /// Gives a group another name. Needs `auth.change_group`, and all permissions of the group.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, group: &housekey::GroupInfo) -> Result<(), housekey::Error> {
    /// desk.rename_group(group.id, "bookkeepers")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Desk::create_group`], and [`Error::Unknown`] without such a group.
    pub fn rename_group(&self, id: i64, name: &str) -> Result<(), Error> {
        let name = name.trim();
        self.write("auth.change_group", |deed| {
            let group = deed.group(id)?;
            if group.name == name {
                return Ok(());
            }
            grants::admit_group(name)?;
            store::rename_group(deed.conn, group.id, name)?;
            deed.tell(self, EventKind::GroupChanged, &format!("{name}, which was {}", group.name));
            Ok(())
        })
    }

    /// Lets the users of a group do this and nothing else by it. Needs `auth.change_group`, and all permissions that the
    /// group has or gets.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, group: &housekey::GroupInfo) -> Result<(), housekey::Error> {
    /// desk.set_group_permissions(group.id, &["billing.add_invoice", "billing.view_invoice"])?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`], and nothing is changed then; [`Error::Unknown`] without such a group or permission;
    /// [`Error::NotAllowed`] when the app's database role may not; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn set_group_permissions(
        &self,
        id: i64,
        permissions: &[impl AsRef<str>],
    ) -> Result<(), Error> {
        self.write("auth.change_group", |deed| {
            let group = deed.group(id)?;
            let mut told = vec![group.name];
            for (grant, name) in differences(&group.permissions, permissions) {
                for permission in deed.permission(name)? {
                    grants::set_of_group(deed.conn, (group.id, permission), grant)?;
                }
                told.push(grant.of(name));
            }
            if told.len() > 1 {
                deed.tell(self, EventKind::GroupChanged, &told.join(" "));
            }
            Ok(())
        })
    }

    /// Deletes a group, and with it who was in it and what it gave. Needs `auth.delete_group`, and all permissions of
    /// the group.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>, group: &housekey::GroupInfo) -> Result<(), housekey::Error> {
    /// desk.delete_group(group.id)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unknown`] without such a group; [`Error::StillReferred`] when rows of other tables
    /// than Django's own refer to it: nothing is changed then. [`Error::NotAllowed`] when the app's database role may
    /// not; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn delete_group(&self, id: i64) -> Result<(), Error> {
        let mut name = String::new();
        let deleted = self.write("auth.delete_group", |deed| {
            let group = deed.group(id)?;
            name.clone_from(&group.name);
            removal::remove(deed.conn, &removal::GROUP, group.id, &group.name)?;
            deed.tell(self, EventKind::GroupDeleted, &group.name);
            Ok(())
        });
        deleted.map_err(|error| removal::told(error, &removal::GROUP, &name))
    }
}

impl Deed<'_> {
    fn group(&mut self, id: i64) -> Result<Found, Error> {
        let unknown = || Error::unknown("group", id.to_string());
        let row = i32::try_from(id).map_err(|_| unknown())?;
        let name = store::group_name_locked(self.conn, row)?.ok_or_else(unknown)?;
        let permissions = granted::permissions_of_group(self.conn, row)?;
        if !self.actor.has_all(&permissions) {
            return Err(Denied::MoreThanYours.into());
        }
        Ok(Found { id: row, name, permissions })
    }

    /// What becomes of groups is written down with who has done it.
    fn tell(&mut self, desk: &Desk<'_>, kind: EventKind, what: &str) {
        self.events.push(desk.event(kind, what).about(&self.actor.user));
    }
}
