//! Which rows there are, as one number that does not depend on their order.

use sha2::{Digest as _, Sha256};

use super::crossing::{Crossing, Lane};
use super::value::{proof, taken};
use crate::error::MoveError;
use crate::moving::{Cell, Database};

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Tally {
    pub(super) rows: u64,
    sum: u128,
}

impl Tally {
    pub(super) fn add(&mut self, mark: u128) {
        self.rows += 1;
        self.sum = self.sum.wrapping_add(mark);
    }

    pub(super) fn checksum(self) -> String {
        format!("{:032x}", self.sum)
    }
}

/// What stands for a row; equal rows have the same.
pub(super) fn mark(lanes: &[Lane], cells: &[Cell]) -> u128 {
    let mut bytes = Vec::with_capacity(256);
    for (lane, cell) in lanes.iter().zip(cells) {
        let mut add = |kind: u8, value: &[u8]| {
            bytes.push(kind);
            bytes.extend((value.len() as u64).to_le_bytes());
            bytes.extend(value);
        };
        match cell {
            Cell::Null => add(0, &[]),
            Cell::Integer(number) => add(1, &number.to_le_bytes()),
            Cell::Real(number) => add(2, &number.to_bits().to_le_bytes()),
            Cell::Text(text) => add(3, proof(lane.carried, text).as_bytes()),
            Cell::Blob(blob) => add(4, blob),
        }
    }
    first_half(Sha256::new_with_prefix(&bytes))
}

pub(super) fn first_half(hash: Sha256) -> u128 {
    let hash: [u8; 32] = hash.finalize().into();
    let (first, _) = hash.split_at(16);
    first.iter().fold(0, |mark, byte| mark << 8 | u128::from(*byte))
}

/// The marks of the rows of TO.
pub(super) fn of_to(
    crossing: &Crossing,
    to: &mut Database,
    mut visit: impl FnMut(u128),
) -> Result<(), MoveError> {
    let kind = to.kind();
    to.each(&crossing.sql_of_to(kind), |row| {
        let cells = row.0.into_iter().zip(&crossing.lanes);
        // What has no form to travel in was not written by us, and is told apart by what it is.
        let cells: Vec<Cell> = cells
            .map(|(cell, lane)| taken(lane.carried, kind, cell.clone()).unwrap_or(cell))
            .collect();
        visit(mark(&crossing.lanes, &cells));
        Ok(())
    })
}
