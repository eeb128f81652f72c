//! What will trouble the users of a house is told, with its remedy, as soon as the database shows it.

use housekey::password::{Algorithm, Hasher};
use housekey::{Error, Session};

use crate::support::log::recorded;
use crate::support::{Home, House, OTHER_KEY, login, on_both_databases, troubles, user};

on_both_databases!(
    a_healthy_house_has_none,
    apps_of_different_cost_are_told,
    what_cannot_be_looked_over_keeps_no_app_closed,
    a_django_of_another_cost_shows_in_the_hashes,
    times_of_the_future_show_an_app_without_use_tz,
    an_app_without_use_tz_shows_in_the_ends_of_its_sessions,
    sessions_of_another_key_are_counted_with_their_apps,
    a_user_model_of_ones_own_is_told,
    a_database_without_auth_user_is_not_taken_for_ours,
);

const NONE: [String; 0] = [];

/// The only thing that a checkup of this app has to say.
#[track_caller]
fn one(house: &House) -> String {
    let mut said = troubles(house);
    assert_eq!(said.len(), 1, "{said:?}");
    said.remove(0)
}

fn a_healthy_house_has_none(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    login(&house, "ada");
    assert_eq!(troubles(&house), NONE);
    assert_eq!(troubles(&home.open("tasks")), NONE);
}

fn apps_of_different_cost_are_told(home: &Home) {
    let notes = home.open("notes");
    let weaker = home.config("tasks").password_iterations(5);
    let said = recorded(|| drop(House::open(weaker.clone()).unwrap()));
    let text = one(&House::open(weaker).unwrap());
    assert!(text.contains("pbkdf2_sha256$5 in `tasks`"), "{text}");
    assert!(text.contains("pbkdf2_sha256$10 in `notes`"), "{text}");
    assert!(text.contains("set the same PASSWORD_HASHER (and its cost)"), "{text}");
    assert!(said.iter().any(|line| line.starts_with("WARN") && line.contains(&text)), "{said:?}");
    assert_eq!(one(&notes), text);

    // The hashes of the house are not taken for those of a foreign app.
    user(&notes, "ada");
    let weaker = home.config("tasks").password_iterations(5);
    one(&House::open(weaker).unwrap());

    // The house goes up with the strongest of its apps, and the others are told.
    let stronger =
        home.config("tasks").password_hasher(Hasher::preferring(Algorithm::Scrypt).unwrap());
    drop(House::open(stronger).unwrap());
    assert!(one(&notes).contains("scrypt$16384$8$5 in `tasks`"));
    assert_eq!(
        home.text("SELECT value FROM housekey_setting WHERE name = 'PASSWORD_HASHERS'"),
        "scrypt$16384$8$5"
    );

    // A mistake is taken back by the app that made it.
    home.open("tasks");
    assert_eq!(troubles(&notes), NONE);
}

fn what_cannot_be_looked_over_keeps_no_app_closed(home: &Home) {
    home.open("notes");
    home.execute("ALTER TABLE housekey_setting RENAME TO away");
    let said = recorded(|| drop(House::open(home.config("notes")).unwrap()));
    let told =
        |line: &String| line.starts_with("WARN") && line.contains("could not be written down");
    assert!(said.iter().any(told), "{said:?}");
}

fn a_django_of_another_cost_shows_in_the_hashes(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let set = |rounds: u32| {
        let hash = Hasher::pbkdf2_sha256(rounds).hash("secret").unwrap();
        home.execute(&format!("UPDATE auth_user SET password = '{hash}'"));
    };
    set(11);
    assert!(one(&house).contains("1 as pbkdf2_sha256$11"));
    // A weaker one may wait for its user's next login, unless that was since.
    set(9);
    assert_eq!(troubles(&house), NONE);
    home.execute("UPDATE housekey_setting SET since = '2020-01-01 00:00:00'");
    home.execute("UPDATE auth_user SET last_login = '2020-01-02 00:00:00'");
    assert!(one(&house).contains("1 as pbkdf2_sha256$9"));
}

fn times_of_the_future_show_an_app_without_use_tz(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let later = chrono::Utc::now() + chrono::TimeDelta::hours(9);
    let later = later.format("%Y-%m-%d %H:%M:%S").to_string();
    home.execute(&format!("UPDATE auth_user SET last_login = '{later}'"));
    assert!(one(&house).contains("USE_TZ = True"));
}

/// Signed now, and to end in two weeks by a clock that is nine hours ahead, or eight behind.
fn an_app_without_use_tz_shows_in_the_ends_of_its_sessions(home: &Home) {
    let house = home.open("notes");
    let session = Session::default();
    session.insert("a", 1).unwrap();
    house.save(&session).unwrap();
    assert_eq!(troubles(&house), NONE);
    for hours in [9, -8] {
        let end = chrono::Utc::now() + chrono::TimeDelta::hours(14 * 24 + hours);
        let end = end.format("%Y-%m-%d %H:%M:%S").to_string();
        home.execute(&format!("UPDATE django_session SET expire_date = '{end}'"));
        let text = one(&house);
        assert!(text.contains("1 of the 1 sessions") && text.contains("USE_TZ = True"), "{text}");
    }
}

fn sessions_of_another_key_are_counted_with_their_apps(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    login(&house, "ada");
    let data = home.text("SELECT session_data FROM django_session");
    let signer = housekey::signing::ObjectSigner::new(
        &housekey::KeyRing::new(housekey::SecretKey::new(OTHER_KEY).unwrap()),
        "django.contrib.sessions.SessionStore",
    );
    let other =
        signer.dumps(&[("a", 1)].iter().copied().collect::<Map>(), chrono::Utc::now()).unwrap();
    home.execute(&format!("UPDATE django_session SET session_data = '{other}'"));
    let text = one(&house);
    assert!(text.contains("1 of the 1 sessions") && text.contains("(begun in: notes)"), "{text}");
    assert!(!text.contains(&other) && !text.contains(&data));

    // What has ended says nothing of the keys in use.
    let end = home.text("SELECT CAST(expire_date AS text) FROM django_session");
    home.execute("UPDATE django_session SET expire_date = '2020-01-01 00:00:00'");
    assert_eq!(troubles(&house), NONE);
    home.execute(&format!("UPDATE django_session SET expire_date = '{end}'"));

    home.execute("DELETE FROM housekey_session");
    assert!(one(&house).contains("(begun in: a Django app)"));
}

type Map = std::collections::BTreeMap<&'static str, i32>;

fn a_user_model_of_ones_own_is_told(home: &Home) {
    let house = home.open("notes");
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (900, 'accounts', 'user')",
    );
    let text = one(&house);
    assert!(text.contains("accounts.user") && text.contains("AUTH_USER_MODEL"), "{text}");

    let session = Session::default();
    session.insert("a", 1).unwrap();
    house.save(&session).unwrap();
}

fn a_database_without_auth_user_is_not_taken_for_ours(home: &Home) {
    home.execute(
        "CREATE TABLE django_migrations (id integer PRIMARY KEY, app varchar(255), name varchar(255));
         INSERT INTO django_migrations VALUES (1, 'auth', '0001_initial')",
    );
    let error = housekey::migrate(&home.config("notes")).unwrap_err();
    assert!(matches!(error, Error::OtherUserModel), "{error:?}");
    assert!(error.to_string().contains("AUTH_USER_MODEL"));
}
