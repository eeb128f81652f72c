//! What happens is told to the log, and written down for who keeps the house.

use std::time::Duration;

use super::Auth;
use crate::clock;
use crate::db::SharedConnection;
use crate::error::Error;
use crate::events::store::{self, Written};
use crate::events::{Event, EventFilter, EventInfo, EventKind};
use crate::session::Session;
#[cfg(feature = "_web")]
use crate::session::visitor::Visitor;

impl Auth {
    pub(crate) fn event(&self, kind: EventKind) -> Event {
        Event::new(kind, &self.app)
    }

    /// In the transaction of the deed itself, which is done even where the app's role may not write it down.
    pub(crate) fn record(
        &self,
        conn: &mut SharedConnection,
        event: &Event,
    ) -> diesel::QueryResult<()> {
        if store::add(conn, event)? == Written::NotAllowed {
            self.may_not_record();
        }
        Ok(())
    }

    /// A transaction of a deed that may turn out not to be done; it is written down if it is.
    pub(crate) fn also_recorded(
        &self,
        event: &Event,
        deed: impl FnOnce(&mut SharedConnection) -> diesel::QueryResult<bool>,
    ) -> Result<bool, Error> {
        let is_done = self.shared.transact(|conn| {
            let is_done = deed(conn)?;
            if is_done {
                self.record(conn, event)?;
            }
            Ok(is_done)
        })?;
        if is_done {
            event.tell();
        }
        Ok(is_done)
    }

    /// What has happened already, written down at once; when that fails, it has happened all the same.
    pub(super) fn record_all(&self, events: &[Event]) {
        events.iter().for_each(Event::tell);
        if let Err(error) = self.write_all(events) {
            self.cannot_record(&error);
        }
    }

    /// What was refused, written down by the rounds of the house. Nothing waits for it, not even a database.
    pub(crate) fn report(&self, kind: EventKind, session: &Session, detail: &str) {
        let mut event = self.event(kind).detail(detail);
        if let Some(state) = session.try_state() {
            event = event.by(&state.visitor);
            if let Some(user) = &state.user {
                event = event.about(user);
            }
            if let Some(key) = &state.key {
                event = event.in_session(key.expose_secret());
            }
        }
        self.note_event(event);
    }

    /// The same of somebody whose session was not looked up.
    #[cfg(feature = "_web")]
    pub(crate) fn report_stranger(&self, kind: EventKind, visitor: &Visitor, detail: &str) {
        self.note_event(self.event(kind).detail(detail).by(visitor));
    }

    pub(crate) fn note_event(&self, event: Event) {
        self.ledger.note(event);
    }

    /// Writes down what was reported. It is no more than book-keeping: when it fails, the house goes on.
    pub(crate) fn write_events(&self) {
        let events = self.ledger.take();
        if events.is_empty() {
            return;
        }
        if let Err(error) = self.write_all(&events) {
            self.cannot_record(&error);
            // What a database has refused it would refuse again.
            if !matches!(error, Error::Database { .. }) && error.is_temporary() {
                self.ledger.put_back(events);
            }
        }
    }

    /// Once a minute.
    pub(crate) fn count_events(&self) {
        let dropped = self.ledger.begin_a_minute();
        if dropped > 0 {
            let app = &self.app;
            tracing::warn!(
                app,
                dropped,
                "more was refused in a minute than is written down one by one"
            );
        }
    }

    fn write_all(&self, events: &[Event]) -> Result<(), Error> {
        self.shared.transact(|conn| events.iter().try_for_each(|event| self.record(conn, event)))
    }

    fn cannot_record(&self, error: &Error) {
        if let Some(held_back) = self.unrecorded.may_speak() {
            let app = &self.app;
            tracing::warn!(app, held_back, %error, "events could not be written down");
        }
    }

    fn may_not_record(&self) {
        if let Some(held_back) = self.unrecorded.may_speak() {
            let app = &self.app;
            tracing::warn!(
                app,
                held_back,
                "the database role of this app may not write down events, so they are in the log alone; give it \
                 its rights again, by `housekey grants`"
            );
        }
    }

    /// The newest first.
    pub(crate) fn events(&self, filter: &EventFilter) -> Result<Vec<EventInfo>, Error> {
        self.write_events();
        let user = match &filter.user {
            Some(name) => self.find_user(name)?.and_then(|user| i32::try_from(user.id).ok()),
            None => None,
        };
        self.shared.run(|conn| store::find(conn, filter, user))
    }

    pub(crate) fn purge_events(&self, older_than: Duration) -> Result<usize, Error> {
        let mut purged = 0;
        loop {
            let done = clock::at_half_pace(|| store::forget_older(&self.shared, older_than))?;
            if done == 0 {
                return Ok(purged);
            }
            purged += done;
        }
    }
}
