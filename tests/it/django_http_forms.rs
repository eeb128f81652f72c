//! A Rust app and Django apps side by side: where forms may come from, where a login may lead to, who
//! a typed name is, and links that reset a password.

use serde_json::{Value, json};

use crate::support::apps::{Answer, App, Browser, CSRF, FORM, JSON, Neighbours, Sending};
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::{Home, PASSWORD, on_both_databases, user};

on_both_databases!(
    a_form_of_one_app_may_be_sent_to_the_other,
    a_form_without_the_right_token_is_refused_by_both,
    a_form_from_another_site_is_refused_by_both,
    a_login_changes_the_secret_and_a_logout_keeps_it,
    both_clean_a_typed_name_alike,
    a_reset_link_of_one_is_redeemed_at_the_other_once,
    a_reset_link_dies_with_what_it_was_made_for,
);

fn open(home: &Home, versions: &[Version]) -> Neighbours {
    let house = home.open("setup");
    user(&house, "ada");
    user(&house, "grace");
    Neighbours::start(home, versions)
}

/// What a page of the app would put into its form.
fn form_token(browser: &mut Browser, app: &App) -> String {
    let token = browser.get(app, "/login").json()["csrf"].as_str().unwrap().to_owned();
    assert_eq!(token.len(), 64, "masked, at {}", app.name);
    token
}

/// A login as ada, sent with exactly these headers.
fn login_with(browser: &mut Browser, app: &App, headers: &[(&str, &str)]) -> Answer {
    let body = json!({"username": "ada", "password": PASSWORD}).to_string();
    let mut all = vec![("Content-Type", JSON)];
    all.extend(headers);
    browser.exchange(app, Sending { method: "POST", path: "/login", headers: &all, body })
}

fn a_form_of_one_app_may_be_sent_to_the_other(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        let answer = browser.get(here, "/login");
        let cookie = answer.cookie(CSRF).unwrap();
        for attribute in ["Max-Age=31449600", "Path=/", "SameSite=Lax"] {
            assert!(cookie.has(attribute), "{attribute} at {}", here.name);
        }
        assert!(!cookie.has("HttpOnly") && !cookie.has("Secure"), "{}", cookie.0);
        assert_eq!(cookie.value().len(), 32);
        assert_eq!(answer.header("vary"), Some("Cookie"));

        let (first, second) = (form_token(&mut browser, here), form_token(&mut browser, here));
        assert_ne!(first, second, "each page has its own mask");
        let bare = browser.csrf_token(here).unwrap();
        for token in [&first, &second, &bare] {
            let mut visitor = browser.thief();
            let answer = login_with(&mut visitor, there, &[("X-CSRFToken", token)]);
            assert_eq!(answer.status(), 200, "{}", answer.text);
        }
        let password = PASSWORD.replace(' ', "+");
        let body = format!("csrfmiddlewaretoken={first}&username=ada&password={password}");
        let headers = [("Content-Type", FORM)];
        let sending = Sending { method: "POST", path: "/login", headers: &headers, body };
        let answer = browser.exchange(there, sending);
        assert_eq!(answer.status(), 200, "{}", answer.text);
        assert_eq!(browser.name_at(here), "ada");
    }
}

fn a_form_without_the_right_token_is_refused_by_both(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut other = Browser::new();
        let foreign = form_token(&mut other, there);
        let mut browser = Browser::new();
        let own = form_token(&mut browser, here);
        let shorter = &own[1..];
        let strange = own.replacen(|_: char| true, "-", 1);
        for app in [here, there] {
            for token in ["", &foreign, shorter, &strange, "x"] {
                let answer = login_with(&mut browser, app, &[("X-CSRFToken", token)]);
                assert_eq!(answer.status(), 403, "{token:?} at {}", app.name);
                assert!(answer.session_cookie().is_none());
            }
            assert_eq!(login_with(&mut browser, app, &[]).status(), 403, "no token");
            let mut without_cookie = Browser::new();
            let answer = login_with(&mut without_cookie, app, &[("X-CSRFToken", &own)]);
            assert_eq!(answer.status(), 403, "no cookie at {}", app.name);
        }
        // The refusals have spoilt nothing; and what is refused has changed nothing.
        browser.sign_in(here, "ada");
        for path in ["/logout", "/set", "/notes", "/password", "/expiry"] {
            let body = json!({"a": 1, "text": "a", "old": PASSWORD, "new": "b", "value": 1});
            let headers = [("Content-Type", JSON), ("X-CSRFToken", foreign.as_str())];
            let body = body.to_string();
            let sending = Sending { method: "POST", path, headers: &headers, body };
            assert_eq!(browser.exchange(there, sending).status(), 403, "{path}");
        }
        let seen = browser.whoami(here);
        assert_eq!((&seen["username"], &seen["session"]), (&json!("ada"), &json!({})));
        assert_eq!(browser.get(there, "/notes").json(), json!({"notes": []}));
    }
}

fn a_form_from_another_site_is_refused_by_both(home: &Home) {
    let house = home.open("setup");
    user(&house, "ada");
    let trusted = json!(["https://forms.house.example", "http://*.trusted.example:8000"]);
    let trusted = trusted.to_string();
    let settings = [("CSRF_TRUSTED_ORIGINS", trusted.as_str())];
    let apps = Neighbours::start_with(home, &[V5_2, V4_2], &settings);
    for (here, there) in apps.both_ways() {
        let (own, others) =
            (format!("http://{}", here.address), format!("http://{}", there.address));
        let upper = own.replace("http", "HTTP");
        for (origin, status) in [
            (own.as_str(), 200),
            ("https://forms.house.example", 200),
            ("http://a.b.trusted.example:8000", 200),
            ("http://trusted.example:8000", 200),
            // Another port is another site, also when it is an app of the house.
            (&others, 403),
            (&upper, 403),
            ("null", 403),
            ("", 403),
            ("https://evil.example", 403),
            ("http://forms.house.example", 403),
            ("https://forms.house.example.evil.example", 403),
            ("https://sub.forms.house.example", 403),
            ("http://a.trusted.example", 403),
            ("http://untrusted.example:8000", 403),
            ("http://127.0.0.1", 403),
        ] {
            let mut browser = Browser::new();
            let token = form_token(&mut browser, here);
            let headers = [("X-CSRFToken", token.as_str()), ("Origin", origin)];
            let answer = login_with(&mut browser, here, &headers);
            assert_eq!(answer.status(), status, "{origin:?} at {}", here.name);
        }
        // Reading is open to everybody.
        let headers = [("Origin", "https://evil.example")];
        let sending =
            Sending { method: "GET", path: "/whoami", headers: &headers, body: String::new() };
        assert_eq!(Browser::new().exchange(here, sending).status(), 200);
    }
}

fn a_login_changes_the_secret_and_a_logout_keeps_it(home: &Home) {
    let apps = open(home, &[V5_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        let before = form_token(&mut browser, here);
        let secret = browser.csrf_token(here);
        browser.sign_in(there, "ada");
        let after = browser.csrf_token(here);
        assert_ne!(after, secret);
        for app in [here, there] {
            let answer = login_with(&mut browser, app, &[("X-CSRFToken", &before)]);
            assert_eq!(answer.status(), 403, "the page from before, at {}", app.name);
        }
        assert_eq!(browser.post(here, "/logout", "").status(), 200);
        assert_eq!(browser.csrf_token(here), after);
    }
}

fn both_clean_a_typed_name_alike(home: &Home) {
    user(&home.open("setup"), "größe");
    let apps = open(home, &[V5_2]);
    for app in std::iter::once(&apps.rust).chain(&apps.djangos) {
        for (typed, name) in [
            ("ada", Some("ada")),
            (" ada\u{a0}\n", Some("ada")),
            ("ａｄａ", Some("ada")),
            ("gro\u{308}ße", Some("größe")),
            ("Ada", None),
            ("a da", None),
            (" ", None),
            ("ada\0", None),
        ] {
            let answer = Browser::new().try_password(app, typed, PASSWORD);
            let found = answer.json()["username"].as_str().map(str::to_owned);
            assert_eq!(found.as_deref(), name, "{typed:?} at {}", app.name);
            assert_eq!(answer.status(), if name.is_some() { 200 } else { 401 }, "{typed:?}");
        }
        // Passwords are taken as they are typed.
        let padded = format!("{PASSWORD} ");
        assert_eq!(Browser::new().try_password(app, "ada", &padded).status(), 401);
    }
}

fn reset_link(app: &App, name: &str) -> Value {
    let mut browser = Browser::new();
    let answer = browser.post(app, "/reset-link", json!({ "username": name }).to_string());
    assert_eq!(answer.status(), 200, "{}", answer.text);
    answer.json()
}

fn redeem(app: &App, link: &Value, new: Option<&str>) -> u16 {
    let mut body = link.clone();
    if let Some(new) = new {
        body["new"] = json!(new);
    }
    Browser::new().post(app, "/reset", body.to_string()).status()
}

fn a_reset_link_of_one_is_redeemed_at_the_other_once(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (number, (here, there)) in apps.both_ways().enumerate() {
        let mut grace = Browser::new();
        grace.sign_in(here, "grace");
        let mut ada = Browser::new();
        let old = if number == 0 { PASSWORD.to_owned() } else { format!("new {}", number - 1) };
        assert_eq!(ada.try_password(here, "ada", &old).status(), 200);

        let link = reset_link(here, "ada");
        let another = reset_link(there, "ada");
        assert_eq!(link["uid"], another["uid"]);
        for app in [here, there] {
            assert_eq!(redeem(app, &link, None), 200, "good, at {}", app.name);
        }
        let uid_of_grace = reset_link(here, "grace")["uid"].clone();
        let token = link["token"].as_str().unwrap();
        let mut changed = token.to_owned();
        let last = if changed.pop() == Some('0') { '1' } else { '0' };
        changed.push(last);
        for (uid, token) in [
            (&uid_of_grace, token),
            (&link["uid"], &changed),
            (&link["uid"], &token.to_uppercase()),
            (&link["uid"], ""),
            (&json!(""), token),
            (&json!("!"), token),
            (&json!("OTk5OTk"), token),
        ] {
            for app in [here, there] {
                let forged = json!({"uid": uid, "token": token});
                assert_eq!(redeem(app, &forged, Some("evil")), 400, "{forged} at {}", app.name);
            }
        }
        assert_eq!(ada.name_at(there), "ada");

        let new = format!("new {number}");
        assert_eq!(redeem(there, &link, Some(&new)), 200);
        for app in [here, there] {
            assert_eq!(redeem(app, &link, Some("again")), 400, "used, at {}", app.name);
            assert_eq!(redeem(app, &another, Some("again")), 400, "stale, at {}", app.name);
            assert_eq!(Browser::new().try_password(app, "ada", &old).status(), 401);
            assert_eq!((ada.name_at(app), grace.name_at(app)), (String::new(), "grace".into()));
        }
        assert_eq!(Browser::new().try_password(here, "ada", &new).status(), 200);
    }
}

fn a_reset_link_dies_with_what_it_was_made_for(home: &Home) {
    let apps = open(home, &[V5_2]);
    for (here, there) in apps.both_ways() {
        let changes = [
            "email = 'other@example.org'",
            "email = ''",
            "last_login = '2001-02-03 04:05:06'",
            "last_login = NULL",
            "password = password || 'x'",
        ];
        let before = home.text("SELECT password FROM auth_user WHERE username = 'grace'");
        for change in changes {
            let link = reset_link(here, "grace");
            assert_eq!(redeem(there, &link, None), 200);
            home.execute(&format!("UPDATE auth_user SET {change} WHERE username = 'grace'"));
            assert_eq!(redeem(there, &link, None), 400, "{change} at {}", there.name);
        }
        home.execute(&format!(
            "UPDATE auth_user SET password = '{before}' WHERE username = 'grace'"
        ));
        // A login tells that the old password was not lost after all.
        let link = reset_link(here, "grace");
        Browser::new().sign_in(here, "grace");
        assert_eq!(redeem(there, &link, None), 400);
        home.execute("UPDATE auth_user SET last_login = NULL WHERE username = 'grace'");
    }
}

/// As a `next` of that app; `HOST` stands for its own address.
const PLACES: [&str; 42] = [
    "/notes",
    "/a?b=c&d=é#f",
    "/",
    "notes",
    "?a=b",
    "#a",
    "",
    " ",
    " /notes ",
    "/a b",
    "/größe",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\evil.example",
    "\\\\evil.example",
    "/\t/evil.example",
    "\t//evil.example",
    "\n/notes",
    "/a\nb",
    "\u{8}/notes",
    "\u{a0}/notes",
    "https://evil.example/",
    "HTTP://evil.example",
    "http:evil",
    "http:///evil.example",
    "javascript:alert(1)",
    "JavaScript:alert(1)",
    "data:text/html,a",
    "mailto:a@b.example",
    "http://HOST/notes",
    "https://HOST/notes",
    "ftp://HOST/notes",
    "//HOST/notes",
    "http://HOST",
    "http://HOST@evil.example/",
    "http://evil.example@HOST/",
    "http://HOST.evil.example/",
    "http:\\\\HOST\\notes",
    "http://[::1/",
    "http://[::1]/",
    "ht tp://evil.example",
];

#[test]
fn both_find_the_same_places_safe_to_go_to() {
    let home = Home::sqlite();
    let apps = open(&home, &[V5_2]);
    let verdicts = |app: &App| -> Vec<Value> {
        let mut browser = Browser::new();
        let places = PLACES.iter().map(|place| {
            let next = place.replace("HOST", &app.address);
            let quoted =
                percent_encoding::utf8_percent_encode(&next, percent_encoding::NON_ALPHANUMERIC);
            let answer = browser.get(app, &format!("/login?next={quoted}")).json()["next"].clone();
            let body = json!({"username": "ada", "password": PASSWORD, "next": next});
            let at_login = browser.post(app, "/login", body.to_string()).json()["next"].clone();
            assert_eq!(answer, at_login, "{next:?} at {}", app.name);
            assert!(answer.is_null() || answer == json!(next), "{next:?} at {}", app.name);
            json!([place, !answer.is_null()])
        });
        places.collect()
    };
    let ours = verdicts(&apps.rust);
    for django in &apps.djangos {
        assert_eq!(ours, verdicts(django));
    }
    for (place, is_safe) in
        [("/notes", true), ("http://HOST/notes", true), ("//evil.example", false), ("", false)]
    {
        assert!(ours.contains(&json!([place, is_safe])), "{place}");
    }
}
