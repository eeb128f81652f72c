//! Points in time as Django writes them on `SQLite`, which has no type for them.

use std::sync::LazyLock;

use chrono::format::{self, Item, Parsed, StrftimeItems};
use chrono::{DateTime, NaiveDateTime, Utc};

/// What Django reads on SQLite: blank or `T`, a fraction or none, `Z` or an offset or none, which is UTC.
pub(crate) fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let zoned = || {
        DateTime::parse_from_rfc3339(text)
            .or_else(|_| DateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f%:z"))
            .map(|time| time.to_utc())
    };
    let with_t =
        || NaiveDateTime::parse_from_str(text, "%Y-%m-%dT%H:%M:%S%.f").map(|time| time.and_utc());
    // Most are as Django writes them.
    as_written(text).or_else(|| zoned().or_else(|_| with_t()).ok())
}

fn as_written(text: &str) -> Option<DateTime<Utc>> {
    // Each user that is looked up has two times: the words for them are read once.
    static FORMAT: LazyLock<Vec<Item<'static>>> =
        LazyLock::new(|| StrftimeItems::new("%Y-%m-%d %H:%M:%S%.f").collect());
    let mut parsed = Parsed::new();
    format::parse(&mut parsed, text, FORMAT.iter()).ok()?;
    parsed.to_naive_datetime_with_offset(0).ok().map(|time| time.and_utc())
}
