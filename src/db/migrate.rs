//! The shared tables, made once, whoever comes first.
//!
//! Each step runs in one transaction together with its row in `housekey_migration`, under a lock that
//! ends with the transaction. So a step is applied whole or not at all, and once, whatever is killed.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::schema::housekey_migration;
use super::{Moment, SharedConnection, SharedPool, create_file, on_shared};
use crate::error::Error;
use crate::place::{DatabaseKind, Place};

struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

const STEPS: [Step; 4] = [
    Step {
        name: "0001_django",
        sqlite: include_str!("../../migrations/sqlite/0001_django.sql"),
        postgres: include_str!("../../migrations/postgres/0001_django.sql"),
    },
    Step {
        name: REGISTRY,
        sqlite: include_str!("../../migrations/sqlite/0002_housekey.sql"),
        postgres: include_str!("../../migrations/postgres/0002_housekey.sql"),
    },
    Step {
        name: "0003_agreements",
        sqlite: include_str!("../../migrations/sqlite/0003_agreements.sql"),
        postgres: include_str!("../../migrations/postgres/0003_agreements.sql"),
    },
    Step {
        name: "0004_registry",
        sqlite: include_str!("../../migrations/sqlite/0004_registry.sql"),
        postgres: include_str!("../../migrations/postgres/0004_registry.sql"),
    },
];

/// The ledger of the steps; made by whoever comes first, like the rest.
const LEDGER: [(DatabaseKind, &str); 2] = [
    (
        DatabaseKind::Sqlite,
        "CREATE TABLE IF NOT EXISTS \"housekey_migration\" (\"step\" varchar(100) NOT NULL PRIMARY \
         KEY, \"app\" varchar(100) NOT NULL, \"applied\" datetime NOT NULL)",
    ),
    (
        DatabaseKind::Postgres,
        "CREATE TABLE IF NOT EXISTS \"housekey_migration\" (\"step\" varchar(100) NOT NULL PRIMARY \
         KEY, \"app\" varchar(100) NOT NULL, \"applied\" timestamp with time zone NOT NULL)",
    ),
];

/// "housekey" in ASCII: any number does that no other program of the house locks.
pub(super) const LOCK: i64 = 0x686f_7573_656b_6579;

/// Applies what is missing, and says what that was.
pub(crate) fn apply(shared: &SharedPool, app: &str) -> Result<Vec<String>, Error> {
    create_file(Place::Shared, shared.url())?;
    let mut applied = Vec::new();
    for step in &STEPS {
        let done = shared.write(|conn| {
            apply_step(conn, step, app, shared.kind()).map_err(|source| failed(step, source))
        })?;
        applied.extend(done.then(|| step.name.to_owned()));
    }
    Ok(applied)
}

fn failed(step: &Step, source: diesel::result::Error) -> Error {
    match Error::shared(source) {
        Error::Database { source, .. } => Error::Migration { step: step.name.to_owned(), source },
        error => error,
    }
}

/// The steps that this version needs and the database lacks.
pub(crate) fn missing(shared: &SharedPool) -> Result<Vec<String>, Error> {
    let known = if shared.url().file().is_some_and(|file| !file.exists()) {
        Vec::new()
    } else {
        shared.run(applied_steps)?
    };
    let names = STEPS.iter().map(|step| step.name.to_owned());
    Ok(names.filter(|name| !known.contains(name)).collect())
}

/// Has a Django with another user model made the tables? It records the steps of `auth`, without
/// `auth_user`.
pub(crate) fn made_without_users(shared: &SharedPool) -> Result<bool, Error> {
    use diesel::dsl::sql;
    use diesel::sql_types::Bool;
    if shared.url().file().is_some_and(|file| !file.exists()) {
        return Ok(false);
    }
    shared.run(|conn| {
        if !table_exists(conn, "django_migrations")? || table_exists(conn, "auth_user")? {
            return Ok(false);
        }
        let recorded = "EXISTS (SELECT 1 FROM django_migrations WHERE app = 'auth')";
        on_shared!(SharedConnection, conn, conn => {
            diesel::select(sql::<Bool>(recorded)).get_result(&mut **conn)
        })
    })
}

/// The step that makes the registry of keys.
pub(crate) const REGISTRY: &str = "0002_housekey";

/// Lets one transaction at a time through, until its end. SQLite's `BEGIN IMMEDIATE` has done so.
#[cfg_attr(
    not(feature = "postgres"),
    expect(clippy::unnecessary_wraps, reason = "PostgreSQL may fail")
)]
pub(crate) fn lock(conn: &mut SharedConnection) -> QueryResult<()> {
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(_) => Ok(()),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            conn.batch_execute(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
        }
    }
}

fn apply_step(
    conn: &mut SharedConnection,
    step: &Step,
    app: &str,
    kind: DatabaseKind,
) -> QueryResult<bool> {
    lock(conn)?;
    let ledger = LEDGER.iter().find(|(of, _)| *of == kind).map_or("", |(_, sql)| sql);
    let sql = match kind {
        DatabaseKind::Sqlite => step.sqlite,
        DatabaseKind::Postgres => step.postgres,
    };
    on_shared!(SharedConnection, conn, conn => conn.batch_execute(ledger))?;
    if applied_steps(conn)?.iter().any(|name| name == step.name) {
        return Ok(false);
    }
    on_shared!(SharedConnection, conn, conn => {
        conn.batch_execute(sql)?;
        diesel::insert_into(housekey_migration::table)
            .values((
                housekey_migration::step.eq(step.name),
                housekey_migration::app.eq(app),
                housekey_migration::applied.eq(Moment::Now),
            ))
            .execute(&mut **conn)?;
    });
    Ok(true)
}

fn applied_steps(conn: &mut SharedConnection) -> QueryResult<Vec<String>> {
    if !table_exists(conn, "housekey_migration")? {
        return Ok(Vec::new());
    }
    on_shared!(SharedConnection, conn, conn => {
        housekey_migration::table.select(housekey_migration::step).load(&mut **conn)
    })
}

fn table_exists(conn: &mut SharedConnection, table: &str) -> QueryResult<bool> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Bool, Text};
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => {
            let exists = "EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ";
            diesel::select(sql::<Bool>(exists).bind::<Text, _>(table).sql(")"))
                .get_result(&mut **conn)
        }
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            diesel::select(sql::<Bool>("to_regclass(").bind::<Text, _>(table).sql(") IS NOT NULL"))
                .get_result(&mut **conn)
        }
    }
}
