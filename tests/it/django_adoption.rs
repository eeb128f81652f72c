//! Whoever made the shared tables, Django or housekey, the other takes them as they are.

use serde_json::json;

use crate::django_admin::submit;
use crate::support::apps::{App, Browser, create_superuser, manage};
use crate::support::django::Django;
use crate::support::django::Version::{self, V4_2, V5_2};
use crate::support::{Home, PASSWORD, cookie, login, on_both_databases, whoami};

on_both_databases!(
    what_django_4_2_made_is_adopted,
    what_django_5_2_made_is_adopted,
    what_housekey_made_is_adopted_by_django_4_2,
    what_housekey_made_is_adopted_by_django_5_2,
    one_django_after_the_other_finds_nothing_to_do,
);

fn what_django_4_2_made_is_adopted(home: &Home) {
    adopt(home, V4_2);
}

fn what_django_5_2_made_is_adopted(home: &Home) {
    adopt(home, V5_2);
}

fn what_housekey_made_is_adopted_by_django_4_2(home: &Home) {
    join(home, V4_2);
}

fn what_housekey_made_is_adopted_by_django_5_2(home: &Home) {
    join(home, V5_2);
}

/// All tables but housekey's own, with their columns, keys, indexes and triggers, but for what housekey
/// searches by and what tells it of changes.
fn schema(home: &Home) -> String {
    home.text(if home.is_postgres() {
        "SELECT string_agg(line, chr(10) ORDER BY line) FROM (
             SELECT concat_ws(' ', table_name, ordinal_position, column_name, data_type,
                 character_maximum_length, is_nullable, column_default, is_identity) AS line
             FROM information_schema.columns WHERE table_schema = 'public'
                 AND table_name NOT LIKE 'housekey\\_%'
             UNION ALL
             SELECT indexdef FROM pg_indexes
             WHERE schemaname = 'public' AND indexname NOT LIKE 'housekey\\_%'
                 AND tablename NOT LIKE 'housekey\\_%'
             UNION ALL
             SELECT concat_ws(' ', conrelid::regclass, conname, pg_get_constraintdef(oid))
             FROM pg_constraint WHERE connamespace = 'public'::regnamespace
                 AND conrelid::regclass::text NOT LIKE 'housekey\\_%'
             UNION ALL
             SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname) FROM pg_trigger
             WHERE NOT tgisinternal AND tgname NOT LIKE 'housekey\\_%'
                 AND tgrelid::regclass::text NOT LIKE 'housekey\\_%'
         ) AS lines"
    } else {
        "SELECT group_concat(line, char(10)) FROM (
             SELECT name || ': ' || coalesce(sql, '') AS line FROM sqlite_master
             WHERE tbl_name NOT LIKE 'housekey\\_%' ESCAPE '\\'
                 AND name NOT LIKE 'housekey\\_%' ESCAPE '\\' ORDER BY type, name
         )"
    })
}

fn tables(home: &Home) -> Vec<String> {
    let names = home.text(if home.is_postgres() {
        "SELECT string_agg(tablename, ' ' ORDER BY tablename) FROM pg_tables
         WHERE schemaname = 'public'"
    } else {
        "SELECT group_concat(name, ' ') FROM
             (SELECT name FROM sqlite_master WHERE type = 'table' ORDER BY name)"
    });
    names.split(' ').map(str::to_owned).collect()
}

/// A house that a Django team has, and that a Rust app joins.
fn adopt(home: &Home, version: Version) {
    let Some(django) = App::django(home, "django", version) else { return };
    create_superuser(home, version, "root");
    let mut browser = Browser::new();
    browser.sign_in(&django, "root");
    let (schema_before, tables_before) = (schema(home), tables(home));
    assert!(schema_before.contains("auth_user") && schema_before.contains("expire_date"));
    let steps = home.count("SELECT count(*) FROM django_migrations");

    let house = home.open("notes");
    let added: Vec<_> =
        tables(home).into_iter().filter(|table| !tables_before.contains(table)).collect();
    assert!(!added.is_empty() && added.iter().all(|table| table.starts_with("housekey_")));
    assert_eq!(schema(home), schema_before);
    assert_eq!(home.count("SELECT count(*) FROM django_migrations"), steps);

    assert_eq!(whoami(&house, &browser.session().unwrap()), Ok("root".to_owned()));
    let root = house.authenticate("root", PASSWORD).unwrap().unwrap();
    assert!(root.is_staff && root.is_superuser);
    browser.set_session(Some(login(&house, "root")));
    assert_eq!(browser.name_at(&django), "root");
    let ada = house.create_user("ada", "", PASSWORD).unwrap();
    browser.sign_in(&django, "ada");
    assert_eq!(browser.whoami(&django)["id"], ada.id);
    let session = house.session(browser.session().as_deref()).unwrap();
    house.logout(&session).unwrap();
    assert_eq!(browser.name_at(&django), "");

    let output = manage(home, "django", version, &[], &["migrate", "--database=shared"]);
    let said = String::from_utf8(output.unwrap().stdout).unwrap();
    assert!(said.contains("No migrations to apply."), "{said}");
    assert_eq!(schema(home), schema_before);
}

/// A house that Rust apps have, and that a Django team joins.
fn join(home: &Home, version: Version) {
    let house = home.open("notes");
    crate::support::user(&house, "ada");
    let (schema_before, tables_before) = (schema(home), tables(home));
    let Some(mut plain) = Django::start_version(home, version) else { return };
    let nothing = json!(["No planned migration operations.", "No changes detected"]);
    assert_eq!(plain.call("migrate", json!({})), nothing);
    let said = plain.text("make_tables", json!({}));
    assert!(said.contains("No migrations to apply."), "{said}");

    for arguments in [
        &["makemigrations", "--check", "--dry-run"][..],
        &["check", "--database=default", "--database=shared", "--fail-level=WARNING"],
    ] {
        let output = manage(home, "django", version, &[], arguments).unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let Some(django) = App::django(home, "django", version) else { return };
    create_superuser(home, version, "root");
    let mut browser = Browser::new();
    let fields = "username=root&password=correct+horse+battery+staple&next=/admin/";
    assert_eq!(submit(&mut browser, &django, "/admin/login/", fields), 302);
    assert_eq!(browser.get(&django, "/admin/").status(), 200);
    assert_eq!(whoami(&house, &browser.session().unwrap()), Ok("root".to_owned()));

    browser.set_session(Some(cookie(&{
        let session = housekey::Session::default();
        crate::support::login_in(&house, &session, "ada");
        session
    })));
    assert_eq!(browser.name_at(&django), "ada");
    assert_eq!((schema(home), tables(home)), (schema_before, tables_before));
}

fn one_django_after_the_other_finds_nothing_to_do(home: &Home) {
    for (number, version) in [V4_2, V5_2, V4_2].into_iter().enumerate() {
        let Some(mut django) = Django::start_version(home, version) else { return };
        let said = django.text("make_tables", json!({}));
        assert_eq!(said.contains("No migrations to apply."), number > 0, "{said}");
        home.open("notes");
    }
}
