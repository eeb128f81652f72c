//! Values on their way from one kind of database to the other.
//!
//! Under way a value is a text as PostgreSQL writes it (times in UTC, bytes in hexadecimal digits, an interval in
//! microseconds). Between two SQLite files it is what SQLite keeps.

mod numbers;
mod times;

use std::borrow::Cow;
use std::net::IpAddr;

use numbers::{
    decimal_of, digits, fifteen_digits, fits_a_float, integer, is_decimal, number, plain_decimal,
    single,
};
use times::{date, instant, time, with_six_digits};

use crate::moving::{Cell, Column, Holds};
use crate::place::DatabaseKind::{self, Postgres, Sqlite};
use crate::signing::hexadecimal;

/// What a column holds on both sides; `None` between two SQLite files, where everything stays as it is.
pub(super) type Carried = Option<Holds>;

/// PostgreSQL's types are strict, so its side decides.
pub(super) fn carried(from: (DatabaseKind, &Column), to: (DatabaseKind, &Column)) -> Carried {
    match (from, to) {
        ((Sqlite, _), (Sqlite, _)) => None,
        // Months are no microseconds, and need not become any here.
        ((Postgres, _), (Postgres, column)) if column.holds == Holds::Interval => {
            Some(Holds::Other)
        }
        ((_, _), (Postgres, column)) | ((Postgres, column), (_, _)) => Some(column.holds),
    }
}

/// The value as it travels, or why it cannot.
pub(super) fn taken(carried: Carried, from: DatabaseKind, cell: Cell) -> Result<Cell, String> {
    match (carried, from, cell) {
        (_, _, Cell::Null) => Ok(Cell::Null),
        (None, _, cell) | (Some(_), Postgres, cell) => Ok(cell),
        (Some(holds), Sqlite, cell) => from_sqlite(holds, &cell).map(Cell::Text),
    }
}

/// The value as the column in TO takes it, or why it does not.
pub(super) fn given(
    carried: Carried,
    to: (DatabaseKind, &Column),
    cell: Cell,
) -> Result<Cell, String> {
    match (carried, to, cell) {
        (_, (_, column), Cell::Null) if !column.is_nullable => Err("no value (NULL)".to_owned()),
        (None, _, cell) | (_, _, cell @ Cell::Null) => Ok(cell),
        (Some(holds), (Sqlite, column), cell) => {
            to_sqlite(holds, column, cell.text().unwrap_or_default())
        }
        (Some(_), (Postgres, column), Cell::Text(text)) => fitting(column, text).map(Cell::Text),
        (Some(_), (Postgres, _), cell) => Ok(cell),
    }
}

/// What two equal values have in common, however their databases write them.
pub(super) fn proof(carried: Carried, text: &str) -> Cow<'_, str> {
    match carried {
        // SQLite keeps no sign of a zero.
        Some(Holds::Double) => {
            text.parse::<f64>().map_or(text.into(), |number| (number + 0.0).to_string().into())
        }
        Some(Holds::Single) => {
            text.parse::<f32>().map_or(text.into(), |number| (number + 0.0).to_string().into())
        }
        Some(Holds::Decimal) => plain_decimal(text),
        Some(Holds::Json) => serde_json::from_str(text)
            .map_or(text.into(), |value| plain_json(value).to_string().into()),
        Some(Holds::Address) => {
            text.parse::<IpAddr>().map_or(text.into(), |address| address.to_string().into())
        }
        _ => text.into(),
    }
}

fn from_sqlite(holds: Holds, cell: &Cell) -> Result<String, String> {
    let shown = |cell: &Cell| match cell {
        Cell::Integer(number) => Ok(number.to_string()),
        Cell::Real(number) => Ok(number.to_string()),
        Cell::Text(text) => Ok(text.clone()),
        Cell::Null | Cell::Blob(_) => Err("bytes that are no text".to_owned()),
    };
    let text = match (holds, cell) {
        (Holds::Bytes, Cell::Blob(bytes)) => return Ok(hexadecimal(bytes)),
        (Holds::Decimal, Cell::Real(number)) => fifteen_digits(*number),
        (Holds::Uuid, Cell::Blob(bytes)) if bytes.len() == 16 => hexadecimal(bytes),
        (_, cell) => shown(cell)?,
    };
    match holds {
        Holds::Bool => match text.as_str() {
            "0" | "false" => Ok("false".to_owned()),
            "1" | "true" => Ok("true".to_owned()),
            _ => Err("neither true nor false".to_owned()),
        },
        Holds::Integer(bytes) => integer(&text, bytes),
        Holds::Interval => integer(&text, 8),
        Holds::Single => single(text),
        Holds::Double => number(text),
        Holds::Decimal if is_decimal(&text) => Ok(text),
        Holds::Decimal => Err("no number".to_owned()),
        Holds::Bytes => Ok(hexadecimal(text.as_bytes())),
        Holds::Instant => instant(&text).map(|time| time + "+00"),
        Holds::Timestamp => instant(&text),
        Holds::Date => date(&text).ok_or_else(|| "no date".to_owned()),
        Holds::Time => time(&text),
        Holds::Uuid => uuid(&text),
        Holds::Json => match serde_json::from_str::<serde::de::IgnoredAny>(&text) {
            Ok(_) => Ok(text),
            Err(_) => Err("no JSON".to_owned()),
        },
        Holds::Address if is_address(&text) => Ok(text),
        Holds::Address => Err("no address".to_owned()),
        Holds::Text | Holds::Other => Ok(text),
    }
}

fn to_sqlite(holds: Holds, column: &Column, text: &str) -> Result<Cell, String> {
    let integer = || text.parse().map(Cell::Integer).map_err(|_| "no whole number".to_owned());
    Ok(match holds {
        Holds::Bool => Cell::Integer((text == "true").into()),
        Holds::Integer(_) => integer()?,
        Holds::Interval => {
            integer().map_err(|_| "months, which are no number of days".to_owned())?
        }
        Holds::Decimal if column.holds != Holds::Text && !fits_a_float(text) => {
            return Err("more digits than SQLite keeps, or no number".to_owned());
        }
        Holds::Date if date(text).is_none() => {
            return Err("a date outside of the years 1 to 9999".to_owned());
        }
        Holds::Single | Holds::Double => match text.parse::<f64>() {
            // SQLite would keep NULL.
            Ok(number) if number.is_nan() => return Err("NaN".to_owned()),
            Ok(_) if holds == Holds::Single => {
                text.parse().map_or(Cell::Null, |number: f32| Cell::Real(number.into()))
            }
            Ok(number) => Cell::Real(number),
            Err(_) => return Err("no number".to_owned()),
        },
        Holds::Bytes => Cell::Blob(bytes(text)?),
        Holds::Instant | Holds::Timestamp => {
            let time = text.trim_end_matches("+00");
            if time.len() < 19 || !time.is_char_boundary(19) || instant(time).is_err() {
                return Err("a time outside of the years 1 to 9999".to_owned());
            }
            Cell::Text(with_six_digits(time))
        }
        Holds::Time => Cell::Text(with_six_digits(&time(text)?)),
        Holds::Uuid if column.holds == Holds::Bytes => Cell::Blob(bytes(&text.replace('-', ""))?),
        Holds::Uuid if column.declared == "char(32)" => Cell::Text(text.replace('-', "")),
        _ => Cell::Text(text.to_owned()),
    })
}

/// PostgreSQL's own complaint would not say in which row.
fn fitting(column: &Column, text: String) -> Result<String, String> {
    if text.contains('\0') {
        return Err("a text with a NUL character".to_owned());
    }
    if let Some(most) = column.length {
        let length = text.chars().count();
        if length > most {
            return Err(format!("{length} characters, and {most} are the most"));
        }
    }
    match (column.holds, digits(&column.declared)) {
        (Holds::Decimal, Some(digits)) => decimal_of(&text, digits).map(|()| text),
        (Holds::Json, _) if column.declared == "jsonb" && text.contains("\\u") => {
            no_broken_letters(&text).map(|()| text)
        }
        _ => Ok(text),
    }
}

/// `1e16` and `10000000000000000` are one number, and `jsonb` sorts the names of an object its own way.
fn plain_json(value: serde_json::Value) -> serde_json::Value {
    use serde_json::Value;
    match value {
        Value::Number(number) if number.is_f64() => match number.as_f64() {
            Some(number) if number.fract() == 0.0 => format!("{:.0}", number + 0.0).into(),
            _ => number.to_string().into(),
        },
        Value::Number(number) => number.to_string().into(),
        Value::String(text) => format!("\"{text}").into(),
        Value::Array(values) => values.into_iter().map(plain_json).collect(),
        Value::Object(object) => {
            let mut pairs: Vec<(String, Value)> =
                object.into_iter().map(|(name, value)| (name, plain_json(value))).collect();
            pairs.sort_by(|one, other| one.0.cmp(&other.0));
            pairs.into_iter().collect()
        }
        other => other,
    }
}

/// What JSON may write and a text of PostgreSQL cannot hold.
fn no_broken_letters(text: &str) -> Result<(), String> {
    match serde_json::from_str::<serde_json::Value>(text) {
        Ok(value) if !has_nul(&value) => Ok(()),
        _ => Err("JSON with a NUL character, or half of a letter".to_owned()),
    }
}

fn has_nul(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => text.contains('\0'),
        Value::Array(values) => values.iter().any(has_nul),
        Value::Object(object) => {
            object.iter().any(|(name, value)| name.contains('\0') || has_nul(value))
        }
        _ => false,
    }
}

/// An IP address, or a network.
fn is_address(text: &str) -> bool {
    let (address, bits) = text.split_once('/').map_or((text, None), |(a, bits)| (a, Some(bits)));
    let most = |address: IpAddr| if address.is_ipv4() { 32 } else { 128 };
    address.parse().is_ok_and(|address| {
        bits.is_none_or(|bits| bits.parse::<u8>().is_ok_and(|bits| bits <= most(address)))
    })
}

fn uuid(text: &str) -> Result<String, String> {
    let digits: String = text.chars().filter(|letter| *letter != '-').collect();
    if digits.len() != 32 || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Err("no UUID".to_owned());
    }
    let digits = digits.to_ascii_lowercase();
    let parts = [0..8, 8..12, 12..16, 16..20, 20..32].map(|part| digits[part].to_owned());
    Ok(parts.join("-"))
}

fn bytes(hexadecimal: &str) -> Result<Vec<u8>, String> {
    let digits = hexadecimal.as_bytes().chunks(2);
    let byte = |pair: &[u8]| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok();
    digits.map(byte).collect::<Option<_>>().ok_or_else(|| "no bytes".to_owned())
}
