//! Who waits for an answer, in the order they came, and the threads that ask for them.

use std::collections::VecDeque;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::answer::{Ask, answer};
use super::sources::Sources;
use crate::breaker::Term;
use crate::clock::Begun;
use crate::error::Error;

/// How many questions one query answers.
const MOST_TOGETHER: usize = 64;

/// Beside a query for several the next one begins when more wait than that one will leave for it: one at a time costs
/// the database and the app less for each, and so answers more.
const WORTH_A_QUERY: usize = 2 * MOST_TOGETHER;

/// A query that takes longer is waited for no more.
const A_QUERY: Duration = Duration::from_millis(5);

/// How many may wait. At that length each waits some hundredths of a second for a database that is well.
const MOST_WAITING: usize = 4096;

pub(super) struct Line {
    sources: Arc<Sources>,
    /// How many queries are under way at most.
    places: usize,
    deadline: Duration,
    state: Mutex<State>,
    called: Condvar,
}

#[derive(Default)]
struct State {
    waiting: VecDeque<Ask>,
    under_way: Vec<Query>,
    /// How many queries hang and have given up their place.
    aside: usize,
    numbers: u64,
    threads: usize,
    idle: usize,
    is_closed: bool,
}

struct Query {
    number: u64,
    begun: Begun,
    /// How many questions it answers.
    asked: usize,
    term: Option<Term>,
}

/// A place to ask from, until it is dropped. That is before the answers are handed out: the database is not to wait for
/// that.
pub(super) struct Turn<'a> {
    line: &'a Arc<Line>,
    number: u64,
}

impl Line {
    pub(super) fn new(sources: &Arc<Sources>, places: u32, deadline: Duration) -> Self {
        Self {
            sources: Arc::clone(sources),
            places: usize::try_from(places).unwrap_or(1),
            deadline,
            state: Mutex::default(),
            called: Condvar::new(),
        }
    }

    /// A place for who comes when nobody waits; they ask themselves.
    pub(super) fn turn_at_once(self: &Arc<Self>) -> Option<Turn<'_>> {
        self.turn_beside_fewer_than(self.places)
    }

    pub(super) fn turn_beside_fewer_than(self: &Arc<Self>, queries: usize) -> Option<Turn<'_>> {
        let mut state = self.state();
        let is_free = state.waiting.is_empty() && state.under_way.len() < queries;
        is_free.then(|| self.begin(&mut state, 1))
    }

    pub(super) fn join(self: &Arc<Self>, ask: Ask) -> Result<(), Error> {
        let mut state = self.state();
        if state.waiting.len() >= MOST_WAITING {
            state.waiting.retain(|ask| !ask.is_abandoned());
            if state.waiting.len() >= MOST_WAITING {
                return Err(Error::Crowded { waiting: state.waiting.len() });
            }
        }
        state.waiting.push_back(ask);
        self.call(state);
        Ok(())
    }

    /// Somebody has waited longer than a query takes.
    pub(super) fn look(self: &Arc<Self>) {
        self.call(self.state());
    }

    /// Somebody has waited for too long. Where a query hangs the database is away, and others go on in its place.
    pub(super) fn late(self: &Arc<Self>) -> Error {
        let late = Error::Deadline { waited: self.deadline };
        let mut state = self.state();
        let hangs = |query: &Query| query.begun.ago() >= self.deadline;
        let Some(first) = state.under_way.iter().find(|query| hangs(query)) else { return late };
        let term = first.term;
        while state.aside < self.places
            && let Some(place) = state.under_way.iter().position(hangs)
        {
            state.under_way.remove(place);
            state.aside += 1;
        }
        self.call(state);
        if let Some(term) = term {
            self.sources.shared.failed(term, &late);
        }
        late
    }

    /// As a query for so many that never comes back.
    #[cfg(test)]
    pub(super) fn hang(&self, asked: usize) {
        let query = Query { number: 0, begun: Begun::now(), asked, term: None };
        self.state().under_way.push(query);
    }

    /// Nobody will come any more.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        // Else a thread would be begun for those who have gone away, and end at once, without an end.
        state.waiting.clear();
        drop(state);
        self.called.notify_all();
    }

    /// Has a thread look at the line, if it may do anything.
    fn call(self: &Arc<Self>, mut state: MutexGuard<'_, State>) {
        if !self.is_due(&state) {
            return;
        }
        if state.idle > 0 {
            drop(state);
            self.called.notify_one();
        } else if state.threads < self.places + state.aside {
            state.threads += 1;
            drop(state);
            self.begin_thread();
        }
    }

    fn begin_thread(self: &Arc<Self>) {
        let line = Arc::clone(self);
        let name = "housekey-lookup".to_owned();
        let begun = std::thread::Builder::new().name(name).spawn(move || {
            let _there = Thread(&line);
            let mut asked = Vec::with_capacity(MOST_TOGETHER);
            while let Some(turn) = line.next(&mut asked) {
                answer(&line.sources, asked.drain(..), turn);
            }
        });
        if let Err(error) = begun {
            self.state().threads -= 1;
            tracing::warn!(%error, "no thread to look up sessions; visitors wait for those there are");
        }
    }

    /// What is to be asked next; `None` when this thread is not needed any more.
    fn next(self: &Arc<Self>, asked: &mut Vec<Ask>) -> Option<Turn<'_>> {
        let mut state = self.state();
        loop {
            if state.is_closed || state.threads > self.places + state.aside {
                return None;
            }
            if self.is_due(&state) {
                state.take(asked);
                if !asked.is_empty() {
                    let turn = self.begin(&mut state, asked.len());
                    self.call(state);
                    return Some(turn);
                }
            }
            state.idle += 1;
            state = self.called.wait(state).unwrap_or_else(PoisonError::into_inner);
            state.idle -= 1;
        }
    }

    /// Is the next query to begin? Where several ask, it waits for the one before it.
    fn is_due(&self, state: &State) -> bool {
        let is_for_several = |query: &Query| query.asked > 1 && query.begun.ago() < A_QUERY;
        match state.waiting.len() {
            0 => false,
            _ if state.under_way.len() >= self.places => false,
            waiting => waiting >= WORTH_A_QUERY || !state.under_way.iter().any(is_for_several),
        }
    }

    fn begin(self: &Arc<Self>, state: &mut State, asked: usize) -> Turn<'_> {
        state.numbers += 1;
        let (number, term) = (state.numbers, self.sources.shared.term());
        state.under_way.push(Query { number, begun: Begun::now(), asked, term });
        Turn { line: self, number }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// As many as one query answers, but for those who have gone away.
    fn take(&mut self, asked: &mut Vec<Ask>) {
        while asked.len() < MOST_TOGETHER
            && let Some(ask) = self.waiting.pop_front()
        {
            if !ask.is_abandoned() {
                asked.push(ask);
            }
        }
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut state = self.line.state();
        match state.under_way.iter().position(|query| query.number == self.number) {
            Some(place) => drop(state.under_way.swap_remove(place)),
            None => state.aside -= 1,
        }
        self.line.call(state);
    }
}

/// A thread that looks after the line; also when it panics it is known to be gone.
struct Thread<'a>(&'a Arc<Line>);

impl Drop for Thread<'_> {
    fn drop(&mut self) {
        let mut state = self.0.state();
        state.threads -= 1;
        // Whoever waits is looked after by another.
        self.0.call(state);
    }
}
