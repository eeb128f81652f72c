//! How the rows of one table go over: which columns, in which form, and which rows stay behind.

use std::collections::BTreeSet;

use super::house::{Shared, Way, of_house};
use super::report::Loss;
use super::value::{Carried, carried};
use crate::error::MoveError;
use crate::moving::{Catalog, Column, Holds, Reference, Table, listed, quoted};
use crate::place::DatabaseKind;

/// Tables whose rows are known by their meaning, and not by their ids.
pub(super) const CONTENT_TYPES: &str = "django_content_type";
pub(super) const PERMISSIONS: &str = "auth_permission";

/// What a row is called in our SQL.
const ROW: &str = "moving";

/// The tables of which rows stay behind.
pub(super) type Losing = BTreeSet<String>;

/// One column on both sides.
pub(super) struct Lane {
    pub(super) from: Column,
    pub(super) to: Column,
    pub(super) carried: Carried,
    /// The table whose ids it holds, if these may be others in TO.
    pub(super) renumbered: Option<&'static str>,
}

/// Why a row stays behind.
pub(super) struct Reason {
    /// SQL that is true for such a row.
    condition: String,
    pub(super) why: String,
    pub(super) loss: Loss,
}

pub(super) struct Crossing {
    pub(super) table: String,
    pub(super) way: Way,
    pub(super) lanes: Vec<Lane>,
    pub(super) reasons: Vec<Reason>,
}

/// The two sides as they are.
pub(super) struct Sides<'a> {
    pub(super) from: (DatabaseKind, &'a Catalog),
    pub(super) to: (DatabaseKind, &'a Catalog),
    /// What the clock of FROM says, as SQL.
    pub(super) now: String,
}

impl Crossing {
    pub(super) fn new(sides: &Sides<'_>, table: &str, way: Way) -> Result<Self, MoveError> {
        let no_place = |what: String| MoveError::NoPlace { what, may_stay: true };
        let (Some(from), Some(to)) = (sides.from.1.table(table), sides.to.1.table(table)) else {
            return Err(no_place(format!("table {table}")));
        };
        let written = from.columns.iter().filter(|column| !column.is_generated);
        let lanes = written.map(|column| {
            let found = to.column(&column.name).filter(|other| !other.is_generated);
            let place = || no_place(format!("column {} of the table {table}", column.name));
            let other = found.ok_or_else(place)?;
            let carried = carried((sides.from.0, column), (sides.to.0, other));
            let renumbered = renumbered(from, &column.name).or(renumbered(to, &column.name));
            Ok(Lane { from: column.clone(), to: other.clone(), carried, renumbered })
        });
        let lanes = lanes.collect::<Result<Vec<_>, MoveError>>()?;
        let wanting = to.columns.iter().find(|column| {
            let is_given = lanes.iter().any(|lane| lane.to.name == column.name);
            !is_given && !column.is_nullable && !column.has_default && !column.is_generated
        });
        if let Some(column) = wanting {
            let problem = format!(
                "wants a value in the column {} of {table}, which FROM does not have; make the tables of both by the same migrations",
                column.name
            );
            return Err(MoveError::Schema { database: "TO", problem });
        }
        Ok(Self { table: table.to_owned(), way, lanes, reasons: Vec::new() })
    }

    /// Finds out which rows stay behind, once it is known of the tables before which of them have such rows.
    pub(super) fn look_for_reasons(&mut self, sides: &Sides<'_>, left_behind: &Losing) {
        let table = sides.from.1.table(&self.table);
        self.reasons = table.map_or_else(Vec::new, |table| reasons(sides, table, ROW, left_behind));
    }

    /// All rows of FROM; before its columns each has the number of the reason why it stays behind, or none.
    pub(super) fn sql_of_from(&self, kind: DatabaseKind) -> String {
        let cases = self.reasons.iter().enumerate();
        let cases: Vec<String> = cases
            .map(|(number, reason)| format!("WHEN {} THEN '{number}'", reason.condition))
            .collect();
        let reason = if cases.is_empty() {
            "NULL".to_owned()
        } else {
            format!("CASE {} END", cases.join(" "))
        };
        let columns = self.lanes.iter().map(|lane| read(kind, &lane.from, lane.carried));
        let columns: Vec<String> = std::iter::once(reason).chain(columns).collect();
        format!("SELECT {} FROM {} AS {ROW}", columns.join(", "), quoted(&self.table))
    }

    /// All rows of TO.
    pub(super) fn sql_of_to(&self, kind: DatabaseKind) -> String {
        let columns = self.lanes.iter().map(|lane| read(kind, &lane.to, lane.carried));
        let columns: Vec<String> = columns.collect();
        format!("SELECT {} FROM {} AS {ROW}", columns.join(", "), quoted(&self.table))
    }

    pub(super) fn columns(&self) -> String {
        listed(self.lanes.iter().map(|lane| lane.to.name.as_str()))
    }
}

/// A column of `row` in the form that values travel in.
fn read(kind: DatabaseKind, column: &Column, carried: Carried) -> String {
    let name = format!("{ROW}.{}", quoted(&column.name));
    match (kind, carried) {
        (DatabaseKind::Sqlite, _) | (_, None) => name,
        (_, Some(Holds::Bytes)) => format!("encode({name}, 'hex')"),
        (_, Some(Holds::Address)) => format!("abbrev({name}::inet)"),
        (_, Some(Holds::Interval)) => {
            format!("(extract(epoch FROM {name}) * 1000000)::bigint::text")
        }
        _ => format!("{name}::text"),
    }
}

fn renumbered(table: &Table, column: &str) -> Option<&'static str> {
    let to = table.reference_of(column)?.table.as_str();
    [CONTENT_TYPES, PERMISSIONS].into_iter().find(|known| *known == to)
}

/// Why rows of this table stay behind; it is called `row`, and known by that name alone.
fn reasons(sides: &Sides<'_>, table: &Table, row: &str, left_behind: &Losing) -> Vec<Reason> {
    let mut reasons = Vec::new();
    if let Some(Shared { ends: Some(column), .. }) = of_house(&table.name) {
        let condition = format!("{row}.{} <= {}", quoted(column), sides.now);
        reasons.push(Reason { condition, why: "it has ended".to_owned(), loss: Loss::Nothing });
    }
    for reference in references(sides, table) {
        let is_renumbered = [CONTENT_TYPES, PERMISSIONS].contains(&reference.table.as_str());
        let Some(to) = sides.from.1.table(&reference.table).filter(|_| !is_renumbered) else {
            continue;
        };
        let is_session = table.name == "housekey_session";
        let (why, loss) = if is_session {
            ("its session has ended".to_owned(), Loss::Nothing)
        } else {
            (nowhere(&reference.columns.join(", "), &to.name), Loss::Perhaps)
        };
        let condition = leads_nowhere(sides, &reference, to, row, left_behind);
        reasons.push(Reason { condition, why, loss });
    }
    reasons
}

/// Why a row stays behind whose reference leads to none.
pub(super) fn nowhere(columns: &str, table: &str) -> String {
    format!("its {columns} leads to no row of {table}")
}

/// SQL that is true where the row that is referred to is not there, or stays behind itself.
fn leads_nowhere(
    sides: &Sides<'_>,
    reference: &Reference,
    to: &Table,
    row: &str,
    left_behind: &Losing,
) -> String {
    let next = format!("{row}_");
    let pairs = reference.columns.iter().zip(&reference.to);
    let same: Vec<String> =
        pairs.map(|(from, to)| format!("{next}.{} = {row}.{}", quoted(to), quoted(from))).collect();
    let has_value = reference.columns.iter();
    let has_value: Vec<String> =
        has_value.map(|from| format!("{row}.{} IS NOT NULL", quoted(from))).collect();
    let mut all = same;
    // A table is done when it is read: what refers to itself in a circle is found by the last check.
    if left_behind.contains(&to.name) {
        for reason in reasons(sides, to, &next, left_behind) {
            all.push(format!("NOT coalesce({}, FALSE)", reason.condition));
        }
    }
    format!(
        "({} AND NOT EXISTS (SELECT 1 FROM {} AS {next} WHERE {}))",
        has_value.join(" AND "),
        quoted(&to.name),
        all.join(" AND "),
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
