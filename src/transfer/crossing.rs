//! How the rows of one table go over: which columns, in which form, and which rows stay behind.

use super::house::Way;
use super::reasons::{Reason, number_of_the_reason};
use super::value::{Carried, carried};
use crate::error::MoveError;
use crate::moving::{Catalog, Column, Holds, Table, listed, quoted};
use crate::place::DatabaseKind;

/// Tables whose rows are known by their meaning, and not by their ids.
pub(super) const CONTENT_TYPES: &str = "django_content_type";
pub(super) const PERMISSIONS: &str = "auth_permission";

/// What a row is called in our SQL.
pub(super) const ROW: &str = "moving";

/// One column on both sides.
pub(super) struct Lane {
    pub(super) from: Column,
    pub(super) to: Column,
    pub(super) carried: Carried,
    /// The table whose ids it holds, if these may be others in TO.
    pub(super) renumbered: Option<&'static str>,
}

pub(super) struct Crossing {
    pub(super) table: String,
    pub(super) way: Way,
    pub(super) lanes: Vec<Lane>,
    /// A primary key that is a text.
    key: Option<String>,
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
        let key = lanes.iter().map(|lane| &lane.from);
        let key = key.filter(|column| from.key == [column.name.as_str()]);
        let key = key.filter(|column| column.holds == Holds::Text);
        let key = key.map(|column| column.name.clone()).next();
        Ok(Self { table: table.to_owned(), way, lanes, key, reasons: Vec::new() })
    }

    /// All rows of FROM; before its columns each has the number of the reason why it stays behind, or none.
    pub(super) fn sql_of_from(&self, kind: DatabaseKind) -> String {
        let reason = number_of_the_reason(&self.reasons);
        let columns = self.lanes.iter().map(|lane| read(kind, &lane.from, lane.carried));
        let columns: Vec<String> = std::iter::once(reason).chain(columns).collect();
        let all = format!("SELECT {} FROM {} AS {ROW}", columns.join(", "), quoted(&self.table));
        match (kind, &self.key) {
            // A key of letters is random, and an index that grows at its end grows faster.
            (DatabaseKind::Postgres, Some(key)) => format!("{all} ORDER BY {ROW}.{}", quoted(key)),
            _ => all,
        }
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
