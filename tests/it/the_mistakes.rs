//! Each mistake that has cost somebody a day is named by a check, with what to do.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::{Caretaker, Checkup, Config, Level, Profile, check, check_against, permissions};

use crate::support::apps::{App, Browser};
use crate::support::django::Version::V5_2;
use crate::support::log::said_of;
use crate::support::{Home, House, KEY, OTHER_KEY, on_both_databases, user};

on_both_databases!(
    users_are_routed_and_sessions_are_not,
    a_rust_app_has_another_key,
    a_django_app_has_another_key,
    the_apps_call_their_cookies_differently,
    a_django_app_calls_its_cookie_differently,
    the_domain_of_the_cookie_does_not_cover_the_hosts,
    rows_of_content_types_were_copied,
    an_app_stands_in_another_house,
    the_two_urls_are_swapped,
    an_app_makes_a_house_of_its_own,
);

/// The trouble of that topic, when it is the only one of its level in the house.
#[track_caller]
fn error(checkup: &Checkup, topic: &str) -> String {
    let errors: Vec<_> =
        checkup.findings.iter().filter(|finding| finding.level == Level::Error).collect();
    let [one] = errors[..] else { panic!("{errors:?}") };
    assert_eq!(one.topic, topic, "{one}");
    assert!(!one.remedy.is_empty(), "{one}");
    one.to_string()
}

/// Nothing is to be told, but what the server of the tests deserves itself.
#[track_caller]
fn is_well(checkup: &Checkup) {
    let troubles: Vec<_> =
        checkup.troubles().filter(|it| !["role", "durability"].contains(&it.topic)).collect();
    assert!(troubles.is_empty(), "{troubles:?}");
}

#[track_caller]
fn says(text: &str, words: &[&str]) {
    assert!(!text.contains('\n'), "{text}");
    for word in words {
        assert!(text.contains(word), "no {word:?} in: {text}");
    }
}

fn document(app: &App) -> Profile {
    Profile::from_json(&Browser::new().get(app, "/housekey.json").text).unwrap()
}

/// The settings of an app, as it reads them from its environment.
fn settings(home: &Home, app: &str, more: &[(&str, &str)]) -> Config {
    let (shared, local) = (home.shared_url(), home.local_url(app));
    let base = [
        ("SHARED_DATABASE_URL", shared.as_str()),
        ("DATABASE_URL", &local),
        ("SECRET_KEY", KEY),
        ("APP_NAME", app),
        ("PASSWORD_ITERATIONS", "10"),
    ];
    let find = |name: &str| {
        let found = more.iter().chain(&base).find(|(known, _)| *known == name);
        found.map(|(_, value)| (*value).to_owned())
    };
    Config::from_vars(find).unwrap()
}

fn users_are_routed_and_sessions_are_not(home: &Home) {
    user(&home.open("notes"), "ada");
    let half = [("NOT_SHARED", "sessions")];
    let Some(django) = App::django_with(home, "wiki", V5_2, &half) else { return };
    Browser::new().sign_in(&django, "ada");

    // Who looks with the settings of that app sees its sessions where they should not be.
    let text = error(&check(&home.config("wiki")), "local");
    says(&text, &["the local database keeps 1 living sessions", "route `sessions`"]);
    // And the app tells it of itself.
    let text = error(&check_against(&home.config("notes"), &document(&django)), "app");
    let fact = "app `wiki` has its users in the database `shared`, and its sessions in `default`";
    says(&text, &[fact, "route `sessions` as `auth`"]);
}

fn a_rust_app_has_another_key(home: &Home) {
    home.open("notes");
    let [ours, theirs] = [KEY, OTHER_KEY]
        .map(|key| housekey::SecretKey::new(key).unwrap().fingerprint().to_string());
    let wrong = home.config_with_key("tasks", OTHER_KEY);
    let text = error(&check(&wrong), "key");
    says(&text, &[&ours, &theirs, "`notes`", "set SECRET_KEY to the key that `notes` has"]);
    // The app itself says the same and stops.
    let refused = House::open(wrong).unwrap_err().to_string();
    says(&refused, &[&ours, &theirs, "`notes`", "set SECRET_KEY of `tasks`"]);
}

fn a_django_app_has_another_key(home: &Home) {
    user(&home.open("notes"), "ada");
    let other = [("SECRET_KEY", OTHER_KEY)];
    let Some(django) = App::django_with(home, "wiki", V5_2, &other) else { return };
    Browser::new().sign_in(&django, "ada");
    let text = error(&check(&home.config("notes")), "sessions");
    let fact =
        "1 of the 1 sessions that last longest are signed by a key that this app does not have";
    says(&text, &[fact, "a Django app", "the same SECRET_KEY"]);
    let text = error(&check_against(&home.config("notes"), &document(&django)), "app");
    says(
        &text,
        &["app `wiki` has the SECRET_KEY", "set its SECRET_KEY to the key that `notes` has"],
    );
}

fn the_apps_call_their_cookies_differently(home: &Home) {
    home.open("notes");
    let other = settings(home, "tasks", &[("SESSION_COOKIE_NAME", "tasksid")]);
    home.open_with(other);
    let text = error(&check(&home.config("notes")), "cookies");
    says(&text, &["SESSION_COOKIE_NAME is sessionid in `notes`; tasksid in `tasks`"]);
    says(&text, &["set the same SESSION_COOKIE_NAME in every app"]);
}

fn a_django_app_calls_its_cookie_differently(home: &Home) {
    user(&home.open("notes"), "ada");
    let other = [("SESSION_COOKIE_NAME", "wikiid")];
    let Some(django) = App::django_with(home, "wiki", V5_2, &other) else { return };
    let text = error(&check_against(&home.config("notes"), &document(&django)), "cookies");
    says(&text, &["sessionid in `notes`; wikiid in `wiki`"]);

    // Who has nothing but the browser's header finds it as well.
    let mut browser = Browser::new();
    browser.sign_in(&django, "ada");
    let header = browser.jar.iter().map(|(name, value)| format!("{name}={value}"));
    let header = header.collect::<Vec<_>>().join("; ");
    let why = Caretaker::open(home.config("operator")).unwrap().why(&header).unwrap();
    let reason = why.verdict.unwrap_err();
    says(&reason, &["there is no cookie named \"sessionid\"", "SESSION_COOKIE_NAME=\"wikiid\""]);
    assert!(!reason.contains(&browser.jar["wikiid"]));
}

fn the_domain_of_the_cookie_does_not_cover_the_hosts(home: &Home) {
    let open = |app, url, domain| {
        let more = [("PUBLIC_URL", url), ("SESSION_COOKIE_DOMAIN", domain)];
        home.open_with(settings(home, app, &more));
    };
    open("notes", "https://notes.example.org:8001", "");
    open("tasks", "https://tasks.example.org:8002/", "");
    let text = error(&check(&home.config("notes")), "hosts");
    says(&text, &["`notes` at notes.example.org, `tasks` at tasks.example.org"]);
    says(&text, &["set SESSION_COOKIE_DOMAIN=example.org in every app"]);

    open("notes", "https://notes.example.org", "example.org");
    open("tasks", "https://tasks.example.org", "example.org");
    is_well(&check(&home.config("notes")));

    open("notes", "https://notes.example.com", "example.com");
    open("tasks", "https://tasks.example.com", "example.com");
    home.open_with(settings(home, "wiki", &[("PUBLIC_URL", "https://wiki.example.org")]));
    let checkup = check(&home.config("notes"));
    let hosts: Vec<_> = checkup.troubles().filter(|trouble| trouble.topic == "hosts").collect();
    assert!(hosts.len() == 1 && hosts[0].remedy.contains("under one parent domain"), "{hosts:?}");

    // A dot before it is taken away, and its letters are made small (RFC 6265, section 5.2.3).
    home.execute("DELETE FROM housekey_app");
    open("notes", "https://notes.example.org", "example.org");
    open("tasks", "https://tasks.example.org", ".Example.org");
    is_well(&check(&home.config("notes")));

    // Browsers take no cookie for a domain that the host is not in, and none for an address.
    home.execute("DELETE FROM housekey_app");
    open("notes", "https://notes.example.org", "example.com");
    let checkup = check(&home.config("notes"));
    let refused = checkup.troubles().find(|trouble| trouble.topic == "hosts").unwrap().to_string();
    says(
        &refused,
        &["is at notes.example.org, where browsers refuse a cookie of the domain example.com"],
    );
    home.execute("DELETE FROM housekey_app");
    open("notes", "https://10.0.0.1:8001", "");
    open("tasks", "https://10.0.0.1:8002", "");
    // Ports are no matter.
    is_well(&check(&home.config("notes")));
}

fn rows_of_content_types_were_copied(home: &Home) {
    let models = permissions! { "shop": Order { add, change, view } "blog": Post { add, "pin_post" = "Can pin" } };
    home.open_with(home.config("shop").permissions(models.clone()));
    is_well(&check(&home.config("shop").permissions(models.clone())));
    // The database that they were copied from had numbered its models otherwise.
    let [order, post] = ["order", "post"].map(|model| {
        home.count(&format!(
            "SELECT CAST(id AS bigint) FROM django_content_type WHERE model = '{model}'"
        ))
    });
    home.execute(&format!(
        "UPDATE auth_permission SET content_type_id = {post} WHERE codename IN ('change_order', 'view_order')"
    ));
    home.execute(&format!(
        "UPDATE auth_permission SET content_type_id = {order} WHERE codename = 'add_post'"
    ));
    let text = error(&check(&home.config("shop").permissions(models)), "permissions");
    says(&text, &["3 permissions hang on another model than they are about", "were copied here"]);
    says(&text, &["ids are never copied"]);
}

fn an_app_stands_in_another_house(home: &Home) {
    let notes = home.open("notes");
    let mut theirs = notes.profile().unwrap();
    assert!(check_against(&home.config("notes"), &theirs).is_well());
    theirs.house = Some("another".to_owned());
    "tasks".clone_into(&mut theirs.app);
    let text = error(&check_against(&home.config("notes"), &theirs), "app");
    says(&text, &["app `tasks` stands in another house", "SHARED_DATABASE_URL"]);
}

fn the_two_urls_are_swapped(home: &Home) {
    user(&home.open("notes"), "ada");
    let (shared, local) = (home.shared_url(), home.local_url("swapped"));
    let urls = [("SHARED_DATABASE_URL", local.as_str()), ("DATABASE_URL", &shared)];
    let swapped = || settings(home, "swapped", &urls);
    housekey::migrate(&swapped()).unwrap();
    let checkup = check(&swapped());
    let trouble = checkup.troubles().find(|finding| finding.topic == "local").unwrap();
    says(&trouble.to_string(), &["is a house by itself", "are not swapped"]);
    if !home.is_postgres() {
        let said = said_of("swapped", || drop(House::open(swapped()).unwrap()));
        let of_it = said.iter().filter(|line| line.contains("is a house by itself"));
        assert_eq!(of_it.count(), 1, "{said:?}");
    }
}

/// As by a path that is relative, or has a letter too few.
fn an_app_makes_a_house_of_its_own(home: &Home) {
    let names = if home.is_postgres() { ["first-pg", "second-pg"] } else { ["first", "second"] };
    let makes = names.map(|app| {
        let said = said_of(app, || drop(housekey::migrate(&home.config(app)).unwrap()));
        said.iter().any(|line| line.contains("a new house was made"))
    });
    assert_eq!(makes, [true, false]);
    let name = home.text("SELECT value FROM housekey_setting WHERE name = 'HOUSE'");
    let checkup = check(&home.config(names[1]));
    assert!(checkup.findings.iter().any(|it| it.topic == "database" && it.fact.contains(&name)));
}

/// `BEGIN`, and then a long thought: whoever wants to write waits, and gives up.
#[test]
fn another_program_keeps_the_sqlite_file_locked() {
    let home = Home::sqlite();
    home.open("notes");
    let config = || home.config("notes").deadline(Duration::from_millis(50));
    assert!(check(&config()).is_well());
    let file = home.folder().join("shared.db");
    let mut other = SqliteConnection::establish(file.to_str().unwrap()).unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let text = error(&check(&config()), "writers");
    says(&text, &["another program holds the write lock", "\"transaction_mode\": \"IMMEDIATE\""]);
    says(&text, &["a house of many writers wants PostgreSQL"]);
    other.batch_execute("ROLLBACK").unwrap();
    assert!(check(&config()).is_well());
}

#[test]
fn two_hosts_write_one_sqlite_file() {
    let home = Home::sqlite();
    home.open("notes");
    home.open("tasks");
    home.execute("UPDATE housekey_app SET host = 'attic' WHERE app = 'tasks'");
    let text = error(&check(&home.config("notes")), "apps");
    says(&text, &["apps on 2 hosts", "attic", "move the house to PostgreSQL"]);
}
