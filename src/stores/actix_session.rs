//! actix-session 0.11.

use std::fmt;

use actix_session::storage::{LoadError, SaveError, SessionKey, SessionStore, UpdateError};
use time::Duration;

use super::Records;
use crate::db::{HouseConnection, Moment};
use crate::house::Housekey;
use crate::session::key::Stem;
use crate::session::record::{Keeper, Values};

/// The sessions of [actix-session](https://docs.rs/actix-session) 0.11, in the shared database of the house: a
/// `SessionStore` for its `SessionMiddleware` (feature `actix-session`).
///
/// ```no_run
/// use actix_session::{Session, SessionMiddleware};
/// use actix_web::{App, HttpServer, cookie::Key, web};
/// use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, stores::ActixSessionStore};
///
/// async fn count(session: Session) -> actix_web::Result<String> {
///     let visits = session.get("visits")?.unwrap_or(0) + 1;
///     session.insert("visits", visits)?;
///     Ok(format!("Visit {visits}"))
/// }
///
/// # async fn serve(cookie_key: Key) -> Result<(), Box<dyn std::error::Error>> {
/// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
/// let store = ActixSessionStore::new(&house);
/// HttpServer::new(move || {
///     let sessions = SessionMiddleware::new(store.clone(), cookie_key.clone());
///     App::new().wrap(sessions).route("/", web::get().to(count))
/// })
/// .bind(("127.0.0.1", 8080))?
/// .run()
/// .await?;
/// # Ok(())
/// # }
/// ```
///
/// The key of the cookie is actix-session's, and the same in all apps that share it.
///
/// `load` gives `None` for a session that is over, was ended, or is not of this house, so the visitor gets a new one;
/// `update` and `update_ttl` of such a session do nothing.
///
/// When the shared database does not answer, the error is actix-session's with an [`Error`](crate::Error) as its cause,
/// which its middleware answers with an empty 500.
#[derive(Clone)]
pub struct ActixSessionStore(Records);

impl ActixSessionStore {
    /// A store in this house. Clones are handles to the same one, for any thread.
    ///
    /// ```no_run
    /// # use diesel::SqliteConnection;
    /// # fn with(house: &housekey::Housekey<SqliteConnection>) {
    /// let store = housekey::stores::ActixSessionStore::new(house);
    /// # }
    /// ```
    #[must_use]
    pub fn new<L: HouseConnection>(house: &Housekey<L>) -> Self {
        Self(Records::of(house, Keeper::ActixSession))
    }
}

impl fmt::Debug for ActixSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ActixSessionStore").finish_non_exhaustive()
    }
}

fn after(ttl: &Duration) -> Moment {
    Moment::after(ttl.as_seconds_f64())
}

/// Keys that other stores have made (64 characters, or the whole session) are none.
fn stem(key: &SessionKey) -> Option<Stem> {
    Stem::read(key.as_ref())
}

impl SessionStore for ActixSessionStore {
    async fn load(&self, key: &SessionKey) -> Result<Option<Values>, LoadError> {
        let Some(stem) = stem(key) else { return Ok(None) };
        let found = self.0.find(stem).await.map_err(|error| LoadError::Other(error.into()))?;
        Ok(found.map(|record| record.values))
    }

    async fn save(&self, state: Values, ttl: &Duration) -> Result<SessionKey, SaveError> {
        let made = self.0.create(state, after(ttl), Stem::random).await;
        let stem = made.map_err(|error| SaveError::Other(error.into()))?;
        let key = SessionKey::try_from(stem.expose_secret().to_owned());
        key.map_err(|error| SaveError::Other(error.into()))
    }

    async fn update(
        &self,
        key: SessionKey,
        state: Values,
        ttl: &Duration,
    ) -> Result<SessionKey, UpdateError> {
        if let Some(stem) = stem(&key) {
            let saved = self.0.save(stem, state, after(ttl)).await;
            saved.map_err(|error| UpdateError::Other(error.into()))?;
        }
        Ok(key)
    }

    async fn update_ttl(&self, key: &SessionKey, ttl: &Duration) -> Result<(), anyhow::Error> {
        let Some(stem) = stem(key) else { return Ok(()) };
        let end = after(ttl);
        Ok(self.0.ask(move |auth, keeper| auth.prolong_record(keeper, &stem, end)).await?)
    }

    async fn delete(&self, key: &SessionKey) -> Result<(), anyhow::Error> {
        let Some(stem) = stem(key) else { return Ok(()) };
        Ok(self.0.end(stem).await?)
    }
}
