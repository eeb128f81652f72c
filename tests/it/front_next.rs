//! Who must sign in is sent to the login page and from there back: to this app, or to another host that was
//! named, and nowhere else.

use std::net::SocketAddr;

use housekey::Config;

use crate::support::Home;
use crate::support::fronts::Framework;
use crate::support::fronts::on_both_frameworks;
use crate::support::server::{Answer, CSRF_SECRET, send};

on_both_frameworks!(
    the_login_page_of_another_host_is_told_the_whole_address,
    a_layer_inside_a_nested_router_knows_the_whole_path,
    nobody_is_sent_to_a_host_that_was_not_named,
);

fn app(framework: Framework, home: &Home, change: impl FnOnce(Config) -> Config) -> SocketAddr {
    framework.serve(&home.open_with(change(home.config("notes"))))
}

fn at(app: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", app, path, headers, "")
}

fn the_login_page_of_another_host_is_told_the_whole_address(framework: Framework) {
    let home = Home::sqlite();
    let path = "/in/user?a=b%20c&d=1";
    for (login_url, expected) in [
        ("/login", "/login?next=/in/user%3Fa%3Db%2520c%26d%3D1"),
        (
            "http://front.example/login",
            "http://front.example/login?next=http%3A//notes.example%3A8000/in/user%3Fa%3Db%2520c%26d%3D1",
        ),
    ] {
        let app = app(framework, &home, |config| config.login_url(login_url));
        let answer = at(app, path, &[("host", "notes.example:8000")]);
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)));
    }
    let app = app(framework, &home, |config| {
        config
            .login_url("https://notes.example/login")
            .secure_proxy_ssl_header("X-Forwarded-Proto", "https")
    });
    let host = ("host", "notes.example");
    let answer = at(app, "/in/user", &[host, ("x-forwarded-proto", "https")]);
    assert_eq!(answer.header("location"), Some("https://notes.example/login?next=/in/user"));
    let answer = at(app, "/in/user", &[host]);
    let whole = "https://notes.example/login?next=http%3A//notes.example/in/user";
    assert_eq!(answer.header("location"), Some(whole));
}

fn a_layer_inside_a_nested_router_knows_the_whole_path(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open_with(home.config("notes").login_url("/login"));
    let app = framework.serve_nested(&house);
    let answer = at(app, "/in/user?a=1", &[]);
    assert_eq!(answer.header("location"), Some("/login?next=/in/user%3Fa%3D1"));
}

fn nobody_is_sent_to_a_host_that_was_not_named(framework: Framework) {
    let home = Home::sqlite();
    let app = app(framework, &home, |config| {
        config
            .allow_next_host("tasks.example")
            .secure_proxy_ssl_header("X-Forwarded-Proto", "https")
    });
    let headers = [("host", "notes.example")];
    for (next, expected) in [
        ("/notes%3Fpage%3D2", "/notes?page=2"),
        ("http://notes.example/notes", "http://notes.example/notes"),
        ("https://tasks.example/", "https://tasks.example/"),
        ("http://tasks.example/", "http://tasks.example/"),
        ("gr%C3%B6%C3%9Fe%20a%0Ab", "gr%C3%B6%C3%9Fe%20a%0Ab"),
        ("//evil.example", "/"),
        ("/%5Cevil.example", "/"),
        ("http://tasks.example:81/", "/"),
        ("http://tasks.example@evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("%0Ajavascript:alert(1)", "/"),
        ("", "/"),
    ] {
        let answer = at(app, &format!("/next?next={next}"), &headers);
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)), "{next}");
    }
    assert_eq!(at(app, "/next", &headers).header("location"), Some("/"));
    assert_eq!(at(app, "/next?next=/a&next=/b", &headers).header("location"), Some("/b"));

    // After HTTPS only HTTPS.
    let https = [headers[0], ("x-forwarded-proto", "https")];
    assert_eq!(at(app, "/next?next=http://tasks.example/", &https).header("location"), Some("/"));
    let safe = "https://tasks.example/";
    assert_eq!(at(app, &format!("/next?next={safe}"), &https).header("location"), Some(safe));

    // What a form posts counts before the query.
    let secrets = format!("csrftoken={CSRF_SECRET}");
    let with_token = [headers[0], ("cookie", &secrets), ("x-csrftoken", CSRF_SECRET)];
    let posted = |body| send("POST", app, "/next?next=/query", &with_token, body);
    assert_eq!(posted("next=/form").header("location"), Some("/form"));
    assert_eq!(posted("next=//evil.example").header("location"), Some("/"));
    assert_eq!(posted("").header("location"), Some("/query"));
}
