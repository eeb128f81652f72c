//! Two hosts under one parent domain share the login by `SESSION_COOKIE_DOMAIN`, in a real browser; and what
//! happens to cookies that it does not keep.

use housekey::Config;

use crate::support::browser::{Browser, Scripts, Start};
use crate::support::sites::Framework::{Actix, Axum};
use crate::support::sites::{Door, fill_in, sign_in, who};
use crate::support::{Home, House, skip, user};

const HOSTS: Start<'_> = Start {
    arguments: &["--host-resolver-rules=MAP *.house.test 127.0.0.1"],
    scripts: Scripts::On,
    languages: None,
};

fn house(home: &Home, change: impl Fn(Config) -> Config) -> [House; 2] {
    let houses = ["notes", "tasks"].map(|name| home.open_with(change(home.config(name))));
    user(&houses[0], "ada");
    houses
}

#[test]
fn a_login_at_one_host_is_a_login_at_the_other() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start_with(home.folder(), &HOSTS) else { return skip("Chromium") };
    let [notes, tasks] = house(&home, |config| {
        config.session_cookie_domain("house.test").danger_cookies_in_the_clear()
    });
    let notes = Door::open().serve(Axum, &notes);
    let tasks = Door::open().serve(Actix, &tasks);
    let (at_notes, at_tasks) =
        (notes.url_at("notes.house.test", "/"), tasks.url_at("tasks.house.test", "/"));

    sign_in(&browser, &format!("{at_notes}account/login"), "ada");
    for url in [&at_notes, &at_tasks] {
        browser.open(url);
        assert_eq!(who(&browser), "ada");
    }
    let domain = browser.cookie("sessionid").unwrap()["domain"].clone();
    assert_eq!(domain, ".house.test");
    browser.press("#logout button");
    assert_eq!(who(&browser), "nobody");
    browser.open(&at_notes);
    assert_eq!((who(&browser), browser.cookie("sessionid")), ("nobody".into(), None));
    assert!(notes.warnings().is_empty() && tasks.warnings().is_empty());
}

#[test]
fn without_the_domain_each_host_has_a_login_of_its_own() {
    let home = Home::sqlite();
    let Some(browser) = Browser::start_with(home.folder(), &HOSTS) else { return skip("Chromium") };
    let [notes, tasks] = house(&home, Config::danger_cookies_in_the_clear);
    let notes = Door::open().serve(Axum, &notes);
    let tasks = Door::open().serve(Actix, &tasks);
    sign_in(&browser, &notes.url_at("notes.house.test", "/account/login"), "ada");
    browser.open(&notes.url_at("notes.house.test", "/"));
    assert_eq!(who(&browser), "ada");
    browser.open(&tasks.url_at("tasks.house.test", "/"));
    assert_eq!(who(&browser), "nobody");
}

#[test]
fn a_cookie_that_goes_over_http_to_another_machine_is_lost_and_the_log_says_so() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let Some(browser) = Browser::start_with(home.folder(), &HOSTS) else {
            return skip("Chromium");
        };
        let [notes, _] = house(&home, |config| config.session_cookie_domain("house.test"));
        let notes = Door::open().serve(framework, &notes);
        browser.open(&notes.url_at("notes.house.test", "/account/login"));
        assert_eq!(browser.cookie("csrftoken"), None, "{framework:?}");
        fill_in(&browser, "ada");
        // Without the cookie the form is nobody's.
        assert_eq!(browser.status(), 403);
        browser.open(&notes.url_at("notes.house.test", "/"));
        assert_eq!((who(&browser), browser.cookie("sessionid")), ("nobody".into(), None));

        let warnings = notes.warnings();
        let lost: Vec<_> = warnings.iter().filter(|line| line.contains("does not keep")).collect();
        assert_eq!(lost.len(), 1, "{warnings:?}");
        let line = lost[0];
        for part in ["HTTPS", "SECURE_PROXY_SSL_HEADER", "SESSION_COOKIE_SECURE=false"] {
            assert!(line.contains(part), "{line}");
        }
        assert!(!line.contains('\n'), "{line}");
    }
}

/// Chromium takes them over HTTP from this very machine, and from no other.
#[test]
fn cookies_of_one_host_alone_need_https_but_not_within_one_machine() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let Some(browser) = Browser::start_with(home.folder(), &HOSTS) else {
            return skip("Chromium");
        };
        let houses = house(&home, |config| {
            config.session_cookie_name("__Host-sessionid").csrf_cookie_name("__Host-csrftoken")
        });
        let [notes, tasks] = houses.map(|house| Door::open().serve(framework, &house));
        for host in ["localhost", "127.0.0.1", "notes.localhost"] {
            sign_in(&browser, &notes.url_at(host, "/account/login"), "ada");
            browser.open(&tasks.url_at(host, "/"));
            assert_eq!(who(&browser), "ada", "{host}");
            assert_eq!(browser.cookie("__Host-sessionid").unwrap()["secure"], true);
            browser.press("#logout button");
            assert_eq!(who(&browser), "nobody", "{host}");
            assert_eq!(browser.cookie("__Host-sessionid"), None);
        }
        assert_eq!(notes.warnings(), [""; 0]);
        browser.open(&notes.url_at("notes.house.test", "/account/login"));
        assert_eq!(browser.cookie("__Host-csrftoken"), None);
        let warnings = notes.warnings();
        assert!(warnings.len() == 1 && warnings[0].contains("does not keep"), "{warnings:?}");
    }
}
