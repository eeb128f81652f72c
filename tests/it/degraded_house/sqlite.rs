//! The same where the shared database is a SQLite file.

use std::sync::atomic::{AtomicBool, Ordering};

use diesel::connection::SimpleConnection;

use super::*;

async fn say_much(session: Session) -> Result<&'static str, Error> {
    session.insert("much", "x".repeat(1_000_000))?;
    Ok("stored")
}

struct Place {
    home: Home,
    house: House,
    app: SocketAddr,
    cookie: String,
    _turn: Turn,
}

impl Place {
    fn new() -> Self {
        Self::with_connections(4)
    }

    fn with_connections(shared: u32) -> Self {
        let home = Home::sqlite();
        let turn = Turn::of(Kind::Timed);
        let config = home.config("notes").deadline(DEADLINE).pool_sizes(shared, 1);
        let house = home.open_with(config);
        user(&house, "ada");
        let cookie = login(&house, "ada");
        database::execute(&home.local_url("notes"), "CREATE TABLE note (id integer)");
        let app = app(&house, Router::new().route("/much", on_get(say_much)));
        Self { home, house, app, cookie, _turn: turn }
    }

    fn visit(&self, path: &str) -> Answer {
        get(self.app, path, &self.cookie)
    }

    fn rename(&self, from: &str, to: &str) {
        for end in ["", "-wal", "-shm"] {
            let path = |name: &str| self.home.folder().join(format!("{name}.db{end}"));
            std::fs::rename(path(from), path(to)).unwrap();
        }
    }

    fn assert_all_but_the_house_goes_on(&self) {
        assert_eq!(self.visit("/public").body, "public");
        assert_eq!(get(self.app, "/notes", "").body, "0");
    }
}

#[test]
fn a_file_that_somebody_writes_to_is_read_all_the_same() {
    let place = Place::new();
    let rows = "SELECT group_concat(session_key || session_data) FROM django_session";
    let before = place.home.text(rows);
    let write = "UPDATE auth_user SET first_name = 'Ada'";
    database::in_transaction(&place.home.shared_url(), write, || {
        std::thread::scope(|scope| {
            let saves: Vec<_> =
                (0..3).map(|_| scope.spawn(|| assert_untouched(&place.visit("/page")))).collect();
            assert_eq!(place.visit("/").body, "ada");
            for save in saves {
                save.join().unwrap();
            }
        });
        assert_untouched(&request("POST", place.app, "/login", ""));
        assert_eq!(place.visit("/").body, "ada");
        place.assert_all_but_the_house_goes_on();
    });
    assert_eq!(place.home.text(rows), before);
    assert_eq!(place.visit("/page").body, "turned");
    assert_eq!(request("POST", place.app, "/login", "").status, 200);
}

#[test]
fn a_file_that_is_gone_is_not_written_to() {
    let place = Place::new();
    assert_eq!(place.visit("/").body, "ada");
    place.rename("shared", "elsewhere");
    assert_untouched(&place.visit("/page"));
    assert_untouched(&request("POST", place.app, "/login", ""));
    place.assert_all_but_the_house_goes_on();
    assert!(!place.home.folder().join("shared.db").exists());

    place.rename("elsewhere", "shared");
    let began = Instant::now();
    while place.visit("/").status != 200 {}
    assert!(began.elapsed() < BACK_WITHIN, "{:?}", began.elapsed());
    assert_eq!(place.house.session(Some(&place.cookie)).unwrap().get::<u8>("page"), None);
    assert_eq!(place.visit("/page").body, "turned");
}

/// As a backup is put back: nobody goes on with the file that was there before.
#[test]
fn a_file_in_the_place_of_another_is_used_from_then_on() {
    let place = Place::new();
    let backup = place.home.folder().join("backup.db");
    place.home.execute(&format!("VACUUM INTO '{}'", backup.display()));
    let later = request("POST", place.app, "/login", "").cookie().unwrap();
    assert_eq!(get(place.app, "/", &later).body, "ada");
    place.rename("shared", "before");
    std::fs::rename(backup, place.home.folder().join("shared.db")).unwrap();
    let mut answer = get(place.app, "/", &later);
    while answer.status == 503 {
        answer = get(place.app, "/", &later);
    }
    assert_eq!((answer.status, answer.header("set-cookie")), (401, None));
    assert_eq!(place.visit("/").body, "ada");
}

/// What is mapped must not be read beyond the end of the file.
#[test]
fn a_file_that_is_made_smaller_is_read_all_the_same() {
    let place = Place::new();
    let url = place.home.shared_url();
    let swollen = "CREATE TABLE swollen (filling blob); \
                   WITH RECURSIVE row (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM row WHERE n < 100) \
                   INSERT INTO swollen SELECT randomblob(100000) FROM row; \
                   INSERT INTO django_session SELECT 'x' || hex(randomblob(15)), 'x', expire_date FROM django_session; \
                   PRAGMA wal_checkpoint(TRUNCATE)";
    let shrunk = "DROP TABLE swollen; DELETE FROM django_session WHERE session_data = 'x'; \
                  VACUUM; PRAGMA wal_checkpoint(TRUNCATE)";
    let file = place.home.folder().join("shared.db");
    let length = || file.metadata().unwrap().len();
    let is_done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                while !is_done.load(Ordering::Relaxed) {
                    assert_eq!(place.visit("/").body, "ada");
                }
            });
        }
        let changed = (0..20).map(|_| {
            [swollen, shrunk].map(|sql| {
                database::execute(&url, &format!("PRAGMA busy_timeout = 10000; {sql}"));
                length()
            })
        });
        let lengths = changed.collect::<Vec<_>>();
        is_done.store(true, Ordering::Relaxed);
        assert!(lengths.iter().any(|[before, after]| after * 2 < *before), "{lengths:?}");
    });
}

#[test]
fn what_a_full_disk_did_not_take_is_not_acknowledged() {
    let place = Place::with_connections(1);
    // The only connection there is: for it the disk ends here.
    let limit = |pages: &str| {
        let connection = &mut place.house.shared_as::<SqliteConnection>().unwrap();
        connection.batch_execute(&format!("PRAGMA max_page_count = {pages}")).unwrap();
    };
    limit("1");
    assert_untouched(&place.visit("/much"));
    assert_eq!(place.visit("/").body, "ada");
    assert_eq!(place.house.session(Some(&place.cookie)).unwrap().get::<String>("much"), None);
    limit("1000000");
    assert_eq!(place.visit("/much").body, "stored");
}
