//! What may be shown of a session: to its user, and to who keeps the house.

use std::net::IpAddr;

use chrono::{DateTime, Utc};
use sha2::{Digest, Sha256};

use super::Session;
use super::owned::{DJANGO, Owned};

const LABEL: &str = "housekey.session-id:";

/// A living session of a user, without its key.
///
/// ```no_run
/// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session, user: &housekey::User)
/// # -> Result<(), housekey::Error> {
/// for one in house.sessions_of(user)? {
///     let app = one.app.as_deref().unwrap_or("a Django app");
///     let mark = if one.is_current(session) { " (this one)" } else { "" };
///     println!("{app}, since {}{mark}", one.created);
/// }
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionInfo {
    /// Names the session among those of its user, and opens nothing: 16 hexadecimal digits, the beginning of
    /// a SHA-256 over the session key.
    pub id: String,
    /// The app that it was begun in; `None` for a Django app.
    pub app: Option<String>,
    /// Where the user signed in from, if that was told; see [`Session::came_from`].
    pub address: Option<IpAddr>,
    /// What the browser called itself, if that was told. Visitors can write anything here: escape it.
    pub agent: Option<String>,
    /// When it was begun; of a session of Django's it is known only that it was no later.
    pub created: DateTime<Utc>,
    /// When a housekey app saw it last, within some minutes; `None` if none has.
    pub last_seen: Option<DateTime<Utc>>,
    /// When it ends, unless it is prolonged.
    pub expires: DateTime<Utc>,
}

impl SessionInfo {
    /// Is it this session?
    ///
    /// ```
    /// # use housekey::{Session, SessionInfo};
    /// fn others<'a>(all: &'a [SessionInfo], session: &Session) -> Vec<&'a SessionInfo> {
    ///     all.iter().filter(|one| !one.is_current(session)).collect()
    /// }
    /// ```
    #[must_use]
    pub fn is_current(&self, session: &Session) -> bool {
        session.id().is_some_and(|id| id == self.id)
    }
}

impl From<Owned> for SessionInfo {
    fn from(row: Owned) -> Self {
        Self {
            id: id(&row.key),
            app: Some(row.app).filter(|app| app != DJANGO),
            address: row.address.parse().ok(),
            agent: Some(row.agent).filter(|agent| !agent.is_empty()),
            created: row.created,
            last_seen: row.last_seen,
            expires: row.expires,
        }
    }
}

/// The public name of the session with this key.
pub(crate) fn id(key: &str) -> String {
    let hash = Sha256::new().chain_update(LABEL).chain_update(key).finalize();
    let mut short = [0; 8];
    short.copy_from_slice(&hash[..8]);
    format!("{:016x}", u64::from_be_bytes(short))
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_id_is_the_beginning_of_a_hash() {
        // printf housekey.session-id:abc | sha256sum
        assert_eq!(super::id("abc"), "ff0caf08477a9b86");
    }
}
