//! One transfer from its beginning to its end.

use std::collections::BTreeSet;

use super::copy::{Copied, Intent, copy, look};
use super::crossing::{Crossing, ROW, Sides, known_by_names};
use super::gone::{Gone, have_circle};
use super::house::{self, Way, may_be_lost};
use super::natural::{self, Ids};
use super::reasons::number_of_the_reason;
use super::report::{LeftRows, Loss, TransferReport, TransferredTable};
use super::tally::{Tally, of_to};
use super::target::Target;
use super::{PATIENCE, Transfer, TransferProgress, What, bulk, sequence, tables};
use crate::error::MoveError;
use crate::moving::{Catalog, Database, literal, quoted};
use crate::place::DatabaseKind;

pub(super) fn carry_out(
    transfer: &Transfer,
    intent: Intent,
    progress: impl FnMut(&TransferProgress),
) -> Result<TransferReport, MoveError> {
    let mut from = Database::open("FROM", &transfer.from, PATIENCE)?;
    from.begin_reading()?;
    let mut target = Target::open(transfer, intent, &mut from)?;
    let (from, to) = (&mut from, &mut target.database);
    let report = TransferReport {
        from: from.kind(),
        to: to.kind(),
        is_done: intent == Intent::Move,
        tables: Vec::new(),
        problems: Vec::new(),
        notes: Vec::new(),
    };
    let report = Work { transfer, intent, progress, from, to, rows: 0, of: 0, report }.done()?;
    if intent == Intent::Move {
        target.commit()?;
    }
    Ok(report)
}

struct Work<'a, P> {
    transfer: &'a Transfer,
    intent: Intent,
    progress: P,
    from: &'a mut Database,
    to: &'a mut Database,
    rows: u64,
    of: u64,
    report: TransferReport,
}

impl<P: FnMut(&TransferProgress)> Work<'_, P> {
    fn done(mut self) -> Result<TransferReport, MoveError> {
        let catalogs = self.catalogs()?;
        let sides = Sides {
            from: (self.from.kind(), &catalogs.0),
            to: (self.to.kind(), &catalogs.1),
            now: now(self.from)?,
        };
        self.note(&sides)?;
        let ways = ways(self.transfer, &catalogs.0)?;
        let mut crossings = self.crossings(&sides, &ways)?;
        let rows: u64 = crossings.iter().map(|crossing| crossing.rows).sum();
        self.of = if self.intent == Intent::Move { 2 * rows } else { rows };
        let relaxed = match self.intent {
            Intent::Move => Some(bulk::relax(&crossings, self.to)?),
            Intent::Plan => None,
        };
        let ids = self.natural(&crossings)?;
        let copied = self.copied(&sides, &ways, &mut crossings, &ids)?;
        if let Some(relaxed) = relaxed {
            if self.transfer.what == What::House {
                tables::name_the_house(self.to)?;
            }
            relaxed.tighten(&crossings, &catalogs.1, self.to)?;
            self.compare(&crossings, &copied)?;
            // Last, because no rollback takes that back.
            let matched = ways.iter().filter(|(_, way)| *way == Way::Matched).map(|(name, _)| name);
            for table in crossings.iter().map(|crossing| &crossing.table).chain(matched) {
                if let Some(sides) = catalogs.0.table(table).zip(catalogs.1.table(table)) {
                    sequence::carry_over(sides, self.from, self.to)?;
                }
            }
        }
        self.report.tables.extend(copied.into_iter().map(|copied| copied.report));
        self.report.in_order(&ways);
        Ok(self.report)
    }

    /// The tables of both sides, those of a house in TO made when they were not there.
    fn catalogs(&mut self) -> Result<(Catalog, Catalog), MoveError> {
        let here = Catalog::read(self.from)?;
        if self.transfer.what == What::House {
            tables::check_from(self.from, &here)?;
            let there = Catalog::read(self.to)?;
            tables::make_in_to(self.to, &there)?;
            tables::check_django(self.from, self.to, &here)?;
        }
        Ok((here, Catalog::read(self.to)?))
    }

    /// A plan goes on, to find all that is in the way.
    fn problem(&mut self, error: MoveError) -> Result<(), MoveError> {
        match self.intent {
            Intent::Move => Err(error),
            Intent::Plan => {
                self.report.problems.push(error.to_string());
                Ok(())
            }
        }
    }

    fn note(&mut self, sides: &Sides<'_>) -> Result<(), MoveError> {
        for name in &sides.from.1.others {
            let note = format!("{name} is no ordinary table, and is made anew by its app");
            self.report.notes.push(note);
        }
        if self.transfer.what == What::Local {
            self.note_numbers(sides);
        } else if sides.from.1.table("housekey_app").is_some() {
            let recent = match self.from.kind() {
                DatabaseKind::Sqlite => format!("datetime({}, '-2 hours')", sides.now),
                DatabaseKind::Postgres => {
                    format!("{}::timestamptz - interval '2 hours'", sides.now)
                }
            };
            let apps = self.from.rows(&format!(
                "SELECT DISTINCT app, host FROM housekey_app WHERE last_seen > {recent} ORDER BY app, host"
            ))?;
            for row in &apps {
                self.report.notes.push(format!(
                    "the app {} on {} was there within two hours: stop every app before the move, because what \
                     it writes into FROM from now on stays there",
                    row.text(0),
                    row.text(1)
                ));
            }
        }
        Ok(())
    }

    /// An app's own rows may refer to rows of the house, which is elsewhere by now.
    fn note_numbers(&mut self, sides: &Sides<'_>) {
        for table in sides.from.1.tables.values().filter(|table| house::is_local(&table.name)) {
            for column in &table.columns {
                let to = known_by_names(table, &column.name);
                let Some(to) = to.filter(|to| sides.to.1.table(to).is_none()) else { continue };
                self.report.notes.push(format!(
                    "{} of {} keeps its numbers, which are ids of {to}, and TO has no such table: see that the \
                     house has them under the same ids",
                    column.name, table.name
                ));
            }
        }
    }

    fn crossings(
        &mut self,
        sides: &Sides<'_>,
        ways: &[(String, Way)],
    ) -> Result<Vec<Crossing>, MoveError> {
        let mut crossings = Vec::new();
        for (table, way) in
            ways.iter().filter(|(_, way)| matches!(way, Way::Copied | Way::Replaced))
        {
            let rows = self.from.count(table)?;
            match Crossing::new(sides, table, *way, rows) {
                Ok(crossing) => crossings.push(crossing),
                // Without rows there is nothing to have no place for.
                Err(_) if rows == 0 => {}
                Err(error) => self.problem(error)?,
            }
        }
        Ok(crossings)
    }

    /// Content types and permissions, which have their ids from TO.
    fn natural(&mut self, crossings: &[Crossing]) -> Result<Ids, MoveError> {
        if self.transfer.what == What::House {
            let (ids, reports) = natural::make(self.from, self.to)?;
            self.report.tables.extend(reports);
            if ids.renumbered() > 0 {
                self.report.notes.push(format!(
                    "{} content types and permissions have another id in TO: what refers to them in the apps' own \
                     databases, without a foreign key, is to be changed by hand",
                    ids.renumbered()
                ));
            }
            return Ok(ids);
        }
        let mut lanes = crossings.iter().flat_map(|crossing| &crossing.lanes);
        if lanes.any(|lane| lane.renumbered.is_some()) {
            natural::find(self.from, self.to)
        } else {
            Ok(Ids::default())
        }
    }

    /// Copies one table after the other.
    fn copied(
        &mut self,
        sides: &Sides<'_>,
        ways: &[(String, Way)],
        crossings: &mut [Crossing],
        ids: &Ids,
    ) -> Result<Vec<Copied>, MoveError> {
        for (table, way) in ways {
            if crossings.iter().all(|crossing| crossing.table != *table) {
                self.leave(table, *way)?;
            }
        }
        let mut gone = Gone::new(sides, crossings);
        if have_circle(crossings) {
            self.look_ahead(crossings, ids, &mut gone)?;
        }
        let mut all = Vec::new();
        for crossing in crossings {
            let mut copied = self.copy(crossing, ids, &mut gone)?;
            self.rows += copied.report.found;
            let problems = std::mem::take(&mut copied.problems);
            problems.into_iter().try_for_each(|problem| self.problem(problem))?;
            all.push(copied);
        }
        Ok(all)
    }

    /// Which rows stay behind is known of a table only when it is known of those that it refers to: where these
    /// come later, all are read until nothing more is found.
    fn look_ahead(
        &mut self,
        crossings: &[Crossing],
        ids: &Ids,
        gone: &mut Gone,
    ) -> Result<(), MoveError> {
        let mut stay = !ids.are_all();
        for crossing in crossings.iter().filter(|crossing| !may_be_lost(&crossing.table)) {
            let reason = number_of_the_reason(&crossing.reasons);
            let table = quoted(&crossing.table);
            let first =
                format!("SELECT 1 FROM {table} AS {ROW} WHERE {reason} IS NOT NULL LIMIT 1");
            stay = stay || self.from.number(&first)? > 0;
        }
        let mut seen = vec![None; crossings.len()];
        while stay {
            stay = false;
            for (crossing, seen) in crossings.iter().zip(&mut seen) {
                let before = Some(gone.before(crossing));
                if *seen != before && !may_be_lost(&crossing.table) {
                    *seen = before;
                    look(crossing, self.from, self.to, ids, gone)?;
                    stay = true;
                }
            }
        }
        Ok(())
    }

    fn copy(
        &mut self,
        crossing: &Crossing,
        ids: &Ids,
        gone: &mut Gone,
    ) -> Result<Copied, MoveError> {
        let (rows, of, table) = (self.rows, self.of, &crossing.table);
        let progress = &mut self.progress;
        copy(crossing, self.from, self.to, ids, gone, self.intent, |so_far| {
            progress(&TransferProgress { table: table.clone(), rows: rows + so_far, of });
        })
    }

    /// A table that stays where it is.
    fn leave(&mut self, table: &str, way: Way) -> Result<(), MoveError> {
        let why = match way {
            Way::Matched => return Ok(()),
            Way::Kept(why) => why,
            Way::Copied | Way::Replaced => "TO has no place for it",
        };
        let rows = self.from.count(table)?;
        let loss = if matches!(way, Way::Kept(_)) { Loss::Nothing } else { Loss::Perhaps };
        let left = LeftRows { rows, why: why.to_owned(), loss };
        self.report.tables.push(TransferredTable {
            table: table.to_owned(),
            found: rows,
            left: (rows > 0).then_some(left).into_iter().collect(),
            ..TransferredTable::default()
        });
        Ok(())
    }

    /// Reads what has arrived.
    fn compare(&mut self, crossings: &[Crossing], copied: &[Copied]) -> Result<(), MoveError> {
        for (crossing, Copied { tally, .. }) in crossings.iter().zip(copied) {
            let mut there = Tally::default();
            let (of, progress) = (self.of, &mut self.progress);
            let before = self.rows;
            of_to(crossing, self.to, |mark| {
                there.add(mark);
                if there.rows.is_multiple_of(1_000) {
                    let rows = before + there.rows;
                    progress(&TransferProgress { table: crossing.table.clone(), rows, of });
                }
            })?;
            self.rows += there.rows;
            if there != *tally {
                let problem = if there.rows == tally.rows {
                    "their checksums are not the same".to_owned()
                } else {
                    format!("{} were sent, and {} are there", tally.rows, there.rows)
                };
                return Err(MoveError::NotTheSame { table: crossing.table.clone(), problem });
            }
        }
        Ok(())
    }
}

/// The clock of FROM, as SQL has it.
fn now(from: &mut Database) -> Result<String, MoveError> {
    let now = match from.kind() {
        DatabaseKind::Sqlite => "SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')",
        DatabaseKind::Postgres => "SELECT now()::text",
    };
    Ok(from.rows(now)?.first().map(|row| literal(row.text(0))).unwrap_or_default())
}

/// All tables of FROM with their ways, each behind those that it refers to.
fn ways(transfer: &Transfer, from: &Catalog) -> Result<Vec<(String, Way)>, MoveError> {
    for name in transfer.tables.iter().chain(&transfer.leave) {
        if from.table(name).is_none() {
            let problem = format!("has no table {name}; see how it is written there");
            return Err(MoveError::Schema { database: "FROM", problem });
        }
    }
    let of_house = house::SHARED.iter().map(|shared| shared.table.to_owned());
    let mut order: Vec<String> = of_house.filter(|table| from.table(table).is_some()).collect();
    for table in from.tables.keys() {
        place(from, table, &mut order, &mut BTreeSet::new());
    }
    let way = |table: &String| match transfer.what {
        _ if transfer.leave.contains(table) => Way::Kept("so it was asked for"),
        _ if transfer.tables.contains(table) => Way::Copied,
        What::Local => house::local(table),
        What::House => {
            house::of_house(table).map_or(Way::Kept(NO_TABLE_OF_THE_HOUSE), |shared| shared.way)
        }
    };
    Ok(order.into_iter().map(|table| (table.clone(), way(&table))).collect())
}

const NO_TABLE_OF_THE_HOUSE: &str = "it is no table of the house; `housekey transfer --local` moves an app's own, and --table one that apps share";

/// Puts a table behind those that it refers to.
fn place(from: &Catalog, table: &str, order: &mut Vec<String>, begun: &mut BTreeSet<String>) {
    if order.iter().any(|placed| placed == table) || !begun.insert(table.to_owned()) {
        return;
    }
    let Some(found) = from.table(table) else { return };
    for reference in &found.references {
        place(from, &reference.table, order, begun);
    }
    order.push(table.to_owned());
}
