//! Rows of `housekey_adoption`: which users an app had before it joined the house, and who they are since.

use std::collections::BTreeMap;

use diesel::prelude::*;

use crate::db::schema::housekey_adoption;
use crate::db::{DjangoId, Moment, SharedConnection, on_shared};

/// One of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Adopted {
    /// The name in the app's own database.
    pub(super) username: String,
    /// The id there, before.
    pub(super) local_id: i64,
    /// The id in the house.
    pub(super) user_id: i32,
    pub(super) how: String,
}

/// No more rows in one statement: each has six values, and SQLite takes 32,766.
const AT_ONCE: usize = 1_000;

/// The columns of one of them.
const LINE: (
    housekey_adoption::username,
    housekey_adoption::local_id,
    housekey_adoption::user_id,
    housekey_adoption::how,
) = (
    housekey_adoption::username,
    housekey_adoption::local_id,
    housekey_adoption::user_id,
    housekey_adoption::how,
);
type Line = (String, i64, DjangoId, String);

impl From<Line> for Adopted {
    fn from((username, local_id, user_id, how): Line) -> Self {
        Self { username, local_id, user_id: user_id.into(), how }
    }
}

/// Those of an app.
pub(super) fn of_app(conn: &mut SharedConnection, app: &str) -> QueryResult<Vec<Adopted>> {
    let rows: Vec<Line> = on_shared!(SharedConnection, conn, conn => {
        housekey_adoption::table
            .filter(housekey_adoption::app.eq(app))
            .order(housekey_adoption::username)
            .select(LINE)
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().map(Adopted::from).collect())
}

/// Those of every other app.
pub(super) fn of_others(
    conn: &mut SharedConnection,
    app: &str,
) -> QueryResult<BTreeMap<String, Vec<Adopted>>> {
    let rows: Vec<(String, Line)> = on_shared!(SharedConnection, conn, conn => {
        housekey_adoption::table
            .filter(housekey_adoption::app.ne(app))
            .select((housekey_adoption::app, LINE))
            .load(&mut **conn)?
    });
    let mut apps: BTreeMap<String, Vec<Adopted>> = BTreeMap::new();
    for (app, line) in rows {
        apps.entry(app).or_default().push(line.into());
    }
    Ok(apps)
}

pub(super) fn add(conn: &mut SharedConnection, app: &str, new: &[Adopted]) -> QueryResult<()> {
    for some in new.chunks(AT_ONCE) {
        let rows = some.iter().map(|one| {
            (
                housekey_adoption::app.eq(app),
                housekey_adoption::username.eq(&one.username),
                housekey_adoption::local_id.eq(one.local_id),
                housekey_adoption::user_id.eq(one.user_id),
                housekey_adoption::how.eq(&one.how),
                housekey_adoption::since.eq(Moment::Now),
            )
        });
        let rows: Vec<_> = rows.collect();
        on_shared!(SharedConnection, conn, conn => {
            diesel::insert_into(housekey_adoption::table).values(rows).execute(&mut **conn)?;
        });
    }
    Ok(())
}

pub(super) fn forget(
    conn: &mut SharedConnection,
    app: &str,
    usernames: &[&str],
) -> QueryResult<()> {
    for some in usernames.chunks(AT_ONCE) {
        on_shared!(SharedConnection, conn, conn => {
            let rows = housekey_adoption::table
                .filter(housekey_adoption::app.eq(app))
                .filter(housekey_adoption::username.eq_any(some));
            diesel::delete(rows).execute(&mut **conn)?;
        });
    }
    Ok(())
}

/// Those of the users whom an app knows by the users that it had, each with that app.
pub(super) fn known_to(
    conn: &mut SharedConnection,
    user_ids: &[i32],
) -> QueryResult<BTreeMap<i32, String>> {
    let mut known = BTreeMap::new();
    for some in user_ids.chunks(AT_ONCE) {
        let rows: Vec<(DjangoId, String)> = on_shared!(SharedConnection, conn, conn => {
            housekey_adoption::table
                .filter(housekey_adoption::user_id.eq_any(some))
                .select((housekey_adoption::user_id, housekey_adoption::app))
                .load(&mut **conn)?
        });
        known.extend(rows.into_iter().map(|(id, app)| (i32::from(id), app)));
    }
    Ok(known)
}
