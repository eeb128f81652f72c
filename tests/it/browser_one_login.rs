//! One login for all apps of one host, whatever their ports and frameworks, in a real browser.

use crate::support::browser::Browser;
use crate::support::sites::Framework::{self, Actix, Axum};
use crate::support::sites::{Door, Site, sign_in, who};
use crate::support::{Home, skip, user};

/// Two apps of the house; ada and grace are its users.
fn apps(home: &Home, frameworks: [Framework; 2]) -> [Site; 2] {
    let setup = home.open("setup");
    user(&setup, "ada");
    user(&setup, "grace");
    let serve = |name, framework| Door::open().serve(framework, &home.open(name));
    [serve("notes", frameworks[0]), serve("tasks", frameworks[1])]
}

fn who_at(browser: &Browser, app: &Site) -> String {
    browser.open(&app.url("/"));
    who(browser)
}

fn a_login_and_a_logout_count_at_both(frameworks: [Framework; 2]) {
    let home = Home::sqlite();
    let Some(browser) = Browser::start(home.folder()) else { return skip("Chromium") };
    let [notes, tasks] = apps(&home, frameworks);
    assert_eq!(
        (who_at(&browser, &notes), who_at(&browser, &tasks)),
        ("nobody".into(), "nobody".into())
    );

    for (here, there) in [(&notes, &tasks), (&tasks, &notes)] {
        sign_in(&browser, &here.url("/account/login"), "ada");
        assert_eq!(browser.url(), here.url("/welcome"));
        assert_eq!((who_at(&browser, here), who_at(&browser, there)), ("ada".into(), "ada".into()));
        // A form of the one works with the cookie that the other has set.
        browser.press("#change button");
        assert_eq!(browser.find("#done").text(), "changed");
        let cookie = browser.cookie("sessionid").unwrap();
        assert_eq!((&cookie["httpOnly"], &cookie["sameSite"]), (&true.into(), &"Lax".into()));

        browser.open(&there.url("/"));
        browser.press("#logout button");
        assert_eq!(who(&browser), "nobody");
        assert_eq!(browser.cookie("sessionid"), None);
        assert_eq!(who_at(&browser, here), "nobody");
        browser.open(&here.url("/private"));
        assert_eq!(browser.count("#secret"), 0);
        assert_eq!(home.sessions(), 0);
    }
    assert_eq!((notes.changes(), tasks.changes()), (1, 1));
}

#[test]
fn axum_beside_axum() {
    a_login_and_a_logout_count_at_both([Axum, Axum]);
}

#[test]
fn axum_beside_actix() {
    a_login_and_a_logout_count_at_both([Axum, Actix]);
}

#[test]
fn actix_beside_actix() {
    a_login_and_a_logout_count_at_both([Actix, Actix]);
}

#[test]
fn two_browsers_do_not_mix() {
    let home = Home::sqlite();
    let start = |name| Browser::start(&home.folder().join(name));
    let (Some(hers), Some(other)) = (start("hers"), start("other")) else {
        return skip("Chromium");
    };
    let [notes, tasks] = apps(&home, [Axum, Actix]);
    sign_in(&hers, &notes.url("/account/login"), "ada");
    assert_eq!(who_at(&other, &notes), "nobody");
    sign_in(&other, &tasks.url("/account/login"), "grace");
    for app in [&notes, &tasks] {
        assert_eq!((who_at(&hers, app), who_at(&other, app)), ("ada".into(), "grace".into()));
    }
    hers.press("#logout button");
    assert_eq!(who(&hers), "nobody");
    for app in [&notes, &tasks] {
        assert_eq!((who_at(&hers, app), who_at(&other, app)), ("nobody".into(), "grace".into()));
    }
}
