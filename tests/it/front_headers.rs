//! Browsers are told on every answer to take care, and what the app has said itself stays.

use crate::support::Home;
use crate::support::fronts::{Framework, Settings, on_both_frameworks};
use crate::support::server::{BROWSER, send, visit};

on_both_frameworks!(
    every_answer_is_told_to_be_safe,
    what_the_app_has_said_itself_stays,
    pages_have_a_content_policy_and_nothing_else_has,
    a_policy_that_no_header_can_hold_is_not_taken,
    the_other_policies_are_settings,
    https_for_good_is_said_over_https_alone,
    what_depends_on_the_visitor_is_no_matter_of_caches,
);

const SAFE: [(&str, &str); 4] = [
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "same-origin"),
    ("x-frame-options", "DENY"),
    ("cross-origin-opener-policy", "same-origin"),
];

fn every_answer_is_told_to_be_safe(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open("notes");
    let app = framework.serve(&house);
    for (method, path, status) in [
        ("GET", "/public", 200),
        ("HEAD", "/public", 200),
        ("GET", "/page", 200),
        ("GET", "/stream", 200),
        ("GET", "/empty", 204),
        ("GET", "/moved", 302),
        ("GET", "/next", 303),
        ("GET", "/error/gone", 400),
        ("GET", "/user", 401),
        ("GET", "/required/login", 401),
        ("POST", "/public", 403),
        ("GET", "/nowhere", 404),
        ("OPTIONS", "/page", 405),
        ("GET", "/inside/teapot", 418),
        ("GET", "/inside/ended", 400),
        ("GET", "/broken", 500),
        ("GET", "/error/panicked", 500),
        ("GET", "/housekey.json", 200),
        ("POST", "/hook", 200),
    ] {
        let answer = send(method, app, path, &[], "");
        assert_eq!(answer.status, status, "{method} {path}");
        for (name, value) in SAFE {
            assert_eq!(answer.headers(name), [value], "{method} {path}");
        }
        assert_eq!(answer.header("strict-transport-security"), None, "{method} {path}");
    }
}

fn what_the_app_has_said_itself_stays(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open_with(home.config("notes").always_https());
    let settings = Settings { hsts_seconds: Some(60), ..Settings::default() };
    let answer = send("GET", framework.serve_with(&house, &settings), "/own", &[], "");
    for (name, value) in [
        ("content-security-policy", "default-src 'none'"),
        ("x-frame-options", "SAMEORIGIN"),
        ("referrer-policy", "no-referrer"),
        ("cross-origin-opener-policy", "unsafe-none"),
        ("strict-transport-security", "max-age=1"),
        ("x-content-type-options", "none"),
        ("cache-control", "private, max-age=60"),
        ("set-cookie", "theme=dark"),
    ] {
        assert_eq!(answer.headers(name), [value]);
    }
    assert_eq!(answer.headers("vary"), ["Accept-Language", "Cookie"]);
}

fn policy(framework: Framework, settings: &Settings, path: &str, accept: &str) -> Option<String> {
    let home = Home::sqlite();
    let house = home.open_with(home.config("notes").allow_next_host("tasks.example"));
    let app = framework.serve_with(&house, settings);
    visit(app, path, "", accept).header("content-security-policy").map(str::to_owned)
}

fn pages_have_a_content_policy_and_nothing_else_has(framework: Framework) {
    let by_default = |path, accept| policy(framework, &Settings::default(), path, accept);
    let page = by_default("/page", "").unwrap();
    for part in [
        "default-src 'none'; ",
        "script-src 'self'; ",
        "frame-ancestors 'none'; ",
        "base-uri 'none'; ",
    ] {
        assert!(page.contains(part), "{page}");
    }
    let form = "; form-action 'self' http://tasks.example https://tasks.example";
    assert!(page.ends_with(form) && !page.contains("unsafe"), "{page}");
    assert_eq!(by_default("/broken", "").unwrap(), page);
    for path in ["/public", "/empty", "/moved", "/nowhere", "/housekey.json"] {
        assert_eq!(by_default(path, BROWSER), None, "{path}");
    }
    let of_a_refusal = by_default("/user", BROWSER).unwrap();
    assert!(of_a_refusal.contains("default-src 'none'") && !of_a_refusal.contains("script-src"));
}

fn a_policy_that_no_header_can_hold_is_not_taken(framework: Framework) {
    let said = |csp| {
        let settings = Settings { csp: Some(csp), ..Settings::default() };
        policy(framework, &settings, "/page", "")
    };
    assert_eq!(said("default-src 'self'").unwrap(), "default-src 'self'");
    assert_eq!(said(""), None);
    let in_lines = "default-src 'self';\n    script-src 'none';\r\n\tstyle-src 'none'\n";
    assert_eq!(said(in_lines).unwrap(), "default-src 'self'; script-src 'none'; style-src 'none'");
    let instead = said("default-src https://größe.example").unwrap();
    assert!(instead.contains("default-src 'none'; script-src 'self'"), "{instead}");
}

fn the_other_policies_are_settings(framework: Framework) {
    let home = Home::sqlite();
    let settings = Settings {
        referrer_policy: Some("no-referrer"),
        opener_policy: Some("unsafe-none"),
        frame_options: Some(""),
        ..Settings::default()
    };
    let app = framework.serve_with(&home.open("notes"), &settings);
    let answer = send("GET", app, "/nowhere", &[], "");
    assert_eq!(answer.headers("referrer-policy"), ["no-referrer"]);
    assert_eq!(answer.headers("cross-origin-opener-policy"), ["unsafe-none"]);
    assert_eq!(answer.header("x-frame-options"), None);
    assert_eq!(answer.headers("x-content-type-options"), ["nosniff"]);
}

fn https_for_good_is_said_over_https_alone(framework: Framework) {
    let home = Home::sqlite();
    let config = home.config("notes").secure_proxy_ssl_header("X-Forwarded-Proto", "https");
    let house = home.open_with(config);
    let https = [("x-forwarded-proto", "https")];
    for (hsts_below, expected) in [(false, "max-age=60"), (true, "max-age=60; includeSubDomains")] {
        let settings = Settings { hsts_seconds: Some(60), hsts_below, ..Settings::default() };
        let app = framework.serve_with(&house, &settings);
        for path in ["/public", "/nowhere", "/user", "/broken"] {
            let answer = send("GET", app, path, &https, "");
            assert_eq!(answer.headers("strict-transport-security"), [expected], "{path}");
            let answer = send("GET", app, path, &[("x-forwarded-proto", "http")], "");
            assert_eq!(answer.header("strict-transport-security"), None, "{path}");
        }
    }
    let unasked = send("GET", framework.serve(&house), "/public", &https, "");
    assert_eq!(unasked.header("strict-transport-security"), None);
}

fn what_depends_on_the_visitor_is_no_matter_of_caches(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open("notes");
    crate::support::user(&house, "ada");
    let app = framework.serve(&house);
    let key = crate::support::login(&house, "ada");
    for (path, session, vary, cache) in [
        ("/public", "", None, None),
        ("/public", key.as_str(), None, None),
        ("/", "", Some("Cookie"), None),
        ("/", "nonsense", Some("Cookie"), None),
        ("/", &key, Some("Cookie"), Some("private, no-store")),
        ("/stream", &key, Some("Cookie"), Some("private, no-store")),
        // The app has said it: to everyone the same, and by the cookie all the same.
        ("/cached", "", Some("Cookie"), Some("public, max-age=60")),
        ("/token", "", Some("Cookie"), Some("private, no-store")),
        ("/set", "", Some("Cookie"), Some("private, no-store")),
    ] {
        let answer = visit(app, path, session, "");
        assert_eq!(answer.status, 200, "{path}");
        assert_eq!(
            (answer.header("vary"), answer.header("cache-control")),
            (vary, cache),
            "{path}"
        );
    }
}
