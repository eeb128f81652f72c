//! A body comes to the handler as it was sent, though its form was read ahead; and no form is longer than the app
//! reads into memory.

use std::net::SocketAddr;

use crate::support::Home;
use crate::support::fronts::routes::sum_of;
use crate::support::fronts::{Framework, Settings, on_both_frameworks};
use crate::support::raw::{End, Raw, chunked, exchange};
use crate::support::server::CSRF_SECRET;

on_both_frameworks!(
    a_body_comes_whole,
    a_body_that_is_cut_off_is_not_taken_for_a_whole_one,
    a_form_is_as_long_as_the_app_reads,
    a_refusal_is_heard_by_who_sends_much,
);

const FORM: &str = "application/x-www-form-urlencoded";
const UPLOAD: &str = "multipart/form-data; boundary=XX";

/// How the end of a body is known.
#[derive(Debug, Clone, Copy)]
enum Sent {
    WithLength,
    InChunks(usize),
}

fn head(kind: &str, more: &str) -> Vec<u8> {
    format!(
        "POST /raw HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: {kind}\r\n\
         Cookie: csrftoken={CSRF_SECRET}\r\n{more}\r\n"
    )
    .into_bytes()
}

fn post(app: SocketAddr, kind: &str, more: &str, body: &[u8], sent: Sent) -> Raw {
    let request = match sent {
        Sent::WithLength => {
            let length = format!("{more}Content-Length: {}\r\n", body.len());
            [head(kind, &length), body.to_vec()].concat()
        }
        Sent::InChunks(bytes) => {
            let in_chunks = format!("{more}Transfer-Encoding: chunked\r\n");
            [head(kind, &in_chunks), chunked(body, bytes)].concat()
        }
    };
    exchange(app, &request, End::Open)
}

/// A form of so many bytes, with its token at the end.
fn form(length: usize) -> Vec<u8> {
    let token = format!("&csrfmiddlewaretoken={CSRF_SECRET}");
    format!("a={}{token}", "b".repeat(length - token.len() - 2)).into_bytes()
}

/// A form with a file of so many bytes behind its token.
fn upload(length: usize) -> Vec<u8> {
    let part =
        |name: &str| format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n");
    let mut body =
        format!("{}{CSRF_SECRET}\r\n{}", part("csrfmiddlewaretoken"), part("file")).into_bytes();
    body.extend((0..length).map(|at| u8::try_from(at % 251).unwrap()));
    body.extend_from_slice(b"\r\n--XX--\r\n");
    body
}

const TOKEN: &str = "X-CSRFToken: abcdefghijklmnopqrstuvwxyzABCDEF\r\n";

fn a_body_comes_whole(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&home.open("notes"));
    let five_megabytes = vec![7; 5 << 20];
    for (kind, more, body) in [
        ("text/plain", TOKEN, &b""[..]),
        ("text/plain", TOKEN, b"x"),
        (FORM, TOKEN, b""),
        (FORM, TOKEN, b"x"),
        (FORM, "", &form(55)),
        (FORM, "", &form(4096)),
        (FORM, "", &form(70_000)),
        (UPLOAD, TOKEN, b""),
        (UPLOAD, TOKEN, b"x"),
        (UPLOAD, "", &upload(0)),
        (UPLOAD, "", &upload(1)),
        (UPLOAD, "", &upload(64 << 10)),
        (UPLOAD, "", &upload(5 << 20)),
        ("application/octet-stream", TOKEN, &five_megabytes),
        (UPLOAD, TOKEN, &five_megabytes),
    ] {
        let whole = sum_of(body);
        let bytes = if body.len() > 1 << 20 { 60_000 } else { 999 };
        for sent in [Sent::WithLength, Sent::InChunks(bytes)] {
            let answer = post(app, kind, more, body, sent);
            let told = format!("{kind}, {} bytes, {sent:?}", body.len());
            assert_eq!((answer.status, answer.text()), (200, whole.clone()), "{told}");
        }
    }
    let bit_by_bit = form(3000);
    let answer = post(app, FORM, "", &bit_by_bit, Sent::InChunks(1));
    assert_eq!(answer.text(), sum_of(&bit_by_bit));
}

fn a_body_that_is_cut_off_is_not_taken_for_a_whole_one(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&home.open("notes"));
    let (form, upload) = (form(5000), upload(200_000));
    for (kind, body) in [(FORM, &form), (UPLOAD, &upload), ("text/plain", &form)] {
        let length = format!("{TOKEN}Content-Length: {}\r\n", body.len() + 1);
        let by_length = [head(kind, &length), body.clone()].concat();
        let mut in_chunks = head(kind, &format!("{TOKEN}Transfer-Encoding: chunked\r\n"));
        in_chunks.extend(chunked(body, 1000));
        in_chunks.truncate(in_chunks.len() - 5);
        for request in [by_length, in_chunks] {
            let answer = exchange(app, &request, End::Closed);
            assert!([0, 400].contains(&answer.status), "{kind}: {answer:?}");
        }
    }
    assert_eq!(post(app, FORM, TOKEN, b"x", Sent::WithLength).status, 200, "the server lives");
}

fn a_form_is_as_long_as_the_app_reads(framework: Framework) {
    let home = Home::sqlite();
    let settings = Settings { most_of_a_form: Some(1000), ..Settings::default() };
    let app = framework.serve_with(&home.open("notes"), &settings);
    let status = |kind, more, body: &[u8]| {
        let of = |sent| post(app, kind, more, body, sent).status;
        let status = of(Sent::WithLength);
        for bytes in [10, 999, 1000, 1001, 5000] {
            assert_eq!(of(Sent::InChunks(bytes)), status, "{kind} {} {bytes}", body.len());
        }
        status
    };
    assert_eq!(status(FORM, "", &form(999)), 200);
    assert_eq!(status(FORM, "", &form(1000)), 200);
    assert_eq!(status(FORM, "", &form(1001)), 413);
    assert_eq!(status(FORM, TOKEN, &form(1001)), 413);
    // Who may not post at all is not told how much.
    assert_eq!(status(FORM, "Origin: https://evil.example\r\n", &form(1001)), 403);
    assert_eq!(status(UPLOAD, "", &upload(100_000)), 200);
    assert_eq!(status("text/plain", TOKEN, &form(5000)), 200);

    let more = format!("{TOKEN}Accept: application/json\r\n");
    let refused = post(app, FORM, &more, &form(1001), Sent::WithLength);
    assert_eq!(refused.header("content-type"), Some("application/problem+json"));
    assert_eq!(refused.header("x-content-type-options"), Some("nosniff"));
    assert!(refused.text().contains("The form is too long."), "{}", refused.text());

    // Two and a half megabytes unless said otherwise, as in Django.
    let app = framework.serve(&home.open("notes"));
    for (length, status) in [(2_621_440, 200), (2_621_441, 413)] {
        assert_eq!(post(app, FORM, "", &form(length), Sent::WithLength).status, status);
    }
}

fn a_refusal_is_heard_by_who_sends_much(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&home.open("notes"));
    for length in [100, 60_000, 200_000, 2 << 20, 20 << 20] {
        let body = vec![b'x'; length];
        for sent in [Sent::WithLength, Sent::InChunks(60_000)] {
            let of = |kind, more| post(app, kind, more, &body, sent).status;
            assert_eq!(of("text/plain", ""), 403, "{length} {sent:?}");
            assert_eq!(of(UPLOAD, ""), 403, "{length} {sent:?}");
            let expected = if length > 2_621_440 { 413 } else { 403 };
            assert_eq!(of(FORM, ""), expected, "{length} {sent:?}");
        }
    }
}
