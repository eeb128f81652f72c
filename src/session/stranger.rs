//! Rows of `housekey_stranger`: the sessions of which nobody knows yet whose they are. Triggers write them, whoever
//! writes the sessions, so nobody has to look for them among all.

use std::collections::HashMap;

use diesel::dsl::{exists, not};
use diesel::prelude::*;

use super::store::PAGE;
use crate::db::schema::{django_session, housekey_session, housekey_stranger};
use crate::db::{DatabaseNow, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;

/// A page of them behind a key.
pub(crate) fn page(shared: &SharedPool, behind: &str) -> Result<Vec<String>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_stranger::table
                .filter(housekey_stranger::session_key.gt(behind))
                .order(housekey_stranger::session_key)
                .limit(PAGE)
                .select(housekey_stranger::session_key)
                .load(&mut **conn)
        })
    })
}

/// Takes those of a page from the list that have an owner, are gone or over, or are nobody's: of what may be that, the
/// data is told that says so. What somebody else has in hand stays, and so does what was written anew, because it may
/// be somebody's by now.
pub(crate) fn settle(
    conn: &mut SharedConnection,
    page: &[String],
    nobodys: &HashMap<&str, Option<&str>>,
) -> QueryResult<()> {
    let listed = housekey_stranger::table
        .filter(housekey_stranger::session_key.eq_any(page))
        .select(housekey_stranger::session_key);
    let listed: Vec<String> = locked!(conn, listed, skip_locked => load)?;
    if listed.is_empty() {
        return Ok(());
    }
    let sessions =
        django_session::table.filter(django_session::session_key.eq_any(nobodys.keys())).select((
            django_session::session_key,
            django_session::session_data,
            django_session::expire_date.le(DatabaseNow),
        ));
    let rows: Vec<(String, String, bool)> = locked!(conn, sessions, skip_locked => load)?;
    let is_done = |(key, data, is_over): &(String, String, bool)| {
        *is_over || nobodys.get(key.as_str()).is_some_and(|seen| *seen == Some(data))
    };
    let done = rows.into_iter().filter(is_done).map(|(key, _, _)| key);
    let done: Vec<String> = done.collect();
    on_shared!(SharedConnection, conn, conn => {
        let owner = housekey_session::table
            .filter(housekey_session::session_key.eq(housekey_stranger::session_key));
        let session = django_session::table
            .filter(django_session::session_key.eq(housekey_stranger::session_key));
        let is_nobodys = housekey_stranger::session_key.eq_any(done);
        let settled = housekey_stranger::table
            .filter(housekey_stranger::session_key.eq_any(listed))
            .filter(is_nobodys.or(exists(owner)).or(not(exists(session))));
        diesel::delete(settled).execute(&mut **conn).map(drop)
    })
}
