//! When a session ends (`get_expiry_age`, `get_expiry_date`, `get_expire_at_browser_close` and
//! `set_expiry` of `django/contrib/sessions/backends/base.py`).

use std::time::Duration;

use chrono::{DateTime, Utc};
use serde_json::Value;

use super::data::Data;
use crate::config::{CookieLifetime, CookieSettings};
use crate::db::Moment;

/// The name under which a session keeps an expiry of its own.
pub(crate) const NAME: &str = "_session_expiry";

/// More than Python's dates can bear is worth nothing to anybody.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 86_400);
const YEAR_1: DateTime<Utc> = DateTime::from_timestamp(-62_135_596_800, 0).unwrap();
const YEAR_9999: DateTime<Utc> = DateTime::from_timestamp(253_402_300_799, 0).unwrap();

/// An expiry that a session has of its own, instead of the settings'.
///
/// ```
/// use housekey::{Expiry, Session};
/// fn remember_me(session: &Session) {
///     session.set_expiry(Expiry::After(std::time::Duration::from_secs(90 * 24 * 3600)));
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// As the settings say: `SESSION_COOKIE_AGE` after each save.
    Settings,
    /// When the browser is closed, and at the latest `SESSION_COOKIE_AGE` after each save.
    AtBrowserClose,
    /// So long after each save: at most 100 years; zero is [`Expiry::AtBrowserClose`], as in Django.
    After(Duration),
    /// At this time, whatever is saved; a time beyond the years 1 to 9999 is brought into them.
    At(DateTime<Utc>),
}

impl Expiry {
    /// What Django's `set_expiry` stores for it; `None` takes the stored value away.
    pub(crate) fn stored(self) -> Option<Value> {
        match self {
            Self::Settings => None,
            Self::AtBrowserClose => Some(Value::from(0)),
            Self::After(span) => {
                let span = span.min(FOREVER);
                let whole = span.subsec_nanos() == 0;
                Some(if whole { span.as_secs().into() } else { span.as_secs_f64().into() })
            }
            Self::At(time) => Some(Value::from(iso_format(in_calendar(time)))),
        }
    }
}

/// The nearest time that all databases and Python know.
pub(crate) fn in_calendar(time: DateTime<Utc>) -> DateTime<Utc> {
    time.clamp(YEAR_1, YEAR_9999)
}

/// When a session with this data ends, for its row and for its cookie.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct End {
    pub(crate) row: Moment,
    /// Seconds for `Max-Age`; `None` lets the cookie end with the browser.
    pub(crate) cookie: Option<i64>,
}

/// Reads the stored expiry. One that cannot be read counts as none: Django answers 500 to it.
pub(crate) fn end(data: &Data, settings: &CookieSettings, now: DateTime<Utc>) -> End {
    let age = settings.age.as_secs_f64();
    let until_close = End { row: Moment::after(age), cookie: None };
    match data.get::<Value>(NAME) {
        Some(Value::Bool(true)) => lasting(1.0),
        Some(Value::Number(number)) => {
            match number.as_f64().filter(|seconds| seconds.is_finite()) {
                Some(seconds) if seconds != 0.0 => lasting(seconds),
                _ => until_close,
            }
        }
        Some(Value::Bool(false)) => until_close,
        Some(Value::String(text)) => match DateTime::parse_from_rfc3339(&text) {
            Ok(time) => End {
                row: Moment::At(time.to_utc()),
                cookie: Some(seconds_until(time.to_utc(), now)),
            },
            Err(_) => by_settings(settings, age),
        },
        _ => by_settings(settings, age),
    }
}

fn by_settings(settings: &CookieSettings, age: f64) -> End {
    let end = lasting(age);
    match settings.lifetime {
        CookieLifetime::Age => end,
        CookieLifetime::UntilBrowserCloses => End { cookie: None, ..end },
    }
}

fn lasting(seconds: f64) -> End {
    #[expect(clippy::cast_possible_truncation, reason = "`as` saturates, which is what is wanted")]
    End { row: Moment::after(seconds), cookie: Some(seconds as i64) }
}

fn seconds_until(time: DateTime<Utc>, now: DateTime<Utc>) -> i64 {
    (time - now).num_microseconds().map_or(i64::MAX, |micros| micros.div_euclid(1_000_000))
}

/// `datetime.isoformat()`, which leaves a fraction of zero away.
fn iso_format(time: DateTime<Utc>) -> String {
    let whole = time.timestamp_subsec_micros() == 0;
    let format = if whole { "%Y-%m-%dT%H:%M:%S+00:00" } else { "%Y-%m-%dT%H:%M:%S%.6f+00:00" };
    time.format(format).to_string()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::config::{CookieSecurity, Saving};
    use crate::vectors::{text, vectors};

    #[test]
    fn sessions_end_when_they_end_for_django() {
        for case in vectors("session_expiry") {
            let browser_close = case["browser_close"] == true;
            let settings = CookieSettings {
                name: "sessionid".to_owned(),
                domain: None,
                age: Duration::from_secs(case["cookie_age"].as_u64().unwrap()),
                security: CookieSecurity::AnyConnection,
                saving: Saving::WhenChanged,
                lifetime: if browser_close {
                    CookieLifetime::UntilBrowserCloses
                } else {
                    CookieLifetime::Age
                },
            };
            let now: DateTime<Utc> = text(&case, "now").parse().unwrap();
            let data = Data::from_json(text(&case, "payload").to_owned()).unwrap();
            let end = end(&data, &settings, now);
            if case["date"] == "error" || case.get("expect").is_some_and(|e| e == "error") {
                continue;
            }
            assert_eq!(end.cookie, case["max_age"].as_i64(), "{case}");
            let theirs: DateTime<Utc> = text(&case, "date").parse().unwrap();
            let ours = match end.row {
                Moment::Now => now,
                Moment::In(seconds) => {
                    #[expect(clippy::cast_possible_truncation, reason = "the cases are small")]
                    let micros = (seconds * 1e6).round() as i64;
                    now + TimeDelta::microseconds(micros)
                }
                Moment::At(time) => time,
            };
            assert_eq!(ours, theirs, "{case}");
        }
    }

    #[test]
    fn an_expiry_is_stored_as_django_stores_it() {
        let stored = |expiry: Expiry| expiry.stored().map(|value| value.to_string());
        let time = |text: &str| Expiry::At(text.parse().unwrap());
        assert_eq!(stored(Expiry::Settings), None);
        assert_eq!(stored(Expiry::AtBrowserClose).unwrap(), "0");
        assert_eq!(stored(Expiry::After(Duration::from_secs(300))).unwrap(), "300");
        assert_eq!(stored(Expiry::After(Duration::from_millis(1500))).unwrap(), "1.5");
        let iso = stored(time("2026-11-22T02:20:03.123456Z")).unwrap();
        assert_eq!(iso, "\"2026-11-22T02:20:03.123456+00:00\"");
        let never = stored(Expiry::After(Duration::MAX)).unwrap();
        assert_eq!(never, (100_u64 * 365 * 86_400).to_string());
        let (first, last) = (DateTime::<Utc>::MIN_UTC, DateTime::<Utc>::MAX_UTC);
        assert_eq!(stored(Expiry::At(first)).unwrap(), "\"0001-01-01T00:00:00+00:00\"");
        assert_eq!(stored(Expiry::At(last)).unwrap(), "\"9999-12-31T23:59:59+00:00\"");
        let iso = stored(time("2026-11-22T02:20:03Z")).unwrap();
        assert_eq!(iso, "\"2026-11-22T02:20:03+00:00\"");
    }
}
