//! Deleting what is over: sessions that have expired, renewals that lead nowhere, wrong passwords of long ago.

use super::Auth;
use crate::changes::store as changes;
use crate::clock;
use crate::error::Error;
use crate::registry::apps;
use crate::session::{owned, store};
use crate::throttle::store as throttle;

impl Auth {
    /// In small batches with a rest after each, so that the apps go on; tells after each how many sessions it
    /// has deleted so far.
    pub(crate) fn purge_sessions(&self, mut tell: impl FnMut(usize)) -> Result<usize, Error> {
        let mut purged = 0;
        loop {
            let done = self.purge_some_sessions()?;
            if done == 0 {
                break;
            }
            purged += done;
            tell(purged);
        }
        while clock::at_half_pace(|| owned::forget_renewals(&self.shared))? > 0 {}
        while clock::at_half_pace(|| throttle::forget_old(&self.shared))? > 0 {}
        let gone = self.purge_changes().and_then(|()| self.shared.transact(apps::forget_the_gone));
        match gone {
            // Both are no business of a consumer.
            Err(Error::NotAllowed { .. }) | Ok(()) => Ok(purged),
            Err(error) => Err(error),
        }
    }

    /// What has changed so long ago that everybody knows.
    pub(crate) fn purge_changes(&self) -> Result<(), Error> {
        while clock::at_half_pace(|| changes::forget_old(&self.shared))? > 0 {}
        Ok(())
    }

    /// One batch and its rest: how many sessions it has deleted.
    pub(crate) fn purge_some_sessions(&self) -> Result<usize, Error> {
        clock::at_half_pace(|| store::delete_expired(&self.shared))
    }
}
