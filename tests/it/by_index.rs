//! What concerns the sessions of one user, or those that have ended, costs as much in a house of millions.

use std::cell::RefCell;

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};
use housekey::{Caretaker, Session};

use crate::support::database;
use crate::support::{Home, House, PASSWORD, cookie, login, login_in, skip, user, whoami};

const MANY: i64 = 20_000;
const EXPIRED: i64 = 1200;

/// As many sessions of others as make a walk show.
fn fill(home: &Home) {
    let (numbers, text, key) = if home.is_postgres() {
        (format!("generate_series(1, {MANY}) AS n"), "n::text", "md5(n::text) || 'deadbeef'")
    } else {
        let numbers = format!(
            "(WITH RECURSIVE t(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM t WHERE n < {MANY}) SELECT n FROM t)"
        );
        (numbers, "n", "lower(hex(randomblob(20)))")
    };
    home.execute(&format!(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, is_active, \
         date_joined) SELECT 'x', false, 'other' || {text}, '', '', '', false, true, '2026-01-01 00:00:00' FROM {numbers}; \
         INSERT INTO django_session SELECT {key}, 'x', '2100-01-01 00:00:00' FROM {numbers}; \
         INSERT INTO housekey_session (session_key, user_id, app, created) \
         SELECT session_key, 1000 + row_number() OVER (ORDER BY session_key) / 10, 'notes', '2026-01-01 00:00:00' FROM django_session; \
         INSERT INTO housekey_renewal SELECT 'old' || {text}, 'new' || {text}, '2100-01-01 00:00:00' FROM {numbers}; \
         INSERT INTO housekey_throttle SELECT 'lane' || {text}, '', 1, '2026-01-01 00:00:00', '2026-01-01 00:00:00', \
         '2100-01-01 00:00:00' FROM {numbers}; ANALYZE"
    ));
}

/// All that is done for one user, and for what has ended.
fn work(home: &Home, house: &House) {
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    let session = Session::default();
    login_in(house, &session, "ada");
    let ada = session.user().unwrap();
    login(house, "ada");
    let theirs = login(house, "ada");
    let data = home
        .text(&format!("SELECT session_data FROM django_session WHERE session_key = '{theirs}'"));
    for n in 0..3 {
        home.execute(&format!(
            "INSERT INTO django_session VALUES ('{n:032}', '{data}', '2100-01-01 00:00:00')"
        ));
    }
    let listed = house.sessions_of(&ada).unwrap();
    let other = listed.iter().find(|one| !one.is_current(&session)).unwrap();
    assert!(house.end_session(&ada, &other.id).unwrap());
    assert_eq!(keeper.sessions_of("ada").unwrap().unwrap().len(), 5);
    assert_eq!(house.end_other_sessions(&session).unwrap(), 4);
    assert!(house.change_password(&session, &ada, PASSWORD, "another one").unwrap());
    assert_eq!(whoami(house, &cookie(&session)), Ok("ada".to_owned()));
    house.logout(&session).unwrap();

    let staff = Session::default();
    login_in(house, &staff, "grace");
    let desk = house.desk(&staff).unwrap();
    assert!(desk.sessions(ada.id).unwrap().is_empty());
    assert_eq!(desk.end_sessions(ada.id).unwrap(), 0);
    assert_eq!(keeper.end_sessions_of("grace").unwrap(), Some(1));

    assert_eq!(keeper.purge_sessions(|_| ()).unwrap(), 0);
    let old = |n: i64| format!("('old{n:037}', 'x', '2020-01-01 00:00:00')");
    let old: Vec<String> = (0..EXPIRED).map(old).collect();
    home.execute(&format!("INSERT INTO django_session VALUES {}", old.join(",")));
    assert_eq!(keeper.purge_sessions(|_| ()).unwrap(), usize::try_from(EXPIRED).unwrap());
}

fn people(house: &House) {
    user(house, "ada");
    house.create_superuser("grace", "", PASSWORD).unwrap();
}

thread_local! {
    /// The statements of this thread, while somebody wants to know.
    static SAID: RefCell<Option<Vec<String>>> = const { RefCell::new(None) };
}

struct Listener;

impl Instrumentation for Listener {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let InstrumentationEvent::StartQuery { query, .. } = event else { return };
        SAID.with_borrow_mut(|said| {
            if let Some(said) = said {
                let text = query.to_string();
                said.push(text.split(" -- binds: ").next().unwrap_or_default().to_owned());
            }
        });
    }
}

#[test]
fn on_sqlite_no_statement_walks_through_a_table() {
    set_default_instrumentation(|| Some(Box::new(Listener))).unwrap();
    let home = Home::sqlite();
    let house = home.open("notes");
    people(&house);
    fill(&home);
    SAID.set(Some(Vec::new()));
    work(&home, &house);
    let mut said = SAID.take().unwrap();
    said.retain(|text| ["SELECT", "UPDATE", "DELETE"].iter().any(|verb| text.starts_with(verb)));
    // Where no key is asked for, nothing is done.
    said.retain(|text| text.contains('`') && !text.contains("(1=0)"));
    said.sort();
    said.dedup();
    assert!(said.len() > 20, "{said:?}");
    for text in said {
        let plan = format!("EXPLAIN QUERY PLAN {text}");
        for line in database::lines_of_plan(&home.shared_url(), &plan) {
            let walks =
                ["django_session", "housekey_session", "housekey_stranger", "housekey_renewal"]
                    .iter()
                    .chain(&["housekey_throttle", "auth_user"])
                    .any(|table| line.starts_with(&format!("SCAN {table}")));
            assert!(!walks, "{line}: {text}");
        }
    }
}

/// What triggers do is counted as well.
#[test]
fn on_postgres_no_statement_reads_a_whole_table() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let house = home.open("notes");
    people(&house);
    drop(house);
    fill(&home);
    let read = || {
        // What a connection has read is counted when it ends.
        let others = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() \
             AND backend_type = 'client backend' AND pid <> pg_backend_pid()";
        while home.count(others) > 0 {
            std::thread::yield_now();
        }
        home.count(
            "SELECT sum(seq_tup_read) FROM pg_stat_user_tables WHERE relname IN ('django_session', 'housekey_session', \
             'housekey_stranger', 'housekey_renewal', 'housekey_throttle')",
        )
    };
    let before = read();
    let house = House::open(home.config("notes")).unwrap();
    work(&home, &house);
    drop(house);
    let walked = read() - before;
    assert!(walked < MANY / 20, "{walked} rows");
}
