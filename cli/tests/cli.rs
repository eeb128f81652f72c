//! The command line, run as an operator runs it.

mod support;

use std::process::Command;

use serde_json::Value;

use support::{Home, KEY, text};
const OTHER_KEY: &str = "tests-only-the-other-key-9876543210-zyxwvutsrqponmlkji";

#[test]
fn a_house_is_begun_and_its_people_are_kept() {
    let home = Home::new("people");
    assert!(home.says(0, &["migrate", "--plan"], "").contains("would apply 0001_django"));
    assert!(!home.0.join("house.db").exists(), "a plan changes nothing");
    assert!(home.says(0, &["migrate"], "").contains("applied 0001_django"));
    assert_eq!(home.says(0, &["migrate"], ""), "the shared database has all migrations\n");

    let create = ["user", "create", "ada", "--email", "ada@Example.org", "--superuser"];
    assert_eq!(home.says(0, &create, "correct horse\n"), "ada is made\n");
    assert!(home.says(2, &create, "correct horse\n").contains("`ada` exists already"));
    let said = home.says(2, &["user", "create", "grace"], "");
    assert_eq!(said, "error: no password on standard input\n");
    home.says(0, &["user", "create", "grace"], "battery staple\n");
    assert_eq!(home.says(0, &["user", "deactivate", "grace"], ""), "grace may sign in no more\n");
    let list = home.says(0, &["user", "list"], "");
    assert_eq!(list, "ada  ada@example.org  superuser  staff\ngrace  inactive\n");
    assert_eq!(home.says(0, &["user", "list", "gr"], "").lines().count(), 1);
    home.says(0, &["user", "activate", "grace"], "");
    home.says(0, &["user", "password", "grace"], "another staple\n");
    for missing in [
        &["user", "show", "nobody"][..],
        &["user", "password", "nobody"],
        &["user", "activate", "nobody"],
    ] {
        assert_eq!(home.says(1, missing, "x\n"), "there is no user nobody\n");
    }
    let shown: Value =
        serde_json::from_str(&home.says(0, &["--json", "user", "show", "grace"], "")).unwrap();
    assert_eq!((&shown["username"], &shown["is_active"]), (&"grace".into(), &true.into()));
    assert!(home.says(0, &["check"], "").ends_with("\nthe house is well\n"));

    assert_eq!(home.says(0, &["group", "create", "staff"], ""), "staff is there\n");
    assert_eq!(home.says(0, &["group", "list"], ""), "staff\n");
    assert_eq!(
        home.says(0, &["user", "grant", "grace", "--group", "staff"], ""),
        "grace is in staff\n"
    );
    home.says(0, &["user", "revoke", "grace", "--group", "staff"], "");
    let said = home.says(1, &["user", "grant", "grace", "billing.no_such"], "");
    assert!(said.starts_with("there is no permission `billing.no_such`"), "{said}");
    assert_eq!(
        home.says(0, &["user", "grant", "grace", "--superuser"], ""),
        "grace is a superuser\n"
    );
    let said = home.says(0, &["user", "revoke", "grace", "--superuser"], "");
    assert_eq!(said, "grace is no more a superuser\n");
    home.says(1, &["user", "grant", "nobody", "--staff"], "");
    home.says(2, &["user", "grant", "grace"], "");
    let said = home.says(0, &["permissions", "billing"], "");
    assert_eq!(said, "no app has declared permissions as billing\n");
}

#[test]
fn grants_are_printed_without_a_house() {
    let grants = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
        let output = command.arg("grants").args(arguments).env_clear().output().unwrap();
        (output.status.code(), text(&output.stdout), text(&output.stderr))
    };
    let (code, sql, _) = grants(&["--role", "consumer", "--name", "notes"]);
    assert_eq!(code, Some(0));
    let expected = housekey::grants(housekey::Role::Consumer, "notes").unwrap();
    assert_eq!(sql, format!("{expected}\n"));
    let (_, printed, _) = grants(&["--role", "consumer", "--name", "notes", "--json"]);
    let json: Value = serde_json::from_str(&printed).unwrap();
    assert_eq!(json["sql"], expected);
    let (_, sql, _) = grants(&["--role", "auth"]);
    assert!(sql.contains("CREATE ROLE \"housekey_auth\" LOGIN"), "{sql}");

    let hostile = ["--role", "auth", "--name", "x\"; DROP TABLE auth_user; --"];
    for (arguments, remedy) in
        [(&["--role", "owner"][..], "`auth` or `consumer`"), (&hostile, "give another name")]
    {
        let (code, sql, said) = grants(arguments);
        assert_eq!((code, sql.as_str()), (Some(2), ""));
        assert!(said.contains(remedy), "{said}");
    }
}

#[test]
fn a_login_is_explained() {
    let home = Home::new("why");
    home.says(0, &["migrate"], "");
    home.says(0, &["user", "create", "ada"], "correct horse\n");
    let house = open(&home);
    let session = housekey::Session::default();
    let ada = house.authenticate("ada", "correct horse").unwrap().unwrap();
    house.login(&session, &ada).unwrap();
    let cookie = session.key().unwrap().expose_secret().to_owned();
    let header = format!("Cookie: theme=dark; sessionid={cookie}");

    let said = home.says(0, &["why"], &header);
    assert!(
        said.ends_with("a login of \"ada\"\n") && said.contains("begun by app \"notes\""),
        "{said}"
    );
    assert!(!said.contains(&cookie));
    let other = home.run_with(OTHER_KEY, &["key", "fingerprint"], "");
    assert_ne!(text(&other.stdout), home.says(0, &["key", "fingerprint"], ""));

    for (header, reason) in [
        ("theme=dark".to_owned(), "there is no cookie named \"sessionid\""),
        ("sessionid=x".to_owned(), "does not hold a session key"),
        (format!("sessionid={}", "a".repeat(32)), "there is no such session"),
        (format!("sessionid={}", cookie.replace(&cookie[..1], "-")), "does not hold a session key"),
    ] {
        let said = home.says(1, &["why"], &header);
        assert!(said.contains("no login: ") && said.contains(reason), "{said}");
    }
    assert_eq!(home.says(0, &["sessions", "purge"], ""), "0 sessions purged\n");
    home.says(0, &["user", "deactivate", "ada"], "");
    assert!(home.says(1, &["why"], &header).contains("the user is not active"));
    home.says(0, &["user", "activate", "ada"], "");
    home.says(0, &["user", "password", "ada"], "another staple\n");
    assert!(
        home.says(1, &["why"], &header)
            .contains("ended by a logout, a login or a change of the password")
    );
    assert_eq!(home.says(1, &["sessions", "revoke", "nobody"], ""), "there is no user nobody\n");
    home.says(2, &["sessions", "revoke"], "");
    let json: Value = serde_json::from_str(&home.says(1, &["--json", "why"], &header)).unwrap();
    assert!(json["user"].is_null() && json["facts"].as_array().unwrap().len() == 2, "{json}");
    assert_eq!(home.says(0, &["sessions", "revoke", "ada"], ""), "0 sessions ended\n");
    assert_eq!(home.says(0, &["sessions", "revoke", "--all"], ""), "0 sessions ended\n");
}

fn open(home: &Home) -> housekey::Housekey<diesel::SqliteConnection> {
    let database = home.0.join("house.db");
    let key = housekey::SecretKey::new(KEY).unwrap();
    let database = database.to_str().unwrap();
    let config = housekey::Config::new(database, database, key).unwrap();
    housekey::Housekey::open(config.app_name("notes").password_iterations(10)).unwrap()
}

#[test]
fn another_key_is_told_and_nothing_is_changed() {
    let home = Home::new("key");
    home.says(0, &["migrate"], "");
    let output = home.run_with(OTHER_KEY, &["user", "list"], "");
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2));
    assert!(
        said.starts_with("error: app `operator` has the SECRET_KEY") && said.lines().count() == 1,
        "{said}"
    );
    assert!(!said.contains(OTHER_KEY) && !said.contains(KEY));
}

#[test]
fn settings_are_written_once_and_for_their_owner() {
    let home = Home::new("init");
    let said = home.says(0, &["init", "house.env", "--shared", "sqlite:h.db"], "");
    assert!(said.contains("housekey migrate"), "{said}");
    let file = home.0.join("house.env");
    let written = std::fs::read_to_string(&file).unwrap();
    // Whole paths: an app that is started elsewhere means the same file.
    let whole = format!("SHARED_DATABASE_URL=sqlite:{}\n", home.0.join("h.db").display());
    assert!(written.contains(&whole), "{written}");
    let key = written.lines().find_map(|line| line.strip_prefix("SECRET_KEY=")).unwrap();
    assert!(housekey::SecretKey::new(key).is_ok());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    assert!(home.says(2, &["init", "house.env"], "").contains("cannot be made"));
    assert_eq!(std::fs::read_to_string(&file).unwrap(), written);
    assert!(home.says(2, &["init", "other.env", "--shared", "mysql://x/y"], "").contains("mysql"));
    assert!(!home.0.join("other.env").exists());
    assert_eq!(home.says(0, &["key", "generate"], "").trim().len(), 50);
}

#[test]
fn without_settings_it_says_what_to_set() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
    let output = command.arg("check").env_clear().output().unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).starts_with("error: SHARED_DATABASE_URL is not set"));
    let unmade = Home::new("unmade").run(&["check"]);
    assert!(
        unmade.status.code() == Some(2) && text(&unmade.stdout).contains("run `housekey migrate`")
    );
    assert_eq!(Home::new("usage").run(&["nonsense"]).status.code(), Some(2));
}

/// What the shell reads back is what was given, and nothing in it is run.
#[cfg(unix)]
#[test]
fn settings_are_read_back_by_the_shell_as_they_were() {
    let home = Home::new("quoted");
    let odd = "a house; $(touch oops) 'n' \"more\".db";
    home.says(0, &["init", "house.env", "--shared", &format!("sqlite:{odd}")], "");
    let read = Command::new("sh")
        .args(["-c", ". ./house.env && printf %s \"$SHARED_DATABASE_URL\""])
        .current_dir(&home.0)
        .output()
        .unwrap();
    assert_eq!(text(&read.stdout), format!("sqlite:{}", home.0.join(odd).display()));
    assert!(!home.0.join("oops").exists());
}

#[test]
fn a_password_is_no_argument() {
    let home = Home::new("argument");
    for url in ["postgres://ada:canary@db/house", "postgres://ada@db/house?password=canary"] {
        let said = home.says(2, &["init", "--shared", url], "");
        assert!(said.contains("give that URL in SHARED_DATABASE_URL"), "{said}");
        assert!(!said.contains("canary") && !home.0.join("house.env").exists());
    }
}

/// A setting that is no text is not taken for one that is not there.
#[cfg(unix)]
#[test]
fn an_environment_that_is_no_text_is_refused() {
    use std::os::unix::ffi::OsStrExt;
    let home = Home::new("bytes");
    home.says(0, &["migrate"], "");
    let bytes = std::ffi::OsStr::from_bytes(b"[\"canary\xff\"]");
    let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
    command.args(["user", "list"]).current_dir(&home.0).env_clear();
    command.env("SHARED_DATABASE_URL", "sqlite:house.db").env("SECRET_KEY", KEY);
    let output = command.env("SECRET_KEY_FALLBACKS", bytes).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.starts_with("error: SECRET_KEY_FALLBACKS is no text in UTF-8"), "{said}");
    assert!(!said.contains("canary"), "{said}");
}
