//! The cases that Django 5.2.19 has answered, for tests of what is not public.

use serde_json::Value;

use crate::key::{KeyRing, SecretKey};

pub(crate) fn vectors(section: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(include_str!("../tests/django/vectors.json")).unwrap();
    all[section].as_array().unwrap_or_else(|| panic!("no section {section}")).clone()
}

/// The keys of a case: `key`, then `fallbacks` if it has any.
pub(crate) fn ring(case: &Value) -> KeyRing {
    let key = |text: &Value| SecretKey::dangerously_unchecked(text.as_str().unwrap());
    let fallbacks = case["fallbacks"].as_array().into_iter().flatten().map(key);
    fallbacks.fold(KeyRing::new(key(&case["key"])), KeyRing::with_fallback)
}

pub(crate) fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("no text {field} in {case}"))
}
