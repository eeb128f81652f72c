//! Both frameworks answer alike: the same requests, good and malformed, get the same status, headers and body,
//! but for what the server itself says.

use std::collections::HashSet;
use std::fmt::Write as _;
use std::net::SocketAddr;

use housekey::{Config, permissions};

use crate::support::dice::Dice;
use crate::support::fronts::{Framework, Settings};
use crate::support::raw::{End, Raw, chunked, exchange};
use crate::support::server::CSRF_SECRET;
use crate::support::{Home, House, PASSWORD, login, user};

/// What may differ: of which requests, which answers, and why.
struct Allowed {
    why: &'static str,
    of: fn(&Case) -> bool,
    is: fn(axum: &Raw, actix: &Raw) -> bool,
}

const ALLOWED: [Allowed; 8] = [
    Allowed {
        why: "actix-http refuses a request of HTTP/1.1 that names no host, hyper hands it on",
        of: |case| !case.has("\r\nHost:"),
        is: |_, actix| is_the_servers_own_400(actix),
    },
    Allowed {
        why: "actix-http refuses several hosts itself, and ours does so behind hyper",
        of: |case| case.shown().matches("\r\nHost:").count() > 1,
        is: |axum, actix| axum.status == 400 && is_the_servers_own_400(actix),
    },
    Allowed {
        why: "actix-http refuses letters beyond ASCII in the address, hyper hands them on",
        of: |case| !case.line().is_ascii(),
        is: |_, actix| is_the_servers_own_400(actix),
    },
    Allowed {
        why: "actix-http refuses a length beside chunks, hyper takes the chunks",
        of: |case| case.has("Content-Length: 2\r\nTransfer-Encoding: chunked"),
        is: |_, actix| is_the_servers_own_400(actix),
    },
    Allowed {
        why: "routers read paths differently: actix-web finds /user under /%75ser, its scopes have all that begins with \
              their path, and have no `*`",
        of: |case| {
            let line = case.line();
            ["/%75ser", "/required/", " * "].iter().any(|odd| line.contains(odd))
        },
        is: |axum, actix| axum.status == 404 && [303, 401, 404].contains(&actix.status),
    },
    Allowed {
        why: "a route that is mounted alone is no route for other methods to actix-web, which axum answers with 405",
        of: |case| case.line().contains("/housekey.json"),
        is: |axum, actix| (axum.status, actix.status) == (405, 404),
    },
    Allowed {
        why: "what a handler is told of a body that does not end well is the framework's text",
        of: |case| case.end == End::Closed || case.has("\r\nzz\r\n"),
        is: |axum, actix| (axum.status, actix.status) == (400, 400),
    },
    Allowed {
        why: "the servers do not agree whether an empty answer to HEAD has a length",
        of: |case| case.line().starts_with("HEAD "),
        is: |axum, actix| {
            let of = |raw: &Raw| {
                let headers = raw.headers.iter().filter(|(name, _)| name != "content-length");
                (raw.status, headers.cloned().collect::<Vec<_>>())
            };
            of(axum) == of(actix)
        },
    },
];

/// It never came to the layer.
fn is_the_servers_own_400(raw: &Raw) -> bool {
    raw.status == 400 && raw.body.is_empty() && raw.header("x-content-type-options").is_none()
}

/// Headers that are written outside of the layer.
const OF_THE_SERVER: [(&str, &str); 4] = [
    ("date", "the clock"),
    ("connection", "hyper repeats what the client has said, actix-http does not"),
    ("transfer-encoding", "said of the body that a client reads"),
    (
        "allow",
        "axum names the methods of a path in all answers but those that it has a handler for",
    ),
];

/// A request with `{ada}` for the key of a new session of hers, and so on.
#[derive(Debug, Clone)]
struct Case {
    bytes: Vec<u8>,
    end: End,
}

impl Case {
    fn shown(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    fn line(&self) -> String {
        self.shown().lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned()
    }

    fn has(&self, text: &str) -> bool {
        self.shown().contains(text)
    }
}

struct Side {
    framework: Framework,
    home: Home,
    house: House,
    address: SocketAddr,
}

impl Side {
    fn new(framework: Framework, change: impl Fn(Config) -> Config, settings: &Settings) -> Self {
        let home = Home::sqlite();
        let config = home.config("notes").permissions(permissions! { "notes": Note { add } });
        let house = home.open_with(change(config));
        for name in ["ada", "bob", "cara"] {
            user(&house, name);
        }
        home.execute("UPDATE auth_user SET is_staff = true WHERE username = 'bob'");
        home.execute(
            "INSERT INTO auth_user_user_permissions (user_id, permission_id)
             SELECT u.id, p.id FROM auth_user u, auth_permission p
             WHERE u.username = 'cara' AND p.codename = 'add_note'",
        );
        let address = framework.serve_with(&house, settings);
        Self { framework, home, house, address }
    }

    fn ask(&self, case: &Case) -> Raw {
        let mut bytes = case.bytes.clone();
        for name in ["ada", "bob", "cara"] {
            let place = format!("{{{name}}}");
            if find(&bytes, place.as_bytes()).is_some() {
                replace(&mut bytes, place.as_bytes(), login(&self.house, name).as_bytes());
            }
        }
        normalised(exchange(self.address, &bytes, case.end))
    }
}

fn find(text: &[u8], wanted: &[u8]) -> Option<usize> {
    text.windows(wanted.len()).position(|window| window == wanted)
}

fn replace(text: &mut Vec<u8>, place: &[u8], by: &[u8]) {
    while let Some(at) = find(text, place) {
        text.splice(at..at + place.len(), by.iter().copied());
    }
}

/// Without what is random or of its moment, and the headers in the order of their names.
fn normalised(mut raw: Raw) -> Raw {
    raw.headers.retain(|(name, _)| OF_THE_SERVER.iter().all(|(own, _)| own != name));
    for (_, value) in &mut raw.headers {
        *value = without_chance(value);
    }
    raw.headers.sort();
    if let Ok(body) = String::from_utf8(raw.body.clone()) {
        // The name of a house is as random as its keys.
        let body = match body.split_once("\"house\":\"") {
            Some((before, rest)) => format!("{before}{}", &rest[rest.find('"').unwrap()..]),
            None => body,
        };
        raw.body = without_chance(&body).into_bytes();
    }
    raw
}

/// Keys, secrets and tokens are long runs of letters and digits; `Expires` is told by the clock.
fn without_chance(text: &str) -> String {
    let text = match text.strip_prefix("housekey_device=").and_then(|rest| rest.split_once(';')) {
        Some((_, rest)) => &format!("housekey_device=<chance>;{rest}"),
        None => text,
    };
    let text = match text.split_once("Expires=") {
        Some((before, rest)) => {
            let after = rest.split_once(';').map_or("", |(_, after)| after);
            format!("{before}Expires=<then>;{after}")
        }
        None => text.to_owned(),
    };
    let mut out = String::new();
    let mut run = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_alphanumeric() {
            run.push(letter);
            continue;
        }
        let is_random = [32, 40, 64].contains(&run.len()) && run != CSRF_SECRET;
        out.push_str(if is_random { "<chance>" } else { &run });
        run.clear();
        out.push(letter);
    }
    out.pop();
    out
}

fn request(method: &str, target: &str, headers: &[(&str, &str)], body: &str) -> Case {
    let mut head = format!("{method} {target} HTTP/1.1\r\nConnection: close\r\n");
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("host")) {
        head += "Host: notes.example\r\n";
    }
    for (name, value) in headers {
        let _ = write!(head, "{name}: {value}\r\n");
    }
    if !body.is_empty() || ["POST", "PUT", "PATCH"].contains(&method) {
        let _ = write!(head, "Content-Length: {}\r\n", body.len());
    }
    raw(format!("{head}\r\n{body}"))
}

fn raw(bytes: impl Into<Vec<u8>>) -> Case {
    Case { bytes: bytes.into(), end: End::Open }
}

const FORM: &str = "application/x-www-form-urlencoded";
const BROWSER: &str = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8";

const PATHS: [&str; 48] = [
    "/inside/teapot",
    "/inside/ended",
    "/",
    "/public",
    "/user",
    "/three",
    "/session",
    "/set",
    "/fail",
    "/remember",
    "/interrupt",
    "/login",
    "/logout",
    "/password",
    "/login-behind",
    "/login-and-show",
    "/may",
    "/is-fresh",
    "/permission",
    "/staff",
    "/fresh",
    "/token",
    "/field",
    "/next",
    "/asks-again",
    "/raw",
    "/stream",
    "/page",
    "/own",
    "/cached",
    "/empty",
    "/moved",
    "/broken",
    "/error/gone",
    "/error/value",
    "/error/user",
    "/error/taken",
    "/error/query",
    "/error/panicked",
    "/error/with-more",
    "/hook",
    "/in/user",
    "/in/next?next=/a",
    "/required/login/deep",
    "/required/permission/deep",
    "/required/staff/deep",
    "/housekey.json",
    "/nowhere",
];

/// Each path with each method, and the rest as the dice say.
fn generated() -> Vec<Case> {
    let mut dice = Dice(20_26);
    let mut cases = Vec::new();
    for path in PATHS {
        for method in ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS"] {
            cases.push(generated_one(&mut dice, path, method));
            if ["GET", "POST"].contains(&method) {
                cases.extend((0..3).map(|_| generated_one(&mut dice, path, method)));
            }
        }
    }
    cases
}

fn generated_one(dice: &mut Dice, path: &str, method: &str) -> Case {
    let mut headers = Vec::new();
    let accept =
        dice.pick(&["", BROWSER, "*/*", "application/json", "text/plain", "text/html;q=0"]);
    let csrf = format!("csrftoken={CSRF_SECRET}");
    let cookie = dice.pick(&[
        "",
        "sessionid={ada}",
        "sessionid={bob}",
        "sessionid={cara}",
        "sessionid=nonsense",
        "sessionid=",
    ]);
    let cookie = if dice.one_in(4) { cookie.to_owned() } else { format!("{csrf}; {cookie}") };
    headers.push(("Cookie", cookie.as_str()));
    if !accept.is_empty() {
        headers.push(("Accept", accept));
    }
    if method != "GET" && !dice.one_in(4) {
        headers.push(("X-CSRFToken", CSRF_SECRET));
    }
    for (name, values) in [
        ("Origin", ["http://notes.example", "https://evil.example", "null", ""]),
        ("Sec-Fetch-Site", ["same-origin", "cross-site", "none", ""]),
        ("Sec-Fetch-Mode", ["navigate", "cors", "no-cors", ""]),
        ("X-Requested-With", ["XMLHttpRequest", "", "", ""]),
        ("X-Forwarded-Proto", ["https", "http", "https, http", ""]),
        ("X-Forwarded-Host", ["tasks.example", "evil.example", "tasks.example, evil.example", ""]),
        (
            "Referer",
            ["https://notes.example/", "https://tasks.example/x", "http://evil.example/", ""],
        ),
    ] {
        if dice.one_in(3) {
            headers.push((name, dice.pick(&values)));
        }
    }
    let token = format!("csrfmiddlewaretoken={CSRF_SECRET}");
    let credentials =
        format!("username=ada&password={}&next=/there&{token}", PASSWORD.replace(' ', "+"));
    let passwords = format!("old={0}&new={0}&{token}", PASSWORD.replace(' ', "+"));
    let part = |name: &str, text: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let upload = part("csrfmiddlewaretoken", CSRF_SECRET) + &part("file", "data") + "--XX--\r\n";
    let (kind, body) = match dice.below(7) {
        0 => (FORM, credentials.as_str()),
        1 => (FORM, passwords.as_str()),
        2 => (FORM, token.as_str()),
        3 => ("multipart/form-data; boundary=XX", upload.as_str()),
        4 => ("application/json", "{\"a\":1}"),
        5 => ("text/plain", "x"),
        _ => ("", ""),
    };
    let body = if ["GET", "HEAD", "OPTIONS"].contains(&method) { "" } else { body };
    if !kind.is_empty() && !body.is_empty() {
        headers.push(("Content-Type", kind));
    }
    request(method, path, &headers, body)
}

/// What somebody would send who looks for a hole.
const ODD_HOSTS: [&str; 23] = [
    "",
    " ",
    "evil.example\" onload=",
    "a b",
    "[::1",
    "[::1]",
    "[::1]:8000",
    "a:b:c",
    "a@b",
    "localhost",
    "127.0.0.1",
    "NOTES.EXAMPLE",
    "notes.example.",
    "notes.example:80",
    "notes.example:",
    ":80",
    "/",
    "?",
    "%00",
    "ä.example",
    "notes.example, evil.example",
    "<script>",
    "*",
];

const ODD_TARGETS: [&str; 42] = [
    "//evil.example/user",
    "//evil.example/../user",
    "/\\evil.example",
    "/user/",
    "//user",
    "/./user",
    "/x/../user",
    "/%2e%2e/user",
    "/%75ser",
    "/user%00",
    "/user%2f",
    "/user%",
    "/user%zz",
    "/user;a=b",
    "/user;/..",
    "/user#x",
    "/user?a=b#c",
    "/user?",
    "/user??",
    "/user?a=%ff",
    "/user?a=%00",
    "/user?\"<>",
    "/ user",
    "user",
    "*",
    "/üser",
    "/user?ü",
    "/user?a[]=1|2",
    "http://notes.example/user",
    "http://evil.example/user",
    "https://notes.example/user",
    "https://notes.example/token",
    "http:///user",
    "http://a@notes.example/user",
    "ftp://notes.example/user",
    "/in//user",
    "/in/user/",
    "/IN/user",
    "/required/login",
    "/required/login/",
    "/required/login/nowhere",
    "/required/staff/nowhere",
];

const ODD_QUERIES: [&str; 30] = [
    "next=/a",
    "next=%2Fa",
    "next=//evil.example",
    "next=/%5Cevil.example",
    "next=/%09/evil.example",
    "next=http://notes.example/a",
    "next=http:notes.example",
    "next=javascript:alert(1)",
    "next=%00",
    "next=%ff",
    "next=/a&next=/b",
    "next=/a;next=/b",
    "next",
    "next=",
    "NEXT=/a",
    "next=/a%0d%0aSet-Cookie:x=1",
    "next=/ü",
    "next=/%C3%BC",
    "next=+/a",
    "next=/a+b",
    "next=%E2%80%AE/a",
    "reauthenticate=1",
    "reauthenticate=0&next=/a",
    "next=http://notes.example:80/",
    "next=https://notes.example%5C@evil.example/",
    "next=/a#b",
    "next=%2523",
    "next=///evil.example",
    "next=http:///evil.example",
    "next=/a%3Fnext%3D/b",
];

const ODD_COOKIES: [&str; 15] = [
    "sessionid={ada}; sessionid=",
    "sessionid=; sessionid={ada}",
    "sessionid=\"{ada}\"",
    "sessionid={ada}, sessionid={bob}",
    "sessionid={ada};csrftoken=x",
    " sessionid = {ada} ",
    "Sessionid={ada}",
    "$Version=1; sessionid={ada}",
    "=;;=",
    "sessionid={ada}\u{fc}",
    "sessionid=%7Bada%7D",
    "sessionid",
    ";",
    "sessionid={ada}x",
    "sessionid={ada}=",
];

fn get(target: &str, headers: &[(&str, &str)]) -> Case {
    request("GET", target, headers, "")
}

fn odd() -> Vec<Case> {
    let hosts = ODD_HOSTS.iter().flat_map(|host| {
        [
            get("/user", &[("Host", host), ("Accept", BROWSER)]),
            get("/token", &[("Host", host)]),
            get("/next?next=http://evil.example/", &[("Host", host)]),
        ]
    });
    let targets = ODD_TARGETS.iter().map(|target| get(target, &[("Accept", BROWSER)]));
    let queries = ODD_QUERIES.iter().flat_map(|query| {
        [get(&format!("/next?{query}"), &[]), get(&format!("/asks-again?{query}"), &[])]
    });
    let cookies = ODD_COOKIES.iter().map(|cookie| get("/user", &[("Cookie", cookie)]));
    hosts.chain(targets).chain(queries).chain(cookies).collect()
}

/// Headers that are there twice, are long, or say what is not so.
fn odd_headers() -> Vec<Case> {
    let secrets = format!("csrftoken={CSRF_SECRET}");
    let token = [("Cookie", secrets.as_str()), ("X-CSRFToken", CSRF_SECRET)];
    let long = "x".repeat(64 << 10);
    vec![
        get("/user", &[("Cookie", "sessionid={ada}"), ("Cookie", "sessionid=nonsense")]),
        get("/user", &[("Cookie", "a=1"), ("Cookie", "sessionid={ada}")]),
        get("/user", &[("Host", "notes.example"), ("Host", "evil.example")]),
        get("/user", &[("Host", "notes.example"), ("Host", "notes.example")]),
        get("/user", &[("Accept", "text/html"), ("Accept", "application/json")]),
        get("/user", &[("Accept", "application/json"), ("Accept", "text/html;q=0.5")]),
        get("/user", &[("Accept", "text/html; Q=0.1, application/json")]),
        get("/user", &[("Accept", "application/*")]),
        get("/user", &[("Accept", "text/*")]),
        get("/user", &[("X-Long", &long), ("Accept", BROWSER)]),
        get("/user", &[("Cookie", &long)]),
        get("/user", &[("Cookie", &format!("sessionid={long}"))]),
        get("/token", &[("Cookie", &format!("csrftoken={long}"))]),
        get("/user", &[("User-Agent", &long), ("Cookie", "sessionid={ada}")]),
        get("/user", &[("X-Forwarded-Host", &long), ("Accept", BROWSER)]),
        get(&format!("/next?next=/{}", "a".repeat(5000)), &[]),
        get(&format!("/user?{}", "a".repeat(5000)), &[("Accept", BROWSER)]),
        request(
            "POST",
            "/public",
            &[token[0], token[1], ("Origin", "null"), ("Origin", "http://notes.example")],
            "x",
        ),
        request(
            "POST",
            "/public",
            &[token[0], token[1], ("Origin", "http://notes.example"), ("Origin", "null")],
            "x",
        ),
        request("POST", "/public", &[token[0], ("X-CSRFToken", "x"), token[1]], "x"),
        request("POST", "/public", &[token[0], token[1], ("Origin", "HTTP://NOTES.EXAMPLE")], "x"),
        request("POST", "/public", &[token[0], token[1], ("Sec-Fetch-Site", "")], "x"),
        request("POST", "/public", &[token[0], token[1], ("Sec-Fetch-Site", "SAME-ORIGIN")], "x"),
        request("POST", "/public", &[token[0], token[1], ("X-HTTP-Method-Override", "GET")], "x"),
        request("POST", "/public", &[("X-HTTP-Method-Override", "GET")], "x"),
        request("BREW", "/public", &[], ""),
        request("get", "/public", &[], ""),
        request("TRACE", "/public", &[], ""),
        request("OPTIONS", "*", &[], ""),
        request("QUERY", "/public", &[], ""),
        request("PROPFIND", "/nowhere", &[token[0], token[1]], ""),
        request("GET", "/public", &[], "a body"),
        request("GET", "/public", &[("Expect", "100-continue")], ""),
        request("POST", "/raw", &[token[0], token[1], ("Expect", "100-continue")], "x"),
        request("POST", "/raw", &[("Expect", "100-continue")], "x"),
        request("GET", "/public", &[("Upgrade", "websocket")], ""),
        request("GET", "/page", &[("If-None-Match", "*"), ("Range", "bytes=0-1")], ""),
    ]
}

/// Forms in whose kind or body a token may be found, or not.
fn odd_forms() -> Vec<Case> {
    let secrets = format!("csrftoken={CSRF_SECRET}");
    let token = [("Cookie", secrets.as_str())];
    let mut cases = Vec::new();
    for kind in [
        FORM,
        "APPLICATION/X-WWW-FORM-URLENCODED; charset=latin-1",
        " application/x-www-form-urlencoded ;",
        "application/x-www-form-urlencoded, text/plain",
        "text/plain",
        "",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=\"XX\"",
        "multipart/form-data;BOUNDARY=XX",
        "multipart/form-data; boundary=X;X",
        "multipart/mixed; boundary=XX",
    ] {
        for body in [
            format!("csrfmiddlewaretoken={CSRF_SECRET}"),
            format!("csrfmiddlewaretoken=&csrfmiddlewaretoken={CSRF_SECRET}"),
            format!("csrfmiddlewaretoken%3d{CSRF_SECRET}"),
            "%".to_owned(),
            format!(
                "--XX\r\nContent-Disposition: form-data; name=csrfmiddlewaretoken\r\n\r\n{CSRF_SECRET}\r\n--XX--"
            ),
            format!(
                "--XX\nContent-Disposition: form-data; name=\"csrfmiddlewaretoken\"\n\n{CSRF_SECRET}\n--XX--"
            ),
        ] {
            cases.push(request("POST", "/raw", &[token[0], ("Content-Type", kind)], &body));
        }
    }
    cases
}

/// What is not even HTTP, or not to its end.
fn malformed() -> Vec<Case> {
    let secrets = format!("Cookie: csrftoken={CSRF_SECRET}\r\nX-CSRFToken: {CSRF_SECRET}\r\n");
    let mut cases: Vec<Case> = [
        "GET /user HTTP/1.0\r\n\r\n".to_owned(),
        "GET /user HTTP/1.0\r\nAccept: text/html\r\n\r\n".to_owned(),
        "GET /public HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /public HTTP/2.0\r\nHost: a\r\n\r\n".to_owned(),
        "GET /public HTTP/9.9\r\nHost: a\r\n\r\n".to_owned(),
        "GET /public\r\n\r\n".to_owned(),
        "GET  /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\nHost: a\nConnection: close\n\n".to_owned(),
        "nonsense\r\n\r\n".to_owned(),
        "\r\n\r\nGET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: a\r\n b\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX : a\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX: a\u{0}b\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\n: a\r\n\r\n".to_owned(),
        "GET /public HTTP/1.1\r\nHost: a\r\nConnection: close\r\nX\r\n\r\n".to_owned(),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxy"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Content-Length: -1\r\n\r\nxy"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Content-Length: +2\r\n\r\nxy"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Content-Length: 99999999999999999999\r\n\r\nxy"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Transfer-Encoding: xchunked\r\n\r\n1\r\nx\r\n0\r\n\r\n"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}Transfer-Encoding: chunked\r\n\r\nzz\r\nx\r\n0\r\n\r\n"),
        format!("POST /raw HTTP/1.1\r\nHost: a\r\nConnection: close\r\n{secrets}\r\n"),
    ]
    .map(raw)
    .into();
    for name in crate::support::raw::READ {
        for value in [&b"\xff\xfe"[..], b"a\xc3\x28b", b"\xc3\xbc", b"\t\x80"] {
            for (method, path) in [("GET", "/user"), ("GET", "/token"), ("POST", "/login")] {
                let host = if name == "Host" { "" } else { "Host: notes.example\r\n" };
                let length = if method == "POST" { "Content-Length: 1\r\n" } else { "" };
                let head = format!(
                    "{method} {path} HTTP/1.1\r\nConnection: close\r\n{host}{length}{name}: "
                );
                let mut bytes = head.into_bytes();
                bytes.extend_from_slice(value);
                bytes.extend_from_slice(b"\r\n\r\n");
                if method == "POST" {
                    bytes.push(b'x');
                }
                cases.push(raw(bytes));
            }
        }
    }
    for path in [&b"/\xff"[..], b"/user?\xff", b"/next?next=/\xff\xfe", b"/%ff"] {
        cases.push(raw(
            [b"GET ", path, b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"].concat()
        ));
    }
    let head = |more: &str| {
        format!(
            "POST /raw HTTP/1.1\r\nHost: notes.example\r\nConnection: close\r\nCookie: csrftoken={CSRF_SECRET}\r\n{more}\r\n"
        )
    };
    let body = format!("a={}&csrfmiddlewaretoken={CSRF_SECRET}", "b".repeat(5000));
    for kind in [FORM, "text/plain", "multipart/form-data; boundary=XX"] {
        for bytes in [1, 7, 4096] {
            let mut whole =
                head(&format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n"))
                    .into_bytes();
            whole.extend(chunked(body.as_bytes(), bytes));
            cases.push(raw(whole));
        }
        // A client that stops half way.
        let half = head(&format!("Content-Type: {kind}\r\nContent-Length: 9000\r\n")) + &body;
        cases.push(Case { bytes: half.into_bytes(), end: End::Closed });
        let half =
            head(&format!("Content-Type: {kind}\r\nTransfer-Encoding: chunked\r\n")) + "ff\r\nhalf";
        cases.push(Case { bytes: half.into_bytes(), end: End::Closed });
    }
    cases
}

fn differences(
    sides: &[Side; 2],
    cases: &[Case],
    needed: &mut HashSet<&'static str>,
) -> Vec<String> {
    let mut differences = Vec::new();
    for case in cases {
        let [one, other] = sides.each_ref().map(|side| side.ask(case));
        let allowed =
            ALLOWED.iter().find(|allowed| (allowed.of)(case) && (allowed.is)(&one, &other));
        if one == other {
            continue;
        }
        if let Some(allowed) = allowed {
            needed.insert(allowed.why);
            continue;
        }
        let shown: String = case.shown().chars().take(700).collect();
        let side = |raw: &Raw| {
            let body: String = raw.text().chars().take(200).collect();
            format!("{} {:?} {body:?}", raw.status, raw.headers)
        };
        differences.push(format!(
            "{shown:?}\n  {:?}: {}\n  {:?}: {}",
            sides[0].framework,
            side(&one),
            sides[1].framework,
            side(&other)
        ));
    }
    differences
}

fn compare(
    change: impl Fn(Config) -> Config,
    settings: &Settings,
    needed: &mut HashSet<&'static str>,
) {
    let sides = [Framework::Axum, Framework::Actix].map(|of| Side::new(of, &change, settings));
    let cases: Vec<_> = [generated(), odd(), odd_headers(), odd_forms(), malformed()].concat();
    assert!(cases.len() > 500, "{}", cases.len());
    let found = differences(&sides, &cases, needed);
    assert!(found.is_empty(), "{} of {}:\n{}", found.len(), cases.len(), found.join("\n"));
    assert_eq!(sides[0].home.sessions(), sides[1].home.sessions());
}

#[test]
fn the_same_request_has_the_same_answer_on_both() {
    let mut needed = HashSet::new();
    compare(|config| config, &Settings::default(), &mut needed);

    let behind_a_proxy = |config: Config| {
        config
            .login_url("https://front.example/login")
            .allow_next_host("tasks.example")
            .allowed_host("notes.example")
            .allowed_host("tasks.example")
            .allowed_host("localhost")
            .csrf_trusted_origin("https://tasks.example")
            .secure_proxy_ssl_header("X-Forwarded-Proto", "https")
            .client_address_header("X-Forwarded-For")
            .use_x_forwarded_host()
    };
    let settings =
        Settings { hsts_seconds: Some(60), most_of_a_form: Some(1000), ..Settings::default() };
    compare(behind_a_proxy, &settings, &mut needed);

    for allowed in ALLOWED {
        assert!(needed.contains(allowed.why), "does not differ any more: {}", allowed.why);
    }
}
