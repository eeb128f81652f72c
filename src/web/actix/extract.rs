use std::borrow::Cow;
use std::future::{Ready, ready};
use std::pin::Pin;
use std::sync::Arc;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage, HttpRequest};

use super::view::{Asked, Refusal, View};
use crate::error::Error;
use crate::session::Session;
use crate::user::User;
use crate::web::problem::Problem;
use crate::web::require::{Admitted, Denial, Requirement};
use crate::web::{
    AuthSession, CsrfToken, Fresh, Next, PermissionName, RequirePermission, RequireStaff, Visit,
};

type Extracted<T> = Pin<Box<dyn Future<Output = Result<T, actix_web::Error>>>>;

/// The visitor's session. Never refuses a visitor: an unknown cookie is an empty session.
impl FromRequest for Session {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move { Ok(session(&request).await?.1) })
    }
}

/// Never refuses a visitor.
impl FromRequest for AuthSession {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let (visit, session) = session(&request).await?;
            Ok(Self::new(visit, session))
        })
    }
}

/// Someone is signed in; others get 401, or are sent to `LOGIN_URL` when there is one.
impl FromRequest for User {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        required(request, Requirement::SignedIn, |admitted| admitted.user)
    }
}

impl FromRequest for RequireStaff {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        required(request, Requirement::Staff, |admitted| Self(admitted.user))
    }
}

impl<P: PermissionName> FromRequest for RequirePermission<P> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        required(request, Requirement::Permission(Cow::Borrowed(P::NAME)), |admitted| {
            Self::new(admitted.user, admitted.permissions.unwrap_or_default())
        })
    }
}

impl<const MINUTES: u32> FromRequest for Fresh<MINUTES> {
    type Error = actix_web::Error;
    type Future = Extracted<Self>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        required(request, Requirement::Fresh(MINUTES), |admitted| Self(admitted.user))
    }
}

impl FromRequest for CsrfToken {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visit(request).map(|visit| visit.token(&View(request))))
    }
}

impl FromRequest for Next {
    type Error = actix_web::Error;
    type Future = Ready<Result<Self, actix_web::Error>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(visit(request).map(|visit| Self::of(&visit.front, &View(request))))
    }
}

fn required<T: 'static>(
    request: &HttpRequest,
    requirement: Requirement,
    made: impl FnOnce(Admitted) -> T + 'static,
) -> Extracted<T> {
    let request = request.clone();
    Box::pin(async move { require(&request, &requirement).await.map(made) })
}

async fn session(request: &HttpRequest) -> Result<(Arc<Visit>, Session), actix_web::Error> {
    let visit = answering(request)?;
    let session = visit.session(|| visit.front.visitor(&View(request))).await;
    match session {
        Ok(session) => Ok((visit, session)),
        Err(error) => Err(turn_away(&visit, Denial::House(error), request)),
    }
}

pub(super) async fn require(
    request: &HttpRequest,
    requirement: &Requirement,
) -> Result<Admitted, actix_web::Error> {
    let visit = answering(request)?;
    let admitted = visit.require(requirement, || visit.front.visitor(&View(request))).await;
    admitted.map_err(|denial| turn_away(&visit, denial, request))
}

/// A house that does not answer is remembered: a handler that takes an `Option` would not hear of it.
fn turn_away(visit: &Visit, denial: Denial, request: &HttpRequest) -> actix_web::Error {
    let is_broken = matches!(denial, Denial::House(_));
    let problem = visit.front.turn_away(denial, &View(request));
    if is_broken {
        visit.broke(problem.clone());
    }
    Refusal(problem).into()
}

/// A house that has failed one extractor of a request is not asked again for the next.
fn answering(request: &HttpRequest) -> Result<Arc<Visit>, actix_web::Error> {
    let visit = visit(request)?;
    visit.broken().map_or(Ok(visit), |problem| Err(Refusal(problem).into()))
}

pub(super) fn visit(request: &HttpRequest) -> Result<Arc<Visit>, actix_web::Error> {
    let asked = request.extensions().get::<Asked>().map(|Asked(visit)| Arc::clone(visit));
    asked.ok_or_else(|| {
        let problem = "is not around this route; add .wrap(HousekeyMiddleware::new(&house)) as the last .wrap of the App, behind \
                       that of login_required(): in actix-web the last is the outermost";
        Refusal(Problem::of(&Error::config("HousekeyMiddleware", problem))).into()
    })
}
