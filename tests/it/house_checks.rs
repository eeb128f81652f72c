//! What a check looks at besides the logins: the database and how it is kept, the clock, the keys at hand.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::{
    Caretaker, Checkup, Clock, Config, Error, Finding, Level, Profile, Role, SecretKey, Seen,
    SignOut, check, check_against, permissions,
};

use crate::support::{Home, House, KEY, OTHER_KEY, on_both_databases, skip, troubles};

on_both_databases!(
    a_house_without_tables_is_told_what_to_run,
    a_newer_schema_is_left_alone,
    clocks_that_differ_are_told,
    keys_from_a_manual_are_told,
    what_the_fallbacks_are_good_for_is_told,
    the_coming_key_is_asked_for,
    users_of_the_apps_own_are_told,
    what_a_document_leaves_out_is_told,
    a_permission_that_is_called_like_djangos_is_no_copy,
    an_index_that_is_gone_is_told_with_what_makes_it,
);

fn of_topic<'a>(checkup: &'a Checkup, topic: &str) -> Vec<&'a Finding> {
    checkup.findings.iter().filter(|finding| finding.topic == topic).collect()
}

#[track_caller]
fn trouble(checkup: &Checkup, topic: &str, level: Level) -> String {
    let found = of_topic(checkup, topic).into_iter().find(|finding| finding.level == level);
    found.unwrap_or_else(|| panic!("no {level} of {topic}: {:?}", checkup.findings)).to_string()
}

fn a_house_without_tables_is_told_what_to_run(home: &Home) {
    let checkup = check(&home.config("notes"));
    let text = trouble(&checkup, "migrations", Level::Error);
    assert!(text.contains("run `housekey migrate`"), "{text}");
    // What depends on the tables is not looked at, and what does not is.
    assert!(of_topic(&checkup, "sessions").is_empty());
    assert_eq!(of_topic(&checkup, "local").len(), 1);
}

fn a_newer_schema_is_left_alone(home: &Home) {
    home.open("notes");
    home.execute(
        "INSERT INTO housekey_migration VALUES ('0099_tomorrow', 'wiki', '2026-01-01 00:00:00');
         UPDATE housekey_setting SET value = '9.9.9' WHERE name = 'HOUSEKEY_VERSION'",
    );
    let errors = [
        housekey::migrate(&home.config("notes")).unwrap_err(),
        House::open(home.config("notes")).unwrap_err(),
        Caretaker::open(home.config("operator")).unwrap_err(),
        housekey::plan(&home.config("operator")).unwrap_err(),
    ];
    for error in errors {
        let Error::SchemaNewer { unknown, version, .. } = &error else { panic!("{error:?}") };
        assert_eq!(
            (unknown.as_slice(), version.as_str()),
            (&["0099_tomorrow".to_owned()][..], "9.9.9")
        );
        assert!(error.to_string().contains("install housekey 9.9.9 or newer"), "{error}");
    }
    let text = trouble(&check(&home.config("notes")), "migrations", Level::Error);
    assert!(text.contains("install housekey 9.9.9"), "{text}");
    assert_eq!(home.count("SELECT count(*) FROM housekey_app"), 1);
}

fn clocks_that_differ_are_told(home: &Home) {
    home.open("notes");
    for clock in [Clock::ahead(Duration::from_secs(90)), Clock::behind(Duration::from_secs(90))] {
        let text = trouble(&check(&home.config("notes").clock(clock)), "clock", Level::Warning);
        assert!(text.contains("90 s off") && text.contains("one time server"), "{text}");
    }
    let near = Clock::ahead(Duration::from_secs(10));
    assert_eq!(of_topic(&check(&home.config("notes").clock(near)), "clock")[0].level, Level::Ok);
}

fn keys_from_a_manual_are_told(home: &Home) {
    let published = "k3-no-two-houses-share-this-text-0123456789-abcdefg";
    let placeholder = "please-CHANGE-ME-please-0123456789-abcdefghijklmnopqrstuv";
    for key in [published, placeholder] {
        let config = home.config_with_key("notes", key);
        let said = home.open_with(config).check();
        let text = trouble(&said, "key", Level::Error);
        assert!(
            text.contains("stands in a manual") && text.contains("housekey key generate"),
            "{text}"
        );
        assert!(!text.contains(key));
        home.execute("DELETE FROM housekey_key; DELETE FROM housekey_app");
    }
    let fallback = home.config("notes").fallback_key(SecretKey::new(placeholder).unwrap());
    trouble(&home.open_with(fallback).check(), "key", Level::Error);
}

fn rotated(home: &Home) -> Config {
    home.config_with_key("notes", OTHER_KEY).fallback_key(SecretKey::new(KEY).unwrap())
}

fn what_the_fallbacks_are_good_for_is_told(home: &Home) {
    home.open("notes");
    let both = home.config("notes").fallback_key(SecretKey::new(OTHER_KEY).unwrap());
    let says = |config: &Config, words: &str| {
        let checkup = check(config);
        let found = of_topic(&checkup, "key").iter().any(|finding| finding.fact.contains(words));
        assert!(found, "{words}: {:?}", checkup.findings);
    };
    says(&both, "of which the registry knows nothing");
    let keeper = Caretaker::open(both.clone().app_name("operator")).unwrap();
    keeper.stage_key(&SecretKey::new(OTHER_KEY).unwrap()).unwrap();
    says(&both, "which is staged");
    home.open_with(both.clone());
    keeper.promote_key(Seen::default(), &[]).unwrap();
    let behind = trouble(&check(&both), "key", Level::Warning);
    assert!(behind.contains("which is a fallback here"), "{behind}");
    home.open_with(rotated(home));
    says(&rotated(home), "which is retiring");
    keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap();
    let left = trouble(&check(&rotated(home)), "key", Level::Warning);
    assert!(left.contains("which the house has retired; take it out"), "{left}");
}

fn the_coming_key_is_asked_for(home: &Home) {
    home.open("notes");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    keeper.stage_key(&SecretKey::new(OTHER_KEY).unwrap()).unwrap();
    let text = trouble(&check(&home.config("notes")), "key", Level::Warning);
    let key = SecretKey::new(OTHER_KEY).unwrap().fingerprint();
    assert!(
        text.contains(&format!("the coming key {key} is not in SECRET_KEY_FALLBACKS")),
        "{text}"
    );
}

fn users_of_the_apps_own_are_told(home: &Home) {
    home.open("notes");
    let file = home.folder().join("notes.db");
    let mut local = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    local
        .batch_execute(
            "CREATE TABLE auth_user (id integer, username text); \
             INSERT INTO auth_user VALUES (1, 'ada'), (2, 'grace')",
        )
        .unwrap();
    let text = trouble(&check(&home.config("notes")), "local", Level::Warning);
    assert!(text.contains("2 users of its own") && text.contains("`housekey adopt`"), "{text}");
}

#[test]
fn a_house_that_does_not_answer_is_an_error_of_its_own() {
    let key = SecretKey::new(KEY).unwrap();
    let home = Home::sqlite();
    let gone = "postgres://canary:canary-password@127.0.0.1:1/canary-name";
    let config = Config::new(gone, &home.local_url("notes"), key).unwrap();
    let checkup = check(&config.deadline(Duration::from_millis(300)));
    let text = trouble(&checkup, "database", Level::Error);
    assert!(text.contains("SHARED_DATABASE_URL is right"), "{text}");
    assert!(!format!("{checkup:?}").contains("canary"), "{checkup:?}");
}

#[cfg(unix)]
#[test]
fn a_file_that_everybody_may_read_is_told() {
    use std::os::unix::fs::PermissionsExt;
    let home = Home::sqlite();
    home.open("notes");
    assert!(check(&home.config("notes")).is_well());
    let file = home.folder().join("shared.db");
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o644)).unwrap();
    let text = trouble(&check(&home.config("notes")), "database", Level::Warning);
    assert!(text.contains("(mode 644)") && text.contains("chmod 600"), "{text}");
}

#[test]
fn a_role_with_too_many_rights_is_told() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    home.open("notes");
    let text = trouble(&check(&home.config("notes")), "role", Level::Warning);
    assert!(text.contains("is a superuser") && text.contains("housekey grants"), "{text}");
    for role in [Role::Auth, Role::Consumer] {
        let checkup = check(&home.config_as(role, "notes"));
        assert_eq!(of_topic(&checkup, "role")[0].level, Level::Ok, "{checkup:?}");
    }
    // The owner of the tables, and whoever may make some.
    let app = home.config_as(Role::Auth, "notes");
    let name = home.name_of(Role::Auth);
    home.execute(&format!("GRANT CREATE ON SCHEMA public TO {name}"));
    let text = trouble(&check(&app), "role", Level::Warning);
    assert!(text.contains("may create tables"), "{text}");
    home.execute(&format!("ALTER TABLE auth_user OWNER TO {name}"));
    let text = trouble(&check(&app), "role", Level::Warning);
    assert!(text.contains("owns the shared tables"), "{text}");
}

#[test]
fn a_server_that_forgets_is_told() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    home.open("notes");
    let is_told = |setting: &str| {
        let checkup = check(&home.config("notes"));
        let fact = format!("{setting} is off");
        of_topic(&checkup, "durability").iter().any(|finding| finding.fact.starts_with(&fact))
    };
    assert_eq!(is_told("fsync"), home.text("current_setting('fsync')") == "off");
    assert!(!is_told("synchronous_commit"));
    home.execute(&format!("ALTER DATABASE {} SET synchronous_commit = off", home.database()));
    assert!(is_told("synchronous_commit"));
}

fn what_a_document_leaves_out_is_told(home: &Home) {
    home.open("notes");
    // What tells no key is no document of an app, but some other answer.
    assert_eq!(Profile::from_json(r#"{"app": "wiki", "authenticated": false}"#), None);
    let silent = Profile::from_json(r#"{"app": "wiki", "keys": ["0"]}"#).unwrap();
    let text = trouble(&check_against(&home.config("notes"), &silent), "app", Level::Warning);
    assert!(text.contains("app `wiki` does not tell its house, session_cookie"), "{text}");
    let some = Profile::from_json(r#"{"app": "wiki", "keys": ["0"], "session_cookie": {}}"#);
    let text =
        trouble(&check_against(&home.config("notes"), &some.unwrap()), "app", Level::Warning);
    assert!(text.contains("does not tell its house:"), "{text}");
}

/// `permissions = [("view_report", "Can view report")]` in the Meta of another model than `Report`.
fn a_permission_that_is_called_like_djangos_is_no_copy(home: &Home) {
    let models = permissions! {
        "shop": Report { add, change, delete, view }
        "shop": Dashboard { view, "view_report" = "Can view report" }
    };
    let config = || home.config("shop").permissions(models.clone());
    home.open_with(config());
    let checkup = check(&config());
    let permissions = of_topic(&checkup, "permissions");
    assert!(permissions.iter().all(|finding| finding.level == Level::Ok), "{permissions:?}");
    // Two of them are too many for a chance, though the model has its own.
    home.execute(
        "INSERT INTO auth_permission (content_type_id, codename, name) SELECT id, 'add_report', 'Can add report'
         FROM django_content_type WHERE model = 'dashboard'",
    );
    let text = trouble(&check(&config()), "permissions", Level::Error);
    assert!(text.contains("2 permissions hang on another model"), "{text}");
}

/// As when a Django makes `auth_user` anew on SQLite.
fn an_index_that_is_gone_is_told_with_what_makes_it(home: &Home) {
    let house = home.open("notes");
    assert!(troubles(&house).is_empty(), "{:?}", troubles(&house));
    home.execute("DROP INDEX housekey_user_email");
    let said = troubles(&house);
    let [warning] = &said[..] else { panic!("{said:?}") };
    assert!(warning.starts_with("warning: the index housekey_user_email is gone"), "{warning}");
    home.execute(warning.split_once("run in the shared database: ").unwrap().1);
    assert!(troubles(&house).is_empty(), "{:?}", troubles(&house));
}
