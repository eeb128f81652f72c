//! How long ago something was. Where the visitor's clock stands is not known, so nearby times are told as distances.

use chrono::{DateTime, TimeDelta, Utc};

use super::texts::Texts;

/// "3 minutes ago"; a day of the calendar when it is long ago.
pub(super) fn ago(t: &Texts, now: &DateTime<Utc>, then: &DateTime<Utc>) -> String {
    let distance = *now - *then;
    if distance < TimeDelta::minutes(1) {
        t.just_now.to_owned()
    } else if distance < TimeDelta::hours(1) {
        (t.minutes_ago)(distance.num_minutes())
    } else if distance < TimeDelta::days(1) {
        (t.hours_ago)(distance.num_hours())
    } else if distance < TimeDelta::days(14) {
        (t.days_ago)(distance.num_days())
    } else {
        day(t, then)
    }
}

pub(super) fn day(t: &Texts, then: &DateTime<Utc>) -> String {
    then.format(t.date_format).to_string()
}

/// As an attribute `datetime` of HTML wants it.
pub(super) fn exact(then: &DateTime<Utc>) -> String {
    then.format("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// For who wants to know it exactly.
pub(super) fn utc(then: &DateTime<Utc>) -> String {
    then.format("%Y-%m-%d %H:%M UTC").to_string()
}
