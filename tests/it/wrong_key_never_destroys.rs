//! An app with another `SECRET_KEY` stops with one clear error, and takes nobody's session away.

use housekey::{Error, Rejected, SecretKey};

use crate::support::log::recorded;
use crate::support::{
    Home, House, KEY, OTHER_KEY, cookie, login, login_in, on_both_databases, user, whoami,
};

on_both_databases!(
    the_app_stops_with_one_error_that_names_both_keys,
    nothing_is_written_by_the_app_that_was_stopped,
    a_row_that_cannot_be_verified_is_never_written_or_deleted,
    the_first_app_of_two_at_once_decides,
    the_log_says_whose_row_cannot_be_read,
    what_another_key_has_left_is_ended_by_who_says_so,
    a_session_in_use_outlives_being_written_over,
);

fn the_app_stops_with_one_error_that_names_both_keys(home: &Home) {
    home.open("notes");
    let wrong = home.config_with_key("tasks", OTHER_KEY);
    let error = House::open(wrong.clone()).unwrap_err();
    let Error::KeyMismatch { app, ours, house, registered_by, .. } = &error else {
        panic!("{error:?}")
    };
    assert_eq!((app.as_str(), registered_by.as_str()), ("tasks", "notes"));
    assert_eq!(*ours, SecretKey::new(OTHER_KEY).unwrap().fingerprint());
    assert_eq!(*house, SecretKey::new(KEY).unwrap().fingerprint().to_string());

    let text = error.to_string();
    assert!(!text.contains('\n') && text.contains("set SECRET_KEY of `tasks`"), "{text}");
    for part in ["tasks", "notes", &ours.to_string(), house] {
        assert!(text.contains(part), "{part} in {text}");
    }
    assert!(!text.contains(KEY) && !text.contains(OTHER_KEY));
    let same_app = House::open(home.config_with_key("notes", OTHER_KEY)).unwrap_err().to_string();
    assert!(
        same_app.contains("set SECRET_KEY of `notes` to the key that it had before;"),
        "{same_app}"
    );
    assert!(same_app.ends_with("put the old one into SECRET_KEY_FALLBACKS"), "{same_app}");
    assert!(matches!(housekey::migrate(&wrong), Err(Error::KeyMismatch { .. })));

    // Another app that has the key is more help than itself.
    home.open("wiki");
    let text = House::open(home.config_with_key("notes", OTHER_KEY)).unwrap_err().to_string();
    assert!(text.contains("set SECRET_KEY of `notes` to the key that `wiki` has"), "{text}");
}

fn nothing_is_written_by_the_app_that_was_stopped(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let cookie = login(&notes, "ada");
    for _ in 0..3 {
        House::open(home.config_with_key("tasks", OTHER_KEY)).unwrap_err();
        housekey::migrate(&home.config_with_key("tasks", OTHER_KEY)).unwrap_err();
    }
    assert_eq!(home.count("SELECT count(*) FROM housekey_key"), 1);
    assert_eq!(home.sessions(), 1);
    assert_eq!(whoami(&notes, &cookie), Ok("ada".to_owned()));
}

/// An app that was let in with another key: here by emptying the registry, in a house of Django apps
/// because they register nothing.
fn a_row_that_cannot_be_verified_is_never_written_or_deleted(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let django_key = "abcdefghijklmnopqrstuvwxyz012345";
    let session = notes.session(None).unwrap();
    login_in(&notes, &session, "ada");
    home.execute(&format!(
        "UPDATE django_session SET session_key = '{django_key}'; DELETE FROM housekey_key"
    ));
    let row = home.text("SELECT session_data FROM django_session");
    let stranger = House::open(home.config_with_key("stranger", OTHER_KEY)).unwrap();

    assert_eq!(whoami(&stranger, &cookie(&session)), Err(Some(Rejected::UnknownKey)));
    let theirs = stranger.session(Some(django_key)).unwrap();
    assert_eq!(theirs.rejected(), Some(Rejected::BadSignature));
    theirs.insert("cart", 1).unwrap();
    stranger.save(&theirs).unwrap();
    let at_login = stranger.session(Some(django_key)).unwrap();
    login_in(&stranger, &at_login, "ada");
    stranger.logout(&stranger.session(Some(django_key)).unwrap()).unwrap();

    let untouched =
        format!("SELECT session_data FROM django_session WHERE session_key = '{django_key}'");
    assert_eq!(home.text(&untouched), row);
    assert_eq!(whoami(&notes, django_key), Ok("ada".to_owned()));
}

fn the_first_app_of_two_at_once_decides(home: &Home) {
    housekey::migrate(&home.config("setup")).unwrap();
    home.execute("DELETE FROM housekey_key");
    let opened: Vec<bool> = std::thread::scope(|scope| {
        let open = |app: &'static str, key| {
            scope.spawn(move || House::open(home.config_with_key(app, key)).is_ok())
        };
        let apps = [open("a", KEY), open("b", OTHER_KEY), open("c", KEY), open("d", OTHER_KEY)];
        apps.map(|app| app.join().unwrap()).into()
    });
    assert_eq!(home.count("SELECT count(*) FROM housekey_key"), 1);
    assert!(opened == [true, false, true, false] || opened == [false, true, false, true]);
}

/// What an app with another key makes of a session that it cannot read: Django keeps the session key and
/// writes its own data over the row.
fn write_over(home: &Home) -> String {
    let ring = housekey::KeyRing::new(SecretKey::new(OTHER_KEY).unwrap());
    let signer =
        housekey::signing::ObjectSigner::new(&ring, "django.contrib.sessions.SessionStore");
    let theirs = signer.dumps(&serde_json::json!({"cart": 1}), chrono::Utc::now()).unwrap();
    home.execute(&format!("UPDATE django_session SET session_data = '{theirs}'"));
    theirs
}

fn what_another_key_has_left_is_ended_by_who_says_so(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    login(&house, "ada");
    write_over(home);
    login(&house, "ada");
    let keeper = housekey::Caretaker::open(home.config("operator")).unwrap();
    // Not by a purge, nor by a new password: that ends what is known to be void.
    assert!(keeper.set_password("ada", crate::support::PASSWORD).unwrap());
    assert_eq!(home.sessions(), 1);
    let cookie = login(&house, "ada");
    assert_eq!(keeper.purge_sessions(|_| {}).unwrap(), 0);
    let is_told = || house.check().troubles().any(|trouble| trouble.topic == "sessions");
    assert!(is_told());
    assert_eq!(keeper.end_foreign_sessions().unwrap(), 1);
    assert_eq!(keeper.end_foreign_sessions().unwrap(), 0);
    assert!(!is_told());
    assert_eq!(whoami(&house, &cookie), Ok("ada".to_owned()));
    assert_eq!((home.sessions(), home.count("SELECT count(*) FROM housekey_session")), (1, 1));
}

fn the_log_says_whose_row_cannot_be_read(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let cookie = login(&house, "ada");
    write_over(home);
    let said = recorded(|| {
        assert_eq!(whoami(&house, &cookie), Err(Some(Rejected::BadSignature)));
    });
    let line = said.iter().find(|line| line.starts_with("WARN")).unwrap();
    let fact =
        "row signed by a key we do not have, fingerprint unknown; last app seen writing: `notes`";
    assert!(line.contains(fact) && line.contains("compare SECRET_KEY"), "{line}");
    let fingerprint = SecretKey::new(KEY).unwrap().fingerprint().to_string();
    assert!(line.contains(&fingerprint) && !line.contains(&cookie), "{line}");
}

fn a_session_in_use_outlives_being_written_over(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let old = login(&house, "ada");
    let session = house.session(Some(&old)).unwrap();
    let theirs = write_over(home);

    session.insert("page", 2).unwrap();
    house.save(&session).unwrap();
    let new = cookie(&session);
    assert_ne!(new, old);
    assert_eq!(whoami(&house, &new), Ok("ada".to_owned()));
    assert_eq!(house.session(Some(&new)).unwrap().get("page"), Some(2));
    let row = format!("SELECT session_data FROM django_session WHERE session_key = '{old}'");
    assert_eq!(home.text(&row), theirs, "what we cannot verify is not ours to change");
}
