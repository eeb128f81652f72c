//! From HTTP to the house and back: what the adapters for web frameworks have in common.

#![cfg_attr(
    not(any(feature = "actix", feature = "axum")),
    expect(
        dead_code,
        unreachable_pub,
        unused_imports,
        unused_macros,
        reason = "all of it is for the adapters"
    )
)]

#[cfg(feature = "actix")]
pub mod actix;
mod auth_session;
#[cfg(feature = "axum")]
pub mod axum;
mod client;
mod cookie;
mod csrf_token;
mod form;
mod guard;
mod head;
mod headers;
mod login;
mod next;
#[cfg(feature = "pages")]
mod pages;
mod permission;
mod problem;
mod require;
mod settings;
mod visit;

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::auth::{Auth, Step};
use crate::bridge::Bridge;
use crate::clock::{Clock, Pace};
use crate::config::{CookieSettings, CsrfSettings, Https};
use crate::csrf::Rules;
use crate::db::HouseConnection;
use crate::error::Error;
use crate::hosts::Hosts;
use crate::house::Housekey;
use crate::proxy::Proxies;
use crate::rounds::Rounds;
use crate::session::Session;
use crate::user::{Permissions, User};

pub use auth_session::AuthSession;
pub use csrf_token::CsrfToken;
pub use next::{Next, SeeOther};
pub use permission::{Fresh, PermissionName, RequirePermission, RequireStaff};

use headers::Policies;
use settings::PageSettings;
use visit::Visit;

/// What an adapter needs of the house, whatever the kinds of its databases.
#[derive(Clone)]
pub(crate) struct Front {
    auth: Arc<Auth>,
    /// They end with the last layer, though the app keeps no handle.
    _rounds: Arc<Rounds>,
    bridge: Bridge,
    cookie: CookieSettings,
    clock: Clock,
    guard: Guard,
    csrf: Arc<Rules>,
    csrf_cookie: CsrfSettings,
    complaints: Arc<Pace>,
    strange_proxies: Arc<Pace>,
    lost_cookies: Arc<Pace>,
    app: String,
    login_url: Option<String>,
    next_hosts: Vec<String>,
    allowed_hosts: Hosts,
    proxies: Arc<Proxies>,
    host_header: Option<String>,
    https: Https,
    address_header: Option<String>,
    pages: PageSettings,
    policies: OnceLock<Policies>,
    deadline: Duration,
}

/// Are the routes inside held to the CSRF rules?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guard {
    On,
    Exempt,
}

impl Front {
    fn of<L: HouseConnection>(house: &Housekey<L>) -> Self {
        let doors = house.front();
        let config = doors.config;
        let seldom = || Arc::new(Pace::new(Duration::from_secs(60)));
        Self {
            auth: Arc::clone(doors.auth),
            _rounds: Arc::clone(doors.rounds),
            bridge: doors.bridge.clone(),
            cookie: config.cookie.clone(),
            clock: config.clock,
            guard: Guard::On,
            csrf: Arc::clone(doors.csrf),
            csrf_cookie: config.csrf.clone(),
            complaints: Arc::new(Pace::new(Duration::from_secs(1))),
            strange_proxies: seldom(),
            lost_cookies: seldom(),
            app: config.app_name.clone(),
            login_url: config.login_url.clone(),
            next_hosts: config.next_hosts.clone(),
            allowed_hosts: Hosts(config.allowed_hosts.clone()),
            proxies: Arc::clone(doors.proxies),
            host_header: config.host_header.clone(),
            https: config.https.clone(),
            address_header: config.address_header.clone(),
            pages: PageSettings::default(),
            policies: OnceLock::new(),
            deadline: config.deadline,
        }
    }

    fn cookie_is_lost(&self) {
        if let Some(held_back) = self.lost_cookies.may_speak() {
            tracing::warn!(
                app = self.app,
                held_back,
                "a cookie for HTTPS alone is sent to a visitor who came over HTTP, and whose browser does not keep \
                 it: serve the app over HTTPS; behind a proxy that ends TLS set SECURE_PROXY_SSL_HEADER, and \
                 TRUSTED_PROXIES if it is another machine; where there is no TLS at all, SESSION_COOKIE_SECURE=false \
                 lets anybody on the way read the cookies"
            );
        }
    }

    /// To the session that a cookie's value leads to, as far as nobody has to be waited for.
    fn begin_session(&self, cookie: &str) -> Result<Step, Error> {
        match self.auth.begin_load(cookie) {
            Step::Row(asked) => match self.auth.lookups().session_at_once(asked.key()) {
                Some(found) => self.auth.with_row_at_once(asked, found),
                None => Ok(Step::Row(asked)),
            },
            step => Ok(step),
        }
    }

    /// The rest of the way; what is asked of the database waits together with what others ask.
    async fn end_session(&self, mut step: Step) -> Result<Session, Error> {
        loop {
            step = match step {
                Step::Done(session) => return Ok(session),
                Step::Row(asked) => {
                    let found = self.auth.lookups().session(asked.key()).await?;
                    self.auth.with_row_at_once(asked, found)?
                }
                Step::User(opened, id) => {
                    let found = self.auth.lookups().user(id).await;
                    self.auth.with_user(opened, found)?
                }
                Step::Longer(longer) => self.look(move |auth| auth.take_time(*longer)).await?,
            }
        }
    }

    /// What the user may do.
    async fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        self.auth.readable(self.auth.lookups().permissions(user).await)
    }

    /// Work that a visitor should not wait long for.
    async fn look<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        // Else every request has room for what few do.
        Box::pin(self.bridge.session(move || work(&auth))).await
    }

    /// Work that may take longer, and needs the shared database.
    #[cfg(feature = "pages")]
    async fn work<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        self.bridge.work(move || work(&auth)).await
    }

    /// Work with a password, which is meant to be slow.
    async fn think<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let auth = Arc::clone(&self.auth);
        self.bridge.password(move || work(&auth)).await
    }
}
