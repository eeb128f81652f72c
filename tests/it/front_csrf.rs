//! No other site can send a form in a visitor's name: Django's rules, in front of every handler.

use std::net::SocketAddr;

use housekey::Config;

use crate::support::fronts::Framework;
use crate::support::fronts::on_both_frameworks;
use crate::support::server::{CSRF_SECRET, send};
use crate::support::{Home, House, login, user};

on_both_frameworks!(
    a_token_opens_as_field_or_header_and_nothing_else_does,
    a_form_with_files_has_its_token_before_them,
    what_the_browser_says_of_the_page_counts,
    another_origin_is_refused_unless_it_is_trusted,
    behind_a_proxy_that_ends_tls_the_referer_counts,
    https_is_known_by_djangos_name_of_the_header_or_once_for_all,
    a_login_changes_the_secret,
    what_changes_nothing_and_what_is_exempt_need_no_token,
    a_field_is_ready_for_a_form,
);

const FORM: (&str, &str) = ("content-type", "application/x-www-form-urlencoded");
const UPLOAD: (&str, &str) = ("content-type", "multipart/form-data; boundary=XX");

fn app(
    framework: Framework,
    home: &Home,
    change: impl FnOnce(Config) -> Config,
) -> (House, SocketAddr) {
    let house = home.open_with(change(home.config("notes")));
    if house.find_user("ada").unwrap().is_none() {
        user(&house, "ada");
    }
    let address = framework.serve(&house);
    (house, address)
}

/// The cookie's secret, as a browser sends it.
fn jar(secret: &str) -> (&'static str, String) {
    ("cookie", format!("csrftoken={secret}"))
}

fn status(app: SocketAddr, headers: &[(&str, &str)], body: &str) -> u16 {
    send("POST", app, "/public", headers, body).status
}

fn a_token_opens_as_field_or_header_and_nothing_else_does(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| config);
    let page = send("GET", app, "/token", &[], "");
    let line = page.set_cookie("csrftoken").unwrap();
    let secret = line.split([';', '=']).nth(1).unwrap();
    assert_eq!((secret.len(), page.body.len()), (32, 64), "Django's lengths");
    for attribute in ["Path=/", "SameSite=Lax", "Max-Age=31449600", "Expires="] {
        assert!(line.contains(attribute), "{line}");
    }
    assert!(!line.contains("HttpOnly"), "scripts send it in a header");
    assert_eq!(page.header("vary"), Some("Cookie"));
    assert_eq!(page.header("cache-control"), Some("private, no-store"));

    let cookie = jar(secret);
    let cookie = (cookie.0, cookie.1.as_str());
    let other = send("GET", app, "/token", &[cookie], "");
    assert_ne!(other.body, page.body, "each page has a mask of its own");
    assert!(other.set_cookie("csrftoken").unwrap().contains(secret));

    let body = |token: &str| format!("text=milk&csrfmiddlewaretoken={token}");
    for token in [page.body.as_str(), &other.body, secret] {
        assert_eq!(status(app, &[cookie, ("x-csrftoken", token)], "x"), 200);
        let answer = send("POST", app, "/public", &[cookie, FORM], &body(token));
        assert_eq!((answer.status, answer.body), (200, body(token)), "the handler gets it whole");
    }
    let wrong = CSRF_SECRET.repeat(2);
    for headers in [
        &[cookie, FORM][..],
        &[FORM, ("x-csrftoken", &page.body)],
        &[cookie, FORM, ("x-csrftoken", &wrong)],
        &[cookie, FORM, ("x-csrftoken", "short")],
        &[cookie, FORM, ("x-csrftoken", "ä")],
    ] {
        let answer = send("POST", app, "/public", headers, "text=milk");
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.body.starts_with("CSRF verification failed. "), "{}", answer.body);
    }
    assert_eq!(status(app, &[cookie, FORM, ("x-csrftoken", &page.body)], &body(&wrong)), 403);
    // As in Django, the last field of that name counts.
    let twice = format!("{}&csrfmiddlewaretoken={}", body(&wrong), page.body);
    assert_eq!(status(app, &[cookie, FORM], &twice), 200);
}

fn a_form_with_files_has_its_token_before_them(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| config);
    let cookie = jar(CSRF_SECRET);
    let cookie = (cookie.0, cookie.1.as_str());
    let part = |name: &str, text: &str| {
        format!("--XX\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{text}\r\n")
    };
    let (token, file) =
        (part("csrfmiddlewaretoken", CSRF_SECRET), part("file", &"f".repeat(100 << 10)));
    let body = format!("{token}{file}--XX--\r\n");
    let answer = send("POST", app, "/public", &[cookie, UPLOAD], &body);
    assert_eq!((answer.status, answer.body.len()), (200, body.len()));
    assert_eq!(status(app, &[cookie, UPLOAD], &format!("{file}{token}--XX--\r\n")), 403);
    assert_eq!(status(app, &[cookie, UPLOAD], &format!("{file}--XX--\r\n")), 403);
    // Its name without quotes, and another part that only speaks of it.
    let unquoted = part("csrfmiddlewaretoken", CSRF_SECRET).replace('"', "");
    assert_eq!(status(app, &[cookie, UPLOAD], &format!("{unquoted}--XX--\r\n")), 200);
    let talk = part("text", "name=\"csrfmiddlewaretoken\"\r\n\r\nhi");
    assert_eq!(status(app, &[cookie, UPLOAD], &format!("{talk}{token}--XX--\r\n")), 200);
    assert_eq!(status(app, &[cookie, UPLOAD], &format!("{talk}--XX--\r\n")), 403);
    let header = ("x-csrftoken", CSRF_SECRET);
    assert_eq!(status(app, &[cookie, UPLOAD, header], &format!("{file}--XX--\r\n")), 200);
}

fn what_the_browser_says_of_the_page_counts(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) =
        app(framework, &home, |config| config.csrf_trusted_origin("https://tasks.example"));
    let cookie = jar(CSRF_SECRET);
    let own = format!("http://{app}");
    let with = |more: &[(&str, &str)]| {
        let token = [(cookie.0, cookie.1.as_str()), ("x-csrftoken", CSRF_SECRET)];
        status(app, &[&token[..], more].concat(), "")
    };
    for (site, alone, with_own_origin) in [
        ("same-origin", 200, 200),
        ("none", 200, 200),
        ("same-site", 403, 403),
        ("cross-site", 403, 403),
        ("SAME-ORIGIN", 403, 403),
        ("", 403, 403),
    ] {
        let site = ("sec-fetch-site", site);
        assert_eq!(with(&[site]), alone, "{site:?}");
        assert_eq!(with(&[site, ("origin", &own)]), with_own_origin, "{site:?}");
        // An origin that was named may be another site.
        assert_eq!(with(&[site, ("origin", "https://tasks.example")]), 200, "{site:?}");
        assert_eq!(with(&[site, ("origin", "https://evil.example")]), 403, "{site:?}");
        assert_eq!(send("GET", app, "/public", &[site], "").status, 200, "{site:?}");
    }
}

fn another_origin_is_refused_unless_it_is_trusted(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| {
        config
            .csrf_trusted_origin("https://tasks.example")
            .csrf_trusted_origin("https://*.house.example")
    });
    let own = format!("http://{app}");
    let own_but_https = format!("https://{app}");
    let cookie = jar(CSRF_SECRET);
    let cookie = (cookie.0, cookie.1.as_str());
    for (origin, expected) in [
        (own.as_str(), 200),
        ("https://tasks.example", 200),
        ("https://notes.house.example", 200),
        ("https://house.example", 200),
        (&own_but_https, 403),
        ("http://tasks.example", 403),
        ("https://evil.example", 403),
        ("https://house.example.evil.example", 403),
        ("null", 403),
        ("", 403),
    ] {
        let headers = [cookie, ("x-csrftoken", CSRF_SECRET), ("origin", origin)];
        assert_eq!(status(app, &headers, ""), expected, "{origin}");
    }
    let refused = send("POST", app, "/public", &[("origin", "https://evil.example")], "");
    let reason =
        "Origin checking failed - https://evil.example does not match any trusted origins.";
    assert_eq!(refused.body, format!("CSRF verification failed. {reason}\n"));
}

fn behind_a_proxy_that_ends_tls_the_referer_counts(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| {
        config.secure_proxy_ssl_header("X-Forwarded-Proto", "https")
    });
    let cookie = jar(CSRF_SECRET);
    let base =
        [(cookie.0, cookie.1.as_str()), ("x-csrftoken", CSRF_SECRET), ("host", "notes.example")];
    let with = |more: &[(&str, &str)]| status(app, &[&base[..], more].concat(), "");
    let https = ("x-forwarded-proto", "https");
    assert_eq!(with(&[]), 200, "by http nothing is asked for");
    assert_eq!(with(&[https]), 403);
    assert_eq!(with(&[https, ("referer", "https://notes.example/page")]), 200);
    assert_eq!(with(&[https, ("referer", "https://evil.example/notes.example")]), 403);
    assert_eq!(with(&[https, ("referer", "http://notes.example/page")]), 403);
    assert_eq!(with(&[https, ("origin", "https://notes.example")]), 200);
    assert_eq!(with(&[https, ("origin", "http://notes.example")]), 403);
}

fn https_is_known_by_djangos_name_of_the_header_or_once_for_all(framework: Framework) {
    let home = Home::sqlite();
    let cookie = jar(CSRF_SECRET);
    let base =
        [(cookie.0, cookie.1.as_str()), ("x-csrftoken", CSRF_SECRET), ("host", "notes.example")];
    let (http, https) = (("origin", "http://notes.example"), ("origin", "https://notes.example"));
    let (_, always) = app(framework, &home, Config::always_https);
    assert_eq!(status(always, &[&base[..], &[https]].concat(), ""), 200);
    assert_eq!(status(always, &[&base[..], &[http]].concat(), ""), 403);
    let (_, wsgi) = app(framework, &home, |config| {
        config.secure_proxy_ssl_header("HTTP_X_FORWARDED_PROTO ", "https")
    });
    let proxy = ("x-forwarded-proto", "https");
    assert_eq!(status(wsgi, &[&base[..], &[proxy, https]].concat(), ""), 200);
    assert_eq!(status(wsgi, &[&base[..], &[proxy, http]].concat(), ""), 403);

    for name in ["", "X Forwarded", "Größe"] {
        let config = home.config("bad").secure_proxy_ssl_header(name, "https");
        let error = House::open(config).unwrap_err().to_string();
        assert!(error.starts_with("SECURE_PROXY_SSL_HEADER names no header"), "{error}");
    }
}

fn a_login_changes_the_secret(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| config);
    let cookie = jar(CSRF_SECRET);
    let headers = [(cookie.0, cookie.1.as_str()), ("x-csrftoken", CSRF_SECRET)];
    let answer = send("POST", app, "/login-behind", &headers, "");
    assert!(answer.cookie().is_some());
    let line = answer.set_cookie("csrftoken").unwrap();
    assert!(!line.contains(CSRF_SECRET), "{line}");

    let answer = send("POST", app, "/login-and-show", &headers, "");
    let secret =
        answer.set_cookie("csrftoken").unwrap().split([';', '=']).nth(1).unwrap().to_owned();
    let (before, after) = answer.body.split_once(' ').unwrap();
    let cookie = jar(&secret);
    let opens = |token| status(app, &[(cookie.0, cookie.1.as_str()), ("x-csrftoken", token)], "");
    assert_eq!((opens(before), opens(after)), (403, 200));
}

fn what_changes_nothing_and_what_is_exempt_need_no_token(framework: Framework) {
    let home = Home::sqlite();
    let (house, app) = app(framework, &home, |config| config);
    for method in ["GET", "HEAD"] {
        let answer = send(method, app, "/public", &[("origin", "https://evil.example")], "");
        assert_eq!((answer.status, answer.set_cookie("csrftoken")), (200, None));
    }
    for method in ["POST", "PUT", "DELETE", "PATCH"] {
        assert_eq!(send(method, app, "/public", &[], "").status, 403, "{method}");
    }
    assert_eq!(
        send("POST", app, "/hook", &[("origin", "https://evil.example")], "event").body,
        "event"
    );

    // The refusal comes before anything is asked of the database, and touches no cookie.
    let cookie = format!("sessionid={}", login(&house, "ada"));
    let before = house.stats().shared.checkouts;
    let refused = send("POST", app, "/login-behind", &[("cookie", &cookie)], "");
    assert_eq!((refused.status, refused.header("set-cookie")), (403, None));
    assert_eq!(house.stats().shared.checkouts, before);
}

fn a_field_is_ready_for_a_form(framework: Framework) {
    let home = Home::sqlite();
    let (_, app) = app(framework, &home, |config| config);
    let field = send("GET", app, "/field", &[], "").body;
    let start = r#"<input type="hidden" name="csrfmiddlewaretoken" value=""#;
    assert!(field.starts_with(start) && field.ends_with("\">"), "{field}");
    // A cookie that is no secret is replaced, and does no harm.
    for bad in ["x", &"ä".repeat(32), &"a".repeat(5000)] {
        let cookie = format!("csrftoken={bad}");
        let page = send("GET", app, "/token", &[("cookie", &cookie)], "");
        assert_eq!((page.status, page.body.len()), (200, 64));
        assert_eq!(status(app, &[("cookie", &cookie), ("x-csrftoken", &page.body)], ""), 403);
    }
}

#[test]
fn a_trusted_origin_without_a_scheme_is_refused_at_the_start() {
    let home = Home::sqlite();
    home.open("setup");
    let config = home.config("notes").csrf_trusted_origin("tasks.example");
    let error = House::open(config).unwrap_err().to_string();
    assert!(
        error.starts_with("CSRF_TRUSTED_ORIGINS ") && error.contains("tasks.example"),
        "{error}"
    );
}
