//! JSON as Python's `json` module writes and reads it: what Django signs and stores.

use std::fmt::Write as _;
use std::io;

use serde::Serialize;
use serde_json::ser::Formatter;

/// The JSON of a value, spelled as `json.dumps(value, separators=(",", ":"))` does: ASCII alone.
pub(crate) fn to_json(value: &(impl Serialize + ?Sized)) -> Result<String, serde_json::Error> {
    let mut json = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, PythonNumbers))?;
    let mut ascii = String::with_capacity(json.len());
    push_ascii(&mut ascii, &String::from_utf8(json).unwrap_or_default());
    Ok(ascii)
}

/// Escapes what is not printable ASCII, as surrogate pairs where it must.
pub(crate) fn push_ascii(json: &mut String, text: &str) {
    for letter in text.chars() {
        if letter < '\u{7f}' {
            json.push(letter);
        } else {
            let mut units = [0; 2];
            for unit in letter.encode_utf16(&mut units) {
                let _ = write!(json, "\\u{unit:04x}");
            }
        }
    }
}

/// Django decodes latin-1; what it writes is ASCII, which is that and UTF-8.
pub(crate) fn from_latin1(json: Vec<u8>) -> String {
    match String::from_utf8(json) {
        Ok(text) if text.is_ascii() => text,
        Ok(text) => text.bytes().map(char::from).collect(),
        Err(other) => other.into_bytes().into_iter().map(char::from).collect(),
    }
}

/// Puts numbers of the same length in the place of `NaN`, `Infinity` and `-Infinity`, which Python writes
/// and no other JSON knows; so a place in the answer is the same place in the text.
pub(crate) fn without_python_words(json: &str) -> std::borrow::Cow<'_, str> {
    const WORDS: [(&str, &str); 2] = [("NaN", "100"), ("Infinity", "10000000")];
    let begins_one = |at: usize| {
        WORDS.iter().any(|(word, _)| json.as_bytes()[at..].starts_with(word.as_bytes()))
    };
    if !memchr::memchr2_iter(b'N', b'I', json.as_bytes()).any(begins_one) {
        return json.into();
    }
    let mut plain = String::with_capacity(json.len());
    let mut rest = json;
    let (mut in_text, mut escaped) = (false, false);
    while let Some(letter) = rest.chars().next() {
        let is_word = |(word, _): &&(&str, &str)| {
            let before =
                plain.chars().next_back().filter(|before| word.starts_with('N') || *before != '-');
            let after = rest.strip_prefix(word).map(|after| after.chars().next());
            !in_text && !joins(before) && after.is_some_and(|after| !joins(after))
        };
        let word = WORDS.iter().find(is_word);
        let (taken, written) = match word {
            Some((word, number)) => (word.len(), *number),
            None => (letter.len_utf8(), &rest[..letter.len_utf8()]),
        };
        match letter {
            _ if escaped => escaped = false,
            '\\' if in_text => escaped = true,
            '"' => in_text = !in_text,
            _ => {}
        }
        plain.push_str(written);
        rest = &rest[taken..];
    }
    plain.into()
}

/// Would this letter make another word of the one it stands beside?
fn joins(letter: Option<char>) -> bool {
    letter.is_some_and(|letter| letter.is_alphanumeric() || "+-._".contains(letter))
}

/// How deep the lists and objects of a JSON text are nested.
pub(crate) fn depth(json: &str) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in json.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            b'[' | b'{' if !in_text => depth += 1,
            b']' | b'}' if !in_text => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
    }
    deepest
}

/// Floats as Python's `repr` spells them: `1.0`, `1e-07`, `1e+16`.
struct PythonNumbers;

impl Formatter for PythonNumbers {
    fn write_f64<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f64) -> io::Result<()> {
        writer.write_all(python_float(value).as_bytes())
    }

    fn write_f32<W: ?Sized + io::Write>(&mut self, writer: &mut W, value: f32) -> io::Result<()> {
        self.write_f64(writer, f64::from(value))
    }
}

fn python_float(value: f64) -> String {
    // Of two shortest spellings the standard library takes the upper one where Python takes the even one,
    // as the formatter of `serde_json` does.
    let text = serde_json::Value::from(value.abs()).to_string();
    let (mantissa, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    let leading = digits.len() - digits.trim_start_matches('0').len();
    let digits = digits.trim_matches('0');
    // Where the point stands: behind so many of the digits.
    let shift = exponent.parse::<i32>().unwrap_or_default();
    let point =
        shift + i32::try_from(whole.len()).unwrap_or(0) - i32::try_from(leading).unwrap_or(0);
    let sign = if value.is_sign_negative() { "-" } else { "" };
    if digits.is_empty() {
        return format!("{sign}0.0");
    }
    if (-3..=16).contains(&point) {
        return format!("{sign}{}", plain(digits, point));
    }
    let (first, rest) = digits.split_at(1);
    let dot = if rest.is_empty() { "" } else { "." };
    let way = if point < 1 { '-' } else { '+' };
    format!("{sign}{first}{dot}{rest}e{way}{:02}", (point - 1).unsigned_abs())
}

fn plain(digits: &str, point: i32) -> String {
    let Ok(point) = usize::try_from(point) else {
        return format!("0.{}{digits}", "0".repeat(usize::try_from(-point).unwrap_or_default()));
    };
    match digits.split_at_checked(point) {
        Some(("", fraction)) => format!("0.{fraction}"),
        Some((whole, "")) => format!("{whole}.0"),
        Some((whole, fraction)) => format!("{whole}.{fraction}"),
        None => format!("{digits}{}.0", "0".repeat(point - digits.len())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        assert_eq!(depth(r#"{"a[[[":[{"b":"\\\"]}"}]}"#), 3);
    }

    #[test]
    fn words_that_only_python_knows_are_numbers_outside_of_texts() {
        let json = r#"{"NaN":[NaN,"a\"NaN",-Infinity,Infinity],"ü":"Infinity\\"}"#;
        let plain = r#"{"NaN":[100,"a\"NaN",-10000000,10000000],"ü":"Infinity\\"}"#;
        assert_eq!(without_python_words(json), plain);
        for text in ["[-NaN]", "[1NaN]", "[NaNNaN]", "[NaN1]", "[.Infinity]", "[InfinityInfinity]"]
        {
            assert_eq!(without_python_words(text), text, "no word of Python's");
        }
    }

    /// The right side is what Python 3.11 prints for `repr` of the left one.
    #[test]
    fn floats_are_spelled_as_python_spells_them() {
        let cases = [
            (1.0, "1.0"),
            (-0.0, "-0.0"),
            (0.1, "0.1"),
            (1e16, "1e+16"),
            (1e15, "1000000000000000.0"),
            (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1.5e300, "1.5e+300"),
            (5e-324, "5e-324"),
            (0.720_113_257_735_944, "0.720113257735944"),
            (-(4_128_715_136_202_429.0 / 4.0), "-1032178784050607.2"),
            (9_999_999_999_999_998.0, "9999999999999998.0"),
            (100.0, "100.0"),
            (0.001, "0.001"),
            (f64::MAX, "1.7976931348623157e+308"),
        ];
        for (value, python) in cases {
            assert_eq!(python_float(value), python);
        }
    }
}
