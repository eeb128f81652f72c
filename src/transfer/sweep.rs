//! Rows in TO whose reference leads to none, because the row that it led to stayed behind: they are taken out again.

use super::copy::Copied;
use super::crossing::{Crossing, ROW};
use super::reasons::{leads_nowhere, nowhere};
use super::report::{LeftRows, Loss};
use super::tally::of_to;
use crate::error::MoveError;
use crate::moving::{Catalog, Database, quoted};

/// Until every row that refers to one of the tables that move leads to a row.
pub(super) fn sweep(
    crossings: &[Crossing],
    copied: &mut [Copied],
    there: &Catalog,
    to: &mut Database,
) -> Result<(), MoveError> {
    loop {
        let mut is_clean = true;
        for (crossing, copied) in crossings.iter().zip(copied.iter_mut()) {
            let table = there.table(&crossing.table);
            for reference in table.into_iter().flat_map(|table| &table.references) {
                if crossings.iter().all(|other| other.table != reference.table) {
                    continue;
                }
                let dangles = leads_nowhere(reference, ROW, &format!("{ROW}_"), &[]);
                let rows = take_out(crossing, copied, &dangles, to)?;
                if rows > 0 {
                    is_clean = false;
                    copied.leave(rows, nowhere(reference));
                }
            }
        }
        if is_clean {
            return Ok(());
        }
    }
}

fn take_out(
    crossing: &Crossing,
    copied: &mut Copied,
    dangles: &str,
    to: &mut Database,
) -> Result<u64, MoveError> {
    let mut rows = 0;
    of_to(crossing, to, dangles, |mark| {
        copied.tally.take(mark);
        rows += 1;
    })?;
    if rows > 0 {
        to.run(&format!("DELETE FROM {} AS {ROW} WHERE {dangles}", quoted(&crossing.table)))?;
    }
    Ok(rows)
}

impl Copied {
    fn leave(&mut self, rows: u64, why: String) {
        self.report.moved -= rows.min(self.report.moved);
        self.report.checksum = self.tally.checksum();
        match self.report.left.iter_mut().find(|left| left.why == why) {
            Some(left) => left.rows += rows,
            None => self.report.left.push(LeftRows { rows, why, loss: Loss::Perhaps }),
        }
    }
}
