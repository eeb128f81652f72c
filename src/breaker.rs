//! Whether the shared database is there: while it is away, nobody waits for it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use chrono::{DateTime, Utc};

use crate::clock::Clock;
use crate::error::{Error, Refused};

/// Opened by the first failure, closed by the first answer.
#[derive(Debug)]
pub(crate) struct Breaker {
    app: String,
    clock: Clock,
    /// Even while the database is there; it grows with every turn.
    turns: AtomicU64,
    absence: Mutex<Option<Absence>>,
}

#[derive(Debug)]
struct Absence {
    since: DateTime<Utc>,
    why: String,
    refused: u64,
    told: bool,
}

/// A time in which the breaker did not turn. What began in an earlier one says nothing about now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Term(u64);

impl Breaker {
    pub(crate) fn new(app: &str, clock: Clock) -> Self {
        Self { app: app.to_owned(), clock, turns: AtomicU64::new(0), absence: Mutex::new(None) }
    }

    pub(crate) fn term(&self) -> Term {
        Term(self.turns.load(Ordering::Acquire))
    }

    pub(crate) fn is_open(&self) -> bool {
        self.term().is_absence()
    }

    /// Lets a caller through, or refuses at once.
    pub(crate) fn admit(&self) -> Result<Term, Error> {
        let term = self.term();
        if !term.is_absence() {
            return Ok(term);
        }
        match &mut *self.absence() {
            Some(absence) => {
                absence.refused += 1;
                let why = Refused(absence.why.clone());
                Err(Error::Away { since: absence.since, source: why })
            }
            None => Ok(self.term()),
        }
    }

    /// Something failed that was begun in this term. `false` when that is no news.
    pub(crate) fn open(&self, term: Term, error: &Error) -> bool {
        let mut absence = self.absence();
        if term != self.term() || term.is_absence() {
            return false;
        }
        let cause = std::error::Error::source(error);
        let why = cause.map_or_else(|| error.to_string(), ToString::to_string);
        let absence =
            absence.insert(Absence { since: self.clock.now(), why, refused: 0, told: false });
        self.turn();
        // That something took long is told when nothing else was answered either.
        if matches!(error, Error::Unreachable { .. }) {
            self.tell(absence);
        }
        true
    }

    /// It was asked once more, and did not answer.
    pub(crate) fn confirm(&self) {
        if let Some(absence) = &mut *self.absence() {
            self.tell(absence);
        }
    }

    /// One line for each absence.
    fn tell(&self, absence: &mut Absence) {
        if std::mem::replace(&mut absence.told, true) {
            return;
        }
        tracing::warn!(
            app = self.app,
            why = absence.why,
            "the shared database is away: who needs it is refused at once until it answers; what needs \
             the app's own database alone goes on"
        );
    }

    /// The database has answered.
    pub(crate) fn close(&self) {
        let mut absence = self.absence();
        let Some(Absence { since, refused, told, .. }) = absence.take() else { return };
        self.turn();
        if told {
            let seconds = (self.clock.now() - since).num_seconds();
            tracing::warn!(app = self.app, seconds, refused, "the shared database is back");
        }
    }

    fn turn(&self) {
        self.turns.fetch_add(1, Ordering::AcqRel);
    }

    fn absence(&self) -> MutexGuard<'_, Option<Absence>> {
        self.absence.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Term {
    fn is_absence(self) -> bool {
        !self.0.is_multiple_of(2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::place::{DatabaseKind, Place};

    fn refused() -> Error {
        let (place, kind) = (Place::Shared, DatabaseKind::Postgres);
        Error::Unreachable { place, kind, source: Refused("connection refused".to_owned()) }
    }

    #[test]
    fn while_it_is_open_callers_are_told_since_when_and_why() {
        let breaker = Breaker::new("notes", Clock::default());
        let term = breaker.admit().unwrap();
        breaker.open(term, &refused());
        let error = breaker.admit().unwrap_err();
        assert!(error.is_temporary());
        let Error::Away { since, .. } = &error else { panic!("{error}") };
        let year = since.format("%Y-%m-%d %H:%M").to_string();
        assert!(error.to_string().contains(&year), "{error}");
        assert!(format!("{error:?}").ends_with("connection refused"), "{error:?}");
        breaker.close();
        assert!(breaker.admit().is_ok());
    }

    #[test]
    fn what_began_before_a_turn_opens_nothing() {
        let breaker = Breaker::new("notes", Clock::default());
        let before = breaker.admit().unwrap();
        breaker.open(before, &refused());
        breaker.close();
        breaker.open(before, &refused());
        assert!(!breaker.is_open());
        breaker.open(breaker.term(), &refused());
        assert!(breaker.is_open());
    }

    #[test]
    fn the_refused_are_counted_from_each_opening() {
        let breaker = Breaker::new("notes", Clock::default());
        let refused_now = |breaker: &Breaker| breaker.absence().as_ref().unwrap().refused;
        for callers in [3, 1] {
            breaker.open(breaker.term(), &refused());
            for _ in 0..callers {
                breaker.admit().unwrap_err();
            }
            assert_eq!(refused_now(&breaker), callers);
            breaker.close();
        }
    }
}
