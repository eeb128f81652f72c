//! Moving in: what reads and writes tables that are known only at run time.

pub(crate) mod catalog;
pub(crate) mod database;
pub(crate) mod row;

pub(crate) use catalog::{Catalog, Column, Holds, Reference, Table, listed, literal, quoted};
pub(crate) use database::Database;
pub(crate) use row::{Cell, Row};
