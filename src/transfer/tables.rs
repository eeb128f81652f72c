//! Are the tables of both sides those of a house, of one version? Those of TO are made when they are not there.

use std::collections::BTreeSet;

use crate::db::migrate::{self, Difference};
use crate::error::MoveError;
use crate::moving::{Catalog, Database, literal};
use crate::place::DatabaseKind;

/// Django's apps whose tables are those of the house.
const APPS: &str = "('admin', 'auth', 'contenttypes', 'sessions')";

pub(super) fn check_from(from: &mut Database, catalog: &Catalog) -> Result<(), MoveError> {
    if catalog.table("auth_user").is_none() {
        let problem = "has no auth_user: it is neither a house nor the database of a Django; name another, or move \
                       an app's own tables with --local";
        return Err(schema(from, problem.to_owned()));
    }
    let known = steps(from, catalog)?;
    let Difference { unknown, missing } = migrate::difference(&known);
    is_not_newer(from, &unknown)?;
    if !known.is_empty() && !missing.is_empty() {
        let problem = format!(
            "lacks the migrations {}; run `housekey migrate` there first",
            missing.join(", ")
        );
        return Err(schema(from, problem));
    }
    Ok(())
}

/// Makes what TO lacks, within its transaction.
pub(super) fn make_in_to(to: &mut Database, catalog: &Catalog) -> Result<(), MoveError> {
    let Difference { unknown, missing } = migrate::difference(&steps(to, catalog)?);
    is_not_newer(to, &unknown)?;
    let (ledger, scripts) = migrate::scripts(to.kind());
    to.run(ledger)?;
    for (name, sql) in scripts.filter(|(name, _)| missing.iter().any(|step| step == name)) {
        to.run(sql)?;
        to.run(&format!(
            "INSERT INTO housekey_migration (step, app, applied) VALUES ({}, 'housekey transfer', {})",
            literal(name),
            now(to.kind()),
        ))?;
    }
    Ok(())
}

/// Django's own changes to the tables of the house: those of FROM must have been made in TO.
pub(super) fn check_django(
    from: &mut Database,
    to: &mut Database,
    catalog: &Catalog,
) -> Result<(), MoveError> {
    if catalog.table("django_migrations").is_none() {
        return Ok(());
    }
    let all = format!("SELECT app, name FROM django_migrations WHERE app IN {APPS}");
    let read = |database: &mut Database| -> Result<BTreeSet<String>, MoveError> {
        let rows = database.rows(&all)?;
        Ok(rows.iter().map(|row| format!("{}.{}", row.text(0), row.text(1))).collect())
    };
    let (here, there) = (read(from)?, read(to)?);
    let missing: Vec<&str> = here.difference(&there).map(String::as_str).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let problem = format!(
        "lacks Django's migrations {}, which FROM has; run `manage.py migrate` of that Django there first",
        missing.join(", ")
    );
    Err(schema(to, problem))
}

/// What `migrate` writes when it makes a house, for one that comes from a Django alone.
pub(super) fn name_the_house(to: &mut Database) -> Result<(), MoveError> {
    let now = now(to.kind());
    let house = migrate::new_name();
    let version = env!("CARGO_PKG_VERSION");
    for (name, value) in [(migrate::HOUSE, house.as_str()), (migrate::VERSION, version)] {
        let name = literal(name);
        to.run(&format!(
            "INSERT INTO housekey_setting (name, value, app, since) SELECT {name}, {}, 'housekey transfer', {now} \
             WHERE NOT EXISTS (SELECT 1 FROM housekey_setting WHERE name = {name})",
            literal(value)
        ))?;
    }
    Ok(())
}

/// What stands for now in a statement that writes.
fn now(kind: DatabaseKind) -> &'static str {
    match kind {
        DatabaseKind::Sqlite => "strftime('%Y-%m-%d %H:%M:%S', 'now')",
        DatabaseKind::Postgres => "now()",
    }
}

fn steps(database: &mut Database, catalog: &Catalog) -> Result<Vec<String>, MoveError> {
    if catalog.table("housekey_migration").is_none() {
        return Ok(Vec::new());
    }
    let rows = database.rows("SELECT step FROM housekey_migration ORDER BY step")?;
    Ok(rows.iter().map(|row| row.text(0).to_owned()).collect())
}

fn is_not_newer(database: &Database, unknown: &[String]) -> Result<(), MoveError> {
    if unknown.is_empty() {
        return Ok(());
    }
    let steps = unknown.join(", ");
    Err(schema(
        database,
        format!("has the migrations {steps} of a newer housekey; move with that one"),
    ))
}

fn schema(database: &Database, problem: String) -> MoveError {
    MoveError::Schema { database: database.name(), problem }
}
