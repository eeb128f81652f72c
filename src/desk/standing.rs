//! How far the rights of somebody reach.

use diesel::QueryResult;

use crate::db::SharedConnection;
use crate::user::store::{self as users, UserRow};
use crate::user::{Permissions, User};

/// A user with all that is granted, whether or not the user is active: who is not now may be again.
pub(super) struct Standing {
    pub(super) user: User,
    pub(super) row: UserRow,
    granted: Permissions,
}

impl Standing {
    pub(super) fn find(conn: &mut SharedConnection, id: i32) -> QueryResult<Option<Self>> {
        let row = users::find(conn, id)?;
        row.map(|row| Self::of(conn, row)).transpose()
    }

    /// The same, to be changed by this transaction alone.
    pub(super) fn find_locked(conn: &mut SharedConnection, id: i32) -> QueryResult<Option<Self>> {
        let row = users::find_locked(conn, id)?;
        row.map(|row| Self::of(conn, row)).transpose()
    }

    pub(super) fn of(conn: &mut SharedConnection, row: UserRow) -> QueryResult<Self> {
        let granted = Permissions::granted_to(conn, row.id)?;
        Ok(Self { user: row.clone().into(), row, granted })
    }

    pub(super) fn id(&self) -> i32 {
        self.row.id
    }

    pub(super) fn is_staff(&self) -> bool {
        self.user.is_active && self.user.is_staff
    }

    pub(super) fn has(&self, permission: &str) -> bool {
        self.user.is_superuser || self.granted.has_perm(permission)
    }

    pub(super) fn has_all<'a>(&self, permissions: impl IntoIterator<Item = &'a String>) -> bool {
        permissions.into_iter().all(|name| self.has(name))
    }

    /// May this one do all that the other may?
    pub(super) fn covers(&self, other: &Self) -> bool {
        self.user.is_superuser
            || !other.user.is_superuser && other.granted.iter().all(|name| self.has(name))
    }
}
