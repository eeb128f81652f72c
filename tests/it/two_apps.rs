//! `examples/two_apps`, started as a program and driven from outside: what its reader is promised.

use std::path::Path;
use std::process::{Command, Output};

use crate::support::program::{self, Program, folder};
use crate::support::visitor::Visitor;
use crate::support::{Home, on_both_databases};

on_both_databases! {
    one_login_opens_and_closes_both,
    a_wrong_password_makes_no_session,
    a_second_start_finds_users_and_sessions,
    a_wrong_key_stops_the_second_app_and_changes_nothing,
}

fn one_login_opens_and_closes_both(home: &Home) {
    let apps = TwoApps::start(home);
    let visitor = Visitor::default();
    assert!(visitor.get(&apps.notes).is_anonymous());
    assert!(visitor.get(&apps.tasks).is_anonymous());
    assert!(visitor.cookie().is_none(), "an anonymous visit leaves no cookie");

    let answer = visitor.sign_in(&apps.notes, "ada", apps.password("ada"));
    assert_eq!((answer.status, answer.location.as_str()), (303, "/"));
    assert!(visitor.get(&apps.notes).is_signed_in_as("ada"));
    assert!(visitor.get(&apps.tasks).is_signed_in_as("ada"));

    // A thief's copy of the cookie is worth nothing afterwards.
    let copy = visitor.clone();
    assert_eq!(visitor.post(&apps.tasks, "account/logout", &[]).status, 303);
    assert!(visitor.cookie().is_none());
    assert!(visitor.get(&apps.notes).is_anonymous());
    assert!(copy.get(&apps.notes).is_anonymous());
    assert!(copy.get(&apps.tasks).is_anonymous());
    assert_eq!(home.sessions(), 0);
}

fn a_wrong_password_makes_no_session(home: &Home) {
    let apps = TwoApps::start(home);
    let visitor = Visitor::default();
    for (name, password) in [("ada", "wrong"), ("\"<b>nobody", "wrong"), ("ada", "")] {
        let answer = visitor.sign_in(&apps.tasks, name, password);
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("Wrong user name or password"));
    }
    let answer = visitor.sign_in(&apps.tasks, "\"<b>nobody", "wrong");
    assert!(answer.body.contains("value=\"&#34;&#60;b&#62;nobody\""), "the typed name is kept");
    assert!(visitor.cookie().is_none());
    assert_eq!(home.sessions(), 0);
}

fn a_second_start_finds_users_and_sessions(home: &Home) {
    let visitor = Visitor::default();
    let before = TwoApps::start(home);
    visitor.sign_in(&before.tasks, "grace", before.password("grace"));
    visitor.post(&before.tasks, "", &[("text", "a task to keep")]);
    let users = before.program.users.clone();
    drop(before);

    let after = TwoApps::start(home);
    assert_eq!(after.program.users, users);
    assert!(visitor.get(&after.notes).is_signed_in_as("grace"));
    assert!(visitor.get(&after.tasks).body.contains("a task to keep"));
    assert_eq!(visitor.sign_in(&after.notes, "ada", after.password("ada")).status, 303);
}

fn a_wrong_key_stops_the_second_app_and_changes_nothing(home: &Home) {
    let row = "SELECT session_key || session_data || CAST(expire_date AS text) FROM django_session";
    let apps = TwoApps::start(home);
    let visitor = Visitor::default();
    visitor.sign_in(&apps.notes, "ada", apps.password("ada"));
    let before = home.text(row);

    let output = run(&["--wrong-key", "--shared", &home.shared_url()], &folder(home));
    let error = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{error}");
    assert!(error.starts_with("error: ") && error.lines().count() == 1, "{error}");
    assert!(error.contains("`notes`") && error.contains("`tasks`"), "{error}");
    assert!(error.contains("set SECRET_KEY"), "{error}");
    let fingerprints: Vec<_> =
        error.split([' ', ',']).filter(|word| is_fingerprint(word)).collect();
    assert!(fingerprints.len() == 2 && fingerprints[0] != fingerprints[1], "{error}");

    assert_eq!((home.sessions(), home.text(row)), (1, before));
    assert!(visitor.get(&apps.tasks).is_signed_in_as("ada"));
}

#[test]
fn everything_is_kept_in_the_folder_and_for_its_owner_alone() {
    let home = Home::sqlite();
    let _apps = TwoApps::start_with(&[], &folder(&home));
    let mut names = Vec::new();
    for file in std::fs::read_dir(folder(&home)).unwrap() {
        let file = file.unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{:?}", file.file_name());
        }
        names.push(file.file_name().into_string().unwrap());
    }
    for name in ["house.db", "notes.db", "tasks.db", "secret_key", "ada.password"] {
        assert!(names.iter().any(|found| found == name), "{name} is not among {names:?}");
    }
}

#[test]
fn each_app_has_entries_of_its_own_and_shows_them_as_text() {
    let home = Home::sqlite();
    let apps = TwoApps::start(&home);
    let (ada, grace) = (Visitor::default(), Visitor::default());
    ada.sign_in(&apps.notes, "ada", apps.password("ada"));
    grace.sign_in(&apps.notes, "grace", apps.password("grace"));

    let answer = ada.post(&apps.notes, "", &[("text", "<script>alert('&')</script>")]);
    assert_eq!((answer.status, answer.location.as_str()), (303, "/"));
    let page = ada.get(&apps.notes).body;
    assert!(
        page.contains("<li>&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;</li>"),
        "{page}"
    );
    assert!(!page.contains("<script"));
    assert!(!ada.get(&apps.tasks).body.contains("<li>"), "tasks has a table of its own");
    assert!(!grace.get(&apps.notes).body.contains("<li>"), "a note is for its user alone");
}

#[test]
fn who_must_sign_in_is_sent_to_the_form_and_to_no_other_site() {
    let home = Home::sqlite();
    let apps = TwoApps::start(&home);
    let visitor = Visitor::default();
    let answer = visitor.post(&apps.notes, "", &[("text", "anonymous")]);
    assert_eq!((answer.status, answer.location.as_str()), (303, "/account/login?next=/"));

    visitor.sign_in(&apps.notes, "ada", apps.password("ada"));
    for (next, goes_to) in [
        ("/?a=b", "/?a=b"),
        ("", "/"),
        ("notes", "notes"),
        ("https://evil.example/", "/"),
        ("//evil.example/", "/"),
        ("/\\evil.example/", "/"),
        ("/\t/evil.example/", "/"),
    ] {
        let fields = [("username", "ada"), ("password", apps.password("ada")), ("next", next)];
        assert_eq!(
            visitor.post(&apps.notes, "account/login", &fields).location,
            goes_to,
            "{next:?}"
        );
    }
}

#[test]
fn a_form_of_another_site_is_refused() {
    let home = Home::sqlite();
    let apps = TwoApps::start(&home);
    let visitor = Visitor::default();
    visitor.sign_in(&apps.notes, "ada", apps.password("ada"));
    let own = apps.notes.trim_end_matches('/');
    let neighbour = apps.tasks.trim_end_matches('/');
    for (name, value, status) in [
        ("Origin", "https://evil.example", 403),
        ("Origin", "null", 403),
        ("Origin", neighbour, 403),
        ("Origin", own, 303),
    ] {
        let answer = visitor.post_with((name, value), &apps.notes, "", &[("text", value)]);
        assert_eq!(answer.status, status, "{name}: {value}");
        let kept = visitor.get(&apps.notes).body.contains(&format!("<li>{value}</li>"));
        assert_eq!(kept, status == 303, "{name}: {value}");
    }
    // A browser that names no origin: it is the token that other sites do not know.
    let (nothing, guess) = (("Accept", "text/html"), "a".repeat(32));
    for form in [&[][..], &[("csrfmiddlewaretoken", guess.as_str())]] {
        assert_eq!(visitor.send(nothing, &apps.notes, "account/logout", form).status, 403);
    }
    // Another user's token is none of this one's.
    let grace = Visitor::default();
    grace.sign_in(&apps.notes, "grace", apps.password("grace"));
    let token = grace.get(&apps.notes).csrf_token();
    let form = [("csrfmiddlewaretoken", token.as_str())];
    assert_eq!(visitor.send(nothing, &apps.notes, "account/logout", &form).status, 403);
    assert!(visitor.get(&apps.tasks).is_signed_in_as("ada"));
}

#[test]
fn a_start_that_cannot_be_says_why_on_one_line() {
    let home = Home::sqlite();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, status, named) in [
        (vec!["--ports", &format!("0,{port}")], 1, port.as_str()),
        (vec!["--shared", "mysql://db/house"], 1, "mysql"),
        (vec!["--shared"], 2, "--shared"),
        (vec!["--port", "1"], 2, "--port"),
        (vec!["--ports", "1"], 2, "--ports"),
    ] {
        let output = run(&arguments, &folder(&home));
        let error = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(status), "{arguments:?}: {error}");
        // Beside it stands what the log says of the first start.
        let is_news =
            |line: &&str| line.contains(" INFO ") && line.contains("a new house was made");
        let said: Vec<_> = error.lines().filter(|line| !is_news(line)).collect();
        assert!(said.len() == 1 && said[0].starts_with("error: "), "{error}");
        assert!(error.contains(named), "{error}");
    }
    let help = run(&["--help"], &folder(&home));
    assert!(help.status.success() && help.stdout.starts_with(b"Two web apps"));
}

/// The example as a running program; it is gone when the value is dropped.
pub(crate) struct TwoApps {
    program: Program,
    pub(crate) notes: String,
    pub(crate) tasks: String,
}

impl TwoApps {
    /// With the shared part where this home has it.
    pub(crate) fn start(home: &Home) -> Self {
        Self::start_with(&["--shared", &home.shared_url()], &folder(home))
    }

    fn start_with(arguments: &[&str], folder: &Path) -> Self {
        let program = Program::start(&mut command(arguments, folder), &["notes", "tasks"]);
        Self { notes: program.url("notes"), tasks: program.url("tasks"), program }
    }

    pub(crate) fn password(&self, name: &str) -> &str {
        &self.program.users[name]
    }
}

fn command(arguments: &[&str], folder: &Path) -> Command {
    program::command("two_apps", ["--ports", "0,0"], arguments, folder)
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    program::run(&mut command(arguments, folder))
}

fn is_fingerprint(word: &str) -> bool {
    word.len() == 16 && word.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}
