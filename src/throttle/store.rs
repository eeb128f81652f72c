//! Rows of `housekey_throttle`. All transactions lock them in the order of their keys.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Fill, Lane, OPEN, account};
use crate::db::schema::housekey_throttle;
use crate::db::{DatabaseNow, Moment, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;
use crate::session::store::PAGE;

/// When the last of these lanes opens, if one is closed, and what time it is.
pub(super) fn closed_until(
    conn: &mut SharedConnection,
    keys: &[&str],
) -> QueryResult<Option<(DateTime<Utc>, DateTime<Utc>)>> {
    let last: Option<(DateTime<Utc>, DateTime<Utc>)> = on_shared!(SharedConnection, conn, conn => {
        housekey_throttle::table
            .filter(housekey_throttle::lane.eq_any(keys))
            .order(housekey_throttle::opens.desc())
            .select((housekey_throttle::opens, DatabaseNow))
            .first(&mut **conn)
            .optional()?
    });
    // Compared here: SQLite compares texts, and one millisecond has two spellings.
    Ok(last.filter(|(opens, now)| opens > now))
}

type Found = (i32, DateTime<Utc>, DateTime<Utc>, DateTime<Utc>);

/// What time it is, and what is written of these lanes, which are nobody else's until the transaction ends.
pub(super) fn locked(
    conn: &mut SharedConnection,
    lanes: &[&Lane],
) -> QueryResult<(DateTime<Utc>, Vec<Fill>)> {
    let keys: Vec<&str> = lanes.iter().map(|lane| lane.key.as_str()).collect();
    loop {
        lanes.iter().try_for_each(|lane| make(conn, lane))?;
        let found = lock(conn, &keys)?;
        // One that was purged between the two statements is made anew.
        if let Some((.., now)) = found.first().filter(|_| found.len() == keys.len()) {
            let level = |(level, since, opens, _): &Found| Fill {
                level: *level,
                since: *since,
                opens: *opens,
            };
            return Ok((*now, found.iter().map(level).collect()));
        }
    }
}

/// Makes the row of an empty lane, if there is none.
fn make(conn: &mut SharedConnection, lane: &Lane) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(housekey_throttle::table)
            .values((
                housekey_throttle::lane.eq(&lane.key),
                housekey_throttle::account.eq(&lane.account),
                housekey_throttle::level.eq(0),
                housekey_throttle::since.eq(Moment::Now),
                housekey_throttle::opens.eq(Moment::At(OPEN)),
                housekey_throttle::ends.eq(Moment::Now),
            ))
            .on_conflict_do_nothing()
            .execute(&mut **conn)
            .map(drop)
    })
}

fn lock(conn: &mut SharedConnection, keys: &[&str]) -> QueryResult<Vec<Found>> {
    let rows = housekey_throttle::table
        .filter(housekey_throttle::lane.eq_any(keys))
        .order(housekey_throttle::lane)
        .select((
            housekey_throttle::level,
            housekey_throttle::since,
            housekey_throttle::opens,
            DatabaseNow,
        ));
    locked!(conn, rows => load)
}

pub(super) fn put(conn: &mut SharedConnection, lane: &Lane, level: &Fill) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(housekey_throttle::table.find(&lane.key))
            .set((
                housekey_throttle::level.eq(level.level),
                housekey_throttle::since.eq(Moment::At(level.since)),
                housekey_throttle::opens.eq(Moment::At(level.opens)),
                housekey_throttle::ends.eq(Moment::At(lane.rule.end(level))),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// Forgets all wrong passwords for a name, from wherever they came.
pub(crate) fn forget(conn: &mut SharedConnection, name: &str) -> QueryResult<()> {
    let of_account = housekey_throttle::table
        .filter(housekey_throttle::account.eq(account(name)))
        .order(housekey_throttle::lane)
        .select(housekey_throttle::lane);
    let keys: Vec<String> = locked!(conn, of_account => load)?;
    delete(conn, &keys).map(drop)
}

/// Deletes a batch of lanes of which nothing is left, and says how many there were. One that is in use is left, so it is
/// no matter in which order they are locked.
pub(crate) fn forget_old(shared: &SharedPool) -> Result<usize, Error> {
    shared.transact(|conn| {
        let old = housekey_throttle::table
            .filter(housekey_throttle::ends.le(DatabaseNow))
            .order(housekey_throttle::ends)
            .limit(PAGE)
            .select(housekey_throttle::lane);
        let keys: Vec<String> = locked!(conn, old, skip_locked => load)?;
        delete(conn, &keys)
    })
}

/// Of lanes that this transaction has locked.
fn delete(conn: &mut SharedConnection, keys: &[String]) -> QueryResult<usize> {
    on_shared!(SharedConnection, conn, conn => {
        let rows = housekey_throttle::table.filter(housekey_throttle::lane.eq_any(keys));
        diesel::delete(rows).execute(&mut **conn)
    })
}
