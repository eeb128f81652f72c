use std::future::{Ready, ready};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{Payload, Service, ServiceRequest, ServiceResponse, Transform};
use actix_web::{HttpMessage, HttpResponse};

use super::view::{Asked, Refusal, View, rendered};
use crate::db::HouseConnection;
use crate::house::Housekey;
use crate::web::guard::{Admission, csrf_token, drain};
use crate::web::head::{Form, wanted};
use crate::web::headers::{Headers, mark, stays};
use crate::web::problem::Problem;
use crate::web::settings::{Reach, builder};
use crate::web::visit::End;
use crate::web::{Front, Guard, Visit};

/// Gives every request its session, guards what changes something by Django's CSRF rules, and tells browsers what
/// the pages may do; goes around all routes that use an extractor of this crate. Make one, and clone it into each
/// worker's `App`.
///
/// ```no_run
/// # use actix_web::{App, HttpServer};
/// # use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, actix::HousekeyMiddleware};
/// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
/// let housekey = HousekeyMiddleware::new(&house).with_login_url("/login");
/// let server = HttpServer::new(move || App::new().wrap(housekey.clone()));
/// # Ok::<(), housekey::Error>(())
/// ```
#[derive(Clone)]
pub struct HousekeyMiddleware {
    front: Arc<Front>,
}

impl HousekeyMiddleware {
    /// A middleware for the apps of this house.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
    /// let middleware = housekey::actix::HousekeyMiddleware::new(house);
    /// # }
    /// ```
    #[must_use]
    pub fn new<L: HouseConnection>(house: &Housekey<L>) -> Self {
        Self { front: Arc::new(Front::of(house)) }
    }
}

builder!(HousekeyMiddleware, "housekey::actix::HousekeyMiddleware");

impl<S, B> Transform<S, ServiceRequest> for HousekeyMiddleware
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = actix_web::Error> + 'static,
    B: MessageBody + 'static,
{
    type Response = ServiceResponse<EitherBody<B>>;
    type Error = actix_web::Error;
    type Transform = HousekeyService<S>;
    type InitError = ();
    type Future = Ready<Result<Self::Transform, ()>>;

    fn new_transform(&self, inner: S) -> Self::Future {
        ready(Ok(HousekeyService { inner: Rc::new(inner), front: Arc::clone(&self.front) }))
    }
}

/// What [`HousekeyMiddleware`] makes of a service.
///
/// ```
/// fn is_a_service<S>(service: housekey::actix::HousekeyService<S>) -> housekey::actix::HousekeyService<S> {
///     service
/// }
/// ```
pub struct HousekeyService<S> {
    inner: Rc<S>,
    front: Arc<Front>,
}

impl<S> std::fmt::Debug for HousekeyService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HousekeyService")
    }
}

impl<S, B> Service<ServiceRequest> for HousekeyService<S>
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

    fn call(&self, mut request: ServiceRequest) -> Self::Future {
        let view = View(request.request());
        let visit = Arc::new(Visit::new(Arc::clone(&self.front), &view));
        let form = wanted(&view);
        request.extensions_mut().insert(Asked(Arc::clone(&visit)));
        let inner = Rc::clone(&self.inner);
        Box::pin(async move {
            let response = match admit(&visit.front, &mut request).await {
                Ok(()) => inner.call(request).await,
                Err(problem) => {
                    let refused = refusal(problem);
                    return Ok(ServiceResponse::new(
                        request.into_parts().0,
                        dressed(&visit, form, &End::default(), refused),
                    ));
                }
            };
            match response {
                Ok(response) => {
                    let (request, response) = response.into_parts();
                    let end = visit.end(response.status().as_u16()).await;
                    let response = dressed(&visit, form, &end, response.map_into_left_body());
                    Ok(ServiceResponse::new(request, response))
                }
                // Of a middleware inside: the answer is made of it outside.
                Err(mut error) => {
                    let end = visit.end(error.as_response_error().status_code().as_u16()).await;
                    error.add_response_mapper(move |response| {
                        let response = response.map_into_left_body();
                        dressed(&visit, form, &end, response).map_into_boxed_body()
                    });
                    Err(error)
                }
            }
        })
    }
}

async fn admit(front: &Front, request: &mut ServiceRequest) -> Result<(), Problem> {
    let admission = front.admit(&View(request.request()));
    let kind = match admission {
        Ok(Admission::Granted) => return Ok(()),
        Ok(Admission::ReadForm(kind)) => kind,
        Err(problem) => {
            drain(request.take_payload()).await;
            return Err(problem);
        }
    };
    let body = request.take_payload();
    let (body, token) = csrf_token(&kind, front.most_of_a_form(), body).await;
    if let Err(problem) = front.admit_form(&View(request.request()), &token) {
        drain(body).await;
        return Err(problem);
    }
    request.set_payload(Payload::Stream { payload: Box::pin(body) });
    Ok(())
}

/// The answer with all that the visit has to say.
fn dressed<B: MessageBody + 'static>(
    visit: &Visit,
    form: Form,
    end: &End,
    answer: HttpResponse<EitherBody<B>>,
) -> HttpResponse<EitherBody<B>> {
    let mut response = end.instead.clone().map_or(answer, refusal);
    mark(response.headers_mut(), &end.outcome);
    let problem = response.extensions_mut().remove::<Problem>();
    if let Some(problem) = problem {
        response = in_form(problem, form, &response).map_into_right_body();
    }
    visit.front.secure(response.headers_mut(), visit.way());
    response
}

fn refusal<B>(problem: Problem) -> HttpResponse<EitherBody<B>> {
    HttpResponse::from_error(Refusal(problem)).map_into_right_body()
}

/// The same answer in the form that is wanted, with what the app and the visit have added to its headers.
fn in_form<B>(
    problem: Problem,
    form: Form,
    before: &HttpResponse<EitherBody<B>>,
) -> HttpResponse<BoxBody> {
    let mut response = rendered(problem.with_status(before.status().as_u16()), form);
    for (name, value) in before.headers().iter().filter(|(name, _)| stays(name.as_str())) {
        response.headers_mut().append(name.clone(), value.clone());
    }
    response.headers_mut().add("vary", "Accept");
    response
}
