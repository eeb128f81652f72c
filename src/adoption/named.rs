//! What the house numbers in its own way besides users, and knows by name: content types, groups, permissions.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};

use super::columns::{GROUPS, MODELS};
use super::rights::{Given, Permission, model_row, permission_row, permissions_of_house};
use crate::db::SharedConnection;
use crate::error::{Error, MoveError};
use crate::moving::{Database, Row};
use crate::user::grants;

/// Rows of one of these tables that have other ids in the house.
#[derive(Serialize, Deserialize)]
pub(super) struct Renumbered {
    pub(super) of: String,
    ids: Vec<Pair>,
}

#[derive(Serialize, Deserialize)]
struct Pair {
    /// What the row is called: its numbers alone do not tell whether they were exchanged.
    name: String,
    old: i64,
    new: i64,
}

impl Renumbered {
    pub(super) fn there(&self) -> Vec<(i64, i64)> {
        self.ids.iter().map(|pair| (pair.old, pair.new)).collect()
    }

    pub(super) fn back(&self) -> Vec<(i64, i64)> {
        self.ids.iter().map(|pair| (pair.new, pair.old)).collect()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Do the rows have their old ids, as far as they are there?
    pub(super) fn is_back(&self, local: &mut Database) -> Result<bool, MoveError> {
        let rows = rows(&self.of, local)?;
        let ids: HashMap<String, Option<i64>> =
            rows.iter().map(|row| (name(&self.of, row), row.integer(0))).collect();
        let is_old = |pair: &Pair| ids.get(&pair.name).is_none_or(|id| *id == Some(pair.old));
        Ok(self.ids.iter().all(is_old))
    }
}

fn rows(of: &str, local: &mut Database) -> Result<Vec<Row>, MoveError> {
    local.rows(match of {
        MODELS => "SELECT CAST(id AS varchar), app_label, model FROM django_content_type",
        GROUPS => "SELECT CAST(id AS varchar), name FROM auth_group",
        _ => {
            "SELECT CAST(p.id AS varchar), c.app_label, c.model, p.codename, p.name \
             FROM auth_permission AS p JOIN django_content_type AS c ON c.id = p.content_type_id"
        }
    })
}

/// The texts that tell the row from others.
fn name(of: &str, row: &Row) -> String {
    let texts = match of {
        MODELS => 1..3,
        GROUPS => 1..2,
        _ => 1..4,
    };
    texts.map(|place| row.text(place)).collect::<Vec<_>>().join(".")
}

/// The ids of a table that are others in the house, which is given what it lacks. `groups` are the names that
/// groups have there; one that is not among them keeps its id.
pub(super) fn renumbered(
    of: &str,
    conn: &mut SharedConnection,
    local: &mut Database,
    groups: &HashMap<String, String>,
    given: &mut Given,
) -> Result<Renumbered, Error> {
    let mut known = permissions_of_house(conn)?;
    let mut ids = Vec::new();
    for row in rows(of, local)? {
        let new = match of {
            MODELS => Some(model_row(conn, (row.text(1), row.text(2)), given)?),
            GROUPS => match groups.get(row.text(1)) {
                Some(group) => grants::group(conn, group)?,
                None => None,
            },
            _ => {
                let [label, model, codename] = [1, 2, 3].map(|place| row.text(place).to_owned());
                let permission = Permission { label, model, codename };
                Some(permission_row(conn, &permission, row.text(4), &mut known, given)?)
            }
        };
        let pair = row.integer(0).zip(new.map(i64::from)).filter(|(old, new)| old != new);
        ids.extend(pair.map(|(old, new)| Pair { name: name(of, &row), old, new }));
    }
    Ok(Renumbered { of: of.to_owned(), ids })
}
