//! What somebody who has taken over an app gets of the shared database is known (PostgreSQL):
//! `docs/least-privilege.md` has the table.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use housekey::Role;

use crate::support::{Home, House, login, skip, user};

pub(crate) const ROLES: [Role; 2] = [Role::Auth, Role::Consumer];

/// The owner of the tables makes them, and a user.
pub(crate) fn house(home: &Home) -> House {
    let owners = home.open("owner");
    user(&owners, "ada");
    owners
}

/// What somebody who has taken over an app may try in the database, and whether an app with the role
/// `auth`, and one with the role `consumer`, gets through.
const ATTACKS: [(&str, bool, bool); 11] = [
    ("SELECT session_key, session_data FROM django_session", true, true),
    ("SELECT username, password FROM auth_user", true, true),
    ("INSERT INTO django_session VALUES ('forged', 'data', now() + interval '1 day')", true, true),
    ("DELETE FROM django_session", true, true),
    ("UPDATE auth_user SET is_superuser = true, is_staff = true", true, false),
    ("UPDATE auth_user SET password = (SELECT max(password) FROM auth_user)", true, false),
    (
        "INSERT INTO auth_user (password, is_superuser, username, first_name, last_name, email, is_staff, \
         is_active, date_joined) VALUES ('', true, 'eve', '', '', '', true, true, now())",
        true,
        false,
    ),
    (
        "INSERT INTO auth_user_groups (user_id, group_id) SELECT u.id, g.id FROM auth_user u, auth_group g",
        true,
        false,
    ),
    ("TRUNCATE django_session", false, false),
    ("ALTER TABLE auth_user ADD COLUMN back_door text", false, false),
    (
        "CREATE TRIGGER spy BEFORE UPDATE ON auth_user FOR EACH ROW \
         EXECUTE FUNCTION suppress_redundant_updates_trigger()",
        false,
        false,
    ),
];

/// The same beyond the eleven: by the tables of the house.
const MORE_ATTACKS: [(&str, bool, bool); 38] = [
    ("UPDATE auth_user SET email = 'eve@example.org'", true, false),
    ("UPDATE auth_user SET is_active = false", true, false),
    ("DELETE FROM auth_user", true, false),
    ("LOCK TABLE auth_user IN ACCESS EXCLUSIVE MODE", true, false),
    ("INSERT INTO auth_group (name) VALUES ('friends')", true, false),
    ("INSERT INTO auth_user_user_permissions (user_id, permission_id) SELECT 1, 1", true, false),
    ("INSERT INTO auth_group_permissions (group_id, permission_id) SELECT 1, 1", true, false),
    ("INSERT INTO django_content_type (app_label, model) VALUES ('a', 'b')", true, false),
    ("UPDATE auth_permission SET codename = 'view'", false, false),
    ("DELETE FROM django_content_type", false, false),
    ("UPDATE django_admin_log SET change_message = ''", false, false),
    ("DELETE FROM django_admin_log", true, false),
    ("DELETE FROM housekey_key", true, false),
    (
        "INSERT INTO housekey_key (fingerprint, app, first_seen) VALUES ('x', 'x', now())",
        true,
        false,
    ),
    ("UPDATE housekey_setting SET value = 'md5'", true, false),
    ("INSERT INTO housekey_app_label VALUES ('x', 'x', now())", true, false),
    ("UPDATE housekey_app_label SET app = 'x'", false, false),
    ("DELETE FROM housekey_migration", false, false),
    ("DELETE FROM housekey_throttle", true, true),
    ("DELETE FROM housekey_stranger", true, true),
    ("INSERT INTO housekey_stranger VALUES ('x')", false, false),
    ("SELECT * FROM housekey_change", true, true),
    ("INSERT INTO housekey_change DEFAULT VALUES", false, false),
    ("UPDATE housekey_change SET user_id = 1", false, false),
    ("DELETE FROM housekey_change", true, false),
    ("ALTER TABLE django_session DISABLE TRIGGER USER", false, false),
    ("SELECT * FROM housekey_event", true, false),
    ("UPDATE housekey_event SET detail = ''", true, false),
    ("DELETE FROM housekey_event", true, false),
    (
        "INSERT INTO housekey_event (at, kind, username, app, address, agent, session, detail) \
         VALUES (now(), 'login', '', '', '', '', '', '')",
        true,
        true,
    ),
    ("INSERT INTO django_migrations (app, name, applied) VALUES ('x', 'x', now())", false, false),
    ("SELECT setval('auth_user_id_seq', 1)", false, false),
    ("DROP TABLE housekey_key", false, false),
    ("ALTER TABLE auth_user OWNER TO CURRENT_USER", false, false),
    ("GRANT TRUNCATE ON django_session TO CURRENT_USER; TRUNCATE django_session", false, false),
    ("CREATE INDEX slow ON auth_user (email)", false, false),
    ("CREATE TABLE public.mine (id int)", false, false),
    ("CREATE SCHEMA mine", false, false),
];

/// And by the server. Nobody gets through.
const ON_THE_SERVER: [&str; 14] = [
    "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "CREATE ROLE mallory",
    "ALTER ROLE CURRENT_USER SUPERUSER",
    "ALTER ROLE CURRENT_USER CREATEROLE",
    "ALTER ROLE {other} PASSWORD 'mine'",
    "DROP ROLE {other}",
    "GRANT {other} TO CURRENT_USER",
    "SET ROLE {other}",
    "SET SESSION AUTHORIZATION {other}",
    "SET session_replication_role = replica",
    "SELECT rolpassword FROM pg_authid",
    "SELECT pg_read_file('PG_VERSION')",
    "COPY (SELECT 1) TO PROGRAM 'true'",
    "ALTER DATABASE {database} RESET ALL",
];

/// PostgreSQL's words for a right that is not there (SQLSTATE 42501).
pub(crate) fn is_denial(said: &str) -> bool {
    said.contains("permission denied") || said.starts_with("must ")
}

/// Does this go through? Nothing of it stays.
#[track_caller]
pub(crate) fn gets_through(conn: &mut PgConnection, sql: &str) -> bool {
    let tried = conn.transaction(|conn| {
        conn.batch_execute(sql)?;
        Err::<(), _>(diesel::result::Error::RollbackTransaction)
    });
    match tried.unwrap_err() {
        diesel::result::Error::RollbackTransaction => true,
        error => {
            assert!(is_denial(&error.to_string()), "{sql}: {error}");
            false
        }
    }
}

#[test]
fn what_an_attacker_gets_is_known() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    login(&house(&home), "ada");
    home.execute("INSERT INTO auth_group (name) VALUES ('admins')");
    for (role, other) in [(Role::Auth, Role::Consumer), (Role::Consumer, Role::Auth)] {
        home.url_as(other);
        let mut conn = PgConnection::establish(&home.url_as(role)).unwrap();
        let mut count = 0;
        for (number, (sql, auth, consumer)) in ATTACKS.iter().chain(&MORE_ATTACKS).enumerate() {
            let expected = if role == Role::Auth { *auth } else { *consumer };
            let is_through = gets_through(&mut conn, sql);
            assert_eq!(is_through, expected, "{role}: {sql}");
            count += usize::from(is_through && number < ATTACKS.len());
        }
        assert_eq!(count, if role == Role::Auth { 8 } else { 4 });
        for sql in ON_THE_SERVER {
            let sql = sql.replace("{other}", &home.name_of(other));
            let sql = sql.replace("{database}", home.database());
            assert!(!gets_through(&mut conn, &sql), "{role}: {sql}");
        }
    }
}

#[test]
fn the_house_next_door_stays_closed() {
    let (Some(home), Some(next)) = (Home::postgres(), Home::postgres()) else {
        return skip("PostgreSQL");
    };
    house(&home);
    house(&next);
    for role in ROLES {
        let url = home.url_as(role);
        let next_door = format!("{}/{}", url.rsplit_once('/').unwrap().0, next.database());
        let mut conn = PgConnection::establish(&next_door).unwrap();
        for table in ["auth_user", "django_session", "housekey_key"] {
            assert!(!gets_through(&mut conn, &format!("SELECT * FROM {table}")));
        }
    }
}

#[test]
fn what_a_role_had_before_is_taken_from_it() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    let url = home.url_as(Role::Consumer);
    let name = home.name_of(Role::Consumer);
    home.execute(&housekey::grants(Role::Auth, &name).unwrap());
    home.execute(&format!(
        "GRANT ALL ON ALL TABLES IN SCHEMA public TO {name}, PUBLIC; \
         GRANT ALL ON ALL SEQUENCES IN SCHEMA public TO {name}, PUBLIC; \
         GRANT CREATE ON SCHEMA public TO {name}, PUBLIC"
    ));
    let mut conn = PgConnection::establish(&url).unwrap();
    assert!(gets_through(&mut conn, "TRUNCATE django_session"));
    home.url_as(Role::Consumer);
    for (sql, _, expected) in ATTACKS.iter().chain(&MORE_ATTACKS) {
        assert_eq!(gets_through(&mut conn, sql), *expected, "{sql}");
    }
}

/// Grants do not bind a superuser, an owner, or who is a member of such a role.
#[test]
fn a_role_that_may_do_everything_is_refused() {
    let Some(home) = Home::postgres() else { return skip("PostgreSQL") };
    house(&home);
    home.url_as(Role::Auth);
    home.url_as(Role::Consumer);
    let (auth, consumer) = (home.name_of(Role::Auth), home.name_of(Role::Consumer));
    let database = home.database();
    for (make, unmake) in [
        (format!("ALTER ROLE {auth} SUPERUSER"), format!("ALTER ROLE {auth} NOSUPERUSER")),
        (format!("ALTER ROLE {auth} CREATEROLE"), format!("ALTER ROLE {auth} NOCREATEROLE")),
        (format!("ALTER ROLE {auth} BYPASSRLS"), format!("ALTER ROLE {auth} NOBYPASSRLS")),
        (format!("GRANT {consumer} TO {auth}"), format!("REVOKE {consumer} FROM {auth}")),
        (
            format!("ALTER TABLE auth_user OWNER TO {auth}"),
            "ALTER TABLE auth_user OWNER TO CURRENT_USER".to_owned(),
        ),
        (
            format!("ALTER DATABASE {database} OWNER TO {auth}"),
            format!("ALTER DATABASE {database} OWNER TO CURRENT_USER"),
        ),
    ] {
        home.execute(&make);
        let mut owner = PgConnection::establish(&home.shared_url()).unwrap();
        let sql = housekey::grants(Role::Auth, &auth).unwrap();
        let error = owner.batch_execute(&sql).unwrap_err().to_string();
        assert!(error.contains("may do more than an app should"), "{make}: {error}");
        home.execute(&unmake);
        home.url_as(Role::Auth);
    }
}
