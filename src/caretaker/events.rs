//! What has happened in the house.

use std::time::Duration;

use super::Caretaker;
use crate::error::Error;
use crate::events::{EventFilter, EventInfo};

impl Caretaker {
    /// What has happened in the house, in whichever app, the newest first.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// use housekey::{EventFilter, EventKind};
    /// let hour = std::time::Duration::from_secs(3600);
    /// for event in house.events(&EventFilter::default().kind(EventKind::LoginFailed).within(hour))? {
    ///     println!("{} {:?} {:?}", event.at, event.username, event.address);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the database role is a `consumer`; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<EventInfo>, Error> {
        self.auth.events(filter)
    }

    /// Deletes the events that are older, some hundred at a time with a rest in between, and says how many there
    /// were.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let purged = house.purge_events(std::time::Duration::from_secs(90 * 24 * 3600))?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Caretaker::events`].
    pub fn purge_events(&self, older_than: Duration) -> Result<usize, Error> {
        self.auth.purge_events(older_than)
    }
}
