//! From HTTP to the house and back: what the adapters for web frameworks have in common.

#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use crate::auth::Auth;
use crate::bridge::Bridge;
use crate::clock::Clock;
use crate::config::CookieSettings;
use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;

use visit::{Outcome, Visit};

/// What an adapter needs of the house, whatever the kinds of its databases.
#[derive(Clone)]
pub(crate) struct Front {
    auth: Arc<Auth>,
    bridge: Bridge,
    cookie: CookieSettings,
    clock: Clock,
    login_url: Option<String>,
    deadline: Duration,
}

impl Front {
    fn of<L: HouseConnection>(house: &Housekey<L>) -> Self {
        let (auth, bridge, config) = house.front();
        Self {
            auth,
            bridge,
            cookie: config.cookie.clone(),
            clock: config.clock,
            login_url: config.login_url.clone(),
            deadline: config.deadline,
        }
    }

    /// Work that a visitor should not wait long for.
    async fn look<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        self.bridge.run(self.deadline, move || work(&auth)).await
    }
}
