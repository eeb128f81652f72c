//! Rows of `housekey_event`.

use std::time::Duration;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Event, EventFilter, EventInfo};
use crate::db::schema::housekey_event;
use crate::db::{Moment, SharedConnection, SharedPool, on_shared};
use crate::error::{Error, is_denied};
use crate::session::store::PAGE;

macro_rules! insert {
    ($event:expr) => {
        diesel::insert_into(housekey_event::table).values((
            housekey_event::at.eq(Moment::Now),
            housekey_event::kind.eq($event.kind.name()),
            housekey_event::user_id.eq($event.user_id),
            housekey_event::username.eq(&$event.username),
            housekey_event::app.eq(&$event.app),
            housekey_event::address.eq(&$event.address),
            housekey_event::agent.eq(&$event.agent),
            housekey_event::session.eq(&$event.session),
            housekey_event::detail.eq(&$event.detail),
        ))
    };
}

/// Was it written down, or has the app's database role not the right to?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Written {
    Yes,
    NotAllowed,
}

/// Writes down what this transaction does. It goes on without, where the app's role may not.
pub(crate) fn add(conn: &mut SharedConnection, event: &Event) -> QueryResult<Written> {
    let added = match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => insert!(event).execute(&mut **conn),
        // A statement that fails ends the transaction, or what is done since a savepoint.
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            (**conn).transaction(|conn| insert!(event).execute(conn))
        }
    };
    match added {
        Ok(_) => Ok(Written::Yes),
        Err(error) if is_denied(&error) => Ok(Written::NotAllowed),
        Err(error) => Err(error),
    }
}

type Row =
    (i64, DateTime<Utc>, String, Option<i32>, String, String, String, String, String, String);

/// The newest first; of a user also what was written down under other names.
pub(crate) fn find(
    conn: &mut SharedConnection,
    filter: &EventFilter,
    user_id: Option<i32>,
) -> QueryResult<Vec<EventInfo>> {
    let rows: Vec<Row> = on_shared!(SharedConnection, conn, conn => {
        let mut query = housekey_event::table.into_boxed();
        if let Some(name) = &filter.user {
            let by_name = housekey_event::username.eq(name);
            query = query.filter(by_name.nullable().or(housekey_event::user_id.eq(user_id)));
        }
        if let Some(kind) = filter.kind {
            query = query.filter(housekey_event::kind.eq(kind.name()));
        }
        if let Some(within) = filter.within {
            query = query.filter(housekey_event::at.ge(Moment::after(-within.as_secs_f64())));
        }
        if let Some(before) = filter.before {
            query = query.filter(housekey_event::id.lt(before));
        }
        query.order(housekey_event::id.desc()).limit(filter.most.into()).load(&mut **conn)?
    });
    Ok(rows.into_iter().map(info).collect())
}

fn info(row: Row) -> EventInfo {
    let (id, at, kind, user_id, username, app, address, agent, session, detail) = row;
    let known = |text: String| Some(text).filter(|text| !text.is_empty());
    EventInfo {
        id,
        at,
        kind,
        user_id: user_id.map(i64::from),
        username: known(username),
        app,
        address: address.parse().ok(),
        agent: known(agent),
        session: known(session),
        detail: known(detail),
    }
}

/// Deletes a batch of those that are older, and says how many there were.
pub(crate) fn forget_older(shared: &SharedPool, than: Duration) -> Result<usize, Error> {
    let old = Moment::after(-than.as_secs_f64());
    let ids: Vec<i64> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            housekey_event::table
                .filter(housekey_event::at.lt(old))
                .order(housekey_event::at)
                .limit(PAGE)
                .select(housekey_event::id)
                .load(&mut **conn)
        })
    })?;
    if ids.is_empty() {
        return Ok(0);
    }
    shared.transact(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            diesel::delete(housekey_event::table.filter(housekey_event::id.eq_any(&ids)))
                .execute(&mut **conn)
        })
    })
}
