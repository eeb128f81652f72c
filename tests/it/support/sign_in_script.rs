//! What an app with accounts of its own promises its visitors, whichever crates keep its sessions: `ada` and `grace` with
//! the password `1`, and how often each has been there.

use std::net::SocketAddr;

use super::Home;
use super::jar::Jar;

pub(crate) fn signed_in(server: SocketAddr, name: &str) -> Jar {
    let mut jar = Jar::default();
    assert_eq!(jar.post(server, "/login", &format!("name={name}&password=1")).status, 204);
    jar
}

/// Both come, and both are signed in when they are handed on.
pub(crate) fn both_come(server: SocketAddr) -> [Jar; 2] {
    let mut ada = Jar::default();
    assert_eq!(ada.get(server, "/private").status, 401);
    assert_eq!(ada.post(server, "/login", "name=ada&password=2").status, 401);
    assert!(ada.is_empty(), "a visitor who leaves nothing has no session");

    assert_eq!(ada.get(server, "/count").body, "Visit 1");
    let mut before_login = ada.clone();
    assert_eq!(ada.post(server, "/login", "name=ada&password=1").status, 204);
    assert_eq!(ada.get(server, "/private").body, "Hello, ada");
    assert_eq!(ada.get(server, "/count").body, "Visit 2", "what the visitor had came along");
    assert_eq!(before_login.get(server, "/private").status, 401, "under another id");

    let mut grace = signed_in(server, "grace");
    assert_eq!(grace.get(server, "/count").body, "Visit 1");
    assert_eq!(grace.get(server, "/private").body, "Hello, grace");
    [ada, grace]
}

/// Two apps with the same store and the same cookie.
pub(crate) fn both_share_the_login_and_the_logout([notes, tasks]: [SocketAddr; 2], home: &Home) {
    let mut ada = signed_in(notes, "ada");
    let mut other_tab = ada.clone();
    assert_eq!(ada.get(tasks, "/private").body, "Hello, ada");
    assert_eq!(ada.get(tasks, "/count").body, "Visit 1");
    assert_eq!(ada.get(notes, "/count").body, "Visit 2");
    assert_eq!(ada.post(tasks, "/logout", "").status, 204);
    assert_eq!(other_tab.get(notes, "/private").status, 401);
    assert_eq!(home.sessions(), 0);
}

pub(crate) fn what_was_ended_elsewhere_is_quietly_over(server: SocketAddr, home: &Home) {
    for end in [
        "DELETE FROM django_session",
        "UPDATE django_session SET expire_date = '2026-01-01 00:00:00+00'",
        "UPDATE django_session SET session_data = 'of another key'",
    ] {
        let mut ada = signed_in(server, "ada");
        home.execute(end);
        assert_eq!(ada.get(server, "/private").status, 401, "{end}");
        assert_eq!(ada.get(server, "/count").body, "Visit 1", "{end}");
        assert_eq!(ada.get(server, "/count").body, "Visit 2", "{end}");
        assert_eq!(ada.post(server, "/login", "name=ada&password=1").status, 204, "{end}");
        assert_eq!(ada.get(server, "/private").body, "Hello, ada", "{end}");
    }
}
