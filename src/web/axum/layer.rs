use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::view::{Asked, View, rendered};
use crate::db::HouseConnection;
use crate::house::Housekey;
use crate::web::form::Kind;
use crate::web::guard::{Admission, csrf_token, drain};
use crate::web::head::{Form, wanted};
use crate::web::headers::{Headers, mark, stays};
use crate::web::problem::Problem;
use crate::web::settings::{Reach, builder};
use crate::web::visit::End;
use crate::web::{Front, Guard, Visit};

/// Gives every request its session, guards what changes something by Django's CSRF rules, and tells browsers what
/// the pages may do; goes around all routes that use an extractor of this crate.
///
/// ```no_run
/// # use axum::{Router, routing::get};
/// # use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, axum::HousekeyLayer};
/// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
/// let app: Router = Router::new().layer(HousekeyLayer::new(&house).with_login_url("/login"));
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// Some routes may be held otherwise than the others:
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
#[derive(Clone)]
pub struct HousekeyLayer {
    front: Arc<Front>,
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
        Self { front: Arc::new(Front::of(house)) }
    }
}

builder!(HousekeyLayer, "housekey::axum::HousekeyLayer");

impl<S> Layer<S> for HousekeyLayer {
    type Service = HousekeyService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        HousekeyService { inner, front: Arc::clone(&self.front) }
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
        let view = View::of(&request);
        let visit = Arc::new(Visit::new(Arc::clone(&self.front), &view));
        let asked = Asked { visit: Arc::clone(&visit), uri: view.uri().clone() };
        let form = wanted(&view);
        let admission = visit.front.admit(&view);
        request.extensions_mut().insert(asked);
        match admission {
            Ok(Admission::Granted) => {
                let answer = self.inner.call(request);
                Box::pin(async move {
                    let response = answer.await?.into_response();
                    let end = visit.end(response.status().as_u16()).await;
                    Ok(dressed(&visit, form, end, response))
                })
            }
            Ok(Admission::ReadForm(kind)) => {
                // The clone has not been made ready; the original has, and is the one to be called.
                let fresh = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, fresh);
                Box::pin(async move {
                    let response = match with_form(&visit.front, &kind, request).await {
                        Ok(request) => inner.call(request).await?.into_response(),
                        Err(problem) => problem.into_response(),
                    };
                    let end = visit.end(response.status().as_u16()).await;
                    Ok(dressed(&visit, form, end, response))
                })
            }
            Err(problem) => Box::pin(async move {
                drain(request.into_body().into_data_stream()).await;
                // Nobody has asked for its session.
                Ok(dressed(&visit, form, End::default(), problem.into_response()))
            }),
        }
    }
}

/// The answer, with what the visit means for it.
fn dressed(visit: &Visit, form: Form, end: End, mut response: Response) -> Response {
    if let Some(problem) = end.instead {
        response = problem.into_response();
    }
    mark(response.headers_mut(), &end.outcome);
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        response = in_form(problem, form, &response);
    }
    visit.front.secure(response.headers_mut(), visit.way());
    response
}

/// The request again, when the form in it holds the token.
async fn with_form(front: &Front, kind: &Kind, request: Request) -> Result<Request, Problem> {
    let (parts, body) = request.into_parts();
    let (body, token) = csrf_token(kind, front.most_of_a_form(), body.into_data_stream()).await;
    if let Err(problem) = front.admit_form(&View::of_parts(&parts), &token) {
        drain(body).await;
        return Err(problem);
    }
    Ok(Request::from_parts(parts, Body::from_stream(body)))
}

/// The same answer in the form that is wanted, with what the app and the visit have added to its headers.
fn in_form(problem: Problem, form: Form, before: &Response) -> Response {
    let mut response = rendered(problem.with_status(before.status().as_u16()), form);
    for (name, value) in before.headers().iter().filter(|(name, _)| stays(name.as_str())) {
        response.headers_mut().append(name, value.clone());
    }
    response.headers_mut().add("vary", "Accept");
    response
}
