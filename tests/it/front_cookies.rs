//! Cookies go over HTTPS alone, but within one machine, and where somebody has said that it must not be so; and they
//! are taken away as they were set.

use std::net::SocketAddr;

use housekey::Config;

use crate::support::fronts::{Framework, on_both_frameworks};
use crate::support::log::said_of;
use crate::support::server::{Answer, CSRF_SECRET, send};
use crate::support::{Home, House, user};

on_both_frameworks!(
    a_cookie_is_for_https_unless_it_stays_within_the_machine,
    a_cookie_that_no_browser_keeps_is_told_to_the_log,
    names_that_browsers_know_are_for_https,
    a_cookie_is_taken_away_as_it_was_set,
);

fn app(framework: Framework, home: &Home, config: Config) -> SocketAddr {
    let house = home.open_with(config.secure_proxy_ssl_header("X-Forwarded-Proto", "https"));
    if house.find_user("ada").unwrap().is_none() {
        user(&house, "ada");
    }
    framework.serve(&house)
}

fn post(app: SocketAddr, path: &str, host: &str, scheme: &str, cookies: &str) -> Answer {
    let origin = format!("{scheme}://{host}");
    let mut headers = vec![
        ("host", host),
        ("origin", &origin),
        ("cookie", cookies),
        ("x-csrftoken", CSRF_SECRET),
    ];
    if scheme == "https" {
        headers.push(("x-forwarded-proto", scheme));
    }
    let answer = send("POST", app, path, &headers, "");
    assert_eq!(answer.status, 200, "{path} at {origin}");
    answer
}

/// Both lines of a login: of the session and of the forms.
fn lines(app: SocketAddr, host: &str, scheme: &str, csrf_name: &str) -> [String; 2] {
    let cookies = format!("{csrf_name}={CSRF_SECRET}");
    let answer = post(app, "/login-behind", host, scheme, &cookies);
    let lines = answer.headers("set-cookie");
    let [one, _device, other] = lines[..] else { panic!("{lines:?}") };
    [one.to_owned(), other.to_owned()]
}

fn is_secure(line: &str) -> bool {
    line.split("; ").any(|part| part == "Secure")
}

fn a_cookie_is_for_https_unless_it_stays_within_the_machine(framework: Framework) {
    let home = Home::sqlite();
    let unsaid = app(framework, &home, home.config("notes"));
    let always = app(framework, &home, home.config("notes").session_cookie_secure());
    let danger = app(framework, &home, home.config("notes").danger_cookies_in_the_clear());
    for (host, scheme, secure) in [
        ("localhost", "http", false),
        ("localhost:8000", "http", false),
        ("notes.localhost", "http", false),
        ("127.0.0.1:8000", "http", false),
        ("[::1]", "http", false),
        ("notes.example", "http", true),
        ("localhost.example", "http", true),
        ("10.0.0.1", "http", true),
        ("localhost", "https", true),
        ("notes.example", "https", true),
    ] {
        for line in lines(unsaid, host, scheme, "csrftoken") {
            assert_eq!(is_secure(&line), secure, "{scheme}://{host}: {line}");
            assert!(line.contains("; SameSite=Lax") && line.contains("; Path=/"), "{line}");
            assert_eq!(line.contains("; HttpOnly"), line.starts_with("sessionid="), "{line}");
        }
        for line in lines(always, host, scheme, "csrftoken") {
            assert!(is_secure(&line), "{scheme}://{host}: {line}");
        }
        for line in lines(danger, host, scheme, "csrftoken") {
            assert!(!is_secure(&line), "{scheme}://{host}: {line}");
        }
    }
}

fn a_cookie_that_no_browser_keeps_is_told_to_the_log(framework: Framework) {
    let home = Home::sqlite();
    let name = format!("lost-{framework:?}");
    let app = app(framework, &home, home.config(&name));
    let said = said_of(&name, || {
        lines(app, "localhost", "http", "csrftoken");
        lines(app, "notes.example", "https", "csrftoken");
    });
    assert!(!said.iter().any(|line| line.contains("SECURE_PROXY_SSL_HEADER")), "{said:?}");
    let said = said_of(&name, || {
        lines(app, "notes.example", "http", "csrftoken");
        lines(app, "notes.example", "http", "csrftoken");
    });
    let about = said.iter().filter(|line| line.contains("SECURE_PROXY_SSL_HEADER"));
    let about: Vec<_> = about.collect();
    let [line] = about[..] else { panic!("once a minute: {said:?}") };
    assert!(line.starts_with("WARN") && line.contains("SESSION_COOKIE_SECURE=false"), "{line}");
}

fn names_that_browsers_know_are_for_https(framework: Framework) {
    let home = Home::sqlite();
    let named = |session: &str, csrf: &str| {
        home.config("notes").session_cookie_name(session).csrf_cookie_name(csrf)
    };
    for (session, csrf) in [("__Host-id", "__Secure-csrf"), ("__host-ID", "__SECURE-csrf")] {
        let app = app(framework, &home, named(session, csrf));
        for line in lines(app, "localhost", "http", csrf) {
            assert!(is_secure(&line) && line.contains("; Path=/"), "{line}");
            assert!(!line.contains("Domain"), "{line}");
        }
        let in_the_clear = named(session, csrf).danger_cookies_in_the_clear();
        assert!(House::open(in_the_clear).is_err());
    }
    // No browser knows these.
    let config = named("__session", "_Host-csrf").danger_cookies_in_the_clear();
    for line in lines(app(framework, &home, config), "notes.example", "http", "_Host-csrf") {
        assert!(!is_secure(&line), "{line}");
    }
}

fn a_cookie_is_taken_away_as_it_was_set(framework: Framework) {
    let home = Home::sqlite();
    for (config, host, scheme) in [
        (home.config("notes"), "localhost", "http"),
        (home.config("notes"), "notes.example", "https"),
        (home.config("notes").session_cookie_domain("example"), "notes.example", "https"),
        (home.config("notes").session_cookie_name("__Host-id"), "notes.example", "https"),
    ] {
        let app = app(framework, &home, config);
        let [set, _] = lines(app, host, scheme, "csrftoken");
        let (pair, _) = set.split_once(';').unwrap();
        let cookies = format!("{pair}; csrftoken={CSRF_SECRET}");
        let answer = post(app, "/logout", host, scheme, &cookies);
        let name = pair.split('=').next().unwrap();
        let gone = answer.set_cookie(name).unwrap();
        let attributes = |line: &str| {
            let mut parts: Vec<_> = line.split("; ").skip(1).map(str::to_owned).collect();
            parts.retain(|part| !part.starts_with("Max-Age") && !part.starts_with("Expires"));
            parts.sort();
            parts
        };
        assert_eq!(attributes(gone), attributes(&set));
        assert!(gone.starts_with(&format!("{name}=;")) && gone.contains("; Max-Age=0"), "{gone}");
        assert!(gone.contains("Expires=Thu, 01 Jan 1970 00:00:00 GMT"), "{gone}");
    }
}
