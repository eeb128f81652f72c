//! Rows that hold what they should not make a visitor anonymous and leave a line in the log: never a 500,
//! never a panic, and the row stays as it is.

use housekey::signing::ObjectSigner;
use housekey::{KeyRing, Level, Referenced, Rejected, SecretKey, User};
use serde_json::{Value, json};

use crate::support::log::recorded;
use crate::support::{Home, House, KEY, PASSWORD, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    whatever_the_column_of_data_holds,
    whatever_the_column_of_dates_holds,
    whatever_the_user_id_is,
    whatever_the_row_of_the_user_holds,
    ten_megabytes_are_a_session_like_another,
);

/// A house with `ada` signed in, on tables that take anything.
fn open(home: &Home) -> (House, String) {
    let house = home.open("notes");
    user(&house, "ada");
    user(&house, "grace");
    let cookie = login(&house, "ada");
    for (table, columns) in [
        ("django_session", &["session_data", "expire_date"][..]),
        ("auth_user", &["password", "is_active", "email", "date_joined", "username"]),
    ] {
        if home.is_postgres() {
            for column in columns {
                home.execute(&format!("ALTER TABLE {table} ALTER COLUMN {column} DROP NOT NULL"));
            }
        } else {
            home.execute(&format!(
                "PRAGMA foreign_keys = OFF; PRAGMA legacy_alter_table = ON;
                 CREATE TABLE loose AS SELECT * FROM {table}; DROP TABLE {table};
                 ALTER TABLE loose RENAME TO {table}"
            ));
        }
    }
    (house, cookie)
}

fn signed(payload: &Value) -> String {
    let ring = KeyRing::new(SecretKey::new(KEY).unwrap());
    let signer = ObjectSigner::new(&ring, "django.contrib.sessions.SessionStore");
    signer.dumps(payload, chrono::Utc::now()).unwrap()
}

/// Sets a column of the only session to this SQL value.
fn set(home: &Home, column: &str, value: &str) {
    home.execute(&format!("UPDATE django_session SET {column} = {value}"));
}

/// Nobody, with a reason, one line in the log at the most, and the row untouched.
fn is_nobody(house: &House, home: &Home, cookie: &str, what: &str) -> Option<Rejected> {
    let before = home.sessions();
    let mut rejected = None;
    let said = recorded(|| {
        let session = house.session(Some(cookie)).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(session.user(), None, "{what}");
        rejected = session.rejected();
        house.save(&session).unwrap();
    });
    let loud = said.iter().filter(|line| line.starts_with("WARN") || line.starts_with("ERROR"));
    assert!(loud.count() <= 1, "{what}: {said:?}");
    assert!(!said.concat().contains(cookie), "{what}: the log holds the session key");
    assert_eq!(home.sessions(), before, "{what}");
    rejected
}

fn whatever_the_column_of_data_holds(home: &Home) {
    let (house, cookie) = open(home);
    let mut cases: Vec<(String, Rejected)> = vec![
        ("NULL".into(), Rejected::Unreadable),
        ("''".into(), Rejected::BadSignature),
        ("'x'".into(), Rejected::BadSignature),
        ("':::'".into(), Rejected::BadSignature),
        (format!("'{}'", "a".repeat(10 << 20)), Rejected::BadSignature),
        (format!("'{}'", "größe-メモ-😀".repeat(1000)), Rejected::BadSignature),
    ];
    for payload in [json!([1]), json!(7), json!("text"), json!(null), json!(true)] {
        cases.push((format!("'{}'", signed(&payload)), Rejected::Unreadable));
    }
    if !home.is_postgres() {
        for blob in ["X'FFFE00'", "X''", "X'C3'", "CAST(X'FF' AS TEXT)", "7", "1.5"] {
            cases.push((blob.into(), Rejected::Unreadable));
        }
    }
    for (value, expected) in cases {
        set(home, "session_data", &value);
        let what = &value[..value.len().min(60)];
        let rejected = is_nobody(&house, home, &cookie, what);
        let either = [Some(expected), Some(Rejected::Unreadable), Some(Rejected::BadSignature)];
        assert!(either.contains(&rejected), "{what}: {rejected:?}");
        if home.is_postgres() {
            assert_eq!(rejected, Some(expected), "{what}");
        }
    }
    set(home, "session_data", &format!("'{}'", signed(&json!({"a": 1}))));
    assert_eq!(house.session(Some(&cookie)).unwrap().get("a"), Some(1));
}

fn whatever_the_column_of_dates_holds(home: &Home) {
    let (house, cookie) = open(home);
    let dates: &[&str] = if home.is_postgres() {
        &["NULL", "'-infinity'", "'4713-01-01 BC'", "'0001-01-01'"]
    } else {
        &["NULL", "''", "0", "'-4713-01-01 00:00:00'", "'0000-00-00 00:00:00'"]
    };
    for date in dates {
        set(home, "expire_date", date);
        is_nobody(&house, home, &cookie, date);
    }
    let far: &[&str] = if home.is_postgres() {
        &["'infinity'", "'10000-01-01'", "'294276-12-31'", "'9999-12-31'"]
    } else {
        &["'9999-12-31 23:59:59.999999'"]
    };
    for date in far {
        set(home, "expire_date", date);
        assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()), "{date}");
    }
    // As SQLite compares, these have all ended or last long; either is an answer.
    if !home.is_postgres() {
        for date in
            ["X'00FF'", "'10000-01-01 00:00:00'", "'tomorrow'", "9e999", "123456789012345678"]
        {
            set(home, "expire_date", date);
            house.session(Some(&cookie)).unwrap();
        }
    }
}

fn whatever_the_user_id_is(home: &Home) {
    let (house, cookie) = open(home);
    let id = home.count("SELECT CAST(id AS bigint) FROM auth_user WHERE username = 'ada'");
    let data: Value = {
        let session = house.session(Some(&cookie)).unwrap();
        session
            .names()
            .into_iter()
            .map(|name| (name.clone(), session.get::<Value>(&name).unwrap()))
            .collect()
    };
    let with = |id: Value| {
        let mut data = data.clone();
        data["_auth_user_id"] = id;
        set(home, "session_data", &format!("'{}'", signed(&data)));
    };
    for hostile in [
        json!(null),
        json!(true),
        json!(1.5),
        json!(-1),
        json!(u64::MAX),
        json!(""),
        json!("abc"),
        json!("1.0"),
        json!("0x1"),
        json!("-1"),
        json!("99999999999999999999999999"),
        json!("2147483648"),
        json!([id]),
        json!({"id": id}),
        json!("1; DROP TABLE auth_user"),
        json!("1\u{0}"),
    ] {
        with(hostile.clone());
        is_nobody(&house, home, &cookie, &hostile.to_string());
    }
    // What Django takes for the number, too.
    for friendly in [json!(id), json!(id.to_string()), json!(format!(" {id} "))] {
        with(friendly.clone());
        assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()), "{friendly}");
    }
}

fn whatever_the_row_of_the_user_holds(home: &Home) {
    let (house, cookie) = open(home);
    let id = home.count("SELECT CAST(id AS bigint) FROM auth_user WHERE username = 'ada'");
    let grace = house.find_user("grace").unwrap().unwrap();
    let mut cases = vec![
        ("password", "NULL", "'x'"),
        ("is_active", "NULL", if home.is_postgres() { "true" } else { "1" }),
        ("email", "NULL", "''"),
        ("date_joined", "NULL", "'2026-01-01 00:00:00'"),
    ];
    if home.is_postgres() {
        cases.push(("date_joined", "'infinity'", "'2026-01-01 00:00:00'"));
        cases.push(("last_login", "'-infinity'", "NULL"));
        cases.push(("date_joined", "'294276-12-31'", "'2026-01-01 00:00:00'"));
    } else {
        cases.push(("password", "X'FF00'", "'x'"));
        cases.push(("email", "X'FF00'", "''"));
        cases.push(("date_joined", "'yesterday'", "'2026-01-01 00:00:00'"));
        cases.push(("last_login", "X'00'", "NULL"));
    }
    for (column, value, good) in cases {
        home.execute(&format!("UPDATE auth_user SET {column} = {value} WHERE id = {id}"));
        let what = format!("{column} = {value}");
        is_nobody(&house, home, &cookie, &what);
        let found =
            house.authenticate("ada", PASSWORD).unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(found, None, "{what}");
        assert_eq!(house.find_user("ada").unwrap(), None, "{what}");
        let both = User::of(&house, &[id, grace.id], |id| *id).unwrap();
        assert_eq!(both.iter().flatten().count(), 1, "{what}: the other user is still there");
        assert!(!house.reset_password("MQ", "0-00000000000000000000000000000000", "new").unwrap());
        let checkup = house.check();
        assert!(checkup.worst() < Level::Error, "{what}: {:?}", checkup.findings);
        home.execute(&format!("UPDATE auth_user SET {column} = {good} WHERE id = {id}"));
    }
}

fn ten_megabytes_are_a_session_like_another(home: &Home) {
    let (house, _) = open(home);
    let session = house.session(None).unwrap();
    session.insert("much", "a".repeat(10 << 20)).unwrap();
    house.save(&session).unwrap();
    let again = house.session(Some(&cookie(&session))).unwrap();
    assert_eq!(again.get::<String>("much").unwrap().len(), 10 << 20);
    assert_eq!(again.rejected(), None);
}

#[test]
fn a_superuser_stays_one_whatever_the_permissions_hold() {
    let home = Home::sqlite();
    let house = home.open("notes");
    let root = house.create_superuser("root", "", PASSWORD).unwrap();
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (900, 'a', 'b');
         INSERT INTO auth_permission (content_type_id, codename, name) VALUES (900, X'FF', 'x')",
    );
    assert!(house.permissions(&root).unwrap().has_perm("a.b"));
}
