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
use crate::config::{Config, CookieSettings};
use crate::error::Error;

pub(crate) use visit::{Outcome, Visit};

/// How much longer the work of an app may take than a look-up of a session: a password hash is meant to
/// be slow.
const PATIENCE_WITH_WORK: u32 = 15;

/// What an adapter needs of the house, whatever the kinds of its databases.
#[derive(Clone)]
pub(crate) struct Front {
    auth: Arc<Auth>,
    bridge: Bridge,
    cookie: CookieSettings,
    clock: Clock,
    pub(crate) login_url: Option<String>,
    deadline: Duration,
}

impl Front {
    pub(crate) fn new(config: &Config, auth: Arc<Auth>) -> Self {
        let threads = config.shared_pool_size + config.local_pool_size;
        Self {
            auth,
            bridge: Bridge::new(threads, config.deadline),
            cookie: config.cookie.clone(),
            clock: config.clock,
            login_url: config.login_url.clone(),
            deadline: config.deadline,
        }
    }

    /// Work of the app.
    pub(crate) async fn run<R, E>(
        &self,
        work: impl FnOnce() -> Result<R, E> + Send + 'static,
    ) -> Result<R, E>
    where
        R: Send + 'static,
        E: From<Error> + Send + 'static,
    {
        self.bridge.run(self.deadline * PATIENCE_WITH_WORK, work).await
    }

    /// Work of the house, which a visitor should not wait long for.
    async fn look<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        self.bridge.run(self.deadline, move || work(&auth)).await
    }
}
