use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::response::{ResponseFuture, dressed, ended};
use super::view::{Asked, View};
use crate::db::HouseConnection;
use crate::house::Housekey;
use crate::web::form::Kind;
use crate::web::guard::{Admission, csrf_token, drain};
use crate::web::head::wanted;
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
    type Future = ResponseFuture<S::Future>;

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
                ResponseFuture::handled(self.inner.call(request), visit, form)
            }
            Ok(Admission::ReadForm(kind)) => {
                // The clone has not been made ready; the original has, and is the one to be called.
                let fresh = self.inner.clone();
                let mut inner = std::mem::replace(&mut self.inner, fresh);
                ResponseFuture::waits(async move {
                    let response = match with_form(&visit.front, &kind, request).await {
                        Ok(request) => inner.call(request).await?.into_response(),
                        Err(problem) => problem.into_response(),
                    };
                    ended(visit, form, response).await
                })
            }
            Err(problem) => ResponseFuture::waits(async move {
                drain(request.into_body().into_data_stream()).await;
                // Nobody has asked for its session.
                Ok(dressed(&visit, form, End::default(), problem.into_response()))
            }),
        }
    }
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
