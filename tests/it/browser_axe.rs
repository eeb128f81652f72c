//! The judge of pages is not blind: it names the faults of a page that has them, and no others.

use std::net::SocketAddr;

use axum::Router;
use axum::response::Html;
use axum::routing::get;

use crate::support::axe::violations;
use crate::support::browser::{Browser, Colors};
use crate::support::server::serve;
use crate::support::{Home, skip};

/// No language, a picture without words, a field without a label, and in the dark grey letters on black.
const FAULTY: &str = r#"<!doctype html><html><head><title>Faulty</title>
    <meta name="viewport" content="width=device-width">
    <style>@media (prefers-color-scheme: dark) { body { background: #000; color: #333 } }</style></head>
    <body><main><h1>Faulty</h1><p>Words</p><form><input name="text"></form>
    <img src="data:image/gif;base64,R0lGODlhAQABAAAAACH5BAEKAAEALAAAAAABAAEAAAICTAEAOw=="></main></body></html>"#;

const CLEAN: &str = r#"<!doctype html><html lang="en"><head><title>Clean</title>
    <meta name="viewport" content="width=device-width">
    <style>@media (prefers-color-scheme: dark) { body { background: #000; color: #fff } }</style></head>
    <body><main><h1>Clean</h1><p>Words</p><form><label>Text <input name="text"></label></form>
    </main></body></html>"#;

/// It is a finger wider than the smallest screen, and has nothing else.
const WIDE: &str = r#"<!doctype html><html lang="en"><head><title>Wide</title>
    <meta name="viewport" content="width=device-width">
    <style>body { margin: 0 } p { width: 360px }</style></head><body><p>Words</p></body></html>"#;

/// It does not say that it is made for small screens, so they show it as one of a desk.
const OF_A_DESK: &str = r#"<!doctype html><html lang="en"><title>Desk</title><p>Words</p></html>"#;

fn pages() -> SocketAddr {
    let clean = ([("content-security-policy", CLOSED)], Html(CLEAN));
    serve(
        Router::new()
            .route("/faulty", get(async || Html(FAULTY)))
            .route("/clean", get(async move || clean))
            .route("/wide", get(async || Html(WIDE)))
            .route("/desk", get(async || Html(OF_A_DESK))),
    )
}

/// Nothing may be asked for, and no script runs.
const CLOSED: &str = "default-src 'none'; style-src 'unsafe-inline'";

/// The rules that are broken, each once; `None` when there is nothing to judge with.
fn broken(browser: &Browser) -> Option<Vec<String>> {
    let lines = violations(browser)?;
    let rules = lines.iter().map(|line| line.split_once(':').unwrap().0.to_owned());
    let mut rules: Vec<_> = rules.collect();
    rules.sort();
    rules.dedup();
    Some(rules)
}

#[test]
fn each_fault_is_named_in_the_light_where_it_shows() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    let pages = pages();
    browser.emulate_colors(Colors::Dark);
    browser.open(&format!("http://{pages}/faulty"));
    let Some(dark) = broken(&browser) else { return };
    assert_eq!(dark, ["color-contrast", "html-has-lang", "image-alt", "label"]);
    browser.emulate_colors(Colors::Light);
    assert_eq!(broken(&browser).unwrap(), ["html-has-lang", "image-alt", "label"]);
    let lines = violations(&browser).unwrap();
    assert!(lines.iter().any(|line| line.contains("(input)")), "{lines:?}");
}

#[test]
fn a_page_without_faults_is_let_go_whatever_it_forbids() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    let pages = pages();
    for colors in [Colors::Light, Colors::Dark] {
        browser.emulate_colors(colors);
        browser.open(&format!("http://{pages}/clean"));
        let Some(lines) = violations(&browser) else { return };
        assert!(lines.is_empty(), "{colors:?}: {lines:?}");
    }
    // And the judge has asked nobody for anything.
    let asked = browser.run("return performance.getEntriesByType('resource').length", &[]);
    assert_eq!(asked, 0);
}

#[test]
fn what_a_small_screen_does_not_hold_is_found() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    let pages = pages();
    let overflow = |page: &str| {
        browser.open(&format!("http://{pages}/{page}"));
        browser.overflow()
    };
    browser.emulate_width(320);
    assert_eq!((overflow("clean"), overflow("wide")), (0, 40));
    assert!(overflow("desk") > 0);
    browser.emulate_width(360);
    assert_eq!((overflow("clean"), overflow("wide")), (0, 0));
    browser.emulate_no_width();
    assert_eq!((overflow("wide"), overflow("desk")), (0, 0));
}
