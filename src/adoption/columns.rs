//! Which columns of the app's own database have ids of its users.

use std::collections::BTreeSet;

use super::plan::Found;
use crate::error::MoveError;
use crate::moving::{Catalog, Column, Database, Holds, Table, literal, quoted};
use crate::place::DatabaseKind;

/// One of them, with what statements about it need.
pub(super) struct Spot {
    /// The table whose ids it has.
    pub(super) of: &'static str,
    pub(super) table: String,
    pub(super) column: String,
    pub(super) found: Found,
    /// Decimal digits in a text, as Django's generic references have them.
    pub(super) is_text: bool,
    /// The largest number that it can hold.
    pub(super) largest: i64,
    pub(super) is_nullable: bool,
    /// The primary key of the table.
    pub(super) key: Vec<String>,
    /// The rows in question: a condition that begins with AND, or nothing.
    pub(super) only: String,
}

impl Spot {
    fn is_of_the_column_of(&self, other: &Self) -> bool {
        (&self.table, &self.column) == (&other.table, &other.column)
    }
}

/// A foreign key that must not watch while both of its sides change.
pub(super) struct Watch {
    pub(super) table: String,
    pub(super) name: String,
}

/// All columns with ids of one table, and the foreign keys among them.
pub(super) struct Columns {
    pub(super) of: &'static str,
    pub(super) spots: Vec<Spot>,
    pub(super) watches: Vec<Watch>,
    /// Those that may have been forgotten.
    pub(super) unbound: Vec<String>,
}

pub(super) const USERS: &str = "auth_user";
pub(super) const MODELS: &str = "django_content_type";
pub(super) const GROUPS: &str = "auth_group";
pub(super) const PERMISSIONS: &str = "auth_permission";

/// Django's own tables, which are those of the house from then on.
fn is_djangos(table: &str) -> bool {
    table.starts_with("auth_") || table.starts_with("django_")
}

impl Columns {
    /// Those of users, and of what else an app's own tables refer to, and the house numbers in its own way.
    pub(super) fn find_all(
        local: &mut Database,
        catalog: &Catalog,
        named: &[String],
    ) -> Result<Vec<Self>, MoveError> {
        let mut all = vec![Self::of_users(local, catalog, named)?];
        for of in [MODELS, GROUPS, PERMISSIONS] {
            let columns = Self::by_keys(catalog, of);
            let is_used = columns.spots.iter().any(|spot| !is_djangos(&spot.table));
            all.extend(is_used.then_some(columns));
        }
        Ok(all)
    }

    pub(super) fn by_keys(catalog: &Catalog, of: &'static str) -> Self {
        let mut ids = vec![(of.to_owned(), "id".to_owned(), Found::Itself)];
        let watches = follow(catalog, &mut ids);
        let spots = ids.iter().filter_map(|(table, column, found)| {
            Some(Spot { of, ..spot(catalog, table, column, *found)? })
        });
        Self { of, spots: spots.collect(), watches, unbound: Vec::new() }
    }

    pub(super) fn of_users(
        local: &mut Database,
        catalog: &Catalog,
        named: &[String],
    ) -> Result<Self, MoveError> {
        let mut ids = vec![(USERS.to_owned(), "id".to_owned(), Found::Itself)];
        for name in named {
            let (table, column) = named_column(catalog, name)?;
            // Twice rewritten is somebody else.
            if !ids.iter().any(|(of, known, _)| *of == table.name && *known == column.name) {
                ids.push((table.name.clone(), column.name.clone(), Found::Named));
            }
        }
        let watches = follow(catalog, &mut ids);
        let mut spots: Vec<Spot> = ids
            .iter()
            .filter_map(|(table, column, found)| spot(catalog, table, column, *found))
            .collect();
        for spot in generic(local, catalog, &ids)? {
            // A content type says more than a name on the command line, and a foreign key says all.
            spots.retain(|other| other.found != Found::Named || !other.is_of_the_column_of(&spot));
            if !spots.iter().any(|other| other.is_of_the_column_of(&spot)) {
                spots.push(spot);
            }
        }
        let is_known = |table: &str, column: &str| {
            spots.iter().any(|spot| spot.table == table && spot.column == column)
        };
        let unbound = unbound(catalog, is_known);
        has_no_heirs(local, &spots)?;
        Ok(Self { of: USERS, spots, watches, unbound })
    }
}

/// Foreign keys to an id of a user, to a column with such a key, and so on: a table may have the user for its
/// primary key, and other tables refer to that.
fn follow(catalog: &Catalog, ids: &mut Vec<(String, String, Found)>) -> Vec<Watch> {
    let mut watches = Vec::new();
    let mut next = 0;
    while let Some((table, column, _)) = ids.get(next).cloned() {
        next += 1;
        for (from, reference) in catalog.references_to(&table) {
            let pairs = reference.columns.iter().zip(&reference.to);
            for (from_column, _) in pairs.filter(|(_, to)| **to == column) {
                watches.push(Watch { table: from.name.clone(), name: reference.name.clone() });
                match ids.iter_mut().find(|(t, c, _)| *t == from.name && c == from_column) {
                    Some((.., found)) if *found == Found::Named => *found = Found::ForeignKey,
                    Some(_) => {}
                    None => ids.push((from.name.clone(), from_column.clone(), Found::ForeignKey)),
                }
            }
        }
    }
    watches.sort_by(|a, b| (&a.table, &a.name).cmp(&(&b.table, &b.name)));
    watches.dedup_by(|a, b| a.table == b.table && a.name == b.name);
    watches
}

fn spot(catalog: &Catalog, table: &str, column: &str, found: Found) -> Option<Spot> {
    let table = catalog.table(table)?;
    let column = table.column(column)?;
    Some(Spot {
        of: USERS,
        table: table.name.clone(),
        column: column.name.clone(),
        found,
        is_text: column.holds == Holds::Text,
        largest: match column.holds {
            Holds::Integer(2) => i16::MAX.into(),
            Holds::Integer(4) => i32::MAX.into(),
            _ => i64::MAX,
        },
        is_nullable: column.is_nullable,
        key: table.key.clone(),
        only: String::new(),
    })
}

/// A column that the operator has named, if it can have ids.
fn named_column<'a>(
    catalog: &'a Catalog,
    name: &str,
) -> Result<(&'a Table, &'a Column), MoveError> {
    let unfit = |problem: &str| MoveError::NotAColumn {
        column: name.to_owned(),
        problem: problem.to_owned(),
    };
    let parts = name.rsplit_once('.');
    let (table, column) = parts.ok_or_else(|| unfit("is not written as TABLE.COLUMN"))?;
    let table = catalog.table(table).ok_or_else(|| unfit("is of a table that is not there"))?;
    let column = table.column(column).ok_or_else(|| unfit("is not there"))?;
    if !matches!(column.holds, Holds::Integer(_)) || column.is_generated {
        return Err(unfit("does not hold whole numbers, and so no ids"));
    }
    match table.reference_of(&column.name) {
        Some(reference) if reference.table != USERS => {
            Err(unfit(&format!("has a foreign key to {}, and so no ids of users", reference.table)))
        }
        _ => Ok((table, column)),
    }
}

/// What is written in a table of PostgreSQL is written in those that inherit from it: rewritten twice.
fn has_no_heirs(local: &mut Database, spots: &[Spot]) -> Result<(), MoveError> {
    if local.kind() == DatabaseKind::Sqlite {
        return Ok(());
    }
    let rows = local.rows(
        "SELECT DISTINCT p.relname::text FROM pg_inherits AS i JOIN pg_class AS p ON p.oid = i.inhparent \
         WHERE p.relkind = 'r' AND p.relnamespace = current_schema()::regnamespace ORDER BY 1",
    )?;
    let parents: Vec<&str> = rows.iter().map(|row| row.text(0)).collect();
    match spots.iter().find(|spot| parents.contains(&spot.table.as_str())) {
        None => Ok(()),
        Some(spot) => Err(MoveError::Schema {
            database: super::LOCAL,
            problem: format!(
                "has tables that inherit from {}; part them for the time being (ALTER TABLE .. NO INHERIT {}), and \
                 name their columns where they have no foreign key",
                spot.table, spot.table
            ),
        }),
    }
}

/// `content_type_id` with `object_id` beside it, under whatever prefix.
fn generic(
    local: &mut Database,
    catalog: &Catalog,
    ids: &[(String, String, Found)],
) -> Result<Vec<Spot>, MoveError> {
    let models = models(local, catalog, ids)?;
    if models.is_empty() {
        return Ok(Vec::new());
    }
    let mut spots = Vec::new();
    for table in catalog.tables.values() {
        for kind in &table.columns {
            let Some(prefix) = kind.name.strip_suffix("content_type_id") else { continue };
            let names = ["object_id", "object_pk"].map(|name| format!("{prefix}{name}"));
            let column = names.iter().find_map(|name| table.column(name));
            let is_fit = |column: &&Column| matches!(column.holds, Holds::Integer(_) | Holds::Text);
            let Some(column) = column.filter(is_fit) else { continue };
            let found = spot(catalog, &table.name, &column.name, Found::ContentType);
            spots.extend(found.map(|spot| Spot {
                only: format!(" AND t.{} IN ({})", quoted(&kind.name), models.join(", ")),
                ..spot
            }));
        }
    }
    Ok(spots)
}

/// The content types of `User`, and of the models whose primary key is a user's id.
fn models(
    local: &mut Database,
    catalog: &Catalog,
    ids: &[(String, String, Found)],
) -> Result<Vec<String>, MoveError> {
    if catalog.table("django_content_type").is_none() {
        return Ok(Vec::new());
    }
    let is_key = |(table, column, _): &&(String, String, Found)| {
        catalog.table(table).is_some_and(|table| table.key == [column.as_str()])
    };
    let tables: BTreeSet<String> =
        ids.iter().filter(is_key).map(|(table, ..)| literal(table)).collect();
    let tables: Vec<String> = tables.into_iter().collect();
    let rows = local.rows(&format!(
        "SELECT CAST(id AS varchar) FROM django_content_type WHERE app_label || '_' || model IN ({})",
        tables.join(", ")
    ))?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

/// Django names the column of a foreign key so, also of one that the database does not know of.
fn unbound(catalog: &Catalog, is_known: impl Fn(&str, &str) -> bool) -> Vec<String> {
    let tables = catalog.tables.values().filter(|table| !table.name.starts_with("housekey_"));
    let columns = tables.flat_map(|table| table.columns.iter().map(move |column| (table, column)));
    let may_be = |(table, column): &(&Table, &Column)| {
        let name = &column.name;
        matches!(column.holds, Holds::Integer(_))
            && (name.ends_with("_id") || name.contains("user"))
            && !name.ends_with("object_id")
            && !name.ends_with("content_type_id")
            && table.reference_of(name).is_none()
            && table.key != [name.as_str()]
            && !is_known(&table.name, name)
    };
    let found = columns.filter(may_be);
    found.map(|(table, column)| format!("{}.{}", table.name, column.name)).collect()
}
