//! Numbers that both databases keep, to the last digit.

use std::borrow::Cow;

/// Digits that SQLite keeps of a number that is not whole.
const FLOAT_DIGITS: usize = 15;

pub(super) fn integer(text: &str, bytes: u8) -> Result<String, String> {
    let number: i64 = text.parse().map_err(|_| "no whole number".to_owned())?;
    let fits = match bytes {
        2 => i16::try_from(number).is_ok(),
        4 => i32::try_from(number).is_ok(),
        _ => true,
    };
    if fits { Ok(number.to_string()) } else { Err(format!("a number of more than {bytes} bytes")) }
}

pub(super) fn number(text: String) -> Result<String, String> {
    match text.parse::<f64>() {
        Ok(number) if number.is_infinite() && number > 0.0 => Ok("Infinity".to_owned()),
        Ok(number) if number.is_infinite() => Ok("-Infinity".to_owned()),
        Ok(_) => Ok(text),
        Err(_) => Err("no number".to_owned()),
    }
}

/// A number that keeps its size in four bytes.
pub(super) fn single(text: String) -> Result<String, String> {
    let text = number(text)?;
    match (text.parse::<f64>(), text.parse::<f32>()) {
        (Ok(all), Ok(part)) if all.is_finite() != part.is_finite() => {
            Err("a number of more than 4 bytes".to_owned())
        }
        (Ok(all), Ok(part)) if (all == 0.0) != (part == 0.0) => {
            Err("a number of more than 4 bytes".to_owned())
        }
        _ => Ok(text),
    }
}

pub(super) fn is_decimal(text: &str) -> bool {
    let digits = text.trim_start_matches(['+', '-']);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let all_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    !digits.is_empty() && digits != "." && all_digits(whole) && all_digits(fraction)
}

/// How many digits a `numeric(10,2)` has, and how many of them behind the point.
pub(super) fn digits(declared: &str) -> Option<(usize, usize)> {
    let inner = declared.strip_prefix("numeric(")?.strip_suffix(')')?;
    let (all, behind) = inner.split_once(',')?;
    Some((all.parse().ok()?, behind.parse().ok()?))
}

/// A number whose digits all have their place. PostgreSQL would round.
pub(super) fn decimal_of(text: &str, (all, most): (usize, usize)) -> Result<(), String> {
    let plain = plain_decimal(text);
    let plain = plain.trim_start_matches(['-', '0']);
    let (whole, behind) = plain.split_once('.').unwrap_or((plain, ""));
    if behind.len() > most {
        return Err(format!("more than {most} digits behind the point"));
    }
    if whole.len() > all.saturating_sub(most) && text != "NaN" {
        return Err(format!("more than {} digits before the point", all.saturating_sub(most)));
    }
    Ok(())
}

/// What arithmetic has left behind the fifteenth digit is not there for Django either.
pub(super) fn fifteen_digits(number: f64) -> String {
    let rounded = format!("{number:.*e}", FLOAT_DIGITS - 1);
    rounded.parse().map_or(rounded, |number: f64| number.to_string())
}

/// Does SQLite keep all digits of a number?
pub(super) fn fits_a_float(text: &str) -> bool {
    let plain = plain_decimal(text);
    let digits = plain.bytes().filter(u8::is_ascii_digit).skip_while(|digit| *digit == b'0');
    let digits: Vec<u8> = digits.collect();
    let zeros = digits.iter().rev().take_while(|digit| **digit == b'0').count();
    let is_number = text.parse::<f64>().is_ok_and(f64::is_finite);
    is_number && (digits.len() - zeros <= FLOAT_DIGITS || text.parse::<i64>().is_ok())
}

/// `12.30` and `12.3` are one number.
pub(super) fn plain_decimal(text: &str) -> Cow<'_, str> {
    let sign_less = text.strip_prefix('+').unwrap_or(text);
    let plain = match sign_less.split_once('.') {
        Some(_) => sign_less.trim_end_matches('0').trim_end_matches('.'),
        None => sign_less,
    };
    match plain {
        "-0" | "" => "0".into(),
        plain => plain.into(),
    }
}
