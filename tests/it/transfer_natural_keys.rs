//! Content types and permissions are the same by their names, whatever their ids are on either side.

use crate::support::database::{count, execute, texts};
use crate::support::transfers::{house, local, moved, numbers, pairs, refused, table};
use crate::support::{Home, KEY, on_both_databases};

on_both_databases!(
    what_may_be_done_means_the_same_there,
    an_id_is_kept_where_it_is_free,
    the_next_ones_have_ids_of_their_own,
    what_leads_nowhere_is_left_and_told,
    an_apps_own_rows_follow_the_ids_of_to,
);

/// Django's own rows and two more content types, with ids that begin at a number.
fn types(url: &str, labels: &[&str], begin: i32) {
    for (place, label) in (0..).zip(labels) {
        let (kind, permission) = (begin + place, begin * 10 + place);
        execute(
            url,
            &format!(
                "INSERT INTO django_content_type (id, app_label, model) VALUES ({kind}, '{label}', 'thing'); \
                 INSERT INTO auth_permission (id, content_type_id, codename, name) \
                 VALUES ({permission}, {kind}, 'add_thing', 'Can add {label}')"
            ),
        );
    }
}

/// Two people and a group who may each do something, and a diary of it.
fn people(home: &Home, url: &str) {
    drop(home.open_with(home.config_at(url, "setup", KEY)));
    types(url, &["apple", "pear", "quince"], 51);
    execute(
        url,
        "INSERT INTO auth_user (id, username, password, email, first_name, last_name, is_superuser, \
            is_staff, is_active, date_joined) VALUES \
            (3, 'ada', 'x', '', '', '', FALSE, FALSE, TRUE, '2026-01-01 00:00:00'), \
            (7, 'grace', 'x', '', '', '', FALSE, FALSE, TRUE, '2026-01-01 00:00:00'); \
         INSERT INTO auth_group (id, name) VALUES (4, 'growers'); \
         INSERT INTO auth_group_permissions (id, group_id, permission_id) VALUES (9, 4, 510), (8, 4, 512); \
         INSERT INTO auth_user_user_permissions (id, user_id, permission_id) VALUES (2, 3, 511), (6, 7, 510); \
         INSERT INTO django_admin_log (id, action_time, object_repr, action_flag, change_message, user_id, \
            content_type_id) VALUES (1, '2026-01-01 00:00:00', 'a pear', 1, '', 3, 52), \
            (2, '2026-01-01 00:00:00', 'a quince', 1, '', 7, 53), (5, '2026-01-01 00:00:00', 'x', 1, '', 7, NULL)",
    );
}

/// Who may do what and what was done to what, in words, with the ids of the rows that say so.
fn meaning(url: &str) -> Vec<String> {
    let text = "varchar(20)";
    texts(
        url,
        &format!(
            "SELECT line FROM ( \
             SELECT 'group ' || CAST(g.id AS {text}) || ' ' || CAST(g.group_id AS {text}) || ' ' || c.app_label \
                || '.' || p.codename AS line FROM auth_group_permissions g JOIN auth_permission p \
                ON p.id = g.permission_id JOIN django_content_type c ON c.id = p.content_type_id \
             UNION ALL SELECT 'user ' || CAST(g.id AS {text}) || ' ' || CAST(g.user_id AS {text}) || ' ' \
                || c.app_label || '.' || p.codename FROM auth_user_user_permissions g JOIN auth_permission p \
                ON p.id = g.permission_id JOIN django_content_type c ON c.id = p.content_type_id \
             UNION ALL SELECT 'log ' || CAST(l.id AS {text}) || ' ' || l.object_repr || ' ' \
                || coalesce(c.app_label, 'nothing') FROM django_admin_log l \
                LEFT JOIN django_content_type c ON c.id = l.content_type_id) AS lines ORDER BY line"
        ),
    )
}

const MEANING: [&str; 7] = [
    "group 8 4 quince.add_thing",
    "group 9 4 apple.add_thing",
    "log 1 a pear pear",
    "log 2 a quince quince",
    "log 5 x nothing",
    "user 2 3 pear.add_thing",
    "user 6 7 apple.add_thing",
];

fn what_may_be_done_means_the_same_there(home: &Home) {
    for (from, to) in pairs(home) {
        people(home, &from);
        drop(home.open_with(home.config_at(&to, "setup", KEY)));
        // 51 was the apple's; 52 and 511 are somebody else's here.
        types(&to, &["quince", "fig", "apple"], 51);
        let of_django = count(&from, "SELECT count(*) FROM auth_permission WHERE id < 500");
        let report = moved(&house(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        assert_eq!(meaning(&to), MEANING);
        let kinds = table(&report, "django_content_type");
        assert_eq!((kinds.moved, kinds.found - kinds.matched), (1, 1));
        let permissions = table(&report, "auth_permission");
        assert_eq!((permissions.moved, permissions.matched), (1, of_django.cast_unsigned() + 2));
        let fig = "SELECT count(*) FROM auth_permission p JOIN django_content_type c \
            ON c.id = p.content_type_id WHERE c.app_label = 'fig' AND p.id = 511 AND c.id = 52";
        assert_eq!(count(&to, fig), 1);
        // The kinds of apple, pear and quince, and their permissions.
        assert!(report.notes.iter().any(|note| note.starts_with("6 content types")), "{report}");
    }
}

fn an_id_is_kept_where_it_is_free(home: &Home) {
    for (from, to) in pairs(home) {
        people(home, &from);
        let report = moved(&house(&from, &to), &from, &to);
        assert_eq!(meaning(&to), MEANING);
        let ids = "SELECT CAST(id AS varchar(9)) || app_label FROM django_content_type ORDER BY id";
        assert_eq!(texts(&to, ids), texts(&from, ids));
        let ids = "SELECT CAST(id AS varchar(9)) || codename FROM auth_permission ORDER BY id";
        assert_eq!(texts(&to, ids), texts(&from, ids));
        assert!(report.notes.iter().all(|note| !note.contains("another id")), "{report}");
    }
}

/// A Django that migrates in TO makes more of them.
fn the_next_ones_have_ids_of_their_own(home: &Home) {
    for (from, to) in pairs(home) {
        people(home, &from);
        moved(&house(&from, &to), &from, &to);
        execute(
            &to,
            "INSERT INTO django_content_type (app_label, model) VALUES ('new', 'thing'); \
             INSERT INTO auth_permission (content_type_id, codename, name) SELECT id, 'add_thing', 'x' \
             FROM django_content_type WHERE app_label = 'new'",
        );
        let id = "SELECT CAST(id AS bigint) FROM django_content_type WHERE app_label = 'new'";
        assert!(count(&to, id) > 53);
        assert!(count(&to, "SELECT CAST(max(id) AS bigint) FROM auth_permission") > 512);
    }
}

fn what_leads_nowhere_is_left_and_told(home: &Home) {
    for (from, to) in pairs(home) {
        people(home, &from);
        let off = if crate::support::database::is_postgres(&from) {
            "ALTER TABLE auth_permission DISABLE TRIGGER ALL; \
             ALTER TABLE auth_group_permissions DISABLE TRIGGER ALL; \
             ALTER TABLE django_admin_log DISABLE TRIGGER ALL; \
             ALTER TABLE django_content_type DISABLE TRIGGER ALL;"
        } else {
            "PRAGMA foreign_keys = OFF;"
        };
        // The quince is gone, and with it what its permission was about.
        execute(&from, &format!("{off} DELETE FROM django_content_type WHERE id = 53"));
        let report = moved(&house(&from, &to), &from, &to);
        assert!(!report.is_whole());
        let why = |column: &str, table: &str| format!("its {column} leads to no row of {table}");
        let nowhere = why("content_type_id", "django_content_type");
        assert_eq!(numbers(&report, "auth_permission").3, [(1, nowhere.as_str())]);
        assert_eq!(numbers(&report, "django_admin_log").3, [(1, nowhere.as_str())]);
        let nowhere = why("permission_id", "auth_permission");
        assert_eq!(numbers(&report, "auth_group_permissions").3, [(1, nowhere.as_str())]);
        let left: Vec<&str> = MEANING.into_iter().filter(|line| !line.contains("quince")).collect();
        assert_eq!(meaning(&to), left);
    }
}

const STAMPS: &str = "CREATE TABLE stamp (id integer NOT NULL PRIMARY KEY, label varchar(20) NOT NULL, \
    kind integer NULL REFERENCES django_content_type (id)); \
    CREATE TABLE mark (id integer NOT NULL PRIMARY KEY, stamp_id integer NOT NULL REFERENCES stamp (id))";

/// In the database of the house.
fn an_apps_own_rows_follow_the_ids_of_to(home: &Home) {
    for (from, to) in pairs(home) {
        people(home, &from);
        drop(home.open_with(home.config_at(&to, "setup", KEY)));
        types(&to, &["quince", "apple"], 51);
        for url in [&from, &to] {
            execute(url, STAMPS);
        }
        execute(
            &from,
            "INSERT INTO stamp VALUES (1, 'apple', 51), (2, 'pear', 52), (3, 'quince', 53), (4, 'no', NULL); \
             INSERT INTO mark VALUES (1, 2), (2, 3)",
        );
        // Nothing is made by a move of an app's own tables: the pear is not in TO yet.
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "stamp").1, 3);
        let why = "its kind leads to no row of django_content_type";
        assert_eq!(numbers(&report, "stamp").3, [(1, why)]);
        assert_eq!(numbers(&report, "mark").3, [(1, "its stamp_id leads to no row of stamp")]);
        let right = "SELECT count(*) FROM stamp s JOIN django_content_type c ON c.id = s.kind \
            WHERE c.app_label = s.label";
        assert_eq!((count(&to, "SELECT count(*) FROM stamp"), count(&to, right)), (3, 2));

        // Then the house, and what was left behind goes along at last.
        moved(&house(&from, &to), &from, &to);
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "stamp"), (4, 1, 3, vec![]));
        assert_eq!(count(&to, right), 3);
        execute(&to, "INSERT INTO stamp VALUES (9, 'own', NULL)");
        assert!(
            refused(&local(&from, &to), &from, &to)
                .contains("TO is not empty: stamp has rows there that are not in FROM (1)")
        );
    }
}
