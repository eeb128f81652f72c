//! actix-web 4: one middleware, and extractors.
//!
//! ```no_run
//! use actix_web::{App, HttpServer, web};
//! use diesel::SqliteConnection;
//! use housekey::{Config, Housekey, User, actix::HousekeyMiddleware};
//!
//! async fn home(user: Option<User>) -> String {
//!     user.map_or("Hello!".to_owned(), |user| format!("Hello, {}!", user.username))
//! }
//!
//! async fn private(user: User) -> String {
//!     format!("For {} alone", user.username)
//! }
//!
//! #[actix_web::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let house = Housekey::<SqliteConnection>::open(Config::from_env()?.login_url("/login"))?;
//!     let housekey = HousekeyMiddleware::new(&house);
//!     let app = move || {
//!         App::new()
//!             .route("/", web::get().to(home))
//!             .route("/private", web::get().to(private))
//!             .wrap(housekey.clone())
//!     };
//!     HttpServer::new(app).bind("127.0.0.1:8001")?.run().await?;
//!     Ok(())
//! }
//! ```
//!
//! The words are those of the feature `axum`, and so is what happens: the session is looked up when the
//! first extractor asks for it, without holding up others, and saved after the handler; requests that change
//! something are held to Django's CSRF rules; pages are told to browsers as safe by default.
//!
//! actix-web makes a `None` of every extractor that fails. When the shared database does not answer, the visitor
//! of a handler with `Option<User>` is no stranger: whatever the handler answers then, the middleware answers 503.

mod extract;
mod middleware;
#[cfg(feature = "pages")]
mod pages;
mod profile;
mod required;
mod view;

pub use super::{AuthSession, CsrfToken, Fresh, Next, RequirePermission, RequireStaff, SeeOther};
pub use middleware::{HousekeyMiddleware, HousekeyService};
#[cfg(feature = "pages")]
pub use pages::pages;
pub use profile::profile;
pub use required::{
    RequiredMiddleware, RequiredService, login_required, permission_required, staff_member_required,
};
