//! The ready-made pages over HTTP: whatever is asked or posted is answered by a page that says what is the matter, on
//! axum and on actix-web alike.

use std::net::SocketAddr;

use crate::support::fronts::{Framework, on_each_front};
use crate::support::server::{Answer, CSRF_SECRET, send};
use crate::support::{Home, House, PASSWORD, user};

on_each_front!(
    a_post_that_nobody_expects_is_no_fault_of_the_server,
    only_users_see_their_account_and_only_staff_the_desk,
    a_link_that_nobody_made_sets_no_password,
    what_is_no_form_is_refused,
    a_form_without_its_token_does_nothing,
    the_stylesheet_is_kept_as_long_as_it_is_the_same,
    a_route_of_the_app_comes_before_a_page,
    nobody_goes_round_between_two_apps,
);

/// Below which path `routes` of the fronts has the pages.
const AT: &str = "/account";

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");

fn get(app: SocketAddr, path: &str, session: &str) -> Answer {
    let cookies = format!("csrftoken={CSRF_SECRET}; sessionid={session}");
    send("GET", app, &format!("{AT}{path}"), &[("cookie", &cookies)], "")
}

fn post(app: SocketAddr, path: &str, session: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields).append_pair("csrfmiddlewaretoken", CSRF_SECRET);
    let cookies = format!("csrftoken={CSRF_SECRET}; sessionid={session}");
    send("POST", app, &format!("{AT}{path}"), &[("cookie", &cookies), FORM], &body.finish())
}

fn sign_in(app: SocketAddr, name: &str) -> String {
    let fields = [("username", name), ("password", PASSWORD)];
    post(app, "/login", "", &fields).cookie().unwrap()
}

fn house(home: &Home) -> House {
    let house = home.open("notes");
    house.create_superuser("ada", "", PASSWORD).unwrap();
    user(&house, "grace");
    house
}

fn a_post_that_nobody_expects_is_no_fault_of_the_server(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let ada = sign_in(app, "ada");
    let users = || home.count("SELECT count(*) FROM auth_user");
    let long = "x".repeat(100_000);
    let texts = ["", "\0", "a\0b", "\u{202e}", "'; DROP TABLE auth_user; --", "%", "🙂", &long];
    let ids =
        ["0", "-1", "2147483648", "99999999999999999999", "x", "1%00", "%2F", "%201", "1e0", "1e3"];
    let paths = [
        ("/users/new", &["username", "first_name", "last_name", "email"][..]),
        ("/groups", &["name"]),
        ("/sessions", &["end"]),
        ("/password", &["old", "new", "repeat"]),
        ("/users/1", &["do", "end", "group", "permission", "had_group"]),
        ("/groups/1", &["do", "name", "permission", "sure"]),
        ("/login", &["username", "password", "next"]),
    ];
    for (path, names) in paths {
        for text in texts {
            let all: Vec<_> = names.iter().map(|name| (*name, text)).collect();
            for fields in [&all[..], &all[..1], &[all.clone(), all.clone()].concat()] {
                let answer = post(app, path, &ada, fields);
                let is_told = matches!(answer.status, 200 | 303 | 400..=499);
                assert!(is_told, "{path} {:.20}: {} {}", text, answer.status, answer.body);
            }
        }
    }
    for id in ids {
        for path in ["/users", "/groups"] {
            let path = format!("{path}/{id}");
            assert_eq!(get(app, &path, &ada).status, 404, "{path}");
            for what in [
                "details",
                "rights",
                "link",
                "activate",
                "deactivate",
                "unlock",
                "save",
                "delete",
                "",
            ] {
                let fields =
                    [("do", what), ("username", "x"), ("name", "x"), ("sure", "1"), ("end", "all")];
                let answer = post(app, &path, &ada, &fields);
                assert!(matches!(answer.status, 404 | 422), "{path} {what}: {}", answer.status);
            }
        }
    }
    for query in [
        "?q=%00",
        "?after=%00&before=%ff",
        "?q=%25",
        "?done=%3Cscript%3E",
        "?after=zzz",
        "?q=a&q=b",
    ] {
        let answer = get(app, &format!("/users{query}"), &ada);
        assert_eq!(answer.status, 200, "{query}");
        assert!(!answer.body.contains("<script"), "{query}");
    }
    // Of all these names one alone is a name: `x`-es are too many, and the rest no letters.
    assert_eq!(users(), 2);
}

fn only_users_see_their_account_and_only_staff_the_desk(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let (ada, grace) = (sign_in(app, "ada"), sign_in(app, "grace"));
    for (path, anonymous, user, staff) in [
        ("", 303, 200, 200),
        ("/", 303, 200, 200),
        ("/login", 200, 303, 303),
        ("/logout", 200, 200, 200),
        ("/password", 303, 200, 200),
        ("/sessions", 303, 200, 200),
        ("/sessions/", 303, 200, 200),
        ("/users", 303, 403, 200),
        ("/users/new", 303, 403, 200),
        ("/users/2", 303, 403, 200),
        ("/groups", 303, 403, 200),
        ("/style.css", 200, 200, 200),
        ("/nothing", 404, 404, 404),
        ("/users/2/3", 404, 404, 404),
    ] {
        for (session, status) in [("", anonymous), (&*grace, user), (&*ada, staff)] {
            let answer = get(app, path, session);
            assert_eq!(answer.status, status, "{path}: {}", answer.body);
            if status == 303 && session.is_empty() {
                let login = format!("{AT}/login?next={AT}{path}");
                assert_eq!(answer.header("location"), Some(&*login), "{path}");
            }
        }
    }
    // What is posted is held to the same.
    for (path, what) in
        [("/users/new", ""), ("/users/1", "deactivate"), ("/groups", ""), ("/groups/1", "save")]
    {
        let fields = [("username", "eve"), ("name", "eve"), ("do", what)];
        assert_eq!(post(app, path, "", &fields).status, 303, "{path}");
        assert_eq!(post(app, path, &grace, &fields).status, 403, "{path}");
    }
    assert!(house.find_user("eve").unwrap().is_none());
    assert!(house.find_user("ada").unwrap().unwrap().is_active);
}

fn a_link_that_nobody_made_sets_no_password(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let grace = house.find_user("grace").unwrap().unwrap();
    let good = house.reset_link(&grace).unwrap().unwrap();
    let new = [("new", "a table made of glass"), ("repeat", "a table made of glass")];
    let (uid, token) = (&good.uid, &good.token);
    for path in [
        format!("/reset/{uid}/x{token}"),
        format!("/reset/{uid}/0-0"),
        format!("/reset/MQ/{token}"),
        format!("/reset/OTk5/{token}"),
        format!("/reset/%00/{token}"),
    ] {
        assert_eq!(get(app, &path, "").status, 410, "{path}");
        assert_eq!(post(app, &path, "", &new).status, 410, "{path}");
    }
    assert!(house.authenticate("grace", PASSWORD).unwrap().is_some());
    let path = format!("/reset/{uid}/{token}");
    assert_eq!(get(app, &path, "").status, 200);
    // Looking at it does not use it up, as programs do that look at links before people do.
    assert_eq!(get(app, &path, "").status, 200);
    assert_eq!(post(app, &path, "", &new).status, 303);
    assert_eq!(post(app, &path, "", &new).status, 410);
    assert!(house.authenticate("grace", "a table made of glass").unwrap().is_some());
}

fn what_is_no_form_is_refused(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let cookies = format!("csrftoken={CSRF_SECRET}");
    let login = format!("{AT}/login");
    let token = ("x-csrftoken", CSRF_SECRET);
    let cookie = ("cookie", &*cookies);
    for (method, kind, status) in [
        ("POST", "application/json", 415),
        ("POST", "text/plain", 415),
        ("POST", "", 415),
        ("PUT", "application/x-www-form-urlencoded", 405),
        ("DELETE", "application/x-www-form-urlencoded", 405),
        ("PATCH", "application/x-www-form-urlencoded", 405),
    ] {
        let answer =
            send(method, app, &login, &[cookie, token, ("content-type", kind)], "username=a");
        assert_eq!(answer.status, status, "{method} {kind}");
    }
    let answer = send("HEAD", app, &login, &[cookie], "");
    assert_eq!((answer.status, &*answer.body), (200, ""));
}

fn a_form_without_its_token_does_nothing(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let ada = sign_in(app, "ada");
    for path in ["/login", "/logout", "/password", "/sessions", "/users/new", "/users/2", "/groups"]
    {
        let cookies = format!("csrftoken={CSRF_SECRET}; sessionid={ada}");
        let body = "username=eve&name=eve&end=others&do=deactivate";
        let at = format!("{AT}{path}");
        assert_eq!(
            send("POST", app, &at, &[("cookie", &cookies), FORM], body).status,
            403,
            "{path}"
        );
        let foreign = ("origin", "https://evil.example");
        let body = format!("{body}&csrfmiddlewaretoken={CSRF_SECRET}");
        let answer = send("POST", app, &at, &[("cookie", &cookies), FORM, foreign], &body);
        assert_eq!(answer.status, 403, "{path}");
    }
    assert_eq!(get(app, "/sessions", &ada).status, 200);
    assert!(house.find_user("grace").unwrap().unwrap().is_active);
    assert!(house.find_user("eve").unwrap().is_none());
}

fn the_stylesheet_is_kept_as_long_as_it_is_the_same(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    let page = get(app, "/login", "").body;
    let address = page.split_once(&format!("{AT}/style.css")).unwrap().1.split('"').next().unwrap();
    let now = get(app, &format!("/style.css{address}"), "");
    assert_eq!(now.header("content-type"), Some("text/css; charset=utf-8"));
    assert!(now.header("cache-control").unwrap().contains("immutable"));
    assert_eq!(now.header("set-cookie"), None);
    let other = get(app, "/style.css?v=1", "");
    assert_eq!((other.header("cache-control"), &other.body), (Some("no-cache"), &now.body));
}

fn a_route_of_the_app_comes_before_a_page(framework: Framework, home: &Home) {
    let house = house(home);
    let app = framework.serve(&house);
    assert_eq!(get(app, "/own", "").body, "a page of the app");
}

/// Django's `permission_required` sends who is signed in and lacks the right to the login page.
fn nobody_goes_round_between_two_apps(framework: Framework, home: &Home) {
    let config = home.config("front").allow_next_host("wiki.house.test");
    let house = home.open_with(config);
    user(&house, "grace");
    let app = framework.serve(&house);
    let grace = sign_in(app, "grace");
    let wiki = "http://wiki.house.test/page?a=1&b=2";
    let path = "/login?next=http%3A%2F%2Fwiki.house.test%2Fpage%3Fa%3D1%26b%3D2";
    let answer = get(app, path, &grace);
    assert_eq!(answer.status, 200);
    assert!(answer.body.contains("http://wiki.house.test/page?a=1&#38;b=2"), "{}", answer.body);
    // A login leads there all the same.
    let fields = [("username", "grace"), ("password", PASSWORD)];
    assert_eq!(post(app, path, "", &fields).header("location"), Some(wiki));
    assert_eq!(get(app, "/login?next=/a", &grace).header("location"), Some("/a"));
    let evil = get(app, "/login?next=http://evil.example/", &grace);
    assert_eq!(evil.header("location"), Some("/"));
}

#[test]
fn the_pages_are_the_same_on_both_frameworks() {
    let home = Home::sqlite();
    let house = house(&home);
    let apps = [Framework::Axum, Framework::Actix].map(|framework| framework.serve(&house));
    let ada = sign_in(apps[0], "ada");
    let told = |answer: Answer| {
        let headers: Vec<_> =
            ["content-type", "cache-control", "location", "vary", "content-security-policy"]
                .map(|name| answer.header(name).map(str::to_owned))
                .into();
        // Each form has a token of its own, and some times are told to the second.
        let mut body = String::new();
        for (place, part) in answer.body.split("csrfmiddlewaretoken\" value=\"").enumerate() {
            body += if place == 0 { part } else { part.split_once('"').unwrap().1 };
        }
        (answer.status, headers, body)
    };
    for session in ["", &ada] {
        for path in [
            "",
            "/login",
            "/login?next=/a",
            "/logout",
            "/password",
            "/users",
            "/users/new",
            "/users/2",
            "/groups",
            "/x",
        ] {
            let [axum, actix] = apps.map(|app| told(get(app, path, session)));
            assert_eq!(axum, actix, "{path}");
        }
    }
    let wrong = [("username", "ada"), ("password", "wrong")];
    let [axum, actix] = apps.map(|app| told(post(app, "/login", "", &wrong)));
    assert_eq!(axum, actix);
}
