//! Rows of `housekey_setting`: what the apps of the house have agreed on.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::schema::housekey_setting;
use super::{Moment, SharedConnection, on_shared};

pub(crate) struct Setting {
    pub(crate) value: String,
    /// The app that set it.
    pub(crate) app: String,
    pub(crate) since: DateTime<Utc>,
}

pub(crate) fn find(conn: &mut SharedConnection, name: &str) -> QueryResult<Option<Setting>> {
    type Row = (String, String, DateTime<Utc>);
    let row: Option<Row> = on_shared!(SharedConnection, conn, conn => {
        housekey_setting::table
            .find(name)
            .select((housekey_setting::value, housekey_setting::app, housekey_setting::since))
            .first(&mut **conn)
            .optional()?
    });
    Ok(row.map(|(value, app, since)| Setting { value, app, since }))
}

/// Makes the setting, or puts a new value in the place of the old one.
pub(crate) fn set(
    conn: &mut SharedConnection,
    name: &str,
    value: &str,
    app: &str,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let row = (
            housekey_setting::value.eq(value),
            housekey_setting::app.eq(app),
            housekey_setting::since.eq(Moment::Now),
        );
        let known = housekey_setting::table.find(name);
        if diesel::update(known).set(row).execute(&mut **conn)? == 0 {
            diesel::insert_into(housekey_setting::table)
                .values((housekey_setting::name.eq(name), row))
                .execute(&mut **conn)?;
        }
        Ok(())
    })
}
