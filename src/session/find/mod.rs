//! A session's row as a request wants it: with its user, by one query.

#[cfg(feature = "postgres")]
mod postgres;

use std::sync::{Arc, OnceLock};

use diesel::prelude::*;

use super::SessionKey;
use super::data::Data;
use super::diary::{Noted, Seen};
use crate::db::schema::{auth_user, django_session, housekey_session};
use crate::db::{DatabaseNow, InAMinute, SharedConnection, on_shared};
use crate::user::User;
use crate::user::store::UserRow;

/// A session that is asked for, and whose it is thought to be.
#[derive(Clone, Copy)]
pub(crate) struct Wanted<'a> {
    pub(crate) key: &'a SessionKey,
    pub(crate) owner: Option<i32>,
}

/// A session's row, with the user it is thought to belong to.
pub(crate) struct Row {
    pub(crate) data: Arc<str>,
    /// By the clock of the database.
    pub(crate) alive: bool,
    /// Will it live for another minute, if nobody ends it?
    pub(crate) lasts: bool,
    /// `None` for a session of nobody, and for one that Django has made and no app has adopted.
    pub(crate) user: Option<Arc<UserRow>>,
    /// What is found out when a row that is kept is verified first.
    pub(crate) verified: OnceLock<Verified>,
}

/// A login whose signature and stamp are right.
pub(crate) struct Verified {
    pub(crate) data: Data,
    pub(crate) seen: Seen,
    /// The places in the ring of the keys of the signature and of the stamp.
    pub(crate) keys: [usize; 2],
    pub(crate) user: Arc<User>,
    pub(crate) noted: Noted,
}

impl Row {
    pub(crate) fn user_id(&self) -> Option<i32> {
        self.user.as_ref().map(|user| user.id)
    }
}

/// The session and its user, by one query; without a `LIMIT`, for which SQLite would plan it anew each time.
pub(crate) fn find(conn: &mut SharedConnection, wanted: Wanted<'_>) -> QueryResult<Option<Row>> {
    type Found = (String, bool, bool, Option<UserRow>);
    macro_rules! row_of {
        ($conn:expr, $sessions:expr) => {
            $sessions
                .filter(django_session::session_key.eq(wanted.key.expose_secret()))
                .select((
                    django_session::session_data,
                    django_session::expire_date.gt(DatabaseNow),
                    django_session::expire_date.gt(InAMinute),
                    Option::<UserRow>::as_select(),
                ))
                .get_result(&mut **$conn)
                .optional()?
        };
    }
    let sessions = django_session::table;
    let found: Option<Found> = on_shared!(SharedConnection, conn, conn => {
        if let Some(owner) = wanted.owner {
            row_of!(conn, sessions.left_join(auth_user::table.on(auth_user::id.eq(owner))))
        } else {
            let with_owner = sessions.left_join(
                housekey_session::table
                    .on(housekey_session::session_key.eq(django_session::session_key)),
            );
            let user_id = housekey_session::user_id.nullable();
            row_of!(
                conn,
                with_owner.left_join(auth_user::table.on(auth_user::id.nullable().eq(user_id)))
            )
        }
    });
    Ok(found.map(|(data, alive, lasts, user)| Row {
        data: data.into(),
        alive,
        lasts,
        user: user.map(Arc::new),
        verified: OnceLock::new(),
    }))
}

/// Several sessions with their users, in the order of the keys.
pub(crate) fn find_each(
    conn: &mut SharedConnection,
    wanted: &[Wanted<'_>],
) -> QueryResult<Vec<Option<Row>>> {
    match conn {
        // A statement for so many keys would be prepared each time.
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(_) => wanted.iter().map(|wanted| find(conn, *wanted)).collect(),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => postgres::find_each(conn, wanted),
    }
}
