//! The front door: the pages of the house as a process of their own.
#![cfg(unix)]

#[path = "support/front.rs"]
mod front;
#[cfg(feature = "postgres")]
#[path = "support/server.rs"]
mod server;
mod support;

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::os::unix::net::{UnixDatagram, UnixStream};

use serde_json::Value;

use front::{Browser, Front};
use support::{Home, KEY, text};

const OTHER_KEY: &str = "tests-only-the-other-key-9876543210-zyxwvutsrqponmlkji";

/// A house in which there is ada.
fn house(name: &str) -> Home {
    let home = Home::new(name);
    home.says(0, &["migrate"], "");
    home.says(0, &["user", "create", "ada"], "correct horse\n");
    home
}

#[test]
fn who_signs_in_at_the_front_door_is_signed_in_in_the_house() {
    signs_in(&house("front"), &[]);
}

#[cfg(feature = "postgres")]
#[test]
fn who_signs_in_at_the_front_door_is_signed_in_in_the_house_on_postgres() {
    let Some(server) = server::Server::new("front") else { return };
    let (home, url) = (Home::new("front_pg"), server.url());
    let settings = [("SECRET_KEY", KEY), ("SHARED_DATABASE_URL", &url)];
    for (arguments, input) in
        [(&["migrate"][..], ""), (&["user", "create", "ada"], "correct horse\n")]
    {
        assert_eq!(home.run_in(&settings, arguments, input).status.code(), Some(0));
    }
    signs_in(&home, &settings);
    assert_eq!(std::fs::read_dir(&home.0).unwrap().count(), 0, "there is no SQLite here");
}

fn signs_in(home: &Home, house: &[(&str, &str)]) {
    let back = ("SUCCESS_URL_ALLOWED_HOSTS", "[\"wiki.example.org\"]");
    let settings = [house, &[back]].concat();
    let arguments = ["--title", "House of Ada", "--app", "wiki=https://wiki.example.org/"];
    let front = Front::open(home, &settings, &arguments);
    assert!(front.line.starts_with("front listens at http://127.0.0.1:"), "{}", front.line);
    let mut browser = Browser::at(front.host());
    assert_eq!(browser.get("/").location, "/login?next=/");

    let page = browser.get("/login?next=https%3A//wiki.example.org/page");
    assert!(page.status == 200 && page.html.contains("House of Ada"), "{}", page.html);
    let form = |password, next| {
        let token = ("csrfmiddlewaretoken", page.token());
        [token, ("username", "ada"), ("password", password), ("next", next)]
    };
    let wiki = "https://wiki.example.org/page";
    assert_eq!(browser.post("/login", &form("correct horse", wiki)[1..]).status, 403);
    assert_eq!(browser.post("/login", &form("wrong", wiki)).status, 401);
    let signed_in = browser.post("/login", &form("correct horse", wiki));
    assert_eq!((signed_in.status, &*signed_in.location), (303, wiki));
    let evil = browser.get("/login?next=https%3A//evil.example/");
    assert_eq!((evil.status, &*evil.location), (303, "/"));

    let account = browser.get("/");
    assert!(account.html.contains("href=\"https://wiki.example.org/\""), "{}", account.html);
    let says = |arguments: &[&str]| {
        let settings = [&[("SECRET_KEY", KEY)], house].concat();
        text(&home.run_in(&settings, arguments, "").stdout)
    };
    let list = ["sessions", "list", "ada", "--json"];
    let listed: Value = serde_json::from_str(&says(&list)).unwrap();
    assert_eq!(listed["sessions"].as_array().unwrap().len(), 1, "{listed}");
    assert_eq!(listed["sessions"][0]["app"], "front");
    assert_eq!(listed["sessions"][0]["address"], "127.0.0.1");

    let document = browser.get("/housekey.json");
    assert_eq!(housekey::Profile::from_json(&document.html).unwrap().app, "front");
    let leave = browser.get("/logout");
    browser.post("/logout", &[("csrfmiddlewaretoken", leave.token())]);
    assert_eq!(says(&list), "{\"sessions\":[]}\n");
    let ended = front.stop();
    assert_eq!((ended.code, &*ended.out), (Some(0), "front has stopped\n"), "{}", ended.err);
}

#[test]
fn a_house_that_is_not_its_own_is_not_served() {
    let home = house("refused");
    let settings = [("SECRET_KEY", OTHER_KEY), ("APP_NAME", ""), ("LISTEN", "127.0.0.1:0")];
    let output = home.run_in(&settings, &["serve"], "");
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    assert!(said.starts_with("error: app `front` has the SECRET_KEY"), "{said}");
    assert_eq!(said.lines().count(), 1, "{said}");
}

#[test]
fn a_house_that_is_not_made_is_not_made_by_being_served() {
    let home = Home::new("unmade_front");
    let settings = [("SECRET_KEY", KEY), ("LISTEN", "127.0.0.1:0")];
    let output = home.run_in(&settings, &["serve"], "");
    let said = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout)), (Some(2), String::new()));
    assert!(said.contains("housekey migrate") && said.lines().count() == 1, "{said}");
    assert_eq!(std::fs::read_dir(&home.0).unwrap().count(), 0, "a file is left");
}

#[test]
fn the_own_database_of_an_app_is_left_alone() {
    let home = house("local");
    let front = Front::open(&home, &[("DATABASE_URL", "sqlite:local.db")], &[]);
    Browser::at(front.host()).get("/login");
    assert_eq!(front.stop().code, Some(0));
    assert!(!home.0.join("local.db").exists());
}

#[test]
fn an_address_that_is_none_is_told_in_one_line() {
    let home = house("address");
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let taken = taken.local_addr().unwrap().to_string();
    std::fs::write(home.0.join("notes.txt"), "mine").unwrap();
    // 192.0.2.0/24 is for documentation (RFC 5737) and on no machine.
    for (address, said) in [
        (&*taken, "is taken"),
        ("unix:notes.txt", "is taken"),
        ("192.0.2.1:8000", "is nothing to listen at"),
        ("unix:no/such/folder.sock", "is nothing to listen at"),
    ] {
        let output = home.run(&["serve", "--listen", address]);
        let error = text(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{address}: {error}");
        assert!(error.starts_with(&format!("error: {address} {said}")), "{error}");
        assert!(error.contains("--listen") && error.lines().count() == 1, "{error}");
    }
    assert_eq!(std::fs::read_to_string(home.0.join("notes.txt")).unwrap(), "mine");
    for wrong in
        [&["--listen", "8000"][..], &["--listen", "here:x"], &["--app", "wiki=javascript:x"]]
    {
        home.says(2, &[&["serve"], wrong].concat(), "");
    }
}

#[test]
fn a_request_under_way_is_answered_before_the_end() {
    let home = house("graceful");
    let front = Front::open(&home, &[], &[]);
    let host = front.host().to_owned();
    let mut browser = Browser::at(&host);
    let token = browser.get("/login").token().to_owned();
    let body = format!("csrfmiddlewaretoken={token}&username=ada&password=correct+horse");
    let (begin, rest) = body.split_at(20);
    let mut visitor = TcpStream::connect(&host).unwrap();
    write!(
        visitor,
        "POST /login HTTP/1.1\r\nHost: {host}\r\nOrigin: http://{host}\r\nCookie: {}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\nExpect: 100-continue\r\n\r\n",
        browser.header(),
        body.len()
    )
    .unwrap();
    // It says so when it waits for the form.
    let mut waits = [0; "HTTP/1.1 100 Continue\r\n\r\n".len()];
    visitor.read_exact(&mut waits).unwrap();
    assert_eq!(std::str::from_utf8(&waits), Ok("HTTP/1.1 100 Continue\r\n\r\n"));
    visitor.write_all(begin.as_bytes()).unwrap();
    let mut silent = TcpStream::connect(&host).unwrap();
    front.signal("TERM");
    assert_eq!(silent.read(&mut [0]).unwrap_or(0), 0, "who says nothing is not waited for");
    assert!(TcpStream::connect(&host).is_err(), "nobody else is let in");
    visitor.write_all(rest.as_bytes()).unwrap();
    let mut answer = String::new();
    visitor.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    assert_eq!(front.end().code, Some(0));
    assert!(home.says(0, &["sessions", "list", "ada"], "").contains("front"));
}

#[test]
fn it_is_told_at_the_door_that_nobody_keeps_the_way_secret() {
    let home = house("clear");
    let everywhere = ("LISTEN", "0.0.0.0:0");
    let told = Front::open(&home, &[everywhere], &[]).stop().err;
    assert!(told.contains("passwords can be read on the way"), "{told}");
    let proxy = ("SECURE_PROXY_SSL_HEADER", "[\"X-Forwarded-Proto\", \"https\"]");
    for settings in [&[everywhere, proxy][..], &[]] {
        let told = Front::open(&home, settings, &[]).stop().err;
        assert!(!told.contains("on the way"), "{told}");
    }
}

#[test]
fn behind_a_socket_the_proxy_says_who_comes() {
    let home = house("socket");
    let path = home.0.join("front.sock");
    let listen = format!("unix:{}", path.display());
    let proxy = [
        ("LISTEN", &*listen),
        ("TRUSTED_PROXIES", "[\"unix\"]"),
        ("CLIENT_ADDRESS_HEADER", "X-Real-IP"),
    ];
    let killed = Front::open(&home, &proxy, &[]);
    killed.signal("KILL");
    assert_eq!(killed.end().code, None);
    assert!(path.exists(), "a process that is killed leaves its socket");

    let front = Front::open(&home, &proxy, &["--json"]);
    let line: Value = serde_json::from_str(&front.line).unwrap();
    assert_eq!(line, serde_json::json!({ "app": "front", "address": listen }));
    let ask = |request: String| {
        let mut stream = UnixStream::connect(&path).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    };
    let head = "Host: localhost\r\nX-Real-IP: 192.0.2.7\r\nConnection: close\r\n";
    let page = ask(format!("GET /login HTTP/1.1\r\n{head}\r\n"));
    let after = |mark: &str, end: char| {
        let rest = page.split(mark).nth(1).unwrap();
        rest.split(end).next().unwrap().to_owned()
    };
    let cookie = after("csrftoken=", ';');
    let token = after("name=\"csrfmiddlewaretoken\" value=\"", '"');
    let body = format!("csrfmiddlewaretoken={token}&username=ada&password=correct+horse");
    let answer = ask(format!(
        "POST /login HTTP/1.1\r\n{head}Origin: http://localhost\r\nCookie: csrftoken={cookie}\r\nContent-Type: \
         application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    ));
    assert!(answer.starts_with("HTTP/1.1 303 "), "{answer}");
    assert!(home.says(0, &["sessions", "list", "ada"], "").contains("front  192.0.2.7"));

    let again = home.run(&["serve", "--listen", &listen]);
    let said = text(&again.stderr);
    assert!(again.status.code() == Some(2) && said.contains("is taken"), "{said}");
    let ended = front.stop();
    assert_eq!(ended.code, Some(0), "{}", ended.err);
    assert_eq!(ended.out, "{\"app\":\"front\",\"stopped\":true}\n");
    assert!(!path.exists(), "it takes its socket along");
}

#[test]
fn systemd_is_told_when_it_listens() {
    let home = house("notify");
    let path = home.0.join("notify.sock");
    let systemd = UnixDatagram::bind(&path).unwrap();
    let front = Front::open(&home, &[("NOTIFY_SOCKET", path.to_str().unwrap())], &[]);
    let mut message = [0; 64];
    let length = systemd.recv(&mut message).unwrap();
    assert_eq!(&message[..length], b"READY=1");
    assert_eq!(front.stop().code, Some(0));
}
