//! Stores for the sessions of other crates: an app that uses tower-sessions (as axum-login does) or actix-session keeps its
//! sessions in the shared database of the house, and none of its handlers changes.
//!
//! The rows are those of `django_session`, signed by the common `SECRET_KEY`; when they end is decided by the clock of the
//! database. So they survive a restart, are the same in every app of the house that has the same store and cookie, end in
//! all of them at once, move to another database by `housekey transfer`, and are deleted by `housekey sessions purge`
//! when they are over.
//!
//! What such an app knows as its user is its own: nobody is signed in to the house by it. That is
//! [`Housekey::login`].
//!
//! # What holds
//! - A session that was ended stays ended: to save it again does nothing. The visitor is a new one at the next
//!   request.
//! - The last save wins. Both crates hand over all that a session holds, and not what was changed: to keep the names
//!   that another request has added would bring back those that this one has removed.
//! - A row that was signed under another `SECRET_KEY` is like none, and is never written or deleted.
//! - The key of the row is not in the cookie, so nobody who reads a cookie can be somebody in another app by it.
//! - With a new `SECRET_KEY`, sessions move to it as they are used, under the same cookie.

#[cfg(feature = "actix-session")]
mod actix_session;
#[cfg(feature = "_tower_sessions")]
mod tower_sessions;

#[cfg(all(
    doctest,
    feature = "tower-sessions",
    feature = "tower-sessions-0-14",
    feature = "actix-session"
))]
#[doc = include_str!("../../docs/sessions-of-other-crates.md")]
mod page {}

use std::sync::Arc;

#[cfg(feature = "actix-session")]
pub use actix_session::ActixSessionStore;
#[cfg(feature = "_tower_sessions")]
pub use tower_sessions::TowerSessionStore;

use crate::auth::Auth;
use crate::bridge::Bridge;
use crate::db::{HouseConnection, Moment};
use crate::error::Error;
use crate::house::Housekey;
use crate::rounds::Rounds;
use crate::session::key::Stem;
use crate::session::record::{Keeper, Record, Values};

/// What the stores have in common: the sessions of one crate, asked for from async code.
#[derive(Clone)]
struct Records {
    keeper: Keeper,
    auth: Arc<Auth>,
    /// They end with the last store, though the app keeps no handle.
    _rounds: Arc<Rounds>,
    bridge: Bridge,
}

impl Records {
    fn of<L: HouseConnection>(house: &Housekey<L>, keeper: Keeper) -> Self {
        let doors = house.front();
        Self {
            keeper,
            auth: Arc::clone(doors.auth),
            _rounds: Arc::clone(doors.rounds),
            bridge: doors.bridge.clone(),
        }
    }

    async fn find(&self, stem: Stem) -> Result<Option<Record>, Error> {
        self.ask(move |auth, keeper| auth.find_record(keeper, &stem)).await
    }

    /// Under a stem that is not taken: the first one, or the next that is drawn.
    async fn create(
        &self,
        values: Values,
        end: Moment,
        mut draw: impl FnMut() -> Stem,
    ) -> Result<Stem, Error> {
        let values = Arc::new(values);
        loop {
            let (stem, held) = (draw(), Arc::clone(&values));
            let tried = stem.clone();
            let is_made =
                self.ask(move |auth, keeper| auth.create_record(keeper, &tried, &held, end));
            if is_made.await? {
                return Ok(stem);
            }
        }
    }

    /// An ended session stays ended.
    async fn save(&self, stem: Stem, values: Values, end: Moment) -> Result<(), Error> {
        let is_saved =
            self.ask(move |auth, keeper| auth.save_record(keeper, &stem, &values, end)).await?;
        if !is_saved {
            tracing::debug!("a session was ended elsewhere; its changes were not saved");
        }
        Ok(())
    }

    async fn end(&self, stem: Stem) -> Result<(), Error> {
        self.ask(move |auth, keeper| auth.end_record(keeper, &stem)).await
    }

    async fn ask<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, Keeper) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let (auth, keeper) = (Arc::clone(&self.auth), self.keeper);
        self.bridge.session(move || work(&auth, keeper)).await
    }
}
