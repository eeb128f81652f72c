//! What a user may do (`ModelBackend` of `django/contrib/auth/backends.py`).

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use diesel::prelude::*;

use super::User;
use crate::db::schema::{
    auth_group_permissions, auth_permission, auth_user_groups, auth_user_user_permissions,
    django_content_type,
};
use crate::db::{SharedConnection, SharedPool, on_shared};
use crate::error::Error;

/// The permissions of one user, from [`Housekey::permissions`](crate::Housekey::permissions).
///
/// A permission's name is `app_label.codename`. A superuser has every permission, existing or not; an
/// inactive user has none; `is_staff` gives none.
///
/// ```
/// fn may_approve(permissions: &housekey::Permissions) -> bool {
///     permissions.has_perm("billing.approve_invoice")
/// }
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Permissions {
    everything: bool,
    names: Arc<BTreeSet<String>>,
}

/// Whose permissions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Holder {
    /// All have the same.
    Superuser,
    User(i32),
}

impl Holder {
    /// `None` for who has no permission, whatever is granted.
    pub(crate) fn of(user: &User) -> Option<Self> {
        let id = i32::try_from(user.id).ok().filter(|_| user.is_active)?;
        Some(if user.is_superuser { Self::Superuser } else { Self::User(id) })
    }

    pub(crate) fn user_id(self) -> Option<i32> {
        match self {
            Self::Superuser => None,
            Self::User(id) => Some(id),
        }
    }
}

impl Permissions {
    pub(crate) fn of(shared: &SharedPool, holder: Holder) -> Result<Self, Error> {
        Ok(match holder {
            Holder::User(id) => Self::named(shared.run(|conn| granted(conn, id))?),
            Holder::Superuser => {
                // Only the names are lost when a row cannot be read.
                let rows = shared.run(all).or_else(Error::nothing_if_strange)?;
                Self { everything: true, ..Self::named(rows) }
            }
        })
    }

    /// Those of each of these, in their order.
    pub(crate) fn of_each(shared: &SharedPool, holders: &[Holder]) -> Result<Vec<Self>, Error> {
        let ids: Vec<i32> = holders.iter().filter_map(|holder| holder.user_id()).collect();
        let mut names: HashMap<i32, Names> = HashMap::new();
        if !ids.is_empty() {
            for (user, label, codename) in shared.run(|conn| granted_to_each(conn, &ids))? {
                names.entry(user).or_default().push((label, codename));
            }
        }
        let users = names.into_iter().map(|(id, names)| (Holder::User(id), Self::named(names)));
        let mut found: HashMap<Holder, Self> = users.collect();
        if holders.contains(&Holder::Superuser) {
            found.insert(Holder::Superuser, Self::of(shared, Holder::Superuser)?);
        }
        Ok(holders.iter().map(|holder| found.get(holder).cloned().unwrap_or_default()).collect())
    }

    fn named(rows: Names) -> Self {
        Self { everything: false, names: Arc::new(named(rows)) }
    }

    /// What is granted to the user, whether or not the user is active or a superuser.
    pub(crate) fn granted_to(conn: &mut SharedConnection, user_id: i32) -> QueryResult<Self> {
        Ok(Self::named(granted(conn, user_id)?))
    }

    /// Has the user this permission?
    ///
    /// ```
    /// assert!(!housekey::Permissions::default().has_perm("notes.add_note"));
    /// ```
    #[must_use]
    pub fn has_perm(&self, name: &str) -> bool {
        self.everything || self.names.contains(name)
    }

    /// Has the user all of these permissions?
    ///
    /// ```
    /// assert!(!housekey::Permissions::default().has_perms(["notes.add_note", "notes.view_note"]));
    /// ```
    #[must_use]
    pub fn has_perms<'a>(&self, names: impl IntoIterator<Item = &'a str>) -> bool {
        names.into_iter().all(|name| self.has_perm(name))
    }

    /// Has the user any permission of this app label?
    ///
    /// ```
    /// assert!(!housekey::Permissions::default().has_module_perms("notes"));
    /// ```
    #[must_use]
    pub fn has_module_perms(&self, app_label: &str) -> bool {
        let label =
            |name: &String| name.split_once('.').is_some_and(|(label, _)| label == app_label);
        self.everything || self.names.iter().any(label)
    }

    /// The names, sorted; of a superuser all that exist.
    ///
    /// ```
    /// assert_eq!(housekey::Permissions::default().iter().count(), 0);
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.names.iter().map(String::as_str)
    }
}

/// App labels and codenames.
type Names = Vec<(String, String)>;

/// As they are granted, each once: two models of an app may have one codename.
pub(super) fn named(rows: Names) -> BTreeSet<String> {
    rows.into_iter().map(|(label, codename)| format!("{label}.{codename}")).collect()
}

fn all(conn: &mut SharedConnection) -> QueryResult<Names> {
    on_shared!(SharedConnection, conn, conn => {
        auth_permission::table
            .inner_join(django_content_type::table)
            .select((django_content_type::app_label, auth_permission::codename))
            .load(&mut **conn)
    })
}

/// The same for several users, each name with whose it is.
fn granted_to_each(
    conn: &mut SharedConnection,
    ids: &[i32],
) -> QueryResult<Vec<(i32, String, String)>> {
    on_shared!(SharedConnection, conn, conn => {
        let own = auth_user_user_permissions::table
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .filter(auth_user_user_permissions::user_id.eq_any(ids))
            .select((
                auth_user_user_permissions::user_id,
                django_content_type::app_label,
                auth_permission::codename,
            ));
        let by_group = auth_user_groups::table
            .inner_join(
                auth_group_permissions::table
                    .on(auth_group_permissions::group_id.eq(auth_user_groups::group_id)),
            )
            .inner_join(
                auth_permission::table
                    .on(auth_permission::id.eq(auth_group_permissions::permission_id)),
            )
            .inner_join(
                django_content_type::table
                    .on(django_content_type::id.eq(auth_permission::content_type_id)),
            )
            .filter(auth_user_groups::user_id.eq_any(ids))
            .select((
                auth_user_groups::user_id,
                django_content_type::app_label,
                auth_permission::codename,
            ));
        own.union_all(by_group).load(&mut **conn)
    })
}

/// The user's own and those of the user's groups, in one query.
fn granted(conn: &mut SharedConnection, user_id: i32) -> QueryResult<Names> {
    on_shared!(SharedConnection, conn, conn => {
        let own = auth_user_user_permissions::table
            .filter(auth_user_user_permissions::user_id.eq(user_id))
            .select(auth_user_user_permissions::permission_id);
        let by_group = auth_user_groups::table
            .inner_join(
                auth_group_permissions::table
                    .on(auth_group_permissions::group_id.eq(auth_user_groups::group_id)),
            )
            .filter(auth_user_groups::user_id.eq(user_id))
            .select(auth_group_permissions::permission_id);
        auth_permission::table
            .inner_join(django_content_type::table)
            .filter(auth_permission::id.eq_any(own).or(auth_permission::id.eq_any(by_group)))
            .select((django_content_type::app_label, auth_permission::codename))
            .load(&mut **conn)
    })
}
