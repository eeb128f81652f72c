//! What a session holds: names and JSON values, in the order they came.
//!
//! Values are kept as the JSON text they were read as, so that what another app wrote (a float's
//! spelling, an integer of 30 digits) is written back to the letter when this app changes something else.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use serde::Serialize;
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use crate::json::{depth, push_ascii, to_json, without_python_words};

/// Python's reader of JSON gives up at about 1,000 levels, and Django's session with it.
const MAX_DEPTH: usize = 128;

/// Up to so many names are compared with each other.
const FEW: usize = 16;

/// The content of a session. What was read once is shared by all who only read it.
#[derive(Debug, Clone, Default)]
pub(crate) struct Data(Option<Arc<Object>>);

#[derive(Debug, Clone, Default)]
struct Object {
    /// The JSON object that was read: every request reads one, and few change it.
    text: String,
    entries: Vec<Entry>,
}

static EMPTY: Object = Object { text: String::new(), entries: Vec::new() };

#[derive(Debug, Clone)]
struct Entry {
    name: Part,
    /// A JSON text, with the words in it that only Python knows.
    value: Part,
}

#[derive(Debug, Clone)]
enum Part {
    /// Where it stands in the text that was read.
    Read(Range<usize>),
    Own(Box<str>),
}

impl Part {
    fn of<'a>(&'a self, text: &'a str) -> &'a str {
        match self {
            Self::Read(range) => &text[range.clone()],
            Self::Own(own) => own,
        }
    }
}

impl Data {
    /// Reads a JSON object; anything else is `None`.
    pub(crate) fn from_json(text: String) -> Option<Self> {
        // Where a value stands in the plain text, it stands in the other.
        let plain = without_python_words(&text);
        let mut reader = serde_json::Deserializer::from_str(&plain);
        let entries = Entries { plain: &plain }.deserialize(&mut reader).ok()?;
        reader.end().ok()?;
        let is_there =
            |part: &Part| !matches!(part, Part::Read(range) if text.get(range.clone()).is_none());
        if !entries.iter().all(|entry| is_there(&entry.name) && is_there(&entry.value)) {
            return None;
        }
        let mut object = Object { text, entries };
        object.keep_the_last_of_a_name();
        Some(Self(Some(Arc::new(object))))
    }

    fn object(&self) -> &Object {
        self.0.as_deref().unwrap_or(&EMPTY)
    }

    fn object_mut(&mut self) -> &mut Object {
        Arc::make_mut(self.0.get_or_insert_default())
    }

    /// The JSON text as Python's `json.dumps(data, separators=(",", ":"))` spells it: ASCII alone.
    pub(crate) fn to_json(&self) -> String {
        let Object { text, entries } = self.object();
        let mut json = String::from("{");
        for Entry { name, value } in entries {
            if json.len() > 1 {
                json.push(',');
            }
            let name = serde_json::Value::from(name.of(text)).to_string();
            push_ascii(&mut json, &name);
            json.push(':');
            push_ascii(&mut json, value.of(text));
        }
        json.push('}');
        json
    }

    pub(crate) fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        serde_json::from_str(self.object().json_of(name)?).ok()
    }

    /// A value that is a text.
    pub(crate) fn text(&self, name: &str) -> Option<Cow<'_, str>> {
        let json = self.object().json_of(name)?;
        let inner = json.strip_prefix('"').and_then(|json| json.strip_suffix('"'));
        match inner.filter(|inner| !inner.contains('\\')) {
            Some(inner) => Some(inner.into()),
            None => serde_json::from_str::<String>(json).ok().map(Cow::Owned),
        }
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
        self.object_mut().put(name, json.into());
        Ok(())
    }

    pub(crate) fn remove(&mut self, name: &str) -> bool {
        let place = self.object().place(name);
        place.map(|place| self.object_mut().entries.remove(place)).is_some()
    }

    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let Object { text, entries } = self.object();
        entries.iter().map(|entry| entry.name.of(text))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.object().entries.is_empty()
    }

    /// Takes over one name from another: its value, or that it is gone.
    pub(crate) fn take_over(&mut self, name: &str, from: &Self) {
        match from.object().json_of(name) {
            Some(value) => self.object_mut().put(name, value.into()),
            None => drop(self.remove(name)),
        }
    }
}

impl Object {
    /// As Python does with a name that comes twice: it stays in its place, with the value that came last.
    fn keep_the_last_of_a_name(&mut self) {
        let name = |place: usize| self.entries[place].name.of(&self.text);
        let differs = |place: usize| !(0..place).any(|before| name(before) == name(place));
        if self.entries.len() <= FEW && (1..self.entries.len()).all(differs) {
            return;
        }
        let mut first = HashMap::new();
        let mut places: Vec<usize> = Vec::new();
        for place in 0..self.entries.len() {
            let at = *first.entry(name(place)).or_insert(places.len());
            match places.get_mut(at) {
                Some(last) => *last = place,
                None => places.push(place),
            }
        }
        if places.len() < self.entries.len() {
            self.entries = places.into_iter().map(|place| self.entries[place].clone()).collect();
        }
    }

    fn json_of(&self, name: &str) -> Option<&str> {
        Some(self.entries[self.place(name)?].value.of(&self.text))
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.entries.iter().position(|entry| entry.name.of(&self.text) == name)
    }

    fn put(&mut self, name: &str, json: Box<str>) {
        let value = Part::Own(json);
        match self.place(name) {
            Some(place) => self.entries[place].value = value,
            None => self.entries.push(Entry { name: Part::Own(name.into()), value }),
        }
    }
}

/// Reads an object into the places of its names and values.
struct Entries<'a> {
    plain: &'a str,
}

impl Entries<'_> {
    fn part(&self, text: &str) -> Part {
        let start = text.as_ptr() as usize - self.plain.as_ptr() as usize;
        Part::Read(start..start + text.len())
    }
}

impl<'a> DeserializeSeed<'a> for Entries<'a> {
    type Value = Vec<Entry>;

    fn deserialize<D: Deserializer<'a>>(self, reader: D) -> Result<Vec<Entry>, D::Error> {
        reader.deserialize_map(self)
    }
}

impl<'a> Visitor<'a> for Entries<'a> {
    type Value = Vec<Entry>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'a>>(self, mut object: M) -> Result<Vec<Entry>, M::Error> {
        // What a login writes finds place at once.
        let mut entries = Vec::with_capacity(4);
        while let Some((Name(name), raw)) = object.next_entry::<Name<'_>, &RawValue>()? {
            let name = match name {
                Cow::Borrowed(name) => self.part(name),
                Cow::Owned(name) => Part::Own(name.into()),
            };
            entries.push(Entry { name, value: self.part(raw.get()) });
        }
        Ok(entries)
    }
}

/// Borrowed where it has no escapes; serde borrows no plain `Cow`.
#[derive(serde::Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_python_would_not_read_is_not_stored() {
        assert!(Data::default().insert("deep", &nested(129)).is_err());
        assert!(Data::default().insert("deep", &nested(128)).is_ok());
    }

    /// `json.loads('{"a":1,"b":2,"a":3}')` is `{'a': 3, 'b': 2}`, and so it is written again.
    #[test]
    fn of_a_name_that_comes_twice_the_last_value_stands_in_the_first_place() {
        let many = (0..100).map(|n| format!(r#""n{n}":{n},"#)).collect::<Vec<_>>().concat();
        for more in ["", many.as_str()] {
            let json = format!(r#"{{{more}"a":1,"b":2,"\u0061":3}}"#);
            let data = Data::from_json(json).unwrap();
            assert_eq!(data.to_json(), format!(r#"{{{more}"a":3,"b":2}}"#));
            assert_eq!(data.get("a"), Some(3));
        }
    }

    #[test]
    fn a_text_is_read_with_its_escapes() {
        let data = Data::from_json(r#"{"plain":"a b","quote":"\"\u00e9\\","n":1}"#.to_owned());
        let data = data.unwrap();
        assert_eq!(data.text("plain").as_deref(), Some("a b"));
        assert_eq!(data.text("quote").as_deref(), Some("\"é\\"));
        assert_eq!((data.text("n"), data.text("nobody")), (None, None));
    }

    #[test]
    fn what_another_app_wrote_goes_back_to_the_letter() {
        let json = r#"{"n":[NaN,1e-07,-Infinity],"i":123456789012345678901234567890,"s":"\ud800"}"#;
        let mut data = Data::from_json(json.to_owned()).unwrap();
        assert_eq!(data.to_json(), json);
        data.insert("ours", &1.0).unwrap();
        assert_eq!(data.to_json(), json.replacen('}', r#","ours":1.0}"#, 1));
        assert_eq!(data.get::<Vec<f64>>("n"), None);
    }

    fn nested(levels: usize) -> Box<RawValue> {
        RawValue::from_string("[".repeat(levels) + &"]".repeat(levels)).unwrap()
    }
}
