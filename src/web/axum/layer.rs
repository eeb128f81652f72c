use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use ::axum::extract::{ConnectInfo, OriginalUri};
use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, COOKIE, SET_COOKIE, USER_AGENT, VARY};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Uri};
use tower_layer::Layer;
use tower_service::Service;

use super::form;
use super::refusal::forbidden;
use crate::csrf::{Attempt, Failure, Scheme};
use crate::db::HouseConnection;
use crate::house::Housekey;
use crate::session::header;
use crate::session::visitor::Visitor;
use crate::web::{Front, Outcome, Visit};

/// Gives every request its session, and guards what changes something by Django's CSRF rules; goes around
/// all routes that use an extractor of this crate.
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
    front: Arc<Front>,
    csrf: Csrf,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Csrf {
    Guarded,
    Exempt,
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
        Self { front: Arc::new(Front::of(house)), csrf: Csrf::Guarded }
    }

    /// Takes the CSRF guard away from the routes inside (Django's `csrf_exempt`): for those that believe
    /// something else than a cookie, like a signed webhook.
    ///
    /// ```no_run
    /// # use axum::{Router, routing::post};
    /// # use housekey::axum::HousekeyLayer;
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, pages: Router, hooks: Router) {
    /// let app: Router = pages
    ///     .layer(HousekeyLayer::new(house))
    ///     .merge(hooks.layer(HousekeyLayer::new(house).csrf_exempt()));
    /// # }
    /// ```
    #[must_use]
    pub fn csrf_exempt(mut self) -> Self {
        self.csrf = Csrf::Exempt;
        self
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
        HousekeyService { inner, front: Arc::clone(&self.front), csrf: self.csrf }
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
    front: Arc<Front>,
    csrf: Csrf,
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
        let front = Arc::clone(&self.front);
        let visit = Arc::new(Visit::new(front, cookie_lines(request.headers())));
        let original = request.extensions().get::<OriginalUri>().map(|OriginalUri(uri)| uri);
        let uri = original.unwrap_or(request.uri()).clone();
        let asked = Asked { visit: Arc::clone(&visit), uri };
        request.extensions_mut().insert(asked);
        let guarded = self.csrf == Csrf::Guarded;
        // The clone has not been made ready; the original has, and is the one to be called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            if guarded {
                request = match admit(&visit, request).await {
                    Ok(request) => request,
                    Err(failure) => return Ok(forbidden(&visit.front, &failure)),
                };
            }
            let response = inner.call(request).await?.into_response();
            Ok(finish(&visit, response).await)
        })
    }
}

/// What a request carries to the extractors.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) visit: Arc<Visit>,
    /// Routers that are nested take their prefix off the request's; the visitor is sent back to the whole.
    pub(super) uri: Uri,
}

/// First what costs nothing: where the request comes from. Then its token, which a form has in its body.
async fn admit(visit: &Visit, request: Request) -> Result<Request, Failure> {
    let attempt = visit.front.attempt(&request);
    if attempt.is_harmless() {
        return Ok(request);
    }
    if let Err(failure) =
        visit.front.csrf.check_source(&attempt).and_then(|()| attempt.check_cookie())
    {
        form::drain(request.into_body()).await;
        return Err(failure);
    }
    let (request, token) = form::csrf_token(request).await;
    let attempt = Attempt { form: token.as_deref(), ..visit.front.attempt(&request) };
    if let Err(failure) = attempt.check_token() {
        form::drain(request.into_body()).await;
        return Err(failure);
    }
    Ok(request)
}

pub(super) fn cookie_lines(headers: &HeaderMap) -> impl Iterator<Item = &[u8]> {
    headers.get_all(COOKIE).iter().map(HeaderValue::as_bytes)
}

async fn finish(visit: &Visit, mut response: Response) -> Response {
    match visit.commit(response.status().as_u16()).await {
        Ok(outcome) => mark(response.headers_mut(), &outcome),
        // The handler's answer speaks of changes that were not saved.
        Err(error) => {
            response = error.into_response();
            mark(response.headers_mut(), &visit.after_failure());
        }
    }
    response
}

fn mark(headers: &mut HeaderMap, outcome: &Outcome) {
    if !outcome.asked {
        return;
    }
    headers.append(VARY, HeaderValue::from_static("Cookie"));
    let has_cookie = !outcome.set_cookies.is_empty();
    if has_cookie || (outcome.private && !headers.contains_key(CACHE_CONTROL)) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("private, no-store"));
    }
    for cookie in &outcome.set_cookies {
        if let Ok(mut cookie) = HeaderValue::from_str(cookie) {
            cookie.set_sensitive(true);
            headers.append(SET_COOKIE, cookie);
        }
    }
}

impl Front {
    pub(super) fn visitor(&self, parts: &Parts) -> Visitor {
        let agent = parts.headers.get(USER_AGENT).map(HeaderValue::as_bytes);
        let agent = String::from_utf8_lossy(agent.unwrap_or_default());
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        let address = match &self.address_header {
            Some(name) => last_address(&parts.headers, name),
            None => peer.map(|ConnectInfo(peer)| peer.ip()),
        };
        Visitor::new(address, &agent)
    }

    /// What the CSRF rules ask about a request.
    fn attempt<'a>(&self, request: &'a Request) -> Attempt<'a> {
        let headers = request.headers();
        // What is no text is there, and is nobody's origin and no token.
        let text =
            |name| headers.get(name).map(|value: &HeaderValue| value.to_str().unwrap_or("?"));
        let secure = self.is_secure(headers, request.uri());
        Attempt {
            method: request.method().as_str(),
            host: super::extract::host(headers, request.uri()).unwrap_or_default(),
            scheme: if secure { Scheme::Https } else { Scheme::Http },
            cookie: header::find(cookie_lines(headers), &self.csrf_cookie.cookie_name),
            form: None,
            header: text("x-csrftoken"),
            origin: text("origin"),
            referer: text("referer"),
        }
    }
}

/// What stands last was added by the nearest proxy; what stands before it may be anybody's invention.
fn last_address(headers: &HeaderMap, name: &str) -> Option<IpAddr> {
    let line = headers.get_all(name).iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next()?.trim().parse().ok()
}
