//! A shared database whose user ids are wider than Django's own `AutoField`.

use crate::support::apps::{App, Browser, create_superuser};
use crate::support::django::Version::V5_2;
use crate::support::{Home, login, on_both_databases, whoami};

on_both_databases!(big_keys_that_a_team_has_chosen_are_read);

/// With `default_auto_field` of `AuthConfig` overridden, as some teams have it: `bigint` in PostgreSQL.
fn big_keys_that_a_team_has_chosen_are_read(home: &Home) {
    let Some(django) = App::django(home, "django", V5_2) else { return };
    create_superuser(home, V5_2, "root");
    if home.is_postgres() {
        home.execute(
            "ALTER TABLE auth_user ALTER id TYPE bigint;
             ALTER TABLE auth_user_groups ALTER user_id TYPE bigint;
             ALTER TABLE auth_user_user_permissions ALTER user_id TYPE bigint;
             ALTER TABLE django_admin_log ALTER user_id TYPE bigint",
        );
    }
    let house = home.open("notes");
    let mut browser = Browser::new();
    browser.sign_in(&django, "root");
    assert_eq!(whoami(&house, &browser.session().unwrap()), Ok("root".to_owned()));
    browser.set_session(Some(login(&house, "root")));
    assert_eq!(browser.name_at(&django), "root");
}
