//! Each of the ready-made pages as people see it: in light and dark, on a small screen, judged by axe-core; and the
//! pictures of the documentation.

use std::path::PathBuf;

use housekey::{Caretaker, Grant, permissions};

use crate::support::browser::{Browser, Colors, Start};
use crate::support::sites::Framework::{Actix, Axum};
use crate::support::sites::{Door, Site, sign_in};
use crate::support::{Home, House, PASSWORD, axe, skip};

/// The narrowest screen that pages are made for (WCAG 2.2, 1.4.10), in CSS pixels.
const NARROW: u32 = 320;

/// Firefox as it calls itself, for a session on another machine.
const FIREFOX: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

fn house(home: &Home) -> House {
    let config = home.config("billing").login_url("/account/login");
    let config = config.permissions(permissions! {
        "billing": Invoice { add, change, view, "approve_invoice" = "Can approve invoices" }
        "wiki": Article { add, change, delete, view }
    });
    let house = home.open_with(config.clone());
    let people = [
        ("ada", "Ada", "Lovelace"),
        ("alan", "Alan", "Turing"),
        ("barbara", "Barbara", "Liskov"),
        ("edsger", "Edsger", "Dijkstra"),
        ("grace", "Grace", "Hopper"),
        ("margaret", "Margaret", "Hamilton"),
    ];
    house.create_superuser("ada", "ada@house.test", PASSWORD).unwrap();
    for (username, ..) in &people[1..] {
        house.create_user(username, &format!("{username}@house.test"), PASSWORD).unwrap();
    }
    for (username, first, last) in people {
        home.execute(&format!(
            "UPDATE auth_user SET first_name = '{first}', last_name = '{last}' WHERE username = '{username}'"
        ));
    }
    let caretaker = Caretaker::open(config).unwrap();
    for group in ["accountants", "editors"] {
        caretaker.create_group(group).unwrap();
    }
    caretaker.grant_to_group("accountants", "billing.approve_invoice", Grant::Give).unwrap();
    caretaker.grant_to_group("accountants", "billing.view_invoice", Grant::Give).unwrap();
    caretaker.set_membership("grace", "accountants", Grant::Give).unwrap();
    caretaker.set_staff("barbara", Grant::Give).unwrap();
    caretaker.set_active("edsger", housekey::Active::No).unwrap();
    house
}

/// Grace is signed in on two machines.
fn elsewhere(house: &House, username: &str) {
    let session = housekey::Session::default();
    session.came_from(Some([192, 0, 2, 17].into()), FIREFOX);
    house.login(&session, &house.find_user(username).unwrap().unwrap()).unwrap();
}

/// What the browser shows is right on every screen.
fn judge(browser: &Browser, name: &str) {
    for colors in [Colors::Light, Colors::Dark] {
        browser.emulate_colors(colors);
        if let Some(violations) = axe::violations(browser) {
            assert_eq!(violations, [""; 0], "{name}, {colors:?}");
        }
        keep(browser, &format!("{name}{}", if colors == Colors::Dark { "-dark" } else { "" }));
    }
    browser.emulate_colors(Colors::Light);
    browser.emulate_width(NARROW);
    assert_eq!(browser.overflow(), 0, "{name} at {NARROW} px");
    keep(browser, &format!("{name}-narrow"));
    browser.emulate_no_width();
}

/// A picture, when somebody wants them.
fn keep(browser: &Browser, name: &str) {
    let Some(folder) = std::env::var_os("HOUSEKEY_TEST_SCREENSHOTS").map(PathBuf::from) else {
        return;
    };
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join(format!("{name}.png")), browser.screenshot()).unwrap();
}

fn walk(browser: &Browser, app: &Site, house: &House) {
    let open = |path: &str| browser.open(&app.url(&format!("/account{path}")));
    let id = |name: &str| house.find_user(name).unwrap().unwrap().id;
    open("/login");
    judge(browser, "sign-in");
    browser.find("#username").type_in("ada");
    browser.find("#password").type_in("wrong");
    browser.press("main button");
    judge(browser, "sign-in-refused");
    open("/reset/MQ/nothing-0123");
    judge(browser, "link-spent");
    sign_in(browser, &app.url("/account/"), "ada");
    judge(browser, "account");
    for (path, name) in [
        ("/password", "change-password"),
        ("/sessions", "sessions"),
        ("/sessions?done=session-ended", "sessions-ended"),
        ("/logout", "sign-out"),
        ("/users", "users"),
        ("/users?q=nobody", "users-none"),
        ("/users/new", "new-user"),
        ("/groups", "groups"),
        ("/nothing", "not-found"),
    ] {
        open(path);
        judge(browser, name);
    }
    open("/password");
    for field in ["old", "new", "repeat"] {
        browser.find(&format!("#{field}")).type_in("password");
    }
    browser.press("main button");
    judge(browser, "weak-password");
    open(&format!("/users/{}", id("edsger")));
    judge(browser, "user-inactive");
    open(&format!("/users/{}", id("grace")));
    judge(browser, "user");
    browser.press("button[value=link]");
    judge(browser, "password-link");
    let link = browser.find("#link").text();
    open("/groups");
    browser.press("main li a");
    judge(browser, "group");
    browser.open(&link);
    judge(browser, "set-password");
    browser.press("header form button");
    judge(browser, "signed-out");
    // A member of staff who may look, and no more.
    sign_in(browser, &app.url("/account/users"), "barbara");
    judge(browser, "not-allowed");
}

#[test]
fn each_page_is_for_everybody() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let house = house(&home);
        elsewhere(&house, "ada");
        elsewhere(&house, "grace");
        let start = Start { arguments: &["--window-size=1000,700"], ..Start::default() };
        let Some(browser) = Browser::start_with(home.folder(), &start) else {
            return skip("Chromium");
        };
        let app = Door::open().serve(framework, &house);
        walk(&browser, &app, &house);
    }
}
