use std::borrow::Cow;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::HttpMessage;
use actix_web::body::{EitherBody, MessageBody};
use actix_web::dev::{Service, ServiceRequest, ServiceResponse, Transform};

use super::extract::require;
use super::view::{Asked, View};
use crate::web::require::{Requirement, Rule};

/// Lets none but those who are signed in to the routes inside (Django's `login_required`), and everyone to the login
/// page. It goes inside [`HousekeyMiddleware`](super::HousekeyMiddleware): its `.wrap` is written before, as the last
/// one is the outermost in actix-web.
///
/// ```
/// use actix_web::{App, web};
/// use housekey::actix::login_required;
/// let notes = || async { "notes" };
/// let private = web::scope("/private").wrap(login_required()).route("/notes", web::get().to(notes));
/// let app = App::new().service(private);
/// ```
#[must_use]
pub fn login_required() -> RequiredMiddleware {
    RequiredMiddleware::new(Requirement::SignedIn)
}

/// Lets none but those who have the permission to the routes inside (Django's `permission_required`).
///
/// ```
/// use actix_web::web;
/// use housekey::actix::permission_required;
/// let approve = || async { "approved" };
/// let desk = web::resource("/approve")
///     .wrap(permission_required("billing.approve_invoice"))
///     .route(web::post().to(approve));
/// ```
#[must_use]
pub fn permission_required(name: impl Into<Cow<'static, str>>) -> RequiredMiddleware {
    RequiredMiddleware::new(Requirement::Permission(name.into()))
}

/// Lets none but staff to the routes inside (Django's `staff_member_required`).
///
/// ```
/// use actix_web::web;
/// use housekey::actix::staff_member_required;
/// let desk = web::scope("/desk").wrap(staff_member_required());
/// ```
#[must_use]
pub fn staff_member_required() -> RequiredMiddleware {
    RequiredMiddleware::new(Requirement::Staff)
}

/// What [`login_required`] and its kin make: a middleware for scopes and resources.
///
/// ```
/// let middleware: housekey::actix::RequiredMiddleware = housekey::actix::login_required();
/// ```
#[derive(Debug, Clone)]
pub struct RequiredMiddleware {
    rule: Arc<Rule>,
}

impl RequiredMiddleware {
    fn new(requirement: Requirement) -> Self {
        Self { rule: Arc::new(Rule::new(requirement)) }
    }

    /// Lets everyone in to this path (Django's `login_not_required`), and asks nothing of the database for it. A path
    /// that ends in `/` stands for all below, but `/` for itself.
    ///
    /// ```
    /// use actix_web::{App, web};
    /// use housekey::actix::login_required;
    /// let about = || async { "for everyone" };
    /// let app = App::new()
    ///     .route("/about", web::get().to(about))
    ///     .wrap(login_required().except("/about").except("/static/"));
    /// ```
    #[must_use]
    pub fn except(mut self, path: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.rule).open(path.into());
        self
    }
}

impl<S, B> Transform<S, ServiceRequest> for RequiredMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = RequiredService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(RequiredService { inner: Rc::new(inner), rule: Arc::clone(&self.rule) }))
    }
}

/// What [`RequiredMiddleware`] makes of a service.
///
/// ```
/// fn is_a_service<S>(service: housekey::actix::RequiredService<S>) -> housekey::actix::RequiredService<S> {
///     service
/// }
/// ```
#[derive(Debug)]
pub struct RequiredService<S> {
    inner: Rc<S>,
    rule: Arc<Rule>,
}

impl<S, B> Service<ServiceRequest> for RequiredService<S>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>>>>;

    fn poll_ready(&self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&self, request: ServiceRequest) -> Self::Future {
        let (inner, rule) = (Rc::clone(&self.inner), Arc::clone(&self.rule));
        Box::pin(async move {
            let asked = request.extensions().get::<Asked>().cloned();
            let view = View(request.request());
            if asked.is_some_and(|Asked(visit)| visit.front.lets_in(&rule, &view)) {
                return inner.call(request).await.map(ServiceResponse::map_into_left_body);
            }
            match require(request.request(), &rule.requirement).await {
                Ok(_) => inner.call(request).await.map(ServiceResponse::map_into_left_body),
                Err(refused) => Ok(request.error_response(refused).map_into_right_body()),
            }
        })
    }
}
