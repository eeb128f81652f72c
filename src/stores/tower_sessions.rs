//! tower-sessions 0.15 and 0.14.

use std::fmt;

use async_trait::async_trait;
use chrono::DateTime;
use serde_json::Value;
use time::OffsetDateTime;

use super::Records;
use crate::db::{HouseConnection, Moment};
use crate::error::Error;
use crate::house::Housekey;
use crate::json::depth;
use crate::session::expiry::in_calendar;
use crate::session::key::Stem;
use crate::session::record::{Keeper, Values};

/// The sessions of [tower-sessions](https://docs.rs/tower-sessions), in the shared database of the house: a
/// `SessionStore` and `ExpiredDeletion` for version 0.15 (feature `tower-sessions`) and for 0.14, on which axum-login
/// 0.18 stands (feature `tower-sessions-0-14`).
///
/// ```no_run
/// use axum::{Router, routing::get};
/// use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, stores::TowerSessionStore};
/// use tower_sessions::{Session, SessionManagerLayer};
///
/// async fn theme(session: Session) -> String {
///     session.get("theme").await.ok().flatten().unwrap_or_default()
/// }
///
/// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
/// let sessions = SessionManagerLayer::new(TowerSessionStore::new(&house));
/// let app: Router = Router::new().route("/", get(theme)).layer(sessions);
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// `load` gives `None` for a session that is over, was ended, or is not of this house, so the visitor gets a new one;
/// `save` of such a session does nothing. `delete_expired` deletes what has expired of all sessions of the house,
/// in batches, as `housekey sessions purge` does.
///
/// When the shared database does not answer, the error is tower-sessions' `Error::Backend` with the text of an
/// [`Error`], which its layer logs; `Error::Encode` when a value is nested more than 127 levels deep, which could not be
/// read again.
///
/// A cache in front of it (`CachingSessionStore`) would not see what other apps have saved or ended.
#[derive(Clone)]
pub struct TowerSessionStore(Records);

impl TowerSessionStore {
    /// A store in this house. Clones are handles to the same one.
    ///
    /// ```no_run
    /// # use diesel::SqliteConnection;
    /// # fn with(house: &housekey::Housekey<SqliteConnection>) {
    /// let store = housekey::stores::TowerSessionStore::new(house);
    /// # }
    /// ```
    #[must_use]
    pub fn new<L: HouseConnection>(house: &Housekey<L>) -> Self {
        Self(Records::of(house, Keeper::TowerSessions))
    }

    async fn delete_all_expired(&self) -> Result<(), Error> {
        while self.0.ask(|auth, _| auth.purge_some_sessions()).await? > 0 {}
        Ok(())
    }
}

impl fmt::Debug for TowerSessionStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TowerSessionStore").finish_non_exhaustive()
    }
}

/// What `serde_json` reads again.
const MAX_DEPTH: usize = 127;

type Data = std::collections::HashMap<String, Value>;

fn texts(data: &Data) -> Result<Values, String> {
    let text = |(name, value): (&String, &Value)| {
        let text = value.to_string();
        if depth(&text) > MAX_DEPTH {
            return Err(format!(
                "the session cannot hold the value for `{name}`: it is nested more than {MAX_DEPTH} levels deep"
            ));
        }
        Ok((name.clone(), text))
    };
    data.iter().map(text).collect()
}

/// `None` when they are none that this store has written.
fn values(texts: &Values) -> Option<Data> {
    let value =
        |(name, text): (&String, &String)| Some((name.clone(), serde_json::from_str(text).ok()?));
    texts.iter().map(value).collect()
}

fn moment(time: OffsetDateTime) -> Moment {
    let known = DateTime::from_timestamp(time.unix_timestamp(), time.nanosecond());
    // The calendar of `time` is the smaller one.
    known.map_or(Moment::Now, |time| Moment::At(in_calendar(time)))
}

fn offset_time(time: DateTime<chrono::Utc>) -> Option<OffsetDateTime> {
    let nanoseconds = i128::from(in_calendar(time).timestamp_micros()) * 1000;
    OffsetDateTime::from_unix_timestamp_nanos(nanoseconds).ok()
}

#[expect(clippy::cast_sign_loss, reason = "all bits of the id")]
fn stem(id: i128) -> Stem {
    Stem::of_number(id as u128)
}

macro_rules! is_a_store_of {
    ($core:ident) => {
        const _: () = {
            use $core::session::{Id, Record};
            use $core::session_store::{
                Error as StoreError, ExpiredDeletion, Result, SessionStore,
            };

            fn backend(error: Error) -> StoreError {
                // With its causes, as nobody asks a text for them.
                StoreError::Backend(format!("{error:?}"))
            }

            #[async_trait]
            impl SessionStore for TowerSessionStore {
                async fn create(&self, record: &mut Record) -> Result<()> {
                    let texts = texts(&record.data).map_err(StoreError::Encode)?;
                    let mut first = Some(record.id);
                    let draw = || {
                        record.id = first.take().unwrap_or_default();
                        stem(record.id.0)
                    };
                    let end = moment(record.expiry_date);
                    self.0.create(texts, end, draw).await.map(drop).map_err(backend)
                }

                async fn save(&self, record: &Record) -> Result<()> {
                    let texts = texts(&record.data).map_err(StoreError::Encode)?;
                    let end = moment(record.expiry_date);
                    self.0.save(stem(record.id.0), texts, end).await.map_err(backend)
                }

                async fn load(&self, id: &Id) -> Result<Option<Record>> {
                    let found = self.0.find(stem(id.0)).await.map_err(backend)?;
                    Ok(found.and_then(|record| {
                        let expiry_date = offset_time(record.end)?;
                        Some(Record { id: *id, data: values(&record.values)?, expiry_date })
                    }))
                }

                async fn delete(&self, id: &Id) -> Result<()> {
                    self.0.end(stem(id.0)).await.map_err(backend)
                }
            }

            #[async_trait]
            impl ExpiredDeletion for TowerSessionStore {
                async fn delete_expired(&self) -> Result<()> {
                    self.delete_all_expired().await.map_err(backend)
                }
            }
        };
    };
}
#[cfg(feature = "tower-sessions")]
is_a_store_of!(tower_sessions_core);
#[cfg(feature = "tower-sessions-0-14")]
is_a_store_of!(tower_sessions_core_0_14);
