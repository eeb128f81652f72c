//! The way back: a file without secrets, and what is done by it.

use std::collections::{BTreeSet, HashMap};
use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::columns::{self, Columns};
use super::ledger::{self, Adopted};
use super::named::Renumbered;
use super::plan::{AdoptedColumn, AdoptionPlan, Fate, Found};
use super::report::{AdoptionUndone, Kept};
use super::rewriting::{self, Orphan};
use super::rights::{Given, permissions_of_house};
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::{Error, MoveError};
use crate::moving::{Catalog, Database, Holds, Row};
use crate::user::{grants, removal};

/// The form of the file.
const FORMAT: u32 = 1;

#[derive(Serialize, Deserialize)]
pub(super) struct Undo {
    format: u32,
    app: String,
    house: String,
    users: Vec<Line>,
    given: Given,
    columns: Vec<AdoptedColumn>,
    /// Where an app's own tables refer to others than users.
    others: Vec<Renumbered>,
    orphans: Vec<Orphan>,
}

#[derive(Serialize, Deserialize)]
struct Line {
    username: String,
    local_id: i64,
    user_id: i32,
    how: String,
}

const MOVED: &str = "moved";

/// Those who come now, as the house writes them down.
pub(super) fn ledger_lines(plan: &AdoptionPlan) -> Vec<Adopted> {
    let new = plan.users.iter().filter(|user| user.fate != Fate::Before);
    let lines = new.filter_map(|user| {
        let how = if user.fate == Fate::Moved { MOVED } else { "matched" };
        Some(Adopted {
            username: user.username.clone(),
            local_id: user.local_id,
            user_id: user.user_id?.try_into().ok()?,
            how: how.to_owned(),
        })
    });
    lines.collect()
}

/// Nothing is ever written over: it may be the only way back from another run.
pub(super) fn is_free(file: &Path) -> Result<(), MoveError> {
    if file.exists() { Err(failed(file, "is there already; name another one")) } else { Ok(()) }
}

fn failed(file: &Path, problem: impl Into<String>) -> MoveError {
    MoveError::File { file: file.display().to_string(), problem: problem.into() }
}

fn stays(problem: impl Into<String>) -> Error {
    MoveError::NotUndone { problem: problem.into() }.into()
}

impl Undo {
    pub(super) fn new(
        plan: &AdoptionPlan,
        house: String,
        ledger: &[Adopted],
        given: Given,
    ) -> Self {
        let here: BTreeSet<&str> = plan
            .users
            .iter()
            .filter(|user| user.fate == Fate::Before)
            .map(|user| user.username.as_str())
            .collect();
        let before = ledger.iter().filter(|one| here.contains(one.username.as_str())).cloned();
        let users = before.chain(ledger_lines(plan)).map(|one| Line {
            username: one.username,
            local_id: one.local_id,
            user_id: one.user_id,
            how: one.how,
        });
        let users = users.collect();
        let (app, columns) = (plan.app.clone(), plan.columns.clone());
        let (others, orphans) = (Vec::new(), Vec::new());
        Self { format: FORMAT, app, house, users, given, columns, others, orphans }
    }

    /// With what was done to the app's own database besides.
    pub(super) fn with(self, others: Vec<Renumbered>, orphans: Vec<Orphan>) -> Self {
        Self { others, orphans, ..self }
    }

    /// Writes it to the disk, for this user alone.
    pub(super) fn write(&self, file: &Path) -> Result<(), Error> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default();
        let mut options = OpenOptions::new();
        options.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let cannot = |error: std::io::Error| {
            failed(
                file,
                format!("cannot be written ({error}), and nothing was changed; name another one"),
            )
        };
        let mut made = options.open(file).map_err(cannot)?;
        let written = made.write_all(text.as_bytes()).and_then(|()| made.sync_all());
        if written.is_err() {
            // Half a way back is none.
            let _ = std::fs::remove_file(file);
        }
        let folder = file.parent().filter(|folder| !folder.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        // Where a folder cannot be synced, its file system does that by itself.
        let _ = std::fs::File::open(folder).and_then(|folder| folder.sync_all());
        Ok(written.map_err(cannot)?)
    }

    pub(super) fn read(file: &Path) -> Result<Self, Error> {
        let text = std::fs::read_to_string(file).map_err(|error| {
            failed(file, format!("cannot be read ({error}); name the undo file of a run"))
        })?;
        let undo: Self = serde_json::from_str(&text).map_err(|_| {
            failed(
                file,
                "is no undo file of `housekey adopt`, or not a whole one; name another one",
            )
        })?;
        if undo.format != FORMAT {
            return Err(failed(file, "was written by another housekey; use that one").into());
        }
        if undo.is_of_single_users() {
            Ok(undo)
        } else {
            Err(failed(file, "has a user or an id twice: it is not as it was written").into())
        }
    }

    fn is_of_single_users(&self) -> bool {
        let names: BTreeSet<&str> = self.users.iter().map(|line| line.username.as_str()).collect();
        let old: BTreeSet<i64> = self.users.iter().map(|line| line.local_id).collect();
        let new: BTreeSet<i32> = self.users.iter().map(|line| line.user_id).collect();
        [names.len(), old.len(), new.len()] == [self.users.len(); 3]
    }

    pub(super) fn is_of(
        &self,
        shared: &SharedPool,
        config: &Config,
        file: &Path,
    ) -> Result<(), Error> {
        if self.app != config.app_name {
            let problem = format!("is of the app `{}`; set APP_NAME to that", self.app);
            return Err(failed(file, problem).into());
        }
        if shared.run(migrate::house)?.as_deref() != Some(self.house.as_str()) {
            return Err(failed(file, "is of another house; see to SHARED_DATABASE_URL").into());
        }
        Ok(())
    }

    /// The app's own ids again.
    pub(super) fn back_in_the_app(
        &self,
        local: &mut Database,
        catalog: &Catalog,
    ) -> Result<AdoptionUndone, Error> {
        let mut undone = AdoptionUndone::of(&self.app);
        let columns = self.columns_of(local, catalog)?;
        super::lock(local, &columns)?;
        let rows = local.rows("SELECT CAST(id AS varchar), username FROM auth_user")?;
        let id = |row: &Row| Some((row.text(1).to_owned(), row.integer(0)?));
        let ids: HashMap<String, i64> = rows.iter().filter_map(id).collect();
        let here = || self.users.iter().filter_map(|line| Some((line, *ids.get(&line.username)?)));
        let differ = || here().filter(|(line, _)| line.local_id != i64::from(line.user_id));
        if self.is_back(local, differ())? {
            return Ok(undone);
        }
        if let Some((line, _)) = here().find(|(line, id)| *id != i64::from(line.user_id)) {
            return Err(stays(format!(
                "the local user whom the house knows as {} has another id; this file is not that of the last run",
                line.user_id
            )));
        }
        let later = ids.len() - here().count();
        if later > 0 {
            return Err(stays(format!(
                "auth_user.id has {later} rows of users who came later; delete them first"
            )));
        }
        for spot in columns.iter().flat_map(|columns| &columns.spots) {
            let later = spot.orphans(local)?;
            if later > 0 {
                return Err(stays(format!(
                    "{} has {later} rows of users, or others, who came later; delete them, or correct them first",
                    spot.name()
                )));
            }
        }
        let back: Vec<(i64, i64)> = differ().map(|(line, id)| (id, line.local_id)).collect();
        undone.users = here().count();
        for columns in &columns {
            let other = self.others.iter().find(|other| other.of == columns.of);
            let ids = other.map_or_else(|| back.clone(), Renumbered::back);
            undone.columns.extend(rewriting::rewrite(local, columns, &ids, |_, _| {})?);
        }
        rewriting::restore_orphans(local, &self.orphans)?;
        Ok(undone)
    }

    /// Has everything its old id that was given another one? All of it changes in one transaction.
    fn is_back<'a>(
        &self,
        local: &mut Database,
        mut users: impl Iterator<Item = (&'a Line, i64)>,
    ) -> Result<bool, MoveError> {
        if let Some((line, id)) = users.next() {
            return Ok(id == line.local_id && users.all(|(line, id)| id == line.local_id));
        }
        let others: Vec<&Renumbered> =
            self.others.iter().filter(|other| !other.is_empty()).collect();
        for other in &others {
            if !other.is_back(local)? {
                return Ok(false);
            }
        }
        Ok(!others.is_empty())
    }

    /// Those of users, and of what else was given other ids.
    fn columns_of(
        &self,
        local: &mut Database,
        catalog: &Catalog,
    ) -> Result<Vec<Columns>, MoveError> {
        let mut all = vec![Columns::of_users(local, catalog, &self.named(catalog))?];
        for of in [columns::MODELS, columns::GROUPS, columns::PERMISSIONS] {
            if self.others.iter().any(|other| other.of == of) {
                all.push(Columns::by_keys(catalog, of));
            }
        }
        Ok(all)
    }

    /// Foreign keys may be gone by now: the columns of the file are as good as named.
    fn named(&self, catalog: &Catalog) -> Vec<String> {
        let columns = self
            .columns
            .iter()
            .filter(|column| column.of == columns::USERS)
            .filter(|column| matches!(column.found, Found::ForeignKey | Found::Named));
        let is_bare = |one: &&AdoptedColumn| {
            let Some(table) = catalog.table(&one.table) else { return false };
            let column = table.column(&one.column);
            table.reference_of(&one.column).is_none()
                && column.is_some_and(|column| matches!(column.holds, Holds::Integer(_)))
        };
        columns.filter(is_bare).map(|one| format!("{}.{}", one.table, one.column)).collect()
    }

    /// Who was made goes, unless something holds them, and what was given is taken back.
    pub(super) fn back_in_the_house(
        &self,
        conn: &mut SharedConnection,
        undone: &mut AdoptionUndone,
    ) -> Result<(), Error> {
        let ledger = ledger::of_app(conn, &self.app)?;
        let lines: HashMap<&str, i32> =
            self.users.iter().map(|line| (line.username.as_str(), line.user_id)).collect();
        // The house knows better than a file whom it has made.
        let ours: Vec<&Adopted> = ledger
            .iter()
            .filter(|one| lines.get(one.username.as_str()) == Some(&one.user_id))
            .collect();
        let names: Vec<&str> = ours.iter().map(|one| one.username.as_str()).collect();
        ledger::forget(conn, &self.app, &names)?;
        let here: BTreeSet<i32> = ours.iter().map(|one| one.user_id).collect();
        self.take_back(conn, &here)?;
        let moved: Vec<&&Adopted> = ours.iter().filter(|one| one.how == MOVED).collect();
        let ids: Vec<i32> = moved.iter().map(|line| line.user_id).collect();
        let known = ledger::known_to(conn, &ids)?;
        let held = removal::held_among(conn, &removal::USER, &ids)?;
        let mut free = Vec::new();
        for line in moved {
            let app = known
                .get(&line.user_id)
                .map(|app| format!("the app `{app}` has adopted them, too"));
            let table =
                held.get(&line.user_id).map(|table| format!("rows of {table} refer to them"));
            match app.or(table) {
                Some(why) => undone.kept.push(Kept { username: line.username.clone(), why }),
                None => free.push(line.user_id),
            }
        }
        undone.removed = removal::delete_all(conn, &removal::USER, &free)?;
        self.take_groups(conn)?;
        self.take_permissions(conn)?;
        Ok(())
    }

    fn take_back(&self, conn: &mut SharedConnection, users: &BTreeSet<i32>) -> Result<(), Error> {
        for (user, group) in self.given.memberships.iter().filter(|(user, _)| users.contains(user))
        {
            if let Some(group) = grants::group(conn, group)? {
                grants::set_membership(conn, (*user, group), grants::Grant::Take)?;
            }
        }
        let rows = permissions_of_house(conn)?;
        let given = self.given.permissions.iter();
        for (user, permission) in given.filter(|(user, _)| users.contains(user)) {
            if let Some(row) = rows.get(permission) {
                grants::set_of_user(conn, (*user, *row), grants::Grant::Take)?;
            }
        }
        Ok(())
    }

    /// A group that has members by now stays.
    fn take_groups(&self, conn: &mut SharedConnection) -> Result<(), Error> {
        for name in &self.given.groups {
            let Some(group) = grants::group(conn, name)? else { continue };
            let is_empty = grants::is_empty(conn, group)?;
            if is_empty && removal::held_by(conn, &removal::GROUP, group)?.is_none() {
                removal::delete(conn, &removal::GROUP, group)?;
            }
        }
        Ok(())
    }

    /// Permissions and models that something refers to by now stay.
    fn take_permissions(&self, conn: &mut SharedConnection) -> Result<(), Error> {
        let rows = permissions_of_house(conn)?;
        let made = self.given.made_permissions.iter().filter_map(|one| rows.get(one).copied());
        take_unused(conn, &removal::PERMISSION, made.collect())?;
        let mut models = Vec::new();
        for (label, model) in &self.given.made_models {
            models.extend(grants::model(conn, label, model)?);
        }
        take_unused(conn, &removal::MODEL, models)
    }
}

fn take_unused(
    conn: &mut SharedConnection,
    kind: &removal::Kind,
    mut rows: Vec<i32>,
) -> Result<(), Error> {
    let held = removal::held_among(conn, kind, &rows)?;
    rows.retain(|row| !held.contains_key(row));
    removal::delete_all(conn, kind, &rows)?;
    Ok(())
}
