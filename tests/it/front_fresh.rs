//! What is dangerous wants a login of the last minutes: `Fresh` asks for the password once more.

use std::net::SocketAddr;

use serde_json::json;

use crate::support::django::Django;
use crate::support::fronts::{Framework, on_each_front};
use crate::support::server::{BROWSER, request, visit};
use crate::support::{Home, PASSWORD, login, user};

on_each_front!(
    what_is_dangerous_wants_a_login_of_the_last_minutes,
    a_login_in_a_django_app_proves_nothing_here,
);

const CHALLENGE: &str = r#"Cookie realm="notes", cookie-name="sessionid""#;

/// As if the login had been so many minutes before.
fn move_logins_back(home: &Home, minutes: u32) {
    home.execute(&if home.is_postgres() {
        format!("UPDATE housekey_session SET created = created - interval '{minutes} minutes'")
    } else {
        format!("UPDATE housekey_session SET created = datetime(created, '-{minutes} minutes')")
    });
}

fn stale(app: SocketAddr, key: &str) {
    let answer = visit(app, "/fresh", key, BROWSER);
    let page = "/login?next=/fresh&reauthenticate=1";
    assert_eq!((answer.status, answer.header("location")), (303, Some(page)));
    let answer = visit(app, "/fresh", key, "application/json");
    // RFC 9470
    let challenge =
        format!(r#"{CHALLENGE}, error="insufficient_user_authentication", max_age=300"#);
    assert_eq!(answer.status, 401);
    assert_eq!(answer.headers("www-authenticate"), [challenge.as_str()]);
    assert_eq!(visit(app, "/is-fresh", key, "").body, "false");
    assert_eq!(visit(app, "/user", key, "").status, 200);
}

fn what_is_dangerous_wants_a_login_of_the_last_minutes(framework: Framework, home: &Home) {
    let house = home.open_with(home.config("notes").login_url("/login"));
    user(&house, "ada");
    let app = framework.serve(&house);
    let key = login(&house, "ada");
    let fresh = |key: &str| {
        assert_eq!(visit(app, "/fresh", key, BROWSER).body, "ada");
        assert_eq!(visit(app, "/is-fresh", key, "").body, "true");
    };
    fresh(&key);
    move_logins_back(home, 4);
    fresh(&key);
    move_logins_back(home, 2);
    stale(app, &key);
    assert_eq!(visit(app, "/asks-again?next=/fresh&reauthenticate=1", &key, "").body, "true true");
    assert_eq!(visit(app, "/asks-again?next=/fresh", &key, "").body, "true false");

    // Using it does not make it any fresher; a new login does.
    assert_eq!(visit(app, "/set", &key, "").status, 200);
    stale(app, &key);
    let again = request("POST", app, "/login-behind", &key).cookie().unwrap();
    assert_ne!(again, key);
    fresh(&again);
    for nobody in ["", "nonsense", &key] {
        let answer = visit(app, "/fresh", nobody, BROWSER);
        assert_eq!(answer.header("location"), Some("/login?next=/fresh"));
    }
}

fn a_login_in_a_django_app_proves_nothing_here(framework: Framework, home: &Home) {
    let house = home.open_with(home.config("notes").login_url("/login"));
    user(&house, "ada");
    let app = framework.serve(&house);
    let Some(mut django) = Django::start(home) else { return };
    let key = django.text("login", json!({"username": "ada", "password": PASSWORD}));
    stale(app, &key);
}
