//! Who must sign in is sent to the login page and from there back: to this app, or to another host that was
//! named, and nowhere else.

use std::net::SocketAddr;

use axum::Router;
use axum::routing::get;
use housekey::axum::SeeOther;
use housekey::axum::{HousekeyLayer, Next};
use housekey::{Config, User};

use crate::support::Home;
use crate::support::server::{Answer, send, serve};

async fn private(_: User) {}

async fn signed_in(next: Next) -> SeeOther {
    next.redirect_or("/")
}

async fn posted(next: Next, body: String) -> SeeOther {
    next.posted(body.strip_prefix("next=").map(str::to_owned)).redirect_or("/")
}

fn app(home: &Home, change: impl FnOnce(Config) -> Config) -> SocketAddr {
    let house = home.open_with(change(home.config("notes")));
    let routes = Router::new()
        .nest("/in", Router::new().route("/private", get(private)))
        .route("/done", get(signed_in).post(posted))
        .layer(HousekeyLayer::new(&house).csrf_exempt());
    serve(routes)
}

fn at(app: SocketAddr, path: &str, headers: &[(&str, &str)]) -> Answer {
    send("GET", app, path, headers, "")
}

#[test]
fn the_login_page_of_another_host_is_told_the_whole_address() {
    let home = Home::sqlite();
    let path = "/in/private?a=b%20c&d=1";
    for (login_url, expected) in [
        ("/login", "/login?next=/in/private%3Fa%3Db%2520c%26d%3D1"),
        (
            "http://front.example/login",
            "http://front.example/login?next=http%3A//notes.example%3A8000/in/private%3Fa%3Db%2520c%26d%3D1",
        ),
    ] {
        let app = app(&home, |config| config.login_url(login_url));
        let answer = at(app, path, &[("host", "notes.example:8000")]);
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)));
    }
    let app = app(&home, |config| {
        config
            .login_url("https://notes.example/login")
            .secure_proxy_ssl_header("X-Forwarded-Proto", "https")
    });
    let host = ("host", "notes.example");
    let answer = at(app, "/in/private", &[host, ("x-forwarded-proto", "https")]);
    assert_eq!(answer.header("location"), Some("https://notes.example/login?next=/in/private"));
    let answer = at(app, "/in/private", &[host]);
    let whole = "https://notes.example/login?next=http%3A//notes.example/in/private";
    assert_eq!(answer.header("location"), Some(whole));
}

#[test]
fn a_layer_inside_a_nested_router_knows_the_whole_path() {
    let home = Home::sqlite();
    let house = home.open_with(home.config("notes").login_url("/login"));
    let inner = Router::new().route("/private", get(private)).layer(HousekeyLayer::new(&house));
    let app = serve(Router::new().nest("/in", inner));
    let answer = at(app, "/in/private?a=1", &[]);
    assert_eq!(answer.header("location"), Some("/login?next=/in/private%3Fa%3D1"));
}

#[test]
fn nobody_is_sent_to_a_host_that_was_not_named() {
    let home = Home::sqlite();
    let app = app(&home, |config| {
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
        let answer = at(app, &format!("/done?next={next}"), &headers);
        assert_eq!((answer.status, answer.header("location")), (303, Some(expected)), "{next}");
    }
    assert_eq!(at(app, "/done", &headers).header("location"), Some("/"));
    assert_eq!(at(app, "/done?next=/a&next=/b", &headers).header("location"), Some("/b"));

    // After HTTPS only HTTPS.
    let https = [headers[0], ("x-forwarded-proto", "https")];
    assert_eq!(at(app, "/done?next=http://tasks.example/", &https).header("location"), Some("/"));
    let safe = "https://tasks.example/";
    assert_eq!(at(app, &format!("/done?next={safe}"), &https).header("location"), Some(safe));

    // What a form posts counts before the query.
    let posted = |body| send("POST", app, "/done?next=/query", &headers, body);
    assert_eq!(posted("next=/form").header("location"), Some("/form"));
    assert_eq!(posted("next=//evil.example").header("location"), Some("/"));
    assert_eq!(posted("").header("location"), Some("/query"));
}
