//! What somebody may do is kept as well, and is as good as asked anew but for the staleness: whoever has changed it.

use axum::Router;
use axum::http::StatusCode;
use axum::routing::get;
use housekey::axum::{HousekeyLayer, permission_required};
use housekey::{Caretaker, Config, Grant, User, permissions};
use serde_json::json;

use crate::lookups::{now, visit};
use crate::support::django::Django;
use crate::support::proxy::Proxy;
use crate::support::staleness::assert_holds_in_time;
use crate::support::{Home, House, KEY, login, on_both_databases, skip, user};

on_both_databases!(
    what_changes_the_rights_of_a_user_is_seen_in_time,
    what_django_grants_is_seen_in_time,
    who_was_a_superuser_leaves_nothing_behind,
);

const ADD: &str = "billing.add_invoice";

fn keeping(config: Config) -> Config {
    config.cache(100).permissions(permissions! { "billing": Invoice { add, change } })
}

/// What the user of this session may do now, as every request asks it.
fn may(app: &House, cookie: &str) -> bool {
    let ada = app.session(Some(cookie)).unwrap().user().unwrap();
    app.permissions(&ada).unwrap().has_perm(ADD)
}

fn what_changes_the_rights_of_a_user_is_seen_in_time(home: &Home) {
    let app = home.open_with(keeping(home.config("billing")));
    user(&app, "ada");
    let cookie = login(&app, "ada");
    let keeper = Caretaker::open(home.config("operator")).unwrap();
    keeper.create_group("clerks").unwrap();
    let is_seen = |can: bool, change: &dyn Fn()| {
        // Whatever may be kept is kept.
        for _ in 0..3 {
            may(&app, &cookie);
        }
        change();
        assert_holds_in_time(|| may(&app, &cookie) == can);
    };
    is_seen(true, &|| keeper.grant("ada", ADD, Grant::Give).unwrap());
    is_seen(false, &|| keeper.grant("ada", ADD, Grant::Take).unwrap());
    keeper.set_membership("ada", "clerks", Grant::Give).unwrap();
    is_seen(true, &|| keeper.grant_to_group("clerks", ADD, Grant::Give).unwrap());
    is_seen(false, &|| keeper.set_membership("ada", "clerks", Grant::Take).unwrap());
    is_seen(true, &|| keeper.set_membership("ada", "clerks", Grant::Give).unwrap());
    for (can, sql) in [
        (false, "UPDATE auth_permission SET codename = 'x' WHERE codename = 'add_invoice'"),
        (true, "UPDATE auth_permission SET codename = 'add_invoice' WHERE codename = 'x'"),
        (false, "UPDATE django_content_type SET app_label = 'x' WHERE model = 'invoice'"),
        (true, "UPDATE auth_user SET is_superuser = true"),
        (false, "UPDATE auth_user SET is_superuser = false"),
    ] {
        is_seen(can, &|| home.execute(sql));
    }
}

fn what_django_grants_is_seen_in_time(home: &Home) {
    let app = home.open_with(keeping(home.config("billing")));
    user(&app, "ada");
    let cookie = login(&app, "ada");
    let Some(mut django) = Django::start(home) else { return };
    assert!(!may(&app, &cookie));
    django.call("grant", json!({ "username": "ada", "codename": "add_invoice" }));
    assert_holds_in_time(|| may(&app, &cookie));
    home.execute("DELETE FROM auth_user_user_permissions");
    assert_holds_in_time(|| !may(&app, &cookie));

    let keeper = Caretaker::open(home.config("operator")).unwrap();
    keeper.create_group("clerks").unwrap();
    keeper.set_membership("ada", "clerks", Grant::Give).unwrap();
    let to_the_group = json!({ "username": "ada", "codename": "add_invoice", "group": "clerks" });
    django.call("grant", to_the_group);
    assert_holds_in_time(|| may(&app, &cookie));
}

/// An app may hold a [`User`] for longer than it is true.
fn who_was_a_superuser_leaves_nothing_behind(home: &Home) {
    let app = home.open_with(keeping(home.config("billing")));
    let ada = user(&app, "ada");
    let may = |user: &User| app.permissions(user).unwrap().has_perm(ADD);
    for _ in 0..3 {
        let mut once = ada.clone();
        once.is_superuser = true;
        assert!(may(&once));
        assert!(!may(&ada));
        once.is_active = false;
        assert!(!may(&once));
    }
}

#[test]
fn what_is_kept_is_not_asked_for() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let proxy = Proxy::before(&home);
    let app = home.open_with(keeping(home.config_at(&proxy.url(&home), "billing", KEY)));
    user(&app, "ada");
    home.execute("UPDATE auth_user SET is_superuser = true");
    let cookie = login(&app, "ada");
    let pages = Router::new()
        .route("/", get(|| async {}))
        .route_layer(permission_required(ADD))
        .layer(HousekeyLayer::new(&app));
    let ways: [&dyn Fn(); 2] = [&|| assert!(may(&app, &cookie)), &|| {
        assert_eq!(now(visit(&pages, "/", &cookie)).0, StatusCode::OK);
    }];
    for ask in ways {
        loop {
            let before = proxy.sent();
            (0..10).for_each(|_| ask());
            // But for the question what has changed.
            if proxy.sent() <= before + 1 {
                break;
            }
        }
    }
}
