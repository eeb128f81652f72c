//! Which rows of FROM stay behind, as SQL.

use super::crossing::{ROW, Sides};
use super::gone::why;
use super::house::{Shared, of_house};
use super::report::Loss;
use crate::moving::{Reference, Table, quoted};

/// Why a row stays behind.
pub(super) struct Reason {
    /// SQL that is true for such a row.
    condition: String,
    pub(super) why: String,
    pub(super) loss: Loss,
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

/// Why rows of this table stay behind, as far as that is seen by the rows of FROM alone.
pub(super) fn reasons(sides: &Sides<'_>, table: &Table) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(Shared { ends: Some(column), .. }) = of_house(&table.name) {
        let condition = format!("{ROW}.{} <= {}", quoted(column), sides.now);
        reasons.push(Reason { condition, why: "it has ended".to_owned(), loss: Loss::Nothing });
    }
    for reference in references(sides, table) {
        if sides.from.1.table(&reference.table).is_some() {
            let (why, loss) = why(&table.name, &reference);
            reasons.push(Reason { condition: leads_nowhere(&reference), why, loss });
        }
    }
    reasons
}

/// Why a row stays behind whose reference leads to none.
pub(super) fn nowhere(reference: &Reference) -> String {
    format!("its {} leads to no row of {}", reference.columns.join(", "), reference.table)
}

/// SQL that is true where a row refers to one that is not there.
pub(super) fn leads_nowhere(reference: &Reference) -> String {
    let columns = || reference.columns.iter().map(|column| quoted(column));
    let refers: Vec<String> =
        columns().map(|column| format!("{ROW}.{column} IS NOT NULL")).collect();
    let pairs = columns().zip(&reference.to);
    let found = pairs.map(|(from, to)| format!("found.{} = {ROW}.{from}", quoted(to)));
    let found: Vec<String> = found.collect();
    format!(
        "({} AND NOT EXISTS (SELECT 1 FROM {} AS found WHERE {}))",
        refers.join(" AND "),
        quoted(&reference.table),
        found.join(" AND "),
    )
}

/// The foreign keys of both sides, and the one that no database knows of.
pub(super) fn references(sides: &Sides<'_>, table: &Table) -> Vec<Reference> {
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
