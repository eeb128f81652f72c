//! Who guesses passwords over HTTP has to wait, whoever has been here before has not, and both are written down.

use std::net::SocketAddr;

use housekey::EventFilter;

use crate::support::fronts::{Framework, on_each_front};
use crate::support::server::{Answer, CSRF_SECRET, send, visit};
use crate::support::{Home, House, PASSWORD, login, user};

on_each_front!(
    who_guesses_is_told_to_wait_as_it_is_wanted,
    a_browser_that_knows_the_user_does_not_wait_for_strangers,
    what_is_refused_is_written_down,
);

fn sign_in(app: SocketAddr, name: &str, password: &str, more: (&str, &str)) -> Answer {
    let mut body = form_urlencoded::Serializer::new(String::new());
    let fields = [("username", name), ("password", password), ("csrfmiddlewaretoken", CSRF_SECRET)];
    let csrf = format!("csrftoken={CSRF_SECRET}");
    let kind = ("content-type", "application/x-www-form-urlencoded");
    let headers = [("cookie", csrf.as_str()), kind, more];
    send("POST", app, "/login", &headers, &body.extend_pairs(&fields).finish())
}

/// Until it is no longer looked at; how often it was.
fn guess(app: SocketAddr, name: &str) -> (usize, Answer) {
    for number in 0..50 {
        let answer = sign_in(app, name, "wrong", ("accept", "application/json"));
        if answer.status == 429 {
            return (number, answer);
        }
        assert_eq!(answer.status, 303, "{}", answer.body);
    }
    panic!("nobody is kept waiting")
}

fn who_guesses_is_told_to_wait_as_it_is_wanted(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    for name in ["ada", "nobody of that name"] {
        let (guesses, answer) = guess(app, name);
        assert_eq!(guesses, 10, "{name}");
        let wait: u64 = answer.header("retry-after").unwrap().parse().unwrap();
        assert!((1..=10).contains(&wait), "{wait}");
        assert_eq!(answer.header("content-type"), Some("application/problem+json"));
        let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
        assert_eq!(
            (&problem["status"], &problem["title"]),
            (&429.into(), &"Too many attempts".into())
        );
        assert_eq!(answer.cookie(), None);

        let page = sign_in(app, name, PASSWORD, ("accept", "text/html"));
        assert_eq!((page.status, page.cookie()), (429, None), "the right one waits as well");
        assert!(page.body.contains("<h1>Too many attempts</h1>"), "{}", page.body);
    }
}

fn known(answer: &Answer) -> &str {
    answer.set_cookie("housekey_device").unwrap_or_default()
}

fn a_browser_that_knows_the_user_does_not_wait_for_strangers(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    let first = sign_in(app, "ada", PASSWORD, ("accept", "*/*"));
    let line = known(&first);
    for attribute in ["HttpOnly", "Path=/", "SameSite=Lax", "Max-Age=31536000"] {
        assert!(line.contains(attribute), "{line}");
    }
    let device = line.split(';').next().unwrap().to_owned();

    assert_eq!(guess(app, "ada").0, 10);
    let with_device = ("cookie", device.as_str());
    let again = sign_in(app, "ada", PASSWORD, with_device);
    assert_eq!(again.status, 303);
    assert!(again.cookie().is_some());
    assert_eq!(known(&again), "", "it is known already");
    let forged = device.replace("housekey_device=1", "housekey_device=2");
    for stranger in [("cookie", forged.as_str()), ("cookie", "housekey_device=?")] {
        assert_eq!(sign_in(app, "ada", PASSWORD, stranger).status, 429);
    }
    user(&house, "grace");
    assert_ne!(known(&sign_in(app, "grace", PASSWORD, with_device)), "", "it is another's");
}

fn kinds(house: &House) -> Vec<(String, Option<String>, Option<String>)> {
    let events = house.events(&EventFilter::default()).unwrap();
    events.into_iter().map(|event| (event.kind, event.username, event.detail)).collect()
}

fn what_is_refused_is_written_down(framework: Framework, home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    let key = login(&house, "ada");
    assert_eq!(visit(app, "/permission", &key, "text/html").status, 403);
    assert_eq!(visit(app, "/required/staff", &key, "").status, 403);
    assert_eq!(send("POST", app, "/logout", &[("origin", "https://evil.example")], "").status, 403);
    assert_eq!(visit(app, "/user", "", "application/json").status, 401, "no event");

    let mut told = kinds(&house);
    told.retain(|(kind, ..)| kind == "permission_denied" || kind == "csrf_failed");
    let ada = || Some("ada".to_owned());
    let why = "Origin checking failed - https://evil.example does not match any trusted origins.";
    assert_eq!(
        told,
        [
            ("csrf_failed".to_owned(), None, Some(why.to_owned())),
            ("permission_denied".to_owned(), ada(), Some("is_staff".to_owned())),
            ("permission_denied".to_owned(), ada(), Some("notes.add_note".to_owned())),
        ]
    );
}
