//! HTTP/1.1 by hand: what no client library would send, and what a server answers to it.

use std::io::{Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// The headers that the front reads.
pub(crate) const READ: [&str; 14] = [
    "Host",
    "Cookie",
    "Accept",
    "Origin",
    "Referer",
    "X-CSRFToken",
    "Content-Type",
    "User-Agent",
    "X-Forwarded-Proto",
    "X-Forwarded-Host",
    "X-Forwarded-For",
    "Sec-Fetch-Site",
    "Sec-Fetch-Mode",
    "X-Requested-With",
];

/// What came back, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Raw {
    /// 0 when the server has closed the connection without a word.
    pub(crate) status: u16,
    /// Names in lower case, in their order.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Raw {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(n, _)| n == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Does the client say that there is no more?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It waits for the server to close.
    Open,
    /// It closes its side, as one that gives up half way does.
    Closed,
}

/// Sends these bytes on a connection of their own, and reads until the server closes it. What is sent should say
/// `Connection: close`.
pub(crate) fn exchange(address: SocketAddr, request: &[u8], end: End) -> Raw {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    let mut reader = stream.try_clone().unwrap();
    let is_complete = if request.starts_with(b"HEAD ") { has_head } else { has_body };
    let reading = std::thread::spawn(move || {
        let (mut answer, mut piece) = (Vec::new(), [0; 16 << 10]);
        // A server that refuses a body may reset the connection behind its answer.
        while let Ok(length @ 1..) = reader.read(&mut piece) {
            answer.extend_from_slice(&piece[..length]);
            if is_complete(&answer) {
                break;
            }
        }
        answer
    });
    let _ = stream.write_all(request);
    if end == End::Closed {
        let _ = stream.shutdown(Shutdown::Write);
    }
    parse(&reading.join().unwrap())
}

fn has_head(answer: &[u8]) -> bool {
    answer.windows(4).any(|window| window == b"\r\n\r\n")
}

/// Is there nothing to come, by the headers of the answer?
fn has_body(answer: &[u8]) -> bool {
    let raw = parse(answer);
    match raw.header("content-length") {
        Some(length) => raw.body.len() >= length.parse::<usize>().unwrap(),
        None if raw.header("transfer-encoding").is_some() => answer.ends_with(b"\r\n0\r\n\r\n"),
        None => raw.status == 204,
    }
}

fn parse(answer: &[u8]) -> Raw {
    let Some(head_end) = answer.windows(4).position(|window| window == b"\r\n\r\n") else {
        return Raw { status: 0, headers: Vec::new(), body: answer.to_vec() };
    };
    let head = String::from_utf8_lossy(&answer[..head_end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    if status == 100 {
        return parse(&answer[head_end + 4..]);
    }
    let headers: Vec<_> = lines
        .map(|line| line.split_once(':').unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut raw = Raw { status, headers, body: answer[head_end + 4..].to_vec() };
    if raw.header("transfer-encoding").is_some() {
        raw.body = dechunked(&raw.body);
    }
    raw
}

fn dechunked(mut body: &[u8]) -> Vec<u8> {
    let mut whole = Vec::new();
    while let Some(end) = body.windows(2).position(|window| window == b"\r\n") {
        let length = std::str::from_utf8(&body[..end]).unwrap();
        let length = usize::from_str_radix(length.trim(), 16).unwrap();
        let piece = &body[end + 2..];
        whole.extend_from_slice(&piece[..length.min(piece.len())]);
        if length == 0 || piece.len() < length + 2 {
            break;
        }
        body = &piece[length + 2..];
    }
    whole
}

/// A body in chunks of that many bytes.
pub(crate) fn chunked(body: &[u8], bytes: usize) -> Vec<u8> {
    let mut chunks = Vec::new();
    for chunk in body.chunks(bytes) {
        chunks.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        chunks.extend_from_slice(chunk);
        chunks.extend_from_slice(b"\r\n");
    }
    chunks.extend_from_slice(b"0\r\n\r\n");
    chunks
}
