//! A house changes its key in three steps, and none is taken while an app would sign its users out by it.

use housekey::{Caretaker, Config, Error, KeyState, Profile, SecretKey, Seen, SignOut};

use crate::support::{Home, House, KEY, OTHER_KEY, cookie, login, on_both_databases, user, whoami};

on_both_databases!(
    three_steps_sign_nobody_out,
    no_key_signs_that_an_app_does_not_verify,
    an_app_with_the_next_key_alone_is_refused,
    a_retired_key_lets_nobody_in,
    a_key_is_kept_while_a_session_needs_it,
    sessions_of_the_coming_key_are_left_alone,
    a_request_with_the_old_session_key_finds_the_session,
    an_app_that_is_gone_holds_nobody_up,
    an_app_that_does_not_report_is_asked,
    the_operator_has_the_next_key_as_well,
    the_first_step_is_taken_once,
);

fn key(text: &str) -> SecretKey {
    SecretKey::new(text).unwrap()
}

/// An app that signs with the first key and verifies the second.
fn both(home: &Home, app: &str, signs: &str, verifies: &str) -> Config {
    home.config_with_key(app, signs).fallback_key(key(verifies))
}

fn keeper(home: &Home) -> Caretaker {
    Caretaker::open(both(home, "operator", OTHER_KEY, KEY)).unwrap()
}

fn states(keeper: &Caretaker) -> Vec<(String, KeyState)> {
    let keys = keeper.keys().unwrap().into_iter();
    let mut states: Vec<_> = keys.map(|key| (key.fingerprint, key.state)).collect();
    states.sort_by_key(|(fingerprint, _)| *fingerprint != print(KEY));
    states
}

fn print(text: &str) -> String {
    key(text).fingerprint().to_string()
}

fn three_steps_sign_nobody_out(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let mut cookies = vec![login(&notes, "ada")];
    let keeper = keeper(home);

    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    let [old, new] = [print(KEY), print(OTHER_KEY)];
    let expected = [(old.clone(), KeyState::Signing), (new.clone(), KeyState::Staged)];
    assert_eq!(states(&keeper), expected);
    let notes = home.open_with(both(home, "notes", KEY, OTHER_KEY));
    let tasks = home.open_with(both(home, "tasks", KEY, OTHER_KEY));
    cookies.push(login(&notes, "ada"));

    assert_eq!(keeper.promote_key(Seen::default(), &[]).unwrap(), new);
    let expected = [(old.clone(), KeyState::Retiring), (new.clone(), KeyState::Signing)];
    assert_eq!(states(&keeper), expected);
    // One app after the other changes over, and everybody is known at both all the time.
    let notes_after = home.open_with(both(home, "notes", OTHER_KEY, KEY));
    cookies.push(login(&notes_after, "ada"));
    for cookie in &cookies {
        assert_eq!(whoami(&notes_after, cookie), Ok("ada".to_owned()));
        assert_eq!(whoami(&tasks, cookie), Ok("ada".to_owned()));
    }
    let tasks_after = home.open_with(both(home, "tasks", OTHER_KEY, KEY));
    let moved = cookies.iter().map(|old| visit(&tasks_after, old)).collect::<Vec<_>>();
    assert_ne!(moved[0], cookies[0], "it was renewed");
    assert_eq!(moved[2], cookies[2], "it was under the new key already");

    let retired = keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap();
    assert_eq!(retired, std::slice::from_ref(&old));
    assert_eq!(states(&keeper), [(old, KeyState::Retired), (new, KeyState::Signing)]);
    let last = House::open(home.config_with_key("notes", OTHER_KEY)).unwrap();
    for cookie in &moved {
        assert_eq!(whoami(&last, cookie), Ok("ada".to_owned()));
    }
    assert_eq!(home.sessions(), 3);
}

/// A visit that ends as requests end: what is to be saved is saved. The cookie's value after it.
fn visit(house: &House, old: &str) -> String {
    let session = house.session(Some(old)).unwrap();
    assert_eq!(session.user().unwrap().username, "ada");
    house.save(&session).unwrap();
    cookie(&session)
}

fn no_key_signs_that_an_app_does_not_verify(home: &Home) {
    home.open("notes");
    home.open("wiki");
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));

    let refused = keeper.promote_key(Seen::default(), &[]).unwrap_err();
    let Error::KeyTooEarly { key, lacking, .. } = &refused else { panic!("{refused:?}") };
    assert_eq!((key, lacking.len()), (&print(OTHER_KEY), 1));
    assert!(lacking[0].starts_with("`wiki` on "), "{lacking:?}");
    let line = refused.to_string();
    assert!(
        line.contains("put it into SECRET_KEY_FALLBACKS there") && !line.contains('\n'),
        "{line}"
    );

    // Nor by an app that does not wait.
    let hasty = House::open(both(home, "notes", OTHER_KEY, KEY)).unwrap_err();
    assert!(matches!(hasty, Error::KeyTooEarly { .. }) && hasty.to_string().contains("`wiki`"));
    assert_eq!(keeper.keys().unwrap().len(), 2);
    let lives = home.text("SELECT state FROM housekey_key WHERE state <> 'staged'");
    assert_eq!(lives, "signing");

    home.open_with(both(home, "wiki", KEY, OTHER_KEY));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    // And the old key stays as long as one signs with it.
    home.open_with(both(home, "notes", OTHER_KEY, KEY));
    let refused = keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap_err();
    let Error::KeyInUse { signing, .. } = &refused else { panic!("{refused:?}") };
    assert!(signing.len() == 1 && signing[0].starts_with("`wiki` on "), "{signing:?}");
    assert!(refused.to_string().contains("set SECRET_KEY there"), "{refused}");
}

fn an_app_with_the_next_key_alone_is_refused(home: &Home) {
    home.open("notes");
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    let alone = home.config_with_key("tasks", OTHER_KEY);
    assert!(matches!(House::open(alone.clone()), Err(Error::KeyMismatch { .. })));
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    House::open(alone).unwrap();
    // Now the old key alone is what does not do.
    assert!(matches!(House::open(home.config("wiki")), Err(Error::KeyMismatch { .. })));
    House::open(both(home, "wiki", KEY, OTHER_KEY)).unwrap();
}

fn a_retired_key_lets_nobody_in(home: &Home) {
    home.open("notes");
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    home.open_with(both(home, "notes", OTHER_KEY, KEY));
    keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap();

    for config in [home.config("tasks"), both(home, "tasks", KEY, OTHER_KEY)] {
        let refused = House::open(config).unwrap_err();
        let Error::KeyRetired { app, house, registered_by, .. } = &refused else {
            panic!("{refused:?}")
        };
        assert_eq!(
            (app.as_str(), house, registered_by.as_str()),
            ("tasks", &print(OTHER_KEY), "notes")
        );
        assert!(refused.to_string().contains("set SECRET_KEY of `tasks`"), "{refused}");
    }
    let again = keeper.stage_key(&key(KEY)).unwrap_err().to_string();
    assert!(again.contains("retired in this house already"), "{again}");
    assert_eq!(home.count("SELECT count(*) FROM housekey_app"), 1, "nobody else was let in");
}

fn a_key_is_kept_while_a_session_needs_it(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let [used, idle] = [login(&notes, "ada"), login(&notes, "ada")];
    // As Django makes them: nothing in this session key tells of ours.
    let djangos = "abcdefghijklmnopqrstuvwxyz012345";
    home.execute(&format!(
        "UPDATE django_session SET session_key = '{djangos}' WHERE session_key = '{idle}'"
    ));
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    keeper.promote_key(Seen::default(), &[]).unwrap();
    let notes = home.open_with(both(home, "notes", OTHER_KEY, KEY));

    let held = |expected: usize| {
        let mut seen = 0;
        let refused =
            keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |count| seen = count);
        let refused = refused.unwrap_err();
        let Error::KeyInUse { sessions, .. } = &refused else { panic!("{refused:?}") };
        assert_eq!((*sessions, seen), (expected, 2));
        assert!(refused.to_string().contains(&format!("{expected} living sessions")), "{refused}");
    };
    held(2);
    visit(&notes, &used);
    held(1);
    // Without the old key nobody can tell.
    let blind = Caretaker::open(home.config_with_key("operator", OTHER_KEY)).unwrap();
    let refused = blind.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap_err();
    assert!(refused.to_string().starts_with("SECRET_KEY_FALLBACKS does not hold"), "{refused}");

    // Its signature is new, the stamp of the password is not: as a Django leaves it that saves a session without
    // asking for its user.
    let row = format!("SELECT session_data FROM django_session WHERE session_key = '{djangos}'");
    let salt = "django.contrib.sessions.SessionStore";
    let made_by =
        |text| housekey::signing::ObjectSigner::new(&housekey::KeyRing::new(key(text)), salt);
    let data: serde_json::Value = made_by(KEY).loads(&home.text(&row)).unwrap();
    let signed = made_by(OTHER_KEY).dumps(&data, chrono::Utc::now()).unwrap();
    home.execute(&format!(
        "UPDATE django_session SET session_data = '{signed}' WHERE session_key = '{djangos}'"
    ));
    held(1);
    keeper.retire_keys(Seen::default(), &[], SignOut::WhoeverIsLeft, |_| {}).unwrap();
}

/// Else an app that has not changed over and one that has would take turns to renew a session.
fn sessions_of_the_coming_key_are_left_alone(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let tasks = home.open_with(both(home, "tasks", KEY, OTHER_KEY));
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    // Not announced, but every app verifies it: that is enough.
    let notes = home.open_with(both(home, "notes", OTHER_KEY, KEY));
    let cookie = login(&notes, "ada");
    for _ in 0..2 {
        assert_eq!(visit(&tasks, &cookie), cookie);
        assert_eq!(visit(&notes, &cookie), cookie);
    }
    let session = tasks.session(Some(&cookie)).unwrap();
    session.insert("page", 2).unwrap();
    tasks.save(&session).unwrap();
    assert_eq!(notes.session(Some(&cookie)).unwrap().get("page"), Some(2));
    assert_eq!(home.count("SELECT count(*) FROM housekey_renewal"), 0);
}

/// A page asks for five things at once, and the first answer renews the session.
fn a_request_with_the_old_session_key_finds_the_session(home: &Home) {
    let notes = home.open("notes");
    user(&notes, "ada");
    let old = login(&notes, "ada");
    let notes = home.open_with(both(home, "notes", OTHER_KEY, KEY));
    let behind = home.open_with(both(home, "tasks", KEY, OTHER_KEY));
    let new = visit(&notes, &old);
    assert_ne!(new, old);
    for app in [&notes, &behind] {
        let late = app.session(Some(&old)).unwrap();
        assert_eq!(
            late.user().map(|user| user.username),
            Some("ada".to_owned()),
            "{late:?} {}",
            app.app_name()
        );
        assert_eq!(cookie(&late), new, "and is told the new key");
        late.insert("late", 1).unwrap();
        app.save(&late).unwrap();
    }
    assert_eq!(notes.session(Some(&new)).unwrap().get("late"), Some(1));
    assert_eq!(home.sessions(), 1);

    // The old key leads no further than the session lives, and not for long.
    notes.logout(&notes.session(Some(&new)).unwrap()).unwrap();
    assert!(whoami(&notes, &old).is_err());
    let (old, new) = {
        let before = House::open(both(home, "tasks", KEY, OTHER_KEY)).unwrap();
        let old = login(&before, "ada");
        (old.clone(), visit(&notes, &old))
    };
    home.execute("UPDATE housekey_renewal SET until = '2020-01-01 00:00:00'");
    assert!(whoami(&notes, &old).is_err());
    assert_eq!(whoami(&notes, &new), Ok("ada".to_owned()));
}

fn an_app_that_is_gone_holds_nobody_up(home: &Home) {
    home.open("notes");
    home.open("wiki");
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    assert!(keeper.promote_key(Seen::default(), &[]).is_err());
    assert_eq!(keeper.forget_app("wiki", Some("another host")).unwrap(), 0);
    home.execute("UPDATE housekey_app SET last_seen = '2020-01-01 00:00:00' WHERE app = 'wiki'");
    let names = |seen| -> Vec<String> {
        keeper.apps(seen).unwrap().into_iter().map(|app| app.app).collect()
    };
    assert_eq!(names(Seen::default()), ["notes"]);
    let ever = Seen(std::time::Duration::from_secs(20 * 365 * 24 * 3600));
    assert_eq!(names(ever), ["notes", "wiki"]);
    assert!(keeper.promote_key(ever, &[]).is_err());
    // A purge takes away what was not there for months, and no more.
    let days_ago = |days| {
        let time = chrono::Utc::now() - chrono::TimeDelta::days(days);
        let time = time.format("%Y-%m-%d %H:%M:%S");
        home.execute(&format!("UPDATE housekey_app SET last_seen = '{time}' WHERE app = 'wiki'"));
        keeper.purge_sessions(|_| {}).unwrap();
    };
    days_ago(80);
    assert_eq!(names(ever), ["notes", "wiki"]);
    days_ago(100);
    assert_eq!(names(ever), ["notes"]);
    home.open("wiki");
    assert_eq!(keeper.forget_app("wiki", None).unwrap(), 1);
    keeper.promote_key(ever, &[]).unwrap();
}

/// Django apps do not report; their documents tell.
fn an_app_that_does_not_report_is_asked(home: &Home) {
    let notes = home.open("notes");
    let keeper = keeper(home);
    keeper.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    let document = notes.profile().unwrap().to_json().replace("notes", "wiki");
    let told = |keys: &[&str]| {
        let mut wiki = Profile::from_json(&document).unwrap();
        wiki.keys = keys.iter().map(|key| print(key)).collect();
        [wiki]
    };
    let early = keeper.promote_key(Seen::default(), &told(&[KEY])).unwrap_err();
    assert!(
        matches!(&early, Error::KeyTooEarly { lacking, .. } if *lacking == ["`wiki`"]),
        "{early}"
    );
    keeper.promote_key(Seen::default(), &told(&[KEY, OTHER_KEY])).unwrap();
    home.open_with(both(home, "notes", OTHER_KEY, KEY));
    let retire =
        |others: &[_]| keeper.retire_keys(Seen::default(), others, SignOut::Nobody, |_| {});
    let early = retire(&told(&[KEY, OTHER_KEY])).unwrap_err();
    assert!(matches!(&early, Error::KeyInUse { signing, .. } if *signing == ["`wiki`"]), "{early}");
    retire(&told(&[OTHER_KEY, KEY])).unwrap();
}

/// Else the operator would be the first to be locked out.
fn the_operator_has_the_next_key_as_well(home: &Home) {
    home.open("notes");
    let blind = Caretaker::open(home.config("operator")).unwrap();
    blind.stage_key(&key(OTHER_KEY)).unwrap();
    home.open_with(both(home, "notes", KEY, OTHER_KEY));
    let refused = blind.promote_key(Seen::default(), &[]).unwrap_err().to_string();
    let words = format!("SECRET_KEY_FALLBACKS does not hold {} here", print(OTHER_KEY));
    assert!(refused.starts_with(&words), "{refused}");
    let keeper = Caretaker::open(both(home, "operator", KEY, OTHER_KEY)).unwrap();
    keeper.promote_key(Seen::default(), &[]).unwrap();
}

fn the_first_step_is_taken_once(home: &Home) {
    home.open("notes");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    let unannounced = keeper.promote_key(Seen::default(), &[]).unwrap_err().to_string();
    assert!(unannounced.contains("run `housekey key stage` first"), "{unannounced}");
    let none: [String; 0] = [];
    assert_eq!(keeper.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {}).unwrap(), none);
    let in_use = keeper.stage_key(&key(KEY)).unwrap_err().to_string();
    assert!(in_use.contains("signing in this house already"), "{in_use}");
    for _ in 0..2 {
        keeper.stage_key(&key(OTHER_KEY)).unwrap();
    }
    // Another one takes its place.
    let third = key(&housekey::key::generate());
    keeper.stage_key(&third).unwrap();
    let fingerprints: Vec<String> =
        keeper.keys().unwrap().into_iter().map(|key| key.fingerprint).collect();
    assert_eq!(fingerprints.len(), 2);
    assert!(fingerprints.contains(&third.fingerprint().to_string()));
}
