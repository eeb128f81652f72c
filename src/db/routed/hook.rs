//! The app's instrumentation, on whichever connections a routed connection holds at the moment.

use std::sync::{Arc, Mutex, PoisonError};

use diesel::connection::{Instrumentation, InstrumentationEvent, get_default_instrumentation};

use crate::db::backend::HouseConnection;

/// One instrumentation that several connections tell of their events.
#[derive(Clone)]
pub(super) struct Hook(Arc<Mutex<Box<dyn Instrumentation>>>);

impl Hook {
    pub(super) fn new(instrumentation: impl Instrumentation) -> Self {
        Self(Arc::new(Mutex::new(Box::new(instrumentation))))
    }

    pub(super) fn put_on<C: HouseConnection>(&self, connection: &mut C) {
        connection.set_instrumentation(self.clone());
    }
}

/// What a connection of a pool has when nobody has asked for anything else.
pub(super) fn take_off<C: HouseConnection>(connection: &mut C) {
    connection.set_instrumentation(get_default_instrumentation());
}

impl Instrumentation for Hook {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        let mut instrumentation = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        instrumentation.on_connection_event(event);
    }
}
