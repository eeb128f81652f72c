//! What housekey promises, a file a promise, on SQLite and on PostgreSQL.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::disallowed_methods, reason = "tests are told by the environment what there is")]

mod support;

mod adoption_who_is_who;
mod attacks;
mod axum_adapter;
mod bad_configuration;
mod browser;
mod caretaker;
mod club;
mod csrf_guard;
mod custom_session_store;
mod dead_connections;
mod debug_does_not_leak;
mod declared_permissions;
mod django_admin;
mod django_adoption;
mod django_big_keys;
mod django_generated;
mod django_http;
mod django_http_forms;
mod django_live;
mod django_rotation;
mod expiry_by_database_clock;
mod forged_cookies;
mod grants;
mod healthy_house;
mod hostile_rows;
mod house_app;
mod house_checks;
mod house_warnings;
mod inactive_user;
mod key_order;
mod layers;
mod logout_everywhere;
mod migrate_once;
mod next_page;
mod no_fixation;
mod no_resurrection;
mod observability;
mod one_login;
mod password_change_ends_others;
mod password_rules;
mod people;
mod query_shapes;
mod relations;
mod reset_links;
mod rotation;
mod sessions_of_a_user;
mod renewed_meanwhile;
mod rotation_under_load;
mod routed_transactions;
mod router_property;
mod routing;
mod the_mistakes;
mod two_apps;
mod unknown_key_makes_no_row;
mod user_names;
mod vectors_auth;
mod vectors_password;
mod vectors_signing;
mod when_a_session_was_seen;
mod where_a_login_came_from;
mod wrong_key_never_destroys;
