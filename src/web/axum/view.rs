//! axum's requests and answers, in the words of the front.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use ::axum::extract::{ConnectInfo, OriginalUri};
use axum_core::body::Body;
use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Extensions, HeaderMap, HeaderName, Method, StatusCode, Uri};

use crate::error::Error;
use crate::web::head::{Form, Head};
use crate::web::headers::{Headers, headers_of};
use crate::web::problem::{Problem, Rendered};
use crate::web::{SeeOther, Visit};

/// What a request carries to the extractors.
#[derive(Clone)]
pub(super) struct Asked {
    pub(super) visit: Arc<Visit>,
    /// Routers that are nested take their prefix off the request's; the visitor is sent back to the whole.
    pub(super) uri: Uri,
}

pub(super) struct View<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
    extensions: &'a Extensions,
}

impl<'a> View<'a> {
    pub(super) fn of(request: &'a Request) -> Self {
        Self::new(request.method(), request.uri(), request.headers(), request.extensions())
    }

    pub(super) fn of_parts(parts: &'a Parts) -> Self {
        Self::new(&parts.method, &parts.uri, &parts.headers, &parts.extensions)
    }

    fn new(
        method: &'a Method,
        uri: &'a Uri,
        headers: &'a HeaderMap,
        extensions: &'a Extensions,
    ) -> Self {
        let asked = extensions.get::<Asked>().map(|asked| &asked.uri);
        let whole = asked.or_else(|| extensions.get::<OriginalUri>().map(|OriginalUri(uri)| uri));
        Self { method, uri: whole.unwrap_or(uri), headers, extensions }
    }

    pub(super) fn uri(&self) -> &'a Uri {
        self.uri
    }
}

impl Head for View<'_> {
    fn method(&self) -> &str {
        self.method.as_str()
    }

    fn path_and_query(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    fn scheme(&self) -> Option<&str> {
        self.uri.scheme_str()
    }

    fn authority(&self) -> Option<&str> {
        self.uri.authority().map(http::uri::Authority::as_str)
    }

    fn names(&self) -> impl Iterator<Item = &str> {
        self.headers.keys().map(HeaderName::as_str)
    }

    fn lines<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a [u8]> {
        lines_of(self.headers, name)
    }

    fn peer(&self) -> Option<IpAddr> {
        self.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip())
    }
}

headers_of!(http);

/// As text, for a route without the layer; the layer puts it into the form that is wanted.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = rendered(self.clone(), Form::Text);
        response.extensions_mut().insert(self);
        response
    }
}

pub(super) fn rendered(problem: Problem, form: Form) -> Response {
    sent(problem.render(form))
}

pub(super) fn sent(answer: Rendered) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() =
        StatusCode::from_u16(answer.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    for (name, value) in answer.headers {
        response.headers_mut().set(name, &value);
    }
    response
}

/// 503 with `Retry-After` when waiting may help; 429 after too many wrong passwords; 400 when the session ended
/// meanwhile or cannot hold a value, or a user cannot be made or changed so; 500 otherwise. The text says nothing of what went wrong
/// inside; the log does. It is HTML or JSON by the request's `Accept`.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        Problem::of(&self).into_response()
    }
}

impl IntoResponse for SeeOther {
    fn into_response(self) -> Response {
        let mut response = StatusCode::SEE_OTHER.into_response();
        response.headers_mut().set("location", &self.0);
        response
    }
}
