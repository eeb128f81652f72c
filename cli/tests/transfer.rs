//! A house moves by one command, whatever becomes of it in the middle.

#[cfg(feature = "postgres")]
#[path = "support/server.rs"]
mod server;
mod support;

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use diesel::connection::SimpleConnection as _;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde_json::Value;

use support::{Home, text};

fn connect(home: &Home, file: &str) -> SqliteConnection {
    SqliteConnection::establish(home.0.join(file).to_str().unwrap()).unwrap()
}

fn execute(home: &Home, file: &str, statements: &str) {
    connect(home, file).batch_execute(statements).unwrap();
}

fn count(home: &Home, file: &str, query: &str) -> i64 {
    let query = diesel::select(sql::<BigInt>(&format!("({query})")));
    query.get_result(&mut connect(home, file)).unwrap()
}

/// A house with people, by numbers that have gaps.
fn people(name: &str, many: u32) -> Home {
    let home = Home::new(name);
    home.says(0, &["migrate"], "");
    execute(
        &home,
        "house.db",
        &format!(
            "INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, is_staff, \
                is_active, date_joined) WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {many}) \
             SELECT n * 3, 'user' || n, 'pbkdf2$geheim', '', '', '', 0, 0, 1, '2026-01-01 00:00:00' FROM c"
        ),
    );
    home
}

fn users(home: &Home, file: &str) -> i64 {
    count(home, file, "SELECT count(*) FROM auth_user")
}

/// What a file has, to be compared.
fn dump(home: &Home, file: &str) -> Vec<String> {
    let tables = "SELECT name || ' ' || coalesce(sql, '') FROM sqlite_master ORDER BY name";
    let people = "SELECT id || username || password FROM auth_user ORDER BY id";
    let mut conn = connect(home, file);
    let mut lines: Vec<String> = sql::<Text>(tables).load(&mut conn).unwrap();
    if lines.iter().any(|line| line.starts_with("auth_user ")) {
        lines.extend(sql::<Text>(people).load::<String>(&mut conn).unwrap());
    }
    lines
}

fn json(home: &Home, code: i32, arguments: &[&str]) -> Value {
    serde_json::from_str(&home.says(code, &[&["--json", "transfer"], arguments].concat(), ""))
        .unwrap()
}

#[test]
fn a_plan_a_move_and_once_more() {
    let home = people("plan", 30);
    let before = dump(&home, "house.db");
    let said = home.says(0, &["transfer", "house.db", "new.db", "--plan"], "");
    assert!(
        said.starts_with("SQLite to SQLite\n") && said.ends_with("a plan: nothing was written\n"),
        "{said}"
    );
    assert!(!home.0.join("new.db").exists());
    let said = home.says(0, &["transfer", "house.db", "new.db"], "");
    assert!(said.contains("done: counts and checksums are the same on both sides"), "{said}");
    assert_eq!(users(&home, "new.db"), 30);
    assert_eq!(dump(&home, "house.db"), before);

    let facts = json(&home, 0, &["house.db", "sqlite:new.db"]);
    assert_eq!((&facts["is_done"], &facts["is_whole"]), (&true.into(), &true.into()));
    let tables = facts["tables"].as_array().unwrap();
    assert!(tables.iter().all(|table| table["moved"] == 0), "{facts}");
    let users = tables.iter().find(|table| table["table"] == "auth_user").unwrap();
    assert_eq!((&users["found"], &users["matched"]), (&30.into(), &30.into()));
    assert_eq!(users["checksum"].as_str().unwrap().len(), 32);

    // The apps of the house are there under the new address.
    let said = home.run_in(
        &[("SECRET_KEY", support::KEY), ("SHARED_DATABASE_URL", "sqlite:new.db")],
        &["user", "list"],
        "",
    );
    assert!(text(&said.stdout).contains("user30"));
}

/// 0 is well, 1 is done but for what should be looked at, 2 is not done.
#[test]
fn the_exit_code_says_how_it_went() {
    let home = people("codes", 3);
    execute(
        &home,
        "house.db",
        "PRAGMA foreign_keys = OFF; INSERT INTO auth_user_groups (user_id, group_id) VALUES (3, 77)",
    );
    let facts = json(&home, 1, &["house.db", "new.db", "--plan"]);
    assert_eq!((&facts["is_done"], &facts["is_whole"]), (&false.into(), &false.into()));
    let said = home.says(1, &["transfer", "house.db", "new.db"], "");
    assert!(
        said.contains("left: 1 of auth_user_groups: its group_id leads to no row of auth_group"),
        "{said}"
    );
    execute(&home, "new.db", "UPDATE auth_user SET email = 'x' WHERE id = 6");
    let said = home.says(2, &["transfer", "house.db", "new.db"], "");
    assert!(
        said.starts_with(
            "error: TO is not empty: auth_user has rows there that are not in FROM (1)"
        ),
        "{said}"
    );
    let said = home.says(1, &["transfer", "house.db", "new.db", "--plan"], "");
    assert!(
        said.contains("error: TO is not empty: auth_user has rows there that are not in FROM (1)"),
        "{said}"
    );

    for (arguments, says) in [
        (["house.db", "house.db"], "both URLs lead to one database"),
        (["missing.db", "other.db"], "FROM gives no connection"),
        (["house.db", "no/folder/new.db"], "TO gives no connection"),
        (["house.db", "mysql://db/house"], "unknown scheme"),
    ] {
        let said = home.says(2, &[&["transfer"], &arguments[..]].concat(), "");
        assert!(said.starts_with("error: ") && said.contains(says), "{said}");
    }
    assert!(!home.0.join("other.db").exists() && !home.0.join("missing.db").exists());
    assert_eq!(home.run(&["transfer", "house.db"]).status.code(), Some(2));
}

#[test]
fn a_password_among_the_arguments_is_refused() {
    let home = people("password", 1);
    for arguments in [
        ["postgres://ada:geheim@db/house", "new.db"],
        ["house.db", "postgres://ada:geheim@db/house"],
        ["house.db", "postgres://db/house?user=ada&password=geheim"],
    ] {
        let said = home.says(2, &[&["transfer"], &arguments[..]].concat(), "");
        assert!(said.contains("a password among the arguments can be seen by everybody"), "{said}");
        assert!(said.contains("PGPASSWORD") && !said.contains("geheim"), "{said}");
    }
}

#[test]
fn an_apps_own_tables_move_with_local() {
    let home = people("local", 2);
    let tables =
        "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT); CREATE TABLE old (id INTEGER)";
    execute(&home, "notes.db", tables);
    execute(
        &home,
        "notes.db",
        "INSERT INTO note VALUES (1, 'a'), (5, NULL); INSERT INTO old VALUES (1)",
    );
    execute(&home, "new.db", "CREATE TABLE note (id INTEGER PRIMARY KEY, text TEXT)");
    let said = home.says(2, &["transfer", "--local", "notes.db", "new.db"], "");
    assert!(said.contains("TO has no table old") && said.contains("--leave"), "{said}");
    let said = home.says(0, &["transfer", "--local", "notes.db", "new.db", "--leave", "old"], "");
    assert!(said.contains("left: 1 of old: so it was asked for"), "{said}");
    assert_eq!(count(&home, "new.db", "SELECT count(*) FROM note"), 2);
    let said = home.says(2, &["transfer", "--local", "notes.db", "new.db", "--leave", "none"], "");
    assert!(said.contains("FROM has no table none"), "{said}");
    home.says(2, &["transfer", "--local", "--table", "old", "notes.db", "new.db"], "");
}

fn command(home: &Home, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
    command.arg("transfer").args(arguments).current_dir(&home.0).env_clear();
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
    command
}

/// Kills a move some time after it has begun: it may be over by then.
fn killed(mut child: Child, after: Moment) -> bool {
    match after {
        Moment::Milliseconds(some) => std::thread::sleep(std::time::Duration::from_millis(some)),
        Moment::FirstLine => {
            let mut line = String::new();
            BufReader::new(child.stderr.as_mut().unwrap()).read_line(&mut line).unwrap();
            assert!(line.contains("rows so far"), "{line}");
        }
    }
    let _ = child.kill();
    child.wait().unwrap().signal() == Some(9)
}

#[derive(Clone, Copy)]
enum Moment {
    Milliseconds(u64),
    FirstLine,
}

const MOMENTS: [Moment; 9] = [
    Moment::Milliseconds(0),
    Moment::Milliseconds(4),
    Moment::Milliseconds(11),
    Moment::Milliseconds(23),
    Moment::Milliseconds(47),
    Moment::Milliseconds(90),
    Moment::Milliseconds(160),
    Moment::Milliseconds(310),
    Moment::FirstLine,
];

#[test]
fn a_move_that_is_killed_is_done_whole_or_not_at_all() {
    const MANY: i64 = 12_000;
    let home = people("killed", 12_000);
    let before = dump(&home, "house.db");
    let mut in_the_middle = 0;
    for (number, moment) in MOMENTS.into_iter().enumerate() {
        let to = format!("new{number}.db");
        let was_killed = killed(command(&home, &["house.db", &to]).spawn().unwrap(), moment);
        in_the_middle += i32::from(was_killed);
        let exists = home.0.join(&to).exists();
        let there = if exists { dump(&home, &to) } else { Vec::new() };
        let people = there.iter().filter(|line| line.contains("pbkdf2$geheim")).count();
        assert!(there.is_empty() || people == 12_000, "{people} of {MANY}, {} lines", there.len());
        assert!(was_killed || people == 12_000);

        home.says(0, &["transfer", "house.db", &to], "");
        assert_eq!(users(&home, &to), MANY);
        let again = json(&home, 0, &["house.db", &to]);
        assert!(again["tables"].as_array().unwrap().iter().all(|table| table["moved"] == 0));
    }
    assert!(in_the_middle > 0);
    assert_eq!(dump(&home, "house.db"), before);
}

/// A file that may not grow is what a full disk is to SQLite.
#[test]
fn a_full_disk_leaves_nothing_half_done() {
    let home = people("full", 9_000);
    // Else the files beside it would want room as well.
    execute(&home, "house.db", "PRAGMA journal_mode = DELETE");
    let program = env!("CARGO_BIN_EXE_housekey");
    let with_room_for = |blocks: u32, to: &str| {
        let script =
            format!("trap '' XFSZ; ulimit -f {blocks}; exec '{program}' transfer house.db {to}");
        let output =
            Command::new("sh").args(["-c", &script]).current_dir(&home.0).output().unwrap();
        (output.status.code(), text(&output.stderr))
    };
    for blocks in [0, 8, 100, 900] {
        let (code, said) = with_room_for(blocks, "new.db");
        assert_eq!(code, Some(2), "{blocks}: {said}");
        assert!(said.contains("error: TO failed") && said.contains("run this again"), "{said}");
        assert!(
            !home.0.join("new.db").exists() && left_behind(&home.0).is_empty(),
            "{:?}",
            left_behind(&home.0)
        );
    }
    home.says(0, &["transfer", "house.db", "new.db"], "");
    assert_eq!(users(&home, "new.db"), 9_000);
    // A house that was there already stays what it was.
    home.run_in(
        &[("SECRET_KEY", support::KEY), ("SHARED_DATABASE_URL", "sqlite:old.db")],
        &["migrate"],
        "",
    );
    let before = dump(&home, "old.db");
    assert_eq!(with_room_for(900, "old.db").0, Some(2));
    assert_eq!(dump(&home, "old.db"), before);
    home.says(0, &["transfer", "house.db", "old.db"], "");
    assert_eq!(users(&home, "old.db"), 9_000);
}

/// Files of SQLite that no house is to have left there.
fn left_behind(folder: &Path) -> Vec<String> {
    let names = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let names = names.map(|name| name.to_string_lossy().into_owned());
    names.filter(|name| name.starts_with("new.db")).collect()
}

#[test]
fn two_moves_at_once_are_one() {
    let home = people("twice", 4_000);
    for round in 0..3 {
        let to = format!("new{round}.db");
        let moves = [0; 3].map(|_| command(&home, &["house.db", &to]).spawn().unwrap());
        for running in moves {
            let output = running.wait_with_output().unwrap();
            assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
        }
        assert_eq!(users(&home, &to), 4_000);
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use super::server::Server;
    use super::*;

    impl Server {
        fn count(&self, query: &str) -> i64 {
            let mut conn = PgConnection::establish(&self.url()).unwrap();
            diesel::select(sql::<BigInt>(&format!("({query})"))).get_result(&mut conn).unwrap()
        }

        /// Nobody is at work there any more: the server has noticed that the command is gone.
        fn is_alone(&self) -> bool {
            self.count(
                "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
                AND backend_type = 'client backend' AND pid <> pg_backend_pid()",
            ) == 0
        }
    }

    #[test]
    fn a_move_that_is_killed_is_done_whole_or_not_at_all() {
        let Some(server) = Server::new("killed") else { return };
        let (home, to) = (people("killed_pg", 12_000), server.url());
        for moment in MOMENTS {
            let was_killed = killed(command(&home, &["house.db", &to]).spawn().unwrap(), moment);
            while !server.is_alone() {
                std::thread::yield_now();
            }
            let tables = "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'";
            let is_there = server.count(tables) > 0;
            assert!(is_there || was_killed);
            if is_there {
                assert_eq!(server.count("SELECT count(*) FROM auth_user"), 12_000);
            }
            home.says(0, &["transfer", "house.db", &to], "");
            assert_eq!(server.count("SELECT count(*) FROM auth_user"), 12_000);
            let next = "SELECT nextval(pg_get_serial_sequence('auth_user', 'id'))";
            assert_eq!(server.count(next), 36_001);
            let schema = "DROP SCHEMA public CASCADE; CREATE SCHEMA public";
            PgConnection::establish(&to).unwrap().batch_execute(schema).unwrap();
        }
        // And back.
        home.says(0, &["transfer", "house.db", &to], "");
        home.says(0, &["transfer", &to, "back.db"], "");
        assert_eq!(dump(&home, "back.db"), dump(&home, "house.db"));
    }
}

#[test]
fn who_listens_no_more_stops_nothing() {
    let home = people("deaf", 12_000);
    let mut child = Command::new(env!("CARGO_BIN_EXE_housekey"))
        .args(["transfer", "house.db", "to.db"])
        .current_dir(&home.0)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stderr.take());
    assert!(child.wait().unwrap().success());
    assert_eq!(users(&home, "to.db"), 12_000);
}
