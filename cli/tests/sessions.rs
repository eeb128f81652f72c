//! The sessions of a house, as an operator sees and ends them.

mod support;

use diesel::prelude::*;
use housekey::{Housekey, Session};
use serde_json::Value;

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

fn login(house: &Housekey<SqliteConnection>, agent: &str) -> Session {
    let session = Session::default();
    session.came_from(Some("192.0.2.7".parse().unwrap()), agent);
    let ada = house.authenticate("ada", "correct horse").unwrap().unwrap();
    house.login(&session, &ada).unwrap();
    session
}

fn execute(house: &Housekey<SqliteConnection>, sql: &str) {
    diesel::sql_query(sql).execute(&mut house.shared().unwrap()).unwrap();
}

#[test]
fn the_sessions_of_a_user_are_listed_without_their_keys() {
    let (home, house) = home("list");
    assert_eq!(home.says(0, &["sessions", "list", "ada"], ""), "ada has no sessions\n");
    assert_eq!(home.says(1, &["sessions", "list", "nobody"], ""), "there is no user nobody\n");
    let agent = "Evil\u{1b}[2J\nroot  Browser";
    let session = login(&house, agent);
    let times = "created = '2026-01-02 03:04:05', last_seen = '2026-01-03 03:04:05'";
    execute(&house, &format!("UPDATE housekey_session SET {times}"));
    execute(&house, "UPDATE django_session SET expire_date = '2100-01-01 00:00:00'");
    let id = session.id().unwrap();
    let expected = format!(
        "{id}  notes  192.0.2.7  begun 2026-01-02 03:04:05 UTC  seen 2026-01-03 03:04:05 UTC  \
         until 2100-01-01 00:00:00 UTC  Evil\\u{{1b}}[2J\\u{{a}}root  Browser\n"
    );
    assert_eq!(home.says(0, &["sessions", "list", "ada"], ""), expected);
    let json: Value =
        serde_json::from_str(&home.says(0, &["--json", "sessions", "list", "ada"], "")).unwrap();
    let expected = serde_json::json!({ "sessions": [{
        "id": id, "app": "notes", "address": "192.0.2.7", "agent": agent,
        "created": "2026-01-02T03:04:05+00:00", "last_seen": "2026-01-03T03:04:05+00:00",
        "expires": "2100-01-01T00:00:00+00:00",
    }] });
    assert_eq!(json, expected);
    // As if Django had begun it: nothing but its data says whose it is.
    execute(&house, "DELETE FROM housekey_session");
    let said = home.says(0, &["sessions", "list", "ada"], "");
    assert!(said.starts_with(&format!("{id}  a Django app  begun ")), "{said}");
    assert!(!said.contains("seen") && !said.contains(session.key().unwrap().expose_secret()));
}

#[test]
fn one_is_ended_or_all_but_one_are_or_all() {
    let (home, house) = home("revoke");
    let sessions = [(); 4].map(|()| login(&house, ""));
    let ids = sessions.each_ref().map(|session| session.id().unwrap());
    let says = |code, arguments: &[&str]| {
        home.says(code, &[&["sessions", "revoke"], arguments].concat(), "")
    };
    for option in ["--only", "--all-but"] {
        let said = says(1, &["ada", option, "0123456789abcdef"]);
        assert_eq!(said, "ada has no session 0123456789abcdef; nothing is ended\n");
        assert_eq!(says(1, &["nobody", option, &ids[0]]), "there is no user nobody\n");
    }
    for wrong in [
        &[][..],
        &["--all", "ada"],
        &["--all", "--only", &ids[0]],
        &["--only", &ids[0]],
        &["ada", "--only", &ids[0], "--all-but", &ids[1]],
    ] {
        says(2, wrong);
    }
    assert_eq!(says(0, &["ada", "--only", &ids[0]]), "1 session ended\n");
    assert_eq!(says(0, &["ada", "--all-but", &ids[1]]), "2 sessions ended\n");
    let left = |number: usize| {
        let cookie = sessions[number].key().unwrap();
        house.session(Some(cookie.expose_secret())).unwrap().user().is_some()
    };
    assert_eq!([left(0), left(1), left(2), left(3)], [false, true, false, false]);
    assert_eq!(says(0, &["ada"]), "1 session ended\n");
    login(&house, "");
    let json = home.says(0, &["--json", "sessions", "revoke", "--all"], "");
    assert_eq!(json, "{\"sessions\":1}\n");
}

#[test]
fn a_long_purge_tells_how_far_it_is_on_standard_error() {
    let (home, house) = home("purge");
    login(&house, "");
    execute(
        &house,
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 25000)
         INSERT INTO django_session SELECT 'old' || i, 'x', '2026-01-01 00:00:00' FROM n",
    );
    let output = home.run(&["sessions", "purge"]);
    assert_eq!(text(&output.stdout), "25000 sessions purged\n");
    let told = "10000 sessions purged so far\n20000 sessions purged so far\n";
    assert_eq!(text(&output.stderr), told);
    assert_eq!(text(&home.run(&["sessions", "purge"]).stdout), "0 sessions purged\n");
}
