//! What an app's database, an operator's slip or a bad moment can do to an adoption: nobody becomes somebody else by
//! it, and nobody is lost.

use housekey::adoption::{Answer, Fate, Found};
use housekey::{Adoption, Config, Error, MoveError, Role, SecretKey};

use crate::support::adoption::{Row, Wiki};
use crate::support::{Home, KEY, database, on_both_databases};

on_both_databases!(
    a_column_that_is_named_twice_is_rewritten_once,
    a_key_is_followed_in_whatever_letters_it_is_written,
    a_table_that_inherits_is_not_rewritten_twice,
    ids_that_stay_do_not_hide_what_else_changes,
    a_local_commit_that_fails_takes_back_no_more_than_was_done,
    who_came_by_a_run_before_stays_when_the_next_one_fails,
    ids_that_are_nobodys_are_told_of_when_no_user_changes,
    an_undo_file_edited_by_hand_takes_nobody_from_the_house,
    the_house_keeps_its_users_while_they_are_matched,
    another_app_under_the_name_of_one_is_seen,
    an_app_joins_under_one_name,
    a_plan_writes_nothing_at_all,
    rights_under_a_label_of_the_house_are_told,
    names_with_letters_that_nobody_sees_are_a_conflict,
    who_may_not_sign_in_to_the_app_is_told_when_the_house_lets_them,
    groups_that_were_given_another_name_keep_it,
    a_name_of_a_table_makes_no_line_of_its_own,
    names_that_are_no_text_are_a_conflict,
    the_largest_ids_are_refused_or_change_places,
    tables_of_another_schema_are_not_taken_for_these,
    a_role_with_the_rights_of_auth_is_enough,
);

const CIRCLE: [Row<'static>; 3] =
    [(1, "kim", "k@example.org"), (2, "ada", "a@example.org"), (3, "eve", "e@example.org")];
const HOUSE: [Row<'static>; 3] =
    [(1, "ada", "a@example.org"), (2, "eve", "e@example.org"), (3, "kim", "k@example.org")];
const ADA: [Row<'static>; 1] = [(1, "ada", "a@example.org")];

fn circle(home: &Home) -> Wiki<'_> {
    Wiki::new(home, &HOUSE, &CIRCLE)
}

fn a_column_that_is_named_twice_is_rewritten_once(home: &Home) {
    let wiki = circle(home);
    wiki.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'wiki', 'page'), (2, 'auth', 'user'); \
         CREATE TABLE reading (reader bigint, label varchar(9)); \
         INSERT INTO reading VALUES (1, 'kim'), (3, 'eve'); \
         CREATE TABLE stamp (content_type_id integer, object_id integer, label varchar(9)); \
         INSERT INTO stamp VALUES (2, 1, 'kim'), (1, 1, 'page')",
    );
    let before = wiki.everything();
    let named = ["reading.reader", "reading.reader", "auth_user.id", "stamp.object_id"];
    let adoption = named.iter().fold(wiki.adoption(), |adoption, name| adoption.column(name));
    wiki.run(&adoption).unwrap();
    assert_eq!(wiki.users(), "1 ada, 2 eve, 3 kim");
    assert_eq!(wiki.list("reader", "label", "reading"), "2 eve, 3 kim");
    assert_eq!(wiki.list("object_id", "label", "stamp"), "1 page, 3 kim");
    wiki.undo();
    assert_eq!(wiki.everything(), before);
}

fn a_key_is_followed_in_whatever_letters_it_is_written(home: &Home) {
    let wiki = circle(home);
    wiki.execute(
        "CREATE TABLE vote (User_Id integer REFERENCES AUTH_USER (ID), label varchar(9)); \
         INSERT INTO vote VALUES (1, 'kim'), (3, 'eve')",
    );
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.list("user_id", "label", "vote"), "2 eve, 3 kim");
}

fn a_table_that_inherits_is_not_rewritten_twice(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let wiki = circle(home);
    wiki.execute(
        "CREATE TABLE note (user_id integer REFERENCES auth_user (id), label varchar(9)); \
         CREATE TABLE old_note (FOREIGN KEY (user_id) REFERENCES auth_user (id)) INHERITS (note); \
         INSERT INTO note VALUES (1, 'kim'); INSERT INTO old_note VALUES (1, 'old kim'), (3, 'old eve'); \
         CREATE TABLE part (user_id integer REFERENCES auth_user (id), label varchar(9)) PARTITION BY LIST (user_id); \
         CREATE TABLE low PARTITION OF part FOR VALUES IN (1, 2); CREATE TABLE high PARTITION OF part DEFAULT; \
         INSERT INTO part VALUES (1, 'kim'), (3, 'eve')",
    );
    let error = wiki.adoption().plan().unwrap_err();
    assert!(error.to_string().contains("has tables that inherit from note; part them"), "{error}");
    wiki.execute("ALTER TABLE old_note NO INHERIT note");
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.list("user_id", "label", "note"), "3 kim");
    assert_eq!(wiki.list("user_id", "label", "old_note"), "2 old eve, 3 old kim");
    assert_eq!(wiki.list("user_id", "label", "part"), "2 eve, 3 kim");
}

/// `ada` has the id 1 on both sides; content types change places.
fn stamped(home: &Home) -> Wiki<'_> {
    let wiki = Wiki::new(home, &ADA, &ADA);
    wiki.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'wiki', 'page'), (2, 'wiki', 'line'); \
         CREATE TABLE stamp (content_type_id integer REFERENCES django_content_type (id), label varchar(9)); \
         INSERT INTO stamp VALUES (1, 'page'), (2, 'line')",
    );
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'wiki', 'line'), (2, 'wiki', 'page')",
    );
    wiki
}

fn ids_that_stay_do_not_hide_what_else_changes(home: &Home) {
    let wiki = stamped(home);
    let before = wiki.everything();
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.list("content_type_id", "label", "stamp"), "1 line, 2 page");
    for _ in 0..2 {
        wiki.undo();
        assert_eq!(wiki.list("content_type_id", "label", "stamp"), "1 page, 2 line");
        assert_eq!(wiki.everything(), before);
    }
}

/// Ends every other connection to the app's database.
fn cut_off(wiki: &Wiki<'_>) {
    let others = "SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity \
                  WHERE datname = current_database() AND pid <> pg_backend_pid()";
    assert_ne!(database::count(&wiki.url, others), 0);
}

/// Runs an adoption whose commit in the app's database fails.
fn cut_off_between(wiki: &Wiki<'_>, file: &str) -> MoveError {
    let done = wiki.adoption().run(&wiki.home.folder().join(file), |step, _| {
        if step == "users committed in the house" {
            cut_off(wiki);
        }
    });
    match done.unwrap_err() {
        Error::Move(error) => error,
        error => panic!("{error:?}"),
    }
}

fn a_local_commit_that_fails_takes_back_no_more_than_was_done(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let wiki = stamped(home);
    let before = wiki.everything();
    let error = cut_off_between(&wiki, "first");
    assert!(matches!(error, MoveError::Database { .. }), "{error:?}");
    assert_eq!(wiki.everything(), before);
}

/// They may have signed in to other apps meanwhile.
fn who_came_by_a_run_before_stays_when_the_next_one_fails(home: &Home) {
    if !home.is_postgres() {
        return;
    }
    let wiki = Wiki::new(home, &ADA, &[(1, "kim", ""), (2, "ada", "a@example.org")]);
    home.deny_delete("housekey_adoption");
    let error = cut_off_between(&wiki, "first");
    let MoveError::HalfWay { source, .. } = error else { panic!("{error:?}") };
    assert!(source.is_some(), "what the database said is told");
    home.execute("DROP TRIGGER deny ON housekey_adoption");
    let error = cut_off_between(&wiki, "second");
    assert!(matches!(error, MoveError::HalfWay { .. }), "{error:?}");
    assert_eq!(wiki.house(), "1 ada, 2 kim");
    assert_eq!(wiki.users(), "1 kim, 2 ada");
    wiki.adoption().run(&home.folder().join("third"), |_, _| {}).unwrap();
    assert_eq!(wiki.users(), "1 ada, 2 kim");
}

fn ids_that_are_nobodys_are_told_of_when_no_user_changes(home: &Home) {
    let wiki = Wiki::new(home, &[ADA[0], (2, "grace", "")], &ADA);
    wiki.execute("CREATE TABLE reading (reader bigint); INSERT INTO reading VALUES (1), (2)");
    wiki.execute("INSERT INTO django_session VALUES ('aaa', 'x', '2999-01-01 00:00:00')");
    let adoption = wiki.adoption().column("reading.reader");
    // 2 would become `grace`.
    let plan = adoption.plan().unwrap();
    let about: Vec<_> = plan.conflicts.iter().map(|one| one.about.as_str()).collect();
    assert_eq!((about, plan.sessions), (vec!["reading.reader"], 1));
    let error = wiki.run(&adoption).unwrap_err();
    assert!(matches!(error, Error::Move(MoveError::Unsettled { .. })), "{error:?}");
}

fn an_undo_file_edited_by_hand_takes_nobody_from_the_house(home: &Home) {
    let wiki = circle(home);
    wiki.run(&wiki.adoption()).unwrap();
    let there = wiki.everything();
    let file = std::fs::read_to_string(wiki.undo_file()).unwrap();
    let edited = |edit: fn(&mut serde_json::Value)| {
        let mut undo = serde_json::from_str(&file).unwrap();
        edit(&mut undo);
        std::fs::write(wiki.undo_file(), undo.to_string()).unwrap();
        Adoption::undo(&wiki.config(), &wiki.undo_file())
    };
    // A user is in it twice, and two get one id.
    for edit in [
        (|undo| {
            let users = undo["users"].as_array_mut().unwrap();
            users.extend(users.clone());
        }) as fn(&mut serde_json::Value),
        |undo| undo["users"][1]["local_id"] = undo["users"][0]["local_id"].clone(),
    ] {
        let error = edited(edit).unwrap_err();
        assert!(matches!(error, Error::Move(MoveError::File { .. })), "{error:?}");
        assert_eq!(wiki.everything(), there);
    }
    // Everybody was in the house before, whatever the file says.
    let undone = edited(|undo| {
        for user in undo["users"].as_array_mut().unwrap() {
            user["how"] = "moved".into();
        }
    });
    assert_eq!(undone.unwrap().removed, 0);
    assert_eq!(wiki.house(), "1 ada, 2 eve, 3 kim");
}

fn the_house_keeps_its_users_while_they_are_matched(home: &Home) {
    if !home.is_postgres() {
        return; // SQLite has one writer.
    }
    let wiki = circle(home);
    let mut tried = false;
    let done = wiki.adoption().run(&wiki.undo_file(), |step, _| {
        if step == "users of the app compared" {
            tried = true;
            let deleted = std::panic::catch_unwind(|| {
                home.execute("SET lock_timeout = '200ms'; DELETE FROM auth_user WHERE id = 1");
            });
            assert!(deleted.is_err(), "a user was deleted between the look and the commit");
        }
    });
    done.unwrap();
    assert!(tried);
    assert_eq!(wiki.house(), "1 ada, 2 eve, 3 kim");
}

fn another_app_under_the_name_of_one_is_seen(home: &Home) {
    let wiki =
        Wiki::new(home, &[], &[(1, "admin", ""), (2, "kim", "k@example.org"), (3, "eve", "")]);
    // Ids of the house are none of the app.
    home.execute(if home.is_postgres() {
        "SELECT setval(pg_get_serial_sequence('auth_user', 'id'), 50)"
    } else {
        "INSERT INTO sqlite_sequence VALUES ('auth_user', 50)"
    });
    wiki.run(&wiki.adoption()).unwrap();
    let local = [(1, "admin", ""), (2, "kim", "kim@elsewhere.example")];
    let tasks = Wiki::at(home, home.another("tasks"), &[], &local);
    let plan = tasks.plan();
    let open: Vec<_> = plan.conflicts.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(open, ["admin", "kim"], "{plan}");
    assert!(plan.users.iter().all(|one| one.fate == Fate::Unsettled), "{plan}");
}

fn an_app_joins_under_one_name(home: &Home) {
    let wiki = Wiki::new(
        home,
        &[(1, "ada", "a@example.org")],
        &[(1, "kim", ""), (2, "ada", "a@example.org")],
    );
    wiki.run(&wiki.adoption()).unwrap();
    let before = wiki.everything();
    let other = Adoption::new(wiki.config().app_name("housekey")).trust_usernames();
    for error in [
        other.plan().map(drop).unwrap_err(),
        other.run(&home.folder().join("other.json"), |_, _| {}).map(drop).unwrap_err(),
    ] {
        let said = error.to_string();
        assert!(
            said.contains("has joined this house as the app `wiki`") && said.contains("APP_NAME"),
            "{said}"
        );
    }
    assert_eq!(wiki.everything(), before);
    assert!(wiki.plan().is_done());
}

fn a_plan_writes_nothing_at_all(home: &Home) {
    let wiki = circle(home);
    let keys = || home.count("SELECT count(*) FROM housekey_key");
    home.execute("DELETE FROM housekey_key");
    wiki.plan();
    assert_eq!(keys(), 0, "the first key is for an app to bring");
    // A slip in DATABASE_URL makes no database.
    let file = home.folder().join("slip.db");
    let url = format!("sqlite:{}", file.display());
    let config = Config::new(&home.shared_url(), &url, SecretKey::new(KEY).unwrap()).unwrap();
    let error = Adoption::new(config).plan().unwrap_err();
    assert!(matches!(error, Error::Move(_)), "{error:?}");
    assert!(!file.exists(), "{error}");
}

fn rights_under_a_label_of_the_house_are_told(home: &Home) {
    let wiki = Wiki::new(home, &ADA, &[(1, "mallory", "")]);
    let rows = "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'billing', 'bill'); \
        INSERT INTO auth_permission (id, name, content_type_id, codename) VALUES (1, 'May pay', 1, 'pay')";
    home.execute(rows);
    wiki.execute(rows);
    wiki.execute("INSERT INTO auth_user_user_permissions (user_id, permission_id) VALUES (1, 1)");
    let notes = wiki.plan().notes;
    let told =
        notes.iter().filter(|note| note.contains("labels that the house has already: billing"));
    assert_eq!(told.count(), 1, "{notes:?}");
}

fn names_with_letters_that_nobody_sees_are_a_conflict(home: &Home) {
    let local =
        [(1, "ada ", ""), (2, "a\u{200b}da", ""), (3, "\u{ad}AdA\u{fe0f}", ""), (4, "adam", "")];
    let wiki = Wiki::new(home, &ADA, &local);
    let plan = wiki.plan();
    let fates: Vec<_> = plan.users.iter().map(|one| one.fate).collect();
    assert_eq!(fates, [Fate::Unsettled, Fate::Unsettled, Fate::Unsettled, Fate::Moved], "{plan}");
}

fn who_may_not_sign_in_to_the_app_is_told_when_the_house_lets_them(home: &Home) {
    let wiki = circle(home);
    let told = || wiki.plan().notes.join("; ");
    assert!(!told().contains("deactivated"));
    wiki.execute("UPDATE auth_user SET is_active = false WHERE username IN ('ada', 'eve')");
    home.execute("UPDATE auth_user SET is_active = false WHERE username = 'eve'");
    assert!(
        told().contains(
            "1 users whom the app had deactivated may sign in, as the house lets them: ada"
        ),
        "{}",
        told()
    );
}

/// A second run of the app, without the map of the first.
fn groups_that_were_given_another_name_keep_it(home: &Home) {
    let wiki = Wiki::new(home, &[], &[(1, "ada", "a@example.org")]);
    wiki.execute(
        "INSERT INTO auth_group (id, name) VALUES (1, 'editors'); \
         CREATE TABLE desk (group_id integer REFERENCES auth_group (id)); INSERT INTO desk VALUES (1)",
    );
    home.execute("INSERT INTO auth_group (id, name) VALUES (7, 'editors')");
    if home.is_postgres() {
        home.execute("SELECT setval(pg_get_serial_sequence('auth_group', 'id'), 7)");
    }
    let adoption = wiki.adoption().group("editors", Answer::New("wiki editors".to_owned()));
    wiki.run(&adoption).unwrap();
    let theirs = home.count("SELECT id FROM auth_group WHERE name = 'wiki editors'");
    assert_eq!(wiki.count("SELECT group_id FROM desk"), theirs);
    wiki.execute(
        "INSERT INTO auth_user (id, password, is_superuser, username, first_name, last_name, email, is_staff, \
         is_active, date_joined) VALUES (90, '', false, 'tim', '', '', '', false, true, '2026-01-01 00:00:00')",
    );
    wiki.adoption().run(&home.folder().join("second"), |_, _| {}).unwrap();
    assert_eq!(wiki.count("SELECT group_id FROM desk"), theirs);
}

fn a_name_of_a_table_makes_no_line_of_its_own(home: &Home) {
    let wiki = circle(home);
    wiki.execute(
        "CREATE TABLE \"x\nconflicts: none\" (user_id integer REFERENCES auth_user (id), \"y\n_id\" integer); \
         CREATE TABLE \"it's \"\" odd\" (\"user's \"\" id\" integer REFERENCES auth_user (id)); \
         INSERT INTO \"it's \"\" odd\" VALUES (1)",
    );
    let plan = wiki.adoption().column("it's \" odd.user's \" id").plan().unwrap();
    let odd = plan.columns.iter().find(|one| one.table == "it's \" odd").unwrap();
    assert_eq!((odd.rows, odd.found), (1, Found::ForeignKey));
    let lines = plan.to_string();
    assert_eq!(
        lines.lines().filter(|line| line.starts_with("conflicts: none")).count(),
        1,
        "{lines}"
    );
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.count("SELECT \"user's \"\" id\" FROM \"it's \"\" odd\""), 3);
}

fn names_that_are_no_text_are_a_conflict(home: &Home) {
    if home.is_postgres() {
        return; // It has no such rows.
    }
    let wiki = circle(home);
    wiki.execute(
        "UPDATE auth_user SET username = x'ff' WHERE id = 1; \
         UPDATE auth_user SET username = CAST(x'ff61' AS text) WHERE id = 2; UPDATE auth_user SET username = '' WHERE id = 3",
    );
    assert_eq!(wiki.plan().conflicts.len(), 3);
}

/// There is no room above them to go around.
fn the_largest_ids_are_refused_or_change_places(home: &Home) {
    const TOP: i64 = 2_147_483_647;
    let local =
        [(1, "kim", "k@example.org"), (TOP, "ada", "a@example.org"), (3, "eve", "e@example.org")];
    let wiki = Wiki::new(home, &HOUSE, &local);
    wiki.execute(
        "INSERT INTO page VALUES (1, 1, 'of kim'), (2, 2147483647, 'of ada'), (3, 3, 'of eve')",
    );
    let before = wiki.everything();
    if !home.is_postgres() {
        wiki.run(&wiki.adoption()).unwrap();
        assert_eq!(wiki.users(), "1 ada, 2 eve, 3 kim");
        assert_eq!(wiki.list("author_id", "title", "page"), "1 of ada, 2 of eve, 3 of kim");
        wiki.undo();
        assert_eq!(wiki.everything(), before);
        let most = i64::MAX;
        wiki.execute(&format!(
            "PRAGMA foreign_keys = OFF; UPDATE auth_user SET id = {most} WHERE id = {TOP}; UPDATE page SET author_id = {most} WHERE author_id = {TOP}"
        ));
    }
    let before = wiki.everything();
    std::fs::remove_file(wiki.undo_file()).unwrap_or_default();
    let error = wiki.run(&wiki.adoption()).unwrap_err();
    let told = "has an id in auth_user.id that is near the largest there can be";
    assert!(error.to_string().contains(told), "{error:?}");
    assert_eq!(wiki.everything(), before);
}

fn tables_of_another_schema_are_not_taken_for_these(home: &Home) {
    if !home.is_postgres() {
        return; // It has one.
    }
    let wiki = circle(home);
    wiki.execute(
        "CREATE SCHEMA other; CREATE TABLE other.auth_user (id integer PRIMARY KEY); \
         INSERT INTO other.auth_user VALUES (1), (2), (3); \
         CREATE TABLE guest (their integer REFERENCES other.auth_user (id), label varchar(9)); \
         INSERT INTO guest VALUES (1, 'one'), (2, 'two'), (3, 'three')",
    );
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.list("their", "label", "guest"), "1 one, 2 two, 3 three");
    wiki.undo();
    // Its rows refer to users of the app, and cannot be found: nothing is changed.
    wiki.execute(
        "CREATE TABLE other.fan (user_id integer REFERENCES public.auth_user (id) DEFERRABLE INITIALLY DEFERRED); \
         INSERT INTO other.fan VALUES (1)",
    );
    let before = wiki.everything();
    let error = wiki.adoption().run(&home.folder().join("second"), |_, _| {}).unwrap_err();
    assert!(matches!(error, Error::Move(MoveError::Database { .. })), "{error:?}");
    assert_eq!(wiki.everything(), before);
}

fn a_role_with_the_rights_of_auth_is_enough(home: &Home) {
    let wiki = Wiki::new(home, &ADA, &[(1, "kim", ""), (2, "ada", "a@example.org")]);
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.url_as(Role::Auth), &wiki.url, key).unwrap().app_name("wiki");
    Adoption::new(config.clone()).run(&wiki.undo_file(), |_, _| {}).unwrap();
    assert_eq!(wiki.users(), "1 ada, 2 kim");
    Adoption::undo(&config, &wiki.undo_file()).unwrap();
    assert_eq!(wiki.users(), "1 kim, 2 ada");
}
