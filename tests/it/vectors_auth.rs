//! Django's answers about the user of a session and about permissions, with real rows in the database:
//! sections `auth_resolve`, `session_load` and `permissions`.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use housekey::signing::TimestampSigner;
use housekey::{Config, KeyRing, SecretKey};
use serde_json::Value;

use crate::support::{Home, House, on_both_databases, vectors};

on_both_databases!(
    the_user_of_a_session_is_the_one_django_finds,
    a_row_is_loaded_as_django_loads_it,
    permissions_are_those_that_django_grants,
);

const COOKIE: &str = "abcdefghijklmnopqrstuvwxyz012345";

fn text<'a>(case: &'a Value, field: &str) -> &'a str {
    case[field].as_str().unwrap_or_else(|| panic!("no text {field} in {case}"))
}

fn key(text: &Value) -> SecretKey {
    SecretKey::dangerously_unchecked(text.as_str().unwrap())
}

/// A house that has the keys of the case, on an emptied database.
fn house(home: &Home, case: &Value) -> House {
    let config = Config::new(&home.shared_url(), &home.local_url("notes"), key(&case["key"]));
    let fallbacks = case["fallbacks"].as_array().into_iter().flatten().map(key);
    let config = fallbacks.fold(config.unwrap(), Config::fallback_key);
    // The first case makes the tables; each begins a house of its own.
    let _ = housekey::migrate(&config);
    home.execute(
        "DELETE FROM housekey_key; DELETE FROM housekey_app; DELETE FROM django_session; \
         DELETE FROM auth_user",
    );
    House::open(config).unwrap()
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

fn insert_user(home: &Home, id: i64, name: &str, password: &str, flags: [bool; 3]) {
    let [active, staff, superuser] = flags;
    home.execute(&format!(
        "INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, \
         is_staff, is_active, date_joined) VALUES ({id}, {}, {superuser}, {}, '', '', '', {staff}, \
         {active}, '2026-01-01 00:00:00+00:00')",
        quoted(password),
        quoted(name)
    ));
}

fn insert_session(home: &Home, data: &str, expires: DateTime<Utc>) {
    let expires = expires.format(if home.is_postgres() { "%F %T%.6f+00" } else { "%F %T%.6f" });
    home.execute(&format!(
        "INSERT INTO django_session (session_key, session_data, expire_date) \
         VALUES ('{COOKIE}', {}, '{expires}')",
        quoted(data)
    ));
}

fn the_user_of_a_session_is_the_one_django_finds(home: &Home) {
    for case in vectors("auth_resolve") {
        // Backends other than Django's own keep their users elsewhere; this one lets inactive users in.
        if case["backends"].as_array().unwrap().len() > 1 {
            continue;
        }
        let house = house(home, &case);
        if case["user"].is_object() {
            let user = &case["user"];
            let flags = [user["is_active"] == true, false, false];
            insert_user(home, user["id"].as_i64().unwrap(), "ada", text(user, "password"), flags);
        }
        let salt = "django.contrib.sessions.SessionStore";
        let signer = TimestampSigner::new(&KeyRing::new(key(&case["key"])), salt);
        let data = signer.sign(&URL_SAFE_NO_PAD.encode(text(&case, "payload")), Utc::now());
        insert_session(home, &data, Utc::now() + TimeDelta::hours(1));

        let session = house.session(Some(COOKIE)).unwrap();
        let (found, expected) = (session.user().map(|user| user.id), case["user_id"].as_i64());
        assert_eq!(found, expected, "{case}");
        house.save(&session).unwrap();
        let is_left = home
            .count(&format!("SELECT count(*) FROM django_session WHERE session_key = '{COOKIE}'"));
        // Where Django answers 500, for an id that is no number, the visitor is anonymous here.
        let stays =
            case["expect"] == "error" || (case["row_left"] == true && case["cycled"] != true);
        assert_eq!(is_left == 1, stays, "{case}");
        if case["cycled"] == true {
            assert_ne!(session.key().unwrap().expose_secret(), COOKIE);
            assert_eq!(
                session.get::<String>("_auth_user_hash").as_deref(),
                case["hash_after"].as_str()
            );
        }
    }
}

fn a_row_is_loaded_as_django_loads_it(home: &Home) {
    for case in vectors("session_load") {
        let house = house(home, &case);
        let (now, mut row_expires): (DateTime<Utc>, _) =
            (text(&case, "now").parse().unwrap(), None);
        if case["row"].is_object() {
            let expires: DateTime<Utc> = text(&case["row"], "expire_date").parse().unwrap();
            // The database's clock cannot be stopped: what lives a microsecond is dead when we ask.
            row_expires = Some(expires - now).filter(|left| *left != TimeDelta::microseconds(1));
            let Some(left) = row_expires else { continue };
            // SQLite's clock tells milliseconds: what has been dead for less may seem to live.
            let left =
                if left < TimeDelta::zero() { left - TimeDelta::milliseconds(2) } else { left };
            insert_session(home, text(&case["row"], "session_data"), Utc::now() + left);
        }
        let cookie = if row_expires.is_some() { Some(COOKIE) } else { case["cookie"].as_str() };
        let session = house.session(cookie).unwrap();
        let expected: serde_json::Map<String, Value> =
            serde_json::from_str(text(&case, "payload")).unwrap();
        assert_eq!(session.names(), expected.keys().cloned().collect::<Vec<_>>(), "{case}");
        for (name, value) in &expected {
            assert_eq!(session.get::<Value>(name).as_ref(), Some(value), "{case}");
        }
        // Django keeps the key of a row that it cannot read, and writes over it. We do not.
        let unreadable = session.rejected().is_some();
        assert_eq!(session.key().is_some(), case["key_kept"] == true && !unreadable, "{case}");
    }
}

fn permissions_are_those_that_django_grants(home: &Home) {
    let house = home.open("notes");
    for case in vectors("permissions") {
        home.execute(
            "DELETE FROM auth_user_user_permissions; DELETE FROM auth_user_groups; \
             DELETE FROM auth_group_permissions; DELETE FROM auth_user; DELETE FROM auth_group; \
             DELETE FROM auth_permission; DELETE FROM django_content_type",
        );
        fill(home, &case["rows"]);
        for answer in case["answers"].as_array().unwrap() {
            let user = user_of(&house, home, answer["user_id"].as_i64().unwrap());
            let permissions = house.permissions(&user).unwrap();
            let all: Vec<&str> = permissions.iter().collect();
            let expected: std::collections::BTreeSet<&str> = answer["all"]
                .as_array()
                .unwrap()
                .iter()
                .map(|name| name.as_str().unwrap())
                .collect();
            assert_eq!(all, expected.into_iter().collect::<Vec<_>>(), "{}", case["id"]);
            for (name, has) in answer["has_perm"].as_object().unwrap() {
                assert_eq!(permissions.has_perm(name), *has == true, "{name} in {}", case["id"]);
            }
            for (label, has) in answer["has_module_perms"].as_object().unwrap() {
                assert_eq!(
                    permissions.has_module_perms(label),
                    *has == true,
                    "{label} in {}",
                    case["id"]
                );
            }
        }
    }
}

/// The user with that id, found as an app finds it.
fn user_of(house: &House, home: &Home, id: i64) -> housekey::User {
    let name = home.text(&format!("SELECT username FROM auth_user WHERE id = {id}"));
    let active =
        home.count(&format!("SELECT count(*) FROM auth_user WHERE id = {id} AND is_active"));
    home.execute(&format!("UPDATE auth_user SET is_active = TRUE WHERE id = {id}"));
    let mut user = house.authenticate(&name, "open sesame").unwrap().unwrap();
    user.is_active = active == 1;
    user
}

fn fill(home: &Home, rows: &Value) {
    let hash = housekey::password::Hasher::pbkdf2_sha256(1).hash("open sesame").unwrap();
    let order = [
        "django_content_type",
        "auth_permission",
        "auth_group",
        "auth_group_permissions",
        "auth_user",
        "auth_user_groups",
        "auth_user_user_permissions",
    ];
    for table in order {
        for row in rows[table].as_array().into_iter().flatten() {
            if table == "auth_user" {
                let flag = |name: &str| row[name] == true;
                let flags = [flag("is_active"), flag("is_staff"), flag("is_superuser")];
                insert_user(home, row["id"].as_i64().unwrap(), text(row, "username"), &hash, flags);
                continue;
            }
            let columns: Vec<&str> = row.as_object().unwrap().keys().map(String::as_str).collect();
            let values: Vec<String> = row
                .as_object()
                .unwrap()
                .values()
                .map(|value| match value {
                    Value::String(text) => quoted(text),
                    value => value.to_string(),
                })
                .collect();
            let (columns, values) = (columns.join(", "), values.join(", "));
            home.execute(&format!("INSERT INTO {table} ({columns}) VALUES ({values})"));
        }
    }
}
