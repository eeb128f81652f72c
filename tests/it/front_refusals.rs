//! Who may not come in is told why, in the form that is understood: people are led to the login page, scripts get a
//! status, a challenge and a problem to read.

use housekey::{Config, permissions};
use serde_json::{Value, json};

use crate::support::fronts::{Framework, on_both_frameworks};
use crate::support::server::{BROWSER, send, visit};
use crate::support::{Home, House, login, user};

on_both_frameworks!(
    a_refusal_has_the_form_that_is_wanted,
    people_are_sent_to_the_login_page_and_scripts_are_not,
    a_login_page_may_have_any_address,
    who_lacks_a_permission_is_told_which,
    the_login_page_is_for_everyone,
    the_layers_let_in_whom_the_extractors_let_in,
);

fn house(home: &Home, change: impl FnOnce(Config) -> Config) -> House {
    let config = home.config("notes").permissions(permissions! { "notes": Note { add } });
    let house = home.open_with(change(config));
    for name in ["ada", "bob", "cara"] {
        if house.find_user(name).unwrap().is_none() {
            user(&house, name);
        }
    }
    home.execute("UPDATE auth_user SET is_staff = true WHERE username = 'bob'");
    home.execute("DELETE FROM auth_user_user_permissions");
    home.execute(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id)
         SELECT u.id, p.id FROM auth_user u, auth_permission p
         WHERE u.username = 'cara' AND p.codename = 'add_note'",
    );
    house
}

const CHALLENGE: &str = r#"Cookie realm="notes", cookie-name="sessionid""#;

fn a_refusal_has_the_form_that_is_wanted(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&house(&home, |config| config));
    for (accept, kind) in [
        (BROWSER, "text/html; charset=utf-8"),
        ("application/json", "application/problem+json"),
        ("*/*", "text/plain; charset=utf-8"),
        ("", "text/plain; charset=utf-8"),
    ] {
        for path in ["/user", "/required/login", "/staff", "/permission", "/fresh"] {
            let answer = visit(app, path, "", accept);
            assert_eq!((answer.status, answer.header("location")), (401, None), "{path} {accept}");
            assert_eq!(answer.headers("content-type"), [kind], "{path}");
            assert_eq!(answer.headers("www-authenticate"), [CHALLENGE], "{path}");
            assert_eq!(answer.headers("cache-control"), ["no-store"], "{path}");
            let mut vary = answer.headers("vary");
            vary.sort_unstable();
            assert_eq!(vary, ["Accept", "Cookie"], "{path}");
        }
    }
    let problem: Value =
        serde_json::from_str(&visit(app, "/user", "", "application/json").body).unwrap();
    let expected = json!({
        "type": "about:blank", "title": "Sign in", "status": 401, "detail": "Sign in first."
    });
    assert_eq!(problem, expected);
    let page = visit(app, "/user", "", BROWSER).body;
    assert!(
        page.starts_with("<!doctype html>") && page.contains("<p>Sign in first.</p>"),
        "{page}"
    );
}

fn people_are_sent_to_the_login_page_and_scripts_are_not(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&house(&home, |config| config.login_url("/login")));
    for (path, page) in [
        ("/user", "/login?next=/user"),
        ("/in/user?a=1&b=%20", "/login?next=/in/user%3Fa%3D1%26b%3D%2520"),
        ("/required/login/deep?x", "/login?next=/required/login/deep%3Fx"),
        ("/staff", "/login?next=/staff"),
        ("/permission", "/login?next=/permission"),
        ("/fresh", "/login?next=/fresh"),
    ] {
        for accept in [BROWSER, "*/*", ""] {
            let answer = visit(app, path, "", accept);
            assert_eq!((answer.status, answer.header("location")), (303, Some(page)), "{path}");
            assert_eq!((answer.body.as_str(), answer.header("www-authenticate")), ("", None));
            assert_eq!(answer.headers("cache-control"), ["no-store"]);
        }
        for script in [
            &[("accept", "application/json")][..],
            &[("accept", "*/*"), ("sec-fetch-mode", "cors")],
            &[("accept", "*/*"), ("x-requested-with", "XMLHttpRequest")],
        ] {
            let answer = send("GET", app, path, script, "");
            assert_eq!((answer.status, answer.header("location")), (401, None), "{script:?}");
            assert_eq!(answer.headers("www-authenticate"), [CHALLENGE]);
        }
    }
    // Not even then to somewhere else: the login page does not follow that.
    let answer = visit(app, "//evil.example/user", "", BROWSER);
    assert_eq!(answer.header("location"), None);
}

fn a_login_page_may_have_any_address(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&house(&home, |config| config.login_url("/größe login?a=%20#form")));
    let answer = visit(app, "/user", "", BROWSER);
    let page = "/gr%C3%B6%C3%9Fe%20login?a=%20&next=/user#form";
    assert_eq!((answer.status, answer.header("location")), (303, Some(page)));
}

fn who_lacks_a_permission_is_told_which(framework: Framework) {
    let home = Home::sqlite();
    let house = house(&home, |config| config.login_url("/login"));
    let app = framework.serve(&house);
    let ada = login(&house, "ada");
    let lacks = format!(r#"{CHALLENGE}, error="insufficient_scope""#);
    let scope = format!(r#"{lacks}, scope="notes.add_note""#);
    for accept in [BROWSER, "application/json", "*/*"] {
        for (path, challenge) in [
            ("/staff", &lacks),
            ("/required/staff", &lacks),
            ("/permission", &scope),
            ("/required/permission", &scope),
        ] {
            let answer = visit(app, path, &ada, accept);
            assert_eq!((answer.status, answer.header("location")), (403, None), "{path}");
            assert_eq!(answer.headers("www-authenticate"), [challenge.as_str()], "{path}");
            assert!(answer.body.contains("You may not do this."), "{}", answer.body);
        }
    }
    assert_eq!(visit(app, "/may", &ada, "").body, "false");
    assert_eq!(visit(app, "/may", &login(&house, "cara"), "").body, "true");
    assert_eq!(visit(app, "/may", "", "").body, "false");
}

/// Or nobody could ever sign in.
fn the_login_page_is_for_everyone(framework: Framework) {
    let home = Home::sqlite();
    let house = house(&home, |config| config.login_url("/required/login?from=here#form"));
    let app = framework.serve(&house);
    assert_ne!(visit(app, "/required/login", "", BROWSER).status, 303);
    let deep = visit(app, "/required/login/deep", "", BROWSER);
    assert_eq!(deep.status, 303, "{}", deep.body);
}

fn the_layers_let_in_whom_the_extractors_let_in(framework: Framework) {
    let home = Home::sqlite();
    let house = house(&home, |config| config);
    let app = framework.serve(&house);
    for name in ["ada", "bob", "cara"] {
        let key = login(&house, name);
        for (extractor, layer, who) in [
            ("/user", "/required/login/deep", vec!["ada", "bob", "cara"]),
            ("/staff", "/required/staff/deep", vec!["bob"]),
            ("/permission", "/required/permission/deep", vec!["cara"]),
        ] {
            let expected =
                if who.contains(&name) { (200, name) } else { (403, "You may not do this.\n") };
            for path in [extractor, layer] {
                let answer = visit(app, path, &key, "");
                assert_eq!((answer.status, answer.body.as_str()), expected, "{path} {name}");
            }
        }
    }
}
