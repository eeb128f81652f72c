//! An app answers for its own hosts, and believes what a proxy says only where the proxy was named.

use std::net::SocketAddr;

use housekey::Config;

use crate::support::Home;
use crate::support::fronts::{Framework, on_both_frameworks};
use crate::support::log::said_of;
use crate::support::raw::{self, End, exchange};
use crate::support::server::{BROWSER, send};

on_both_frameworks!(
    other_hosts_are_refused_before_all_else,
    two_hosts_are_none,
    a_stranger_is_no_proxy,
    a_proxy_is_believed,
    of_several_values_the_first_is_the_visitors,
    no_header_breaks_the_front,
);

fn app(framework: Framework, home: &Home, config: Config) -> SocketAddr {
    framework.serve(&home.open_with(config))
}

fn other_hosts_are_refused_before_all_else(framework: Framework) {
    let home = Home::sqlite();
    let name = format!("hosts-{framework:?}");
    let config = home.config(&name).allowed_host("notes.example").allowed_host(".house.example");
    let app = app(framework, &home, config);
    for (host, status) in [
        ("notes.example", 200),
        ("NOTES.example:8000", 200),
        ("a.house.example", 200),
        ("house.example", 200),
        ("evil.example", 400),
        ("notes.example.evil.example", 400),
        ("xhouse.example", 400),
        ("notes.example@evil.example", 400),
        ("localhost", 400),
    ] {
        let answer = send("GET", app, "/public", &[("host", host)], "");
        assert_eq!(answer.status, status, "{host}");
    }
    let mut refused = None;
    let said = said_of(&name, || {
        let headers = [("host", "evil.example"), ("accept", BROWSER)];
        refused = Some(send("POST", app, "/logout", &headers, "x=1"));
    });
    let refused = refused.unwrap();
    assert_eq!(refused.status, 400);
    assert!(refused.body.contains("<p>This app does not answer for that host.</p>"));
    assert_eq!(refused.headers("x-frame-options"), ["DENY"]);
    // One line a second: it may have been said above already.
    for line in said {
        assert!(line.contains("ALLOWED_HOSTS") && line.contains("evil.example"), "{line}");
    }
}

fn two_hosts_are_none(framework: Framework) {
    let home = Home::sqlite();
    let config = home.config("notes").allowed_host("notes.example");
    for app in [app(framework, &home, config), framework.serve(&home.open("tasks"))] {
        for second in ["evil.example", "notes.example"] {
            let request = format!(
                "GET /public HTTP/1.1\r\nHost: notes.example\r\nHost: {second}\r\nConnection: close\r\n\r\n"
            );
            assert_eq!(exchange(app, request.as_bytes(), End::Open).status, 400, "{second}");
        }
    }
}

/// What the app believes: the host and scheme it was asked by, and the address of a login.
fn believed(app: SocketAddr, home: &Home, headers: &[(&str, &str)]) -> (String, String) {
    let all = [&[("host", "notes.example"), ("accept", BROWSER)], headers].concat();
    let page = send("GET", app, "/user", &all, "").header("location").unwrap().to_owned();
    let secrets = format!("csrftoken={}", crate::support::server::CSRF_SECRET);
    let token = ("x-csrftoken", crate::support::server::CSRF_SECRET);
    // What a browser says beside: without it HTTPS wants a Referer.
    let scheme = if page.contains("next=https%3A") { "https" } else { "http" };
    let host = page.split("%3A//").nth(1).unwrap().split('/').next().unwrap();
    let origin = format!("{scheme}://{host}");
    let posted = [&[("cookie", secrets.as_str()), token, ("origin", &origin)], headers].concat();
    home.execute("DELETE FROM housekey_session");
    let posted = [&[("host", "notes.example")], &posted[..]].concat();
    assert_eq!(send("POST", app, "/login-behind", &posted, "").status, 200, "{headers:?}");
    (origin, home.text("SELECT address FROM housekey_session"))
}

fn behind(home: &Home, name: &str) -> Config {
    home.config(name)
        .login_url("https://front.example/login")
        .secure_proxy_ssl_header("X-Forwarded-Proto", "https")
        .client_address_header("X-Forwarded-For")
        .use_x_forwarded_host()
}

const SAID: [(&str, &str); 3] = [
    ("x-forwarded-proto", "https"),
    ("x-forwarded-host", "tasks.example"),
    ("x-forwarded-for", "203.0.113.9, 192.0.2.7"),
];

fn open(home: &Home, framework: Framework, config: Config) -> SocketAddr {
    let house = home.open_with(config);
    if house.find_user("ada").unwrap().is_none() {
        crate::support::user(&house, "ada");
    }
    framework.serve(&house)
}

fn a_stranger_is_no_proxy(framework: Framework) {
    let home = Home::sqlite();
    let name = format!("strangers-{framework:?}");
    // The tests come from 127.0.0.1, which is believed only as long as nobody was named.
    let config = behind(&home, &name).trusted_proxy("10.0.0.0/8").trusted_proxy("unix");
    let app = open(&home, framework, config);
    let here = ("http://notes.example".to_owned(), "127.0.0.1".to_owned());
    let said = said_of(&name, || {
        for headers in [&SAID[..], &SAID[..1], &SAID[1..2], &SAID[2..]] {
            assert_eq!(believed(app, &home, headers), here, "{headers:?}");
        }
    });
    let about: Vec<_> = said.iter().filter(|line| line.contains("is not believed")).collect();
    let [line] = about[..] else { panic!("once a minute: {said:?}") };
    assert!(line.starts_with("WARN") && line.contains("127.0.0.1"), "{line}");
    assert!(line.contains("name it in TRUSTED_PROXIES"), "{line}");
    assert!(line.contains("header x-forwarded") || line.contains("header X-Forwarded"), "{line}");
    assert!(!line.contains("tasks.example") && !line.contains("192.0.2.7"), "{line}");
}

fn a_proxy_is_believed(framework: Framework) {
    let home = Home::sqlite();
    let there = ("https://tasks.example".to_owned(), "192.0.2.7".to_owned());
    let here = ("http://notes.example".to_owned(), "127.0.0.1".to_owned());
    let unnamed = open(&home, framework, behind(&home, "notes"));
    let named = open(&home, framework, behind(&home, "notes").trusted_proxy("127.0.0.1"));
    for app in [unnamed, named] {
        assert_eq!(believed(app, &home, &SAID), there);
    }
    // Nor is anything believed that the app was not told to look at.
    let config = home.config("notes").login_url("https://front.example/login");
    assert_eq!(believed(open(&home, framework, config), &home, &SAID), here);
}

fn of_several_values_the_first_is_the_visitors(framework: Framework) {
    let home = Home::sqlite();
    let app = open(&home, framework, behind(&home, "notes"));
    for (name, value, origin) in [
        ("x-forwarded-proto", "https, http", "https://notes.example"),
        ("x-forwarded-proto", "http, https", "http://notes.example"),
        ("x-forwarded-proto", " https ", "https://notes.example"),
        ("x-forwarded-proto", "HTTPS", "http://notes.example"),
        ("x-forwarded-proto", "httpss", "http://notes.example"),
        ("x-forwarded-host", "a.example, b.example", "http://a.example"),
        ("x-forwarded-host", "a.example:8443", "http://a.example%3A8443"),
    ] {
        let said = [("host", "notes.example"), ("accept", BROWSER), (name, value)];
        let answer = send("GET", app, "/user", &said, "");
        let next = format!("next={}/user", origin.replacen(':', "%3A", 1));
        let page = answer.header("location").unwrap();
        assert!(page.ends_with(&next), "{name}: {value} gives {page}");
    }
}

/// Whatever the bytes are, somebody answers.
fn no_header_breaks_the_front(framework: Framework) {
    let home = Home::sqlite();
    let config = behind(&home, "notes").allowed_host("notes.example").session_cookie_secure();
    let app = open(&home, framework, config);
    let mut dice = crate::support::dice::Dice(41);
    for round in 0..300 {
        let mut request =
            b"POST /login?next=/a HTTP/1.1\r\nConnection: close\r\nContent-Length: 3\r\n".to_vec();
        if round % 2 == 0 {
            request.extend_from_slice(b"Host: notes.example\r\n");
        }
        for _ in 0..5 {
            request.extend_from_slice(dice.pick(&raw::READ).as_bytes());
            request.extend_from_slice(b": ");
            let bytes: Vec<u8> = (b' '..=255).filter(|byte| *byte != 127).collect();
            let length = dice.below(40);
            request.extend(dice.text(&bytes, length));
            request.extend_from_slice(b"\r\n");
        }
        request.extend_from_slice(b"\r\na=b");
        let answer = exchange(app, &request, End::Open);
        assert!(
            (400..500).contains(&answer.status),
            "{}: {answer:?}",
            String::from_utf8_lossy(&request)
        );
    }
}
