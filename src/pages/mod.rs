//! Ready-made pages: to sign in and out, to change the password, to see where one is signed in, and for staff the users
//! and groups of the house.
//!
//! ```no_run
//! # #[cfg(feature = "axum")]
//! # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
//! use axum::Router;
//! use housekey::axum::{HousekeyLayer, pages};
//! use housekey::pages::Pages;
//!
//! let app: Router = Router::new()
//!     .merge(pages(Pages::at("/account"))) // with Config::login_url("/account/login")
//!     .layer(HousekeyLayer::new(house));
//! # }
//! ```
//!
//! | below `/account` | for whom | what |
//! |---|---|---|
//! | `/` | users | where to go from here |
//! | `/login`, `/logout` | everyone | sign in and out; a safe `next` says where to go then |
//! | `/password` | users | another password |
//! | `/sessions` | users | where one is signed in; ends one session, or all others |
//! | `/reset/UID/TOKEN` | who has the link | a first or another password, by [`Housekey::reset_link`] or the desk |
//! | `/users`, `/groups` | staff, by the permissions of Django's admin (`auth.view_user` ...) | the desk |
//! | `/style.css` | everyone | how the pages look |
//!
//! They need no scripts and nothing from elsewhere, are in English and German by `Accept-Language`, and light and dark by
//! the visitor's settings. Each looks after its own visitors, so that of an app which is closed by `login_required`
//! `.except("/account/")` leaves them in charge.
//!
//! Each page is a struct of what it shows, and a function that makes HTML of it: an app can give its own route and use
//! [`SignIn::to_html`] there, or have another template for one of them ([`Pages::with_template`]).
//!
//! [`Housekey::reset_link`]: crate::Housekey::reset_link

mod account;
mod desk;
mod device;
mod frame;
mod language;
mod message;
mod plain;
mod settings;
mod style;
mod texts;
mod when;

pub use account::{
    Account, App, ChangePassword, SessionRow, Sessions, SetPassword, SignIn, SignOut,
};
pub use desk::{
    Choice, EditGroup, EditUser, GroupRow, Groups, NewUser, Note, PasswordLink, UserRow, Users,
};
pub use frame::Frame;
pub use language::Language;
pub use message::{Message, Tone};
pub(crate) use plain::is_web;
pub use settings::{Pages, View};
pub(crate) use style::VERSION as STYLE_VERSION;
pub use style::stylesheet;
