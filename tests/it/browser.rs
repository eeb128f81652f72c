//! One login for both apps, in a real browser: its cookie rules, its forms, its headers.

use crate::support::browser::Browser;
use crate::support::{self, Home, on_both_databases};
use crate::two_apps::TwoApps;

on_both_databases! { who_signs_in_at_one_app_is_signed_in_at_the_other }

fn who_signs_in_at_one_app_is_signed_in_at_the_other(home: &Home) {
    let Some(browser) = Browser::start(home.folder()) else {
        return support::skip("Chromium");
    };
    let apps = TwoApps::start(home);

    browser.open(&apps.notes);
    browser.find("main a[href='/account/login']").click();
    browser.find("#username").type_in("ada");
    browser.find("#password").type_in(apps.password("ada"));
    browser.find("main form button").click();
    assert_eq!(browser.find("header strong").text(), "ada");

    browser.open(&apps.tasks);
    assert_eq!(browser.find("header strong").text(), "ada");
    assert_eq!(browser.count("input[type=password]"), 0);
    browser.find("#text").type_in("water the <b>plants</b>");
    browser.find("main button").click();
    assert_eq!(browser.find("li").text(), "water the <b>plants</b>");

    browser.press("form[action='/account/logout'] button");
    browser.find("main a[href='/account/login']");
    browser.open(&apps.notes);
    browser.reload();
    browser.find("main a[href='/account/login']");
    assert_eq!(browser.count("header strong"), 0);
}
