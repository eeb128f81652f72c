//! On real databases: what is told, and what is never missed.

#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is")]

use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicU32;
use std::sync::mpsc::{Receiver, channel};

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::BigInt;

use super::*;
use crate::db::{SharedConnection, migrate};
use crate::key::SecretKey;

const KEY: &str = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF";

/// A house of its own; it is gone when the value is dropped.
struct Home {
    url: String,
    folder: PathBuf,
    server: Option<String>,
    name: String,
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Home {
    fn sqlite() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("housekey_changes_{}_{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let url = format!("sqlite:{}", folder.join("shared.db").display());
        Self { url, folder, server: None, name }.with_tables()
    }

    /// `None` when there is no server to test with.
    fn postgres() -> Option<Self> {
        let server = std::env::var("HOUSEKEY_TEST_POSTGRES").ok()?;
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("housekey_changes_{}_{number}", std::process::id());
        let folder = std::env::temp_dir().join(&name);
        std::fs::create_dir_all(&folder).unwrap();
        let mut conn = PgConnection::establish(&server).unwrap();
        conn.batch_execute(&format!("CREATE DATABASE {name}")).unwrap();
        let url = format!("{}/{name}", server.rsplit_once('/').unwrap().0);
        Some(Self { url, folder, server: Some(server), name }.with_tables())
    }

    fn with_tables(self) -> Self {
        migrate::apply(&self.shared(), "tests").unwrap();
        self
    }

    fn config(&self) -> Config {
        let local = format!("sqlite:{}", self.folder.join("local.db").display());
        Config::new(&self.url, &local, SecretKey::new(KEY).unwrap()).unwrap()
    }

    fn shared(&self) -> SharedPool {
        SharedPool::new(Place::Shared, &self.config().shared, 1, Duration::from_secs(20))
    }

    fn reader(&self) -> Reader {
        let mut reader = Reader::new(self.shared());
        assert_eq!(reader.read().unwrap(), [Change::Everything], "the first time");
        assert_eq!(reader.read().unwrap(), []);
        reader
    }

    /// A further program at work in the database.
    fn psql(&self) -> PgConnection {
        PgConnection::establish(&self.url).unwrap()
    }

    fn sqlite3(&self) -> SqliteConnection {
        let path = self.url.strip_prefix("sqlite:").unwrap();
        let mut conn = SqliteConnection::establish(path).unwrap();
        conn.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
        conn
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(mut conn) =
            self.server.as_ref().and_then(|url| PgConnection::establish(url).ok())
        {
            let _ = conn.batch_execute(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

macro_rules! postgres_or_return {
    () => {
        match Home::postgres() {
            Some(home) => home,
            None => return,
        }
    };
}

fn run(conn: &mut PgConnection, sql: &str) {
    conn.batch_execute(sql).unwrap();
}

/// How many changes of this kind are written down.
fn rows(conn: &mut PgConnection, of: &str) -> i64 {
    let count = format!("(SELECT count(*) FROM housekey_change WHERE {of})");
    diesel::select(sql::<BigInt>(&count)).get_result(conn).unwrap()
}

fn session(key: &str) -> Change {
    Change::Session(SessionKey::from_row(key.to_owned()))
}

const USERS: &str = "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
    is_active, date_joined) SELECT '!', false, 'user' || n, '', '', '', false, true, now() FROM generate_series(1, 3) AS n";
const SESSIONS: &str = "INSERT INTO django_session SELECT 's' || n, 'x', '2100-01-01' FROM generate_series(1, 3) AS n; \
    INSERT INTO django_session SELECT 'old' || n, 'x', '2020-01-01' FROM generate_series(1, 3) AS n";

#[test]
fn what_changes_is_told_once_and_what_is_new_is_no_change() {
    let home = postgres_or_return!();
    let (mut reader, mut psql) = (home.reader(), home.psql());
    run(&mut psql, USERS);
    run(&mut psql, SESSIONS);
    run(&mut psql, "INSERT INTO housekey_session VALUES ('s1', 1, 'notes', now())");
    assert_eq!(reader.read().unwrap(), []);
    let everything = [Change::Everything];
    let group = "INSERT INTO auth_group (name) VALUES ('g')";
    let granted = "INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT 2, min(id) FROM auth_permission";
    for (write, told) in [
        (
            "UPDATE django_session SET session_data = 'y' WHERE session_key = 's1'",
            &[session("s1")][..],
        ),
        (
            "UPDATE django_session SET expire_date = '2099-01-01' WHERE session_key = 's2'",
            &[session("s2")],
        ),
        ("DELETE FROM django_session WHERE session_key IN ('s1', 'old1')", &[session("s1")]),
        ("DELETE FROM django_session WHERE expire_date < now()", &[]),
        ("DELETE FROM django_session WHERE session_key = 'none'", &[]),
        ("UPDATE auth_user SET is_active = false WHERE id = 2", &[Change::User(2)]),
        ("UPDATE auth_user SET last_login = now() WHERE id = 3", &[Change::User(3)]),
        (group, &everything),
        ("INSERT INTO auth_user_groups (user_id, group_id) VALUES (3, 1)", &[Change::User(3)]),
        ("UPDATE auth_user_groups SET user_id = 2", &everything),
        ("DELETE FROM auth_user_groups", &[Change::User(2)]),
        (granted, &[Change::User(2)]),
        ("DELETE FROM auth_user_user_permissions", &[Change::User(2)]),
        ("INSERT INTO auth_group_permissions (group_id, permission_id) VALUES (1, 1)", &everything),
        ("UPDATE auth_permission SET codename = 'other' WHERE id = 1", &everything),
        ("UPDATE django_content_type SET app_label = 'other'", &everything),
        ("DELETE FROM auth_user WHERE id = 3", &[Change::User(3)]),
        ("TRUNCATE django_session", &everything),
        (
            "TRUNCATE auth_user CASCADE",
            &[Change::Everything, Change::Everything, Change::Everything],
        ),
    ] {
        run(&mut psql, write);
        assert_eq!(reader.read().unwrap(), told, "{write}");
        assert_eq!(reader.read().unwrap(), [], "{write}");
    }
}

/// What one poll tells has no order.
fn sorted(mut changes: Vec<Change>) -> Vec<Change> {
    changes.sort_by_key(|change| format!("{change:?}"));
    changes.dedup();
    changes
}

#[test]
fn transactions_are_told_in_whatever_order_they_end() {
    let home = postgres_or_return!();
    let (mut reader, mut other) = (home.reader(), home.reader());
    let [mut first, mut second, mut third] = [(); 3].map(|()| home.psql());
    run(&mut first, USERS);
    let change = |number: u32| format!("UPDATE auth_user SET email = '?' WHERE id = {number}");
    run(&mut first, &format!("BEGIN; {}", change(1)));
    run(&mut second, &format!("BEGIN; {}", change(2)));
    assert_eq!(reader.read().unwrap(), []);
    // The third begins last and ends first.
    run(&mut third, &change(3));
    assert_eq!(reader.read().unwrap(), [Change::User(3)]);
    run(&mut second, "COMMIT");
    assert_eq!(reader.read().unwrap(), [Change::User(2)]);
    assert_eq!(reader.read().unwrap(), []);
    run(&mut third, &change(3));
    run(&mut first, "COMMIT");
    assert_eq!(sorted(reader.read().unwrap()), [Change::User(1), Change::User(3)]);
    assert_eq!(reader.read().unwrap(), []);
    let late = sorted(other.read().unwrap());
    assert_eq!(late, [1, 2, 3].map(Change::User), "who asks seldom misses nothing");
}

#[test]
fn what_is_taken_back_is_not_told() {
    let home = postgres_or_return!();
    let (mut reader, mut psql) = (home.reader(), home.psql());
    run(&mut psql, USERS);
    run(&mut psql, "BEGIN; DELETE FROM auth_user WHERE id = 1");
    assert_eq!(reader.read().unwrap(), []);
    run(&mut psql, "SAVEPOINT s; DELETE FROM auth_user WHERE id = 2; ROLLBACK TO s");
    run(&mut psql, "SAVEPOINT t; DELETE FROM auth_user WHERE id = 3; RELEASE t");
    run(&mut psql, "COMMIT; BEGIN; DELETE FROM auth_user; ROLLBACK");
    assert_eq!(sorted(reader.read().unwrap()), [Change::User(1), Change::User(3)]);
}

/// The same work at random in many connections at once, beside a transaction that stays open.
#[test]
fn nothing_is_missed_while_many_write() {
    const WRITERS: i64 = 4;
    const EACH: i64 = 100;
    let home = postgres_or_return!();
    let (mut psql, mut reader) = (home.psql(), home.reader());
    let all = WRITERS * EACH;
    run(&mut psql, &USERS.replace("(1, 3)", &format!("(1, {})", all + 1)));
    run(&mut psql, &format!("BEGIN; UPDATE auth_user SET email = '?' WHERE id = {}", all + 1));
    let writers = (0..WRITERS).map(|writer| {
        let mut conn = home.psql();
        std::thread::spawn(move || {
            for number in writer * EACH + 1..=(writer + 1) * EACH {
                let end = if number % 3 == 0 { "ROLLBACK" } else { "COMMIT" };
                let write = format!("UPDATE auth_user SET email = '!' WHERE id = {number}");
                run(&mut conn, &format!("BEGIN; {write}"));
                run(&mut conn, end);
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    let mut seen = Vec::new();
    let mut is_over = false;
    while !is_over {
        is_over = writers.iter().all(std::thread::JoinHandle::is_finished);
        seen.extend(reader.read().unwrap());
    }
    run(&mut psql, "COMMIT");
    seen.extend(reader.read().unwrap());
    let mut ids: Vec<i64> = seen
        .into_iter()
        .map(|change| match change {
            Change::User(id) => id,
            change => panic!("{change:?}"),
        })
        .collect();
    ids.sort_unstable();
    let written = (1..=all).filter(|number| number % 3 != 0).chain([all + 1]);
    assert_eq!(ids, written.collect::<Vec<_>>());
}

#[test]
fn many_changes_at_once_are_everything() {
    let home = postgres_or_return!();
    let (mut reader, mut psql) = (home.reader(), home.psql());
    run(&mut psql, &SESSIONS.replace("(1, 3)", "(1, 3000)"));
    run(&mut psql, "UPDATE django_session SET session_data = 'y'");
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
    assert_eq!(rows(&mut psql, "true"), 1, "one for many");
    run(&mut psql, "DELETE FROM django_session WHERE session_key LIKE 's1___'");
    assert_eq!(reader.read().unwrap().len(), 1000);
    run(&mut psql, "DELETE FROM django_session WHERE session_key LIKE 's2___'");
    run(&mut psql, "DELETE FROM django_session WHERE session_key = 's1'");
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
}

#[test]
fn django_is_told_of_too() {
    let Ok(python) = std::env::var("HOUSEKEY_TEST_PYTHON") else { return };
    let home = postgres_or_return!();
    let (mut reader, mut psql) = (home.reader(), home.psql());
    run(&mut psql, USERS);
    let django = |order: &str| {
        let live = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/live.py");
        let mut child = Command::new(&python)
            .arg(live)
            .env("SHARED_DATABASE_URL", &home.url)
            .env("SECRET_KEY", KEY)
            .env("PYTHONDONTWRITEBYTECODE", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        writeln!(child.stdin.take().unwrap(), "{order}").unwrap();
        let output = child.wait_with_output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().trim_matches('"').to_owned()
    };
    let cookie = django(r#"{"do": "login", "username": "user2"}"#);
    assert_eq!(cookie.len(), 32, "{cookie}");
    let told = reader.read().unwrap();
    assert!(told.contains(&Change::User(2)) && told.contains(&session(&cookie)), "{told:?}");
    django(&format!(r#"{{"do": "logout", "cookie": "{cookie}"}}"#));
    assert_eq!(reader.read().unwrap(), [session(&cookie)]);
}

#[test]
fn after_a_line_that_broke_everything_is_told() {
    let home = postgres_or_return!();
    let (mut reader, mut psql) = (home.reader(), home.psql());
    run(&mut psql, USERS);
    run(
        &mut psql,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
         WHERE datname = current_database() AND pid <> pg_backend_pid()",
    );
    run(&mut psql, "DELETE FROM auth_user WHERE id = 1");
    assert!(matches!(reader.read(), Err(Error::Unreachable { .. } | Error::Database { .. })));
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
    assert_eq!(reader.read().unwrap(), []);
}

#[test]
fn a_change_goes_when_it_was_told_for_ten_minutes_and_no_earlier() {
    let home = postgres_or_return!();
    let [mut late, mut psql] = [(); 2].map(|()| home.psql());
    run(&mut psql, &USERS.replace("(1, 3)", "(1, 1300)"));
    let age = "UPDATE housekey_change SET at = at - interval '11 minutes'";
    let shared = home.shared();
    let forget = || {
        let mut forgotten = Vec::new();
        while forgotten.last() != Some(&0) {
            forgotten.push(store::forget_old(&shared).unwrap());
        }
        forgotten
    };
    // Written long ago, and ended just now: nobody was told yet.
    run(&mut late, "BEGIN; UPDATE auth_user SET email = '?' WHERE id = 1");
    for _ in 0..2 {
        run(&mut psql, "UPDATE auth_user SET email = '!' WHERE id BETWEEN 2 AND 700");
        run(&mut psql, "UPDATE auth_user SET email = '!' WHERE id > 700");
    }
    run(&mut late, &format!("{age}; COMMIT"));
    run(&mut psql, age);
    assert_eq!(forget(), [0], "all of it is as old as the transaction that was open");
    assert_eq!(rows(&mut psql, "true"), 2598 + 1);

    run(&mut psql, "UPDATE auth_user SET email = '' WHERE id = 2");
    assert_eq!(forget(), [0], "ten minutes begin with what was written since");
    run(&mut psql, age);
    // Whatever else the server of the tests has open meanwhile.
    run(
        &mut psql,
        "UPDATE housekey_change SET settled = xid WHERE at = (SELECT max(at) FROM housekey_change)",
    );
    assert_eq!(forget(), [500, 500, 500, 500, 500, 99, 0]);
    assert_eq!(rows(&mut psql, "user_id = 2"), 1, "the one that says so");
}

#[test]
fn who_has_not_asked_for_long_is_told_everything() {
    let home = postgres_or_return!();
    let mut conn = home.shared().get().unwrap();
    let ask = |conn: &mut SharedConnection, seen: Option<&store::Seen>| {
        store::changes(conn, seen).unwrap()
    };
    let (_, seen) = ask(&mut conn, None);
    let (changes, seen) = ask(&mut conn, Some(&seen));
    assert_eq!(changes, []);
    for seen in seen.spoilt() {
        assert_eq!(ask(&mut conn, Some(&seen)).0, [Change::Everything]);
    }
}

#[test]
fn on_sqlite_any_write_is_everything() {
    let home = Home::sqlite();
    let (mut reader, mut other) = (home.reader(), home.sqlite3());
    let group = "INSERT INTO auth_group (name) VALUES ('?')";
    other.batch_execute(group).unwrap();
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
    assert_eq!(reader.read().unwrap(), []);
    other.batch_execute("BEGIN IMMEDIATE; DELETE FROM auth_group").unwrap();
    assert_eq!(reader.read().unwrap(), [], "nothing is committed yet");
    other.batch_execute("ROLLBACK").unwrap();
    assert_eq!(reader.read().unwrap(), []);
    let count: i64 = diesel::select(sql::<BigInt>("(SELECT count(*) FROM auth_group)"))
        .get_result(&mut other)
        .unwrap();
    assert_eq!((count, reader.read().unwrap()), (1, vec![]), "reading is no change");
}

#[test]
fn a_file_that_was_replaced_is_everything() {
    let home = Home::sqlite();
    let mut reader = home.reader();
    let path = home.folder.join("shared.db");
    let copy = home.folder.join("copy.db");
    let mut conn = home.sqlite3();
    conn.batch_execute(&format!("VACUUM INTO '{}'", copy.display())).unwrap();
    drop(conn);
    std::fs::remove_file(&path).unwrap();
    assert!(matches!(reader.read(), Err(Error::Unreachable { .. })));
    std::fs::rename(&copy, &path).unwrap();
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
    assert_eq!(reader.read().unwrap(), []);
    home.sqlite3().batch_execute("INSERT INTO auth_group (name) VALUES ('?')").unwrap();
    assert_eq!(reader.read().unwrap(), [Change::Everything]);
}

/// What a subscriber was told, with what was known of the poll meanwhile.
fn told(changes: &Arc<Changes>) -> Receiver<(Vec<Change>, u64)> {
    let (tell, told) = channel();
    let known = Arc::downgrade(&changes.known);
    changes.subscribe(move |_, changes| {
        let turn = known.upgrade().map_or(0, |known| known.turn.load(Ordering::SeqCst));
        // Nobody listens any more when the test has failed.
        let _ = tell.send((changes.to_owned(), turn));
    });
    told
}

fn the_thread_tells_until_it_is_dropped(home: &Home, write: impl FnOnce()) {
    let long = Duration::from_secs(3600);
    let polling = Polling { every: Duration::from_millis(1), bound: long };
    let changes = Arc::new(Changes::begin(&home.config(), polling));
    while !changes.is_current() {
        std::thread::yield_now();
    }
    let told = told(&changes);
    let before = changes.turn();
    write();
    let (first, turn) = told.recv().unwrap();
    assert!(!first.is_empty());
    assert_eq!(turn, before + 1, "the turn is there before what it tells");
    assert_eq!(changes.turn(), before + 1);
    assert!(changes.is_current());
    drop(Arc::into_inner(changes).unwrap());
    // Its end is the end of the thread, which holds the other side.
    while told.recv().is_ok() {}
}

#[test]
fn the_thread_tells_on_postgres() {
    let home = postgres_or_return!();
    let mut psql = home.psql();
    run(&mut psql, USERS);
    the_thread_tells_until_it_is_dropped(&home, || run(&mut psql, "DELETE FROM auth_user"));
}

#[test]
fn the_thread_tells_on_sqlite() {
    let home = Home::sqlite();
    let mut conn = home.sqlite3();
    the_thread_tells_until_it_is_dropped(&home, || {
        conn.batch_execute("INSERT INTO auth_group (name) VALUES ('?')").unwrap();
    });
}

#[test]
fn what_was_asked_longer_ago_than_the_bound_is_not_current() {
    let known = |bound| Known::new(bound);
    let (strict, mild) = (known(Duration::ZERO), known(Duration::from_secs(3600)));
    assert!(!mild.is_current(), "nobody has asked yet");
    for known in [&strict, &mild] {
        known.as_of.store(known.since_origin(clock::steady()).max(1), Ordering::SeqCst);
    }
    assert!(mild.is_current());
    let asked = clock::steady();
    while clock::steady() == asked {}
    assert!(!strict.is_current());
    mild.as_of.store(0, Ordering::SeqCst);
    assert!(!mild.is_current(), "the last poll failed");
}

#[test]
fn a_house_that_cannot_be_asked_is_never_current() {
    let home = Home::sqlite();
    std::fs::remove_file(home.folder.join("shared.db")).unwrap();
    let polling = Polling { every: Duration::from_millis(1), bound: Duration::from_millis(100) };
    let mut poller = Poller {
        reader: Reader::new(home.shared()),
        known: Arc::new(Known::new(polling.bound)),
        app: "tests".to_owned(),
        complaints: Pace::new(Duration::from_secs(60)),
    };
    poller.known.as_of.store(1, Ordering::SeqCst);
    poller.poll();
    assert!(!poller.known.is_current());
    assert_eq!(poller.known.turn.load(Ordering::SeqCst), 0);
}
