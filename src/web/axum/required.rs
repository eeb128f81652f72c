use std::borrow::Cow;
use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use tower_layer::Layer;
use tower_service::Service;

use super::extract::require;
use super::view::{Asked, View};
use crate::web::require::{Requirement, Rule};

/// Lets none but those who are signed in to the routes inside (Django's `login_required`), and everyone to the login
/// page; goes inside [`HousekeyLayer`](super::HousekeyLayer).
///
/// ```
/// use axum::{Router, routing::get};
/// use housekey::axum::login_required;
/// let private: Router =
///     Router::new().route("/notes", get(|| async { "notes" })).route_layer(login_required());
/// let app = private.route("/about", get(|| async { "for everyone: added behind the layer" }));
/// ```
#[must_use]
pub fn login_required() -> RequiredLayer {
    RequiredLayer::new(Requirement::SignedIn)
}

/// Lets none but those who have the permission to the routes inside (Django's `permission_required`).
///
/// ```
/// use axum::{Router, routing::post};
/// use housekey::axum::permission_required;
/// let desk: Router = Router::new()
///     .route("/approve", post(|| async { "approved" }))
///     .route_layer(permission_required("billing.approve_invoice"));
/// ```
#[must_use]
pub fn permission_required(name: impl Into<Cow<'static, str>>) -> RequiredLayer {
    RequiredLayer::new(Requirement::Permission(name.into()))
}

/// Lets none but staff to the routes inside (Django's `staff_member_required`).
///
/// ```
/// use axum::{Router, routing::get};
/// use housekey::axum::staff_member_required;
/// let desk: Router =
///     Router::new().route("/desk", get(|| async { "desk" })).route_layer(staff_member_required());
/// ```
#[must_use]
pub fn staff_member_required() -> RequiredLayer {
    RequiredLayer::new(Requirement::Staff)
}

/// What [`login_required`] and its kin make: a layer for routes.
///
/// ```
/// let layer: housekey::axum::RequiredLayer = housekey::axum::login_required();
/// ```
#[derive(Debug, Clone)]
pub struct RequiredLayer {
    rule: Arc<Rule>,
}

impl RequiredLayer {
    fn new(requirement: Requirement) -> Self {
        Self { rule: Arc::new(Rule::new(requirement)) }
    }

    /// Lets everyone in to this path (Django's `login_not_required`), and asks nothing of the database for it. A path
    /// that ends in `/` stands for all below, but `/` for itself.
    ///
    /// ```
    /// use axum::{Router, routing::get};
    /// use housekey::axum::login_required;
    /// let app: Router = Router::new()
    ///     .route("/", get(|| async { "for users" }))
    ///     .route("/about", get(|| async { "for everyone" }))
    ///     .layer(login_required().except("/about").except("/static/"));
    /// ```
    #[must_use]
    pub fn except(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.rule).open(path.into());
        self
    }
}

impl<S> Layer<S> for RequiredLayer {
    type Service = RequiredService<S>;

    fn layer(&self, inner: S) -> Self::Service {
        RequiredService { inner, rule: Arc::clone(&self.rule) }
    }
}

/// What [`RequiredLayer`] makes of a service.
///
/// ```
/// fn is_a_service<S: Clone>(service: &housekey::axum::RequiredService<S>) -> housekey::axum::RequiredService<S> {
///     service.clone()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct RequiredService<S> {
    inner: S,
    rule: Arc<Rule>,
}

impl<S> Service<Request> for RequiredService<S>
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

    fn call(&mut self, request: Request) -> Self::Future {
        let rule = Arc::clone(&self.rule);
        // The clone has not been made ready; the original has, and is the one to be called.
        let fresh = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, fresh);
        Box::pin(async move {
            let view = View::of(&request);
            let asked = request.extensions().get::<Asked>();
            if asked.is_some_and(|asked| asked.visit.front.lets_in(&rule, &view)) {
                return Ok(inner.call(request).await?.into_response());
            }
            let (parts, body) = request.into_parts();
            match require(&parts, &rule.requirement).await {
                Ok(_) => {
                    let request = Request::from_parts(parts, body);
                    Ok(inner.call(request).await?.into_response())
                }
                Err(refused) => Ok(refused),
            }
        })
    }
}
