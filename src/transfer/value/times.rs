//! Times as PostgreSQL writes them, and as Django writes them into SQLite.

use chrono::{DateTime, Datelike as _, NaiveDate, NaiveDateTime, NaiveTime, Timelike as _};

/// From so many nanoseconds on a second is one of those that are put in, and no database keeps it.
const LEAP: u32 = 1_000_000_000;

/// A time in UTC as PostgreSQL writes it, without its zone.
pub(super) fn instant(text: &str) -> Result<String, String> {
    if is_plain(text) {
        return Ok(if text.len() == 19 { text.to_owned() } else { short(text) });
    }
    let forms = ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%d %H:%M"];
    let naive = forms.iter().find_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let zoned = || {
        let forms = ["%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%dT%H:%M:%S%.f%#z"];
        let time = forms.iter().find_map(|form| DateTime::parse_from_str(text, form).ok());
        time.map(|time| time.naive_utc())
    };
    let time = naive.or_else(zoned).ok_or("no time")?;
    if time.nanosecond() >= LEAP {
        return Err("no time".to_owned());
    }
    let text = time.format("%Y-%m-%d %H:%M:%S%.6f").to_string();
    if (1..=9999).contains(&time.year()) {
        Ok(short(&text))
    } else {
        Err("a year of no calendar".to_owned())
    }
}

/// Nearly all times look so: `2026-11-22 04:18:00`, or with a fraction of at most six digits.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let Some((whole, fraction)) = bytes.split_at_checked(19) else { return false };
    let number = |from: usize, to: usize| -> Option<u32> {
        let digits = &whole[from..to];
        digits.iter().try_fold(0, |sum, digit| {
            digit.is_ascii_digit().then(|| sum * 10 + u32::from(digit - b'0'))
        })
    };
    let marks = [(4, b'-'), (7, b'-'), (10, b' '), (13, b':'), (16, b':')];
    let date = || {
        let year = number(0, 4).filter(|year| *year > 0)?.try_into().ok()?;
        NaiveDate::from_ymd_opt(year, number(5, 7)?, number(8, 10)?)
    };
    let time = || NaiveTime::from_hms_opt(number(11, 13)?, number(14, 16)?, number(17, 19)?);
    let is_fraction = match fraction {
        [] => true,
        [b'.', digits @ ..] => {
            (1..=6).contains(&digits.len()) && digits.iter().all(u8::is_ascii_digit)
        }
        _ => false,
    };
    is_fraction
        && marks.iter().all(|(place, mark)| whole[*place] == *mark)
        && date().is_some()
        && time().is_some()
}

pub(super) fn date(text: &str) -> Option<String> {
    let date = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    (1..=9999).contains(&date.year()).then(|| date.format("%Y-%m-%d").to_string())
}

pub(super) fn time(text: &str) -> Result<String, String> {
    let forms = ["%H:%M:%S%.f", "%H:%M"];
    let time = forms.iter().find_map(|form| NaiveTime::parse_from_str(text, form).ok());
    let time = time.filter(|time| time.nanosecond() < LEAP).ok_or("no time of a day")?;
    Ok(short(&time.format("%H:%M:%S%.6f").to_string()))
}

/// Without the zeros at the end of the fraction, which it must have.
fn short(time: &str) -> String {
    time.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// Six digits, or none: as Django writes times into SQLite.
pub(super) fn with_six_digits(time: &str) -> String {
    match time.split_once('.') {
        Some((whole, fraction)) => format!("{whole}.{fraction:0<6}"),
        None => time.to_owned(),
    }
}
