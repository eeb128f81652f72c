//! Sessions of other crates: rows of `django_session` as all others, whose data holds one name, and under it what the
//! other crate keeps: names and texts.
//!
//! ```text
//! {"_tower_sessions": {"cart": "[1,2]", "axum-login.data": "{\"user_id\":7}"}}
//! ```
//!
//! So a session of the house is none of theirs, and theirs is nobody's login, whatever names an app chooses. Values are
//! texts within the text: they come back to the letter, and are no deeper than their crate has made them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{OF_OTHER_CRATES, SessionKey};
#[cfg(feature = "actix-session")]
use crate::db::Moment;
use crate::db::schema::django_session;
use crate::db::{DatabaseNow, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;

/// Names, and the JSON text of each value.
pub(crate) type Values = HashMap<String, String>;

/// Whose session it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Keeper {
    #[cfg(feature = "_tower_sessions")]
    TowerSessions,
    #[cfg(feature = "actix-session")]
    ActixSession,
}

impl Keeper {
    /// The name in the row's data.
    pub(crate) fn name(self) -> &'static str {
        match self {
            #[cfg(feature = "_tower_sessions")]
            Self::TowerSessions => OF_OTHER_CRATES[0],
            #[cfg(feature = "actix-session")]
            Self::ActixSession => OF_OTHER_CRATES[1],
        }
    }
}

/// What such a session holds, and when it ends.
#[derive(Debug)]
pub(crate) struct Record {
    pub(crate) values: Values,
    #[cfg_attr(
        not(feature = "_tower_sessions"),
        expect(dead_code, reason = "actix-session does not ask")
    )]
    pub(crate) end: DateTime<Utc>,
}

/// A living row under one of the keys that were looked for.
pub(crate) struct Row {
    pub(crate) key: SessionKey,
    /// The place of that key.
    pub(crate) place: usize,
    pub(crate) data: String,
    pub(crate) end: DateTime<Utc>,
}

type Found = (String, String, DateTime<Utc>);

fn first_of(keys: &[SessionKey], found: Vec<Found>) -> Option<Row> {
    let rows = found.into_iter().filter_map(|(key, data, end)| {
        let place = keys.iter().position(|wanted| wanted.expose_secret() == key)?;
        Some(Row { key: SessionKey::from_row(key), place, data, end })
    });
    rows.min_by_key(|row| row.place)
}

fn texts(keys: &[SessionKey]) -> Vec<&str> {
    keys.iter().map(SessionKey::expose_secret).collect()
}

macro_rules! living {
    ($keys:expr) => {
        django_session::table
            .filter(django_session::session_key.eq_any(texts($keys)))
            .filter(django_session::expire_date.gt(DatabaseNow))
            .select((
                django_session::session_key,
                django_session::session_data,
                django_session::expire_date,
            ))
    };
}

/// The living session under the first of these keys that has one.
pub(crate) fn find(shared: &SharedPool, keys: &[SessionKey]) -> Result<Option<Row>, Error> {
    let found: Vec<Found> = shared
        .run(|conn| on_shared!(SharedConnection, conn, conn => living!(keys).load(&mut **conn)))?;
    Ok(first_of(keys, found))
}

/// The same, and nobody else changes it before this transaction ends.
pub(crate) fn find_locked(
    conn: &mut SharedConnection,
    keys: &[SessionKey],
) -> QueryResult<Option<Row>> {
    let found: Vec<Found> = locked!(conn, living!(keys) => load)?;
    Ok(first_of(keys, found))
}

/// Is there a row under one of these keys, living or not?
pub(crate) fn is_any(conn: &mut SharedConnection, keys: &[SessionKey]) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let rows = django_session::table.filter(django_session::session_key.eq_any(texts(keys)));
        diesel::select(diesel::dsl::exists(rows)).get_result(&mut **conn)
    })
}

/// Gives the row another end, if it still holds this data.
#[cfg(feature = "actix-session")]
pub(crate) fn prolong(conn: &mut SharedConnection, row: &Row, end: Moment) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let same = django_session::table
            .find(row.key.expose_secret())
            .filter(django_session::session_data.eq(&row.data))
            .filter(django_session::expire_date.gt(DatabaseNow));
        diesel::update(same)
            .set(django_session::expire_date.eq(end))
            .execute(&mut **conn)
            .map(drop)
    })
}

/// Puts the row under another key, signed anew, if it still holds this data.
pub(crate) fn relocate(
    conn: &mut SharedConnection,
    row: &Row,
    key: &SessionKey,
    text: &str,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let same = django_session::table
            .find(row.key.expose_secret())
            .filter(django_session::session_data.eq(&row.data));
        diesel::update(same)
            .set((
                django_session::session_key.eq(key.expose_secret()),
                django_session::session_data.eq(text),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}
