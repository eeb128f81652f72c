//! What the house numbers in its own way besides users, and knows by name: content types, groups, permissions.

use std::collections::HashMap;

use super::columns::{GROUPS, MODELS};
use super::rights::{Given, Permission, model_row, permission_row, permissions_of_house};
use crate::db::SharedConnection;
use crate::error::Error;
use crate::moving::Database;
use crate::user::grants;

/// The ids of a table that are others in the house, which is given what it lacks. `targets` are the names that
/// groups have there, where they are others.
pub(super) fn ids(
    of: &str,
    conn: &mut SharedConnection,
    local: &mut Database,
    targets: &HashMap<String, String>,
    given: &mut Given,
) -> Result<Vec<(i64, i64)>, Error> {
    let mut ids = Vec::new();
    let mut note = |old: Option<i64>, new: i32| {
        ids.extend(old.map(|old| (old, i64::from(new))).filter(|(old, new)| old != new));
    };
    match of {
        MODELS => {
            let models = "SELECT CAST(id AS varchar), app_label, model FROM django_content_type";
            for row in local.rows(models)? {
                note(row.integer(0), model_row(conn, (row.text(1), row.text(2)), given)?);
            }
        }
        GROUPS => {
            for row in local.rows("SELECT CAST(id AS varchar), name FROM auth_group")? {
                let name = row.text(1);
                let name = targets.get(name).map_or(name, String::as_str);
                if let Some(group) = grants::group(conn, name)? {
                    note(row.integer(0), group);
                }
            }
        }
        _ => {
            let mut known = permissions_of_house(conn)?;
            for row in local.rows(
                "SELECT CAST(p.id AS varchar), c.app_label, c.model, p.codename, p.name \
                 FROM auth_permission AS p JOIN django_content_type AS c ON c.id = p.content_type_id",
            )? {
                let [label, model, codename] = [1, 2, 3].map(|place| row.text(place).to_owned());
                let permission = Permission { label, model, codename };
                let new = permission_row(conn, &permission, row.text(4), &mut known, given)?;
                note(row.integer(0), new);
            }
        }
    }
    Ok(ids)
}
