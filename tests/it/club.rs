//! `tests/django/club` is the app with users of its own that other tests move: what it promises them.

use std::collections::BTreeSet;

use serde_json::json;

use crate::django_admin::submit;
use crate::support::apps::Browser;
use crate::support::club::{Club, whose};
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::{Home, PASSWORD, database, on_both_databases};

on_both_databases!(
    a_club_of_django_4_2_is_filled_and_serves,
    a_club_of_django_5_2_is_filled_and_serves,
    a_club_that_joined_a_house_serves,
    rows_say_whose_they_are,
    two_clubs_overlap,
);

fn a_club_of_django_4_2_is_filled_and_serves(home: &Home) {
    serves(home, V4_2);
}

fn a_club_of_django_5_2_is_filled_and_serves(home: &Home) {
    serves(home, V5_2);
}

fn serves(home: &Home, version: Version) {
    let url = home.another("club");
    let Some(club) = Club::fill(&url, version, &["--users", "40", "--reorder"]) else { return };
    let app = club.start();
    let mut browser = Browser::new();
    browser.sign_in(&app, "user00001");
    assert_eq!(browser.whoami(&app)["is_superuser"], true);
    for path in ["/admin/", "/admin/auth/user/", "/admin/club/article/"] {
        assert_eq!(browser.get(&app, path).status(), 200, "{path}");
    }
    let first = browser.get(&app, "/articles").json()["articles"][0].clone();
    assert_eq!(first, "00000 by user00001, nobody");

    // Somebody else has articles too.
    let reader = "SELECT min(u.username) FROM auth_user u JOIN club_article a ON a.author_id = u.id \
        WHERE u.username LIKE 'user%' AND u.username <> 'user00001' AND u.is_active \
            AND u.password NOT LIKE '!%'";
    let reader = database::text(&url, reader);
    browser.sign_in(&app, &reader);
    let who = browser.whoami(&app);
    assert_eq!((&who["username"], &who["is_superuser"]), (&json!(reader), &json!(false)));
    let titles = browser.get(&app, "/articles").json();
    let titles = titles["articles"].as_array().unwrap();
    let of_reader =
        |title: &serde_json::Value| title.as_str().unwrap().contains(&format!(" by {reader}, "));
    assert!(!titles.is_empty() && titles.iter().all(of_reader), "{titles:?}");
}

/// Its keys to users lead to the other database.
fn a_club_that_joined_a_house_serves(home: &Home) {
    home.open("setup").create_superuser("root", "", PASSWORD).unwrap();
    let url = home.another("club");
    let Some(club) = Club::at(&url, V5_2) else { return };
    let club = club.joined(&home.shared_url());
    let app = club.migrate_and_start();
    let mut browser = Browser::new();
    browser.sign_in(&app, "root");
    let author = browser.whoami(&app)["id"].clone();
    let fields = format!(
        "author={author}&editor={author}&title=Joined&created_0=2026-01-02&created_1=03:04:05\
         &price=1.50&rating=2&uuid=00000000-0000-0000-0000-000000000001&length=60&extra=null"
    );
    assert_eq!(submit(&mut browser, &app, "/admin/club/article/add/", &fields), 302);
    assert_eq!(browser.get(&app, "/articles").json(), json!({"articles": ["Joined"]}));
    let list = browser.get(&app, "/admin/club/article/").text;
    assert!(list.contains("Joined") && list.contains("field-written_by\">root<"), "{list}");
    let said = club.manage(&["makemigrations", "--check", "--dry-run"]);
    assert_eq!(said.trim(), "No changes detected");
}

/// That is how a test sees that a row went to somebody else.
fn rows_say_whose_they_are(home: &Home) {
    let url = home.another("club");
    let arguments = ["--users", "60", "--orphans", "4", "--unknown-table"];
    let Some(club) = Club::fill(&url, V5_2, &arguments) else { return };
    let before = whose(&url);
    assert!(before.iter().all(|(_, right, wrong)| *right > 0 && *wrong == 0), "{before:?}");
    // Every second user has a seat.
    assert!(before.contains(&("club_seat.user_id", 30, 0)));
    database::execute(&url, "UPDATE auth_user SET username = 'x' WHERE username = 'user00002'");
    assert!(whose(&url).contains(&("club_seat.user_id", 29, 1)));

    let strangers = "SELECT count(*) FROM club_comment \
        WHERE text = 'by nobody' AND author_id NOT IN (SELECT id FROM auth_user)";
    assert_eq!(database::count(&url, strangers), 4);
    let unknown = r#"SELECT count(*) FROM "Old ratings""#;
    assert_eq!(database::count(&url, unknown), 12);
    let said = club.manage(&["makemigrations", "--check", "--dry-run"]);
    assert_eq!(said.trim(), "No changes detected");
}

fn two_clubs_overlap(home: &Home) {
    let (one, two) = (home.another("one"), home.another("two"));
    let Some(_) = Club::fill(&one, V5_2, &["--users", "60"]) else { return };
    let arguments = ["--users", "60", "--start", "31", "--seed", "2", "--other-email", "10"];
    let Some(_) = Club::fill(&two, V5_2, &arguments) else { return };
    let people = |url: &str| {
        let rows = "SELECT string_agg(username || ' ' || email, ',') FROM auth_user";
        let rows = database::text(url, rows);
        rows.split(',').map(str::to_owned).collect::<BTreeSet<_>>()
    };
    let names = |people: &BTreeSet<String>| {
        people.iter().map(|row| row.split(' ').next().unwrap().to_owned()).collect::<BTreeSet<_>>()
    };
    let (one, two) = (people(&one), people(&two));
    assert_eq!((one.len(), two.len()), (60, 60));
    // 31 to 60 are in both, 31 to 40 with other addresses; 43 and 53 have none.
    assert_eq!(names(&one).intersection(&names(&two)).count(), 30);
    assert_eq!(one.intersection(&two).count(), 20);
    let without: Vec<_> = one.intersection(&two).filter(|row| row.ends_with(' ')).collect();
    assert_eq!(without, ["user00043 ", "user00053 "]);
    assert!(two.contains("user00033 other00033@example.org"));
    // Names that are alike.
    assert!(two.contains("user00051 user00051@example.org"));
    assert!(two.contains("USER00051 user00052@example.org"));
    assert!(two.contains("zo\u{eb}00061 user00061@example.org"));
    assert!(two.contains("zoe\u{308}00061 user00062@example.org"));
}
