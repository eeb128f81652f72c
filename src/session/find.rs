//! A session's row as a request wants it: with its user, by one query.

#[cfg(feature = "postgres")]
use std::collections::HashMap;

use diesel::prelude::*;

use super::key::SessionKey;
use crate::db::schema::{auth_user, django_session, housekey_session};
use crate::db::{DatabaseNow, InAMinute, SharedConnection, on_shared};
use crate::user::store::UserRow;

/// Sessions beside the users they are known to belong to.
macro_rules! with_user {
    () => {
        django_session::table
            .left_join(
                housekey_session::table
                    .on(housekey_session::session_key.eq(django_session::session_key)),
            )
            .left_join(
                auth_user::table
                    .on(auth_user::id.nullable().eq(housekey_session::user_id.nullable())),
            )
    };
}

/// A session's row, with the user it is known to belong to.
#[derive(Clone)]
pub(crate) struct Row {
    pub(crate) data: String,
    /// By the clock of the database.
    pub(crate) alive: bool,
    /// Will it live for another minute, if nobody ends it?
    pub(crate) lasts: bool,
    /// `None` for a session of nobody, and for one that Django has made and no app has adopted.
    pub(crate) user: Option<UserRow>,
}

impl Row {
    pub(crate) fn user_id(&self) -> Option<i32> {
        self.user.as_ref().map(|user| user.id)
    }
}

/// The session and its user, by one query; without a `LIMIT`, for which SQLite would plan it anew each time.
pub(crate) fn find(conn: &mut SharedConnection, key: &SessionKey) -> QueryResult<Option<Row>> {
    type Found = (String, bool, bool, Option<UserRow>);
    let found: Option<Found> = on_shared!(SharedConnection, conn, conn => {
        with_user!()
            .filter(django_session::session_key.eq(key.expose_secret()))
            .select((
                django_session::session_data,
                django_session::expire_date.gt(DatabaseNow),
                django_session::expire_date.gt(InAMinute),
                Option::<UserRow>::as_select(),
            ))
            .get_result(&mut **conn)
            .optional()?
    });
    Ok(found.map(|(data, alive, lasts, user)| Row { data, alive, lasts, user }))
}

/// PostgreSQL keeps a plan that it takes for no dearer than one for these very keys. It is made for ten, so for fewer keys
/// it would plan each time, at four times the cost of the query: they are filled up by one of them, which is looked up once.
#[cfg(feature = "postgres")]
const PLANNED_ONCE: usize = 16;

/// Several sessions with their users, in the order of the keys.
pub(crate) fn find_each(
    conn: &mut SharedConnection,
    keys: &[SessionKey],
) -> QueryResult<Vec<Option<Row>>> {
    match conn {
        // A statement for so many keys would be prepared each time.
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(_) => keys.iter().map(|key| find(conn, key)).collect(),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            let mut wanted: Vec<&str> = keys.iter().map(SessionKey::expose_secret).collect();
            if let Some(first) = wanted.first() {
                wanted.resize(wanted.len().max(PLANNED_ONCE), first);
            }
            let found: Vec<(String, String, bool, bool, Option<UserRow>)> = with_user!()
                .filter(django_session::session_key.eq_any(wanted))
                .select((
                    django_session::session_key,
                    django_session::session_data,
                    django_session::expire_date.gt(DatabaseNow),
                    django_session::expire_date.gt(InAMinute),
                    Option::<UserRow>::as_select(),
                ))
                .load(&mut **conn)?;
            let mut first = HashMap::with_capacity(keys.len());
            let mut firsts = Vec::with_capacity(keys.len());
            for (place, key) in keys.iter().enumerate() {
                firsts.push(*first.entry(key.expose_secret()).or_insert(place));
            }
            let mut rows: Vec<Option<Row>> = vec![None; keys.len()];
            for (key, data, alive, lasts, user) in found {
                if let Some(place) = first.get(&*key) {
                    rows[*place] = Some(Row { data, alive, lasts, user });
                }
            }
            for (place, first) in firsts.into_iter().enumerate() {
                // Requests of one visitor wait together.
                if first < place {
                    let row = rows[first].clone();
                    rows[place] = row;
                }
            }
            Ok(rows)
        }
    }
}
