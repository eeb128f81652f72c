//! The rows that stay behind, by the keys that others know them by: what refers to one of them stays behind as well.

use std::collections::{HashMap, HashSet};

use sha2::{Digest as _, Sha256};

use super::crossing::{Crossing, Sides};
use super::house::may_be_lost;
use super::reasons::{nowhere, references};
use super::report::Loss;
use super::tally::first_half;
use crate::moving::{Cell, Reference};

/// The lanes of a row that name a row, and the number of the set that it may be in.
pub(super) struct Link {
    set: usize,
    lanes: Vec<usize>,
    pub(super) why: String,
    pub(super) loss: Loss,
}

/// A set for each key that is referred to.
#[derive(Default)]
pub(super) struct Gone(Vec<HashSet<u128>>);

impl Gone {
    /// Tells the tables that move how they lead to each other.
    pub(super) fn new(sides: &Sides<'_>, crossings: &mut [Crossing]) -> Self {
        let mut sets: HashMap<(String, Vec<String>), usize> = HashMap::new();
        for place in 0..crossings.len() {
            let table = sides.from.1.table(&crossings[place].table);
            for reference in table.into_iter().flat_map(|table| references(sides, table)) {
                let to = crossings.iter().position(|other| other.table == reference.table);
                let Some(to) = to else { continue };
                let lanes = crossings[place].lanes_of(&reference.columns);
                let Some((lanes, key)) = lanes.zip(crossings[to].lanes_of(&reference.to)) else {
                    continue;
                };
                let number = sets.len();
                let name = (reference.table.clone(), reference.to.clone());
                let set = *sets.entry(name).or_insert(number);
                if set == number {
                    let (why, loss) = (String::new(), Loss::Nothing);
                    crossings[to].known_by.push(Link { set, lanes: key, why, loss });
                }
                let (why, loss) = why(&crossings[place].table, &reference);
                crossings[place].leads.push(Link { set, lanes, why, loss });
            }
        }
        Self(vec![HashSet::new(); sets.len()])
    }

    /// A row that stays behind.
    pub(super) fn add(&mut self, crossing: &Crossing, cells: &[Cell]) {
        for link in &crossing.known_by {
            if let Some(key) = key(&link.lanes, cells) {
                self.0[link.set].insert(key);
            }
        }
    }

    /// The first reference of a row that leads to one that stays behind.
    pub(super) fn led_to<'a>(&self, crossing: &'a Crossing, cells: &[Cell]) -> Option<&'a Link> {
        crossing.leads.iter().find(|link| {
            let set = &self.0[link.set];
            !set.is_empty() && key(&link.lanes, cells).is_some_and(|key| set.contains(&key))
        })
    }

    /// How many rows stay behind to which this table refers.
    pub(super) fn before(&self, crossing: &Crossing) -> usize {
        crossing.leads.iter().map(|link| self.0[link.set].len()).sum()
    }
}

/// Does one table refer to itself, or to one that comes later?
pub(super) fn have_circle(crossings: &[Crossing]) -> bool {
    let mut later: HashSet<usize> = HashSet::new();
    crossings.iter().rev().any(|crossing| {
        later.extend(crossing.known_by.iter().map(|link| link.set));
        crossing.leads.iter().any(|link| later.contains(&link.set))
    })
}

/// Why a row stays behind whose reference leads to no row that goes over.
pub(super) fn why(table: &str, reference: &Reference) -> (String, Loss) {
    if may_be_lost(table) {
        ("its session has ended".to_owned(), Loss::Nothing)
    } else {
        (nowhere(reference), Loss::Perhaps)
    }
}

/// What equal keys have in common; a key with NULL in it leads nowhere on purpose.
fn key(lanes: &[usize], cells: &[Cell]) -> Option<u128> {
    let mut hash = Sha256::new();
    for lane in lanes {
        let text = match &cells[*lane] {
            Cell::Null => return None,
            Cell::Integer(number) => number.to_string(),
            Cell::Real(number) => number.to_string(),
            Cell::Text(text) => text.clone(),
            Cell::Blob(bytes) => format!("{bytes:?}"),
        };
        hash.update((text.len() as u64).to_le_bytes());
        hash.update(text);
    }
    Some(first_half(hash))
}
