//! Which sessions are in use, written down behind the visitors' backs; Django's get an owner by it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use super::Auth;
use crate::db::Moment;
use crate::error::Error;
use crate::session::State;
use crate::session::diary::Seen;
use crate::session::owned::{self, Sighting, Stranger};
use crate::session::store::BATCH;

impl Auth {
    /// Asks nothing of the database.
    pub(super) fn note(&self, state: &State, written: i64) {
        let id = state.user.as_ref().and_then(|user| i32::try_from(user.id).ok());
        if let (Some(key), Some(user_id)) = (&state.key, id) {
            self.diary.note(key, Seen { user_id, written });
        }
    }

    /// Writes down what was noted. It is no more than book-keeping: when it fails, the house goes on.
    pub(crate) fn write_down(&self) {
        let notes: Vec<_> = self.diary.take().into_iter().collect();
        let written = notes.chunks(BATCH).try_for_each(|batch| self.write_batch(batch));
        if let Err(error) = written
            && let Some(held_back) = self.unwritten.may_speak()
        {
            let app = &self.app;
            tracing::warn!(app, held_back, %error, "it could not be written down which sessions are in use");
        }
    }

    fn write_batch(&self, notes: &[(String, Seen)]) -> Result<(), Error> {
        let keys: Vec<&str> = notes.iter().map(|(key, _)| key.as_str()).collect();
        let due: BTreeMap<_, _> = owned::due(&self.shared, &keys)?.into_iter().collect();
        let mut known = Vec::new();
        let mut strangers = Vec::new();
        for (key, seen) in notes {
            match due.get(key) {
                Some(Some(_)) => known.push(key.as_str()),
                Some(None) => strangers.push(self.stranger(key, *seen, Sighting::Used)),
                None => {}
            }
        }
        if !known.is_empty() {
            self.shared.transact(|conn| owned::mark_seen(conn, &known))?;
        }
        if !strangers.is_empty() {
            self.shared.transact(|conn| owned::adopt(conn, &strangers))?;
        }
        Ok(())
    }

    /// When a session of Django's was begun is not known: no later than it was written last.
    pub(super) fn stranger(&self, key: &str, seen: Seen, sighting: Sighting) -> Stranger {
        let written = DateTime::from_timestamp(seen.written, 0);
        let possible = DateTime::<Utc>::UNIX_EPOCH..=self.clock.now();
        let began = written.filter(|time| possible.contains(time)).map_or(Moment::Now, Moment::At);
        Stranger { key: key.to_owned(), user_id: seen.user_id, began, sighting }
    }
}
