//! actix-web's requests and answers, in the words of the front.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use actix_web::body::BoxBody;
use actix_web::http::StatusCode;
use actix_web::http::header::HeaderName;
use actix_web::http::uri::Authority;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, Responder, ResponseError};

use crate::error::Error;
use crate::web::head::{Form, Head};
use crate::web::headers::{Headers, headers_of};
use crate::web::problem::{Problem, Rendered};
use crate::web::{SeeOther, Visit};

/// What a request carries to the extractors.
#[derive(Clone)]
pub(super) struct Asked(pub(super) Arc<Visit>);

pub(super) struct View<'a>(pub(super) &'a HttpRequest);

impl Head for View<'_> {
    fn method(&self) -> &str {
        self.0.method().as_str()
    }

    fn path_and_query(&self) -> &str {
        self.0.uri().path_and_query().map_or("/", |path| path.as_str())
    }

    fn scheme(&self) -> Option<&str> {
        self.0.uri().scheme_str()
    }

    fn authority(&self) -> Option<&str> {
        self.0.uri().authority().map(Authority::as_str)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.0.headers().keys().map(HeaderName::as_str)
    }

    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        lines_of(self.0.headers(), name)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.0.peer_addr().map(|peer| peer.ip())
    }
}

headers_of!(actix_web::http::header);

/// A problem as an error of actix-web: as text, for a route without the middleware; the middleware puts it into
/// the form that is wanted.
#[derive(Debug)]
pub(super) struct Refusal(pub(super) Problem);

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.detail)
    }
}

impl ResponseError for Refusal {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = rendered(self.0.clone(), Form::Text);
        response.extensions_mut().insert(self.0.clone());
        response
    }
}

pub(super) fn rendered(problem: Problem, form: Form) -> HttpResponse<BoxBody> {
    sent(problem.render(form))
}

pub(super) fn sent(answer: Rendered) -> HttpResponse<BoxBody> {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let mut response = HttpResponseBuilder::new(status).body(answer.body);
    // That of a body of text; an answer without one has no kind.
    response.headers_mut().remove("content-type");
    for (name, value) in answer.headers {
        response.headers_mut().set(name, &value);
    }
    response
}

/// 503 with `Retry-After` when waiting may help; 429 after too many wrong passwords; 400 when the session ended
/// meanwhile or cannot hold a value, or a user cannot be made or changed so; 500 otherwise. The text says nothing of what went wrong
/// inside; the log does. It is HTML or JSON by the request's `Accept`.
impl ResponseError for Error {
    fn status_code(&self) -> StatusCode {
        Refusal(Problem::told(self)).status_code()
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        Refusal(Problem::of(self)).error_response()
    }
}

impl Responder for SeeOther {
    type Body = BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse<BoxBody> {
        self.into()
    }
}

/// For a handler that answers otherwise in other cases.
impl From<SeeOther> for HttpResponse {
    fn from(other: SeeOther) -> Self {
        let mut response = Self::SeeOther().finish();
        response.headers_mut().set("location", &other.0);
        response
    }
}
