//! Permissions of an app's own models are declared in Rust, and are Django's rows.

use std::time::Duration;

use diesel::connection::SimpleConnection;
use housekey::{Error, permissions};
use serde_json::json;

use crate::support::django::Django;
use crate::support::{Home, House, on_both_databases, troubles, user};

on_both_databases!(
    what_is_declared_is_there_after_migrate_and_once,
    the_rows_are_those_that_django_would_make,
    a_label_belongs_to_one_app,
    what_is_not_migrated_yet_is_told,
);

fn billing(home: &Home) -> housekey::Config {
    home.config("billing").permissions(permissions! {
        "billing": Invoice { add, change, "approve_invoice" = "Can approve invoice" }
        "billing": InvoiceLine { view, delete }
    })
}

fn rows(home: &Home) -> i64 {
    home.count(
        "SELECT count(*) FROM auth_permission p JOIN django_content_type c ON c.id = p.content_type_id \
         WHERE c.app_label = 'billing'",
    )
}

fn what_is_declared_is_there_after_migrate_and_once(home: &Home) {
    let house = home.open_with(billing(home));
    for _ in 0..2 {
        assert!(housekey::migrate(&billing(home)).unwrap().is_empty());
        assert_eq!(rows(home), 5);
    }
    let ada = user(&house, "ada");
    assert!(!house.permissions(&ada).unwrap().has_perm("billing.approve_invoice"));
    home.execute(
        "INSERT INTO auth_user_user_permissions (user_id, permission_id)
         SELECT u.id, p.id FROM auth_user u, auth_permission p WHERE p.codename = 'approve_invoice'",
    );
    let may = house.permissions(&ada).unwrap();
    assert!(may.has_perm("billing.approve_invoice") && !may.has_perm("billing.add_invoice"));
    assert!(may.has_module_perms("billing"));

    // One more is added, none is taken away, and what was granted stays granted.
    let less = home.config("billing").permissions(permissions! { "billing": Invoice { view } });
    housekey::migrate(&less).unwrap();
    assert_eq!(rows(home), 6);
    assert!(house.permissions(&ada).unwrap().has_perm("billing.approve_invoice"));
}

fn the_rows_are_those_that_django_would_make(home: &Home) {
    home.open_with(billing(home));
    let Some(mut django) = Django::start(home) else { return };
    let ours = "SELECT p.name FROM auth_permission p JOIN django_content_type c \
                ON c.id = p.content_type_id WHERE c.model = 'invoiceline' AND codename LIKE 'view%'";
    assert_eq!(home.text(ours), "Can view invoice line");
    let names = django
        .call("names_of_permissions", json!({"app_label": "billing", "model": "InvoiceLine"}));
    assert_eq!(names["view_invoiceline"], "Can view invoice line");
    assert_eq!(names["delete_invoiceline"], "Can delete invoice line");
    let before = rows(home);
    django.call("make_tables", json!({}));
    assert_eq!(rows(home), before, "Django's migrate leaves them alone");
}

fn a_label_belongs_to_one_app(home: &Home) {
    home.open_with(billing(home));
    let other = home
        .config("shop")
        .permissions(permissions! { "shop": Cart { add } "billing": Refund { add } });
    let error = housekey::migrate(&other).unwrap_err();
    let Error::LabelTaken { app, label, taken_by, .. } = &error else { panic!("{error:?}") };
    assert_eq!((app.as_str(), label.as_str(), taken_by.as_str()), ("shop", "billing", "billing"));
    assert!(error.to_string().contains("another label"));
    assert!(error.to_string().contains("housekey_app_label"));
    assert_eq!(home.count("SELECT count(*) FROM django_content_type WHERE app_label = 'shop'"), 0);
    assert_eq!(rows(home), 5);

    // A Django app cannot tell us its labels; its content types do.
    home.execute(
        "INSERT INTO django_content_type (id, app_label, model) VALUES (900, 'billing', 'dunning')",
    );
    let said = troubles(&House::open(billing(home)).unwrap());
    assert!(said.len() == 1 && said[0].contains("billing.dunning"), "{said:?}");
}

fn what_is_not_migrated_yet_is_told(home: &Home) {
    home.open("billing");
    let said = troubles(&House::open(billing(home)).unwrap());
    assert!(said.len() == 1 && said[0].contains("`billing`"), "{said:?}");
    assert!(said[0].ends_with("; call housekey::migrate"), "{said:?}");
    home.open_with(billing(home));
    assert!(troubles(&House::open(billing(home)).unwrap()).is_empty());
}

/// What is there already is read and not written, so an app that starts again waits for nobody.
#[test]
fn what_is_there_needs_no_right_to_write() {
    let home = Home::sqlite();
    let house = home.open_with(billing(&home));
    let mut other = house.shared().unwrap();
    other.batch_execute("BEGIN IMMEDIATE").unwrap();
    let again = || housekey::migrate(&billing(&home).deadline(Duration::from_millis(100)));
    assert!(again().unwrap().is_empty());
    other.batch_execute("DELETE FROM auth_permission WHERE codename = 'approve_invoice'").unwrap();
    other.batch_execute("COMMIT; BEGIN IMMEDIATE").unwrap();
    assert!(matches!(again(), Err(Error::Database { .. })), "what is missing has to be written");
    other.batch_execute("COMMIT").unwrap();
    again().unwrap();
    assert_eq!(rows(&home), 5);
}

#[test]
fn what_the_columns_cannot_hold_is_refused() {
    let home = Home::sqlite();
    let long = "x".repeat(101);
    for (label, codename, problem) in [
        ("a.b", "c", "no dot"),
        ("", "c", "no dot"),
        ("a", "", "codename"),
        ("a", &long, "codename"),
    ] {
        let model = housekey::ModelPermissions::new(label, "Thing").permission(codename, "Can");
        let error = housekey::migrate(&home.config("notes").permissions([model])).unwrap_err();
        assert!(error.to_string().contains(problem), "{error}");
    }
}
