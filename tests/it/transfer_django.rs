//! A Django app of either version moves with its users: to the other kind of database, under the other version.

use serde_json::json;

use crate::django_admin::submit;
use crate::support::apps::{App, Browser};
use crate::support::club::{Club, whose};
use crate::support::database::{count, execute, is_postgres, text};
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::transfers::{house, local, moved, numbers, pairs, refused, same, table};
use crate::support::{Home, KEY, on_both_databases, whoami};

on_both_databases!(
    a_club_serves_from_its_new_database,
    each_row_of_a_neglected_club_is_accounted_for,
    a_club_joins_a_house_with_its_own_rows_beside_it,
);

/// The pairs of databases with the versions of Django on both sides.
fn moves(home: &Home) -> Vec<((String, String), (Version, Version))> {
    let versions = [(V4_2, V5_2), (V5_2, V4_2), (V4_2, V5_2)];
    pairs(home).into_iter().zip(versions).collect()
}

/// What Django itself reads out of its tables, without ids of content types and permissions.
fn data(club: &Club) -> String {
    let arguments = ["dumpdata", "--natural-foreign"];
    let apps = ["auth.group", "auth.user", "admin", "sessions", "club"];
    let said = club.manage(&[&arguments[..], &apps].concat());
    let mut rows: Vec<serde_json::Value> = serde_json::from_str(&said).unwrap();
    for row in &mut rows {
        // Many to many, in no order.
        for name in ["tags", "fans", "permissions", "groups", "user_permissions"] {
            if let Some(many) = row["fields"].get_mut(name).and_then(|many| many.as_array_mut()) {
                many.sort_by_key(ToString::to_string);
            }
        }
    }
    // SQLite keeps no sign of a zero, and they are equal.
    let rows = rows.iter().map(|row| row.to_string().replace("\"rating\":-0.0", "\"rating\":0.0"));
    rows.collect::<Vec<_>>().join("\n")
}

/// Sessions that have ended stay behind.
fn end_nothing(url: &str) {
    execute(url, "DELETE FROM django_session WHERE expire_date < CURRENT_TIMESTAMP");
}

fn titles(app: &App, browser: &mut Browser) -> Vec<serde_json::Value> {
    browser.get(app, "/articles").json()["articles"].as_array().unwrap().clone()
}

fn a_club_serves_from_its_new_database(home: &Home) {
    for ((from, to), (one, other)) in moves(home) {
        let Some(before) = Club::fill(&from, one, &["--users", "60"]) else { return };
        let Some(after) = Club::fill(&to, other, &["--users", "1", "--reorder"]) else { return };
        after.manage(&["flush", "--noinput"]);
        let mut browser = Browser::new();
        let written = {
            let app = before.start();
            browser.sign_in(&app, "user00001");
            titles(&app, &mut browser)
        };
        end_nothing(&from);
        let report = moved(&house(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        let report = moved(&local(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        same(&data(&before), &data(&after), "as Django reads it");
        let both = (whose(&from), whose(&to));
        assert_eq!(both.0, both.1);
        assert!(both.1.iter().all(|(_, right, wrong)| *right > 0 && *wrong == 0));

        let app = after.start();
        let who = browser.whoami(&app);
        assert_eq!((&who["username"], &who["is_superuser"]), (&json!("user00001"), &json!(true)));
        assert_eq!(titles(&app, &mut browser), written);
        for path in ["/admin/", "/admin/auth/user/", "/admin/club/article/", "/admin/auth/group/"] {
            assert_eq!(browser.get(&app, path).status(), 200, "{path}");
        }
        let author = who["id"].clone();
        let fields = format!(
            "author={author}&editor={author}&title=After&created_0=2026-01-02&created_1=03:04:05\
             &price=1.50&rating=2&uuid=00000000-0000-0000-0000-000000000001&length=60&extra=null&fans={author}"
        );
        assert_eq!(submit(&mut browser, &app, "/admin/club/article/add/", &fields), 302);
        let new = "username=newcomer&password1=correct+horse+battery&password2=correct+horse+battery&usable_password=true";
        assert_eq!(submit(&mut browser, &app, "/admin/auth/user/add/", new), 302);
        let given = |url: &str| count(url, "SELECT CAST(max(id) AS bigint) FROM auth_user");
        assert!(given(&to) > given(&from));
        let mut stranger = Browser::new();
        stranger.sign_in(&app, "zo\u{eb}00021");
        assert_eq!(stranger.name_at(&app), "zo\u{eb}00021");
        stranger.sign_in(&app, "USER00011");
        assert_eq!(stranger.name_at(&app), "USER00011");
        let said = after.manage(&["makemigrations", "--check", "--dry-run"]);
        assert_eq!(said.trim(), "No changes detected");
        let said = after.manage(&["migrate"]);
        assert!(said.contains("No migrations to apply."), "{said}");

        // A Rust app is at home there as well.
        drop(app);
        let rust = home.open_with(home.config_at(&to, "notes", KEY));
        assert_eq!(whoami(&rust, &browser.session().unwrap()), Ok("user00001".to_owned()));
    }
}

fn each_row_of_a_neglected_club_is_accounted_for(home: &Home) {
    for ((from, to), (one, other)) in moves(home) {
        let arguments = ["--users", "60", "--orphans", "4", "--unknown-table", "--reorder"];
        let Some(_) = Club::fill(&from, one, &arguments) else { return };
        let Some(after) = Club::at(&to, other) else { return };
        after.manage(&["migrate"]);
        let ended = "SELECT count(*) FROM django_session WHERE expire_date <= CURRENT_TIMESTAMP";
        let ended = count(&from, ended).cast_unsigned();
        let report = moved(&house(&from, &to), &from, &to);
        // PostgreSQL has seen to it that there are none.
        let many = if is_postgres(&from) { 0 } else { 4 };
        assert_eq!(report.is_whole(), many == 0, "{report}");
        let nobody = "its user_id leads to no row of auth_user";
        let left = |why| if many == 0 { vec![] } else { vec![(many, why)] };
        assert_eq!(numbers(&report, "auth_user"), (60, 60, 0, vec![]));
        assert_eq!(numbers(&report, "auth_group"), (5, 5, 0, vec![]));
        // Every third, seventh, fiftieth and ninth of 1 to 60.
        assert_eq!(
            numbers(&report, "auth_user_groups"),
            (20 + 8 + 1 + 6 + many, 35, 0, left(nobody))
        );
        assert_eq!(numbers(&report, "django_admin_log"), (17 + many, 17, 0, left(nobody)));
        assert_eq!(numbers(&report, "auth_user_user_permissions"), (10, 10, 0, vec![]));
        let sessions = table(&report, "django_session");
        assert!(ended > 5 && sessions.moved > 20);
        assert_eq!(sessions.left.iter().map(|left| left.rows).sum::<u64>(), ended);
        assert_eq!(table(&report, "Old ratings").moved, 0);

        let said = refused(&local(&from, &to), &from, &to);
        assert!(said.contains("TO has no table Old ratings"), "{said}");
        execute(
            &to,
            "CREATE TABLE \"Old ratings\" (\"label\" text, \"stars\" integer, \"of user\" integer NOT NULL)",
        );
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "Old ratings"), (12, 12, 0, vec![]));
        assert_eq!(numbers(&report, "club_seat"), (30 + many, 30, 0, left(nobody)));
        assert_eq!(numbers(&report, "club_profile").0, 50);
        assert_eq!(table(&report, "club_profile").moved, 50);
        let articles = table(&report, "club_article");
        let editors = articles
            .left
            .iter()
            .filter(|left| left.why == "its editor_id leads to no row of auth_user");
        assert_eq!(editors.map(|left| left.rows).sum::<u64>(), many);
        assert!(articles.moved >= 10 && articles.found == 30);
        // Nothing says that a reader is a user, or an author of comments.
        assert_eq!(count(&from, "SELECT count(*) FROM reading_log"), 64);
        assert_eq!(table(&report, "reading_log").found, 64);
        for table in report.tables.iter().filter(|table| table.table.starts_with("club_")) {
            let rows = |url: &str| {
                count(url, &format!("SELECT count(*) FROM {}", table.table)).cast_unsigned()
            };
            assert_eq!((rows(&from), rows(&to)), (table.found, table.moved), "{table:?}");
        }
        assert!(
            whose(&to).iter().all(|(_, right, wrong)| *right > 0 && *wrong == 0),
            "{:?}",
            whose(&to)
        );
        let app = after.start();
        Browser::new().sign_in(&app, "user00001");
    }
}

/// Its users are in one database then, and its own rows in another.
fn a_club_joins_a_house_with_its_own_rows_beside_it(home: &Home) {
    for (place, ((from, shared), (one, other))) in moves(home).into_iter().enumerate() {
        let Some(_) = Club::fill(&from, one, &["--users", "40"]) else { return };
        let own = crate::support::transfers::alike(home, &shared, &format!("own{place}"));
        let Some(after) = Club::at(&own, other) else { return };
        let after = after.joined(&shared);
        moved(&house(&from, &shared), &from, &shared);
        drop(after.migrate_and_start());
        let report = moved(&local(&from, &own), &from, &own);
        assert!(report.is_whole(), "{report}");
        let note =
            "content_type_id of club_stamp keeps its numbers, which are ids of django_content_type";
        assert!(report.notes.iter().any(|told| told.starts_with(note)), "{report}");
        // The house was empty, so the ids of FROM were free there.
        let kind = |url: &str| {
            text(
                url,
                "SELECT CAST(id AS varchar(9)) FROM django_content_type WHERE model = 'article'",
            )
        };
        assert_eq!(kind(&from), kind(&shared));
        let app = after.start();
        let mut browser = Browser::new();
        browser.sign_in(&app, "user00001");
        let titles = titles(&app, &mut browser);
        assert!(titles[0].as_str().unwrap().contains(" by user00001, "), "{titles:?}");
        assert_eq!(browser.get(&app, "/admin/club/article/").status(), 200);
    }
}
