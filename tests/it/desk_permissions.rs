//! The permissions of a desk are those that Django makes for its own models, whoever came first.

use serde_json::json;

use crate::support::django::Django;
use crate::support::django::Version::{V4_2, V5_2};
use crate::support::{Home, on_both_databases, troubles};

on_both_databases!(
    a_house_without_django_has_them,
    a_django_that_comes_later_finds_them,
    what_django_has_made_stays,
);

const MODELS: [&str; 3] = ["group", "permission", "user"];

/// As `create_permissions` of Django writes them.
fn of_django() -> Vec<String> {
    let verbs = ["add", "change", "delete", "view"];
    let of_model = |model| verbs.map(|verb| format!("{model} {verb}_{model}: Can {verb} {model}"));
    MODELS.into_iter().flat_map(of_model).collect()
}

fn rows(home: &Home) -> Vec<String> {
    crate::support::database::texts(
        &home.shared_url(),
        "SELECT c.model || ' ' || p.codename || ': ' || p.name FROM auth_permission p \
         JOIN django_content_type c ON c.id = p.content_type_id WHERE c.app_label = 'auth' \
         ORDER BY c.model, p.codename",
    )
}

fn content_types(home: &Home) -> i64 {
    home.count("SELECT count(*) FROM django_content_type WHERE app_label = 'auth'")
}

fn a_house_without_django_has_them(home: &Home) {
    let house = home.open("notes");
    assert_eq!(rows(home), of_django());
    assert_eq!(content_types(home), 3);
    assert!(troubles(&house).is_empty(), "{:?}", troubles(&house));
}

fn a_django_that_comes_later_finds_them(home: &Home) {
    home.open("notes");
    for version in [V4_2, V5_2] {
        let Some(mut django) = Django::start_version(home, version) else { return };
        django.call("make_tables", json!({}));
        assert_eq!((rows(home), content_types(home)), (of_django(), 3), "{version:?}");
    }
    // Django has gone on with ids of its own.
    assert!(home.count("SELECT count(*) FROM auth_permission") > 12);
}

fn what_django_has_made_stays(home: &Home) {
    let Some(mut django) = Django::start_version(home, V5_2) else { return };
    django.call("make_tables", json!({}));
    let ids = "SELECT CAST(sum(id * content_type_id) AS bigint) FROM auth_permission";
    let (before, count) = (home.count(ids), home.count("SELECT count(*) FROM auth_permission"));
    home.open("notes");
    assert_eq!((rows(home), content_types(home)), (of_django(), 3));
    assert_eq!(home.count(ids), before);
    assert_eq!(home.count("SELECT count(*) FROM auth_permission"), count);
}
