//! An app's actix-session lives in the shared database as in any store of that crate.

use std::collections::HashMap;

use actix_session::storage::{LoadError, SessionKey, SessionStore};
use actix_web::cookie::time::{Duration, OffsetDateTime};
use housekey::signing::ObjectSigner;
use housekey::stores::{ActixSessionStore, TowerSessionStore};
use housekey::{Caretaker, KeyRing, SecretKey};
use serde_json::json;

use crate::support::{Home, KEY, OTHER_KEY, database, on_both_databases, troubles, user, whoami};

on_both_databases!(
    what_is_stored_comes_back_exactly,
    updating_never_creates,
    the_last_update_wins,
    the_database_decides_when_it_ends,
    a_longer_life_leaves_the_data_alone,
    keys_that_other_stores_have_made_are_nobodys,
    a_row_that_does_not_verify_is_left_alone,
    the_cookie_opens_nothing_else,
    a_new_key_ends_no_session,
    a_hundred_at_once,
    a_database_that_does_not_answer_is_an_error_without_secrets,
);

const HOUR: Duration = Duration::HOUR;

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn store(home: &Home) -> ActixSessionStore {
    ActixSessionStore::new(&home.open("notes"))
}

type State = HashMap<String, String>;

fn state<const N: usize>(values: [(&str, &str); N]) -> State {
    values.map(|(name, text)| (name.to_owned(), text.to_owned())).into()
}

/// As the cookie hands it over.
fn key(text: &str) -> SessionKey {
    SessionKey::try_from(text.to_owned()).unwrap()
}

fn same(one: &SessionKey) -> SessionKey {
    key(one.as_ref())
}

fn saved(store: &ActixSessionStore, values: &State) -> SessionKey {
    run(store.save(values.clone(), &HOUR)).unwrap()
}

fn loaded(store: &ActixSessionStore, key: &SessionKey) -> Option<State> {
    run(store.load(key)).unwrap()
}

fn what_is_stored_comes_back_exactly(home: &Home) {
    let store = store(home);
    let values = state([
        ("big", "123456789012345678901234567890"),
        ("float", "1.10"),
        ("text", "\"\\u00fc ü\u{0}😀\""),
        ("", "null"),
        ("n\u{0}ul ü", " [1, 2]"),
        ("_auth_user_id", "\"1\""),
        ("no JSON at all", "{"),
    ]);
    let first = saved(&store, &values);
    assert_eq!(loaded(&store, &first), Some(values.clone()));
    let second = saved(&store, &values);
    assert_ne!(first, second);
    let updated = run(store.update(same(&first), State::new(), &HOUR)).unwrap();
    assert_eq!(updated, first, "the cookie stays");
    assert_eq!(loaded(&store, &first), Some(State::new()));
    assert_eq!(loaded(&store, &second), Some(values));
    run(store.delete(&second)).unwrap();
    run(store.delete(&second)).unwrap();
    assert_eq!((loaded(&store, &second), home.sessions()), (None, 1));
}

fn updating_never_creates(home: &Home) {
    let store = store(home);
    let key = saved(&store, &state([("a", "1")]));
    run(store.delete(&key)).unwrap();
    assert_eq!(run(store.update(same(&key), state([("a", "2")]), &HOUR)).unwrap(), key);
    run(store.update_ttl(&key, &HOUR)).unwrap();
    assert_eq!((loaded(&store, &key), home.sessions()), (None, 0));
}

fn the_last_update_wins(home: &Home) {
    let store = store(home);
    let key = saved(&store, &state([("user_id", "1"), ("page", "1")]));
    let more = state([("user_id", "1"), ("page", "1"), ("cart", "[7]")]);
    run(store.update(same(&key), more, &HOUR)).unwrap();
    // Who takes a name away must not get it back, a login least of all.
    run(store.update(same(&key), state([("page", "1")]), &HOUR)).unwrap();
    assert_eq!(loaded(&store, &key), Some(state([("page", "1")])));
}

fn seconds_left(home: &Home) -> i64 {
    home.count(if home.is_postgres() {
        "SELECT extract(epoch FROM expire_date - now())::bigint FROM django_session"
    } else {
        "SELECT CAST(strftime('%s', expire_date) - strftime('%s', 'now') AS INTEGER) FROM django_session"
    })
}

fn the_database_decides_when_it_ends(home: &Home) {
    let store = store(home);
    let key = saved(&store, &state([("a", "1")]));
    home.execute("UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'");
    run(store.update_ttl(&key, &HOUR)).unwrap();
    run(store.update(same(&key), state([("a", "2")]), &HOUR)).unwrap();
    assert_eq!(loaded(&store, &key), None, "it is over");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    assert_eq!(keeper.purge_sessions(|_| {}).unwrap(), 1);

    let lives = [(Duration::MAX, true), (Duration::MIN, false), (Duration::ZERO, false)];
    for (ttl, lives) in lives {
        let key = run(store.save(State::new(), &ttl)).unwrap();
        assert_eq!(loaded(&store, &key).is_some(), lives, "{ttl}");
    }
}

fn a_longer_life_leaves_the_data_alone(home: &Home) {
    let store = store(home);
    let key = saved(&store, &state([("a", "1")]));
    let row = "SELECT session_key || session_data FROM django_session";
    let before = home.text(row);
    run(store.update_ttl(&key, &Duration::days(30))).unwrap();
    assert_eq!(home.text(row), before);
    let month = 30 * 86_400;
    assert!((month - 60..=month + 1).contains(&seconds_left(home)));
    run(store.update(same(&key), state([("a", "2")]), &HOUR)).unwrap();
    assert!((3540..=3601).contains(&seconds_left(home)));
}

fn keys_that_other_stores_have_made_are_nobodys(home: &Home) {
    let store = store(home);
    saved(&store, &State::new());
    let row_key = home.text("SELECT session_key FROM django_session");
    let of_redis = "a".repeat(64);
    for foreign in ["", "{\"user_id\":\"1\"}", &of_redis, &row_key, "' OR 1=1 --", "ü\u{0}"] {
        let key = key(foreign);
        assert_eq!(loaded(&store, &key), None);
        run(store.update(same(&key), State::new(), &HOUR)).unwrap();
        run(store.update_ttl(&key, &HOUR)).unwrap();
        run(store.delete(&key)).unwrap();
    }
    assert_eq!(home.sessions(), 1);
}

fn a_row_that_does_not_verify_is_left_alone(home: &Home) {
    let store = store(home);
    let ring = KeyRing::new(SecretKey::new(OTHER_KEY).unwrap());
    let signer = ObjectSigner::new(&ring, "django.contrib.sessions.SessionStore");
    let theirs = signer.dumps(&json!({"_actix_session": {"a": "1"}}), chrono::Utc::now()).unwrap();
    let key = saved(&store, &state([("a", "1")]));
    home.execute(&format!("UPDATE django_session SET session_data = '{theirs}'"));
    let row = "SELECT session_key || session_data || expire_date FROM django_session";
    let before = home.text(row);
    assert_eq!(loaded(&store, &key), None);
    run(store.update(same(&key), state([("a", "2")]), &HOUR)).unwrap();
    run(store.update_ttl(&key, &Duration::days(9))).unwrap();
    run(store.delete(&key)).unwrap();
    assert_eq!(home.text(row), before);
}

fn the_cookie_opens_nothing_else(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let (actix, tower) = (ActixSessionStore::new(&house), TowerSessionStore::new(&house));
    let key = saved(&actix, &state([("user_id", "1")]));
    let cookie = house.session(Some(key.as_ref())).unwrap();
    assert_eq!(cookie.rejected(), Some(housekey::Rejected::Malformed));
    // Nor would the row's own key.
    let row_key = home.text("SELECT session_key FROM django_session");
    assert_eq!(whoami(&house, &row_key), Err(None));
    assert!(house.session(Some(&row_key)).unwrap().get::<String>("user_id").is_none());
    // Nor is it a session of tower-sessions, whatever the id.
    let id = tower_sessions::session::Id(0);
    let key = row_key_of(home, &tower, id);
    home.execute(&format!("UPDATE django_session SET session_key = '{key}'"));
    assert!(run(tower_sessions::SessionStore::load(&tower, &id)).unwrap().is_none());
    assert_eq!(troubles(&house), Vec::<String>::new());
}

/// The key under which the tower-session of this id would stand.
fn row_key_of(home: &Home, tower: &TowerSessionStore, id: tower_sessions::session::Id) -> String {
    let expiry_date = OffsetDateTime::now_utc() + HOUR;
    let mut record = tower_sessions::session::Record { id, data: HashMap::new(), expiry_date };
    let others = home.text("SELECT session_key FROM django_session");
    run(tower_sessions::SessionStore::create(tower, &mut record)).unwrap();
    let is_its = format!("session_key <> '{others}'");
    let key = home.text(&format!("SELECT session_key FROM django_session WHERE {is_its}"));
    home.execute(&format!("DELETE FROM django_session WHERE {is_its}"));
    key
}

fn a_new_key_ends_no_session(home: &Home) {
    let values = state([("a", "1")]);
    let key = saved(&store(home), &values);
    let both = home.config_with_key("notes", OTHER_KEY).fallback_key(SecretKey::new(KEY).unwrap());
    let rotated = ActixSessionStore::new(&home.open_with(both));
    assert_eq!(loaded(&rotated, &key), Some(values.clone()));
    let last = home.open_with(home.config_with_key("notes", OTHER_KEY));
    assert_eq!(loaded(&ActixSessionStore::new(&last), &key), Some(values));
    assert_eq!(home.sessions(), 1);
}

fn a_hundred_at_once(home: &Home) {
    let store = store(home);
    let shared = saved(&store, &State::new());
    let keys: Vec<String> = std::thread::scope(|scope| {
        let visitors: Vec<_> = (0..100)
            .map(|number: u32| {
                let (store, shared) = (store.clone(), same(&shared));
                scope.spawn(move || {
                    let mut values = state([("number", &number.to_string())]);
                    let key = saved(&store, &values);
                    values.insert("more".to_owned(), "true".to_owned());
                    let key = run(store.update(key, values.clone(), &HOUR)).unwrap();
                    run(store.update(shared, values.clone(), &HOUR)).unwrap();
                    assert_eq!(loaded(&store, &key), Some(values));
                    String::from(key)
                })
            })
            .collect();
        visitors.into_iter().map(|visitor| visitor.join().unwrap()).collect()
    });
    assert_eq!(keys.iter().collect::<std::collections::HashSet<_>>().len(), 100);
    assert_eq!(home.sessions(), 101);
    assert_eq!(loaded(&store, &shared).unwrap().len(), 2, "one of them, whole");
}

fn a_database_that_does_not_answer_is_an_error_without_secrets(home: &Home) {
    home.open("notes");
    let config = home.config("notes").deadline(std::time::Duration::from_millis(300));
    let store = ActixSessionStore::new(&home.open_with(config));
    let key = saved(&store, &state([("a", "1")]));
    home.execute("ALTER TABLE django_session RENAME TO away");
    let Err(LoadError::Other(why)) = run(store.load(&key)) else { panic!("it was found") };
    assert!(matches!(why.downcast_ref(), Some(housekey::Error::Database { .. })), "{why:?}");
    for secret in [KEY, key.as_ref()] {
        assert!(!format!("{why:?} {why:#} {store:?}").contains(secret), "{why:?}");
    }
    home.execute("ALTER TABLE away RENAME TO django_session");
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lock =
        if home.is_postgres() { "LOCK TABLE django_session" } else { "DELETE FROM django_session" };
    database::in_transaction(&home.shared_url(), lock, || {
        // It may be done when the database gets to it, and nobody waits for that.
        let late = runtime.block_on(store.delete(&key)).unwrap_err();
        assert!(late.downcast_ref().is_some_and(housekey::Error::is_temporary), "{late:?}");
    });
}
