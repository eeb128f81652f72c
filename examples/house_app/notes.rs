//! The app's own table, through the routed connection.

use diesel::prelude::*;
use housekey::{Error, HouseConnection, RoutedConnection};

diesel::table! {
    note (id) {
        id -> BigInt,
        user_id -> BigInt,
        text -> Text,
    }
}

/// The app's own table, on each kind of database that it may live in. An app that knows its database
/// writes `Housekey<SqliteConnection>` everywhere, and needs no such trait.
pub(crate) trait Notes: HouseConnection {
    const CREATE_TABLE: &str;

    fn notes(conn: &mut RoutedConnection<Self>, user_id: i64) -> Result<Vec<String>, Error>;
    fn add_note(conn: &mut RoutedConnection<Self>, user_id: i64, text: &str) -> Result<(), Error>;
}

macro_rules! keeps_notes {
    ($connection:ty, $create_table:literal) => {
        impl Notes for $connection {
            const CREATE_TABLE: &str = $create_table;

            fn notes(
                conn: &mut RoutedConnection<Self>,
                user_id: i64,
            ) -> Result<Vec<String>, Error> {
                let own = note::table.filter(note::user_id.eq(user_id));
                Ok(own.order(note::id).select(note::text).load(conn)?)
            }

            fn add_note(
                conn: &mut RoutedConnection<Self>,
                user_id: i64,
                text: &str,
            ) -> Result<(), Error> {
                let values = (note::user_id.eq(user_id), note::text.eq(text));
                diesel::insert_into(note::table).values(values).execute(conn)?;
                Ok(())
            }
        }
    };
}

#[cfg(feature = "sqlite")]
keeps_notes!(
    SqliteConnection,
    "CREATE TABLE IF NOT EXISTS note (
        id INTEGER PRIMARY KEY, user_id BIGINT NOT NULL, text TEXT NOT NULL
    )"
);

// The lock, because PostgreSQL fails when two create the same table at the same time.
#[cfg(feature = "postgres")]
keeps_notes!(
    PgConnection,
    "SELECT pg_advisory_xact_lock(hashtext('house_app note'));
     CREATE TABLE IF NOT EXISTS note (
        id BIGSERIAL PRIMARY KEY, user_id BIGINT NOT NULL, text TEXT NOT NULL
    )"
);
