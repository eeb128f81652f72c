//! Whatever `next` says, by the query or by the form, a real browser ends at this app: nobody is led away.

use serde_json::json;

use crate::support::browser::{Browser, Start};
use crate::support::sites::Framework::{self, Actix, Axum};
use crate::support::sites::{Door, sign_in};
use crate::support::trap::Trap;
use crate::support::{Home, PASSWORD, hostile_next, skip, user, vectors};

const HOST: &str = "notes.house.test";

#[test]
fn nobody_is_led_away_from_axum() {
    nobody_is_led_away(Axum);
}

#[test]
fn nobody_is_led_away_from_actix() {
    nobody_is_led_away(Actix);
}

fn nobody_is_led_away(framework: Framework) {
    let home = Home::sqlite();
    let trap = Trap::set();
    // With the app under a name, the addresses of this very machine are other hosts too.
    let rules = trap.rules(&[HOST]);
    // Nor does it keep each page for the way back, which takes most of the time.
    let arguments = [rules.as_str(), "--disable-features=BackForwardCache"];
    let start = Start { arguments: &arguments, ..Start::default() };
    let Some(browser) = Browser::start_with(home.folder(), &start) else { return skip("Chromium") };
    let house = home.open_with(home.config("notes").danger_cookies_in_the_clear());
    user(&house, "ada");
    let app = Door::open().serve(framework, &house);
    let (nowhere, texts): (Vec<_>, Vec<_>) =
        hostile_texts().into_iter().partition(|next| leads_nowhere(next));
    sign_in(&browser, &app.url_at(HOST, "/account/login"), "ada");
    app.posts("/account/login");
    // By a link of whoever: who is signed in is sent on at once. And by the form, with a login each time.
    for by in ["query", "form"] {
        // Both ways end at the same rules; a login each time takes longer.
        let texts = if by == "form" {
            texts.iter().step_by(2).collect()
        } else {
            texts.iter().collect::<Vec<_>>()
        };
        assert!(texts.len() >= 300, "{by}: {}", texts.len());
        for some in texts.chunks(40) {
            let trial = json!({
                "by": by, "texts": some, "ended": [], "name": "ada", "password": PASSWORD,
            });
            browser.open(&app.url_at(HOST, "/anywhere"));
            let trial = trial.to_string();
            browser
                .run("sessionStorage.setItem('trial', arguments[0]); location.reload()", &[&trial]);
            let ended = browser.find("html[data-ended]").attribute("data-ended");
            let ended: Vec<String> = serde_json::from_str(&ended).unwrap();
            assert_eq!(ended.len(), some.len());
            for (next, url) in some.iter().zip(ended) {
                assert!(url.starts_with(&app.url_at(HOST, "/")), "{next:?} leads to {url}");
            }
            assert_eq!(trap.visits(), [""; 0], "{by}: {some:?}");
            let logins = if by == "form" { some.len() } else { 0 };
            assert_eq!(app.posts("/account/login"), vec![303; logins]);
        }
    }
    for next in &nowhere {
        browser.open(&app.url_at(HOST, &format!("/account/login?next={}", quoted(next))));
        assert!(
            browser.url().starts_with(&app.url_at(HOST, "/")),
            "{next:?} leads to {}",
            browser.url()
        );
        assert_eq!(trap.visits(), [""; 0], "{next:?}");
    }
}

/// To Django they are safe. To browsers some are no address, and nothing is shown; the others are the login page
/// itself, which sends who is signed in on to itself until the browser has enough of it.
fn leads_nowhere(next: &str) -> bool {
    let next = next.trim();
    let no_host = |rest: &str| rest.is_empty() || rest.starts_with(['?', '#']);
    next.starts_with('#') || next.strip_prefix("//").is_some_and(no_host)
}

/// Ours, and all that Django was asked about.
fn hostile_texts() -> Vec<String> {
    let of_django = vectors("next_url").into_iter();
    let of_django = of_django.filter_map(|case| case["url"].as_str().map(str::to_owned));
    let mut texts = [hostile_next::texts(), of_django.collect()].concat();
    texts.sort();
    texts.dedup();
    texts
}

/// So that what is not seen there was not asked for.
#[test]
fn whoever_is_led_away_is_caught() {
    let home = Home::sqlite();
    let trap = Trap::set();
    let rules = trap.rules(&[HOST]);
    let start = Start { arguments: &[&rules], ..Start::default() };
    let Some(browser) = Browser::start_with(home.folder(), &start) else { return skip("Chromium") };
    for url in [
        "http://evil.example/",
        "https://evil.example/",
        "http://evil.example:8080/",
        "http://0x7f000001/",
        "http://127.0.0.1:81/",
        "http://[::1]/",
        "http://localhost/",
        "http://ëvil.example/",
    ] {
        // Without TLS there is no page, but a visit.
        let _ = browser.try_open(url);
        assert!(!trap.visits().is_empty(), "{url}");
    }
}

/// As a value in a query.
fn quoted(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}
