//! Users and groups that go, with the rows that Django's own tables have of them (`on_delete=CASCADE` of
//! `django.contrib.auth` and `django.contrib.admin`). Rows of other tables are nobody's to take along.

use std::collections::BTreeMap;

use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

use crate::db::{DjangoId, SharedConnection, on_shared};
use crate::error::Error;

/// What can go.
pub(crate) struct Kind {
    what: &'static str,
    table: &'static str,
    /// Tables and columns whose rows go along.
    owned: &'static [(&'static str, &'static str)],
}

pub(crate) const USER: Kind = Kind {
    what: "user",
    table: "auth_user",
    owned: &[
        ("auth_user_groups", "user_id"),
        ("auth_user_user_permissions", "user_id"),
        ("django_admin_log", "user_id"),
    ],
};

pub(crate) const GROUP: Kind = Kind {
    what: "group",
    table: "auth_group",
    owned: &[("auth_user_groups", "group_id"), ("auth_group_permissions", "group_id")],
};

/// Taken away only when nothing refers to it.
#[cfg(feature = "moving")]
pub(crate) const PERMISSION: Kind =
    Kind { what: "permission", table: "auth_permission", owned: &[] };

/// The same of a content type.
#[cfg(feature = "moving")]
pub(crate) const MODEL: Kind =
    Kind { what: "content type", table: "django_content_type", owned: &[] };

/// A foreign key; all but the first as they are written in SQL.
#[derive(QueryableByName)]
struct Reference {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    from_table: String,
    #[diesel(sql_type = Text)]
    from_column: String,
    #[diesel(sql_type = Text)]
    to_column: String,
}

/// A table whose rows do not go along, and of which one refers to this row. The database itself would refuse
/// some of them, and delete or change others.
pub(crate) fn held_by(
    conn: &mut SharedConnection,
    kind: &Kind,
    id: i32,
) -> QueryResult<Option<String>> {
    Ok(held_among(conn, kind, &[id])?.remove(&id))
}

/// Those of many rows that are held, each with a table.
pub(crate) fn held_among(
    conn: &mut SharedConnection,
    kind: &Kind,
    ids: &[i32],
) -> QueryResult<BTreeMap<i32, String>> {
    let mut held = BTreeMap::new();
    for reference in references(conn, kind)? {
        let Reference { name, from_table, from_column, to_column } = reference;
        if kind.owned.iter().any(|(table, _)| *table == name) {
            continue;
        }
        for some in ids.chunks(AT_ONCE) {
            let refer = format!(
                "SELECT DISTINCT goes.\"id\" AS id FROM {from_table} AS held JOIN {} AS goes \
                 ON held.{from_column} = goes.{to_column} WHERE goes.\"id\" IN ({})",
                kind.table,
                listed(some)
            );
            let rows: Vec<Held> = on_shared!(SharedConnection, conn, conn => {
                diesel::sql_query(&refer).load(&mut **conn)?
            });
            held.extend(rows.into_iter().map(|row| (row.id.into(), name.clone())));
        }
    }
    Ok(held)
}

#[derive(QueryableByName)]
struct Held {
    #[diesel(sql_type = Integer)]
    id: DjangoId,
}

/// Rows that one statement names.
const AT_ONCE: usize = 1_000;

fn listed(ids: &[i32]) -> String {
    ids.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// The foreign keys to this table.
fn references(conn: &mut SharedConnection, kind: &Kind) -> QueryResult<Vec<Reference>> {
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => {
            let keys = format!(
                "SELECT t.name AS name, {} AS from_table, {} AS from_column, {} AS to_column \
                 FROM sqlite_master AS t JOIN pragma_foreign_key_list(t.name) AS f \
                 WHERE t.type = 'table' AND lower(f.\"table\") = '{}'",
                quoted("t.name"),
                quoted("f.\"from\""),
                quoted("coalesce(f.\"to\", 'id')"),
                kind.table
            );
            diesel::sql_query(keys).load(&mut **conn)
        }
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            let keys = format!(
                "SELECT c.conrelid::regclass::text AS name, c.conrelid::regclass::text AS from_table, \
                 quote_ident(f.attname) AS from_column, quote_ident(t.attname) AS to_column \
                 FROM pg_constraint AS c \
                 CROSS JOIN LATERAL unnest(c.conkey, c.confkey) AS pair(from_number, to_number) \
                 JOIN pg_attribute AS f ON f.attrelid = c.conrelid AND f.attnum = pair.from_number \
                 JOIN pg_attribute AS t ON t.attrelid = c.confrelid AND t.attnum = pair.to_number \
                 WHERE c.contype = 'f' AND c.confrelid = '{}'::regclass",
                kind.table
            );
            diesel::sql_query(keys).load(&mut **conn)
        }
    }
}

/// A name as SQLite wants it quoted, by an expression.
#[cfg(feature = "sqlite")]
fn quoted(name: &str) -> String {
    format!("'\"' || replace({name}, '\"', '\"\"') || '\"'")
}

/// Deletes the row of that name with what goes along, if nothing holds it.
pub(crate) fn remove(
    conn: &mut SharedConnection,
    kind: &Kind,
    id: i32,
    name: &str,
) -> Result<(), Error> {
    match held_by(conn, kind, id)? {
        Some(table) => Err(still_referred(kind, name, table)),
        None => Ok(delete(conn, kind, id).map(drop)?),
    }
}

/// What the database refuses to leave without the row that it refers to.
pub(crate) fn told(error: Error, kind: &Kind, name: &str) -> Error {
    use diesel::result::{DatabaseErrorKind::ForeignKeyViolation, Error::DatabaseError};
    match error {
        Error::Database { source: DatabaseError(ForeignKeyViolation, told), .. } => {
            let table = told.table_name().unwrap_or("that the database does not tell");
            still_referred(kind, name, table.to_owned())
        }
        error => error,
    }
}

fn still_referred(kind: &Kind, name: &str, table: String) -> Error {
    Error::StillReferred { what: kind.what, name: name.to_owned(), table }
}

/// `false` when it was gone before.
pub(crate) fn delete(conn: &mut SharedConnection, kind: &Kind, id: i32) -> QueryResult<bool> {
    Ok(delete_all(conn, kind, &[id])? == 1)
}

/// How many of them were there.
pub(crate) fn delete_all(
    conn: &mut SharedConnection,
    kind: &Kind,
    ids: &[i32],
) -> QueryResult<usize> {
    let itself = (kind.table, "id");
    let mut deleted = 0;
    for some in ids.chunks(AT_ONCE) {
        let mut rows = 0;
        for (table, column) in kind.owned.iter().chain([&itself]) {
            let delete = format!("DELETE FROM {table} WHERE {column} IN ({})", listed(some));
            rows = on_shared!(SharedConnection, conn, conn => {
                diesel::sql_query(delete).execute(&mut **conn)?
            });
        }
        deleted += rows;
    }
    Ok(deleted)
}
