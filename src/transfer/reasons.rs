//! Which rows of FROM stay behind, as SQL.

use std::collections::BTreeSet;

use super::crossing::{CONTENT_TYPES, Crossing, PERMISSIONS, ROW, Sides};
use super::house::{Shared, of_house};
use super::report::Loss;
use crate::error::MoveError;
use crate::moving::{Database, Reference, Table, quoted};

/// Why a row stays behind.
pub(super) struct Reason {
    /// SQL that is true for such a row.
    condition: String,
    pub(super) why: String,
    pub(super) loss: Loss,
}

/// The tables of which rows stay behind.
pub(super) type Losing = BTreeSet<String>;

impl Crossing {
    /// Finds out which rows stay behind, when it is known of the other tables which of them have such rows.
    pub(super) fn look_for_reasons(&mut self, sides: &Sides<'_>, losing: &Losing) {
        let table = sides.from.1.table(&self.table);
        self.reasons = table.map_or_else(Vec::new, |table| reasons(sides, table, ROW, losing, &[]));
    }
}

/// The tables of which rows stay behind, where they cannot be found out one after the other: those that refer to
/// each other in a circle.
pub(super) fn losing_in_circles(
    sides: &Sides<'_>,
    crossings: &mut [Crossing],
    from: &mut Database,
) -> Result<Losing, MoveError> {
    let mut losing = Losing::new();
    if !has_circle(sides, crossings) {
        return Ok(losing);
    }
    loop {
        let before = losing.len();
        for crossing in crossings.iter_mut() {
            crossing.look_for_reasons(sides, &losing);
            let stay = number_of_the_reason(&crossing.reasons);
            let table = quoted(&crossing.table);
            let stays = format!("SELECT count(*) FROM {table} AS {ROW} WHERE {stay} IS NOT NULL");
            if !losing.contains(&crossing.table) && from.number(&stays)? > 0 {
                losing.insert(crossing.table.clone());
            }
        }
        if losing.len() == before {
            return Ok(losing);
        }
    }
}

/// Does a table refer to itself, or to one that comes later?
fn has_circle(sides: &Sides<'_>, crossings: &[Crossing]) -> bool {
    crossings.iter().enumerate().any(|(place, crossing)| {
        let table = sides.from.1.table(&crossing.table);
        let references = table.into_iter().flat_map(|table| references(sides, table));
        let mut tables = references.map(|reference| reference.table);
        tables.any(|table| crossings[place..].iter().any(|later| later.table == table))
    })
}

/// SQL for the number of the reason why `moving` stays behind, or NULL.
pub(super) fn number_of_the_reason(reasons: &[Reason]) -> String {
    if reasons.is_empty() {
        return "NULL".to_owned();
    }
    let cases = reasons.iter().enumerate();
    let cases = cases.map(|(number, reason)| format!("WHEN {} THEN '{number}'", reason.condition));
    format!("CASE {} END", cases.collect::<Vec<_>>().join(" "))
}

/// Why rows of this table stay behind; it is called `row`, and known by that name alone. `path` are the tables that
/// have led here.
fn reasons(
    sides: &Sides<'_>,
    table: &Table,
    row: &str,
    losing: &Losing,
    path: &[&str],
) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(Shared { ends: Some(column), .. }) = of_house(&table.name) {
        let condition = format!("{row}.{} <= {}", quoted(column), sides.now);
        reasons.push(Reason { condition, why: "it has ended".to_owned(), loss: Loss::Nothing });
    }
    let path: Vec<&str> = path.iter().copied().chain([table.name.as_str()]).collect();
    for reference in references(sides, table) {
        let is_renumbered = [CONTENT_TYPES, PERMISSIONS].contains(&reference.table.as_str());
        let Some(to) = sides.from.1.table(&reference.table).filter(|_| !is_renumbered) else {
            continue;
        };
        let next = format!("{row}_");
        // What goes round in a circle more than once is found when all rows are there.
        let also = if losing.contains(&to.name) && !path.contains(&to.name.as_str()) {
            reasons_of_next(sides, to, &next, losing, &path)
        } else {
            Vec::new()
        };
        let is_session = table.name == "housekey_session";
        let (why, loss) = if is_session {
            ("its session has ended".to_owned(), Loss::Nothing)
        } else {
            (nowhere(&reference), Loss::Perhaps)
        };
        reasons.push(Reason { condition: leads_nowhere(&reference, row, &next, &also), why, loss });
    }
    reasons
}

/// What must not be so for the row that is referred to.
fn reasons_of_next(
    sides: &Sides<'_>,
    to: &Table,
    next: &str,
    losing: &Losing,
    path: &[&str],
) -> Vec<String> {
    let reasons = reasons(sides, to, next, losing, path).into_iter();
    reasons.map(|reason| format!("NOT coalesce({}, FALSE)", reason.condition)).collect()
}

/// Why a row stays behind whose reference leads to none.
pub(super) fn nowhere(reference: &Reference) -> String {
    format!("its {} leads to no row of {}", reference.columns.join(", "), reference.table)
}

/// SQL that is true where a row refers to one that is not there, or for which something else is not true.
pub(super) fn leads_nowhere(
    reference: &Reference,
    row: &str,
    next: &str,
    also: &[String],
) -> String {
    let columns = || reference.columns.iter().map(|column| quoted(column));
    let refers: Vec<String> =
        columns().map(|column| format!("{row}.{column} IS NOT NULL")).collect();
    let pairs = columns().zip(&reference.to);
    let found = pairs.map(|(from, to)| format!("{next}.{} = {row}.{from}", quoted(to)));
    let found: Vec<String> = found.chain(also.iter().cloned()).collect();
    format!(
        "({} AND NOT EXISTS (SELECT 1 FROM {} AS {next} WHERE {}))",
        refers.join(" AND "),
        quoted(&reference.table),
        found.join(" AND "),
    )
}

/// The foreign keys of both sides, and the one that no database knows of.
fn references(sides: &Sides<'_>, table: &Table) -> Vec<Reference> {
    let mut all = table.references.clone();
    for reference in sides.to.1.table(&table.name).into_iter().flat_map(|to| &to.references) {
        let is_known = all.iter().any(|known| known.columns == reference.columns);
        if !is_known && reference.columns.iter().all(|column| table.column(column).is_some()) {
            all.push(reference.clone());
        }
    }
    if table.name == "housekey_session" {
        let session_key = vec!["session_key".to_owned()];
        all.push(Reference {
            name: String::new(),
            columns: session_key.clone(),
            table: "django_session".to_owned(),
            to: session_key,
        });
    }
    all
}
