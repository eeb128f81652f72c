#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("housekey needs a database: enable the feature `sqlite` or `postgres`");

// From the ground up: a module uses only those above it (tests/it/layers.rs).
mod auth;
#[cfg(feature = "axum")]
mod bridge;
mod check;
mod clock;
mod config;
mod db;
pub mod error;
mod house;
pub mod key;
pub mod password;
mod place;
mod session;
pub mod signing;
mod url;
mod user;
#[cfg(feature = "axum")]
mod web;

pub use clock::Clock;
pub use config::Config;
pub use db::{DjangoTime, HouseConnection, Pooled, RoutedConnection, schema};
pub use error::Error;
pub use house::{Housekey, migrate};
pub use key::{Fingerprint, KeyRing, SecretKey};
pub use place::{DatabaseKind, Place};
pub use session::{Expiry, Rejected, Session, SessionKey, Status};
pub use user::{Permissions, User};
#[cfg(feature = "axum")]
pub use web::axum;
