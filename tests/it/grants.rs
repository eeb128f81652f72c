//! An app's database role has the rights that the app needs, and no others (PostgreSQL).

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::schema::auth_user;
use housekey::{
    Active, Caretaker, Config, Error, Grant, Housekey, Role, SecretKey, Session, permissions,
};

use crate::attacks::{ROLES, gets_through, house, is_denial};
use crate::django_admin::submit;
use crate::support::apps::{App, Browser};
use crate::support::django::Version;
use crate::support::log::recorded;
use crate::support::{
    Home, House, KEY, OTHER_KEY, PASSWORD, cookie, login, login_in, skip, user, whoami,
};

fn notes(home: &Home, role: Role) -> Config {
    home.config_as(role, "notes")
        .permissions(permissions! { "notes": Note { add, "share_note" = "Can share" } })
}

/// A house whose apps have no more rights than they need has nothing to be told, but what its server deserves.
fn is_well(house: &House) -> bool {
    house.check().troubles().all(|trouble| trouble.topic == "durability")
}

#[track_caller]
fn refused<T: std::fmt::Debug>(result: Result<T, Error>) {
    let error = result.unwrap_err();
    assert!(matches!(error, Error::NotAllowed { .. }), "{error:?}");
    assert!(!error.is_temporary(), "waiting does not help");
    assert!(error.to_string().contains("housekey grants --role auth"), "{error}");
    let cause = std::error::Error::source(&error).unwrap().to_string();
    assert!(is_denial(&cause), "{cause}");
}

#[test]
fn a_consumer_lets_users_sign_in_and_out() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let owners = house(&home);
    let elsewhere = login(&owners, "ada");
    // The permissions of the app are declared by who may.
    refused(housekey::migrate(&notes(&home, Role::Consumer)));
    housekey::migrate(&notes(&home, Role::Auth)).unwrap();
    assert!(housekey::migrate(&notes(&home, Role::Consumer)).unwrap().is_empty());

    let app = House::open(notes(&home, Role::Consumer)).unwrap();
    assert!(is_well(&app), "{:?}", app.check());
    assert_eq!(whoami(&app, &elsewhere), Ok("ada".to_owned()));
    assert!(app.authenticate("ada", "wrong").unwrap().is_none());
    let session = Session::default();
    login_in(&app, &session, "ada");
    assert_eq!(whoami(&owners, &cookie(&session)), Ok("ada".to_owned()));
    assert!(app.find_user("ada").unwrap().unwrap().last_login.is_some());

    // Two requests that save at once: the second one merges, under a lock of the row.
    let other = app.session(Some(&cookie(&session))).unwrap();
    for (session, name) in [(&session, "page"), (&other, "theme")] {
        session.insert(name, 1).unwrap();
        app.save(session).unwrap();
    }
    let seen = owners.session(Some(&cookie(&session))).unwrap();
    assert_eq!((seen.get("page"), seen.get("theme")), (Some(1), Some(1)));

    let ada = session.user().unwrap();
    assert!(!app.permissions(&ada).unwrap().has_perm("notes.share_note"));
    assert!(app.reset_link(&ada).unwrap().is_some());
    app.logout(&session).unwrap();
    assert_eq!(whoami(&owners, &cookie(&other)).ok(), None);
    let keeper = Caretaker::open(home.config_as(Role::Consumer, "operator")).unwrap();
    home.execute("UPDATE django_session SET expire_date = '2020-01-01'");
    assert_eq!(keeper.purge_sessions(|_| {}).unwrap(), 1);
}

#[test]
fn the_queries_of_a_consumer_are_routed_and_its_own_tables_are_its_own() {
    let (Some(home), Some(own)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    house(&home);
    own.execute("CREATE TABLE note (id int PRIMARY KEY)");
    let key = SecretKey::new(KEY).unwrap();
    let config = Config::new(&home.url_as(Role::Consumer), &own.shared_url(), key).unwrap();
    let app = Housekey::<PgConnection>::open(config.app_name("notes")).unwrap();
    let mut conn = app.conn();
    let all: i64 = auth_user::table.count().get_result(&mut conn).unwrap();
    assert_eq!(all, 1);
    diesel::sql_query("INSERT INTO note VALUES (1)").execute(&mut conn).unwrap();
    let denied = diesel::delete(auth_user::table).execute(&mut conn).unwrap_err();
    assert!(is_denial(&denied.to_string()), "{denied}");
}

#[test]
fn a_consumer_changes_no_user() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    housekey::migrate(&notes(&home, Role::Auth)).unwrap();
    let app = House::open(home.config_as(Role::Consumer, "notes")).unwrap();
    let before = home.text("SELECT string_agg(u::text, ';') FROM auth_user u");
    let ada = app.find_user("ada").unwrap().unwrap();
    let session = Session::default();
    refused(app.create_user("eve", "", PASSWORD));
    refused(app.create_superuser("eve", "", PASSWORD));
    refused(app.change_password(&session, &ada, PASSWORD, "another one"));
    let link = app.reset_link(&ada).unwrap().unwrap();
    refused(app.reset_password(&link.uid, &link.token, "another one"));
    let keeper = Caretaker::open(home.config_as(Role::Consumer, "operator")).unwrap();
    refused(keeper.set_password("ada", "another one"));
    refused(keeper.set_active("ada", Active::No));
    refused(keeper.create_group("writers"));
    home.execute("INSERT INTO auth_group (name) VALUES ('writers')");
    refused(keeper.set_membership("ada", "writers", Grant::Give));
    refused(keeper.grant("ada", "notes.share_note", Grant::Give));
    assert_eq!(home.text("SELECT string_agg(u::text, ';') FROM auth_user u"), before);

    // A signed-in user changes the password in a transaction that also renews the session.
    login_in(&app, &session, "ada");
    refused(app.change_password(&session, &ada, PASSWORD, "another one"));
    assert_eq!(whoami(&app, &cookie(&session)), Ok("ada".to_owned()));
}

#[test]
fn a_consumer_of_higher_cost_lets_users_in_with_the_hash_as_it_is() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let owners = house(&home);
    let elsewhere = login(&owners, "ada");
    let hash = home.text("SELECT password FROM auth_user");
    let config = home.config_as(Role::Consumer, "notes").password_iterations(20);
    let said = recorded(|| {
        let app = House::open(config).unwrap();
        login_in(&app, &Session::default(), "ada");
    });
    let warned =
        |text: &str| said.iter().any(|line| line.starts_with("WARN") && line.contains(text));
    assert!(warned("pbkdf2_sha256$20 in `notes`"), "{said:?}");
    assert!(warned("could not be made stronger"), "{said:?}");
    assert!(warned("housekey grants --role auth"), "{said:?}");
    assert_eq!(home.text("SELECT password FROM auth_user"), hash);
    assert_eq!(whoami(&owners, &elsewhere), Ok("ada".to_owned()));
    let cost = home.text("SELECT value FROM housekey_setting WHERE name = 'PASSWORD_HASHERS'");
    assert_eq!(cost, "pbkdf2_sha256$10", "the cost of the house is not a consumer's to set");
}

#[test]
fn an_auth_app_keeps_the_users_and_not_the_tables() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    // The tables are the owner's, and the house is new.
    housekey::migrate(&home.config("owner")).unwrap();
    assert!(housekey::migrate(&notes(&home, Role::Auth)).unwrap().is_empty());
    let app = House::open(notes(&home, Role::Auth)).unwrap();
    let ada = user(&app, "ada");
    app.create_superuser("root", "", PASSWORD).unwrap();
    let session = Session::default();
    login_in(&app, &session, "ada");
    assert!(app.change_password(&session, &ada, PASSWORD, "another one").unwrap());
    let link = app.reset_link(&ada).unwrap().unwrap();
    assert!(app.reset_password(&link.uid, &link.token, PASSWORD).unwrap());
    assert!(is_well(&app), "{:?}", app.check());

    let keeper = Caretaker::open(home.config_as(Role::Auth, "operator")).unwrap();
    keeper.create_group("writers").unwrap();
    keeper.set_membership("ada", "writers", Grant::Give).unwrap();
    keeper.grant_to_group("writers", "notes.share_note", Grant::Give).unwrap();
    keeper.grant("ada", "notes.add_note", Grant::Give).unwrap();
    let may = app.permissions(&ada).unwrap();
    assert!(may.has_perm("notes.share_note") && may.has_perm("notes.add_note"));
    keeper.grant("ada", "notes.add_note", Grant::Take).unwrap();
    keeper.set_membership("ada", "writers", Grant::Take).unwrap();
    assert!(!app.permissions(&ada).unwrap().has_perm("notes.share_note"));
    assert!(keeper.set_password("ada", PASSWORD).unwrap());
    assert!(keeper.set_active("root", Active::No).unwrap());
    login(&app, "ada");
    assert_eq!(keeper.end_sessions_of("ada").unwrap(), Some(1));
    login(&app, "ada");
    assert_eq!(keeper.end_all_sessions().unwrap(), 1);

    // Its stronger hashes take the place of weaker ones, and the house is told of the cost.
    let stronger = House::open(notes(&home, Role::Auth).password_iterations(20)).unwrap();
    login(&stronger, "ada");
    assert!(home.text("SELECT password FROM auth_user WHERE username = 'ada'").contains("$20$"));
    assert!(is_well(&stronger), "{:?}", stronger.check());

    // A table that a new version needs is made by the owner.
    home.execute("DELETE FROM housekey_migration WHERE step = '0005_adoption'");
    for role in ROLES {
        refused(housekey::migrate(&notes(&home, role)));
    }
}

#[test]
fn every_app_tells_of_itself_and_renews_sessions() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    for role in ROLES {
        let mut conn = PgConnection::establish(&home.url_as(role)).unwrap();
        for sql in [
            "INSERT INTO housekey_app VALUES ('notes', 'host', '{}', now(), now()) \
             ON CONFLICT (app, host) DO UPDATE SET facts = '{}', last_seen = now()",
            "INSERT INTO housekey_renewal VALUES ('old', 'new', now()); DELETE FROM housekey_renewal",
            "UPDATE housekey_session SET address = '127.0.0.1', agent = 'x', last_seen = now()",
            "SELECT * FROM housekey_session FOR UPDATE; SELECT * FROM housekey_renewal FOR UPDATE",
        ] {
            assert!(gets_through(&mut conn, sql), "{role}: {sql}");
        }
    }
}

#[test]
fn the_key_is_changed_by_auth_apps_first() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let cookie_of_old = login(&house(&home), "ada");
    // Who has made the tables is no app of the house.
    home.execute("DELETE FROM housekey_app");
    let rotated = |role| {
        let config = home.config_at(&home.url_as(role), "notes", OTHER_KEY);
        House::open(config.fallback_key(SecretKey::new(KEY).unwrap()))
    };
    refused(rotated(Role::Consumer));
    rotated(Role::Auth).unwrap();
    let app = rotated(Role::Consumer).unwrap();
    let session = app.session(Some(&cookie_of_old)).unwrap();
    app.save(&session).unwrap();
    assert_ne!(cookie(&session), cookie_of_old, "the session goes on under the new key");
    assert_eq!(whoami(&app, &cookie(&session)), Ok("ada".to_owned()));
}

/// Of a table that a new step makes, somebody must have thought.
#[test]
fn every_table_of_the_house_has_its_grants() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    for role in ROLES {
        home.url_as(role);
        let unread = format!(
            "SELECT coalesce(string_agg(oid::regclass::text, ', '), '') FROM pg_class \
             WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace \
             AND NOT has_table_privilege('{}', oid, 'SELECT, INSERT')",
            home.name_of(role)
        );
        assert_eq!(home.text(&unread), "", "{role}");
    }
}

/// The owner of a house needs not be a superuser, if it may make roles.
#[test]
fn the_owner_of_the_database_may_hand_out_the_rights() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let (owner, database) = (home.name_of("owner"), home.database());
    home.execute(&format!(
        "CREATE ROLE {owner} LOGIN CREATEROLE PASSWORD 'tests-only'; \
         ALTER DATABASE {database} OWNER TO {owner}; REVOKE ALL ON DATABASE {database} FROM PUBLIC"
    ));
    let url = home.url_of(&owner);
    let migrate = || housekey::migrate(&home.config_at(&url, "owner", KEY)).unwrap();
    assert!(!migrate().is_empty());
    let mut conn = PgConnection::establish(&url).unwrap();
    for role in ROLES {
        let (sql, name) =
            (housekey::grants(role, &home.name_of(role)).unwrap(), home.name_of(role));
        conn.batch_execute(&sql).unwrap();
        conn.batch_execute(&format!("ALTER ROLE {name} PASSWORD 'tests-only'")).unwrap();
        House::open(home.config_at(&home.url_of(&name), "notes", KEY)).unwrap();
    }
    // And goes on making tables.
    home.execute("DROP TABLE housekey_setting, housekey_app_label");
    home.execute("DELETE FROM housekey_migration WHERE step = '0003_agreements'");
    assert_eq!(migrate(), ["0003_agreements"]);
}

/// Django before 4.1 made its ids by sequences that whoever inserts must have a right to.
#[test]
fn ids_of_an_old_django_are_counted() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    home.execute(
        "ALTER TABLE auth_user ALTER id DROP IDENTITY; \
         CREATE SEQUENCE \"Old seq\" START 100 OWNED BY auth_user.id; \
         ALTER TABLE auth_user ALTER id SET DEFAULT nextval('\"Old seq\"')",
    );
    let app = House::open(home.config_as(Role::Auth, "notes")).unwrap();
    assert_eq!(user(&app, "grace").id, 100);
    let mut conn = PgConnection::establish(&home.url_as(Role::Consumer)).unwrap();
    assert!(!gets_through(&mut conn, "SELECT nextval('\"Old seq\"')"));
}

#[test]
fn a_django_and_a_rust_app_run_as_consumers() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    let owners = house(&home);
    let Some(migrated) = App::django(&home, "diary", Version::V5_2) else { return };
    drop(migrated);
    let url = home.url_as(Role::Consumer);
    let settings = [("SHARED_DATABASE_URL", url.as_str())];
    let django = App::migrated_django(&home, "diary", Version::V5_2, &settings).unwrap();
    let rust = App::start_with(&home, "notes", &settings);

    // Its admin keeps the app's own tables, and not the people.
    let root = owners.create_superuser("root", "", PASSWORD).unwrap();
    let mut admin = Browser::new();
    admin.sign_in(&django, "root");
    let fields = format!("user_id={}&text=from+the+admin", root.id);
    assert_eq!(submit(&mut admin, &django, "/admin/diary/note/add/", &fields), 302);
    assert_eq!(home.count("SELECT count(*) FROM django_admin_log"), 1);
    assert_eq!(submit(&mut admin, &django, "/admin/auth/group/add/", "name=friends"), 503);
    assert_eq!(admin.post(&django, "/logout", "").status(), 200);

    for (here, there) in [(&django, &rust), (&rust, &django)] {
        let mut browser = Browser::new();
        browser.sign_in(here, "ada");
        assert_eq!(browser.name_at(there), "ada");
        assert_eq!(browser.post(there, "/set", r#"{"page": 2}"#).status(), 200);
        assert_eq!(browser.whoami(here)["session"], serde_json::json!({"page": 2}));
        let password = r#"{"old": "correct horse battery staple", "new": "another one"}"#;
        assert_eq!(browser.post(&rust, "/password", password).status(), 500);
        assert_eq!(browser.post(here, "/logout", "").status(), 200);
        assert_eq!(browser.name_at(there), "");
    }
    assert!(owners.authenticate("ada", PASSWORD).unwrap().is_some());
    assert_eq!(home.sessions(), 0);
}
