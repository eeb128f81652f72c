//! From HTTP to the house and back: what the adapters for web frameworks have in common.

#[cfg(feature = "axum")]
pub mod axum;
mod cookie;
mod login;
mod visit;

use std::sync::Arc;
use std::time::Duration;

use crate::auth::Auth;
use crate::bridge::Bridge;
use crate::clock::{Clock, Pace};
use crate::config::{CookieSettings, CsrfSettings, Https};
use crate::csrf::{Failure, Rules};
use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;
use crate::rounds::Rounds;

use visit::{Outcome, Visit};

/// What an adapter needs of the house, whatever the kinds of its databases.
pub(crate) struct Front {
    auth: Arc<Auth>,
    /// They end with the last layer, though the app keeps no handle.
    _rounds: Arc<Rounds>,
    bridge: Bridge,
    cookie: CookieSettings,
    clock: Clock,
    csrf: Arc<Rules>,
    csrf_cookie: CsrfSettings,
    complaints: Pace,
    app: String,
    login_url: Option<String>,
    next_hosts: Vec<String>,
    https: Https,
    address_header: Option<String>,
    deadline: Duration,
}

impl Front {
    fn of<L: HouseConnection>(house: &Housekey<L>) -> Self {
        let (auth, rounds, bridge, csrf, config) = house.front();
        Self {
            auth,
            _rounds: rounds,
            bridge,
            cookie: config.cookie.clone(),
            clock: config.clock,
            csrf,
            csrf_cookie: config.csrf.clone(),
            complaints: Pace::new(Duration::from_secs(1)),
            app: config.app_name.clone(),
            login_url: config.login_url.clone(),
            next_hosts: config.next_hosts.clone(),
            https: config.https.clone(),
            address_header: config.address_header.clone(),
            deadline: config.deadline,
        }
    }

    /// One line a second, however many are refused.
    fn refused_by_csrf(&self, failure: &Failure) {
        let Some(held_back) = self.complaints.may_speak() else { return };
        tracing::warn!(
            app = self.app,
            held_back,
            "CSRF verification failed: {failure} If the page is one of yours: put CsrfToken::input into its \
             form, name its origin in CSRF_TRUSTED_ORIGINS, and behind a proxy that ends TLS set \
             SECURE_PROXY_SSL_HEADER"
        );
    }

    /// Work that a visitor should not wait long for.
    async fn look<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        self.bridge.session(move || work(&auth)).await
    }
}
