//! The CSRF token in the body of a form, read ahead of the handler.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;

use super::head::{Head, essence};

const FIELD: &str = "csrfmiddlewaretoken";
/// In a form with files the token stands before them, where `CsrfToken::input` was put.
const MOST_OF_AN_UPLOAD: usize = 64 * 1024;

/// However small the pieces are that a body comes in, it is not searched after each.
const LOOK_EVERY: usize = 4096;

/// The token of a form.
pub(crate) enum Token {
    Found(String),
    Missing,
    /// The form is longer than the app reads into memory.
    TooLong,
}

/// What kind of form a body holds.
pub(crate) enum Kind {
    Urlencoded,
    Multipart { boundary: Vec<u8> },
}

impl Kind {
    /// `None` when a token cannot be in the body: it is no form, or not one that a page sends.
    pub(crate) fn of(head: &impl Head) -> Option<Self> {
        if head.method() != "POST" {
            return None;
        }
        let kind = head.text("content-type")?;
        let essence = essence(kind);
        if essence.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            Some(Self::Urlencoded)
        } else if essence.eq_ignore_ascii_case("multipart/form-data") {
            Some(Self::Multipart { boundary: boundary(kind)? })
        } else {
            None
        }
    }
}

/// The body as it was, and the token of its form.
pub(crate) async fn csrf_token<S, E>(kind: &Kind, most: usize, body: S) -> (Again<S, E>, Token)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    match kind {
        Kind::Urlencoded => {
            let (body, form) = peek(body, most, |_| false).await;
            let found = form.map_or(Token::TooLong, |form| Token::of(last_field(&form)));
            (body, found)
        }
        Kind::Multipart { boundary } => {
            let found = |body: &[u8]| part(body, boundary).is_some();
            let (body, form) = peek(body, MOST_OF_AN_UPLOAD, found).await;
            (body, Token::of(form.and_then(|form| part(&form, boundary))))
        }
    }
}

impl Token {
    fn of(found: Option<String>) -> Self {
        found.map_or(Self::Missing, Self::Found)
    }
}

/// As in Django, the last one counts.
fn last_field(body: &[u8]) -> Option<String> {
    let fields = form_urlencoded::parse(body).filter(|(name, _)| name == FIELD);
    fields.last().map(|(_, token)| token.into_owned())
}

/// What stands between the parts of a form with files (RFC 2046): `--` and the boundary.
fn boundary(kind: &str) -> Option<Vec<u8>> {
    let mut parameters =
        kind.split(';').skip(1).filter_map(|parameter| parameter.trim().split_once('='));
    let (_, boundary) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let boundary = boundary.trim_matches('"');
    // The lengths that the RFC allows.
    (1..=70).contains(&boundary.len()).then(|| format!("--{boundary}").into_bytes())
}

/// The content of the part of that name (RFC 7578), as soon as it is there to its end. No byte is looked at more
/// than a few times: anybody can send a form.
fn part(body: &[u8], boundary: &[u8]) -> Option<String> {
    let mut rest = &body[..body.len().min(MOST_OF_AN_UPLOAD)];
    rest = &rest[find(rest, boundary)? + boundary.len()..];
    loop {
        let end = find(rest, boundary)?;
        let part = &rest[..end];
        if let Some(head_end) = find(part, b"\r\n\r\n")
            && is_named(&String::from_utf8_lossy(&part[..head_end]))
        {
            let content = part[head_end + 4..].strip_suffix(b"\r\n")?;
            return String::from_utf8(content.to_vec()).ok();
        }
        rest = &rest[end + boundary.len()..];
    }
}

fn is_named(head: &str) -> bool {
    let of_disposition =
        |line: &&str| line.to_ascii_lowercase().starts_with("content-disposition:");
    let parameters = head.lines().filter(of_disposition).flat_map(|line| line.split(';').skip(1));
    let mut names = parameters.filter_map(|parameter| parameter.trim().strip_prefix("name="));
    names.any(|name| name.trim_matches('"') == FIELD)
}

/// The whole body; `None` when it is longer than that, or does not come to its end.
#[cfg(feature = "pages")]
pub(crate) async fn read_all<S, E>(mut body: S, most: usize) -> Option<Bytes>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut read = BytesMut::new();
    while let Some(piece) = next(&mut body).await {
        read.extend_from_slice(&piece.ok()?);
        if read.len() > most {
            return None;
        }
    }
    Some(read.freeze())
}

/// Reads what is left of a small body: a connection on which something is left unread is closed, and the
/// browser or proxy that wanted to go on using it fails.
pub(crate) async fn drain<S, E>(mut body: S)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut read = 0;
    while read < MOST_OF_AN_UPLOAD {
        let Some(Ok(piece)) = next(&mut body).await else { return };
        read += piece.len();
    }
}

async fn next<S: Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    memchr::memmem::find(text, wanted)
}

/// Reads until the body ends or enough is known; `None` when it is longer than that.
async fn peek<S, E>(
    mut body: S,
    most: usize,
    is_enough: impl Fn(&[u8]) -> bool,
) -> (Again<S, E>, Option<Bytes>)
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let mut read = BytesMut::new();
    let (mut failed, mut is_over, mut look_at) = (None, false, LOOK_EVERY);
    while read.len() <= most {
        match next(&mut body).await {
            None => {
                is_over = true;
                break;
            }
            Some(Ok(piece)) => read.extend_from_slice(&piece),
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
    let complete = read.len() <= most || is_enough(&read);
    let rest = (failed.is_none() && !is_over).then_some(body);
    let again = Again { read: Some(read.clone()), failed, rest };
    (again, complete.then_some(read))
}

/// A body of which the beginning has been read already.
pub(crate) struct Again<S, E> {
    read: Option<Bytes>,
    failed: Option<E>,
    /// Until it has ended: who asks a stream once more may be in for a panic.
    rest: Option<S>,
}

impl<S, E> Stream for Again<S, E>
where
    S: Stream<Item = Result<Bytes, E>> + Unpin,
    E: Unpin,
{
    type Item = Result<Bytes, E>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        if let Some(read) = self.read.take().filter(|read| !read.is_empty()) {
            return Poll::Ready(Some(Ok(read)));
        }
        if let Some(error) = self.failed.take() {
            return Poll::Ready(Some(Err(error)));
        }
        let Some(rest) = &mut self.rest else { return Poll::Ready(None) };
        let piece = Pin::new(rest).poll_next(cx);
        if matches!(piece, Poll::Ready(None)) {
            self.rest = None;
        }
        piece
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Like most streams it may not be asked again when it has ended.
    struct Once(Option<Vec<Result<Bytes, &'static str>>>);

    impl Stream for Once {
        type Item = Result<Bytes, &'static str>;

        fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
            let pieces = self.0.as_mut().expect("it has ended");
            if pieces.is_empty() {
                self.0 = None;
                return Poll::Ready(None);
            }
            Poll::Ready(Some(pieces.remove(0)))
        }
    }

    #[test]
    fn a_form_that_only_looks_like_one_has_no_token() {
        let token = "Content-Disposition: form-data; name=\"csrfmiddlewaretoken\"\r\n\r\nx\r\n";
        assert_eq!(part(format!("--b\r\n{token}--b").as_bytes(), b"--b").as_deref(), Some("x"));
        // Boundaries and nothing between them, a head far behind, none at all.
        let many = "--b".repeat(20_000);
        for body in [
            format!("{many}\r\n\r\n--b"),
            format!("{many}{token}"),
            many.clone(),
            format!("--b\r\n{token}"),
            token.to_owned(),
            String::new(),
        ] {
            assert_eq!(part(body.as_bytes(), b"--b"), None, "{}", body.len());
        }
        for kind in ["multipart/form-data; boundary=", "multipart/form-data; boundary=\"\"", "x"] {
            assert_eq!(boundary(kind), None, "{kind}");
        }
        assert_eq!(boundary(&format!("x; boundary={}", "b".repeat(71))), None);
    }

    /// All pieces of a body behind the reading ahead, asked for three times more than there are.
    fn handed_on(
        kind: &Kind,
        most: usize,
        pieces: Vec<Result<Bytes, &'static str>>,
    ) -> Vec<Result<Bytes, &'static str>> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            let rounds = pieces.len() + 3;
            let (mut body, _) = csrf_token(kind, most, Once(Some(pieces))).await;
            let mut all = Vec::new();
            for _ in 0..rounds {
                all.extend(next(&mut body).await);
            }
            all
        })
    }

    #[test]
    fn a_body_that_has_ended_is_not_asked_again() {
        let piece = |text: &'static str| Ok(Bytes::from_static(text.as_bytes()));
        let urlencoded = |most, pieces| handed_on(&Kind::Urlencoded, most, pieces);
        assert_eq!(urlencoded(9, vec![]), []);
        assert_eq!(urlencoded(9, vec![piece("a="), piece("b")]), [piece("a=b")]);
        // Longer than is read ahead: the rest comes as it was.
        let longer = vec![piece("a=b"), piece("cd"), piece("e")];
        assert_eq!(urlencoded(2, longer), [piece("a=b"), piece("cd"), piece("e")]);
        let cut = vec![piece("a=b"), Err("cut off")];
        assert_eq!(urlencoded(9, cut), [piece("a=b"), Err("cut off")]);
    }
}
