#![doc = include_str!("../README.md")]
#![forbid(unsafe_code)]

#[cfg(not(any(feature = "sqlite", feature = "postgres")))]
compile_error!("housekey needs a database: enable the feature `sqlite` or `postgres`");

// From the ground up: a module uses only those above it (tests/it/layers.rs).
mod place;
mod clock;
pub mod key;
mod python;
pub mod password;
pub mod error;
mod breaker;
mod rounds;
mod json;
pub mod signing;
pub mod next;
#[cfg(feature = "_web")]
mod csrf;
mod hosts;
#[cfg(feature = "_web")]
mod proxy;
pub mod username;
mod reset;
mod permission;
mod url;
mod config;
mod db;
mod user;
mod session;
mod changes;
mod lookup;
mod throttle;
mod events;
mod gate;
mod registry;
mod auth;
mod check;
#[cfg(feature = "_async")]
mod bridge;
mod house;
mod caretaker;
mod sessions;
mod desk;
mod related;
#[cfg(feature = "moving")]
mod moving;
#[cfg(feature = "moving")]
pub mod transfer;
#[cfg(feature = "moving")]
pub mod adoption;
#[cfg(feature = "pages")]
pub mod pages;
#[cfg(feature = "_web")]
mod web;
#[cfg(feature = "_stores")]
pub mod stores;
#[cfg(test)]
mod vectors;
#[cfg(test)]
mod fuzz;
#[cfg(test)]
mod micro;
// The code of this page is compiled with the tests.
#[cfg(all(doctest, feature = "actix", feature = "axum", feature = "sqlite"))]
#[doc = include_str!("../docs/from-axum-login-and-actix-identity.md")]
mod coming_from_elsewhere {}
#[cfg(all(doctest, feature = "axum", feature = "pages", feature = "sqlite"))]
#[doc = include_str!("../docs/pages.md")]
mod pages_of_ones_own {}

#[cfg(feature = "moving")]
pub use adoption::{Adoption, AdoptionPlan, AdoptionReport, AdoptionUndone};
pub use auth::Why;
pub use caretaker::{Caretaker, SignOut, applied, plan};
pub use check::{Checkup, Finding, Level, check, check_against};
pub use clock::Clock;
pub use config::Config;
pub use db::{
    AppliedStep, DjangoTime, HouseConnection, PoolStats, Pooled, Role, RoutedConnection, Stats,
    grants, schema,
};
pub use desk::{Desk, GroupFile, GroupInfo, Rights, UserDetails, UserFile, UserPage, UserSearch};
pub use error::{Denied, Error, MoveError};
pub use events::{EventFilter, EventInfo, EventKind};
pub use house::{Housekey, migrate};
pub use key::{Fingerprint, KeyRing, SecretKey};
pub use permission::ModelPermissions;
pub use place::{DatabaseKind, Place};
pub use registry::{CookieProfile, HouseKey, Instance, KeyState, Profile, Seen};
pub use related::{Referenced, References};
pub use session::{Expiry, Rejected, Session, SessionInfo, SessionKey, Status};
#[cfg(feature = "moving")]
pub use transfer::{Transfer, TransferReport};
pub use user::{Active, Grant, Granted, Group, Permissions, ResetLink, User};
#[cfg(feature = "_web")]
pub use web::PermissionName;
#[cfg(feature = "actix")]
pub use web::actix;
#[cfg(feature = "axum")]
pub use web::axum;
