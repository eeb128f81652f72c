//! What has happened in a house, and who is kept waiting, as an operator sees it.

mod support;

use diesel::prelude::*;
use housekey::{Error, Housekey, Session};
use serde_json::{Value, json};

use support::{Home, KEY, text};

fn home(name: &str) -> (Home, Housekey<SqliteConnection>) {
    let home = Home::new(name);
    home.says(0, &["migrate"], "");
    home.says(0, &["user", "create", "ada"], "correct horse\n");
    let database = home.0.join("house.db");
    let database = database.to_str().unwrap();
    let key = housekey::SecretKey::new(KEY).unwrap();
    let config = housekey::Config::new(database, database, key).unwrap();
    let house = Housekey::open(config.app_name("notes").password_iterations(10)).unwrap();
    (home, house)
}

fn execute(house: &Housekey<SqliteConnection>, sql: &str) {
    diesel::sql_query(sql).execute(&mut house.shared().unwrap()).unwrap();
}

#[test]
fn events_are_listed_as_a_terminal_may_show_them() {
    let (home, house) = home("events");
    let session = Session::default();
    session.came_from(Some("192.0.2.7".parse().unwrap()), "Evil\u{1b}[2J\nBrowser");
    assert!(house.authenticate_from(&session, "nobody", "wrong").unwrap().is_none());
    let ada = house.authenticate_from(&session, "ada", "correct horse").unwrap().unwrap();
    house.login(&session, &ada).unwrap();
    execute(&house, "UPDATE housekey_event SET at = '2026-01-02 03:04:05'");
    let id = session.id().unwrap();
    let time = "2026-01-02 03:04:05 UTC";
    let agent = "Evil\\u{1b}[2J\\u{a}Browser";
    let lines = [
        format!("{time}  login  ada  in notes  192.0.2.7  session {id}  {agent}\n"),
        format!("{time}  login_failed  in notes  192.0.2.7  {agent}\n"),
        format!("{time}  user_created  ada  in operator\n"),
    ];
    assert_eq!(home.says(0, &["events"], ""), lines.concat());
    assert_eq!(home.says(0, &["events", "--limit", "1"], ""), lines[0]);
    assert_eq!(home.says(0, &["events", "--kind", "login_failed"], ""), lines[1]);
    assert_eq!(home.says(0, &["events", "--user", "ada", "--before", "3"], ""), lines[2]);
    assert_eq!(home.says(0, &["events", "--user", "nobody"], ""), "no such events\n");
    execute(&house, "UPDATE housekey_event SET at = '2020-01-02 03:04:05' WHERE id <> 3");
    assert_eq!(home.says(0, &["events", "--since", "40000d"], "").lines().count(), 3);
    let json = home.says(0, &["--json", "events", "--kind", "login"], "");
    let expected = json!({ "events": [{
        "id": 3, "at": "2026-01-02T03:04:05+00:00", "kind": "login", "user_id": ada.id,
        "username": "ada", "app": "notes", "address": "192.0.2.7",
        "agent": "Evil\u{1b}[2J\nBrowser", "session": id, "detail": null,
    }] });
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap(), expected);
    let error = home.says(2, &["events", "--kind", "logins"], "");
    assert!(error.contains("must be one of login, login_failed"), "{error}");
    home.says(2, &["events", "--since", "soon"], "");
}

#[test]
fn old_events_are_purged_with_the_sessions() {
    let (home, house) = home("purge-events");
    let purge = |arguments: &[&str]| {
        let output = home.run(&[&["sessions", "purge"], arguments].concat());
        assert!(output.status.success() && output.stderr.is_empty());
        text(&output.stdout)
    };
    assert_eq!(purge(&[]), "0 sessions purged\n");
    let ago = |days: u32| {
        let then = format!("strftime('%Y-%m-%d %H:%M:%S', 'now', '-{days} days')");
        execute(&house, &format!("UPDATE housekey_event SET at = {then}"));
    };
    ago(89);
    assert_eq!(purge(&[]), "0 sessions purged\n");
    ago(91);
    assert_eq!(purge(&[]), "0 sessions purged\n1 event purged\n");
    home.says(0, &["user", "unlock", "ada"], "");
    ago(2);
    assert_eq!(purge(&["--events-older-than", "3d"]), "0 sessions purged\n");
    let json = home.says(0, &["--json", "sessions", "purge", "--events-older-than", "30h"], "");
    assert_eq!(json, "{\"events\":1,\"sessions\":0}\n");
}

#[test]
fn who_is_kept_waiting_is_let_in_again() {
    let (home, house) = home("unlock");
    let guess = |password: &str| house.authenticate("ada", password);
    while guess("wrong").is_ok() {}
    assert!(matches!(guess("correct horse"), Err(Error::TooManyAttempts { .. })));
    assert_eq!(home.says(0, &["user", "unlock", "ada"], ""), "ada need not wait any more\n");
    assert!(guess("correct horse").unwrap().is_some());
    assert_eq!(home.says(1, &["user", "unlock", "nobody"], ""), "there is no user nobody\n");
}
