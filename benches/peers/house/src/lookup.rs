//! Session and user by one typed, and so prepared, SELECT.

use diesel::{PgConnection, QueryResult};

macro_rules! sessions_with_users {
    () => {
        django_session::table
            .inner_join(
                housekey_session::table
                    .on(housekey_session::session_key.eq(django_session::session_key)),
            )
            .inner_join(auth_user::table.on(auth_user::id.eq(housekey_session::user_id)))
    };
}

/// The columns that housekey reads as well, so that both ask the database for the same.
macro_rules! lookup {
    ($name:ident, $connection:ty, $sql_time:ty, $time:ty, $now:expr) => {
        pub mod $name {
            use chrono::Utc;
            use diesel::prelude::*;

            diesel::table! {
                django_session (session_key) {
                    session_key -> Text,
                    session_data -> Text,
                    expire_date -> $sql_time,
                }
            }
            diesel::table! {
                housekey_session (session_key) {
                    session_key -> Text,
                    user_id -> Integer,
                }
            }
            diesel::table! {
                auth_user (id) {
                    id -> Integer,
                    password -> Text,
                    last_login -> Nullable<$sql_time>,
                    is_superuser -> Bool,
                    username -> Text,
                    first_name -> Text,
                    last_name -> Text,
                    email -> Text,
                    is_staff -> Bool,
                    is_active -> Bool,
                    date_joined -> $sql_time,
                }
            }
            diesel::allow_tables_to_appear_in_same_query!(
                django_session,
                housekey_session,
                auth_user
            );

            #[derive(Queryable)]
            pub struct User {
                pub id: i32,
                pub password: String,
                pub last_login: Option<$time>,
                pub is_superuser: bool,
                pub username: String,
                pub first_name: String,
                pub last_name: String,
                pub email: String,
                pub is_staff: bool,
                pub is_active: bool,
                pub date_joined: $time,
            }

            /// The session's data, and whose it is.
            ///
            /// # Errors
            /// Those of the database.
            pub fn find(conn: &mut $connection, key: &str) -> QueryResult<Option<(String, User)>> {
                sessions_with_users!()
                    .filter(django_session::session_key.eq(key))
                    .filter(django_session::expire_date.gt($now(Utc::now())))
                    .select((django_session::session_data, auth_user::all_columns))
                    .get_result(conn)
                    .optional()
            }
        }
    };
}

lookup!(postgres, PgConnection, Timestamptz, chrono::DateTime<Utc>, std::convert::identity);
lookup!(sqlite, SqliteConnection, Timestamp, chrono::NaiveDateTime, |now: chrono::DateTime<
    Utc,
>| now.naive_utc());

/// Several at once: key, data and user of each that lives. PostgreSQL keeps the plan for sixteen keys and more.
///
/// # Errors
/// Those of the database.
pub fn postgres_find_each(
    conn: &mut PgConnection,
    mut keys: Vec<&str>,
) -> QueryResult<Vec<(String, String, postgres::User)>> {
    use diesel::prelude::*;
    use postgres::{auth_user, django_session, housekey_session};
    if let Some(first) = keys.first().copied() {
        keys.resize(keys.len().max(16), first);
    }
    sessions_with_users!()
        .filter(django_session::session_key.eq_any(keys))
        .filter(django_session::expire_date.gt(chrono::Utc::now()))
        .select((django_session::session_key, django_session::session_data, auth_user::all_columns))
        .load(conn)
}
