//! axum 0.8: one layer, and extractors.
//!
//! ```no_run
//! use axum::{Router, routing::get};
//! use diesel::SqliteConnection;
//! use housekey::{Config, Housekey, User, axum::HousekeyLayer};
//!
//! async fn home(user: Option<User>) -> String {
//!     user.map_or("Hello!".to_owned(), |user| format!("Hello, {}!", user.username))
//! }
//!
//! async fn private(user: User) -> String {
//!     format!("For {} alone", user.username)
//! }
//!
//! let house = Housekey::<SqliteConnection>::open(Config::from_env()?.login_url("/login"))?;
//! let app: Router = Router::new()
//!     .route("/", get(home))
//!     .route("/private", get(private))
//!     .layer(HousekeyLayer::new(&house));
//! # Ok::<(), housekey::Error>(())
//! ```
//!
//! The session is looked up when the first extractor asks for it, without holding up others, and saved
//! after the handler. A response that depends on it says `Vary: Cookie`; one that shows something of a
//! user, or sets the cookie, says `Cache-Control: private, no-store`.
//!
//! Requests that change something are held to Django's CSRF rules: every form of your pages holds a
//! [`CsrfToken`], and what another site sends in a visitor's name is answered with 403. The cookie
//! (`csrftoken`), the form field (`csrfmiddlewaretoken`) and the header (`X-CSRFToken`) are Django's.

mod extract;
mod layer;
#[cfg(feature = "pages")]
mod pages;
mod profile;
mod required;
mod response;
mod view;

pub use super::{AuthSession, CsrfToken, Fresh, Next, RequirePermission, RequireStaff, SeeOther};
pub use layer::{HousekeyLayer, HousekeyService};
#[cfg(feature = "pages")]
pub use pages::pages;
pub use profile::profile;
pub use required::{
    RequiredLayer, RequiredService, login_required, permission_required, staff_member_required,
};
pub use response::ResponseFuture;
