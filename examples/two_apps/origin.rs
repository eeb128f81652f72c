//! Where a request comes from, and where a visitor may be sent.

use axum::extract::Request;
use axum::http::header::{HOST, ORIGIN};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

/// Refuses forms that another site sends in the visitor's name. A browser says where a form comes from;
/// CSRF tokens, for those that do not, are to come with a later version of the library.
pub(crate) async fn refuse_cross_site(request: Request, next: Next) -> Response {
    if request.method().is_safe() || is_own(request.headers()) {
        return next.run(request).await;
    }
    (StatusCode::FORBIDDEN, "This form was sent from another site.\n").into_response()
}

/// Another port is another site: what one app shows cannot post to the other.
fn is_own(headers: &HeaderMap) -> bool {
    let site = headers.get("sec-fetch-site").map(HeaderValue::as_bytes);
    let origin = headers.get(ORIGIN).map(|origin| origin.to_str().unwrap_or_default());
    let sender = origin.map(|origin| origin.split_once("://").map(|(_, host)| host));
    matches!(site, None | Some(b"same-origin" | b"none"))
        && sender.is_none_or(|sender| sender.is_some() && sender == host(headers))
}

/// The other app under the name by which this one was asked: a cookie belongs to all ports of one name.
pub(crate) fn url_on_port(headers: &HeaderMap, port: u16) -> String {
    let host = host(headers).unwrap_or("127.0.0.1");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    format!("http://{name}:{port}/")
}

/// `next`, if it is a path of this app; its start page otherwise. Browsers read `//host` and `/\host`
/// as another site, and drop tabs and line breaks before they look.
pub(crate) fn own_path(next: &str) -> &str {
    let is_own = next.strip_prefix('/').is_some_and(|rest| !rest.starts_with(['/', '\\']))
        && !next.contains(|letter: char| letter.is_control());
    if is_own { next } else { "/" }
}

fn host(headers: &HeaderMap) -> Option<&str> {
    headers.get(HOST)?.to_str().ok()
}
