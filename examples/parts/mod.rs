//! What the apps of the examples have in common: the folder of their house, its users, and how the pages look.

pub(crate) mod folder;
pub(crate) mod page;
pub(crate) mod people;
pub(crate) mod terminal;
