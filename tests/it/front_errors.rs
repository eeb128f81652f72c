//! An error of the house is told in the form that is wanted, without what went wrong inside; what is not the house's
//! error goes out as the app has made it.

use crate::support::fronts::{Framework, on_both_frameworks};
use crate::support::server::{BROWSER, visit};
use crate::support::{Home, user};

on_both_frameworks!(
    each_error_has_its_status_and_its_form,
    what_the_app_adds_to_an_error_stays,
    a_middleware_inside_that_refuses_is_finished_like_a_handler,
);

fn each_error_has_its_status_and_its_form(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open("notes");
    user(&house, "ada");
    let app = framework.serve(&house);
    for (path, status, part) in [
        ("/error/gone", 400, "was ended elsewhere"),
        ("/error/value", 400, "cannot hold the value"),
        ("/error/user", 400, "Ada"),
        ("/error/taken", 400, "exists already"),
        ("/error/query", 500, "Something went wrong."),
        ("/error/panicked", 500, "Something went wrong."),
        ("/inside/ended", 400, "was ended elsewhere"),
    ] {
        for (accept, kind) in [
            (BROWSER, "text/html; charset=utf-8"),
            ("application/json", "application/problem+json"),
            ("*/*", "text/plain; charset=utf-8"),
        ] {
            let answer = visit(app, path, "", accept);
            assert_eq!(answer.status, status, "{path}");
            assert_eq!(answer.headers("content-type"), [kind], "{path}");
            assert_eq!(answer.headers("cache-control"), ["no-store"], "{path}");
            assert!(answer.body.contains(part), "{path}: {}", answer.body);
            for inner in ["nowhere", "secret", "on purpose", "sqlite", "<b>\"Ada"] {
                let is_text = accept != BROWSER && inner.starts_with("<b>");
                assert!(is_text || !answer.body.contains(inner), "{path}: {}", answer.body);
            }
            if accept == "application/json" {
                let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
                assert_eq!(problem["status"], status);
            }
        }
    }
}

fn what_the_app_adds_to_an_error_stays(framework: Framework) {
    let home = Home::sqlite();
    let app = framework.serve(&home.open("notes"));
    for accept in [BROWSER, "application/json", ""] {
        let answer = visit(app, "/error/with-more", "", accept);
        assert_eq!((answer.status, answer.headers("x-more")), (400, vec!["1"]));
        // Of the text that was replaced.
        assert_eq!(answer.header("content-language"), None);
        assert_eq!(answer.headers("content-type").len(), 1);

        let answer = visit(app, "/error/as-conflict", "", accept);
        assert_eq!(answer.status, 409);
        if accept == "application/json" {
            let problem: serde_json::Value = serde_json::from_str(&answer.body).unwrap();
            assert_eq!(problem["status"], 409);
        }
    }
}

fn a_middleware_inside_that_refuses_is_finished_like_a_handler(framework: Framework) {
    let home = Home::sqlite();
    let house = home.open("notes");
    let app = framework.serve(&house);
    let answer = visit(app, "/inside/teapot", "", "");
    assert_eq!((answer.status, answer.body.as_str()), (418, "short and stout"));
    assert_eq!(answer.headers("x-frame-options"), ["DENY"]);
    assert_eq!(answer.headers("vary"), ["Cookie"]);
    let key = answer.cookie().unwrap();
    assert_eq!(house.session(Some(&key)).unwrap().get::<u8>("page"), Some(1));
}
