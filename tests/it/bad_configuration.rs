//! A bad setting stops an app with one line that names the setting and the remedy, and no secret.

use std::collections::HashMap;
use std::error::Error as _;
use std::process::Command;
use std::time::Duration;

use diesel::PgConnection;
use housekey::{Config, Error, Housekey, SecretKey};

use crate::support::{Home, House, KEY, OTHER_KEY, example, on_both_databases};

on_both_databases!(
    a_house_without_its_tables_says_what_to_call,
    another_key_is_told_by_its_fingerprint,
);

/// Parts of the settings below that nobody may read in a message.
const CANARIES: [&str; 4] = ["canary-key", "canary-password", "canary-folder", "canary-name"];
const GOOD_KEY: &str = "canary-key-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF";

fn settings(changes: &[(&str, &str)]) -> HashMap<String, String> {
    let good = [
        ("SHARED_DATABASE_URL", "sqlite:canary-folder/canary-name.db"),
        ("DATABASE_URL", "postgres://canary-name:canary-password@localhost/canary-name"),
        ("SECRET_KEY", GOOD_KEY),
    ];
    let all = good.iter().chain(changes);
    all.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn read(changes: &[(&str, &str)]) -> Result<Config, Error> {
    let settings = settings(changes);
    Config::from_vars(|name| settings.get(name).cloned())
}

/// Checks that the error is one line with these words in it, and has none of the canaries anywhere.
#[track_caller]
fn check(error: &Error, words: &[&str]) {
    let line = error.to_string();
    assert!(!line.contains('\n') && !line.is_empty(), "{line:?}");
    for word in words {
        assert!(line.contains(word), "no {word:?} in: {line}");
    }
    let mut texts = vec![format!("{line} {error:?} {error:#?}")];
    let mut cause = error.source();
    while let Some(error) = cause {
        assert!(!error.to_string().contains('\n'), "{error}");
        texts.push(format!("{error} {error:?} {error:#?}"));
        cause = error.source();
    }
    for canary in CANARIES {
        assert!(texts.iter().all(|text| !text.contains(canary)), "{canary} in: {texts:?}");
    }
}

#[track_caller]
fn refused(changes: &[(&str, &str)], words: &[&str]) {
    check(&read(changes).expect_err(&format!("{changes:?}")), words);
}

#[test]
fn the_settings_that_these_tests_change_are_good() {
    let config = read(&[("SECRET_KEY_FALLBACKS", &format!("[{OTHER_KEY:?}]"))]).unwrap();
    let shown = format!("{config:?} {config:#?}");
    for canary in CANARIES.iter().chain(&[OTHER_KEY]) {
        assert!(!shown.contains(canary), "{canary} in: {shown}");
    }
}

#[test]
fn what_is_missing_is_named() {
    for name in ["SHARED_DATABASE_URL", "DATABASE_URL", "SECRET_KEY"] {
        refused(&[(name, "")], &[&format!("{name} is not set; ")]);
        let mut settings = settings(&[]);
        settings.remove(name);
        let error = Config::from_vars(|name| settings.get(name).cloned()).unwrap_err();
        check(&error, &[&format!("{name} is not set; ")]);
    }
}

#[test]
fn a_weak_key_is_refused_wherever_it_comes_from() {
    let home = Home::sqlite();
    let file = home.folder().join("canary-folder");
    let path = file.to_str().unwrap();
    let insecure = format!("django-insecure-{GOOD_KEY}");
    let weak = [
        ("canary-key", "has 10 characters, at least 50 are needed"),
        (&GOOD_KEY[..49], "has 49 characters, at least 50 are needed"),
        (&"abcd".repeat(20), "has 4 distinct characters, at least 5 are needed"),
        (insecure.as_str(), "starts with `django-insecure-`"),
    ];
    for (key, why) in weak {
        let remedy = "set the common key of the house";
        refused(&[("SECRET_KEY", key)], &["SECRET_KEY ", why, remedy]);
        let fallbacks = serde_json::to_string(&[OTHER_KEY, key]).unwrap();
        refused(&[("SECRET_KEY_FALLBACKS", &fallbacks)], &["SECRET_KEY_FALLBACKS ", why]);
        std::fs::write(&file, format!("{key}\n")).unwrap();
        let from_file = [("SECRET_KEY", ""), ("SECRET_KEY_FILE", path)];
        refused(&from_file, &["SECRET_KEY_FILE ", why, remedy]);
    }
    for key in [GOOD_KEY, &GOOD_KEY[..50], "abcde".repeat(10).as_str()] {
        assert!(read(&[("SECRET_KEY", key)]).is_ok());
        std::fs::write(&file, format!("{key}\n")).unwrap();
        assert!(read(&[("SECRET_KEY", ""), ("SECRET_KEY_FILE", path)]).is_ok());
    }
}

#[test]
fn a_key_file_that_cannot_be_read_is_told() {
    let home = Home::sqlite();
    let folder = home.folder().join("canary-folder");
    std::fs::create_dir(&folder).unwrap();
    let binary = home.folder().join("canary-name");
    std::fs::write(&binary, [0xff; 60]).unwrap();
    for path in [folder.join("none"), folder, binary] {
        let changes = [("SECRET_KEY", ""), ("SECRET_KEY_FILE", path.to_str().unwrap())];
        refused(&changes, &["SECRET_KEY_FILE cannot be read", "name a file that holds the key"]);
    }
    let both = [("SECRET_KEY_FILE", "canary-folder/key")];
    refused(&both, &["SECRET_KEY_FILE and SECRET_KEY are both set; keep one of them"]);
}

#[test]
fn fallback_keys_are_a_json_list_of_texts() {
    for list in [GOOD_KEY, "{\"canary-key\": 1}", "[1]", "[", "\"canary-key\"", "[null]"] {
        let remedy = "is not a JSON list of texts, like [\"one\", \"two\"]";
        refused(&[("SECRET_KEY_FALLBACKS", list)], &["SECRET_KEY_FALLBACKS ", remedy]);
    }
}

#[test]
fn a_url_that_names_no_database_is_refused() {
    let forms = "use postgres://USER@HOST/NAME, sqlite:PATH or a path";
    for name in ["SHARED_DATABASE_URL", "DATABASE_URL"] {
        let start = format!("{name} ");
        let mysql = "mysql://canary-name:canary-password@host/canary-folder";
        refused(&[(name, mysql)], &[&start, "unknown scheme `mysql`", forms]);
        refused(&[(name, "sqlite:")], &[&start, forms]);
        refused(&[(name, "sqlite://")], &[&start, forms]);
        let in_memory = [
            ":memory:",
            "sqlite::memory:",
            "sqlite://:memory:",
            "file::memory:",
            "file:canary-name?mode=memory&cache=shared",
            "file::memory:?cache=shared",
        ];
        for url in in_memory {
            refused(&[(name, url)], &[&start, "in-memory SQLite database", "name a file"]);
        }
        let words = [start.as_str(), "has parameters", "take away what begins at the `?`"];
        refused(&[(name, "sqlite:canary-name?cache=shared")], &words);
        refused(&[(name, "canary-folder\0/a.db")], &[&start, "NUL character in its path"]);
    }
}

#[test]
fn a_setting_of_the_wrong_type_is_refused() {
    let cases = [
        ("SESSION_COOKIE_AGE", ["two weeks", "-1", "1.5"], "is not a whole number"),
        ("PASSWORD_ITERATIONS", ["many", "-1", "1e6"], "is not a whole number"),
        ("SESSION_COOKIE_SECURE", ["maybe", "2", "tru"], "is neither true nor false"),
        ("SESSION_SAVE_EVERY_REQUEST", ["maybe", "2", "y"], "is neither true nor false"),
        ("SESSION_EXPIRE_AT_BROWSER_CLOSE", ["maybe", "2", "t"], "is neither true nor false"),
        ("SESSION_COOKIE_NAME", ["a b", "a;b", "a=b"], "may hold letters, digits"),
        ("SESSION_COOKIE_DOMAIN", ["a b", "a;b", "http://a"], "is not the name of a host"),
        ("CSRF_COOKIE_NAME", ["a b", "a;b", "a=b"], "may hold letters, digits"),
        ("CSRF_COOKIE_DOMAIN", ["a b", "a;b", "http://a"], "is not the name of a host"),
        ("CSRF_COOKIE_SECURE", ["maybe", "2", "t"], "is neither true nor false"),
        ("CSRF_TRUSTED_ORIGINS", ["https://a", "[1]", "{}"], "is not a JSON list of texts"),
        ("SUCCESS_URL_ALLOWED_HOSTS", ["a.example", "[1]", "{}"], "is not a JSON list of texts"),
        (
            "SECURE_PROXY_SSL_HEADER",
            ["[\"a\"]", "[\"a\", \"b\", \"c\"]", "[\"\"]"],
            "is not a header and",
        ),
        ("PASSWORD_HASHER", ["md5", "Argon2", "bcrypt"], "is none of pbkdf2_sha256"),
        ("PASSWORD_RESET_TIMEOUT", ["a day", "-1", "1.5"], "is not a whole number"),
    ];
    for (name, values, why) in cases {
        for value in values {
            refused(&[(name, value)], &[&format!("{name} {why}")]);
        }
    }
    refused(&[("PASSWORD_ITERATIONS", "0")], &["PASSWORD_ITERATIONS must be at least 1"]);
    let two = [("PASSWORD_HASHER", "argon2"), ("PASSWORD_ITERATIONS", "10")];
    refused(&two, &["PASSWORD_ITERATIONS is for the PASSWORD_HASHER pbkdf2_sha256 alone"]);
    for good in [
        ("PASSWORD_HASHER", "bcrypt_sha256"),
        ("CSRF_TRUSTED_ORIGINS", "[\"https://*.example.org\"]"),
        ("SECURE_PROXY_SSL_HEADER", "[\"HTTP_X_FORWARDED_PROTO\", \"https\"]"),
        ("SESSION_SALT", "django.contrib.sessions.AuditedSessionStore"),
    ] {
        assert!(read(&[good]).is_ok(), "{good:?}");
    }
    for yes_or_no in ["True", "1", "yes", "on", "FALSE", "0", "no", "off"] {
        assert!(read(&[("SESSION_COOKIE_SECURE", yes_or_no)]).is_ok(), "{yes_or_no}");
    }
}

/// A port of this machine at which nobody listens.
fn dead_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn an_unreachable_database_is_named_by_its_variable() {
    let port = dead_port();
    let url = format!("postgres://canary-name:canary-password@127.0.0.1:{port}/canary-folder");
    let config = || {
        let key = SecretKey::new(GOOD_KEY).unwrap();
        Config::new(&url, "sqlite:local.db", key).unwrap().deadline(Duration::from_millis(200))
    };
    let words = ["the shared database (PostgreSQL) gives no connection", "SHARED_DATABASE_URL"];
    check(&House::open(config()).unwrap_err(), &words);
    check(&housekey::migrate(&config()).unwrap_err(), &words);

    let home = Home::sqlite();
    home.open("setup");
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.shared_url(), &url, key).unwrap();
    let house =
        Housekey::<PgConnection>::open(config.deadline(Duration::from_millis(200))).unwrap();
    let words = ["the local database (PostgreSQL) gives no connection", " DATABASE_URL"];
    check(&house.local().map(drop).unwrap_err(), &words);
}

#[test]
fn a_sqlite_file_in_no_folder_is_told() {
    let home = Home::sqlite();
    let nowhere = home.folder().join("canary-folder").join("canary-name.db");
    let config = |shared: &str, local: &str| {
        let key = SecretKey::new(KEY).unwrap();
        Config::new(shared, local, key).unwrap().deadline(Duration::from_millis(200))
    };
    let lost = config(nowhere.to_str().unwrap(), &home.local_url("notes"));
    check(&House::open(lost.clone()).unwrap_err(), &["shared database", "housekey::migrate"]);
    check(&housekey::migrate(&lost).unwrap_err(), &["database (SQLite)", "DATABASE_URL"]);

    home.open("setup");
    let words = ["the local database (SQLite) gives no connection", " DATABASE_URL"];
    let refused = House::open(config(&home.shared_url(), nowhere.to_str().unwrap()));
    check(&refused.unwrap_err(), &words);

    let folder = home.folder().join("canary-name");
    std::fs::create_dir(&folder).unwrap();
    let house = House::open(config(&home.shared_url(), folder.to_str().unwrap())).unwrap();
    check(&house.local().map(drop).unwrap_err(), &words);
}

#[test]
fn an_app_that_speaks_another_kind_of_database_is_told() {
    let home = Home::sqlite();
    let error = Housekey::<PgConnection>::open(home.config("notes")).unwrap_err();
    let words = ["DATABASE_URL is a SQLite database", "PostgreSQL", "Housekey::<SqliteConnection>"];
    check(&error, &words);
    let key = SecretKey::new(GOOD_KEY).unwrap();
    let url = "postgres://canary-name:canary-password@localhost/canary-name";
    let error = House::open(Config::new(&home.shared_url(), url, key).unwrap()).unwrap_err();
    let words =
        ["DATABASE_URL is a PostgreSQL database", "Housekey::<PgConnection>", "another URL"];
    check(&error, &words);
    assert_eq!(std::fs::read_dir(home.folder()).unwrap().count(), 0);
}

fn a_house_without_its_tables_says_what_to_call(home: &Home) {
    let error = House::open(home.config_with_key("notes", GOOD_KEY)).unwrap_err();
    check(&error, &["0001_django, 0002_housekey", "call housekey::migrate once"]);
}

fn another_key_is_told_by_its_fingerprint(home: &Home) {
    home.open("notes");
    let config = home.config_with_key("tasks", GOOD_KEY);
    let (ours, house) = (SecretKey::new(GOOD_KEY).unwrap(), SecretKey::new(KEY).unwrap());
    let words = [
        &format!("app `tasks` has the SECRET_KEY {}", ours.fingerprint()),
        &format!("the house signs with {}", house.fingerprint()),
        "set SECRET_KEY of `tasks` to the key that `notes` has",
    ];
    check(&House::open(config.clone()).unwrap_err(), &words);
    check(&housekey::migrate(&config).unwrap_err(), &words);
    assert_eq!(home.count("SELECT count(*) FROM housekey_key"), 1);
}

/// Runs the example with these settings: it must not serve, and say one line.
#[track_caller]
fn does_not_start(settings: &HashMap<String, String>, arguments: &[&str], words: &[&str]) {
    let mut command = Command::new(example("house_app"));
    let output = command.env_clear().envs(settings).args(arguments).output().unwrap();
    let said = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert_eq!(output.stdout, b"");
    assert_eq!(said.matches('\n').count(), 1, "{said}");
    assert!(said.starts_with("error: ") && said.ends_with('\n'), "{said}");
    for word in words {
        assert!(said.contains(word), "no {word:?} in: {said}");
    }
    for canary in CANARIES {
        assert!(!said.contains(canary), "{canary} in: {said}");
    }
}

#[test]
fn a_program_that_must_not_start_says_one_line() {
    let home = Home::sqlite();
    let port = dead_port();
    let dead = format!("postgres://canary-name:canary-password@127.0.0.1:{port}/canary-folder");
    does_not_start(&HashMap::new(), &[], &["SHARED_DATABASE_URL is not set"]);
    let (shared, local) = (home.shared_url(), home.local_url("notes"));
    let base = [("SHARED_DATABASE_URL", shared.as_str()), ("DATABASE_URL", local.as_str())];
    let with = |more: &[(&str, &str)]| settings(&[&base[..], more].concat());

    does_not_start(&with(&[("SECRET_KEY", "canary-key")]), &[], &["SECRET_KEY has 10 characters"]);
    does_not_start(&with(&[]), &[], &["lacks the migrations", "housekey::migrate"]);
    let words = ["SHARED_DATABASE_URL is right: ", "refused"];
    does_not_start(&with(&[("SHARED_DATABASE_URL", &dead)]), &[], &words);

    home.open("first");
    does_not_start(&with(&[]), &[], &["app `house_app` has the SECRET_KEY", "app `first`"]);
    does_not_start(&with(&[]), &["--migrate"], &["app `house_app` has the SECRET_KEY"]);
    let good = with(&[("SECRET_KEY", KEY), ("LISTEN", "nowhere"), ("PASSWORD_ITERATIONS", "10")]);
    does_not_start(&good, &[], &["LISTEN cannot be used", "127.0.0.1:8001"]);
    does_not_start(&good, &["--help"], &["the only argument is --migrate"]);
    let words = [" DATABASE_URL is right: ", "refused"];
    let lost = with(&[("SECRET_KEY", KEY), ("DATABASE_URL", &dead), ("PASSWORD_ITERATIONS", "10")]);
    does_not_start(&lost, &[], &words);
}

#[test]
fn a_file_of_the_app_that_is_no_database_is_told_at_the_start() {
    let home = Home::sqlite();
    drop(home.open("notes"));
    std::fs::write(home.folder().join("notes.db"), "My notes, of the first of May").unwrap();
    let error = House::open(home.config("notes")).unwrap_err();
    check(&error, &["DATABASE_URL names a file that is no SQLite database"]);
    assert!(matches!(error, Error::Config { .. }));
}
