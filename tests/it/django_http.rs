//! A Rust app and Django apps side by side, as processes, on one shared database, driven over HTTP:
//! what a visitor does at one holds at the other, both ways.

use housekey::password::Hasher;
use serde_json::{Value, json};

use crate::support::apps::{App, Browser, Neighbours};
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::{Home, OTHER_KEY, PASSWORD, on_both_databases, user};

on_both_databases!(
    a_login_at_one_is_a_login_at_the_other,
    a_logout_at_one_is_a_logout_at_the_other,
    what_one_stores_in_a_session_the_other_reads,
    what_strangers_have_collected_survives_their_login,
    both_end_a_session_when_one_was_told_to,
    a_new_password_ends_the_other_sessions_at_both,
    who_is_not_active_is_nobody_at_both_until_active_again,
    permissions_are_the_same_at_both,
    a_weaker_hash_is_upgraded_once,
    what_was_tampered_with_opens_neither,
    an_app_with_another_key_takes_nothing_away,
);

/// The users `ada` and `grace`, and the apps.
fn open(home: &Home, versions: &[Version]) -> Neighbours {
    let house = home.open("setup");
    user(&house, "ada");
    user(&house, "grace");
    Neighbours::start(home, versions)
}

fn set_active(home: &Home, active: &str) {
    home.execute(&format!("UPDATE auth_user SET is_active = {active} WHERE username = 'ada'"));
}

fn a_login_at_one_is_a_login_at_the_other(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        let answer = browser.sign_in(here, "ada").json();
        assert_eq!(answer, json!({"ok": true, "username": "ada", "next": null}));
        let mut seen = browser.whoami(here);
        assert_eq!((&seen["app"], &seen["username"]), (&json!(here.name), &json!("ada")));
        seen["app"] = json!(there.name);
        assert_eq!(browser.whoami(there), seen);

        // As somebody else, over the session that is there.
        browser.sign_in(there, "grace");
        assert_eq!(browser.name_at(here), "grace");
        assert_eq!(home.sessions(), 1, "from {} to {}", here.name, there.name);
        browser.post(here, "/logout", "");

        for (name, password) in [("ada", "wrong"), ("ada", ""), ("nobody", PASSWORD)] {
            assert_eq!(browser.try_password(here, name, password).status(), 401, "{name}");
        }
    }
    assert_eq!(home.sessions(), 0);
}

fn a_logout_at_one_is_a_logout_at_the_other(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        let mut thief = browser.thief();
        assert_eq!(thief.name_at(there), "ada");

        let answer = browser.post(there, "/logout", "");
        assert_eq!((answer.status(), answer.json()), (200, json!({"ok": true})));
        assert_eq!((answer.max_age(), browser.session()), (Some(0), None));
        assert_eq!((thief.name_at(here), thief.name_at(there)), (String::new(), String::new()));
        assert_eq!(home.sessions(), 0);
    }
}

fn what_one_stores_in_a_session_the_other_reads(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    let values = json!({
        "nested": {"list": [1, [2, [3, {"four": null}]]], "true": true, "empty": [{}, ""]},
        "größe": "данные メモ 😀 \u{7f} \"quoted\" \\ / \u{1} é", "": "no name",
        "float": 0.1, "whole": 1.0, "tiny": 1e-7, "huge": 1e300, "big": u64::MAX, "negative": -7,
        "long": "ab".repeat(5000),
    });
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        let answer = browser.post(here, "/set", values.to_string());
        assert_eq!(answer.status(), 200, "{}", answer.text);
        assert_eq!(browser.whoami(there)["session"], values);

        // Changed by the other, all that was there is still there.
        browser.post(there, "/set", r#"{"huge": 12345678901234567890123, "more": [1.0, 2e22]}"#);
        browser.get(there, "/set?theme=d%C3%A4mmrig&empty=");
        let mut expected = values.clone();
        expected["more"] = json!([1.0, 2e22]);
        expected["theme"] = json!("dämmrig");
        expected["empty"] = json!("");
        for app in [here, there] {
            let answer = browser.get(app, "/whoami");
            assert!(answer.text.contains("12345678901234567890123"), "{}", app.name);
            let mut session = answer.json()["session"].clone();
            session.as_object_mut().unwrap().remove("huge").unwrap();
            expected.as_object_mut().unwrap().remove("huge");
            assert_eq!(session, expected, "{}", app.name);
            assert_eq!(browser.name_at(app), "ada");
        }
    }
}

fn what_strangers_have_collected_survives_their_login(home: &Home) {
    let apps = open(home, &[V5_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.post(here, "/set", r#"{"cart": ["tea"]}"#);
        let mut planted = browser.thief();
        assert_eq!(planted.whoami(there)["session"], json!({"cart": ["tea"]}));
        browser.sign_in(there, "ada");
        assert_eq!(browser.whoami(here)["session"], json!({"cart": ["tea"]}));
        // Who planted the cookie is not signed in by it.
        for app in [here, there] {
            let seen = planted.whoami(app);
            assert_eq!((&seen["authenticated"], &seen["session"]), (&json!(false), &json!({})));
        }
    }
}

fn both_end_a_session_when_one_was_told_to(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        // What is told at one holds for the cookies of the other.
        let mut told = |value: Value| {
            let answer = browser.post(here, "/expiry", json!({"value": value}).to_string());
            assert_eq!(answer.status(), 200, "{}", answer.text);
            let age_here = answer.max_age();
            let answer = browser.get(there, "/set?a=b");
            assert_eq!(answer.max_age().is_some(), age_here.is_some(), "{value}");
            let age = answer.max_age();
            age.inspect(|age| assert!((answer.lives_for() - age).abs() < 60, "{value}"))
        };
        assert_eq!(told(json!(60)), Some(60));
        assert_eq!(told(json!(86400.5)), Some(86400));
        assert_eq!(told(json!(0)), None);
        assert_eq!(told(Value::Null), Some(1_209_600));
        let ages = ["2100-01-01T00:00:00Z", "2100-01-01T01:00:00+01:00", "2100-01-01T00:00:00"]
            .map(|time| told(json!(time)).unwrap());
        assert!(ages[0] > 60 && ages.iter().all(|age| (age - ages[0]).abs() < 60), "{ages:?}");
        for value in [json!("tomorrow"), json!(1e300), json!(true), json!([1])] {
            let answer = browser.post(there, "/expiry", json!({"value": value}).to_string());
            assert!([400, 422].contains(&answer.status()), "{value}");
        }
        let cookie = browser.session();
        browser.post(here, "/expiry", r#"{"value": -1}"#);
        browser.set_session(cookie);
        assert_eq!(browser.name_at(there), "");

        browser.sign_in(here, "ada");
        let past = "2020-01-01 00:00:00";
        let zone = if home.is_postgres() { "+00" } else { "" };
        home.execute(&format!("UPDATE django_session SET expire_date = '{past}{zone}'"));
        assert_eq!((browser.name_at(there), browser.name_at(here)), (String::new(), String::new()));
    }
}

fn a_new_password_ends_the_other_sessions_at_both(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    let mut old = PASSWORD.to_owned();
    for (number, (here, there)) in apps.both_ways().enumerate() {
        let (mut browser, mut grace) = (Browser::new(), Browser::new());
        let mut others = [Browser::new(), Browser::new()];
        assert_eq!(browser.try_password(here, "ada", &old).status(), 200);
        assert_eq!(others[0].try_password(here, "ada", &old).status(), 200);
        assert_eq!(others[1].try_password(there, "ada", &old).status(), 200);
        grace.sign_in(there, "grace");
        let wrong = browser.post(here, "/password", r#"{"old": "wrong", "new": "tr0ub4dor&3"}"#);
        assert_eq!(wrong.status(), 400);
        assert_eq!(others[0].name_at(there), "ada");

        let before = browser.session();
        let new = format!("größer & länger {number}");
        let change = json!({"old": old, "new": new});
        assert_eq!(browser.post(here, "/password", change.to_string()).status(), 200);
        assert_ne!(browser.session(), before);
        for app in [there, here] {
            assert_eq!(browser.name_at(app), "ada", "{}", app.name);
            assert_eq!(grace.name_at(app), "grace", "{}", app.name);
            assert!(others.iter_mut().all(|other| other.name_at(app).is_empty()), "{}", app.name);
        }
        for app in [here, there] {
            assert_eq!(others[0].try_password(app, "ada", &old).status(), 401);
            assert_eq!(others[0].try_password(app, "ada", &new).status(), 200);
        }
        let mut stranger = Browser::new();
        assert_eq!(stranger.post(here, "/password", change.to_string()).status(), 401);
        old = new;
    }
}

fn who_is_not_active_is_nobody_at_both_until_active_again(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        set_active(home, "FALSE");
        for app in [here, there] {
            assert_eq!(browser.name_at(app), "", "{}", app.name);
            assert_eq!(browser.get(app, "/notes").status(), 401);
            assert_eq!(Browser::new().try_password(app, "ada", PASSWORD).status(), 401);
        }
        set_active(home, "TRUE");
        assert_eq!((browser.name_at(there), browser.name_at(here)), ("ada".into(), "ada".into()));
    }
}

fn permissions_are_the_same_at_both(home: &Home) {
    home.open("setup").create_superuser("root", "", PASSWORD).unwrap();
    let apps = open(home, &[V5_2, V4_2]);
    let grant = |table: &str, columns: &str, owner: &str, codename: &str| {
        home.execute(&format!(
            "INSERT INTO {table} ({columns}, permission_id) SELECT o.id, p.id FROM {owner} o, \
             auth_permission p WHERE p.codename = '{codename}'"
        ));
    };
    home.execute("INSERT INTO auth_group (name) VALUES ('writers')");
    let ada = "(SELECT id FROM auth_user WHERE username = 'ada')";
    let writers = "(SELECT id FROM auth_group WHERE name = 'writers')";
    grant("auth_user_user_permissions", "user_id", ada, "share_note");
    grant("auth_user_user_permissions", "user_id", ada, "add_note");
    grant("auth_group_permissions", "group_id", writers, "add_note");
    grant("auth_group_permissions", "group_id", writers, "view_user");
    home.execute(
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, \
         auth_group g WHERE u.username IN ('ada', 'grace')",
    );
    let few = json!(["auth.view_user", "diary.add_note"]);
    let more = json!(["auth.view_user", "diary.add_note", "diary.share_note"]);
    for (here, there) in apps.both_ways() {
        let has = |name: &str, permission: &str| {
            let mut browser = Browser::new();
            if !name.is_empty() {
                browser.sign_in(here, name);
            }
            browser.get(there, &format!("/perm?p={permission}")).json()["has"] == true
        };
        for (name, permission, expected) in [
            ("ada", "diary.share_note", true),
            ("ada", "auth.view_user", true),
            ("ada", "diary.Share_note", false),
            ("ada", "auth.share_note", false),
            ("grace", "diary.add_note", true),
            ("grace", "diary.share_note", false),
            ("root", "diary.no_such_thing", true),
            ("root", "", true),
            ("", "diary.add_note", false),
        ] {
            assert_eq!(has(name, permission), expected, "{name} {permission} at {}", there.name);
        }
        for (name, perms) in [("ada", &more), ("grace", &few)] {
            let mut browser = Browser::new();
            browser.sign_in(here, name);
            assert_eq!(browser.whoami(there)["perms"], *perms, "{name} at {}", there.name);
        }
        let mut root = Browser::new();
        root.sign_in(here, "root");
        let (mut seen, there) = (root.whoami(here), root.whoami(there));
        seen["app"] = there["app"].clone();
        assert_eq!(seen, there);
        let all = home.count("SELECT count(*) FROM auth_permission");
        assert_eq!(i64::try_from(there["perms"].as_array().unwrap().len()).unwrap(), all);
        assert_eq!((&there["is_staff"], &there["is_superuser"]), (&json!(true), &json!(true)));
    }
}

fn a_weaker_hash_is_upgraded_once(home: &Home) {
    let apps = open(home, &[V5_2, V4_2]);
    let stored = || home.text("SELECT password FROM auth_user WHERE username = 'ada'");
    for (here, there) in apps.both_ways() {
        let weak = Hasher::pbkdf2_sha256(5).hash(PASSWORD).unwrap();
        home.execute(&format!("UPDATE auth_user SET password = '{weak}' WHERE username = 'ada'"));
        let mut browser = Browser::new();
        assert_eq!(browser.try_password(here, "ada", "wrong").status(), 401);
        assert_eq!(stored(), weak);

        browser.sign_in(here, "ada");
        let upgraded = stored();
        assert!(upgraded.starts_with("pbkdf2_sha256$10$"), "{upgraded}");
        assert_eq!((browser.name_at(there), browser.name_at(here)), ("ada".into(), "ada".into()));
        Browser::new().sign_in(there, "ada");
        assert_eq!(stored(), upgraded);
        assert_eq!((browser.name_at(there), browser.name_at(here)), ("ada".into(), "ada".into()));
    }
}

fn what_was_tampered_with_opens_neither(home: &Home) {
    let apps = open(home, &[V5_2]);
    for (here, there) in apps.both_ways() {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        let row = home.text("SELECT session_data FROM django_session");
        for change in [
            "substr(session_data, 2)",
            "session_data || 'A'",
            "'x' || session_data",
            "upper(session_data)",
            "replace(session_data, ':', '.')",
            "'.' || session_data",
            "'e30:' || substr(session_data, 5)",
            "''",
        ] {
            home.execute(&format!("UPDATE django_session SET session_data = {change}"));
            for app in [here, there] {
                let seen = browser.whoami(app);
                assert_eq!(seen["authenticated"], false, "{change} at {}", app.name);
                assert_eq!(seen["session"], json!({}), "{change} at {}", app.name);
            }
            browser.set_session(Some(home.text("SELECT session_key FROM django_session")));
            home.execute(&format!("UPDATE django_session SET session_data = '{row}'"));
            assert_eq!(browser.name_at(there), "ada", "{change}");
        }
        let cookie = browser.session().unwrap();
        let longer = cookie.clone() + "a";
        let endless = "a".repeat(5000);
        let upper = cookie.to_uppercase();
        for forged in [&cookie[1..], "x", "' OR '1'='1", "%", &longer, &upper, &endless] {
            for app in [here, there] {
                browser.set_session(Some(forged.to_owned()));
                assert_eq!(browser.name_at(app), "", "{forged} at {}", app.name);
            }
        }
        browser.set_session(Some(cookie));
        browser.post(here, "/logout", "");
        assert_eq!(home.sessions(), 0);
    }
}

fn an_app_with_another_key_takes_nothing_away(home: &Home) {
    user(&home.open("setup"), "ada");
    let log = home.folder().join("log");
    let rust = App::start_with_log(home, "rust", std::fs::File::create(&log).unwrap());
    let settings = [("SECRET_KEY", OTHER_KEY)];
    let Some(stranger) = App::django_with(home, "stranger", V5_2, &settings) else { return };
    let row = |key: &str| {
        home.text(&format!("SELECT session_data FROM django_session WHERE session_key = '{key}'"))
    };
    let mut ours = Browser::new();
    ours.sign_in(&rust, "ada");
    let key = ours.session().unwrap();
    let before = row(&key);
    for path in ["/whoami", "/notes", "/perm?p=diary.add_note", "/login", "/admin/"] {
        assert!(ours.get(&stranger, path).session_cookie().is_none(), "{path}");
    }
    assert_eq!(ours.name_at(&stranger), "");
    assert_eq!((ours.name_at(&rust), row(&key)), ("ada".to_owned(), before.clone()));

    // Django writes over the row of a session that it cannot read. Whose row it was is told here.
    ours.get(&stranger, "/set?page=2");
    assert_ne!(row(&key), before);
    assert_eq!(ours.name_at(&rust), "");
    let said = std::fs::read_to_string(&log).unwrap();
    let fact =
        "row signed by a key we do not have, fingerprint unknown; last app seen writing: `rust`";
    assert!(said.contains(fact) && said.contains("compare SECRET_KEY"), "{said}");
    assert!(!said.contains(&key), "{said}");

    // And nothing that the stranger's visitors have is written or ended by the Rust app.
    for (path, body) in [
        ("/set", json!({"page": 2})),
        ("/expiry", json!({"value": 60})),
        ("/login", json!({"username": "ada", "password": PASSWORD})),
        ("/logout", json!({})),
    ] {
        let mut theirs = Browser::new();
        theirs.sign_in(&stranger, "ada");
        let mut witness = theirs.thief();
        let key = theirs.session().unwrap();
        let before = row(&key);
        assert_eq!(theirs.name_at(&rust), "");
        assert_eq!(theirs.post(&rust, path, body.to_string()).status(), 200, "{path}");
        assert_eq!((witness.name_at(&stranger), row(&key)), ("ada".to_owned(), before), "{path}");
    }
}
