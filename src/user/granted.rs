//! What has been granted, read back: of a user, and of a group.

use diesel::prelude::*;

use super::permission::named;
use crate::db::schema::{
    auth_group, auth_group_permissions, auth_permission, auth_user, auth_user_groups,
    auth_user_user_permissions, django_content_type,
};
use crate::db::{SharedConnection, on_shared};

/// The groups of a user and what comes by them, from [`Caretaker::granted`](crate::Caretaker::granted).
/// Whether the user is active, or a superuser, is not asked.
///
/// ```
/// fn show(granted: &housekey::Granted) -> String {
///     format!("in {}", granted.groups.join(", "))
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Granted {
    /// The names of the user's groups, sorted.
    pub groups: Vec<String>,
    /// The permissions that are the user's own, sorted: `app_label.codename`.
    pub own: Vec<String>,
    /// The permissions of the user's groups, sorted.
    pub by_groups: Vec<String>,
}

/// A group, from [`Caretaker::find_group`](crate::Caretaker::find_group).
///
/// ```
/// fn is_idle(group: &housekey::Group) -> bool {
///     group.members.is_empty() || group.permissions.is_empty()
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// Unique, at most 150 characters.
    pub name: String,
    /// The names of its users, sorted.
    pub members: Vec<String>,
    /// What its users may do, sorted: `app_label.codename`.
    pub permissions: Vec<String>,
}

pub(crate) fn of_user(conn: &mut SharedConnection, user: i32) -> QueryResult<Granted> {
    on_shared!(SharedConnection, conn, conn => {
        let groups = auth_user_groups::table
            .inner_join(auth_group::table)
            .filter(auth_user_groups::user_id.eq(user))
            .order(auth_group::name)
            .select(auth_group::name)
            .load(&mut **conn)?;
        let own = auth_user_user_permissions::table
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .filter(auth_user_user_permissions::user_id.eq(user))
            .select((django_content_type::app_label, auth_permission::codename))
            .load(&mut **conn)?;
        let groups_of_user = auth_user_groups::table
            .filter(auth_user_groups::user_id.eq(user))
            .select(auth_user_groups::group_id);
        let by_groups = auth_group_permissions::table
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .filter(auth_group_permissions::group_id.eq_any(groups_of_user))
            .select((django_content_type::app_label, auth_permission::codename))
            .load(&mut **conn)?;
        Ok(Granted { groups, own: sorted(own), by_groups: sorted(by_groups) })
    })
}

pub(crate) fn of_group(conn: &mut SharedConnection, id: i32, name: &str) -> QueryResult<Group> {
    let members = on_shared!(SharedConnection, conn, conn => {
        auth_user_groups::table
            .inner_join(auth_user::table)
            .filter(auth_user_groups::group_id.eq(id))
            .order(auth_user::username)
            .select(auth_user::username)
            .load(&mut **conn)?
    });
    Ok(Group { name: name.to_owned(), members, permissions: permissions_of_group(conn, id)? })
}

/// What a group gives, sorted.
pub(crate) fn permissions_of_group(
    conn: &mut SharedConnection,
    id: i32,
) -> QueryResult<Vec<String>> {
    on_shared!(SharedConnection, conn, conn => {
        let permissions = auth_group_permissions::table
            .inner_join(auth_permission::table.inner_join(django_content_type::table))
            .filter(auth_group_permissions::group_id.eq(id))
            .select((django_content_type::app_label, auth_permission::codename))
            .load(&mut **conn)?;
        Ok(sorted(permissions))
    })
}

/// Two models of an app may have one codename: for `has_perm` that is one permission.
pub(crate) fn sorted(rows: Vec<(String, String)>) -> Vec<String> {
    named(rows).into_iter().collect()
}
