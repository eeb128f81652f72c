//! The CSRF token in the body of a form, read ahead of the handler.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::extract::Request;
use bytes::{Bytes, BytesMut};
use http::HeaderValue;
use http::header::CONTENT_TYPE;
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;

const FIELD: &str = "csrfmiddlewaretoken";
/// Django's `DATA_UPLOAD_MAX_MEMORY_SIZE`.
const MOST_OF_A_FORM: usize = 2_621_440;
/// In a form with files the token stands before them, where `CsrfToken::input` was put.
const MOST_OF_AN_UPLOAD: usize = 64 * 1024;

/// The request as it was, and the token of its form; a form that is too long has none.
pub(super) async fn csrf_token(request: Request) -> (Request, Option<String>) {
    let kind = request.headers().get(CONTENT_TYPE).map(HeaderValue::as_bytes).unwrap_or_default();
    let kind = kind.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    if request.method() != http::Method::POST {
        return (request, None);
    }
    if kind.eq_ignore_ascii_case(b"application/x-www-form-urlencoded") {
        let (request, body) = peek(request, MOST_OF_A_FORM, |_| false).await;
        return (request, body.and_then(|body| last_field(&body)));
    }
    if kind.eq_ignore_ascii_case(b"multipart/form-data") {
        let found = |body: &[u8]| part(body).is_some();
        let (request, body) = peek(request, MOST_OF_AN_UPLOAD, found).await;
        return (request, body.and_then(|body| part(&body)));
    }
    (request, None)
}

/// As in Django, the last one counts.
fn last_field(body: &[u8]) -> Option<String> {
    let fields = form_urlencoded::parse(body).filter(|(name, _)| name == FIELD);
    fields.last().map(|(_, token)| token.into_owned())
}

/// The content of the part that is named like the field (RFC 7578), as soon as it is there to its end.
fn part(body: &[u8]) -> Option<String> {
    let name = format!("name=\"{FIELD}\"");
    let start = find(body, name.as_bytes())? + name.len();
    let content = &body[start..][find(&body[start..], b"\r\n\r\n")? + 4..];
    let token = &content[..find(content, b"\r\n")?];
    String::from_utf8(token.to_vec()).ok()
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

/// Reads until the body ends or enough is known; `None` when it is longer than that.
async fn peek(
    request: Request,
    most: usize,
    is_enough: impl Fn(&[u8]) -> bool,
) -> (Request, Option<Bytes>) {
    let (parts, mut body) = request.into_parts();
    let mut read = BytesMut::new();
    let mut failed = None;
    while read.len() < most && !is_enough(&read) && !body.is_end_stream() {
        match body.frame().await {
            None => break,
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Some(Err(error)) => {
                failed = Some(error);
                break;
            }
        }
    }
    let read = read.freeze();
    let complete = read.len() < most || is_enough(&read);
    let body = Body::new(Again { read: Some(read.clone()), failed, rest: body });
    (Request::from_parts(parts, body), complete.then_some(read))
}

/// A body of which the beginning has been read already.
struct Again {
    read: Option<Bytes>,
    failed: Option<axum_core::Error>,
    rest: Body,
}

impl http_body::Body for Again {
    type Data = Bytes;
    type Error = axum_core::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum_core::Error>>> {
        if let Some(read) = self.read.take().filter(|read| !read.is_empty()) {
            return Poll::Ready(Some(Ok(Frame::data(read))));
        }
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        Pin::new(&mut self.rest).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        let is_read = self.read.as_ref().is_none_or(Bytes::is_empty);
        is_read && self.failed.is_none() && self.rest.is_end_stream()
    }
}
