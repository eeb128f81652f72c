//! What a transfer has done, or would do.

use std::fmt;

use serde_json::json;

use crate::place::DatabaseKind;

/// What a [`Transfer`](super::Transfer) has done, or would do; its text can be filed.
///
/// Every row of FROM is in it: `found` is the sum of `moved`, `matched` and all that is `left`.
///
/// ```no_run
/// let transfer = housekey::Transfer::new("house.db", "postgres://owner@db.local/house")?;
/// println!("{}", transfer.plan()?);
/// # Ok::<(), housekey::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone)]
pub struct TransferReport {
    /// The kind of FROM.
    pub from: DatabaseKind,
    /// The kind of TO.
    pub to: DatabaseKind,
    /// Was it done, or only looked at?
    pub is_done: bool,
    /// All tables of FROM.
    pub tables: Vec<TransferredTable>,
    /// What would stop the move; empty when it is done.
    pub problems: Vec<String>,
    /// What whoever moves should know.
    pub notes: Vec<String>,
}

/// What becomes of the rows of one table; a part of a [`TransferReport`].
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TransferredTable {
    /// Its name.
    pub table: String,
    /// How many rows FROM has.
    pub found: u64,
    /// How many are written into TO.
    pub moved: u64,
    /// How many were in TO before.
    pub matched: u64,
    /// Those that stay behind.
    pub left: Vec<LeftRows>,
    /// Of all its rows in TO, in 32 hexadecimal digits, and the same on both sides: the sum of the first halves
    /// of their SHA-256. Empty when the table does not go over as it is.
    pub checksum: String,
}

/// Rows that stay behind; a part of a [`TransferredTable`].
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftRows {
    /// How many.
    pub rows: u64,
    /// Why.
    pub why: String,
    /// What that means.
    pub loss: Loss,
}

/// What it means that rows stay behind; a part of [`LeftRows`].
///
/// ```
/// assert_ne!(housekey::transfer::Loss::Nothing, housekey::transfer::Loss::Perhaps);
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Loss {
    /// Nothing is missed: sessions that have ended, tables that were not asked for.
    Nothing,
    /// Somebody should look: rows that lead nowhere.
    Perhaps,
}

impl TransferReport {
    /// Did, or would, everything go over that should?
    ///
    /// ```no_run
    /// # fn with(report: &housekey::transfer::TransferReport) {
    /// assert!(report.is_whole());
    /// # }
    /// ```
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let left = self.tables.iter().flat_map(|table| &table.left);
        self.problems.is_empty() && left.into_iter().all(|left| left.loss == Loss::Nothing)
    }

    /// The same as a JSON text.
    ///
    /// ```no_run
    /// # fn with(report: &housekey::transfer::TransferReport) -> std::io::Result<()> {
    /// std::fs::write("transfer.json", report.to_json())?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn to_json(&self) -> String {
        let tables = self.tables.iter().map(|table| {
            let left = table.left.iter().map(
                |left| json!({ "rows": left.rows, "why": left.why, "is_no_loss": left.loss == Loss::Nothing }),
            );
            json!({
                "table": table.table, "found": table.found, "moved": table.moved,
                "matched": table.matched, "left": left.collect::<Vec<_>>(),
                "checksum": table.checksum,
            })
        });
        let facts = json!({
            "from": self.from.to_string(), "to": self.to.to_string(), "is_done": self.is_done,
            "is_whole": self.is_whole(), "tables": tables.collect::<Vec<_>>(),
            "problems": self.problems, "notes": self.notes,
        });
        facts.to_string()
    }
}

impl fmt::Display for TransferReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let with_rows = || self.tables.iter().filter(|table| table.found > 0);
        let width = with_rows().map(|table| table.table.chars().count()).max().unwrap_or(0);
        let width = width.max("table".len());
        let moved = if self.is_done { "moved" } else { "would move" };
        writeln!(f, "{} to {}", self.from, self.to)?;
        writeln!(
            f,
            "{:width$}  {:>10} {:>10} {:>10} {:>10}  checksum",
            "table", "found", moved, "matched", "left"
        )?;
        for table in with_rows() {
            let left: u64 = table.left.iter().map(|left| left.rows).sum();
            let TransferredTable { table, found, moved, matched, checksum, .. } = table;
            let line = format!(
                "{table:width$}  {found:>10} {moved:>10} {matched:>10} {left:>10}  {checksum}"
            );
            writeln!(f, "{}", line.trim_end())?;
        }
        let without = self.tables.len() - with_rows().count();
        if without > 0 {
            writeln!(f, "{without} tables without rows")?;
        }
        for (why, tables) in self.left_by_reason() {
            writeln!(f, "left: {}: {why}", tables.join(", "))?;
        }
        for problem in &self.problems {
            writeln!(f, "error: {problem}")?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        f.write_str(self.verdict())
    }
}

impl TransferReport {
    /// Why rows stay behind, with how many of which tables.
    fn left_by_reason(&self) -> Vec<(&str, Vec<String>)> {
        let mut reasons: Vec<(&str, Vec<String>)> = Vec::new();
        for (table, left) in
            self.tables.iter().flat_map(|t| t.left.iter().map(move |left| (t, left)))
        {
            let rows = format!("{} of {}", left.rows, table.table);
            match reasons.iter_mut().find(|(why, _)| *why == left.why) {
                Some((_, tables)) => tables.push(rows),
                None => reasons.push((&left.why, vec![rows])),
            }
        }
        reasons
    }

    /// As the tables stand in this list.
    pub(super) fn in_order(&mut self, tables: &[(String, super::house::Way)]) {
        let place =
            |table: &TransferredTable| tables.iter().position(|(name, _)| *name == table.table);
        self.tables.sort_by_key(place);
    }

    fn verdict(&self) -> &'static str {
        let written = self.tables.iter().any(|table| table.moved > 0);
        let matched = self.tables.iter().any(|table| table.matched > 0);
        let found = self.tables.iter().any(|table| table.found > 0);
        match (self.is_done, self.problems.is_empty()) {
            (true, _) if !found => "FROM has no rows: nothing was written",
            (true, _) if !written && matched => "everything was there already: nothing was written",
            (true, _) if !written => "nothing was written: all rows are left",
            (true, _) => {
                "done: counts and checksums are the same on both sides, and every reference leads to a row"
            }
            (false, true) => "a plan: nothing was written",
            (false, false) => {
                "a plan: nothing was written, and nothing can be moved before the errors are mended"
            }
        }
    }
}
