//! Who may do what: permissions of users and groups, and who is in which group.

use diesel::prelude::*;

use crate::db::schema::{
    auth_group, auth_group_permissions, auth_permission, auth_user, auth_user_groups,
    auth_user_user_permissions, django_content_type,
};
use crate::db::{DjangoId, SharedConnection, on_shared};
use crate::error::Error;

/// Is something to be so, or not to be so?
///
/// ```
/// assert_ne!(housekey::Grant::Give, housekey::Grant::Take);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// From now on it is so; no error when it was before.
    Give,
    /// From now on it is not so; no error when it was not before.
    Take,
}

impl Grant {
    /// As events tell it.
    pub(crate) fn of(self, what: &str) -> String {
        match self {
            Self::Give => format!("+{what}"),
            Self::Take => format!("-{what}"),
        }
    }
}

/// PostgreSQL has no text with a NUL in it.
fn storable(name: &str) -> Option<&str> {
    (!name.contains('\0')).then_some(name)
}

/// The rows of a permission `app_label.codename`: one, unless two models of the app have one codename.
pub(crate) fn permissions(conn: &mut SharedConnection, name: &str) -> QueryResult<Vec<i32>> {
    let Some((label, codename)) = storable(name).and_then(|name| name.split_once('.')) else {
        return Ok(Vec::new());
    };
    on_shared!(SharedConnection, conn, conn => {
        let rows: Vec<DjangoId> = auth_permission::table
            .inner_join(django_content_type::table)
            .filter(django_content_type::app_label.eq(label))
            .filter(auth_permission::codename.eq(codename))
            .select(auth_permission::id)
            .load(&mut **conn)?;
        Ok(rows.into_iter().map(i32::from).collect())
    })
}

pub(crate) fn user(conn: &mut SharedConnection, name: &str) -> QueryResult<Option<i32>> {
    let Some(name) = storable(name) else { return Ok(None) };
    on_shared!(SharedConnection, conn, conn => {
        let user = auth_user::table.filter(auth_user::username.eq(name)).select(auth_user::id);
        Ok(user.first::<DjangoId>(&mut **conn).optional()?.map(i32::from))
    })
}

pub(crate) fn group(conn: &mut SharedConnection, name: &str) -> QueryResult<Option<i32>> {
    let Some(name) = storable(name) else { return Ok(None) };
    on_shared!(SharedConnection, conn, conn => {
        let group = auth_group::table.filter(auth_group::name.eq(name)).select(auth_group::id);
        Ok(group.first::<DjangoId>(&mut **conn).optional()?.map(i32::from))
    })
}

/// Is nobody in the group?
#[cfg(feature = "moving")]
pub(crate) fn is_empty(conn: &mut SharedConnection, group: i32) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let members = auth_user_groups::table.filter(auth_user_groups::group_id.eq(group));
        diesel::select(diesel::dsl::not(diesel::dsl::exists(members))).get_result(&mut **conn)
    })
}

/// The row of a model in Django's words: its content type.
#[cfg(feature = "moving")]
pub(crate) fn model(
    conn: &mut SharedConnection,
    label: &str,
    model: &str,
) -> QueryResult<Option<i32>> {
    on_shared!(SharedConnection, conn, conn => {
        let row: Option<DjangoId> = django_content_type::table
            .filter(django_content_type::app_label.eq(label))
            .filter(django_content_type::model.eq(model))
            .select(django_content_type::id)
            .first(&mut **conn)
            .optional()?;
        Ok(row.map(i32::from))
    })
}

/// May a group be called so?
pub(crate) fn admit_group(name: &str) -> Result<(), Error> {
    let is_good = (1..=150).contains(&name.chars().count()) && !name.contains('\0');
    let problem = "must have a name of 1 to 150 characters; give another one";
    if is_good { Ok(()) } else { Err(Error::Group { name: name.to_owned(), problem }) }
}

pub(crate) fn create_group(conn: &mut SharedConnection, name: &str) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(auth_group::table)
            .values(auth_group::name.eq(name))
            .execute(&mut **conn)
            .map(drop)
    })
}

pub(crate) fn groups(conn: &mut SharedConnection) -> QueryResult<Vec<String>> {
    on_shared!(SharedConnection, conn, conn => {
        auth_group::table.order(auth_group::name).select(auth_group::name).load(&mut **conn)
    })
}

/// Gives or takes one row of a table of two ids, and says whether that was another before.
macro_rules! set_pair {
    ($function:ident, $table:ident, $left:ident, $right:ident) => {
        pub(crate) fn $function(
            conn: &mut SharedConnection,
            ($left, $right): (i32, i32),
            grant: Grant,
        ) -> QueryResult<bool> {
            on_shared!(SharedConnection, conn, conn => {
                let pair = $table::table
                    .filter($table::$left.eq($left))
                    .filter($table::$right.eq($right));
                let is_there: bool =
                    diesel::select(diesel::dsl::exists(pair)).get_result(&mut **conn)?;
                match (grant, is_there) {
                    (Grant::Take, true) => diesel::delete(pair).execute(&mut **conn)?,
                    (Grant::Give, false) => diesel::insert_into($table::table)
                        .values(($table::$left.eq($left), $table::$right.eq($right)))
                        .execute(&mut **conn)?,
                    _ => return Ok(false),
                };
                Ok(true)
            })
        }
    };
}
set_pair!(set_of_user, auth_user_user_permissions, user_id, permission_id);
set_pair!(set_of_group, auth_group_permissions, group_id, permission_id);
set_pair!(set_membership, auth_user_groups, user_id, group_id);
