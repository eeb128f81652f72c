//! TO, with its transaction begun and nobody else at work in it.

use std::path::PathBuf;

use super::copy::Intent;
use super::{PATIENCE, Transfer};
use crate::db::{create_file, migrate};
use crate::error::MoveError;
use crate::moving::Database;
use crate::place::{DatabaseKind, Place};

pub(super) struct Target {
    /// Before the database, so that it goes while nobody else can write into it.
    new: Option<NewFile>,
    pub(super) database: Database,
}

/// A SQLite file that was made here: it goes again when nothing comes of the move.
struct NewFile(PathBuf);

impl Drop for NewFile {
    fn drop(&mut self) {
        // It is empty: whoever finds it loses nothing.
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Target {
    pub(super) fn open(
        transfer: &Transfer,
        intent: Intent,
        from: &mut Database,
    ) -> Result<Self, MoveError> {
        let new = make_file(transfer, intent)?;
        let mut database = open(transfer, new.as_ref(), intent)?;
        if from.identity()? == database.identity()? {
            return Err(MoveError::SameDatabase);
        }
        let begun = database.begin_writing();
        // What another move has under its lock is not ours to take away.
        let is_ours = intent == Intent::Move && !begun.as_ref().is_err_and(is_locked);
        let mut target = Self { new: new.filter(|_| is_ours).map(NewFile), database };
        begun?;
        target.lock(transfer, intent)?;
        Ok(target)
    }

    /// One transfer at a time, and no migration meanwhile; SQLite has seen to it.
    fn lock(&mut self, transfer: &Transfer, intent: Intent) -> Result<(), MoveError> {
        match self.database.kind() {
            // Another move that failed may have taken away the file while its lock was waited for.
            DatabaseKind::Sqlite => match transfer.to.file() {
                Some(path) if intent == Intent::Move && !path.exists() => {
                    let problem = "has gone meanwhile; run this again".to_owned();
                    Err(MoveError::Schema { database: "TO", problem })
                }
                _ => Ok(()),
            },
            DatabaseKind::Postgres => {
                self.database.run(&format!("SELECT pg_advisory_xact_lock({})", migrate::LOCK))
            }
        }
    }

    pub(super) fn commit(mut self) -> Result<(), MoveError> {
        self.database.commit()?;
        if let Some(new) = self.new.take() {
            std::mem::forget(new);
        }
        Ok(())
    }
}

fn is_locked(error: &MoveError) -> bool {
    let MoveError::Database { source: diesel::result::Error::DatabaseError(_, about), .. } = error
    else {
        return false;
    };
    about.message().contains("locked")
}

/// A SQLite file that was not there is made, but for a plan.
fn make_file(transfer: &Transfer, intent: Intent) -> Result<Option<PathBuf>, MoveError> {
    let Some(path) = transfer.to.file().filter(|path| !path.exists()) else { return Ok(None) };
    if intent == Intent::Move {
        create_file(Place::Shared, &transfer.to).map_err(|error| {
            let source = transfer.to.redact(&format!("{error:?}"));
            MoveError::Unreachable { database: "TO", source }
        })?;
    }
    Ok(Some(path))
}

#[cfg_attr(not(feature = "sqlite"), expect(unused_variables, reason = "only SQLite has files"))]
fn open(transfer: &Transfer, new: Option<&PathBuf>, intent: Intent) -> Result<Database, MoveError> {
    #[cfg(feature = "sqlite")]
    if new.is_some() && intent == Intent::Plan {
        // What a plan makes is gone with it.
        return Database::in_memory("TO");
    }
    Database::open("TO", &transfer.to, PATIENCE)
}
