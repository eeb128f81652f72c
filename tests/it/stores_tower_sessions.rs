//! An app's tower-sessions live in the shared database as in any store of that crate, and are ended, moved and purged as
//! all sessions of the house.

use std::collections::HashMap;
use std::time::Duration;

use housekey::signing::ObjectSigner;
use housekey::stores::TowerSessionStore;
use housekey::{Caretaker, Error, KeyRing, SecretKey, Seen, Session, SignOut};
use serde_json::{Value, json};
use tower_sessions::cookie::time::{OffsetDateTime, PrimitiveDateTime};
use tower_sessions::session::{Id, Record};
use tower_sessions::session_store::Error as StoreError;
use tower_sessions::{ExpiredDeletion, SessionStore};

use crate::support::{
    Home, KEY, OTHER_KEY, database, login, on_both_databases, transfers, troubles, user, whoami,
};

on_both_databases!(
    what_is_stored_comes_back_exactly,
    a_value_that_could_not_be_read_again_is_refused,
    creating_never_overwrites,
    saving_never_creates,
    the_last_save_wins,
    the_database_decides_when_it_ends,
    what_has_expired_is_deleted_in_batches,
    a_row_that_does_not_verify_is_left_alone,
    a_session_of_the_house_is_none_of_theirs,
    theirs_is_nobodys_login,
    a_new_key_ends_no_session,
    an_app_that_signs_with_the_old_key_moves_nothing_back,
    a_logout_ends_what_is_moved_meanwhile,
    a_hundred_at_once,
    a_database_that_does_not_answer_is_an_error_without_secrets,
    both_versions_of_the_crate_see_the_same,
    they_move_with_the_house,
);

fn run<T>(work: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(work)
}

fn store(home: &Home) -> TowerSessionStore {
    TowerSessionStore::new(&home.open("notes"))
}

fn in_an_hour() -> OffsetDateTime {
    OffsetDateTime::now_utc() + Duration::from_secs(3600)
}

fn record(data: Value) -> Record {
    let data: HashMap<String, Value> = serde_json::from_value(data).unwrap();
    Record { id: Id::default(), data, expiry_date: in_an_hour() }
}

/// A session that was just created.
fn created(store: &TowerSessionStore, data: Value) -> Record {
    let mut record = record(data);
    run(store.create(&mut record)).unwrap();
    record
}

fn loaded(store: &TowerSessionStore, id: Id) -> Option<Value> {
    run(store.load(&id)).unwrap().map(|record| json!(record.data))
}

fn what_is_stored_comes_back_exactly(home: &Home) {
    let store = store(home);
    let deep = serde_json::from_str(&("[".repeat(127) + &"]".repeat(127))).unwrap();
    let data = json!({
        "numbers": [u64::MAX, i64::MIN, 0, 0.1, 1.0, -0.0, 1e16, 1e300, 5e-324, f64::MAX, 0.1 + 0.2],
        "texts": ["", "ü€😀", "\u{0}\u{1f}\u{7f}\u{2028}", "\"\\/", "NaN"],
        "": null,
        "n\u{0}ul ü": true,
        "_auth_user_id": "1",
        "_session_expiry": 0,
        "_tower_sessions": {"a": {}},
        "deep": Value::Null,
    });
    let mut record = record(data);
    record.data.insert("deep".to_owned(), deep);
    record.expiry_date = record.expiry_date.replace_nanosecond(123_456_000).unwrap();
    for id in [0, 1, -1, i128::MAX, i128::MIN] {
        record.id = Id(id);
        run(store.create(&mut record)).unwrap();
        assert_eq!(record.id, Id(id));
        let found = run(store.load(&Id(id))).unwrap().unwrap();
        assert_eq!(found, record);
        // `1 == 1.0` and `0.0 == -0.0` to some: the spelling tells.
        assert_eq!(found.data["numbers"].to_string(), record.data["numbers"].to_string());
    }
    assert_eq!(home.sessions(), 5);

    record.data.clear();
    run(store.save(&record)).unwrap();
    assert_eq!(run(store.load(&record.id)).unwrap().unwrap(), record);
}

fn a_value_that_could_not_be_read_again_is_refused(home: &Home) {
    let store = store(home);
    let mut record = created(&store, json!({"a": 1}));
    let deep = (0..128).fold(Value::Null, |inner, _| json!([inner]));
    record.data.insert("deep".to_owned(), deep);
    for refused in [run(store.save(&record)), run(store.create(&mut record.clone()))] {
        let Err(StoreError::Encode(why)) = refused else { panic!("{refused:?}") };
        assert!(why.contains("`deep`") && why.contains("127 levels"), "{why}");
    }
    assert_eq!(loaded(&store, record.id), Some(json!({"a": 1})));
    assert_eq!(home.sessions(), 1);
}

fn creating_never_overwrites(home: &Home) {
    let store = store(home);
    let first = created(&store, json!({"of": "first"}));
    let mut second = record(json!({"of": "second"}));
    second.id = first.id;
    run(store.create(&mut second)).unwrap();
    assert_ne!(second.id, first.id);
    assert_eq!(loaded(&store, first.id), Some(json!({"of": "first"})));
    assert_eq!(loaded(&store, second.id), Some(json!({"of": "second"})));

    // Nor over one that has expired, or was made under another key of the ring.
    home.execute("UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'");
    let rotated = TowerSessionStore::new(&home.open_with(both_keys(home, OTHER_KEY, KEY)));
    let mut third = record(json!({"of": "third"}));
    third.id = first.id;
    run(rotated.create(&mut third)).unwrap();
    assert_ne!(third.id, first.id);
    assert_eq!(home.sessions(), 3);
}

fn saving_never_creates(home: &Home) {
    let store = store(home);
    run(store.save(&record(json!({"a": 1})))).unwrap();
    assert_eq!(home.sessions(), 0);

    let mut record = created(&store, json!({"a": 1}));
    run(store.delete(&record.id)).unwrap();
    run(store.delete(&record.id)).unwrap();
    record.data.insert("b".to_owned(), json!(2));
    run(store.save(&record)).unwrap();
    assert_eq!((home.sessions(), loaded(&store, record.id)), (0, None));
}

fn the_last_save_wins(home: &Home) {
    let store = store(home);
    let mut one = created(&store, json!({"user": 1, "page": 1}));
    let mut other = one.clone();
    other.data.insert("cart".to_owned(), json!([7]));
    run(store.save(&other)).unwrap();
    // Who takes a name away must not get it back, a login least of all.
    one.data.remove("user");
    run(store.save(&one)).unwrap();
    assert_eq!(loaded(&store, one.id), Some(json!({"page": 1})));
}

fn the_database_decides_when_it_ends(home: &Home) {
    let store = store(home);
    let mut record = created(&store, json!({"a": 1}));
    home.execute("UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'");
    assert_eq!(loaded(&store, record.id), None);
    let row = "SELECT session_data FROM django_session";
    let before = home.text(row);
    record.data.clear();
    run(store.save(&record)).unwrap();
    assert_eq!((home.text(row), loaded(&store, record.id)), (before, None), "it is over");

    // Any time that the crate knows, also where databases and Python know none.
    let ends = [(PrimitiveDateTime::MIN, None), (PrimitiveDateTime::MAX, Some(json!({})))];
    for (end, expected) in ends {
        let mut far = Record { expiry_date: end.assume_utc(), ..self::record(json!({})) };
        run(store.create(&mut far)).unwrap();
        assert_eq!(loaded(&store, far.id), expected, "{end}");
    }
}

fn what_has_expired_is_deleted_in_batches(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let store = TowerSessionStore::new(&house);
    let over = record(json!({"a": 1}));
    let over = Record { expiry_date: over.expiry_date - Duration::from_secs(7200), ..over };
    for _ in 0..3 {
        run(store.create(&mut over.clone())).unwrap();
    }
    // More than one transaction deletes at once.
    home.execute(
        "INSERT INTO django_session WITH RECURSIVE n(i) AS \
         (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1200) \
         SELECT 'over' || i, 'x', '2026-01-01 00:00:00+00' FROM n",
    );
    let living = created(&store, json!({"a": 1}));
    let ada = login(&house, "ada");
    run(store.delete_expired()).unwrap();
    assert_eq!(home.sessions(), 2);
    assert!(loaded(&store, living.id).is_some());
    assert_eq!(whoami(&house, &ada), Ok("ada".to_owned()));

    home.execute("UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    assert_eq!(keeper.purge_sessions(|_| {}).unwrap(), 2);
}

fn a_row_that_does_not_verify_is_left_alone(home: &Home) {
    let store = store(home);
    let ring = KeyRing::new(SecretKey::new(OTHER_KEY).unwrap());
    let signer = ObjectSigner::new(&ring, "django.contrib.sessions.SessionStore");
    let theirs = signer.dumps(&json!({"_tower_sessions": {"a": "1"}}), chrono::Utc::now()).unwrap();
    for text in [theirs.as_str(), "no session at all"] {
        let record = created(&store, json!({"a": 1}));
        home.execute(&format!("UPDATE django_session SET session_data = '{text}'"));
        let row =
            home.text("SELECT session_key || session_data || expire_date FROM django_session");
        assert_eq!(loaded(&store, record.id), None);
        run(store.save(&record)).unwrap();
        run(store.delete(&record.id)).unwrap();
        let mut again = record.clone();
        run(store.create(&mut again)).unwrap();
        assert_ne!(again.id, record.id, "the visitor's session goes on under another id");
        assert!(loaded(&store, again.id).is_some());
        run(store.delete(&again.id)).unwrap();
        let after =
            home.text("SELECT session_key || session_data || expire_date FROM django_session");
        assert_eq!(after, row);
        home.execute("DELETE FROM django_session");
    }
}

/// The id whose row would have this session key, if any has: the digits of a number to the base 36.
fn id_of(session_key: &str) -> Option<Id> {
    let digit = |letter: u8| match letter {
        b'a'..=b'z' => letter - b'a',
        _ => letter - b'0' + 26,
    };
    let digits = session_key.as_bytes()[..25].iter().rev();
    let number = digits
        .map(|letter| u128::from(digit(*letter)))
        .try_fold(0_u128, |sum, digit| sum.checked_mul(36)?.checked_add(digit))?;
    Some(Id(number.cast_signed()))
}

fn a_session_of_the_house_is_none_of_theirs(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let store = TowerSessionStore::new(&house);
    let mine = created(&store, json!({}));
    let own_key = home.text("SELECT session_key FROM django_session");
    assert_eq!(id_of(&own_key), Some(mine.id), "this is how an id is found");

    let mut logins = std::iter::repeat_with(|| login(&house, "ada"));
    let (ada, id) = logins.find_map(|key| id_of(&key).map(|id| (key, id))).unwrap();
    assert_eq!(loaded(&store, id), None);
    run(store.save(&Record { id, ..record(json!({"a": 1})) })).unwrap();
    run(store.delete(&id)).unwrap();
    assert_eq!(whoami(&house, &ada), Ok("ada".to_owned()));
}

fn theirs_is_nobodys_login(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let ada = login(&house, "ada");
    let store = TowerSessionStore::new(&house);
    let session = house.session(Some(&ada)).unwrap();
    let login: HashMap<_, _> = ["_auth_user_id", "_auth_user_backend", "_auth_user_hash"]
        .map(|name| (name, session.get::<Value>(name).unwrap()))
        .into();
    let record = created(&store, json!(login));
    let key =
        home.text(&format!("SELECT session_key FROM django_session WHERE session_key <> '{ada}'"));
    assert_eq!(whoami(&house, &key), Err(None));
    assert!(house.session(Some(&key)).unwrap().get::<Value>("_auth_user_id").is_none());

    // What an app of the house writes into it leaves theirs as it is.
    let visitor = house.session(Some(&key)).unwrap();
    visitor.insert("cart", 1).unwrap();
    house.save(&visitor).unwrap();
    run(store.save(&record)).unwrap();
    assert_eq!(loaded(&store, record.id), Some(json!(login)));
    assert_eq!(house.session(Some(&key)).unwrap().get("cart"), Some(1));
    let refused = Session::default().insert("_tower_sessions", json!({}));
    assert!(matches!(refused, Err(Error::SessionValue { .. })));

    // Nor does the house take it for a session of Django's that ends at a strange time.
    home.execute(&format!("DELETE FROM django_session WHERE session_key = '{ada}'"));
    let two_hours_more = OffsetDateTime::now_utc() + Duration::from_secs(14 * 86_400 + 7200);
    run(store.save(&Record { expiry_date: two_hours_more, ..record })).unwrap();
    assert_eq!(troubles(&house), Vec::<String>::new());
    assert_eq!(house.sessions_of(&user_of(&house)).unwrap().len(), 0);
    assert_eq!(home.count("SELECT count(*) FROM housekey_session WHERE app = ''"), 0);
}

fn user_of(house: &crate::support::House) -> housekey::User {
    house.find_user("ada").unwrap().unwrap()
}

fn both_keys(home: &Home, current: &str, fallback: &str) -> housekey::Config {
    home.config_with_key("notes", current).fallback_key(SecretKey::new(fallback).unwrap())
}

fn keeper(home: &Home) -> Caretaker {
    Caretaker::open(both_keys(home, KEY, OTHER_KEY).app_name("operator")).unwrap()
}

fn a_new_key_ends_no_session(home: &Home) {
    let used = created(&store(home), json!({"of": "used"}));
    let idle = created(&store(home), json!({"of": "idle"}));
    let keeper = keeper(home);
    keeper.stage_key(&SecretKey::new(OTHER_KEY).unwrap()).unwrap();
    home.open_with(both_keys(home, KEY, OTHER_KEY));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    let rotated = TowerSessionStore::new(&home.open_with(both_keys(home, OTHER_KEY, KEY)));
    let held = |expected: usize| {
        let refused = keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {});
        let Err(Error::KeyInUse { sessions, .. }) = refused else { panic!("{refused:?}") };
        assert_eq!(sessions, expected);
    };
    held(2);
    // It is enough to look: the cookie stays, and the row moves.
    for _ in 0..2 {
        assert_eq!(loaded(&rotated, used.id), Some(json!({"of": "used"})));
        held(1);
    }
    run(rotated.save(&Record { data: HashMap::new(), ..idle.clone() })).unwrap();
    assert_eq!(loaded(&rotated, idle.id), Some(json!({})));
    keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap();

    let last = TowerSessionStore::new(&home.open_with(home.config_with_key("notes", OTHER_KEY)));
    let found = run(last.load(&used.id)).unwrap().unwrap();
    let micros = |time: OffsetDateTime| time.unix_timestamp_nanos() / 1000;
    assert_eq!((&found.data, micros(found.expiry_date)), (&used.data, micros(used.expiry_date)));
    assert_eq!(home.sessions(), 2);
}

fn an_app_that_signs_with_the_old_key_moves_nothing_back(home: &Home) {
    home.open("notes");
    let keeper = keeper(home);
    keeper.stage_key(&SecretKey::new(OTHER_KEY).unwrap()).unwrap();
    let before = TowerSessionStore::new(&home.open_with(both_keys(home, KEY, OTHER_KEY)));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    let after = TowerSessionStore::new(&home.open_with(both_keys(home, OTHER_KEY, KEY)));
    let record = created(&after, json!({"a": 1}));
    let key = home.text("SELECT session_key FROM django_session");
    for store in [&before, &after, &before] {
        assert_eq!(loaded(store, record.id), Some(json!({"a": 1})));
        assert_eq!(home.text("SELECT session_key FROM django_session"), key);
    }
    run(before.save(&record)).unwrap();
    assert_eq!(home.sessions(), 1);
    run(before.delete(&record.id)).unwrap();
    assert_eq!(loaded(&after, record.id), None);
}

fn a_logout_ends_what_is_moved_meanwhile(home: &Home) {
    let old = store(home);
    let rotated = TowerSessionStore::new(&home.open_with(both_keys(home, OTHER_KEY, KEY)));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    for _ in 0..20 {
        let record = created(&old, json!({"a": 1}));
        let [move_it, save, end] = [rotated.clone(), rotated.clone(), rotated.clone()];
        runtime.block_on(async {
            let moving = tokio::spawn(async move { move_it.load(&record.id).await.map(drop) });
            let saved = record.clone();
            let saving = tokio::spawn(async move { save.save(&saved).await });
            let ending = tokio::spawn(async move { end.delete(&record.id).await });
            for one in [moving, saving, ending] {
                one.await.unwrap().unwrap();
            }
        });
        assert_eq!(home.sessions(), 0);
    }
}

fn a_hundred_at_once(home: &Home) {
    let store = store(home);
    let shared = created(&store, json!({"by": "nobody"}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let ids = runtime.block_on(async {
        let tasks: Vec<_> = (0..100)
            .map(|number| {
                let (store, mut shared) = (store.clone(), shared.clone());
                tokio::spawn(async move {
                    let mut own = record(json!({"number": number}));
                    store.create(&mut own).await.unwrap();
                    own.data.insert("saved".to_owned(), json!(true));
                    store.save(&own).await.unwrap();
                    shared.data.insert("by".to_owned(), json!(number));
                    store.save(&shared).await.unwrap();
                    assert_eq!(store.load(&own.id).await.unwrap().unwrap().data, own.data);
                    own.id
                })
            })
            .collect();
        let mut ids = Vec::new();
        for task in tasks {
            ids.push(task.await.unwrap());
        }
        ids
    });
    assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), 100);
    assert_eq!(home.sessions(), 101);
    assert!(loaded(&store, shared.id).unwrap()["by"].is_number(), "one of them, whole");
}

fn a_database_that_does_not_answer_is_an_error_without_secrets(home: &Home) {
    home.open("notes");
    let config = home.config("notes").deadline(Duration::from_millis(300));
    let store = TowerSessionStore::new(&home.open_with(config));
    let record = created(&store, json!({"a": 1}));
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let lock =
        if home.is_postgres() { "LOCK TABLE django_session" } else { "DELETE FROM django_session" };
    database::in_transaction(&home.shared_url(), lock, || {
        let failed = runtime.block_on(store.save(&record));
        let Err(StoreError::Backend(why)) = failed else { panic!("{failed:?}") };
        assert!(why.contains("the house did not answer") || why.contains("database"), "{why}");
        let key = home.is_postgres().then(|| home.shared_url());
        for secret in [KEY, &record.id.to_string(), key.as_deref().unwrap_or(KEY)] {
            assert!(!why.contains(secret), "{why}");
        }
    });
    // By an app that has not found it away.
    assert_eq!(loaded(&self::store(home), record.id), Some(json!({"a": 1})));
    assert!(!format!("{store:?}").contains(KEY));
}

fn both_versions_of_the_crate_see_the_same(home: &Home) {
    use tower_sessions_0_14::SessionStore as Before;
    use tower_sessions_0_14::session::Id as IdBefore;

    let store = store(home);
    let record = created(&store, json!({"a": 1.0}));
    let id = IdBefore(record.id.0);
    let before = run(Before::load(&store, &id)).unwrap().unwrap();
    assert_eq!(before.data, record.data);
    run(Before::delete(&store, &id)).unwrap();
    assert_eq!(loaded(&store, record.id), None);
}

fn they_move_with_the_house(home: &Home) {
    for (from, to) in transfers::pairs(home) {
        let at =
            |url: &str| TowerSessionStore::new(&home.open_with(home.config_at(url, "notes", KEY)));
        let record = created(&at(&from), json!({"a": [1.0, "ü"]}));
        transfers::moved(&transfers::house(&from, &to), &from, &to);
        assert_eq!(loaded(&at(&to), record.id), Some(json!({"a": [1.0, "ü"]})));
    }
}
