//! The ready-made pages of an account, in real browsers whose scripts are off: signing in, another password, sessions
//! elsewhere, and the way back after signing out.

use crate::support::browser::{Browser, Key, NO_SCRIPTS, Start};
use crate::support::sites::Framework::{self, Actix, Axum};
use crate::support::sites::{Door, Site, message, sign_in, who};
use crate::support::{Home, PASSWORD, skip, user};

const NEW_PASSWORD: &str = "a table made of glass";

fn app(framework: Framework, home: &Home) -> Site {
    let house = home.open_with(home.config("notes").login_url("/account/login"));
    user(&house, "ada");
    Door::open().serve(framework, &house)
}

/// Two browsers in which ada is signed in at the app.
fn two(home: &Home, app: &Site) -> Option<[Browser; 2]> {
    let browsers =
        ["hers", "other"].map(|name| Browser::start_with(&home.folder().join(name), &NO_SCRIPTS));
    let [Some(hers), Some(other)] = browsers else { return None };
    for browser in [&hers, &other] {
        sign_in(browser, &app.url("/account/login"), "ada");
    }
    Some([hers, other])
}

fn is_signed_in(browser: &Browser, app: &Site) -> bool {
    browser.open(&app.url("/"));
    who(browser) == "ada"
}

#[test]
fn a_new_password_signs_out_every_other_browser() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let app = app(framework, &home);
        let Some([hers, other]) = two(&home, &app) else { return skip("Chromium") };
        let change = |old: &str, new: &str, repeat: &str| {
            hers.open(&app.url("/account/password"));
            for (field, text) in [("old", old), ("new", new), ("repeat", repeat)] {
                hers.find(&format!("#{field}")).type_in(text);
            }
            hers.press("main button");
            message(&hers)
        };
        for (old, new, repeat, told) in [
            ("not the old one", NEW_PASSWORD, NEW_PASSWORD, "The old password is wrong."),
            (PASSWORD, NEW_PASSWORD, "a table of glass", "The two new passwords are not the same."),
            (PASSWORD, "password", "password", "Choose another password."),
            (PASSWORD, "12345678901", "12345678901", "Choose another password."),
        ] {
            assert_eq!(change(old, new, repeat), told, "{framework:?}");
            assert!(is_signed_in(&other, &app), "{told}");
        }
        let told = change(PASSWORD, NEW_PASSWORD, NEW_PASSWORD);
        assert_eq!(told, "Your password is changed. Everywhere else you are signed out.");
        assert!(is_signed_in(&hers, &app) && !is_signed_in(&other, &app), "{framework:?}");

        sign_in(&other, &app.url("/account/login"), "ada");
        assert_eq!((other.status(), &*message(&other)), (401, "Wrong user name or password."));
        other.find("#password").type_in(NEW_PASSWORD);
        other.press("main button");
        assert!(is_signed_in(&other, &app), "the name that was typed is still there");
    }
}

#[test]
fn sessions_elsewhere_are_ended_by_their_buttons() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let app = app(framework, &home);
        let Some([hers, other]) = two(&home, &app) else { return skip("Chromium") };
        let sessions = app.url("/account/sessions");
        hers.open(&sessions);
        assert_eq!(hers.count("main li"), 2);
        // The first is this one, which has no button.
        assert!(hers.find("main li").text().contains("this browser"));
        assert_eq!(hers.count("main li button"), 1);
        hers.press("main li button");
        assert_eq!(message(&hers), "Signed out there.");
        assert_eq!(hers.count("main li"), 1);
        assert!(is_signed_in(&hers, &app) && !is_signed_in(&other, &app), "{framework:?}");

        sign_in(&other, &app.url("/account/login"), "ada");
        other.open(&sessions);
        hers.open(&sessions);
        hers.press("button[value=others]");
        assert_eq!(message(&hers), "Signed out everywhere else.");
        assert!(is_signed_in(&hers, &app) && !is_signed_in(&other, &app), "{framework:?}");
        // What the other browser still shows does nothing: it has to sign in.
        other.open(&sessions);
        assert!(other.url().contains("/account/login?next="), "{}", other.url());
    }
}

#[test]
fn the_way_back_after_signing_out_shows_nothing_private() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let app = app(framework, &home);
        let Some(browser) = Browser::start_with(home.folder(), &NO_SCRIPTS) else {
            return skip("Chromium");
        };
        sign_in(&browser, &app.url("/account/login"), "ada");
        for path in ["/account/", "/account/sessions", "/account/password"] {
            browser.open(&app.url(path));
            assert_eq!(browser.find("header strong").text(), "ada");
        }
        browser.press("header form button");
        assert_eq!(browser.find("h1").text(), "You are signed out");
        for _ in 0..4 {
            browser.back();
            let page = browser.source();
            assert!(!page.contains("ada<") && !page.contains("this browser"), "{}", browser.url());
        }
        assert_eq!(home.sessions(), 0);
    }
}

#[test]
fn who_is_asked_to_sign_in_goes_on_from_there() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let app = app(framework, &home);
        let Some(browser) = Browser::start_with(home.folder(), &NO_SCRIPTS) else {
            return skip("Chromium");
        };
        sign_in(&browser, &app.url("/account/sessions"), "ada");
        assert_eq!(browser.url(), app.url("/account/sessions"));
        // Whoever is signed in is not asked again.
        browser.open(&app.url("/account/login?next=/private"));
        assert_eq!(browser.find("#secret").text(), "the diary of ada");
    }
}

#[test]
fn a_keyboard_is_enough() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let app = app(framework, &home);
        let Some(browser) = Browser::start_with(home.folder(), &NO_SCRIPTS) else {
            return skip("Chromium");
        };
        browser.open(&app.url("/account/login?next=/account/"));
        assert_eq!(browser.focused().label(), "User name");
        browser.type_text("ada");
        browser.press_key(Key::Tab);
        assert_eq!(browser.focused().label(), "Password");
        browser.type_text(PASSWORD);
        browser.leave_by(|| browser.press_key(Key::Enter));
        assert_eq!(browser.find("header strong").text(), "ada");

        // The first stop leads over all that stands on each page.
        browser.press_key(Key::Tab);
        assert_eq!(browser.focused().label(), "Skip to the content");
        browser.press_key(Key::Enter);
        browser.press_key(Key::Tab);
        assert_eq!(browser.focused().label(), "Change password");
        browser.press_key(Key::Tab);
        browser.leave_by(|| browser.press_key(Key::Enter));
        assert_eq!(browser.find("h1").text(), "Where you are signed in");

        // The way out is a button among those at the top.
        let mut labels = Vec::new();
        while labels.last().is_none_or(|label| label != "Sign out") {
            assert!(labels.len() < 9, "{labels:?}");
            browser.press_key(Key::Tab);
            labels.push(browser.focused().label());
        }
        browser.leave_by(|| browser.press_key(Key::Space));
        assert_eq!(browser.find("h1").text(), "You are signed out");
    }
}

#[test]
fn pages_speak_the_language_of_the_browser() {
    let home = Home::sqlite();
    let app = app(Axum, &home);
    let german = Start { languages: Some("de,en"), ..NO_SCRIPTS };
    let Some(browser) = Browser::start_with(home.folder(), &german) else {
        return skip("Chromium");
    };
    sign_in(&browser, &app.url("/account/"), "ada");
    assert_eq!(browser.find("h1").text(), "Ihr Konto");
    assert_eq!(browser.find("html").attribute("lang"), "de");
    browser.open(&app.url("/account/password"));
    assert_eq!(browser.find("main button").text(), "Passwort ändern");
}
