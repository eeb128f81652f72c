#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("housekey needs a database: enable the feature `sqlite` or `postgres`");

// From the ground up: a module uses only those above it (tests/it/layers.rs).
mod place;
mod clock;
pub mod key;
pub mod error;
mod json;
pub mod signing;
pub mod password;
mod python;
pub mod next;
#[cfg(feature = "axum")]
mod csrf;
pub mod username;
mod reset;
mod permission;
mod url;
mod config;
mod db;
mod user;
mod session;
mod auth;
mod check;
#[cfg(feature = "axum")]
mod bridge;
mod rounds;
mod house;
mod caretaker;
mod sessions;
mod related;
#[cfg(feature = "axum")]
mod web;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod fuzz;

pub use auth::Why;
pub use caretaker::{Caretaker, plan};
pub use check::Warning;
pub use clock::Clock;
pub use config::Config;
pub use db::{DjangoTime, HouseConnection, PoolStats, Pooled, RoutedConnection, Stats, schema};
pub use error::Error;
pub use house::{Housekey, migrate};
pub use key::{Fingerprint, KeyRing, SecretKey};
pub use permission::ModelPermissions;
pub use place::{DatabaseKind, Place};
pub use related::{Referenced, References};
pub use session::{Expiry, Rejected, Session, SessionInfo, SessionKey, Status};
pub use user::{Active, Grant, Permissions, ResetLink, User};
#[cfg(feature = "axum")]
pub use web::axum;
