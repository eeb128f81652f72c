//! Content types and permissions: each is known by its names, and may have another id in TO.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::crossing::{CONTENT_TYPES, PERMISSIONS};
use super::report::{LeftRows, Loss, TransferredTable};
use crate::error::MoveError;
use crate::moving::{Cell, Database};

/// The ids of FROM with those in TO.
#[derive(Default)]
pub(super) struct Ids {
    content_types: HashMap<i64, i64>,
    permissions: HashMap<i64, i64>,
    /// How many of FROM are not in TO.
    missing: u64,
}

impl Ids {
    pub(super) fn of(&self, table: &str, id: i64) -> Option<i64> {
        let ids = if table == CONTENT_TYPES { &self.content_types } else { &self.permissions };
        ids.get(&id).copied()
    }

    /// Is each of FROM in TO?
    pub(super) fn are_all(&self) -> bool {
        self.missing == 0
    }

    /// How many have another id in TO.
    pub(super) fn renumbered(&self) -> usize {
        let all = self.content_types.iter().chain(&self.permissions);
        all.filter(|(from, to)| from != to).count()
    }
}

/// Finds those of FROM in TO without making any.
pub(super) fn find(from: &mut Database, to: &mut Database) -> Result<Ids, MoveError> {
    ids(from, to, Missing::AreLeft).map(|(ids, _)| ids)
}

/// Finds those of FROM in TO, and makes what is missing there.
pub(super) fn make(
    from: &mut Database,
    to: &mut Database,
) -> Result<(Ids, [TransferredTable; 2]), MoveError> {
    ids(from, to, Missing::AreMade)
}

fn ids(
    from: &mut Database,
    to: &mut Database,
    missing: Missing,
) -> Result<(Ids, [TransferredTable; 2]), MoveError> {
    let (content_types, of_types) = content_types(from, to, missing)?;
    let (permissions, of_permissions) = permissions(from, to, &content_types, missing)?;
    let reports = [of_types, of_permissions];
    let missing = reports.iter().map(|report| report.found - report.matched - report.moved).sum();
    Ok((Ids { content_types, permissions, missing }, reports))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Missing {
    AreMade,
    AreLeft,
}

type Found = (HashMap<i64, i64>, TransferredTable);

fn content_types(
    from: &mut Database,
    to: &mut Database,
    missing: Missing,
) -> Result<Found, MoveError> {
    const ALL: &str = "SELECT CAST(id AS varchar), app_label, model FROM django_content_type";
    let there = by_names(to, ALL)?;
    let here = by_names(from, ALL)?;
    let insert = "INSERT INTO django_content_type (id, app_label, model) VALUES (CAST($1 AS integer), $2, $3)";
    let mut made =
        Made::new(CONTENT_TYPES, there.values().chain(here.values()), &there, here.len());
    for (names, id) in &here {
        let (label, model) = (names[0].as_str(), names[1].as_str());
        made.one(to, *id, there.get(names), missing, insert, &[label.into(), model.into()])?;
    }
    Ok(made.finished())
}

fn permissions(
    from: &mut Database,
    to: &mut Database,
    content_types: &HashMap<i64, i64>,
    missing: Missing,
) -> Result<Found, MoveError> {
    const ALL: &str = "SELECT CAST(id AS varchar), CAST(content_type_id AS varchar), codename, name FROM auth_permission";
    let key = |content_type: i64, codename: &str| [content_type.to_string(), codename.to_owned()];
    let there = by_names(to, ALL)?;
    let rows = from.rows(ALL)?;
    let insert = "INSERT INTO auth_permission (id, content_type_id, codename, name) \
                  VALUES (CAST($1 AS integer), CAST($2 AS integer), $3, $4)";
    let mut made = {
        let here: Vec<i64> = rows.iter().filter_map(|row| row.integer(0)).collect();
        Made::new(PERMISSIONS, there.values().chain(&here), &there, rows.len())
    };
    for row in &rows {
        let (Some(id), Some(content_type)) = (row.integer(0), row.integer(1)) else {
            made.left();
            continue;
        };
        let Some(content_type) = content_types.get(&content_type) else {
            made.left();
            continue;
        };
        let known = there.get(&key(*content_type, row.text(2)));
        let values = [(*content_type).into(), row.text(2).into(), row.text(3).into()];
        made.one(to, id, known, missing, insert, &values)?;
    }
    Ok(made.finished())
}

/// Ids by the two texts that follow them.
fn by_names(database: &mut Database, sql: &str) -> Result<BTreeMap<[String; 2], i64>, MoveError> {
    let rows = database.rows(sql)?.into_iter();
    let pair = |row: crate::moving::Row| {
        Some(([row.text(1).to_owned(), row.text(2).to_owned()], row.integer(0)?))
    };
    Ok(rows.filter_map(pair).collect())
}

/// What becomes of the rows of one table.
struct Made {
    ids: HashMap<i64, i64>,
    taken: HashSet<i64>,
    next: i64,
    left: u64,
    report: TransferredTable,
}

impl Made {
    /// `all` are the ids of both sides.
    fn new<'a>(
        table: &str,
        all: impl Iterator<Item = &'a i64>,
        there: &BTreeMap<[String; 2], i64>,
        found: usize,
    ) -> Self {
        let taken: HashSet<i64> = there.values().copied().collect();
        let next = all.max().unwrap_or(&0) + 1;
        let found = found as u64;
        let report = TransferredTable { table: table.to_owned(), found, ..Default::default() };
        Self { ids: HashMap::new(), taken, next, left: 0, report }
    }

    fn one(
        &mut self,
        to: &mut Database,
        id: i64,
        known: Option<&i64>,
        missing: Missing,
        insert: &str,
        values: &[Cell],
    ) -> Result<(), MoveError> {
        if let Some(known) = known {
            self.ids.insert(id, *known);
            self.report.matched += 1;
        } else if missing == Missing::AreMade {
            // Its own id, if that is free.
            let new = if self.taken.contains(&id) { self.next } else { id };
            let values: Vec<Cell> =
                std::iter::once(new.into()).chain(values.iter().cloned()).collect();
            to.execute(insert, &values)?;
            self.taken.insert(new);
            self.next = self.next.max(new + 1);
            self.ids.insert(id, new);
            self.report.moved += 1;
        }
        Ok(())
    }

    fn left(&mut self) {
        self.left += 1;
    }

    fn finished(mut self) -> Found {
        if self.left > 0 {
            let why = format!("its content_type_id leads to no row of {CONTENT_TYPES}");
            self.report.left.push(LeftRows { rows: self.left, why, loss: Loss::Perhaps });
        }
        (self.ids, self.report)
    }
}
