//! Signing in and out over HTTP: `AuthSession`, with forms as a login page posts them.

use std::net::SocketAddr;

use crate::support::fronts::{Framework, on_each_front};
use crate::support::server::{Answer, CSRF_SECRET, send, visit};
use crate::support::{Home, PASSWORD, login, user, whoami};

on_each_front!(
    a_login_opens_a_session_and_leads_on,
    a_wrong_password_opens_nothing,
    a_logout_ends_the_session,
    a_new_password_ends_the_other_sessions,
);

fn post(app: SocketAddr, path: &str, session: &str, fields: &[(&str, &str)]) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    body.extend_pairs(fields).append_pair("csrfmiddlewaretoken", CSRF_SECRET);
    let cookies = format!("csrftoken={CSRF_SECRET}; sessionid={session}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    send("POST", app, path, &[("cookie", &cookies), kind], &body.finish())
}

fn a_login_opens_a_session_and_leads_on(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    // Somebody else may have set the cookie before.
    let before = visit(app, "/set", "", "").cookie().unwrap();
    let credentials = [("username", "ada"), ("password", PASSWORD), ("next", "/a?b=ä")];
    let answer = post(app, "/login?next=/query", &before, &credentials);
    assert_eq!((answer.status, answer.header("location")), (303, Some("/a?b=%C3%A4")));
    let key = answer.cookie().unwrap();
    assert_ne!(key, before);
    assert_eq!(visit(app, "/three", &key, "").body, "ada");
    assert_eq!(visit(app, "/session", &key, "").body, "Some(2)", "what was in it goes along");
    assert_eq!(visit(app, "/session", &before, "").body, "None");
    let answer = post(
        app,
        "/login",
        "",
        &[("username", "ada"), ("password", PASSWORD), ("next", "//evil.example")],
    );
    assert_eq!(answer.header("location"), Some("/"));
}

fn a_wrong_password_opens_nothing(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    for (name, password) in
        [("ada", "wrong"), ("ada", ""), ("eve", PASSWORD), ("", ""), ("a\0", "\0")]
    {
        let answer = post(app, "/login?next=/a", "", &[("username", name), ("password", password)]);
        assert_eq!((answer.status, answer.header("location")), (303, Some("/a")));
        assert_eq!(answer.cookie(), None, "{name:?}");
    }
    assert_eq!(home.sessions(), 0);
}

fn a_logout_ends_the_session(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    let (key, other) = (login(&house, "ada"), login(&house, "ada"));
    let answer = post(app, "/logout", &key, &[]);
    assert_eq!((answer.status, answer.cookie().as_deref()), (200, Some("")));
    assert_eq!(visit(app, "/", &key, "").body, "nobody");
    assert_eq!(visit(app, "/", &other, "").body, "ada");
    // Once more, and by nobody.
    assert_eq!(post(app, "/logout", &key, &[]).status, 200);
    assert_eq!(post(app, "/logout", "", &[]).status, 200);
}

fn a_new_password_ends_the_other_sessions(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    let (key, other) = (login(&house, "ada"), login(&house, "ada"));
    let change = |key: &str, old: &str| {
        post(app, "/password", key, &[("old", old), ("new", "another good one")])
    };
    assert_eq!(change(&key, "wrong").body, "false");
    assert_eq!(change("", PASSWORD).body, "false");
    assert!(whoami(&house, &other).is_ok());
    let answer = change(&key, PASSWORD);
    assert_eq!((answer.status, answer.body.as_str()), (200, "true"));
    let new = answer.cookie().unwrap();
    assert_eq!(visit(app, "/", &new, "").body, "ada");
    assert_eq!(visit(app, "/", &other, "").body, "nobody");
}
