//! The shared tables are made once, whoever comes first, and whatever is killed meanwhile.

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use housekey::{Config, Error, Place};

use crate::support::{Home, House, PASSWORD, on_both_databases, user};

on_both_databases!(
    the_first_call_makes_the_tables_and_the_second_nothing,
    eight_processes_at_once_make_them_once,
    a_killed_process_leaves_nothing_half_done,
    without_them_the_house_does_not_open,
);

const STEPS: [&str; 9] = [
    "0001_django",
    "0002_housekey",
    "0003_agreements",
    "0004_registry",
    "0005_adoption",
    "0006_watch",
    "0007_desk",
    "0008_changes",
    "0009_strangers",
];

#[test]
fn a_file_that_cannot_be_made_is_the_shared_one() {
    let home = Home::sqlite();
    let nowhere = home.folder().join("nowhere/house.db");
    let key = housekey::SecretKey::new(crate::support::KEY).unwrap();
    let config = Config::new(nowhere.to_str().unwrap(), &home.local_url("notes"), key).unwrap();
    let error = housekey::migrate(&config).unwrap_err();
    assert!(matches!(error, Error::Unreachable { place: Place::Shared, .. }), "{error:?}");
    assert!(error.to_string().contains("SHARED_DATABASE_URL"));
}

/// Not a test of its own: what the tests below run as other processes.
#[test]
#[ignore = "run by the other tests of this file, as a process of its own"]
fn child_that_migrates() {
    let config = Config::from_env().unwrap();
    let applied = housekey::migrate(&config).unwrap();
    std::fs::write(std::env::var("APPLIED").unwrap(), applied.len().to_string()).unwrap();
}

fn spawn(home: &Home, number: u32) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["--exact", "migrate_once::child_that_migrates", "--ignored", "--nocapture"]);
    child.env("SHARED_DATABASE_URL", home.shared_url());
    child.env("DATABASE_URL", home.local_url("migrator"));
    child.env("SECRET_KEY", crate::support::KEY);
    child.env("APP_NAME", format!("migrator {number}"));
    child.env("APPLIED", report(home, number));
    child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn report(home: &Home, number: u32) -> PathBuf {
    home.folder().join(format!("applied by {number}"))
}

fn is_complete(home: &Home) {
    assert_eq!(home.count("SELECT count(*) FROM django_migrations"), 18);
    assert_eq!(home.count("SELECT count(*) FROM housekey_migration"), 9);
    assert_eq!(home.count("SELECT count(*) FROM housekey_key"), 1);
    let house = House::open(home.config("notes")).unwrap();
    user(&house, "ada");
    assert!(house.authenticate("ada", PASSWORD).unwrap().is_some());
}

fn the_first_call_makes_the_tables_and_the_second_nothing(home: &Home) {
    let applied = housekey::migrate(&home.config("notes")).unwrap();
    assert_eq!(applied, STEPS);
    assert!(housekey::migrate(&home.config("tasks")).unwrap().is_empty());
    assert_eq!(home.text("SELECT min(app) FROM housekey_migration"), "notes");
    is_complete(home);
}

fn eight_processes_at_once_make_them_once(home: &Home) {
    let children: Vec<Child> = (0..8).map(|number| spawn(home, number)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let applied = |number| std::fs::read_to_string(report(home, number)).unwrap();
    assert_eq!((0..8).map(|number| applied(number).parse::<u32>().unwrap()).sum::<u32>(), 9);
    is_complete(home);
}

/// `kill -9` at ever later points, from before the first statement to after the last.
fn a_killed_process_leaves_nothing_half_done(home: &Home) {
    for round in 0..12 {
        let mut child = spawn(home, round);
        // Not a wait for something: where in its work the child is hit is meant to differ.
        for _ in 0..round * 400_000 {
            std::hint::spin_loop();
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let output = spawn(home, 99).wait_with_output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    is_complete(home);
}

fn without_them_the_house_does_not_open(home: &Home) {
    let error = House::open(home.config("notes")).unwrap_err();
    let Error::MigrationsMissing { missing, .. } = &error else { panic!("{error:?}") };
    assert_eq!(missing, &STEPS);
    assert!(error.to_string().contains("call housekey::migrate"));
}
