//! From where a user has signed in is written down with the login; what a visitor says of itself is data.

use housekey::{Config, Session};

use crate::support::fronts::{Framework, on_each_front};
use crate::support::server::{CSRF_SECRET, send};
use crate::support::{Home, House, PASSWORD, login_in, on_both_databases, user};

on_each_front!(the_address_is_the_connections, behind_a_proxy_it_is_what_the_proxy_says,);
on_both_databases!(
    what_a_visitor_says_is_cut_and_stored_as_it_is,
    a_session_that_goes_on_under_a_new_key_keeps_it,
);

/// Address and agent of a login that was sent with these headers.
fn written(
    framework: Framework,
    home: &Home,
    config: Config,
    headers: &[(&str, &str)],
) -> (String, String) {
    let house = home.open_with(config);
    if house.find_user("ada").unwrap().is_none() {
        user(&house, "ada");
    }
    let app = framework.serve(&house);
    let token = format!("csrftoken={CSRF_SECRET}");
    let mut all = vec![("cookie", token.as_str()), ("x-csrftoken", CSRF_SECRET)];
    all.extend(headers);
    home.execute("DELETE FROM housekey_session");
    assert_eq!(send("POST", app, "/login-behind", &all, "").status, 200);
    stored(home)
}

fn stored(home: &Home) -> (String, String) {
    let of = |column: &str| home.text(&format!("SELECT {column} FROM housekey_session"));
    (of("address"), of("agent"))
}

fn the_address_is_the_connections(framework: Framework, home: &Home) {
    // Nobody is believed who has not been named.
    let headers = [("x-real-ip", "192.0.2.1"), ("user-agent", "Lynx/2.9")];
    let expected = ("127.0.0.1".to_owned(), "Lynx/2.9".to_owned());
    assert_eq!(written(framework, home, home.config("notes"), &headers), expected);
}

fn behind_a_proxy_it_is_what_the_proxy_says(framework: Framework, home: &Home) {
    for (lines, expected) in [
        (&["192.0.2.7"][..], "192.0.2.7"),
        (&["2001:DB8::7"], "2001:db8::7"),
        (&["203.0.113.9, 192.0.2.7"], "192.0.2.7"),
        (&["203.0.113.9", "198.51.100.1 ,192.0.2.7 "], "192.0.2.7"),
        (&["192.0.2.7, unknown"], ""),
        (&["192.0.2.7; DROP TABLE"], ""),
        (&[""], ""),
        (&[], ""),
    ] {
        // As a name of WSGI's, which Django's settings have.
        let config = home.config("notes").client_address_header("HTTP_X_FORWARDED_FOR");
        let headers: Vec<_> = lines.iter().map(|line| ("x-forwarded-for", *line)).collect();
        assert_eq!(written(framework, home, config, &headers).0, expected, "{lines:?}");
    }
}

#[test]
fn a_header_that_cannot_be_one_is_told() {
    let home = Home::sqlite();
    home.open("notes");
    for name in ["", "a b", "X-Real-IP:", "ä"] {
        let refused = House::open(home.config("notes").client_address_header(name)).unwrap_err();
        let told = refused.to_string();
        assert!(told.starts_with("CLIENT_ADDRESS_HEADER names no header"), "{told}");
    }
}

fn what_a_visitor_says_is_cut_and_stored_as_it_is(home: &Home) {
    let house = home.open("notes");
    user(&house, "ada");
    let agent = format!("<b>'; --\0\n{}", "ü".repeat(300));
    let session = Session::default();
    session.came_from(Some("::ffff:192.0.2.7".parse().unwrap()), &agent);
    login_in(&house, &session, "ada");
    let expected = format!("<b>'; --\n{}", "ü".repeat(191));
    assert_eq!(stored(home), ("192.0.2.7".to_owned(), expected));
    house.logout(&session).unwrap();
    login_in(&house, &session, "ada");
    assert_eq!(stored(home).0, "192.0.2.7", "the same visitor signs in again");
}

fn a_session_that_goes_on_under_a_new_key_keeps_it(home: &Home) {
    let house = home.open("notes");
    let ada = user(&house, "ada");
    let session = Session::default();
    session.came_from(Some("192.0.2.7".parse().unwrap()), "Lynx");
    login_in(&house, &session, "ada");
    assert!(house.change_password(&session, &ada, PASSWORD, "another one").unwrap());
    assert_eq!(stored(home), ("192.0.2.7".to_owned(), "Lynx".to_owned()));
}
