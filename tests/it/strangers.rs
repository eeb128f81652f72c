//! The house knows of each session that Django begins, without looking through all, and forgets none that ends.

use housekey::{Caretaker, Rejected, Role};
use serde_json::json;

use crate::attacks::house as owners_house;
use crate::support::database;
use crate::support::django::Django;
use crate::support::transfers::{alike, house, moved};
use crate::support::{
    Home, House, KEY, OTHER_KEY, login, login_in, on_both_databases, skip, troubles, user, whoami,
};

on_both_databases!(
    a_session_of_djangos_is_a_stranger_until_it_has_an_owner,
    a_visitor_of_djangos_is_looked_at_once_and_again_when_signed_in,
    ours_are_none,
    what_another_key_has_signed_is_kept_for_who_has_it,
    nothing_stays_of_a_session_that_django_deletes,
    a_house_that_is_migrated_finds_those_that_are_there,
    a_trigger_that_is_gone_is_told_with_what_helps,
    they_are_right_after_a_transfer,
    django_works_without_the_house_once_it_has_left,
);

fn keeper(home: &Home) -> Caretaker {
    Caretaker::open(home.config("operator")).unwrap()
}

fn strangers(home: &Home) -> i64 {
    home.count("SELECT count(*) FROM housekey_stranger")
}

fn owners(home: &Home) -> i64 {
    home.count("SELECT count(*) FROM housekey_session")
}

/// A session as a Django would have begun it, with the data of one that this house has.
fn as_django(home: &Home, name: &str, data: &str) -> String {
    let key = format!("{name:0>32}");
    home.execute(&format!(
        "INSERT INTO django_session VALUES ('{key}', '{data}', '2100-01-01 00:00:00')"
    ));
    key
}

fn data_of(home: &Home, key: &str) -> String {
    home.text(&format!("SELECT session_data FROM django_session WHERE session_key = '{key}'"))
}

fn data_of_a_visitor(home: &Home, house: &House) -> String {
    let visitor = housekey::Session::default();
    visitor.insert("cart", 1).unwrap();
    house.save(&visitor).unwrap();
    data_of(home, visitor.key().unwrap().expose_secret())
}

fn a_session_of_djangos_is_a_stranger_until_it_has_an_owner(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let seen = django.text("login", json!({"username": "ada"}));
    django.text("login", json!({"username": "ada"}));
    assert_eq!((strangers(home), owners(home)), (2, 0));
    assert_eq!(whoami(&house, &seen), Ok("ada".to_owned()));
    // That writes down what was seen.
    house.sessions_of(&house.find_user("ada").unwrap().unwrap()).unwrap();
    assert_eq!((strangers(home), owners(home)), (1, 1));
    assert_eq!(keeper(home).sessions_of("ada").unwrap().unwrap().len(), 2);
    assert_eq!((strangers(home), owners(home)), (0, 2));
    // What Django writes into it later makes it no stranger again.
    home.execute("UPDATE django_session SET session_data = session_data");
    assert_eq!(strangers(home), 0);
}

fn a_visitor_of_djangos_is_looked_at_once_and_again_when_signed_in(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let nobodys = data_of_a_visitor(home, &house);
    let key = as_django(home, "visitor", &nobodys);
    as_django(home, "unreadable", "nonsense:1veFHC:x");
    home.execute("INSERT INTO django_session VALUES ('old00000000000000000000000000000', 'x', '2020-01-01 00:00:00')");
    assert_eq!(strangers(home), 3);
    assert_eq!(keeper(home).end_sessions_of("ada").unwrap(), Some(0));
    assert_eq!((strangers(home), home.sessions()), (1, 4), "but what no key of ours has signed");

    let adas = data_of(home, &login(&house, "ada"));
    home.execute(&format!(
        "UPDATE django_session SET session_data = '{adas}' WHERE session_key = '{key}'"
    ));
    assert_eq!(strangers(home), 2);
    assert_eq!(keeper(home).end_sessions_of("ada").unwrap(), Some(2));
    assert_eq!(whoami(&house, &key), Err(Some(Rejected::Gone)));
    assert_eq!((strangers(home), owners(home)), (1, 0));
}

fn ours_are_none(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let session = housekey::Session::default();
    session.insert("cart", 1).unwrap();
    house.save(&session).unwrap();
    login_in(&house, &session, "ada");
    session.insert("cart", 2).unwrap();
    house.save(&session).unwrap();
    house.logout(&session).unwrap();
    login(&house, "ada");
    assert_eq!((strangers(home), owners(home), home.sessions()), (0, 1, 1));
}

fn what_another_key_has_signed_is_kept_for_who_has_it(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let elsewhere = Home::sqlite();
    let other = elsewhere.open_with(elsewhere.config_with_key("other", OTHER_KEY));
    user(&other, "ada");
    as_django(home, "foreign", &data_of(&elsewhere, &login(&other, "ada")));
    assert_eq!(keeper(home).end_sessions_of("ada").unwrap(), Some(0));
    assert_eq!(strangers(home), 1);
    let both = home.config("both").fallback_key(housekey::SecretKey::new(OTHER_KEY).unwrap());
    let both = Caretaker::open(both).unwrap();
    assert_eq!(both.end_sessions_of("ada").unwrap(), Some(1));
    assert_eq!((strangers(home), home.sessions()), (0, 0));
}

fn nothing_stays_of_a_session_that_django_deletes(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let Some(mut django) = Django::start(home) else { return };
    let ours = login(&house, "ada");
    let theirs = django.text("login", json!({"username": "ada"}));
    assert_eq!((strangers(home), owners(home)), (1, 1));
    django.call("logout", json!({"cookie": ours}));
    django.call("logout", json!({"cookie": theirs}));
    assert_eq!((strangers(home), owners(home), home.sessions()), (0, 0, 0));

    // One that ends while an app has it in its diary is not written down after that.
    let theirs = django.text("login", json!({"username": "ada"}));
    assert_eq!(whoami(&house, &theirs), Ok("ada".to_owned()));
    django.call("logout", json!({"cookie": theirs}));
    assert_eq!(house.sessions_of(&ada).unwrap(), []);
    assert_eq!((strangers(home), owners(home)), (0, 0));

    login(&house, "ada");
    as_django(home, "one", "x");
    let all =
        if home.is_postgres() { "TRUNCATE django_session" } else { "DELETE FROM django_session" };
    home.execute(all);
    assert_eq!((strangers(home), owners(home)), (0, 0));
}

/// Takes away what the steps have made, as if they had not been applied.
fn forget_the_steps(home: &Home) {
    home.execute(&leaving(home));
    home.execute("DROP TABLE housekey_stranger");
    if home.is_postgres() {
        home.execute("DROP TABLE housekey_change");
    }
    home.execute("DELETE FROM housekey_migration WHERE step IN ('0008_changes', '0009_strangers')");
}

fn a_house_that_is_migrated_finds_those_that_are_there(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let ours = login(&house, "ada");
    forget_the_steps(home);
    let data = data_of(home, &ours);
    let theirs = as_django(home, "theirs", &data);
    let known = as_django(home, "known", &data);
    let row = |key: &str| format!("('{key}', 1, '', '2026-01-01 00:00:00')");
    let columns = "(session_key, user_id, app, created)";
    let rows = [row(&known), row("gone")].join(",");
    home.execute(&format!("INSERT INTO housekey_session {columns} VALUES {rows}"));

    let applied = housekey::migrate(&home.config("notes")).unwrap();
    assert_eq!(applied, ["0008_changes", "0009_strangers"]);
    assert_eq!(home.text("SELECT session_key FROM housekey_stranger"), theirs);
    assert_eq!(owners(home), 2, "what Django has left behind is gone");
    assert_eq!(keeper(home).end_sessions_of("ada").unwrap(), Some(3));
}

fn a_trigger_that_is_gone_is_told_with_what_helps(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let data = data_of(home, &login(&house, "ada"));
    assert!(troubles(&house).is_empty(), "{:?}", troubles(&house));
    home.execute(if home.is_postgres() {
        "DROP TRIGGER housekey_session_insert ON django_session; \
         ALTER TABLE auth_user DISABLE TRIGGER housekey_user_update"
    } else {
        "DROP TRIGGER housekey_session_insert"
    });
    let said = troubles(&house);
    let [said] = &said[..] else { panic!("{said:?}") };
    assert!(said.contains("housekey_session_insert of django_session"), "{said}");
    assert_eq!(said.contains("housekey_user_update of auth_user"), home.is_postgres(), "{said}");
    as_django(home, "missed", &data);

    let remedy = said.split("; run ").last().unwrap();
    let (sql, _) = remedy.split_once(" in the shared database, then housekey migrate").unwrap();
    home.execute(sql);
    housekey::migrate(&home.config("notes")).unwrap();
    assert!(troubles(&house).is_empty(), "{:?}", troubles(&house));
    assert_eq!(keeper(home).end_sessions_of("ada").unwrap(), Some(2));
}

fn they_are_right_after_a_transfer(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let data = data_of(home, &login(&notes, "ada"));
    let known = as_django(home, "known", &data);
    keeper(home).sessions_of("ada").unwrap();
    let stranger = as_django(home, "stranger", &data);
    let (from, to) = (home.shared_url(), alike(home, &home.shared_url(), "to"));
    moved(&house(&from, &to), &from, &to);
    assert_eq!(database::texts(&to, "SELECT session_key FROM housekey_stranger"), [stranger]);
    let owned = format!("SELECT count(*) FROM housekey_session WHERE session_key = '{known}'");
    assert_eq!(database::count(&to, &owned), 1);
    let there = Caretaker::open(home.config_at(&to, "operator", KEY)).unwrap();
    assert_eq!(there.end_sessions_of("ada").unwrap(), Some(3));
}

/// What `docs/what-is-compatible.md` says to run.
fn leaving(home: &Home) -> String {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/what-is-compatible.md");
    let page = std::fs::read_to_string(path).unwrap();
    let (_, section) = page.split_once("## Leaving").unwrap();
    let mut blocks =
        section.split("```sql\n").skip(1).map(|block| block.split_once("```").unwrap().0);
    let (postgres, sqlite) = (blocks.next().unwrap(), blocks.next().unwrap());
    if home.is_postgres() { postgres } else { sqlite }.to_owned()
}

fn django_works_without_the_house_once_it_has_left(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    drop(notes);
    home.execute(&leaving(home));
    for table in database::tables(&home.shared_url()) {
        if table.starts_with("housekey_") {
            home.execute(&format!("DROP TABLE {table}"));
        }
    }
    let Some(mut django) = Django::start(home) else { return };
    let cookie = django.text("login", json!({"username": "ada"}));
    assert_eq!(django.text("whoami", json!({"cookie": cookie})), "ada");
    django.call("logout", json!({"cookie": cookie}));
    assert_eq!(home.sessions(), 0);
    let nothing = json!(["No planned migration operations.", "No changes detected"]);
    assert_eq!(django.call("migrate", json!({})), nothing);
}

/// A look-up that is late must not take from the list what is signed in meanwhile.
#[test]
fn a_login_that_is_under_way_while_strangers_are_met_is_met_the_next_time() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = home.open("notes");
    user(&house, "ada");
    let key = as_django(&home, "visitor", &data_of_a_visitor(&home, &house));
    let adas = data_of(&home, &login(&house, "ada"));
    let update =
        format!("UPDATE django_session SET session_data = '{adas}' WHERE session_key = '{key}'");
    database::in_transaction_kept(&home.shared_url(), &update, || {
        assert_eq!(keeper(&home).end_sessions_of("ada").unwrap(), Some(1));
        assert_eq!(strangers(&home), 1);
    });
    assert_eq!(keeper(&home).end_sessions_of("ada").unwrap(), Some(1));
    assert_eq!((strangers(&home), owners(&home)), (0, 0));
}

/// The triggers work with the rights of the owner, in the tables of the house, whoever writes.
#[test]
fn a_role_without_rights_to_the_lists_writes_them_by_what_it_does() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let owners = owners_house(&home);
    let ours = login(&owners, "ada");
    let consumer = home.url_as(Role::Consumer);
    let theirs = format!("{:0>32}", "theirs");
    let decoys = "CREATE TEMP TABLE housekey_change (session_key text, user_id bigint); \
         CREATE TEMP TABLE housekey_stranger (session_key text PRIMARY KEY); \
         CREATE TEMP TABLE housekey_session (session_key text); SET search_path = pg_temp, public;";
    let changes = "SELECT count(*) FROM housekey_change";
    let before = home.count(changes);
    database::execute(
        &consumer,
        &format!(
            "{decoys} INSERT INTO django_session VALUES ('{theirs}', 'x', '2100-01-01'); \
             DELETE FROM django_session WHERE session_key = '{ours}'"
        ),
    );
    assert_eq!(home.text("SELECT session_key FROM housekey_stranger"), theirs);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session"), 0);
    assert_eq!(home.count(changes), before + 1);
}
