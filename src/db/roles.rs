//! Database roles for the apps of a house on PostgreSQL, none with more rights than its app needs.

use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::migrate::LOCK;
use crate::error::Error;

/// What an app may do in the shared database; see [`grants`].
///
/// ```
/// let role: housekey::Role = "consumer".parse()?;
/// assert_eq!(role, housekey::Role::Consumer);
/// # Ok::<(), housekey::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Also makes users, changes passwords, grants permissions, declares its own, and changes keys.
    Auth,
    /// Only lets users sign in and out, and keeps their sessions.
    Consumer,
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Auth => "auth",
            Self::Consumer => "consumer",
        })
    }
}

impl FromStr for Role {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let found = [Self::Auth, Self::Consumer].into_iter().find(|role| role.to_string() == name);
        found.ok_or_else(|| Error::config("the role of an app", "must be `auth` or `consumer`"))
    }
}

struct Table {
    name: &'static str,
    auth: &'static str,
    consumer: &'static str,
}

const fn table(name: &'static str, auth: &'static str, consumer: &'static str) -> Table {
    Table { name, auth, consumer }
}

const READ: &str = "SELECT";
const ADD: &str = "SELECT, INSERT";
const CHANGE: &str = "SELECT, INSERT, UPDATE";
const ALL: &str = "SELECT, INSERT, UPDATE, DELETE";

/// Every table of the house. TRUNCATE, TRIGGER and REFERENCES are for nobody but the owner.
const TABLES: [Table; 22] = [
    table("auth_user", ALL, "SELECT, UPDATE (last_login)"),
    table("auth_group", ALL, READ),
    table("auth_user_groups", ALL, READ),
    table("auth_user_user_permissions", ALL, READ),
    table("auth_group_permissions", ALL, READ),
    table("auth_permission", ADD, READ),
    table("django_content_type", ADD, READ),
    table("django_session", ALL, ALL),
    // Every admin's page writes its log; Django deletes the entries of a user together with the user.
    table("django_admin_log", "SELECT, INSERT, DELETE", ADD),
    table("django_migrations", READ, READ),
    table("housekey_session", ALL, ALL),
    table("housekey_renewal", ALL, ALL),
    // Triggers write both with the rights of the owner. Who locks a row needs the right to change it.
    table("housekey_stranger", "SELECT, UPDATE, DELETE", "SELECT, UPDATE, DELETE"),
    table("housekey_change", "SELECT, DELETE", READ),
    table("housekey_app", ALL, CHANGE),
    // `housekey migrate` has registered the first key, so a consumer never needs to.
    table("housekey_key", ALL, READ),
    table("housekey_setting", CHANGE, READ),
    table("housekey_app_label", ADD, READ),
    table("housekey_adoption", ALL, READ),
    table("housekey_throttle", ALL, ALL),
    // What was written down there is no business of an app that may have been taken over.
    table("housekey_event", ALL, "INSERT"),
    table("housekey_migration", READ, READ),
];

/// SQL that makes a role for an app of a house on PostgreSQL, with exactly the rights that the app needs; what
/// the role had of the house before is taken from it. It is run in the shared database by a superuser.
///
/// An app opens the house with that role in `SHARED_DATABASE_URL`. The tables stay with the role that runs
/// [`migrate`](crate::migrate). What each role may do is in `docs/least-privilege.md`.
///
/// ```
/// use housekey::Role;
/// let sql = housekey::grants(Role::Consumer, "notes")?;
/// assert!(sql.contains(r#"GRANT SELECT, UPDATE (last_login) ON public.auth_user TO "notes";"#));
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// # Errors
/// [`Error::Config`] when the name is not 1 to 63 letters of ASCII, digits, `_`, `-` and `.`, or is PostgreSQL's
/// own.
pub fn grants(role: Role, name: &str) -> Result<String, Error> {
    if !is_fit(name) {
        let wanted = "must have 1 to 63 letters (a to z, A to Z), digits, `_`, `-` or `.`, and not begin \
                      with `pg_`; give another name";
        return Err(Error::config("the name of a database role", wanted));
    }
    let tables: Vec<String> = TABLES.iter().map(|table| format!("public.{}", table.name)).collect();
    Ok(head(role, name) + &rights(role, name, &tables) + &tail(name, &tables))
}

/// Fit to stand in quotes, in a comment, and between dollars.
fn is_fit(name: &str) -> bool {
    let is_good = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.".contains(&byte);
    let is_taken = name.starts_with("pg_") || ["public", "none"].contains(&name);
    (1..=63).contains(&name.len()) && name.bytes().all(is_good) && !is_taken
}

fn head(role: Role, name: &str) -> String {
    let what = match role {
        Role::Auth => "makes users, changes passwords and grants permissions",
        Role::Consumer => "only lets users sign in and out",
    };
    format!(
        r#"-- The role "{name}", for an app of the house that {what}.
--
-- A superuser runs this in the shared database, after `housekey migrate`, and again after that of a new version.
-- The tables, and the making of them, stay with the role that runs `housekey migrate`: that is no app's.
-- No password is set here. In psql this asks for one:  \password "{name}"
BEGIN;

DO $housekey$
BEGIN
  PERFORM pg_advisory_xact_lock({LOCK});
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{name}') THEN
    CREATE ROLE "{name}" LOGIN;
  END IF;
END
$housekey$;

"#
    )
}

/// What the role, or everybody, had of the house before is gone.
fn rights(role: Role, name: &str, tables: &[String]) -> String {
    let list = tables.join(",\n  ");
    let mut sql = format!(
        r#"REVOKE CREATE ON SCHEMA public FROM PUBLIC;
REVOKE ALL ON SCHEMA public FROM "{name}";
REVOKE ALL ON
  {list}
FROM PUBLIC, "{name}";
GRANT USAGE ON SCHEMA public TO "{name}";
"#
    );
    for (Table { auth, consumer, .. }, table) in TABLES.iter().zip(tables) {
        let rights = match role {
            Role::Auth => auth,
            Role::Consumer => consumer,
        };
        let _ = writeln!(sql, "GRANT {rights} ON {table} TO \"{name}\";");
    }
    sql
}

/// What needs the names that only the database knows: its own, the owner's, those of the sequences.
fn tail(name: &str, tables: &[String]) -> String {
    let list = tables.join("',\n    '");
    format!(
        r#"
DO $housekey$
DECLARE
  house CONSTANT regclass[] := ARRAY[
    '{list}'];
  counter record;
BEGIN
  -- No grant makes a role harmless that may do everything anyway.
  IF EXISTS (
    SELECT FROM pg_roles AS app WHERE rolname = '{name}' AND (
      rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR rolreplication
      OR EXISTS (SELECT FROM pg_auth_members WHERE member = app.oid)
      OR EXISTS (SELECT FROM pg_database WHERE datname = current_database() AND datdba = app.oid)
      OR EXISTS (SELECT FROM pg_namespace WHERE nspname = 'public' AND nspowner = app.oid)
      OR EXISTS (SELECT FROM pg_class WHERE oid = ANY (house) AND relowner = app.oid)))
  THEN
    RAISE EXCEPTION 'the role "{name}" may do more than an app should: it is a superuser, may make '
      'roles or databases, is a member of another role, or owns the house; give the app a role of its own';
  END IF;

  -- Before PostgreSQL 15 everybody could make tables here.
  EXECUTE format('GRANT USAGE, CREATE ON SCHEMA public TO %I', (
    SELECT pg_get_userbyid(relowner) FROM pg_class WHERE oid = 'public.housekey_migration'::regclass));
  EXECUTE format('GRANT CONNECT ON DATABASE %I TO "{name}"', current_database());

  -- Identity columns count by themselves; the serial ones of a Django before 4.1 need a right for it.
  FOR counter IN
    SELECT seq.oid::regclass AS name, own.refobjid AS counted
    FROM pg_class AS seq
    JOIN pg_depend AS own ON own.classid = 'pg_class'::regclass AND own.objid = seq.oid
    WHERE seq.relkind = 'S' AND own.deptype IN ('a', 'i') AND own.refobjid = ANY (house)
  LOOP
    EXECUTE format('REVOKE ALL ON SEQUENCE %s FROM PUBLIC, "{name}"', counter.name);
    IF has_table_privilege('{name}', counter.counted, 'INSERT') THEN
      EXECUTE format('GRANT USAGE ON SEQUENCE %s TO "{name}"', counter.name);
    END IF;
  END LOOP;

  -- For comfort, and no boundary: a role may change these for itself.
  EXECUTE format(
    'ALTER ROLE "{name}" IN DATABASE %I SET statement_timeout = ''30s''', current_database());
  EXECUTE format('ALTER ROLE "{name}" IN DATABASE %I SET lock_timeout = ''10s''', current_database());
  EXECUTE format(
    'ALTER ROLE "{name}" IN DATABASE %I SET idle_in_transaction_session_timeout = ''60s''',
    current_database());
  BEGIN
    -- Housekey understands a refusal in English.
    EXECUTE format('ALTER ROLE "{name}" IN DATABASE %I SET lc_messages = ''C''', current_database());
  EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'only a superuser may set lc_messages: refusals come in the language of the server';
  END;
END
$housekey$;
COMMIT;
"#
    )
}

/// The names of all tables of the house.
#[cfg(test)]
pub(crate) fn shared_tables() -> impl Iterator<Item = &'static str> {
    TABLES.iter().map(|table| table.name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hostile_name_is_refused() {
        let long = "x".repeat(64);
        for name in [
            "",
            "a b",
            "a\"; DROP TABLE auth_user; --",
            "a'",
            "a\n",
            "a\0",
            "a$housekey$",
            "a\\",
            "über",
            "pg_app",
            "public",
            "none",
            &long,
        ] {
            let error = grants(Role::Auth, name).unwrap_err().to_string();
            assert!(error.starts_with("the name of a database role must have"), "{error}");
        }
        for name in ["a", "housekey_notes", "Notes-2.example", &long[1..]] {
            assert!(grants(Role::Auth, name).unwrap().contains(&format!("TO \"{name}\";")));
        }
    }

    #[test]
    fn a_role_is_read_as_it_is_written() {
        for role in [Role::Auth, Role::Consumer] {
            assert_eq!(role.to_string().parse::<Role>().unwrap(), role);
        }
        let error = "owner".parse::<Role>().unwrap_err().to_string();
        assert_eq!(error, "the role of an app must be `auth` or `consumer`");
    }
}
