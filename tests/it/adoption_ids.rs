//! Every id of a user in an app's own database becomes that of the house: no row is lost, none goes to somebody else,
//! and the undo file leads back to the letter.

use housekey::adoption::Found;
use housekey::{AdoptionPlan, Error, MoveError};

use crate::support::adoption::{Wiki, list};
use crate::support::{Home, on_both_databases};

on_both_databases!(
    ids_that_change_places_stay_unique,
    foreign_keys_are_there_again_as_they_were,
    a_key_that_is_a_user_is_followed,
    columns_that_are_named_change_too,
    a_column_that_can_have_no_ids_is_refused,
    a_column_that_may_have_been_forgotten_is_told,
    generic_references_to_users_change_alone,
    content_types_become_those_of_the_house,
    ids_that_are_nobodys_become_nobodys,
    ids_that_are_nobodys_are_taken_out_when_told,
    a_trigger_that_keeps_ids_is_seen,
    sessions_of_the_app_end,
    no_id_is_given_a_second_time,
    what_came_later_keeps_an_undo_away,
    who_is_held_stays_in_the_house,
    an_undo_of_another_app_or_house_is_refused,
    the_way_back_goes_through_keys_that_were_dropped,
);

/// Their ids in the house are 1 to 3; those of the app go around in a circle.
const CIRCLE: [(i64, &str, &str); 3] =
    [(1, "kim", "k@example.org"), (2, "ada", "a@example.org"), (3, "eve", "e@example.org")];
const HOUSE: [(i64, &str, &str); 3] =
    [(1, "ada", "a@example.org"), (2, "eve", "e@example.org"), (3, "kim", "k@example.org")];

fn circle(home: &Home) -> Wiki<'_> {
    let wiki = Wiki::new(home, &HOUSE, &CIRCLE);
    wiki.execute("INSERT INTO page VALUES (1, 1, 'of kim'), (2, 2, 'of ada'), (3, 3, 'of eve'), (4, NULL, 'free')");
    wiki
}

/// As the database compares them: whose the pages are, by their words.
const PAGES: &str = "of kim 3, of ada 1, of eve 2";

fn pages(wiki: &Wiki<'_>) -> String {
    let rows = wiki.list("id", "title || ' ' || coalesce(author_id, 0)", "page WHERE id < 4");
    rows.split(", ").map(|row| row.split_once(' ').unwrap().1).collect::<Vec<_>>().join(", ")
}

#[track_caller]
fn rows(plan: &AdoptionPlan, name: &str) -> (u64, Found) {
    let is =
        |one: &&housekey::adoption::AdoptedColumn| format!("{}.{}", one.table, one.column) == name;
    let column = plan.columns.iter().find(is).unwrap_or_else(|| panic!("{plan}"));
    (column.rows, column.found)
}

/// Done, and taken back to the letter.
#[track_caller]
fn there_and_back(wiki: &Wiki<'_>, adoption: &housekey::Adoption, there: impl Fn()) {
    let before = wiki.everything();
    wiki.run(adoption).unwrap();
    there();
    assert_ne!(wiki.everything(), before);
    wiki.undo();
    let after = wiki.everything();
    assert_eq!(after.0, before.0);
    assert_eq!(after.1, before.1);
    // And again, which does nothing.
    assert_eq!(wiki.undo().users, 0);
    assert_eq!(wiki.everything(), before);
}

fn ids_that_change_places_stay_unique(home: &Home) {
    let wiki = circle(home);
    wiki.execute(
        "CREATE TABLE seat (user_id integer NOT NULL UNIQUE REFERENCES auth_user (id), label varchar(9)); \
         INSERT INTO seat VALUES (1, 'kim'), (2, 'ada'), (3, 'eve'); \
         CREATE TABLE vote (user_id integer NOT NULL CHECK (user_id >= 0) REFERENCES auth_user (id), page integer, \
         UNIQUE (user_id, page)); \
         INSERT INTO vote VALUES (1, 7), (2, 7), (3, 7), (3, 8)",
    );
    there_and_back(&wiki, &wiki.adoption(), || {
        assert_eq!(wiki.users(), "1 ada, 2 eve, 3 kim");
        assert_eq!(pages(&wiki), PAGES);
        assert_eq!(wiki.list("user_id", "label", "seat"), "1 ada, 2 eve, 3 kim");
        assert_eq!(wiki.list("user_id", "page", "vote WHERE page = 7"), "1 7, 2 7, 3 7");
        assert_eq!(wiki.count("SELECT user_id FROM vote WHERE page = 8"), 2);
    });
}

fn foreign_keys_are_there_again_as_they_were(home: &Home) {
    let wiki = circle(home);
    let keys = || {
        if home.is_postgres() {
            let keys = "(SELECT conname || pg_get_constraintdef(oid) AS k FROM pg_constraint \
                        WHERE connamespace = 'public'::regnamespace) AS keys";
            list(&wiki.url, "k", "0", keys)
        } else {
            wiki.list("name", "sql", "sqlite_master WHERE sql IS NOT NULL")
        }
    };
    wiki.execute(
        "CREATE TABLE cascade (user_id integer REFERENCES auth_user (id) ON DELETE CASCADE ON UPDATE CASCADE); \
         INSERT INTO cascade VALUES (1), (2), (3)",
    );
    let before = keys();
    there_and_back(&wiki, &wiki.adoption(), || assert_eq!(keys(), before));
    assert_eq!(keys(), before);
}

fn a_key_that_is_a_user_is_followed(home: &Home) {
    let wiki = circle(home);
    wiki.execute(
        "CREATE TABLE member (user_ptr_id integer NOT NULL PRIMARY KEY REFERENCES auth_user (id)); \
         CREATE TABLE \"Old badge\" (\"of member\" integer REFERENCES member (user_ptr_id), label varchar(9)); \
         INSERT INTO member VALUES (1), (3); \
         INSERT INTO \"Old badge\" VALUES (1, 'kim'), (3, 'eve'), (3, 'eve')",
    );
    let plan = wiki.plan();
    assert_eq!(rows(&plan, "Old badge.of member"), (3, Found::ForeignKey));
    there_and_back(&wiki, &wiki.adoption(), || {
        let rows = wiki.list("\"of member\"", "label", "\"Old badge\"");
        assert_eq!(rows, "2 eve, 2 eve, 3 kim");
    });
}

fn columns_that_are_named_change_too(home: &Home) {
    let wiki = circle(home);
    // 0 and -1 are strangers.
    wiki.execute(
        "CREATE TABLE reading (reader bigint NOT NULL, label varchar(9)); \
         INSERT INTO reading VALUES (1, 'kim'), (3, 'eve'), (0, 'zero'), (-1, 'minus')",
    );
    let adoption = wiki.adoption().column("reading.reader").column("page.author_id");
    assert_eq!(rows(&adoption.plan().unwrap(), "reading.reader"), (2, Found::Named));
    there_and_back(&wiki, &adoption, || {
        assert_eq!(wiki.list("reader", "label", "reading"), "-1 minus, 0 zero, 2 eve, 3 kim");
        assert_eq!(pages(&wiki), PAGES);
    });
}

fn a_column_that_can_have_no_ids_is_refused(home: &Home) {
    let wiki = circle(home);
    wiki.execute("CREATE TABLE line (page_id integer REFERENCES page (id), amount numeric(5, 2))");
    for (name, problem) in [
        ("page", "is not written as TABLE.COLUMN"),
        ("gone.author_id", "is of a table that is not there"),
        ("page.gone", "is not there"),
        ("page.title", "does not hold whole numbers"),
        ("line.amount", "does not hold whole numbers"),
        ("line.page_id", "has a foreign key to page"),
    ] {
        let error = wiki.adoption().column(name).plan().unwrap_err();
        assert!(matches!(error, Error::Move(MoveError::NotAColumn { .. })), "{error:?}");
        assert!(error.to_string().starts_with(&format!("{name} {problem}")), "{error}");
    }
}

fn a_column_that_may_have_been_forgotten_is_told(home: &Home) {
    let wiki = circle(home);
    wiki.execute("CREATE TABLE reading (reader_id bigint, user_number integer, page integer, users varchar(9))");
    let names = ["reading.reader_id", "reading.user_number"];
    assert_eq!(wiki.plan().unbound, names);
    let adoption = names.iter().fold(wiki.adoption(), |adoption, name| adoption.column(name));
    assert!(adoption.plan().unwrap().unbound.is_empty());
}

const TYPES: &str = "INSERT INTO django_content_type (id, app_label, model) VALUES \
    (1, 'wiki', 'page'), (2, 'auth', 'user')";

fn generic_references_to_users_change_alone(home: &Home) {
    let wiki = circle(home);
    wiki.execute(TYPES);
    wiki.execute(
        "CREATE TABLE stamp (actor_content_type_id integer, actor_object_id varchar(20), label varchar(9), \
         UNIQUE (actor_content_type_id, actor_object_id)); \
         INSERT INTO stamp VALUES (2, '1', 'kim'), (2, '3', 'eve'), (1, '1', 'page 1'), (2, 'none', 'text'); \
         INSERT INTO django_admin_log (id, action_time, object_id, object_repr, action_flag, change_message, \
         content_type_id, user_id) VALUES (1, '2026-01-01 00:00:00', '1', 'kim', 2, '', 2, 2), \
         (2, '2026-01-01 00:00:00', '1', 'page', 2, '', 1, 3), (3, '2026-01-01 00:00:00', NULL, 'x', 2, '', 2, 1)",
    );
    assert_eq!(rows(&wiki.plan(), "stamp.actor_object_id"), (2, Found::ContentType));
    there_and_back(&wiki, &wiki.adoption(), || {
        let stamps = wiki.list("label", "actor_object_id", "stamp");
        assert_eq!(stamps, "eve 2, kim 3, page 1 1, text none");
        assert_eq!(wiki.list("id", "object_id", "django_admin_log"), "1 3, 2 1, 3 nobody");
        assert_eq!(wiki.list("id", "user_id", "django_admin_log"), "1 1, 2 2, 3 3");
    });
}

/// They are routed to the house when the app has joined.
fn content_types_become_those_of_the_house(home: &Home) {
    let wiki = circle(home);
    wiki.execute(TYPES);
    wiki.execute(
        "CREATE TABLE stamp (content_type_id integer REFERENCES django_content_type (id), object_id integer, \
         label varchar(9), group_id integer REFERENCES auth_group (id)); \
         INSERT INTO auth_group (id, name) VALUES (4, 'editors'); \
         INSERT INTO stamp VALUES (2, 1, 'kim', NULL), (1, 1, 'page', 4)",
    );
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (1, 'auth', 'user'); \
         INSERT INTO auth_group (id, name) VALUES (4, 'readers')",
    );
    if home.is_postgres() {
        for table in ["django_content_type", "auth_group"] {
            home.execute(&format!("SELECT setval(pg_get_serial_sequence('{table}', 'id'), 8)"));
        }
    }
    there_and_back(&wiki, &wiki.adoption(), || {
        let of_house = |query: &str| home.count(query);
        let user = of_house("SELECT id FROM django_content_type WHERE model = 'user'");
        let page = of_house("SELECT id FROM django_content_type WHERE model = 'page'");
        let editors = of_house("SELECT id FROM auth_group WHERE name = 'editors'");
        let stamp = |label: &str, column: &str| {
            wiki.count(&format!("SELECT {column} FROM stamp WHERE label = '{label}'"))
        };
        assert_eq!((stamp("kim", "content_type_id"), stamp("kim", "object_id")), (user, 3));
        assert_eq!((stamp("page", "content_type_id"), stamp("page", "object_id")), (page, 1));
        assert_eq!(stamp("page", "group_id"), editors);
        assert_ne!((user, page, editors), (2, 1, 4));
    });
}

fn ids_that_are_nobodys_become_nobodys(home: &Home) {
    let wiki = circle(home);
    wiki.execute(TYPES);
    wiki.execute(
        "CREATE TABLE reading (reader bigint NOT NULL); INSERT INTO reading VALUES (1), (77), (78); \
         INSERT INTO django_admin_log (id, action_time, object_id, object_repr, action_flag, change_message, \
         content_type_id, user_id) VALUES (1, '2026-01-01 00:00:00', '99', 'gone', 3, '', 2, 2)",
    );
    let before = wiki.everything();
    for adoption in [wiki.adoption(), wiki.adoption().null_orphans()] {
        let adoption = adoption.column("reading.reader");
        let plan = adoption.plan().unwrap();
        let told = |about: &str| plan.conflicts.iter().find(|one| one.about == about);
        let reading = told("reading.reader").unwrap();
        assert!(reading.reason.starts_with("2 rows have an id that is nobody's"), "{reading:?}");
        assert_eq!(reading.remedy, "correct or delete the rows");
        assert!(matches!(
            wiki.run(&adoption).unwrap_err(),
            Error::Move(MoveError::Unsettled { .. })
        ));
    }
    let plan = wiki.plan();
    assert_eq!(plan.conflicts.len(), 1, "{:?}", plan.conflicts);
    assert_eq!(plan.conflicts[0].about, "django_admin_log.object_id");
    assert!(plan.conflicts[0].remedy.contains("--orphans null"));
    assert_eq!(wiki.everything(), before);
}

fn ids_that_are_nobodys_are_taken_out_when_told(home: &Home) {
    let wiki = circle(home);
    wiki.execute(TYPES);
    wiki.execute(
        "CREATE TABLE reading (a integer, b varchar(9), reader bigint NULL, PRIMARY KEY (a, b)); \
         INSERT INTO reading VALUES (1, 'x', 1), (1, 'it''s', 77), (2, 'x', 78), (3, 'x', NULL); \
         INSERT INTO django_admin_log (id, action_time, object_id, object_repr, action_flag, change_message, \
         content_type_id, user_id) VALUES (1, '2026-01-01 00:00:00', '99', 'gone', 3, '', 2, 2)",
    );
    if !home.is_postgres() {
        wiki.execute("PRAGMA foreign_keys = OFF; INSERT INTO page VALUES (9, 55, 'of nobody')");
    }
    let adoption = wiki.adoption().column("reading.reader").null_orphans();
    there_and_back(&wiki, &adoption, || {
        assert_eq!(wiki.count("SELECT count(*) FROM reading WHERE reader IS NULL"), 3);
        assert_eq!(wiki.count("SELECT count(*) FROM django_admin_log WHERE object_id IS NULL"), 1);
        assert_eq!(wiki.count("SELECT reader FROM reading WHERE reader IS NOT NULL"), 3);
        assert_eq!(
            wiki.count("SELECT count(*) FROM page WHERE id = 9 AND author_id IS NOT NULL"),
            0
        );
    });
}

fn a_trigger_that_keeps_ids_is_seen(home: &Home) {
    let wiki = circle(home);
    wiki.execute(if home.is_postgres() {
        "CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RETURN NULL; END $$; \
         CREATE TRIGGER keep BEFORE UPDATE ON page FOR EACH ROW EXECUTE FUNCTION keep()"
    } else {
        "CREATE TRIGGER keep BEFORE UPDATE ON page BEGIN SELECT RAISE(IGNORE); END"
    });
    let before = wiki.everything();
    let error = wiki.run(&wiki.adoption()).unwrap_err();
    assert!(matches!(error, Error::Move(MoveError::Rewritten { .. })), "{error:?}");
    assert!(error.to_string().contains("page.author_id") && error.to_string().contains("triggers"));
    assert_eq!(wiki.everything(), before);
    assert!(!wiki.undo_file().exists());
}

fn sessions_of_the_app_end(home: &Home) {
    let wiki = circle(home);
    let rows = "INSERT INTO django_session VALUES ('aaa', 'x', '2999-01-01 00:00:00'), \
                ('bbb', 'x', '2000-01-01 00:00:00')";
    wiki.execute(rows);
    home.execute(rows);
    assert_eq!(wiki.plan().sessions, 2);
    let report = wiki.run(&wiki.adoption()).unwrap();
    assert!(report.to_string().contains("sessions: 2 local ones end"), "{report}");
    assert_eq!(wiki.count("SELECT count(*) FROM django_session"), 0);
    assert_eq!(home.sessions(), 2);
}

fn no_id_is_given_a_second_time(home: &Home) {
    let wiki = Wiki::new(home, &[(500, "ada", "")], &[(1, "eve", ""), (2, "kim", "")]);
    wiki.run(&wiki.adoption()).unwrap();
    assert_eq!(wiki.users(), "501 eve, 502 kim");
    wiki.execute(
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
         is_active, date_joined) VALUES ('', false, 'tim', '', '', '', false, true, '2026-01-01 00:00:00')",
    );
    assert!(wiki.count("SELECT id FROM auth_user WHERE username = 'tim'") > 502);
}

fn what_came_later_keeps_an_undo_away(home: &Home) {
    let wiki = circle(home);
    wiki.execute("CREATE TABLE reading (reader bigint)");
    wiki.run(&wiki.adoption().column("reading.reader")).unwrap();
    wiki.execute("INSERT INTO reading VALUES (2), (44)");
    let before = wiki.everything();
    let undo = || housekey::Adoption::undo(&wiki.config(), &wiki.undo_file());
    let error = undo().unwrap_err();
    assert!(matches!(error, Error::Move(MoveError::NotUndone { .. })), "{error:?}");
    assert!(error.to_string().contains("reading.reader has 1 rows of users"), "{error}");
    assert_eq!(wiki.everything(), before);
    wiki.execute("DELETE FROM reading WHERE reader = 44");
    undo().unwrap();
    assert_eq!(wiki.count("SELECT reader FROM reading"), 3);
}

fn who_is_held_stays_in_the_house(home: &Home) {
    let wiki = Wiki::new(home, &[], &[(1, "ada", ""), (2, "eve", ""), (3, "kim", "")]);
    wiki.run(&wiki.adoption()).unwrap();
    let of_house = |name: &str| {
        let id = format!("SELECT id FROM auth_user WHERE username = '{name}'");
        home.count(&id)
    };
    let id = of_house("ada");
    home.execute("CREATE TABLE company (boss_id integer REFERENCES auth_user (id))");
    home.execute(&format!("INSERT INTO company VALUES ({id})"));
    let eve = of_house("eve");
    home.execute(&format!(
        "INSERT INTO housekey_adoption VALUES ('tasks', 'eve', 9, {eve}, 'matched', '2026-01-01 00:00:00')"
    ));
    let undone = wiki.undo();
    let kept: Vec<_> = undone.kept.iter().map(|kept| (&*kept.username, &*kept.why)).collect();
    let expected = [
        ("ada", "rows of company refer to them"),
        ("eve", "the app `tasks` has adopted them, too"),
    ];
    assert_eq!(kept, expected);
    assert_eq!(undone.removed, 1);
    assert_eq!(
        home.text("SELECT string_agg(username, ' ' ORDER BY username) FROM auth_user"),
        "ada eve"
    );
    assert_eq!(wiki.users(), "1 ada, 2 eve, 3 kim");
}

fn an_undo_of_another_app_or_house_is_refused(home: &Home) {
    let wiki = circle(home);
    wiki.run(&wiki.adoption()).unwrap();
    let before = wiki.everything();
    let refused = |config: &housekey::Config| {
        let error = housekey::Adoption::undo(config, &wiki.undo_file()).unwrap_err();
        assert!(matches!(error, Error::Move(MoveError::File { .. })), "{error:?}");
        error.to_string()
    };
    assert!(refused(&wiki.config().app_name("tasks")).contains("is of the app `wiki`"));
    home.execute("UPDATE housekey_setting SET value = 'other' WHERE name = 'HOUSE'");
    assert!(refused(&wiki.config()).contains("is of another house"));
    std::fs::write(wiki.undo_file(), "{\"format\": 1").unwrap();
    assert!(refused(&wiki.config()).contains("or not a whole one"));
    assert_eq!(wiki.everything().1, before.1);
}

/// An app that has joined does without foreign keys to users who are elsewhere.
fn the_way_back_goes_through_keys_that_were_dropped(home: &Home) {
    let wiki = circle(home);
    wiki.run(&wiki.adoption()).unwrap();
    wiki.execute(
        "CREATE TABLE other (id integer NOT NULL PRIMARY KEY, author_id integer, title varchar(50)); \
         INSERT INTO other SELECT * FROM page; DROP TABLE page; ALTER TABLE other RENAME TO page",
    );
    let undone = wiki.undo();
    assert_eq!(undone.users, 3);
    assert_eq!(pages(&wiki), "of kim 1, of ada 2, of eve 3");
}
