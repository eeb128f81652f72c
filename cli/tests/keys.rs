//! The key of the house, changed by an operator; and the apps, seen from the command line.

mod support;

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use diesel::connection::SimpleConnection as _;
use housekey::{Config, Housekey, Profile, SecretKey};
use serde_json::Value;

use support::{Home, KEY, text};

type House = Housekey<diesel::SqliteConnection>;

/// An app of this house, with a key that signs and others that it verifies.
fn open(home: &Home, app: &str, signs: &str, verifies: &[&str]) -> House {
    let database = |name: &str| home.0.join(name).to_str().unwrap().to_owned();
    let key = |text: &str| SecretKey::new(text).unwrap();
    let config = Config::new(&database("house.db"), &database("app.db"), key(signs)).unwrap();
    let config = verifies.iter().fold(config, |config, other| config.fallback_key(key(other)));
    House::open(config.app_name(app).password_iterations(10)).unwrap()
}

/// What the command says with these keys, whatever it says it to.
#[track_caller]
fn says(home: &Home, code: i32, keys: [&str; 2], arguments: &[&str]) -> String {
    let fallbacks = if keys[1].is_empty() { "[]".to_owned() } else { format!("[\"{}\"]", keys[1]) };
    let settings = [("SECRET_KEY", keys[0]), ("SECRET_KEY_FALLBACKS", &fallbacks)];
    let output = home.run_in(&settings, arguments, "");
    let said = text(&output.stdout) + &text(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    said
}

#[test]
fn a_key_is_changed_step_by_step() {
    let home = Home::new("rotation");
    home.says(0, &["migrate"], "");
    drop(open(&home, "notes", KEY, &[]));
    let before = [KEY, ""];
    assert!(says(&home, 0, before, &["key", "status"]).contains("housekey key stage begins"));

    let said = says(&home, 0, before, &["key", "stage", "next.key"]);
    let file = home.0.join("next.key");
    let next = std::fs::read_to_string(&file).unwrap().trim().to_owned();
    assert!(!said.contains(&next) && next.len() == 50, "{said}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(file.metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    let [old_print, new_print] =
        [KEY, &next].map(|key| SecretKey::new(key).unwrap().fingerprint().to_string());
    assert!(said.starts_with(&format!("{new_print} is the coming key")), "{said}");
    assert!(said.contains("Django apps do not report"), "{said}");
    // Again with the same file is the same key.
    assert_eq!(says(&home, 0, before, &["key", "stage", "next.key"]), said);

    let step = format!("next: put {new_print} into SECRET_KEY_FALLBACKS of notes\n");
    assert!(says(&home, 0, before, &["key", "status"]).ends_with(&step));
    // The operator needs the new key as well, or would be locked out by the step.
    let blind = says(&home, 2, before, &["key", "promote"]);
    let words = format!("error: SECRET_KEY_FALLBACKS does not hold {new_print} here");
    assert!(blind.starts_with(&words), "{blind}");
    let staged = [KEY, next.as_str()];
    let said = says(&home, 2, staged, &["key", "promote"]);
    assert!(said.starts_with("error: the key") && said.contains("`notes` on"), "{said}");
    drop(open(&home, "notes", KEY, &[&next]));
    let said = says(&home, 0, staged, &["key", "status"]);
    assert!(said.contains("next: housekey key promote") && said.contains("verifies"), "{said}");
    let wiki = format!(r#"{{"app": "wiki", "keys": ["{old_print}"]}}"#);
    let said = says(&home, 2, staged, &["key", "promote", "--against", &serve(wiki)]);
    assert!(said.contains("`wiki` would not verify it"), "{said}");
    says(&home, 0, staged, &["key", "promote"]);

    let after = [next.as_str(), KEY];
    let step =
        format!("next: make {new_print} the SECRET_KEY of notes, and {old_print} a fallback\n");
    assert!(says(&home, 0, after, &["key", "status"]).ends_with(&step));
    assert!(says(&home, 2, after, &["key", "retire"]).contains("`notes` on"));
    drop(open(&home, "notes", &next, &[KEY]));
    assert!(says(&home, 0, after, &["key", "status"]).contains("next: housekey key retire"));
    let json: Value =
        serde_json::from_str(&says(&home, 0, after, &["--json", "key", "status"])).unwrap();
    assert_eq!(json["keys"].as_array().unwrap().len(), 2);
    assert_eq!(json["apps"][0]["profile"]["keys"][0], new_print);
    let said = says(&home, 0, after, &["key", "retire"]);
    assert!(said.starts_with(&format!("{old_print} is retired")), "{said}");
    let step = format!("next: take {old_print} out of SECRET_KEY_FALLBACKS of notes\n");
    assert!(says(&home, 0, after, &["key", "status"]).ends_with(&step));
    drop(open(&home, "notes", &next, &[]));
    assert_eq!(says(&home, 0, after, &["key", "retire"]), "there is no key to be retired\n");
    assert!(says(&home, 2, before, &["key", "status"]).contains("which this house has retired"));
    assert!(says(&home, 0, [&next, ""], &["check"]).ends_with("the house is well\n"));
    let json: Value = serde_json::from_str(&says(&home, 1, after, &["--json", "check"])).unwrap();
    assert_eq!(json["worst"], "warning");
}

#[test]
fn a_session_that_needs_the_old_key_is_waited_for_or_ended() {
    let home = Home::new("hanging");
    home.says(0, &["migrate"], "");
    let house = open(&home, "notes", KEY, &[]);
    let ada = house.create_user("ada", "", "correct horse").unwrap();
    house.login(&housekey::Session::default(), &ada).unwrap();
    let next = housekey::key::generate();
    std::fs::write(home.0.join("house.key"), &next).unwrap();
    says(&home, 0, [KEY, ""], &["key", "stage"]);
    drop(open(&home, "notes", KEY, &[&next]));
    says(&home, 0, [KEY, &next], &["key", "promote"]);
    drop(open(&home, "notes", &next, &[KEY]));
    let after = [next.as_str(), KEY];
    let said = says(&home, 2, after, &["key", "retire"]);
    assert!(said.contains("1 living sessions hang on it"), "{said}");
    let said = says(&home, 2, [&next, ""], &["key", "retire"]);
    assert!(said.contains("SECRET_KEY_FALLBACKS does not hold"), "{said}");
    says(&home, 0, after, &["key", "retire", "--sign-out"]);
}

#[test]
fn apps_are_listed_and_forgotten() {
    let home = Home::new("apps");
    home.says(0, &["migrate"], "");
    drop(open(&home, "notes", KEY, &[]));
    drop(open(&home, "odd\u{1b}[31m\n\u{202e}name", KEY, &[]));
    let said = home.says(0, &["app", "list"], "");
    assert_eq!(said.lines().count(), 2, "{said}");
    assert!(
        said.contains("odd\\u{1b}[31m\\u{a}\\u{202e}name") && !said.contains('\u{1b}'),
        "{said}"
    );
    assert!(said.contains(" UTC"), "{said}");
    let status = home.says(0, &["status"], "");
    for words in [
        "SQLite",
        "migration 0009_strangers  applied",
        "by app operator",
        "app notes on",
        "0 users, 0 living",
    ] {
        assert!(status.contains(words), "{words}: {status}");
    }
    assert!(!status.contains('\u{1b}'), "{status}");
    assert!(!home.says(0, &["check"], "").contains('\u{1b}'));
    let plan = home.says(0, &["migrate", "--plan"], "");
    assert!(
        plan.starts_with("migration 0001_django  applied ") && !plan.contains("would apply"),
        "{plan}"
    );
    assert_eq!(home.says(1, &["app", "forget", "wiki"], ""), "there is no app wiki there\n");
    home.says(1, &["app", "forget", "notes", "--host", "elsewhere"], "");
    assert_eq!(
        home.says(0, &["app", "forget", "notes"], ""),
        "notes is forgotten (1 of its hosts)\n"
    );
    for (within, code) in
        [("1h", 0), ("30d", 0), ("7", 0), ("0d", 2), ("-1d", 2), ("4294967295d", 0), ("soon", 2)]
    {
        home.says(code, &["app", "list", &format!("--seen-within={within}")], "");
    }
    let json: Value = serde_json::from_str(&home.says(0, &["--json", "app", "list"], "")).unwrap();
    assert_eq!(json["apps"].as_array().unwrap().len(), 1);
}

/// Answers one request with this document, and says where.
fn serve(document: String) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = format!("http://{}/housekey.json", listener.local_addr().unwrap());
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut request = Vec::new();
        while !request.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            stream.read_exact(&mut byte).unwrap();
            request.push(byte[0]);
        }
        let length = document.len();
        write!(
            stream,
            "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{document}"
        )
    });
    address
}

#[test]
fn an_app_is_compared_by_its_document() {
    let home = Home::new("against");
    home.says(0, &["migrate"], "");
    let profile = open(&home, "notes", KEY, &[]).profile().unwrap();
    let against = |document: String| home.run(&["check", "--against", &serve(document)]);

    let well = against(profile.to_json());
    assert_eq!(well.status.code(), Some(0), "{}", text(&well.stderr));
    assert!(text(&well.stdout).ends_with("a login in notes is a login in the house\n"));

    let mut other: Value = serde_json::from_str(&profile.to_json()).unwrap();
    other["app"] = "wiki".into();
    other["keys"] = serde_json::json!(["0123456789abcdef"]);
    other["session_cookie"]["name"] = "wikiid".into();
    let broken = against(other.to_string());
    let said = text(&broken.stdout);
    assert_eq!(broken.status.code(), Some(2), "{said}");
    for words in ["error: app `wiki` has the SECRET_KEY 0123456789abcdef", "wikiid in `wiki`"] {
        assert!(said.contains(words), "{words}: {said}");
    }
    assert!(Profile::from_json(&other.to_string()).is_some());

    let page = against("<!doctype html>".to_owned());
    let said = text(&page.stderr);
    assert!(page.status.code() == Some(2) && said.contains("no document of an app"), "{said}");
    let nobody = home.run(&["check", "--against", "http://127.0.0.1:1/housekey.json"]);
    let said = text(&nobody.stderr);
    assert!(nobody.status.code() == Some(2) && said.contains("does not answer"), "{said}");
}

/// An app tells of itself what it likes, and the table takes it.
#[test]
fn what_an_app_tells_moves_no_cursor() {
    let home = Home::new("hostile-app");
    home.says(0, &["migrate"], "");
    let house = open(&home, "notes", KEY, &[]);
    house
        .shared()
        .unwrap()
        .batch_execute(
            r#"UPDATE housekey_app SET host = 'h' || char(27) || '[2J',
               facts = '{"app": "notes", "keys": ["\u001b[2J", "a\n\u009b2J"]}';
               INSERT INTO housekey_key (fingerprint, app, first_seen, state, mark) VALUES
               ('f' || char(27), 'a' || char(27) || char(10), '2026-01-01 00:00:00', 'retired', 'zz')"#,
        )
        .unwrap();
    let cookie = format!("sessionid={}zz{}", "a".repeat(25), "b".repeat(13));
    for (code, arguments) in [
        (0, &["status"][..]),
        (0, &["app", "list"]),
        (0, &["key", "status"]),
        (2, &["check"]),
        (1, &["why"]),
    ] {
        let output = home.run_with(KEY, arguments, &cookie);
        let said = text(&output.stdout);
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said:?}");
        assert!(said.contains("\\u{1b}"), "{arguments:?}: {said:?}");
        assert!(!said.chars().any(|it| it.is_control() && it != '\n'), "{arguments:?}: {said:?}");
        assert!(!said.contains("\n\\u{9b}"), "{arguments:?}: {said:?}");
    }
}

#[cfg(unix)]
#[test]
fn a_file_may_have_any_name() {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt as _;
    let home = Home::new("any-name");
    home.says(0, &["migrate"], "");
    for (arguments, file) in
        [(&["init"][..], &b"\xff.env"[..]), (&["key", "stage"], b"\xfe\x1b.key")]
    {
        for json in [None, Some("--json")] {
            let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_housekey"));
            command.current_dir(&home.0).env("SHARED_DATABASE_URL", "sqlite:house.db");
            command.env("SECRET_KEY", KEY).args(json).args(arguments).arg(OsStr::from_bytes(file));
            let output = command.output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
            assert!(!text(&output.stdout).contains('\u{1b}'));
            let _ = std::fs::remove_file(home.0.join(OsStr::from_bytes(b"\xff.env")));
        }
    }
}

#[test]
fn who_reads_no_more_is_no_failure() {
    let home = Home::new("head");
    home.says(0, &["migrate"], "");
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_housekey"));
    command.current_dir(&home.0).env("SHARED_DATABASE_URL", "sqlite:house.db");
    command.env("SECRET_KEY", KEY).arg("status");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let output = command.stdout(writer).output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}
