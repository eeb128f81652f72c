//! How the rows of one table go over: which columns, in which form, and which rows stay behind.

use super::gone::Link;
use super::house::Way;
use super::reasons::{Reason, number_of_the_reason, reasons};
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
    /// How many FROM has.
    pub(super) rows: u64,
    pub(super) lanes: Vec<Lane>,
    /// A primary key that is a text.
    key: Option<String>,
    pub(super) reasons: Vec<Reason>,
    /// Its references to tables that move, and the keys that others refer to.
    pub(super) leads: Vec<Link>,
    pub(super) known_by: Vec<Link>,
}

/// The two sides as they are.
pub(super) struct Sides<'a> {
    pub(super) from: (DatabaseKind, &'a Catalog),
    pub(super) to: (DatabaseKind, &'a Catalog),
    /// What the clock of FROM says, as SQL.
    pub(super) now: String,
}

impl Crossing {
    pub(super) fn new(
        sides: &Sides<'_>,
        table: &str,
        way: Way,
        rows: u64,
    ) -> Result<Self, MoveError> {
        let no_place = |what: String| MoveError::NoPlace { what, may_stay: true };
        let (Some(from), Some(to)) = (sides.from.1.table(table), sides.to.1.table(table)) else {
            return Err(no_place(format!("table {table}")));
        };
        let is_ordinary = |column: &&Column| !column.is_generated;
        // What FROM works out by itself goes over where TO does not.
        let written = from.columns.iter().filter(|column| {
            is_ordinary(column) || to.column(&column.name).as_ref().is_some_and(is_ordinary)
        });
        let lanes = written.map(|column| {
            let found = to.column(&column.name).filter(is_ordinary);
            let place = || no_place(format!("column {} of the table {table}", column.name));
            let other = found.ok_or_else(place)?;
            let carried = carried((sides.from.0, column), (sides.to.0, other));
            let renumbered = sides.renumbered(table, &column.name);
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
        let (table, reasons) = (table.to_owned(), reasons(sides, from));
        let (leads, known_by) = (Vec::new(), Vec::new());
        Ok(Self { table, way, rows, lanes, key, reasons, leads, known_by })
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

    /// The places of these columns, if all of them go over.
    pub(super) fn lanes_of(&self, columns: &[String]) -> Option<Vec<usize>> {
        let place = |column: &String| self.lanes.iter().position(|lane| lane.from.name == *column);
        columns.iter().map(place).collect()
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
        // A month is no number of days, and stays a word that is refused.
        (_, Some(Holds::Interval)) => format!(
            "CASE WHEN extract(year FROM {name}) = 0 AND extract(month FROM {name}) = 0 \
             THEN (extract(epoch FROM {name}) * 1000000)::bigint::text ELSE {name}::text END"
        ),
        _ => format!("{name}::text"),
    }
}

impl Sides<'_> {
    /// The table whose ids a column holds, if these may be others in TO.
    fn renumbered(&self, table: &str, column: &str) -> Option<&'static str> {
        let both = [self.from.1, self.to.1];
        let to = both.iter().find_map(|side| known_by_names(side.table(table)?, column))?;
        both.iter().all(|side| side.table(to).is_some()).then_some(to)
    }
}

/// The table of the house to whose rows a column refers, if these are known by their names.
pub(super) fn known_by_names(table: &Table, column: &str) -> Option<&'static str> {
    let to = table.reference_of(column)?.table.as_str();
    [CONTENT_TYPES, PERMISSIONS].into_iter().find(|known| *known == to)
}
