//! The shared tables, made once, whoever comes first.
//!
//! Each step runs in one transaction together with its row in `housekey_migration`, under a lock that
//! ends with the transaction. So a step is applied whole or not at all, and once, whatever is killed.

use chrono::{DateTime, Utc};
use diesel::connection::SimpleConnection;
use diesel::prelude::*;

use super::schema::housekey_migration;
use super::settings;
use super::{DatabaseNow, Moment, SharedConnection, SharedPool, create_file, on_shared};
use crate::error::Error;
use crate::key::{LOWER_ALPHANUMERIC, random_text};
use crate::place::{DatabaseKind, Place};

struct Step {
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! step {
    ($name:literal) => {
        Step {
            name: $name,
            sqlite: include_str!(concat!("../../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../../migrations/postgres/", $name, ".sql")),
        }
    };
}

const STEPS: [Step; 9] = [
    step!("0001_django"),
    step!("0002_housekey"),
    step!("0003_agreements"),
    step!("0004_registry"),
    step!("0005_adoption"),
    step!("0006_watch"),
    step!("0007_desk"),
    step!("0008_changes"),
    step!("0009_strangers"),
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
pub(crate) const LOCK: i64 = 0x686f_7573_656b_6579;

/// What makes the tables, for who runs it by himself: the ledger, and each step with its name.
pub(crate) fn scripts(
    kind: DatabaseKind,
) -> (&'static str, impl Iterator<Item = (&'static str, &'static str)>) {
    let ledger = LEDGER.iter().find(|(of, _)| *of == kind).map_or("", |(_, sql)| *sql);
    let steps = STEPS.iter().map(move |step| match kind {
        DatabaseKind::Sqlite => (step.name, step.sqlite),
        DatabaseKind::Postgres => (step.name, step.postgres),
    });
    (ledger, steps)
}

/// The indexes on Django's own table that users are searched by, each with the SQL that makes it. A Django on SQLite
/// loses them when it makes the table anew.
pub(crate) fn search_indexes(
    kind: DatabaseKind,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = scripts(kind).1.flat_map(|(_, sql)| sql.lines());
    lines.filter_map(|line| {
        let is_one = line.starts_with("CREATE INDEX \"housekey_user_");
        is_one.then_some((line.split('"').nth(1)?, line))
    })
}

/// The triggers that tell what Django writes, each with its table. They are made by the steps [`OF_TRIGGERS`].
pub(crate) fn triggers(kind: DatabaseKind) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = scripts(kind).1.flat_map(|(_, sql)| sql.lines());
    lines.filter_map(|line| {
        let (name, rest) = line.strip_prefix("CREATE TRIGGER \"")?.split_once('"')?;
        let (_, of) = rest.split_once(" ON \"")?;
        Some((name, of.split('"').next()?))
    })
}

/// The steps that make the triggers, and what was missed without them: they may be applied again.
pub(crate) const OF_TRIGGERS: [&str; 2] = ["0008_changes", "0009_strangers"];

/// Is it there, and does it work?
pub(crate) fn trigger_exists(
    conn: &mut SharedConnection,
    trigger: &str,
    of: &str,
) -> QueryResult<bool> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Bool, Text};
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => {
            let exists = "EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'trigger' AND name = ";
            let exists = sql::<Bool>(exists).bind::<Text, _>(trigger).sql(" AND tbl_name = ");
            diesel::select(exists.bind::<Text, _>(of).sql(")")).get_result(&mut **conn)
        }
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            let exists =
                "EXISTS (SELECT 1 FROM pg_trigger WHERE tgenabled IN ('O', 'A') AND tgname = ";
            let exists = sql::<Bool>(exists).bind::<Text, _>(trigger);
            let exists = exists.sql(" AND tgrelid = to_regclass(").bind::<Text, _>(of).sql("))");
            diesel::select(exists).get_result(&mut **conn)
        }
    }
}

pub(crate) fn index_exists(conn: &mut SharedConnection, index: &str) -> QueryResult<bool> {
    use diesel::dsl::sql;
    use diesel::sql_types::{Bool, Text};
    match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => {
            let exists = "EXISTS (SELECT 1 FROM sqlite_master WHERE type = 'index' AND name = ";
            diesel::select(sql::<Bool>(exists).bind::<Text, _>(index).sql(")"))
                .get_result(&mut **conn)
        }
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => {
            diesel::select(sql::<Bool>("to_regclass(").bind::<Text, _>(index).sql(") IS NOT NULL"))
                .get_result(&mut **conn)
        }
    }
}

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

/// Was nothing there before?
pub(crate) fn is_all(applied: &[String]) -> bool {
    applied.first().is_some_and(|step| step == STEPS[0].name)
}

/// The setting that names the house: apps with the same name stand in the same one.
pub(crate) const HOUSE: &str = "HOUSE";
/// The setting that names the housekey that migrated last.
pub(crate) const VERSION: &str = "HOUSEKEY_VERSION";

/// A name that no other house has.
pub(crate) fn new_name() -> String {
    random_text(LOWER_ALPHANUMERIC, 16)
}

fn name_the_house(conn: &mut SharedConnection, app: &str) -> QueryResult<()> {
    if !table_exists(conn, "housekey_setting")? {
        return Ok(());
    }
    if settings::find(conn, HOUSE)?.is_none() {
        settings::set(conn, HOUSE, &new_name(), app)?;
    }
    settings::set(conn, VERSION, env!("CARGO_PKG_VERSION"), app)
}

/// The name of the house.
pub(crate) fn house(conn: &mut SharedConnection) -> QueryResult<Option<String>> {
    Ok(settings::find(conn, HOUSE)?.map(|setting| setting.value))
}

fn failed(step: &Step, source: diesel::result::Error) -> Error {
    match Error::shared(source) {
        Error::Database { source, .. } => Error::Migration { step: step.name.to_owned(), source },
        error => error,
    }
}

/// What tells the steps of a database from those of this version.
pub(crate) struct Difference {
    /// The database has them, and this version does not know them.
    pub(crate) unknown: Vec<String>,
    /// This version needs them, and the database lacks them.
    pub(crate) missing: Vec<String>,
}

pub(crate) fn difference(known: &[String]) -> Difference {
    let is_ours = |name: &String| STEPS.iter().any(|step| step.name == *name);
    let names = STEPS.iter().map(|step| step.name.to_owned());
    Difference {
        unknown: known.iter().filter(|name| !is_ours(name)).cloned().collect(),
        missing: names.filter(|name| !known.contains(name)).collect(),
    }
}

/// The steps that this version needs and the database lacks. A database that a newer version has migrated is
/// left to that one.
pub(crate) fn missing(shared: &SharedPool) -> Result<Vec<String>, Error> {
    let known: Vec<String> = ledger(shared)?.into_iter().map(|applied| applied.step).collect();
    let Difference { unknown, missing } = difference(&known);
    if unknown.is_empty() {
        return Ok(missing);
    }
    let version = shared.run(|conn| settings::find(conn, VERSION))?;
    let version = version.map_or_else(|| "that".to_owned(), |setting| setting.value);
    Err(Error::SchemaNewer { unknown, version })
}

/// A step that was applied to the shared database.
///
/// ```no_run
/// for step in housekey::applied(&housekey::Config::from_env()?)? {
///     println!("{} by app {} at {}", step.step, step.app, step.at);
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppliedStep {
    /// Its name, as [`migrate`](crate::migrate) tells it.
    pub step: String,
    /// The app that applied it.
    pub app: String,
    /// When that was.
    pub at: DateTime<Utc>,
}

/// The steps that were applied, in their order.
pub(crate) fn ledger(shared: &SharedPool) -> Result<Vec<AppliedStep>, Error> {
    if shared.url().file().is_some_and(|file| !file.exists()) {
        return Ok(Vec::new());
    }
    shared.run(applied_steps)
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

/// Lets one transaction at a time through, until its end. SQLite's `BEGIN IMMEDIATE` has done so.
pub(crate) fn lock(conn: &mut SharedConnection) -> QueryResult<()> {
    conn.lock(&format!("SELECT pg_advisory_xact_lock({LOCK})"))
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
    if applied_steps(conn)?.iter().any(|applied| applied.step == step.name) {
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
    name_the_house(conn, app)?;
    Ok(true)
}

fn applied_steps(conn: &mut SharedConnection) -> QueryResult<Vec<AppliedStep>> {
    if !table_exists(conn, "housekey_migration")? {
        return Ok(Vec::new());
    }
    let rows: Vec<(String, String, DateTime<Utc>)> = on_shared!(SharedConnection, conn, conn => {
        housekey_migration::table.order(housekey_migration::step).load(&mut **conn)?
    });
    Ok(rows.into_iter().map(|(step, app, at)| AppliedStep { step, app, at }).collect())
}

/// What time the database has.
pub(crate) fn now(conn: &mut SharedConnection) -> QueryResult<DateTime<Utc>> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::select(DatabaseNow).get_result(&mut **conn)
    })
}

pub(crate) fn table_exists(conn: &mut SharedConnection, table: &str) -> QueryResult<bool> {
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
