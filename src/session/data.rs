//! What a session holds: names and JSON values, in the order they came.
//!
//! Values are kept as the JSON text they were read as, so that what another app wrote (a float's
//! spelling, an integer of 30 digits) is written back to the letter when this app changes something else.

use std::fmt::Write as _;
use std::io;

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::ser::Formatter;
use serde_json::value::RawValue;

/// Python's reader of JSON gives up at about 1,000 levels, and Django's session with it.
const MAX_DEPTH: usize = 128;

/// The content of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    values: IndexMap<String, Box<RawValue>>,
}

impl Data {
    /// Reads a JSON object; anything else is `None`.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok().map(|values| Self { values })
    }

    /// The JSON text as Python's `json.dumps(data, separators=(",", ":"))` spells it: ASCII alone.
    pub(crate) fn to_json(&self) -> String {
        let mut json = String::from("{");
        for (name, value) in &self.values {
            if json.len() > 1 {
                json.push(',');
            }
            push_ascii(&mut json, &serde_json::Value::from(name.as_str()).to_string());
            json.push(':');
            push_ascii(&mut json, value.get());
        }
        json.push('}');
        json
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.values.get(name)?.get()).ok()
    }

    /// Puts a value in its place, or behind the others.
    pub(crate) fn insert(
        &mut self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), serde_json::Error> {
        let raw = python_json(value)?;
        if depth(raw.get()) > MAX_DEPTH {
            return Err(serde::ser::Error::custom("it is nested more than 128 levels deep"));
        }
        self.values.insert(name.to_owned(), raw);
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        self.values.shift_remove(name).is_some()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Takes over one name from another: its value, or that it is gone.
    pub(crate) fn take_over(&mut self, name: &str, from: &Self) {
        match from.values.get(name) {
            Some(value) => {
                self.values.insert(name.to_owned(), value.clone());
            }
            None => {
                self.values.shift_remove(name);
            }
        }
    }
}

fn python_json(value: &impl Serialize) -> Result<Box<RawValue>, serde_json::Error> {
    let mut json = Vec::new();
    value.serialize(&mut serde_json::Serializer::with_formatter(&mut json, PythonNumbers))?;
    RawValue::from_string(String::from_utf8(json).unwrap_or_default())
}

/// How deep the lists and objects of a JSON text are nested.
fn depth(json: &str) -> usize {
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

/// Escapes what is not printable ASCII, as surrogate pairs where it must.
fn push_ascii(json: &mut String, text: &str) {
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
    let scientific = format!("{value:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..16).contains(&exponent) {
        // `{:?}` has the same shortest digits, and ends whole numbers in `.0`.
        let plain = format!("{value}");
        return if plain.contains('.') { plain } else { plain + ".0" };
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn depth_is_counted_outside_of_texts() {
        assert_eq!(depth(r#"{"a[[[":[{"b":"\\\"]}"}]}"#), 3);
        assert!(Data::default().insert("deep", &nested(129)).is_err());
        assert!(Data::default().insert("deep", &nested(128)).is_ok());
    }

    fn nested(levels: usize) -> Box<RawValue> {
        RawValue::from_string("[".repeat(levels) + &"]".repeat(levels)).unwrap()
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
        ];
        for (value, python) in cases {
            assert_eq!(python_float(value), python);
        }
    }
}
