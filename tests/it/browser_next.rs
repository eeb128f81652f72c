//! A login page leads to another app of the house, when that was allowed, under the policy that pages have by
//! default; browsers hold a form to it also where it is redirected to.

use crate::support::browser::Browser;
use crate::support::sites::Framework::{Actix, Axum};
use crate::support::sites::{Door, Policies, fill_in, sign_in, who};
use crate::support::{Home, PASSWORD, skip, user};

#[test]
fn a_login_leads_to_the_app_that_asked_for_it() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    user(&home.open("setup"), "ada");
    for (here, there) in [(Axum, Actix), (Actix, Axum), (Axum, Axum), (Actix, Actix)] {
        let (front, notes) = (Door::open(), Door::open());
        let host_of_notes = format!("127.0.0.1:{}", notes.port);
        let login_page = format!("http://127.0.0.1:{}/account/login", front.port);
        let config = home.config("front").allow_next_host(host_of_notes);
        let front = front.serve(here, &home.open_with(config));
        let config = home.config("notes").login_url(login_page);
        let notes = notes.serve(there, &home.open_with(config));

        browser.open(&notes.url("/private"));
        assert!(
            browser.url().starts_with(&front.url("/account/login?next=http")),
            "{}",
            browser.url()
        );
        fill_in(&browser, "ada");
        assert_eq!(browser.find("#secret").text(), "the diary of ada");
        assert_eq!(browser.url(), notes.url("/private"));

        // A form of a visitor who has been signed out meanwhile leads to the login page, and from there back.
        browser.open(&notes.url("/"));
        home.execute("DELETE FROM django_session");
        browser.press("#change button");
        browser.find("main [name=username]");
        assert!(
            browser.url().starts_with(&front.url("/account/login?next=http")),
            "{}",
            browser.url()
        );
        assert_eq!(notes.changes(), 0);
    }
}

#[test]
fn a_login_leads_to_no_app_that_was_not_allowed() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    user(&home.open("setup"), "ada");
    for framework in [Axum, Actix] {
        let notes = Door::open().serve(framework, &home.open("notes"));
        let front = Door::open().serve(framework, &home.open("front"));
        let login_page = front.url(&format!("/account/login?next={}", notes.url("/private")));
        sign_in(&browser, &login_page, "ada");
        assert_eq!(browser.url(), front.url("/welcome"));
        browser.open(&login_page);
        assert_eq!(browser.url(), front.url("/welcome"));
        browser.open(&front.url("/"));
        browser.press("#logout button");
        assert_eq!(who(&browser), "nobody");
    }
}

/// Why the policy names the hosts that `next` may name.
#[test]
fn a_policy_without_the_other_host_holds_the_form_back() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    user(&home.open("setup"), "ada");
    let notes = Door::open().serve(Axum, &home.open("notes"));
    let config = home.config("front").allow_next_host(format!("127.0.0.1:{}", notes.port));
    let csp = Some("default-src 'self'; form-action 'self'");
    let front = Door::open().serve_with(
        Axum,
        &home.open_with(config),
        Policies { csp, ..Policies::default() },
    );
    browser.open(&front.url(&format!("/account/login?next={}", notes.url("/private"))));
    browser.run(TELL_OF_VIOLATIONS, &[]);
    browser.find("main [name=username]").type_in("ada");
    browser.find("main [name=password]").type_in(PASSWORD);
    browser.find("main button").click();
    browser.find("html[data-violated='form-action']");
    assert!(browser.url().starts_with(&front.url("/account/login")), "{}", browser.url());
    // The login itself has been; only the way is barred.
    assert_eq!(front.posts("/account/login"), [303]);
    browser.open(&notes.url("/private"));
    assert_eq!(browser.find("#secret").text(), "the diary of ada");
}

const TELL_OF_VIOLATIONS: &str = "addEventListener('securitypolicyviolation', event => {
    document.documentElement.dataset.violated = event.effectiveDirective })";
