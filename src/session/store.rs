//! Rows of `django_session`, and of `housekey_session` beside them.
//!
//! Creating never overwrites and updating never creates: a session that was ended stays so. What says whose it was goes
//! with it, by a trigger, whoever deletes it.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::key::SessionKey;
use super::owned::DJANGO;
use super::visitor::Visitor;
use crate::db::schema::{django_session, housekey_renewal, housekey_session};
use crate::db::{DatabaseNow, Moment, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;

/// The data of a living session, which nobody else changes before this transaction ends.
pub(crate) fn find_locked(
    conn: &mut SharedConnection,
    key: &SessionKey,
) -> QueryResult<Option<String>> {
    let living = django_session::table
        .find(key.expose_secret())
        .filter(django_session::expire_date.gt(DatabaseNow))
        .select(django_session::session_data);
    locked!(conn, living => first).optional()
}

/// Fails with a unique violation when the key is taken.
pub(crate) fn create(
    conn: &mut SharedConnection,
    key: &SessionKey,
    data: &str,
    end: Moment,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(django_session::table)
            .values((
                django_session::session_key.eq(key.expose_secret()),
                django_session::session_data.eq(data),
                django_session::expire_date.eq(end),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// Writes down whose session it is, and from where it was begun.
pub(crate) fn own(
    conn: &mut SharedConnection,
    key: &SessionKey,
    user_id: i32,
    app: &str,
    visitor: &Visitor,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(housekey_session::table)
            .values((
                housekey_session::session_key.eq(key.expose_secret()),
                housekey_session::user_id.eq(user_id),
                housekey_session::app.eq(app),
                housekey_session::created.eq(Moment::Now),
                housekey_session::address.eq(&visitor.address),
                housekey_session::agent.eq(&visitor.agent),
                housekey_session::last_seen.eq(Moment::Now.nullable()),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// `false` when the row is gone, expired, or no longer holds `old`.
pub(crate) fn update(
    conn: &mut SharedConnection,
    key: &SessionKey,
    old: &str,
    new: &str,
    end: Moment,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let same = django_session::table
            .find(key.expose_secret())
            .filter(django_session::session_data.eq(old))
            .filter(django_session::expire_date.gt(DatabaseNow));
        diesel::update(same)
            .set((django_session::session_data.eq(new), django_session::expire_date.eq(end)))
            .execute(&mut **conn)
            .map(|rows| rows == 1)
    })
}

/// Writes into a row that this transaction has locked.
pub(crate) fn replace(
    conn: &mut SharedConnection,
    key: &SessionKey,
    data: &str,
    end: Moment,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(django_session::table.find(key.expose_secret()))
            .set((django_session::session_data.eq(data), django_session::expire_date.eq(end)))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// Ends the session; one that has ended already is no error.
pub(crate) fn delete(conn: &mut SharedConnection, key: &SessionKey) -> QueryResult<()> {
    delete_all(conn, &[key.expose_secret().to_owned()]).map(drop)
}

/// How long the key of a renewed session leads to the new one, in seconds: as long as a request may take.
const LEADS_FOR: f64 = 60.0;

/// Lets the requests that are under way with the key before find the session.
pub(crate) fn lead(
    conn: &mut SharedConnection,
    before: &SessionKey,
    successor: &SessionKey,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::delete(housekey_renewal::table.find(before.expose_secret())).execute(&mut **conn)?;
        diesel::insert_into(housekey_renewal::table)
            .values((
                housekey_renewal::session_key.eq(before.expose_secret()),
                housekey_renewal::successor.eq(successor.expose_secret()),
                housekey_renewal::until.eq(Moment::after(LEADS_FOR)),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// Where the key of a renewed session leads.
pub(crate) fn successor(
    conn: &mut SharedConnection,
    key: &SessionKey,
) -> QueryResult<Option<SessionKey>> {
    on_shared!(SharedConnection, conn, conn => {
        let successor: Option<String> = housekey_renewal::table
            .find(key.expose_secret())
            .filter(housekey_renewal::until.gt(DatabaseNow))
            .select(housekey_renewal::successor)
            .get_result(&mut **conn)
            .optional()?;
        Ok(successor.map(SessionKey::from_row))
    })
}

/// The living sessions that are known to belong to a user, with their data.
pub(crate) fn of_user(
    conn: &mut SharedConnection,
    user_id: i32,
) -> QueryResult<Vec<(SessionKey, String)>> {
    let rows: Vec<(String, String)> = on_shared!(SharedConnection, conn, conn => {
        django_session::table
            .inner_join(
                housekey_session::table
                    .on(housekey_session::session_key.eq(django_session::session_key)),
            )
            .filter(housekey_session::user_id.eq(user_id))
            .filter(django_session::expire_date.gt(DatabaseNow))
            .select((django_session::session_key, django_session::session_data))
            .load(&mut **conn)?
    });
    Ok(rows.into_iter().map(|(key, data)| (SessionKey::from_row(key), data)).collect())
}

/// What `check` looks at.
#[derive(Queryable)]
pub(crate) struct Sample {
    /// That it was begun in, if that was a housekey app.
    pub(crate) app: Option<String>,
    pub(crate) data: String,
    pub(crate) end: DateTime<Utc>,
    pub(crate) alive: bool,
}

/// The sessions that last longest.
pub(crate) fn newest(shared: &SharedPool, most: i64) -> Result<Vec<Sample>, Error> {
    let rows: Vec<Sample> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            django_session::table
                .left_join(
                    housekey_session::table
                        .on(housekey_session::session_key.eq(django_session::session_key)),
                )
                .order(django_session::expire_date.desc())
                .limit(most)
                .select((
                    housekey_session::app.nullable(),
                    django_session::session_data,
                    django_session::expire_date,
                    django_session::expire_date.gt(DatabaseNow),
                ))
                .load(&mut **conn)
        })
    })?;
    Ok(rows
        .into_iter()
        .map(|row| Sample { app: row.app.filter(|app| app != DJANGO), ..row })
        .collect())
}

/// The app that a session was begun in, when it was a housekey app.
pub(crate) fn app_of(shared: &SharedPool, key: &SessionKey) -> Result<Option<String>, Error> {
    let app: Option<String> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_session::table
                .find(key.expose_secret())
                .select(housekey_session::app)
                .first(&mut **conn)
                .optional()
        })
    })?;
    Ok(app.filter(|app| app != DJANGO))
}

/// How many sessions have not ended.
pub(crate) fn living(conn: &mut SharedConnection) -> QueryResult<i64> {
    on_shared!(SharedConnection, conn, conn => {
        django_session::table
            .filter(django_session::expire_date.gt(DatabaseNow))
            .count()
            .get_result(&mut **conn)
    })
}

/// Puts new data in the place of old, and leaves the time of its end alone.
pub(crate) fn replace_data(
    conn: &mut SharedConnection,
    key: &SessionKey,
    old: &str,
    new: &str,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let same =
            django_session::table.find(key.expose_secret()).filter(django_session::session_data.eq(old));
        diesel::update(same)
            .set(django_session::session_data.eq(new))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// How many rows one transaction changes at most: the apps go on meanwhile.
pub(crate) const BATCH: usize = 500;
/// The same, for `LIMIT`.
pub(crate) const PAGE: i64 = 500;

/// Deletes a batch of sessions that have ended, and says how many there were; one that was prolonged since it
/// was found stays.
pub(crate) fn delete_expired(shared: &SharedPool) -> Result<usize, Error> {
    let keys: Vec<String> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            django_session::table
                .filter(django_session::expire_date.le(DatabaseNow))
                .order(django_session::expire_date)
                .limit(PAGE)
                .select(django_session::session_key)
                .load(&mut **conn)
        })
    })?;
    if keys.is_empty() {
        return Ok(0);
    }
    shared.transact(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            let rows = django_session::table
                .filter(django_session::session_key.eq_any(&keys))
                .filter(django_session::expire_date.le(DatabaseNow));
            diesel::delete(rows).execute(&mut **conn)
        })
    })
}

/// How many keys alone are read at once.
const KEYS: i64 = 5000;

/// A page of the keys of all sessions behind a key.
pub(crate) fn keys(shared: &SharedPool, behind: &str) -> Result<Vec<String>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            django_session::table
                .filter(django_session::session_key.gt(behind))
                .order(django_session::session_key)
                .limit(KEYS)
                .select(django_session::session_key)
                .load(&mut **conn)
        })
    })
}

/// A page of living sessions behind a key, each with its data.
pub(crate) fn living_page(
    shared: &SharedPool,
    behind: &str,
) -> Result<Vec<(String, String)>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            django_session::table
                .filter(django_session::session_key.gt(behind))
                .filter(django_session::expire_date.gt(DatabaseNow))
                .order(django_session::session_key)
                .limit(PAGE)
                .select((django_session::session_key, django_session::session_data))
                .load(&mut **conn)
        })
    })
}

/// Ends the session if it still holds this data.
pub(crate) fn delete_unchanged(
    conn: &mut SharedConnection,
    key: &str,
    data: &str,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let same = django_session::table.find(key).filter(django_session::session_data.eq(data));
        diesel::delete(same).execute(&mut **conn).map(|rows| rows == 1)
    })
}

/// Ends these sessions, and says how many there were: also where another request has moved them meanwhile.
pub(crate) fn delete_all(conn: &mut SharedConnection, keys: &[String]) -> QueryResult<usize> {
    let (mut keys, mut ended) = (keys.to_vec(), 0);
    while !keys.is_empty() {
        // Whoever renews a session locks these rows in the same order.
        on_shared!(SharedConnection, conn, conn => {
            let rows = django_session::table.filter(django_session::session_key.eq_any(&keys));
            ended += diesel::delete(rows).execute(&mut **conn)?;
            keys = housekey_renewal::table
                .filter(housekey_renewal::session_key.eq_any(&keys))
                .select(housekey_renewal::successor)
                .load(&mut **conn)?;
        });
    }
    Ok(ended)
}
