//! The rows of one table, read, looked at, and written.

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::sync_channel;

use diesel::result::{DatabaseErrorKind, Error};

use super::crossing::{Crossing, Lane};
use super::gone::Gone;
use super::house::{Way, may_be_lost};
use super::natural::Ids;
use super::report::{LeftRows, Loss, TransferredTable};
use super::tally::{Tally, mark, of_to};
use super::value::{given, taken};
use super::write::{Batch, write};
use crate::error::MoveError;
use crate::moving::{Cell, Database, Holds, Row, quoted};
use crate::place::DatabaseKind;

/// Batches that wait to be written: some, so that neither side waits for the other, and few, because they are memory.
const WAITING: usize = 4;

/// What is to be done with the rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Intent {
    /// Only looked at.
    Plan,
    Move,
}

/// What became of one table.
pub(super) struct Copied {
    pub(super) report: TransferredTable,
    /// The rows that TO must have at the end.
    pub(super) tally: Tally,
    /// Values that cannot go over, first of their kind.
    pub(super) problems: Vec<MoveError>,
}

pub(super) fn copy(
    crossing: &Crossing,
    from: &mut Database,
    to: &mut Database,
    ids: &Ids,
    gone: &mut Gone,
    intent: Intent,
    mut progress: impl FnMut(u64),
) -> Result<Copied, MoveError> {
    let (mut there, not_empty) = match rows_of_to(crossing, from, to, ids, gone, intent) {
        Err(error @ MoveError::NotEmpty { .. }) if intent == Intent::Plan => {
            (HashMap::new(), Some(error))
        }
        there => (there?, None),
    };
    let mut work = Work::new(crossing, from, to, ids, gone);
    let sql = crossing.sql_of_from(from.kind());
    let kind = to.kind();
    let to_stop = {
        let database = to.name();
        move || MoveError::Database { database, source: Error::RollbackTransaction }
    };
    // While these rows are read, those before are written.
    let written = std::thread::scope(|scope| {
        let (sender, receiver) = sync_channel(WAITING);
        let writer = scope.spawn(move || write(crossing, to, &receiver));
        let mut batch = Batch::new(crossing, kind);
        let mut has_failed = false;
        let read = from.each(&sql, |row| {
            work.found += 1;
            if work.found.is_multiple_of(1_000) {
                progress(work.found);
            }
            let Some((mark, cells)) = work.looked_at(row, &there) else { return Ok(()) };
            work.tally.add(mark);
            if let Some(count @ 1..) = there.get_mut(&mark) {
                *count -= 1;
                work.matched += 1;
                return Ok(());
            }
            work.moved += 1;
            // Once one value cannot go over, the others are only looked for.
            if intent == Intent::Plan || has_failed || !work.problems.is_empty() {
                return Ok(());
            }
            // A writer that has failed takes no more, and says why itself.
            let Some(rows) = batch.add(cells) else { return Ok(()) };
            has_failed = sender.send(rows).is_err();
            // Where TO has rows of its own, all of FROM are read, to tell that these are in the way.
            if has_failed && there.is_empty() { Err(to_stop()) } else { Ok(()) }
        });
        let _ = sender.send(batch.rest());
        drop(sender);
        let wrote = writer.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
        wrote.map_err(without_values).and(read)
    });
    let rows = there.values().map(|count| u64::from(*count)).sum();
    match written {
        Err(error) if rows == 0 || !is_taken(&error) => return Err(error),
        _ => {}
    }
    let mut copied = work.finished();
    copied.problems.extend(not_empty);
    if rows > 0 {
        copied.problems.push(MoveError::NotEmpty { table: crossing.table.clone(), rows });
    }
    Ok(copied)
}

/// PostgreSQL quotes a value that it does not understand, and that is nobody's business.
fn without_values(error: MoveError) -> MoveError {
    use DatabaseErrorKind::Unknown;
    match error {
        MoveError::Database { database, source: Error::DatabaseError(Unknown, about) } => {
            let parts: Vec<&str> = about.message().split('"').step_by(2).collect();
            let source = Error::DatabaseError(Unknown, Box::new(parts.join("(a value)")));
            MoveError::Database { database, source }
        }
        error => error,
    }
}

/// Is a row in the way that has the same key?
fn is_taken(error: &MoveError) -> bool {
    let MoveError::Database { source, .. } = error else { return false };
    matches!(source, Error::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}

/// The marks of the rows that TO has, and how often. There are too many when FROM has fewer.
fn rows_of_to(
    crossing: &Crossing,
    from: &mut Database,
    to: &mut Database,
    ids: &Ids,
    gone: &mut Gone,
    intent: Intent,
) -> Result<HashMap<u128, u32>, MoveError> {
    if crossing.way == Way::Replaced && !is_same(crossing, from, to, ids, gone)? {
        if intent == Intent::Move {
            to.run(&format!("DELETE FROM {}", quoted(&crossing.table)))?;
        }
        return Ok(HashMap::new());
    }
    let rows = to.count(&crossing.table)?;
    if rows > crossing.rows {
        let rows = rows - crossing.rows;
        return Err(MoveError::NotEmpty { table: crossing.table.clone(), rows });
    }
    let mut there = HashMap::new();
    if rows > 0 {
        of_to(crossing, to, |mark| *there.entry(mark).or_insert(0) += 1)?;
    }
    Ok(there)
}

fn is_same(
    crossing: &Crossing,
    from: &mut Database,
    to: &mut Database,
    ids: &Ids,
    gone: &mut Gone,
) -> Result<bool, MoveError> {
    let mut there = Tally::default();
    of_to(crossing, to, |mark| there.add(mark))?;
    Ok(look(crossing, from, to, ids, gone)? == there)
}

/// Reads a table to see which rows go over.
pub(super) fn look(
    crossing: &Crossing,
    from: &mut Database,
    to: &Database,
    ids: &Ids,
    gone: &mut Gone,
) -> Result<Tally, MoveError> {
    let mut work = Work::new(crossing, from, to, ids, gone);
    from.each(&crossing.sql_of_from(from.kind()), |row| {
        if let Some((mark, _)) = work.looked_at(row, &HashMap::new()) {
            work.tally.add(mark);
        }
        Ok(())
    })?;
    Ok(work.tally)
}

/// What has been seen of a table so far.
struct Work<'a> {
    crossing: &'a Crossing,
    from: DatabaseKind,
    to: DatabaseKind,
    ids: &'a Ids,
    gone: &'a mut Gone,
    /// The lane whose number names a row.
    name: Option<usize>,
    found: u64,
    moved: u64,
    matched: u64,
    left: BTreeMap<String, (u64, Loss)>,
    problems: BTreeMap<(String, String), (String, u64)>,
    tally: Tally,
}

impl<'a> Work<'a> {
    fn new(
        crossing: &'a Crossing,
        from: &Database,
        to: &Database,
        ids: &'a Ids,
        gone: &'a mut Gone,
    ) -> Self {
        // A session key is a secret, and a name is nobody's business: only a number names a row.
        let is_id =
            |lane: &Lane| lane.from.name == "id" && matches!(lane.from.holds, Holds::Integer(_));
        Self {
            crossing,
            from: from.kind(),
            to: to.kind(),
            ids,
            gone,
            name: crossing.lanes.iter().position(is_id),
            found: 0,
            moved: 0,
            matched: 0,
            left: BTreeMap::new(),
            problems: BTreeMap::new(),
            tally: Tally::default(),
        }
    }

    /// The mark of a row that goes over, and the row as it is written. `there` are the rows that TO has.
    fn looked_at(&mut self, mut row: Row, there: &HashMap<u128, u32>) -> Option<(u128, Vec<Cell>)> {
        let mut cells = row.0.split_off(1);
        if let Some((why, loss)) = self.stays(row.integer(0), &cells) {
            // A session that has ended since it moved is in TO as well.
            if loss == Loss::Nothing && !there.is_empty() {
                let mut cells = cells.clone();
                let mark = self.written(&mut cells).ok();
                if let Some(mark) = mark.filter(|mark| there.get(mark).is_some_and(|&n| n > 0)) {
                    return Some((mark, cells));
                }
            }
            self.gone.add(self.crossing, &cells);
            self.leave(why, loss);
            return None;
        }
        let name = self.name.and_then(|lane| cells[lane].integer());
        match self.written(&mut cells) {
            Ok(mark) => Some((mark, cells)),
            Err((lane, problem)) => {
                // What leads to a row that stops the move is not to be blamed for that.
                if may_be_lost(&self.crossing.table) {
                    self.gone.add(self.crossing, &cells);
                }
                self.cannot_go(name, lane, problem);
                None
            }
        }
    }

    /// Why a row stays behind, if it does.
    fn stays(&self, reason: Option<i64>, cells: &[Cell]) -> Option<(String, Loss)> {
        let reason = reason.and_then(|number| usize::try_from(number).ok());
        if let Some(reason) = reason.and_then(|number| self.crossing.reasons.get(number)) {
            return Some((reason.why.clone(), reason.loss));
        }
        if let Some(link) = self.gone.led_to(self.crossing, cells) {
            return Some((link.why.clone(), link.loss));
        }
        self.crossing.lanes.iter().zip(cells).find_map(|(lane, cell)| {
            let (table, id) = lane.renumbered.zip(cell.integer())?;
            let why = || format!("its {} leads to no row of {table}", lane.from.name);
            self.ids.of(table, id).is_none().then(|| (why(), Loss::Perhaps))
        })
    }

    /// Makes a row what is written, and says its mark; or which lane cannot be, and why.
    fn written(&self, cells: &mut [Cell]) -> Result<u128, (usize, String)> {
        let lanes = || self.crossing.lanes.iter().enumerate();
        for ((place, lane), cell) in lanes().zip(&mut *cells) {
            let value = std::mem::replace(cell, Cell::Null);
            *cell = taken(lane.carried, self.from, value).map_err(|problem| (place, problem))?;
            let known = lane.renumbered.zip(cell.integer());
            if let Some(id) = known.and_then(|(table, id)| self.ids.of(table, id)) {
                *cell =
                    if lane.carried.is_some() { id.to_string().as_str().into() } else { id.into() };
            }
        }
        let mark = mark(&self.crossing.lanes, cells);
        for ((place, lane), cell) in lanes().zip(&mut *cells) {
            let value = std::mem::replace(cell, Cell::Null);
            let given = given(lane.carried, (self.to, &lane.to), value);
            *cell = given.map_err(|problem| (place, problem))?;
        }
        Ok(mark)
    }

    fn leave(&mut self, why: String, loss: Loss) {
        self.left.entry(why).or_insert((0, loss)).0 += 1;
    }

    fn cannot_go(&mut self, name: Option<i64>, lane: usize, problem: String) {
        let column = &self.crossing.lanes[lane].from.name;
        if may_be_lost(&self.crossing.table) {
            let why = format!("its {column} cannot be kept: {problem}");
            return self.leave(why, Loss::Nothing);
        }
        let row = name
            .map_or_else(|| format!("row {}", self.found), |id| format!("the row with id {id}"));
        self.problems.entry((column.to_owned(), problem)).or_insert((row, 0)).1 += 1;
    }

    fn finished(self) -> Copied {
        let left = self.left.into_iter();
        let left = left.map(|(why, (rows, loss))| LeftRows { rows, why, loss });
        let table = self.crossing.table.clone();
        let problems = self.problems.into_iter().map(|((column, problem), (row, count))| {
            MoveError::CannotHold { table: table.clone(), row, column, problem, more: count - 1 }
        });
        Copied {
            problems: problems.collect(),
            report: TransferredTable {
                table: table.clone(),
                found: self.found,
                moved: self.moved,
                matched: self.matched,
                left: left.collect(),
                checksum: self.tally.checksum(),
            },
            tally: self.tally,
        }
    }
}
