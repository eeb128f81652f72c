//! `examples/actix_app`, started as a program and driven from outside: what its reader is promised.

use std::io::Read;
use std::path::Path;
use std::process::{Command, Output};

use crate::support::program::{self, Program, folder};
use crate::support::visitor::Visitor;
use crate::support::{Home, on_both_databases};
use crate::two_apps::TwoApps;

on_both_databases! {
    it_is_in_one_house_with_the_two_apps,
    each_page_is_for_those_it_is_for,
}

fn it_is_in_one_house_with_the_two_apps(home: &Home) {
    let two = TwoApps::start(home);
    let app = ActixApp::start(home);
    assert_eq!(app.password("ada"), two.password("ada"));
    let visitor = Visitor::default();
    visitor.sign_in(&two.notes, "ada", two.password("ada"));
    for url in [&app.billing, &two.notes, &two.tasks] {
        assert!(visitor.get(url).is_signed_in_as("ada"), "{url}");
    }
    assert_eq!(visitor.post(&app.billing, "account/logout", &[]).status, 303);
    for url in [&app.billing, &two.notes, &two.tasks] {
        assert!(visitor.get(url).is_anonymous(), "{url}");
    }
    assert_eq!(visitor.sign_in(&app.billing, "grace", app.password("grace")).status, 303);
    assert!(visitor.get(&two.tasks).is_signed_in_as("grace"));
}

fn each_page_is_for_those_it_is_for(home: &Home) {
    let app = ActixApp::start(home);
    let (nobody, ada, grace) = (Visitor::default(), Visitor::default(), Visitor::default());
    ada.sign_in(&app.billing, "ada", app.password("ada"));
    grace.sign_in(&app.billing, "grace", app.password("grace"));
    for (path, of_ada, of_grace) in [
        ("", 200, 200),
        ("invoices", 200, 200),
        ("approve", 200, 403),
        ("desk", 200, 403),
        ("bank", 200, 200),
        ("colors.css", 200, 200),
        ("nothing", 404, 404),
    ] {
        let url = format!("{}{path}", app.billing);
        assert_eq!((ada.get(&url).status, grace.get(&url).status), (of_ada, of_grace), "{path}");
        let is_open = ["", "colors.css", "nothing"].contains(&path);
        let answer = nobody.get(&url);
        assert_eq!(answer.status, if is_open { of_ada } else { 303 }, "{path}");
        if !is_open {
            assert_eq!(answer.location, format!("/account/login?next=/{path}"));
        }
    }

    // A login of long ago is asked for the password once more, and another one is new.
    let long_ago = if home.is_postgres() {
        "now() - interval '6 minutes'"
    } else {
        "datetime('now', '-6 minutes')"
    };
    home.execute(&format!("UPDATE housekey_session SET created = {long_ago}"));
    let bank = format!("{}bank", app.billing);
    let answer = ada.get(&bank);
    assert_eq!(answer.location, "/account/login?next=/bank&reauthenticate=1");
    let form = ada.get(&format!("{}account/login?next=/bank&reauthenticate=1", app.billing));
    assert!(form.body.contains(r#"name="next" value="/bank""#), "{}", form.body);
    assert!(form.body.contains(r#"value="ada""#), "{}", form.body);
    assert_eq!(ada.get(&format!("{}invoices", app.billing)).status, 200);
    assert_eq!(ada.sign_in(&app.billing, "ada", app.password("ada")).status, 303);

    assert_eq!(ada.get(&bank).status, 200);
}

#[test]
fn a_wrong_password_is_told_and_makes_no_session() {
    let home = Home::sqlite();
    let app = ActixApp::start(&home);
    let visitor = Visitor::default();
    for (name, password) in [("ada", "wrong"), ("\"<b>nobody", "wrong"), ("ada", "")] {
        let answer = visitor.sign_in(&app.billing, name, password);
        assert_eq!(answer.status, 401);
        assert!(answer.body.contains("Wrong user name or password"));
        assert!(!answer.body.contains("<b>nobody"));
    }
    assert_eq!(home.sessions(), 0);
}

#[cfg(unix)]
#[test]
fn control_c_ends_it() {
    let home = Home::sqlite();
    let mut app = ActixApp::start(&home);
    // Once it has answered it serves; before that Ctrl-C ends it too, but as any program.
    assert!(Visitor::default().get(&app.billing).is_anonymous());
    let id = app.program.child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &id]).status().unwrap().success());
    let mut rest = String::new();
    app.program.child.stdout.take().unwrap().read_to_string(&mut rest).unwrap();
    assert!(app.program.child.wait().unwrap().success());
}

#[test]
fn a_start_that_cannot_be_says_why_on_one_line() {
    let home = Home::sqlite();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    for (arguments, status, named) in [
        (vec!["--port", port.as_str()], 1, port.as_str()),
        (vec!["--shared", "mysql://db/house"], 1, "mysql"),
        (vec!["--shared"], 2, "--shared"),
        (vec!["--ports", "1"], 2, "--ports"),
        (vec!["--port", "99999"], 2, "99999"),
    ] {
        let output = run(&arguments, &folder(&home));
        let error = String::from_utf8(output.stderr).unwrap();
        let error: Vec<_> = error.lines().filter(|line| line.starts_with("error: ")).collect();
        assert_eq!(
            (output.status.code(), error.len()),
            (Some(status), 1),
            "{arguments:?}: {error:?}"
        );
        assert!(error[0].contains(named), "{error:?}");
    }
    let help = run(&["--help"], &folder(&home));
    assert!(help.status.success() && help.stdout.starts_with(b"An app on actix-web"));
}

/// The example as a running program; it is gone when the value is dropped.
pub(crate) struct ActixApp {
    program: Program,
    pub(crate) billing: String,
}

impl ActixApp {
    /// With the shared part where this home has it, in the folder of the two apps.
    pub(crate) fn start(home: &Home) -> Self {
        let mut command = command(&["--shared", &home.shared_url()], &folder(home));
        let program = Program::start(&mut command, &["billing"]);
        Self { billing: program.url("billing"), program }
    }

    pub(crate) fn password(&self, name: &str) -> &str {
        &self.program.users[name]
    }
}

fn command(arguments: &[&str], folder: &Path) -> Command {
    program::command("actix_app", ["--port", "0"], arguments, folder)
}

fn run(arguments: &[&str], folder: &Path) -> Output {
    program::run(&mut command(arguments, folder))
}
