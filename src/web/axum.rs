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
//! The session is looked up when the first extractor asks for it, on a thread for blocking work, and saved
//! after the handler. A response that depends on it says `Vary: Cookie`; one that shows something of a
//! user, or sets the cookie, says `Cache-Control: private, no-store`.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts, Request};
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, COOKIE, LOCATION, RETRY_AFTER, SET_COOKIE, VARY};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::{Front, Outcome, Visit};
use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;
use crate::session::Session;
use crate::user::User;

/// Gives every request its session; goes around all routes that use an extractor of this crate.
///
/// ```no_run
/// # use axum::{Router, routing::get};
/// # use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, axum::HousekeyLayer};
/// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
/// let app: Router = Router::new().layer(HousekeyLayer::new(&house));
/// # Ok::<(), housekey::Error>(())
/// ```
#[derive(Clone)]
pub struct HousekeyLayer {
    front: Front,
}

impl HousekeyLayer {
    /// A layer for the apps of this house.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
    /// let layer = housekey::axum::HousekeyLayer::new(house);
    /// # }
    /// ```
    #[must_use]
    pub fn new<L: HouseConnection>(house: &Housekey<L>) -> Self {
        Self { front: Front::of(house) }
    }
}

impl std::fmt::Debug for HousekeyLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HousekeyLayer")
    }
}

impl<S> Layer<S> for HousekeyLayer {
    type Service = HousekeyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HousekeyService { inner, front: self.front.clone() }
    }
}

/// What [`HousekeyLayer`] makes of a service.
///
/// ```
/// fn is_a_service<S: Clone>(service: &housekey::axum::HousekeyService<S>) -> housekey::axum::HousekeyService<S> {
///     service.clone()
/// }
/// ```
#[derive(Clone)]
pub struct HousekeyService<S> {
    inner: S,
    front: Front,
}

impl<S> std::fmt::Debug for HousekeyService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HousekeyService")
    }
}

impl<S> Service<Request> for HousekeyService<S>
where
    S: Service<Request, Error = Infallible> + Clone + Send + 'static,
    S::Response: IntoResponse,
    S::Future: Send,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request) -> Self::Future {
        let cookies = request.headers().get_all(COOKIE).iter().map(HeaderValue::as_bytes);
        let visit = Arc::new(Visit::new(self.front.clone(), cookies));
        let asked = Asked { visit: Arc::clone(&visit), uri: request.uri().clone() };
        request.extensions_mut().insert(asked);
        // The clone has not been made ready; the original has, and is the one to be called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let response = inner.call(request).await?.into_response();
            Ok(finish(&visit, response).await)
        })
    }
}

/// What a request carries to the extractors.
#[derive(Clone)]
struct Asked {
    visit: Arc<Visit>,
    /// Routers that are nested take their prefix off the request's; the visitor is sent back to the whole.
    uri: Uri,
}

async fn finish(visit: &Visit, mut response: Response) -> Response {
    match visit.commit(response.status().as_u16()).await {
        Ok(None) => {}
        Ok(Some(outcome)) => mark(response.headers_mut(), &outcome),
        // The handler's answer speaks of changes that were not saved.
        Err(error) => {
            response = error.into_response();
            if let Some(outcome) = visit.after_failure() {
                mark(response.headers_mut(), &outcome);
            }
        }
    }
    response
}

fn mark(headers: &mut HeaderMap, outcome: &Outcome) {
    headers.append(VARY, HeaderValue::from_static("Cookie"));
    let has_cookie = outcome.set_cookie.is_some();
    if has_cookie || (outcome.private && !headers.contains_key(CACHE_CONTROL)) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    let cookie = outcome.set_cookie.as_deref().and_then(|text| HeaderValue::from_str(text).ok());
    if let Some(mut cookie) = cookie {
        cookie.set_sensitive(true);
        headers.append(SET_COOKIE, cookie);
    }
}

/// The visitor's session. Never refuses a visitor: an unknown cookie is an empty session.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        asked(parts)?.visit.session().await
    }
}

/// Someone is signed in; others get 401, or are sent to `LOGIN_URL` when there is one.
impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let asked = asked(parts).map_err(IntoResponse::into_response)?;
        let session = asked.visit.session().await.map_err(IntoResponse::into_response)?;
        session.user().ok_or_else(|| must_sign_in(asked))
    }
}

/// Whoever is signed in, if someone is.
impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        Ok(asked(parts)?.visit.session().await?.user())
    }
}

fn asked(parts: &Parts) -> Result<&Asked, Error> {
    parts.extensions.get::<Asked>().ok_or_else(|| {
        Error::config(
            "HousekeyLayer",
            "is not around this route; add .layer(HousekeyLayer::new(&house))",
        )
    })
}

fn must_sign_in(asked: &Asked) -> Response {
    let here = asked.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let location = asked.visit.login_url().and_then(|url| {
        let joint = if url.contains('?') { '&' } else { '?' };
        HeaderValue::from_str(&format!("{url}{joint}next={}", quote(here))).ok()
    });
    match location {
        Some(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        None => (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response(),
    }
}

/// A path with its query as the value of `next`: what Django's `quote` leaves alone stays.
fn quote(path: &str) -> String {
    path.bytes().fold(String::with_capacity(path.len()), |quoted, byte| match byte {
        b'/' | b'-' | b'_' | b'.' | b'~' => quoted + char::from(byte).encode_utf8(&mut [0; 4]),
        _ if byte.is_ascii_alphanumeric() => quoted + char::from(byte).encode_utf8(&mut [0; 4]),
        _ => quoted + &format!("%{byte:02X}"),
    })
}

/// 503 with `Retry-After` when waiting may help; 400 when the session ended meanwhile or cannot hold a
/// value, or a user cannot be made or changed so; 500 otherwise. The text says nothing of what went wrong inside; the log does.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::SessionGone
            | Self::SessionValue { .. }
            | Self::User { .. }
            | Self::UsernameTaken { .. } => {
                return (StatusCode::BAD_REQUEST, format!("{self}\n")).into_response();
            }
            _ => {}
        }
        let cause = std::error::Error::source(&self).map(ToString::to_string);
        tracing::error!(error = %self, cause, "a request could not be answered");
        if self.is_temporary() {
            let wait = [(RETRY_AFTER, HeaderValue::from_static("2"))];
            let text = "The house does not answer at the moment. Please try again.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, wait, text).into_response();
        }
        (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.\n").into_response()
    }
}
