//! The desk, in real browsers whose scripts are off: an admin's day in the house.

use housekey::permissions;

use crate::support::browser::{Browser, NO_SCRIPTS};
use crate::support::sites::Framework::{self, Actix, Axum};
use crate::support::sites::{Door, Site, message, sign_in, who};
use crate::support::{Home, House, PASSWORD, skip, user};

fn app(framework: Framework, home: &Home) -> (House, Site) {
    let config = home.config("billing").login_url("/account/login");
    let config = config.permissions(permissions! {
        "billing": Invoice { view, "approve_invoice" = "Can approve invoices" }
    });
    let house = home.open_with(config);
    house.create_superuser("ada", "ada@house.test", PASSWORD).unwrap();
    let site = Door::open().serve(framework, &house);
    (house, site)
}

fn browsers(home: &Home) -> Option<[Browser; 2]> {
    let start = |name: &str| Browser::start_with(&home.folder().join(name), &NO_SCRIPTS);
    Some([start("admin")?, start("hers")?])
}

fn fill_in(browser: &Browser, fields: &[(&str, &str)]) {
    for (field, text) in fields {
        browser.find(&format!("main [name={field}]")).type_in(text);
    }
}

#[test]
fn an_admin_makes_a_user_who_may_approve_by_a_group() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let (house, app) = app(framework, &home);
        let Some([admin, hers]) = browsers(&home) else { return skip("Chromium") };
        sign_in(&admin, &app.url("/account/groups"), "ada");
        fill_in(&admin, &[("name", "accountants")]);
        admin.press("main button");
        assert_eq!(message(&admin), "Created. Now choose what its members may do.");
        admin.find("input[value='billing.approve_invoice']").click();
        admin.press("button[value=save]");
        assert_eq!(message(&admin), "Saved.");

        admin.open(&app.url("/account/users"));
        admin.press("main a.button");
        fill_in(&admin, &[("username", "grace"), ("first_name", "Grace"), ("last_name", "Hopper")]);
        admin.press("main button");
        let link = admin.find("#link").text();
        assert!(link.starts_with(&app.url("/account/reset/")), "{framework:?}: {link}");
        admin.press("main p:last-of-type a");
        admin.find("input[name=group][value=accountants]").click();
        admin.press("button[value=rights]");
        assert_eq!(message(&admin), "Saved.");
        let grace = house.find_user("grace").unwrap().unwrap();
        assert_eq!(grace.full_name(), "Grace Hopper");
        assert!(house.permissions(&grace).unwrap().has_perm("billing.approve_invoice"));
        assert!(!house.permissions(&grace).unwrap().has_perm("billing.view_invoice"));

        // The link is good once, for a password that is good enough.
        hers.open(&link);
        fill_in(&hers, &[("new", "gracehopper"), ("repeat", "gracehopper")]);
        hers.press("main button");
        assert_eq!(message(&hers), "Choose another password.");
        fill_in(&hers, &[("new", PASSWORD), ("repeat", PASSWORD)]);
        hers.press("main button");
        assert_eq!(message(&hers), "Your password is set. Sign in with it.");
        sign_in(&hers, &app.url("/account/login?next=/"), "grace");
        assert_eq!(who(&hers), "grace");
        admin.open(&link);
        assert_eq!((admin.status(), admin.count("#new")), (410, 0));
        assert_eq!(message(&admin), "This link is good no more.");
    }
}

#[test]
fn a_user_who_is_deactivated_is_out_at_once_and_may_come_back() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let (house, app) = app(framework, &home);
        let grace = user(&house, "grace");
        let Some([admin, hers]) = browsers(&home) else { return skip("Chromium") };
        sign_in(&hers, &app.url("/account/login?next=/"), "grace");
        assert_eq!(who(&hers), "grace");
        let page = app.url(&format!("/account/users/{}", grace.id));
        sign_in(&admin, &page, "ada");
        admin.press("button[value=deactivate]");
        assert_eq!(message(&admin), "Deactivated. The user may sign in no more, in no app.");
        hers.open(&app.url("/"));
        assert_eq!(who(&hers), "nobody");
        sign_in(&hers, &app.url("/account/login"), "grace");
        assert_eq!(hers.status(), 401);

        admin.open(&page);
        admin.press("button[value=activate]");
        assert_eq!(message(&admin), "Activated. The user may sign in again.");
        hers.open(&app.url("/"));
        assert_eq!(who(&hers), "grace");
        admin.open(&page);
        assert_eq!(admin.count("main li button[name=end]"), 1);
        admin.press("button[name=end][value=all]");
        hers.open(&app.url("/"));
        assert_eq!(who(&hers), "nobody", "{framework:?}");
    }
}

#[test]
fn what_an_admin_may_not_do_is_told_and_not_done() {
    for framework in [Axum, Actix] {
        let home = Home::sqlite();
        let (house, app) = app(framework, &home);
        user(&house, "grace");
        let ada = house.find_user("ada").unwrap().unwrap();
        let Some([admin, hers]) = browsers(&home) else { return skip("Chromium") };
        // Who is no member of staff sees no desk.
        sign_in(&hers, &app.url("/account/"), "grace");
        assert_eq!(hers.count("a[href='/account/users']"), 0);
        hers.open(&app.url("/account/users"));
        assert_eq!((hers.status(), &*message(&hers)), (403, "This page is for staff."));

        // Nobody shuts themselves out.
        sign_in(&admin, &app.url(&format!("/account/users/{}", ada.id)), "ada");
        assert_eq!(admin.count("button[value=deactivate]"), 0);
        admin.find("input[name=is_superuser]").click();
        admin.press("button[value=rights]");
        assert_eq!(admin.status(), 403);
        assert!(house.find_user("ada").unwrap().unwrap().is_superuser);

        // A name that is taken, and one that is none; what was typed is there to be mended.
        for (name, told) in [
            ("grace", "There is a user of that name already."),
            (
                "grace hopper",
                "A user name has letters, digits and @ . + - _ only, at most 150 of them.",
            ),
        ] {
            admin.open(&app.url("/account/users/new"));
            fill_in(&admin, &[("username", name), ("first_name", "Grace")]);
            admin.press("main button");
            assert_eq!((admin.status(), &*message(&admin)), (422, told), "{framework:?}");
            assert_eq!(admin.find("#first_name").attribute("value"), "Grace");
        }
    }
}

#[test]
fn users_are_found_by_the_beginning_of_a_name_and_shown_page_by_page() {
    let home = Home::sqlite();
    let (house, app) = app(Axum, &home);
    for number in 0..120 {
        home.execute(&format!(
            "INSERT INTO auth_user (username, first_name, last_name, email, password, is_active, is_staff, \
             is_superuser, date_joined) VALUES ('user{number:03}', 'Test', 'Person{number:03}', '', '!', 1, 0, 0, \
             '2026-01-01 00:00:00')"
        ));
    }
    drop(house);
    let Some([admin, _]) = browsers(&home) else { return skip("Chromium") };
    sign_in(&admin, &app.url("/account/users"), "ada");
    let first = |browser: &Browser| browser.find("main li a").text();
    assert_eq!((admin.count("main li"), &*first(&admin)), (50, "ada"));
    admin.press("a[rel=next]");
    assert_eq!((admin.count("main li"), &*first(&admin)), (50, "user049"));
    admin.press("a[rel=next]");
    assert_eq!((admin.count("main li"), admin.count("a[rel=next]")), (21, 0));
    admin.press("a[rel=prev]");
    assert_eq!(first(&admin), "user049");

    fill_in(&admin, &[("q", "PERSON11")]);
    admin.press("main form button");
    assert_eq!((admin.count("main li"), &*first(&admin)), (10, "user110"));
    admin.press("main li a");
    assert_eq!(admin.find("h1").text(), "user110");
}
