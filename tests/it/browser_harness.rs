//! The browser of the tests does what visitors of all kinds do: with a keyboard alone, on a phone, in the dark, in
//! another language.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::RawQuery;
use axum::http::HeaderMap;
use axum::response::Html;
use axum::routing::get;

use crate::support::browser::{Browser, Colors, Key, Start};
use crate::support::server::serve;
use crate::support::{Home, skip};

/// 3000 pixels high, of another color in the dark.
const PAGE: &str = r#"<!doctype html><html lang="en"><title>Page</title>
    <meta name="viewport" content="width=device-width">
    <style>html { background: white } body { margin: 0; height: 3000px }
    @media (prefers-color-scheme: dark) { html { background: black } }</style>
    <form action="/sent"><label for="name">Your name</label> <input id="name" name="name">
    <label><input type="checkbox" id="agreed" name="agreed"> Agreed</label>
    <button id="send">Send</button></form></html>"#;

fn pages() -> SocketAddr {
    let languages = async |headers: HeaderMap| {
        headers["accept-language"].to_str().map(str::to_owned).unwrap_or_default()
    };
    let sent = async |RawQuery(query): RawQuery| {
        Html(format!("<p id=sent>{}</p>", query.unwrap_or_default()))
    };
    serve(
        Router::new()
            .route("/", get(async || Html(PAGE)))
            .route("/languages", get(languages))
            .route("/sent", get(sent)),
    )
}

#[test]
fn a_form_is_filled_in_and_sent_by_keyboard_alone() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    browser.open(&format!("http://{}/", pages()));
    let focus = || {
        let element = browser.focused();
        (element.role(), element.label())
    };
    let is = |role: &str, label: &str| (role.to_owned(), label.to_owned());
    browser.press_key(Key::Tab);
    assert_eq!(focus(), is("textbox", "Your name"));
    browser.type_text("Ada L");
    browser.press_key(Key::Tab);
    assert_eq!(focus(), is("checkbox", "Agreed"));
    browser.press_key(Key::Space);
    browser.press_key(Key::Tab);
    assert_eq!(focus(), is("button", "Send"));
    browser.press_key(Key::BackTab);
    assert_eq!(browser.focused().attribute("id"), "agreed");
    browser.press_key(Key::Tab);
    browser.leave_by(|| browser.press_key(Key::Enter));
    assert_eq!(browser.find("#sent").text(), "name=Ada+L&agreed=on");
}

#[test]
fn a_picture_shows_the_whole_page_as_the_visitor_has_it() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    browser.emulate_width(320);
    browser.open(&format!("http://{}/", pages()));
    let [light, dark] = [Colors::Light, Colors::Dark].map(|colors| {
        browser.emulate_colors(colors);
        browser.screenshot()
    });
    assert_eq!((size(&light), size(&dark)), ((320, 3000), (320, 3000)));
    assert_ne!(light, dark);
}

/// Width and height, by the header with which each PNG begins.
fn size(picture: &[u8]) -> (u32, u32) {
    assert_eq!(picture[..8], *b"\x89PNG\r\n\x1a\n");
    let number = |at: usize| u32::from_be_bytes(picture[at..at + 4].try_into().unwrap());
    (number(16), number(20))
}

#[test]
fn pages_are_asked_for_in_the_languages_of_the_visitor() {
    let home = Home::sqlite();
    let start = Start { languages: Some("de,fr"), ..Start::default() };
    let Some(browser) = Browser::start_with(home.folder(), &start) else { return skip("Chromium") };
    browser.open(&format!("http://{}/languages", pages()));
    let told = browser.find("body").text();
    assert!(told.starts_with("de,fr"), "{told}");
    assert_eq!(browser.run("return navigator.languages.join()", &[]), "de,fr");
}
