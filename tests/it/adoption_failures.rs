//! An adoption that fails or is killed leaves both databases as they were, and can be run again. Only between the two
//! commits there is no way back by itself: then the next run goes on, and the undo file leads back.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use housekey::{Adoption, Config, Error, MoveError};

use crate::support::adoption::Wiki;
use crate::support::{Home, KEY, OTHER_KEY, database, on_both_databases, skip};

on_both_databases!(
    a_process_that_is_killed_at_any_step_changes_nothing,
    an_undo_that_is_killed_between_goes_on,
    a_lost_connection_changes_nothing,
    half_way_there_is_a_way_on_and_a_way_back,
    an_undo_file_that_is_there_is_not_written_over,
    an_undo_file_that_cannot_be_written_stops_everything,
    the_house_must_be_one_and_another,
    an_app_without_users_has_nothing_to_adopt,
    an_app_that_is_still_writing_is_waited_for,
);

/// The last step, between the commits.
const BETWEEN: &str = "users committed in the house";

fn wiki(home: &Home) -> Wiki<'_> {
    let house = [(1, "ada", "a@example.org"), (2, "grace", "")];
    let local = [(1, "kim", ""), (2, "ada", "a@example.org"), (3, "eve", "")];
    let wiki = Wiki::new(home, &house, &local);
    wiki.execute(
        "INSERT INTO page VALUES (1, 1, 'of kim'), (2, 2, 'of ada'); INSERT INTO auth_group (id, name) VALUES \
         (1, 'editors'); INSERT INTO auth_user_groups (user_id, group_id) VALUES (1, 1), (2, 1)",
    );
    wiki
}

#[track_caller]
fn is_done(wiki: &Wiki<'_>) {
    // A run that was broken off may have left a gap in the ids.
    let id = |name: &str| {
        wiki.home.count(&format!("SELECT id FROM auth_user WHERE username = '{name}'"))
    };
    let (kim, eve) = (id("kim"), id("eve"));
    assert_eq!(wiki.house(), format!("1 ada, 2 grace, {kim} kim, {eve} eve"));
    assert_eq!(wiki.users(), format!("1 ada, {kim} kim, {eve} eve"));
    assert_eq!(wiki.list("id", "author_id", "page"), format!("1 {kim}, 2 1"));
    let members = format!("SELECT count(*) FROM auth_user_groups WHERE user_id IN (1, {kim})");
    assert_eq!(wiki.home.count(&members), 2);
}

/// The house has the users.
#[track_caller]
fn has_moved(wiki: &Wiki<'_>) {
    let moved = "SELECT count(*) FROM auth_user WHERE username IN ('kim', 'eve')";
    assert_eq!((wiki.home.count(moved), wiki.home.count("SELECT count(*) FROM auth_user")), (2, 4));
}

/// Not a test of its own: what the tests below run as another process, and kill.
#[test]
#[ignore = "run by the other tests of this file, as a process of its own"]
fn child_that_adopts() {
    let config = Config::from_env().unwrap();
    let file = std::env::var("UNDO_FILE").unwrap();
    let mut left: u32 = std::env::var("STOP_AT").unwrap().parse().unwrap();
    let done = Adoption::new(config).run(Path::new(&file), |step, _| {
        left -= 1;
        if left == 0 {
            writeln!(std::io::stdout(), "\nat: {step}").unwrap();
            loop {
                std::thread::park();
            }
        }
    });
    done.unwrap();
}

/// Runs an adoption up to its step of that number, and kills it there; the step's name, or none when there is no
/// such step any more.
fn kill_at(wiki: &Wiki<'_>, number: u32, undo_file: &Path) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "adoption_failures::child_that_adopts", "--ignored", "--nocapture"])
        .env("SHARED_DATABASE_URL", wiki.home.shared_url())
        .env("DATABASE_URL", &wiki.url)
        .envs([("SECRET_KEY", KEY), ("APP_NAME", "wiki")])
        .env("UNDO_FILE", undo_file)
        .env("STOP_AT", number.to_string())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let at = lines.find_map(|line| line.unwrap().strip_prefix("at: ").map(str::to_owned));
    child.kill().unwrap();
    child.wait().unwrap();
    at
}

fn a_process_that_is_killed_at_any_step_changes_nothing(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    let mut steps = Vec::new();
    for number in 1.. {
        let file = home.folder().join(format!("undo-{number}"));
        let step = kill_at(&wiki, number, &file).unwrap();
        if step == BETWEEN {
            break;
        }
        assert_eq!(wiki.everything(), before, "{step}");
        steps.push(step);
    }
    for step in ["users made in the house", "rows of page.author_id rewritten"] {
        assert!(steps.iter().any(|one| one == step), "{steps:?}");
    }
    assert_eq!(steps.last().unwrap(), "users written into the undo file");

    // Between the commits: the app is as it was, and the house has the users already.
    assert_eq!(wiki.everything().1, before.1);
    has_moved(&wiki);
    let report = wiki.run(&wiki.adoption()).unwrap();
    assert!(report.plan.users.iter().all(|user| user.why == "adopted before"));
    is_done(&wiki);
    // The file of the run that was killed knows everything.
    let file = home.folder().join(format!("undo-{}", steps.len() + 1));
    Adoption::undo(&wiki.config(), &file).unwrap();
    assert_eq!(wiki.everything(), before);
}

fn an_undo_that_is_killed_between_goes_on(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    wiki.run(&wiki.adoption()).unwrap();
    // The app has its ids again, and the house cannot be written.
    home.deny_delete("housekey_adoption");
    let error = Adoption::undo(&wiki.config(), &wiki.undo_file()).unwrap_err();
    assert!(matches!(error, Error::Database { .. }), "{error:?}");
    assert_eq!(wiki.everything().1, before.1);
    has_moved(&wiki);
    home.execute(if home.is_postgres() {
        "DROP TRIGGER deny ON housekey_adoption"
    } else {
        "DROP TRIGGER deny"
    });
    assert_eq!(wiki.undo().removed, 2);
    assert_eq!(wiki.everything(), before);
}

/// At each step the server ends the connection of the app's database, and then that of the house.
fn a_lost_connection_changes_nothing(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let wiki = wiki(home);
    let before = wiki.everything();
    for url in [wiki.url.clone(), home.shared_url()] {
        let is_local = url == wiki.url;
        for number in 1.. {
            let file = home.folder().join(format!("undo-{is_local}-{number}"));
            let mut left = number;
            let mut at = String::new();
            let done = wiki.adoption().run(&file, |step, _| {
                left -= 1;
                if left == 0 {
                    step.clone_into(&mut at);
                    let others = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                        WHERE datname = current_database() AND pid <> pg_backend_pid()";
                    assert_ne!(database::count(&url, others), 0);
                }
            });
            if at == BETWEEN {
                if is_local {
                    // Who was made in the house has gone again.
                    let error = done.unwrap_err();
                    assert!(matches!(error, Error::Move(MoveError::Database { .. })), "{error:?}");
                } else {
                    is_done(&wiki);
                    Adoption::undo(&wiki.config(), &file).unwrap();
                }
                assert_eq!(wiki.everything(), before);
                break;
            }
            let error = done.unwrap_err();
            assert!(!error.to_string().is_empty());
            assert_eq!(wiki.everything(), before, "{at}: {error:?}");
        }
    }
}

/// The app's database is gone after the house has committed, and the house cannot be written any more.
fn half_way_there_is_a_way_on_and_a_way_back(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let wiki = wiki(home);
    let before = wiki.everything();
    home.deny_delete("housekey_adoption");
    let done = wiki.adoption().run(&wiki.undo_file(), |step, _| {
        if step == BETWEEN {
            let others = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                WHERE datname = current_database() AND pid <> pg_backend_pid()";
            assert_eq!(database::count(&wiki.url, others), 1);
        }
    });
    home.execute("DROP TRIGGER deny ON housekey_adoption");
    let error = done.unwrap_err();
    assert!(matches!(error, Error::Move(MoveError::HalfWay { .. })), "{error:?}");
    let said = error.to_string();
    assert!(said.contains(&format!("--undo {}", wiki.undo_file().display())), "{said}");
    assert_eq!(wiki.everything().1, before.1);
    has_moved(&wiki);
    wiki.adoption().run(&home.folder().join("second"), |_, _| {}).unwrap();
    is_done(&wiki);
    wiki.undo();
    assert_eq!(wiki.everything(), before);
}

fn an_undo_file_that_is_there_is_not_written_over(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    std::fs::write(wiki.undo_file(), "the only way back").unwrap();
    let error = wiki.run(&wiki.adoption()).unwrap_err();
    assert!(error.to_string().ends_with("is there already; name another one"), "{error}");
    assert_eq!(std::fs::read_to_string(wiki.undo_file()).unwrap(), "the only way back");
    assert_eq!(wiki.everything(), before);
}

fn an_undo_file_that_cannot_be_written_stops_everything(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    let file = home.folder().join("nowhere/undo.json");
    let error = wiki.adoption().run(&file, |_, _| {}).unwrap_err();
    assert!(error.to_string().contains("cannot be written"), "{error}");
    assert_eq!(wiki.everything(), before);
}

fn the_house_must_be_one_and_another(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    let refused = |config: Config| Adoption::new(config).plan().unwrap_err();
    let at = |shared: &str, local: &str, key: &str| {
        let key = housekey::SecretKey::new(key).unwrap();
        Config::new(shared, local, key).unwrap().app_name("wiki")
    };
    let shared = home.shared_url();
    // The same database, under one name and under two.
    let other_name = if home.is_postgres() {
        format!("{shared}?application_name=other")
    } else {
        let link = home.folder().join("link.db");
        std::os::unix::fs::symlink(home.folder().join("shared.db"), &link).unwrap();
        format!("sqlite:{}", link.display())
    };
    for name in [&shared, &other_name] {
        let error = refused(at(&shared, name, KEY));
        assert!(matches!(error, Error::Move(MoveError::SameDatabase)), "{error:?}");
    }
    let error = refused(at(&shared, &wiki.url, OTHER_KEY));
    assert!(matches!(error, Error::KeyMismatch { .. }), "{error:?}");
    let error = refused(at(&shared, &home.local_url("nowhere"), KEY));
    assert!(matches!(error, Error::Move(MoveError::Unreachable { .. })), "{error:?}");
    home.execute("DELETE FROM housekey_migration WHERE step = '0005_adoption'");
    let error = refused(wiki.config());
    assert!(matches!(error, Error::MigrationsMissing { .. }), "{error:?}");
    home.execute(
        "INSERT INTO housekey_migration VALUES ('0099_later', 'x', '2026-01-01 00:00:00')",
    );
    let error = refused(wiki.config());
    assert!(matches!(error, Error::SchemaNewer { .. }), "{error:?}");
    assert_eq!(wiki.everything().1, before.1);
}

fn an_app_without_users_has_nothing_to_adopt(home: &Home) {
    let wiki = wiki(home);
    let empty = home.another("empty");
    database::execute(&empty, "CREATE TABLE note (id integer)");
    let key = housekey::SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.shared_url(), &empty, key).unwrap().app_name("empty");
    let error = Adoption::new(config.clone()).plan().unwrap_err();
    assert!(error.to_string().starts_with("the local database has no table auth_user"), "{error}");
    database::execute(&empty, "CREATE TABLE auth_user (id integer PRIMARY KEY, email varchar(9))");
    let error = Adoption::new(config).plan().unwrap_err();
    assert!(error.to_string().contains("an auth_user that is not Django's"), "{error}");
    // Nobody is there: nothing to do.
    wiki.execute("DELETE FROM page; DELETE FROM auth_user_groups; DELETE FROM auth_user");
    assert!(wiki.run(&wiki.adoption()).unwrap().undo_file.is_none());
}

fn an_app_that_is_still_writing_is_waited_for(home: &Home) {
    let wiki = wiki(home);
    let before = wiki.everything();
    let impatient = wiki.config().deadline(std::time::Duration::from_millis(300));
    let work = "UPDATE page SET title = title";
    database::in_transaction(&wiki.url, work, || {
        let error = Adoption::new(impatient).run(&wiki.undo_file(), |_, _| {}).unwrap_err();
        let told = error.to_string();
        assert!(told.starts_with("the local database failed, and nothing was moved"), "{error:?}");
    });
    assert_eq!(wiki.everything(), before);
    wiki.run(&wiki.adoption()).unwrap();
    is_done(&wiki);
}

/// The house on PostgreSQL, and the app on SQLite; and the other way round.
#[test]
fn the_kinds_of_the_databases_may_differ() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = [(1, "ada", "a@example.org"), (2, "grace", "")];
    let local = [(1, "kim", ""), (2, "ada", "a@example.org")];
    let wiki = Wiki::at(&home, home.local_url("wiki"), &house, &local);
    wiki.execute("INSERT INTO page VALUES (1, 1, 'of kim'), (2, 2, 'of ada')");
    let before = wiki.everything();
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.house(), "1 ada, 2 grace, 3 kim");
    assert_eq!(wiki.list("id", "author_id", "page"), "1 3, 2 1");
    let joined =
        "SELECT count(*) FROM auth_user WHERE date_joined = '2020-02-29 12:00:00.123456+00'";
    assert_eq!(home.count(joined), 3);
    wiki.undo();
    assert_eq!(wiki.everything(), before);

    let other = Home::sqlite();
    let wiki = Wiki::at(&other, home.another("wiki"), &house, &local);
    let before = wiki.everything();
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.users(), "1 ada, 3 kim");
    let joined = "SELECT count(*) FROM auth_user WHERE date_joined = '2020-02-29 12:00:00.123456'";
    assert_eq!(other.count(joined), 3);
    wiki.undo();
    assert_eq!(wiki.everything(), before);
}
