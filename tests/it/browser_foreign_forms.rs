//! What pages of other origins send in a visitor's name is refused, in a real browser: forms of both kinds and
//! scripts, from the same site and from another one.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;

use crate::support::browser::{Browser, Start};
use crate::support::server::serve;
use crate::support::sites::Framework::{Actix, Axum};
use crate::support::sites::{Door, Policies, Site, sign_in, who};
use crate::support::{Home, skip, user};

/// A page whose form is sent as soon as it is shown, and one that asks by a script.
fn foreign(target: &str) -> SocketAddr {
    let form = |kind: &str, fields: &str| {
        let page = format!(
            r#"<form method="post" enctype="{kind}" action="{target}">{fields}</form><script>document.forms[0].submit()</script>"#
        );
        get(async move || Html(page))
    };
    // A token of the right shape that is nobody's.
    let token = "a".repeat(32);
    let field = format!(r#"<input name="csrfmiddlewaretoken" value="{token}">"#);
    let fetch = format!(
        r#"<body><script>
        const form = new URLSearchParams({{csrfmiddlewaretoken: "{token}"}});
        const told = text => document.body.insertAdjacentHTML("beforeend", "<p id=told>" + text);
        fetch("{target}", {{method: "POST", credentials: "include", mode: MODE, body: form}})
            .then(answer => told(answer.type), () => told("refused"));</script>"#
    );
    let fetch = |mode: &str| {
        let page = fetch.replace("MODE", mode);
        get(async move || Html(page))
    };
    serve(
        Router::new()
            .route("/urlencoded", form("application/x-www-form-urlencoded", &field))
            .route("/multipart", form("multipart/form-data", &field))
            .route("/plain", form("text/plain", &field))
            .route("/empty", form("application/x-www-form-urlencoded", ""))
            .route("/fetch", fetch("'no-cors'"))
            .route("/cors", fetch("'cors'")),
    )
}

#[test]
fn a_page_of_another_origin_changes_nothing() {
    let home = Home::sqlite();
    let rules = ["--host-resolver-rules=MAP *.test 127.0.0.1"];
    let start = Start { arguments: &rules, ..Start::default() };
    let Some(browser) = Browser::start_with(home.folder(), &start) else { return skip("Chromium") };
    let config =
        |name| home.config(name).session_cookie_domain("house.test").danger_cookies_in_the_clear();
    for (name, framework) in [("notes", Axum), ("tasks", Actix)] {
        let house = home.open_with(config(name));
        if house.find_user("ada").unwrap().is_none() {
            user(&house, "ada");
        }
        let app = Door::open().serve(framework, &house);
        let here = app.url_at("notes.house.test", "/");
        sign_in(&browser, &format!("{here}account/login"), "ada");
        let evil = foreign(&format!("{here}change"));
        // The same host at another port, its sibling, and another site.
        for host in ["notes.house.test", "sibling.house.test", "evil.test"] {
            let at = |page: &str| format!("http://{host}:{}/{page}", evil.port());
            for page in ["urlencoded", "multipart", "plain", "empty"] {
                browser.open(&at(page));
                browser.find("h1");
                assert_eq!(browser.status(), 403, "{framework:?}: {page} at {host}");
                assert_eq!(browser.url(), format!("{here}change"));
                assert_eq!(app.posts("/change"), [403], "{framework:?}: {page} at {host}");
            }
            for page in ["fetch", "cors"] {
                browser.open(&at(page));
                let told = browser.find("#told").text();
                assert_eq!(told, if page == "cors" { "refused" } else { "opaque" });
                assert_eq!(app.posts("/change"), [403], "{framework:?}: {page} at {host}");
            }
        }
        assert_eq!(app.changes(), 0);
        browser.open(&here);
        assert_eq!(who(&browser), "ada");
        browser.press("#change button");
        assert_eq!((browser.find("#done").text(), app.changes()), ("changed".into(), 1));
        browser.open(&here);
        browser.press("#files button");
        assert_eq!((browser.find("#done").text(), app.changes()), ("changed".into(), 2));
    }
}

#[test]
fn a_page_of_a_trusted_origin_with_the_right_token_may() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    user(&home.open("setup"), "ada");
    // Its pages may send their forms anywhere.
    let csp = Some("default-src 'self'");
    let open = Policies { csp, referrer: Some("strict-origin-when-cross-origin") };
    // By default they do not say to others what their origin is.
    let silent = Policies { csp, ..Policies::default() };
    for (here, there) in [(Axum, Actix), (Actix, Axum)] {
        let (notes, tasks, mute) = (Door::open(), Door::open(), Door::open());
        let target = format!("http://127.0.0.1:{}/change", notes.port);
        let config = home.config("notes");
        let config = [&tasks, &mute].iter().fold(config, |config, door| {
            config.csrf_trusted_origin(format!("http://127.0.0.1:{}", door.port))
        });
        let notes = notes.serve(here, &home.open_with(config));
        let tasks = tasks.serve_with(there, &home.open("tasks"), open);
        let mute = mute.serve_with(there, &home.open("tasks"), silent);
        sign_in(&browser, &notes.url("/account/login"), "ada");

        let send = |from: &Site, form: &str, token: &str| {
            browser.open(&from.url("/"));
            browser.run(SEND, &[form, &target, token]);
            browser.find("html:not([data-sent])");
            assert_eq!(browser.url(), target);
            browser.status()
        };
        for form in ["change", "files"] {
            assert_eq!(send(&tasks, form, ""), 200, "{here:?}");
            assert_eq!(send(&tasks, form, &"a".repeat(32)), 403, "{here:?}");
            assert_eq!(send(&mute, form, ""), 403, "{here:?}");
            assert!(browser.source().contains("Origin checking failed - null"), "{here:?}");
        }
        assert_eq!(notes.changes(), 2);
        assert_eq!(notes.posts("/change"), [200, 403, 403, 200, 403, 403]);
    }
}

/// Sends a form of the page to that address, with another token if one is given.
const SEND: &str = "
    const [id, target, token] = arguments, form = document.getElementById(id);
    form.action = target;
    if (token) form.csrfmiddlewaretoken.value = token;
    document.documentElement.dataset.sent = '';
    form.submit()";
