//! The app's own table. It is in no list of shared tables, so it lives in the app's local database.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::Error;

use crate::House;

diesel::table! {
    entry (id) {
        id -> Integer,
        user_id -> BigInt,
        text -> Text,
    }
}

/// `user_id` refers to a user of the shared database, which no foreign key can reach.
pub(crate) fn create_table(house: &House) -> Result<(), Error> {
    house.local()?.batch_execute(
        "CREATE TABLE IF NOT EXISTS entry (
            id INTEGER PRIMARY KEY,
            user_id BIGINT NOT NULL,
            text TEXT NOT NULL
        );
        CREATE INDEX IF NOT EXISTS entry_user_id ON entry (user_id)",
    )?;
    Ok(())
}

/// The newest first.
pub(crate) fn of_user(house: &House, user_id: i64) -> Result<Vec<String>, Error> {
    let texts = entry::table
        .filter(entry::user_id.eq(user_id))
        .order(entry::id.desc())
        .select(entry::text)
        .load(&mut house.conn())?;
    Ok(texts)
}

pub(crate) fn add(house: &House, user_id: i64, text: &str) -> Result<(), Error> {
    diesel::insert_into(entry::table)
        .values((entry::user_id.eq(user_id), entry::text.eq(text)))
        .execute(&mut house.conn())?;
    Ok(())
}
