//! What the house knows of its apps and its keys: the tables `housekey_app`, `housekey_key` and
//! `housekey_adoption`.
//!
//! An app tells what it is when it opens the house. That is how it can be known, before a new key signs, that
//! every app verifies it. Keys are known by their fingerprints alone.

pub(crate) mod apps;
pub(crate) mod keys;
mod order;
mod profile;

pub use apps::{Instance, Seen};
pub use keys::{HouseKey, KeyState};
pub use profile::{CookieProfile, Profile};

#[cfg(feature = "moving")]
pub(crate) use order::has_key_of;
pub(crate) use order::{admit, is_known, note, promote, retirable, retire, stage, staged};
