//! What a session holds: names and JSON values, in the order they came.
//!
//! Values are kept as the JSON text they were read as, so that what another app wrote (a float's
//! spelling, an integer of 30 digits) is written back to the letter when this app changes something else.

use std::fmt;

use indexmap::IndexMap;
use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{depth, push_ascii, to_json, without_python_words};

/// Python's reader of JSON gives up at about 1,000 levels, and Django's session with it.
const MAX_DEPTH: usize = 128;

/// The content of a session.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data {
    /// JSON texts, with the words in them that only Python knows.
    values: IndexMap<String, Box<str>>,
}

impl Data {
    /// Reads a JSON object; anything else is `None`.
    pub(crate) fn from_json(text: &str) -> Option<Self> {
        // Where a value stands in the plain text, it stands in the other.
        let plain = without_python_words(text);
        let mut reader = serde_json::Deserializer::from_str(&plain);
        let data = Values { plain: &plain, text }.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        Some(data)
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
            push_ascii(&mut json, value);
        }
        json.push('}');
        json
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.values.get(name)?).ok()
    }

    /// Puts a value in its place, or behind the others.
    pub(crate) fn insert(
        &mut self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), serde_json::Error> {
        let json = to_json(value)?;
        if depth(&json) > MAX_DEPTH {
            return Err(serde::ser::Error::custom("it is nested more than 128 levels deep"));
        }
        self.values.insert(name.to_owned(), json.into());
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

/// Reads an object into its names and the texts of its values.
struct Values<'a> {
    plain: &'a str,
    text: &'a str,
}

impl<'a> DeserializeSeed<'a> for Values<'a> {
    type Value = Data;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Data, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Values<'a> {
    type Value = Data;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut object: M) -> Result<Data, M::Error> {
        // What a login writes finds place at once.
        let mut values = IndexMap::with_capacity(6);
        while let Some((name, raw)) = object.next_entry::<String, &RawValue>()? {
            let start = raw.get().as_ptr() as usize - self.plain.as_ptr() as usize;
            let value = self.text.get(start..start + raw.get().len());
            let value = value.ok_or_else(|| serde::de::Error::custom("it is not the same text"))?;
            values.insert(name, value.into());
        }
        Ok(Data { values })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_would_not_read_is_not_stored() {
        assert!(Data::default().insert("deep", &nested(129)).is_err());
        assert!(Data::default().insert("deep", &nested(128)).is_ok());
    }

    #[test]
    fn what_another_app_wrote_goes_back_to_the_letter() {
        let json = r#"{"n":[NaN,1e-07,-Infinity],"i":123456789012345678901234567890,"s":"\ud800"}"#;
        let mut data = Data::from_json(json).unwrap();
        assert_eq!(data.to_json(), json);
        data.insert("ours", &1.0).unwrap();
        assert_eq!(data.to_json(), json.replacen('}', r#","ours":1.0}"#, 1));
        assert_eq!(data.get::<Vec<f64>>("n"), None);
    }

    fn nested(levels: usize) -> Box<RawValue> {
        RawValue::from_string("[".repeat(levels) + &"]".repeat(levels)).unwrap()
    }
}
