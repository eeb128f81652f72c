//! Whose sessions are, and when they were seen: rows of `housekey_session`.
//!
//! A session begun in a Django app has none until an app or an operator adopts it: until then it is a stranger (see
//! `stranger`). A row goes with its session, whoever deletes that.

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::key::SessionKey;
use super::store::PAGE;
use crate::db::schema::{django_session, housekey_renewal, housekey_session};
use crate::db::{DatabaseNow, Moment, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;

/// The app of a session that was begun in a Django app.
pub(crate) const DJANGO: &str = "";

/// How old the time may be at which a session was seen last.
const SEEN_WITHIN: Moment = Moment::In(-300.0);

/// A session without a row here.
pub(crate) struct Stranger {
    pub(crate) key: String,
    pub(crate) user_id: i32,
    pub(crate) began: Moment,
    pub(crate) sighting: Sighting,
}

/// Was it seen just now, or only found in the table?
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sighting {
    Used,
    Found,
}

/// The sessions among these whose row here is missing (no owner), or was not touched for some minutes.
pub(crate) fn due(shared: &SharedPool, keys: &[&str]) -> Result<Vec<(String, Option<i32>)>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            let is_stranger = housekey_session::session_key.nullable().is_null();
            let is_old = housekey_session::last_seen.nullable().lt(SEEN_WITHIN.nullable());
            django_session::table
                .left_join(
                    housekey_session::table
                        .on(housekey_session::session_key.eq(django_session::session_key)),
                )
                .filter(django_session::session_key.eq_any(keys))
                .filter(
                    is_stranger.or(housekey_session::last_seen.nullable().is_null()).or(is_old),
                )
                .select((django_session::session_key, housekey_session::user_id.nullable()))
                .load(&mut **conn)
        })
    })
}

/// Never waits for a row: what another app has in its hands is left to that one.
pub(crate) fn mark_seen(conn: &mut SharedConnection, keys: &[&str]) -> QueryResult<()> {
    let of_keys = housekey_session::table
        .filter(housekey_session::session_key.eq_any(keys))
        .select(housekey_session::session_key);
    let free: Vec<String> = locked!(conn, of_keys, skip_locked => load)?;
    on_shared!(SharedConnection, conn, conn => {
        let rows = housekey_session::table.filter(housekey_session::session_key.eq_any(&free));
        diesel::update(rows)
            .set(housekey_session::last_seen.eq(Moment::Now.nullable()))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// The session goes on under another key; `false` when nobody is known to own it.
pub(crate) fn hand_over(
    conn: &mut SharedConnection,
    before: &SessionKey,
    key: &SessionKey,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(housekey_session::table.find(before.expose_secret()))
            .set(housekey_session::session_key.eq(key.expose_secret()))
            .execute(&mut **conn)
            .map(|rows| rows == 1)
    })
}

/// Was the session begun in a housekey app, by a login within these seconds?
#[cfg(feature = "_web")]
pub(crate) fn begun_within(
    shared: &SharedPool,
    key: &SessionKey,
    seconds: f64,
) -> Result<bool, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            let begun = housekey_session::table
                .find(key.expose_secret())
                .filter(housekey_session::app.ne(DJANGO))
                .filter(housekey_session::created.gt(Moment::In(-seconds)));
            diesel::select(diesel::dsl::exists(begun)).get_result(&mut **conn)
        })
    })
}

/// Those of these sessions that are there, and are so until the end of this transaction: what somebody else is about
/// to delete is left out.
fn present(conn: &mut SharedConnection, strangers: &[Stranger]) -> QueryResult<HashSet<String>> {
    let keys: Vec<&str> = strangers.iter().map(|stranger| stranger.key.as_str()).collect();
    let rows = django_session::table
        .filter(django_session::session_key.eq_any(keys))
        .select(django_session::session_key);
    let keys: Vec<String> = match conn {
        // A transaction that writes has the whole file to itself.
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => rows.load(&mut **conn)?,
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => rows.for_key_share().skip_locked().load(&mut **conn)?,
    };
    Ok(keys.into_iter().collect())
}

/// Makes a row for each that has none and has not ended.
pub(crate) fn adopt(conn: &mut SharedConnection, strangers: &[Stranger]) -> QueryResult<()> {
    let present = present(conn, strangers)?;
    let strangers = strangers.iter().filter(|stranger| present.contains(&stranger.key));
    let row = |stranger: &Stranger| {
        let is_used = stranger.sighting == Sighting::Used;
        (
            housekey_session::session_key.eq(stranger.key.clone()),
            housekey_session::user_id.eq(stranger.user_id),
            housekey_session::app.eq(DJANGO),
            housekey_session::created.eq(stranger.began),
            is_used.then(|| housekey_session::last_seen.eq(Moment::Now.nullable())),
        )
    };
    match conn {
        // diesel has no statement for many rows here; within one transaction it makes no difference.
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => strangers.into_iter().try_for_each(|stranger| {
            diesel::insert_into(housekey_session::table)
                .values(row(stranger))
                .on_conflict_do_nothing()
                .execute(&mut **conn)
                .map(drop)
        }),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => diesel::insert_into(housekey_session::table)
            .values(strangers.map(row).collect::<Vec<_>>())
            .on_conflict_do_nothing()
            .execute(&mut **conn)
            .map(drop),
    }
}

/// The data of those of these sessions that live.
pub(crate) fn living(shared: &SharedPool, keys: &[String]) -> Result<Vec<(String, String)>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            django_session::table
                .filter(django_session::session_key.eq_any(keys))
                .filter(django_session::expire_date.gt(DatabaseNow))
                .select((django_session::session_key, django_session::session_data))
                .load(&mut **conn)
        })
    })
}

/// A session with its owner's row.
#[derive(Queryable)]
pub(crate) struct Owned {
    pub(crate) key: String,
    pub(crate) app: String,
    pub(crate) address: String,
    pub(crate) agent: String,
    pub(crate) created: DateTime<Utc>,
    pub(crate) last_seen: Option<DateTime<Utc>>,
    pub(crate) data: String,
    pub(crate) expires: DateTime<Utc>,
}

/// The living sessions of a user, the newest first.
pub(crate) fn living_of(shared: &SharedPool, user_id: i32) -> Result<Vec<Owned>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_session::table
                .inner_join(django_session::table)
                .filter(housekey_session::user_id.eq(user_id))
                .filter(django_session::expire_date.gt(DatabaseNow))
                .order((housekey_session::created.desc(), housekey_session::session_key))
                .select((
                    housekey_session::session_key,
                    housekey_session::app,
                    housekey_session::address,
                    housekey_session::agent,
                    housekey_session::created,
                    housekey_session::last_seen,
                    django_session::session_data,
                    django_session::expire_date,
                ))
                .load(&mut **conn)
        })
    })
}

/// The keys of all rows of a user, whether their sessions live or not.
pub(crate) fn keys_of(shared: &SharedPool, user_id: i32) -> Result<Vec<String>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_session::table
                .filter(housekey_session::user_id.eq(user_id))
                .select(housekey_session::session_key)
                .load(&mut **conn)
        })
    })
}

/// Forgets a batch of renewals that lead nowhere any more, and says how many there were.
pub(crate) fn forget_renewals(shared: &SharedPool) -> Result<usize, Error> {
    let keys: Vec<String> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_renewal::table
                .filter(housekey_renewal::until.le(DatabaseNow))
                .order(housekey_renewal::until)
                .limit(PAGE)
                .select(housekey_renewal::session_key)
                .load(&mut **conn)
        })
    })?;
    if keys.is_empty() {
        return Ok(0);
    }
    shared.transact(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            let rows = housekey_renewal::table.filter(housekey_renewal::session_key.eq_any(&keys));
            diesel::delete(rows).execute(&mut **conn)
        })
    })
}
