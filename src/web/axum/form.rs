//! The CSRF token in the body of a form, read ahead of the handler.

use std::pin::Pin;
use std::task::{Context, Poll};

use axum_core::body::Body;
use axum_core::extract::Request;
use bytes::{Bytes, BytesMut};
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as _, Frame};
use http_body_util::BodyExt;

const FIELD: &str = "csrfmiddlewaretoken";
/// Django's `DATA_UPLOAD_MAX_MEMORY_SIZE`.
const MOST_OF_A_FORM: usize = 2_621_440;
/// In a form with files the token stands before them, where `CsrfToken::input` was put.
const MOST_OF_AN_UPLOAD: usize = 64 * 1024;

/// However small the pieces are that a body comes in, it is not searched after each.
const LOOK_EVERY: usize = 4096;

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
        let Some(boundary) = boundary(request.headers()) else { return (request, None) };
        let found = |body: &[u8]| part(body, &boundary).is_some();
        let (request, body) = peek(request, MOST_OF_AN_UPLOAD, found).await;
        return (request, body.and_then(|body| part(&body, &boundary)));
    }
    (request, None)
}

/// As in Django, the last one counts.
fn last_field(body: &[u8]) -> Option<String> {
    let fields = form_urlencoded::parse(body).filter(|(name, _)| name == FIELD);
    fields.last().map(|(_, token)| token.into_owned())
}

/// What stands between the parts of a form with files (RFC 2046): `--` and the boundary.
fn boundary(headers: &HeaderMap) -> Option<Vec<u8>> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?;
    let mut parameters =
        kind.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    Some(format!("--{}", boundary.trim_matches('"')).into_bytes())
}

/// The content of the part of that name (RFC 7578), as soon as it is there to its end.
fn part(body: &[u8], boundary: &[u8]) -> Option<String> {
    let mut rest = &body[..body.len().min(MOST_OF_AN_UPLOAD)];
    loop {
        rest = &rest[find(rest, boundary)? + boundary.len()..];
        let head_end = find(rest, b"\r\n\r\n")?;
        let (head, content) = (&rest[..head_end], &rest[head_end + 4..]);
        let content = &content[..find(content, boundary)?];
        if is_named(&String::from_utf8_lossy(head)) {
            return String::from_utf8(content.strip_suffix(b"\r\n")?.to_vec()).ok();
        }
    }
}

fn is_named(head: &str) -> bool {
    let of_disposition =
        |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let parameters = head.lines().filter(of_disposition).flat_map(|line| line.split(';').skip(1));
    let mut names = parameters.filter_map(|parameter| parameter.trim().strip_prefix("name="));
    names.any(|name| name.trim_matches('"') == FIELD)
}

/// Reads what is left of a small body: a connection on which something is left unread is closed, and the
/// browser or proxy that wanted to go on using it fails.
pub(super) async fn drain(mut body: Body) {
    let mut read = 0;
    while read < MOST_OF_AN_UPLOAD && !body.is_end_stream() {
        let Some(Ok(frame)) = body.frame().await else { return };
        read += frame.data_ref().map_or(0, Bytes::len);
    }
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
    let (mut failed, mut look_at) = (None, LOOK_EVERY);
    while read.len() < most && !body.is_end_stream() {
        match body.frame().await {
            None => break,
            Some(Ok(frame)) => read.extend_from_slice(frame.data_ref().unwrap_or(&Bytes::new())),
            Some(Err(error)) => {
                failed = Some(error);
                break;
            }
        }
        if read.len() >= look_at {
            if is_enough(&read) {
                break;
            }
            look_at = read.len() + LOOK_EVERY;
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
