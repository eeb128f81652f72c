//! What browsers make of the pages of an app: scripts of its own run and none that stand in a page, nothing private
//! comes back after the logout, and forms need no scripts.

use crate::support::browser::{Browser, NO_SCRIPTS};
use crate::support::sites::Framework::{Actix, Axum};
use crate::support::sites::{Door, Policies, Site, sign_in, who};
use crate::support::{Home, skip, user};

fn apps(home: &Home) -> [Site; 2] {
    let house = home.open("notes");
    user(&house, "ada");
    [Axum, Actix].map(|framework| Door::open().serve(framework, &house))
}

#[test]
fn scripts_of_the_app_run_and_none_that_stand_in_a_page() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    let color = |id: &str| {
        let script = "return getComputedStyle(document.getElementById(arguments[0])).color";
        browser.run(script, &[id]).as_str().unwrap().to_owned()
    };
    for app in apps(&home) {
        browser.open(&app.url("/scripts"));
        browser.find("#attribute").click();
        for (id, text) in [("own", "ran"), ("inline", "did not run"), ("attribute", "did not run")]
        {
            assert_eq!(browser.find(&format!("#{id}")).text(), text, "{id}");
        }
        let own = "rgb(1, 2, 3)";
        assert_eq!(color("own-style"), own);
        assert_ne!(color("inline-style"), own);
        assert_ne!(color("attribute-style"), own);
    }
    // The page is such that all of it works where nothing is forbidden.
    let free = Door::open().serve_with(
        Axum,
        &home.open("free"),
        Policies { csp: Some(""), ..Policies::default() },
    );
    browser.open(&free.url("/scripts"));
    browser.find("#attribute").click();
    for id in ["own", "inline", "attribute"] {
        assert_eq!(browser.find(&format!("#{id}")).text(), "ran", "{id}");
    }
    assert_eq!(
        (color("inline-style"), color("attribute-style")),
        ("rgb(1, 2, 3)".into(), "rgb(1, 2, 3)".into())
    );
}

#[test]
fn the_way_back_after_a_logout_shows_nothing_private() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    for app in apps(&home) {
        sign_in(&browser, &app.url("/account/login"), "ada");
        browser.open(&app.url("/private"));
        assert_eq!(browser.find("#secret").text(), "the diary of ada");
        browser.press("#home");
        assert_eq!(who(&browser), "ada");
        browser.back();
        assert_eq!(browser.find("#secret").text(), "the diary of ada");
        browser.press("#home");
        browser.press("#logout button");
        assert_eq!(who(&browser), "nobody");
        for _ in 0..4 {
            browser.back();
            let page = browser.source();
            assert!(!page.contains("diary") && !page.contains("ada<"), "{}: {page}", browser.url());
        }
    }
}

#[test]
fn forms_need_no_scripts() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start_with(home.folder(), &NO_SCRIPTS) else {
        return skip("Chromium");
    };
    for app in apps(&home) {
        browser.open(&app.url("/scripts"));
        assert_eq!(browser.find("#own").text(), "did not run");
        assert_eq!(browser.find("#none").text(), "without scripts");

        sign_in(&browser, &app.url("/account/login"), "ada");
        browser.open(&app.url("/"));
        assert_eq!(who(&browser), "ada");
        browser.press("#change button");
        assert_eq!(browser.find("#done").text(), "changed");
        browser.open(&app.url("/"));
        browser.press("#files button");
        assert_eq!(browser.find("#done").text(), "changed");
        browser.open(&app.url("/"));
        browser.press("#logout button");
        assert_eq!(who(&browser), "nobody");
        assert_eq!(app.changes(), 2);
    }
}
