//! Two processes of `examples/house_app` on one shared database, driven over HTTP.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use chrono::DateTime;
use serde_json::{Value, json};

use crate::support::apps::{App, Browser, FORM, JSON};
use crate::support::{Home, KEY, PASSWORD, example, on_both_databases, user};

on_both_databases!(
    a_login_at_notes_is_a_login_at_tasks,
    what_notes_stores_tasks_reads,
    signing_out_at_one_app_is_signing_out_at_the_other,
    a_login_gives_a_cookie_as_djangos,
    strangers_leave_no_trace,
    a_session_ends_when_it_was_told_to,
    a_new_password_ends_the_other_sessions,
    each_app_keeps_its_own_notes,
    who_is_not_active_is_nobody,
    permissions_are_those_of_the_house,
    bad_input_is_refused_and_harms_nothing,
    a_broken_shared_database_is_503,
);

const TWO_WEEKS: i64 = 1_209_600;

/// A house with the users `ada` and `grace`, and the apps `notes` and `tasks`.
fn open(home: &Home) -> (App, App) {
    let house = home.open("setup");
    user(&house, "ada");
    user(&house, "grace");
    (App::start(home, "notes"), App::start(home, "tasks"))
}

fn a_login_at_notes_is_a_login_at_tasks(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    let answer = browser.sign_in(&notes, "ada").json();
    assert_eq!(answer, json!({"ok": true, "username": "ada", "next": null}));

    let here = browser.get(&notes, "/whoami").json();
    assert_eq!(here["app"], "notes");
    let there = browser.get(&tasks, "/whoami").json();
    let expected = json!({
        "app": "tasks", "authenticated": true, "id": here["id"], "username": "ada",
        "is_staff": false, "is_superuser": false, "perms": [], "session": {},
    });
    assert_eq!(there, expected);
    assert!(there["id"].as_i64().is_some_and(|id| id > 0));

    let form = "username=grace&password=correct+horse%20battery+staple&next=%2Fnotes";
    let answer = browser.send(&tasks, "POST", "/login", FORM, form.to_owned()).json();
    assert_eq!(answer, json!({"ok": true, "username": "grace", "next": "/notes"}));
    assert_eq!(browser.name_at(&notes), "grace");

    let mut stranger = Browser::new();
    let wrong = json!({"username": "ada", "password": "wrong"});
    let answer = stranger.post(&notes, "/login", wrong.to_string());
    assert_eq!((answer.status(), answer.json()), (401, json!({"ok": false})));
    assert!(answer.session_cookie().is_none());
}

fn what_notes_stores_tasks_reads(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let stored = r#"{"big":123456789012345678901234567890,"deep":{"größe":["メモ",[null,true]]},"#
        .to_owned()
        + r#""exact":1.10,"float":1.0,"small":1e-07,"😀":"\ud83d\ude00"}"#;
    assert_eq!(browser.post(&notes, "/set", stored.clone()).json(), json!({"ok": true}));
    assert_eq!(browser.get(&tasks, "/set?theme=dark&empty=").json(), json!({"ok": true}));

    let answer = browser.get(&notes, "/whoami");
    let there = browser.get(&tasks, "/whoami").text;
    // The floats and the big integer in their spelling; what was escaped may be spelled otherwise.
    for part in
        [r#""big":123456789012345678901234567890,"#, r#""exact":1.10,"float":1.0,"small":1e-07"#]
    {
        assert!(there.contains(part), "{there}");
    }
    let session = &answer.json()["session"];
    assert_eq!(session["deep"], json!({"größe": ["メモ", [null, true]]}));
    assert_eq!(session["😀"], "😀");
    assert_eq!((&session["theme"], &session["empty"]), (&json!("dark"), &json!("")));
    assert_eq!(session.as_object().unwrap().len(), 8);
}

fn signing_out_at_one_app_is_signing_out_at_the_other(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let mut thief = browser.thief();
    assert_eq!(thief.name_at(&notes), "ada");

    let answer = browser.post(&tasks, "/logout", "");
    assert_eq!((answer.status(), answer.json()), (200, json!({"ok": true})));
    assert_eq!((answer.max_age(), browser.session()), (Some(0), None));
    assert_eq!(thief.name_at(&notes), "");
    assert_eq!(thief.name_at(&tasks), "");
    assert_eq!(home.sessions(), 0);
}

fn a_login_gives_a_cookie_as_djangos(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    let answer = browser.sign_in(&notes, "ada");
    let cookie = answer.session_cookie().unwrap();
    for attribute in ["HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=1209600"] {
        assert!(cookie.has(attribute), "{attribute}");
    }
    assert!((answer.lives_for() - TWO_WEEKS).abs() < 60);
    assert!(!cookie.has("Secure") && cookie.attribute("Domain").is_none());
    for answer in [answer, browser.get(&tasks, "/whoami")] {
        assert_eq!(answer.header("vary"), Some("Cookie"));
        assert_eq!(answer.header("cache-control"), Some("private, no-store"));
    }
    assert!(browser.get(&tasks, "/whoami").session_cookie().is_none());

    let settings = [
        ("SESSION_COOKIE_NAME", "door"),
        ("SESSION_COOKIE_DOMAIN", "house.example"),
        ("SESSION_COOKIE_AGE", "120"),
        ("SESSION_COOKIE_SECURE", "true"),
        ("SESSION_SAVE_EVERY_REQUEST", "true"),
    ];
    let special = App::start_with(home, "special", &settings);
    let mut browser = Browser::new();
    let answer = browser.sign_in(&special, "ada");
    let door = answer.cookie("door").unwrap();
    for attribute in ["Secure", "Domain=house.example", "Max-Age=120", "HttpOnly"] {
        assert!(door.has(attribute), "{attribute}");
    }
    let prolonged = browser.get(&special, "/whoami");
    assert_eq!(prolonged.cookie("door").unwrap().value(), door.value());
}

fn strangers_leave_no_trace(home: &Home) {
    let (notes, _tasks) = open(home);
    let mut browser = Browser::new();
    for path in ["/whoami", "/login?next=/notes", "/perm?p=notes.add_note", "/healthz", "/set"] {
        let answer = browser.get(&notes, path);
        assert_eq!(answer.status(), 200, "{path}");
        assert!(answer.session_cookie().is_none(), "{path}");
    }
    for answer in [
        browser.get(&notes, "/notes"),
        browser.post(&notes, "/notes", r#"{"text": "a"}"#),
        browser.post(&notes, "/password", r#"{"old": "a", "new": "b"}"#),
    ] {
        assert_eq!(answer.status(), 401);
        assert!(answer.session_cookie().is_none());
        assert_eq!(answer.json()["ok"], false);
    }
    assert!(browser.post(&notes, "/logout", "").session_cookie().is_none());
    let answer = browser.get(&notes, "/whoami");
    assert_eq!(answer.header("vary"), Some("Cookie"));
    let nobody = json!({
        "app": "notes", "authenticated": false, "id": null, "username": "", "is_staff": false,
        "is_superuser": false, "perms": [], "session": {},
    });
    assert_eq!(answer.json(), nobody);
    assert_eq!(browser.get(&notes, "/healthz").header("vary"), None);
    assert_eq!(home.sessions(), 0);

    browser.get(&notes, "/set?cart=full");
    assert_eq!(home.sessions(), 1);
    browser.sign_in(&notes, "ada");
    assert_eq!(browser.get(&notes, "/whoami").json()["session"], json!({"cart": "full"}));
    assert_eq!(home.sessions(), 1);
}

fn a_session_ends_when_it_was_told_to(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let mut expire = |value: Value| {
        let answer = browser.post(&notes, "/expiry", json!({"value": value}).to_string());
        assert_eq!(answer.json(), json!({"ok": true}));
        answer
    };
    assert_eq!(expire(json!(60)).max_age(), Some(60));
    assert!((expire(json!(3600)).lives_for() - 3600).abs() < 60);
    let at_close = expire(json!(0));
    let cookie = at_close.session_cookie().unwrap();
    assert_eq!((cookie.max_age(), cookie.attribute("Expires")), (None, None));
    assert!(cookie.has("HttpOnly"));
    assert_eq!(expire(json!(86400.5)).max_age(), Some(86400));
    assert_eq!(expire(Value::Null).max_age(), Some(TWO_WEEKS));
    // The end of the century in UTC, as `date -u -d 2100-01-01 +%s` tells it.
    let end_of_century = 4_102_444_800;
    for time in ["2100-01-01T00:00:00Z", "2100-01-01T01:00:00+01:00", "2100-01-01T00:00:00"] {
        expire(Value::Null);
        let answer = expire(json!(time));
        let expires = answer.session_cookie().unwrap().attribute("Expires").unwrap();
        let expires = DateTime::parse_from_rfc2822(expires).unwrap().timestamp();
        assert!((expires - end_of_century).abs() < 60, "{time}");
    }
    for value in [json!("tomorrow"), json!(1e300), json!(true), json!([1]), json!({"a": 1})] {
        let answer = browser.post(&notes, "/expiry", json!({"value": value}).to_string());
        assert!([400, 422].contains(&answer.status()), "{value}");
        assert_eq!(answer.json()["ok"], false);
    }
    assert_eq!(browser.name_at(&tasks), "ada");

    let before = browser.session();
    assert!(browser.post(&notes, "/expiry", r#"{"value": -1}"#).max_age().unwrap() < 0);
    browser.set_session(before);
    assert_eq!(browser.name_at(&tasks), "");
}

fn a_new_password_ends_the_other_sessions(home: &Home) {
    let (notes, tasks) = open(home);
    let (mut here, mut elsewhere, mut grace) = (Browser::new(), Browser::new(), Browser::new());
    here.sign_in(&notes, "ada");
    elsewhere.sign_in(&notes, "ada");
    grace.sign_in(&notes, "grace");
    let before = here.session();

    let wrong = here.post(&notes, "/password", r#"{"old": "wrong", "new": "tr0ub4dor&3"}"#);
    assert_eq!((wrong.status(), &wrong.json()["ok"]), (400, &json!(false)));
    assert_eq!(elsewhere.name_at(&tasks), "ada");

    let long = json!({"old": PASSWORD, "new": "p".repeat(5000)});
    assert_eq!(here.post(&notes, "/password", long.to_string()).status(), 400);

    let change = json!({"old": PASSWORD, "new": "tr0ub4dor&3"});
    let answer = here.post(&notes, "/password", change.to_string());
    assert_eq!((answer.status(), answer.json()), (200, json!({"ok": true})));
    assert_ne!(here.session(), before);
    for app in [&notes, &tasks] {
        assert_eq!(here.name_at(app), "ada");
        assert_eq!(elsewhere.name_at(app), "");
        assert_eq!(grace.name_at(app), "grace");
    }
    let old = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(elsewhere.post(&notes, "/login", old.to_string()).status(), 401);
    let new = json!({"username": "ada", "password": "tr0ub4dor&3"});
    assert_eq!(elsewhere.post(&tasks, "/login", new.to_string()).status(), 200);
}

fn each_app_keeps_its_own_notes(home: &Home) {
    let (notes, tasks) = open(home);
    let (mut ada, mut grace) = (Browser::new(), Browser::new());
    ada.sign_in(&notes, "ada");
    grace.sign_in(&notes, "grace");
    let milk = ada.post(&notes, "/notes", r#"{"text": "milk"}"#).json();
    assert_eq!(milk, json!({"notes": ["milk"]}));
    ada.post(&notes, "/notes", r#"{"text": "größe '; DROP TABLE note"}"#);
    ada.post(&tasks, "/notes", r#"{"text": "sleep"}"#);

    let both = json!({"notes": ["milk", "größe '; DROP TABLE note"]});
    assert_eq!(ada.get(&notes, "/notes").json(), both);
    assert_eq!(ada.get(&tasks, "/notes").json(), json!({"notes": ["sleep"]}));
    assert_eq!(grace.get(&notes, "/notes").json(), json!({"notes": []}));
}

fn who_is_not_active_is_nobody(home: &Home) {
    let (notes, tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let no = if home.is_postgres() { "false" } else { "0" };
    home.execute(&format!("UPDATE auth_user SET is_active = {no} WHERE username = 'ada'"));
    assert_eq!(browser.name_at(&notes), "");
    assert_eq!(browser.get(&tasks, "/notes").status(), 401);
    let body = json!({"username": "ada", "password": PASSWORD});
    assert_eq!(browser.post(&tasks, "/login", body.to_string()).status(), 401);
}

fn permissions_are_those_of_the_house(home: &Home) {
    home.open("setup").create_superuser("root", "", PASSWORD).unwrap();
    let (notes, tasks) = open(home);
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (901, 'notes', 'note');
         INSERT INTO auth_permission (id, content_type_id, codename, name)
             VALUES (901, 901, 'share_note', 'Can share'), (902, 901, 'burn_note', 'Can burn');
         INSERT INTO auth_user_user_permissions (user_id, permission_id)
             SELECT u.id, p.id FROM auth_user u, auth_permission p
             WHERE u.username = 'ada' AND p.id IN (901, 902)",
    );
    let mut ada = Browser::new();
    ada.sign_in(&notes, "ada");
    let perms = ada.get(&tasks, "/whoami").json()["perms"].clone();
    assert_eq!(perms, json!(["notes.burn_note", "notes.share_note"]));
    let mut root = Browser::new();
    root.sign_in(&tasks, "root");
    let has = |browser: &mut Browser, name: &str| {
        browser.get(&notes, &format!("/perm?p={name}")).json()["has"] == true
    };
    assert!(has(&mut ada, "notes.share_note"));
    assert!(!has(&mut ada, "notes.delete_note"));
    assert!(has(&mut root, "notes.no_such_thing"));
    assert!(!has(&mut Browser::new(), "notes.share_note"));
    let root = root.get(&notes, "/whoami").json();
    assert_eq!((&root["is_staff"], &root["is_superuser"]), (&json!(true), &json!(true)));
}

fn bad_input_is_refused_and_harms_nothing(home: &Home) {
    let (notes, _tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let long = format!(r#"{{"text": "{}"}}"#, "a".repeat(64 * 1024 - 11));
    let cases = [
        ("/login", JSON, "{", 400),
        ("/login", JSON, "", 400),
        ("/login", JSON, r#"{"username": "ada"}"#, 422),
        ("/login", JSON, r#"{"username": 1, "password": 2}"#, 422),
        ("/login", FORM, "username=ada", 422),
        ("/login", "text/plain", "username=ada", 415),
        ("/set", JSON, "[1]", 422),
        ("/set", JSON, r#"{"a": NaN}"#, 400),
        ("/set", JSON, r#"{"_auth_user_id": "1"}"#, 400),
        ("/set", FORM, "a=b", 415),
        ("/expiry", JSON, "7", 422),
        ("/password", JSON, r#"{"old": null, "new": []}"#, 422),
        ("/notes", JSON, r#"{"text": null}"#, 422),
        ("/notes", JSON, r#"{"text": "a\u0000b"}"#, 400),
        ("/notes", JSON, "\"\u{1}\"", 400),
        ("/notes", JSON, long.as_str(), 413),
    ];
    for (path, kind, body, status) in cases {
        // Each with a connection of its own: that of a body which is not read to its end is closed.
        let mut browser = browser.thief();
        let answer = browser.send(&notes, "POST", path, kind, body.to_owned());
        assert_eq!(
            answer.status(),
            status,
            "{path} {}: {}",
            &body[..body.len().min(40)],
            answer.text
        );
        assert_eq!(answer.json()["ok"], false, "{path}");
        assert!(answer.json()["error"].as_str().is_some_and(|why| !why.is_empty()), "{path}");
    }
    for path in ["/perm", "/set?_auth_user_id=2"] {
        assert_eq!(browser.get(&notes, path).status(), 400, "{path}");
    }
    for name in ["a\\u0000b", &"n".repeat(9000)] {
        let body = format!(r#"{{"username": "{name}", "password": "x"}}"#);
        assert_eq!(browser.post(&notes, "/login", body).status(), 401, "{name}");
    }
    assert_eq!(browser.name_at(&notes), "ada");
    assert_eq!(browser.get(&notes, "/notes").json(), json!({"notes": []}));
    let longest = format!(r#"{{"text": "{}"}}"#, "a".repeat(64 * 1024 - 12));
    assert_eq!(browser.post(&notes, "/notes", longest).status(), 200);
}

fn a_broken_shared_database_is_503(home: &Home) {
    let (notes, _tasks) = open(home);
    let mut browser = Browser::new();
    browser.sign_in(&notes, "ada");
    let cookie = browser.session();
    home.execute("ALTER TABLE django_session RENAME TO away");
    let body = json!({"username": "ada", "password": PASSWORD}).to_string();
    for answer in [
        browser.get(&notes, "/whoami"),
        browser.get(&notes, "/notes"),
        browser.post(&notes, "/logout", ""),
        Browser::new().post(&notes, "/login", body),
    ] {
        assert_eq!(answer.status(), 503, "{}", answer.text);
        assert_eq!(answer.header("retry-after"), Some("2"));
        assert!(answer.session_cookie().is_none());
    }
    assert_eq!(Browser::new().get(&notes, "/whoami").status(), 200);
    home.execute("ALTER TABLE away RENAME TO django_session");
    assert_eq!(browser.session(), cookie);
    assert_eq!(browser.name_at(&notes), "ada");

    assert_eq!(browser.get(&notes, "/healthz").json(), json!({"ready": true}));
    home.execute("ALTER TABLE auth_user RENAME TO away");
    let sick = browser.get(&notes, "/healthz");
    assert_eq!((sick.status(), &sick.json()["ready"]), (503, &json!(false)));
    let why = sick.json()["why"].as_str().unwrap().to_owned();
    assert!(why.contains("shared database") && !why.contains('\n'), "{why}");
    home.execute("ALTER TABLE away RENAME TO auth_user");
    assert_eq!(browser.get(&notes, "/healthz").status(), 200);
}

#[test]
fn next_is_a_place_of_this_app_or_nothing() {
    let home = Home::sqlite();
    let (notes, _tasks) = open(&home);
    let mut browser = Browser::new();
    let cases = [
        ("/notes", "/notes".into()),
        ("/a%3Fb%3Dc%26d", "/a?b=c&d".into()),
        ("/", "/".into()),
        ("//evil.example", Value::Null),
        ("/%5Cevil.example", Value::Null),
        ("/%09/evil.example", Value::Null),
        ("https://evil.example/", Value::Null),
        ("javascript:alert(1)", Value::Null),
        ("notes", "notes".into()),
        ("", Value::Null),
    ];
    for (next, expected) in cases {
        let answer = browser.get(&notes, &format!("/login?next={next}")).json();
        assert_eq!(answer["next"], expected, "{next}");
        assert_eq!(answer["csrf"].as_str().unwrap().len(), 64, "a masked token of Django's");
    }
    assert_eq!(browser.get(&notes, "/login").json()["next"], Value::Null);
    let body = json!({"username": "ada", "password": PASSWORD, "next": "//evil.example"});
    assert_eq!(browser.post(&notes, "/login", body.to_string()).json()["next"], Value::Null);
}

#[test]
fn a_forgotten_password_is_replaced_by_a_link() {
    let home = Home::sqlite();
    let (notes, tasks) = open(&home);
    let mut browser = Browser::new();
    let link = browser.post(&notes, "/reset-link", r#"{"username": "ada"}"#).json();
    let (uid, token) = (link["uid"].as_str().unwrap(), link["token"].as_str().unwrap());
    let redeem = |new: Value| json!({"uid": uid, "token": token, "new": new}).to_string();
    assert_eq!(browser.post(&tasks, "/reset", redeem(Value::Null)).json(), json!({"ok": true}));
    assert_eq!(browser.post(&tasks, "/reset", redeem(json!("tr0ub4dor&3"))).status(), 200);
    assert_eq!(browser.post(&tasks, "/reset", redeem(json!("another"))).status(), 400);
    assert_eq!(browser.try_password(&notes, "ada", PASSWORD).status(), 401);
    assert_eq!(browser.try_password(&notes, "ada", "tr0ub4dor&3").status(), 200);

    home.execute("UPDATE auth_user SET is_active = 0 WHERE username = 'grace'");
    for name in ["grace", "nobody"] {
        let body = json!({ "username": name }).to_string();
        let answer = browser.post(&notes, "/reset-link", body);
        assert_eq!((answer.status(), &answer.json()["ok"]), (404, &json!(false)), "{name}");
    }
}

#[test]
fn the_first_app_makes_the_shared_tables_when_it_is_told_to() {
    let home = Home::sqlite();
    for reported in ["applied the shared migration 0001_django\n", "has all migrations\n"] {
        let mut command = Command::new(example("house_app"));
        // An address that cannot be listened at: it migrates, says so, and stops.
        command.env_clear().arg("--migrate").env("LISTEN", "nowhere");
        command.env("SHARED_DATABASE_URL", home.shared_url()).env("SECRET_KEY", KEY);
        let output = command.env("DATABASE_URL", home.local_url("notes")).output().unwrap();
        let said = String::from_utf8(output.stderr).unwrap();
        assert!(said.contains(reported), "{said}");
        assert_eq!(output.stdout, b"");
    }
    let notes = App::start(&home, "notes");
    assert_eq!(Browser::new().get(&notes, "/healthz").json(), json!({"ready": true}));
}

#[test]
fn an_app_with_its_own_tables_on_postgresql_too() {
    let Some(home) = Home::postgres() else { return crate::support::skip("PostgreSQL") };
    user(&home.open("setup"), "ada");
    let one_database = home.shared_url();
    let notes = App::start_with(&home, "notes", &[("DATABASE_URL", &one_database)]);
    let apart = Home::sqlite();
    user(&apart.open("setup"), "ada");
    let shared = apart.shared_url();
    let settings =
        [("DATABASE_URL", one_database.as_str()), ("SHARED_DATABASE_URL", shared.as_str())];
    let tasks = App::start_with(&home, "tasks", &settings);
    for (app, text) in [(&notes, "milk"), (&tasks, "sleep")] {
        let mut browser = Browser::new();
        browser.sign_in(app, "ada");
        let body = json!({"text": text}).to_string();
        let kept = browser.post(app, "/notes", body).json();
        assert_eq!(kept["notes"].as_array().unwrap().last().unwrap(), text);
        assert_eq!(browser.get(app, "/healthz").json(), json!({"ready": true}));
    }
    assert_eq!(home.count("SELECT count(*) FROM note"), 2);
}

#[cfg(unix)]
#[test]
fn it_stops_when_told_whatever_visitors_do() {
    let home = Home::sqlite();
    let (mut notes, _tasks) = open(&home);
    let mut dawdler = TcpStream::connect(&notes.address).unwrap();
    let half = "POST /login HTTP/1.1\r\nHost: house\r\nContent-Type: application/json\r\n\
                Content-Length: 9\r\n\r\n{";
    dawdler.write_all(half.as_bytes()).unwrap();
    // An answered request on a second connection: the first one has been accepted before it.
    assert_eq!(Browser::new().get(&notes, "/healthz").status(), 200);

    let id = notes.child.id().to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
    let (tell, told) = std::sync::mpsc::channel();
    let mut output = notes.child.stdout.take().unwrap();
    // Its standard output ends when the process does.
    std::thread::spawn(move || tell.send(output.read_to_end(&mut Vec::new())));
    told.recv_timeout(Duration::from_secs(10)).expect("it has ended").unwrap();
    assert!(notes.child.wait().unwrap().success());
}
