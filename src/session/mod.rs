//! Sessions: what a visitor's requests have in common, in whichever app of the house they arrive.

pub(crate) mod codec;
pub(crate) mod data;
pub(crate) mod diary;
pub(crate) mod expiry;
pub(crate) mod find;
pub(crate) mod header;
pub(crate) mod info;
pub(crate) mod key;
pub(crate) mod owned;
#[cfg(feature = "_stores")]
pub(crate) mod record;
pub(crate) mod store;
pub(crate) mod stranger;
pub(crate) mod visitor;

use std::collections::BTreeSet;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use serde::Serialize;
use serde::de::DeserializeOwned;

pub use expiry::Expiry;
pub use info::SessionInfo;
pub use key::SessionKey;

use crate::error::Error;
use crate::user::User;
use data::Data;
use visitor::Visitor;

/// The names under which sessions of tower-sessions and actix-session stand in their rows.
pub(crate) const OF_OTHER_CRATES: [&str; 2] = ["_tower_sessions", "_actix_session"];

/// Names that belong to the login, to the expiry and to other crates: only housekey and Django write them.
const RESERVED: [&str; 6] = [
    "_auth_user_id",
    "_auth_user_backend",
    "_auth_user_hash",
    expiry::NAME,
    OF_OTHER_CRATES[0],
    OF_OTHER_CRATES[1],
];

/// Why a visitor's cookie, session or user was not accepted. This is a value and no error: the visitor
/// is anonymous, and the house is well.
///
/// ```
/// fn hint(session: &housekey::Session) -> &'static str {
///     match session.rejected() {
///         Some(housekey::Rejected::Expired) => "You were signed out after a time without activity.",
///         _ => "",
///     }
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Rejected {
    /// The cookie's value has not the shape of a session key.
    #[error("the cookie does not hold a session key")]
    Malformed,
    /// The session key says that one of our keys proved it, which is not so: forged or damaged.
    #[error("the session key is forged or damaged")]
    BadProof,
    /// The session key was minted under a `SECRET_KEY` that this app does not have.
    #[error("the session key was minted under a SECRET_KEY that this app does not have")]
    UnknownKey,
    /// There is no such session: it was ended, or there never was one.
    #[error("there is no such session")]
    Gone,
    /// The session's time is over, by the clock of the database.
    #[error("the session has expired")]
    Expired,
    /// The session's row was signed under a `SECRET_KEY` that this app does not have, or tampered with.
    #[error("the session's row was signed under a SECRET_KEY that this app does not have")]
    BadSignature,
    /// The session's row is rightly signed, but cannot be read without loss.
    #[error("the session's row cannot be read")]
    Unreadable,
    /// The user's password was changed since the login.
    #[error("the password was changed since the login")]
    StampMismatch,
    /// The user may not sign in any more, or does not exist.
    #[error("the user is not active")]
    Inactive,
}

impl From<codec::Undecodable> for Rejected {
    fn from(undecodable: codec::Undecodable) -> Self {
        match undecodable {
            codec::Undecodable::Signature => Self::BadSignature,
            codec::Undecodable::Content => Self::Unreadable,
        }
    }
}

/// What became of a session in a request.
///
/// ```
/// assert_ne!(housekey::Status::Unchanged, housekey::Status::Changed);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are three, and `match` on them is the point")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Status {
    /// Nothing to save.
    Unchanged,
    /// To be saved.
    Changed,
    /// Ended: its row is gone.
    Flushed,
}

/// What the visitor's cookie must become.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum CookieChange {
    #[default]
    Keep,
    Set,
    Delete,
}

/// The session of one visitor, as a handle: clones see the same session.
///
/// It is read and changed here, and saved at the end of the request (by the layer, or by
/// [`Housekey::save`](crate::Housekey::save)). A session that holds nothing has no row and no cookie.
///
/// ```
/// use housekey::{Error, Session};
/// fn count_visit(session: &Session) -> Result<u32, Error> {
///     let visits = session.get("visits").unwrap_or(0) + 1;
///     session.insert("visits", visits)?;
///     Ok(visits)
/// }
/// ```
#[derive(Clone, Default)]
pub struct Session(Arc<Mutex<State>>);

#[derive(Default)]
pub(crate) struct State {
    /// Of the row, when there is one.
    pub(crate) key: Option<SessionKey>,
    pub(crate) data: Data,
    /// The row's text as it was read or written last, to see whether another request has changed it.
    pub(crate) stored: Arc<str>,
    /// The names that this request has changed.
    pub(crate) changed: BTreeSet<String>,
    /// The old keys that still hold the session together, by their places in the ring: it wants a new one.
    pub(crate) old_keys: Vec<usize>,
    pub(crate) flushed: bool,
    pub(crate) cookie: CookieChange,
    pub(crate) rejected: Option<Rejected>,
    pub(crate) user: Option<Arc<User>>,
    /// By this request.
    pub(crate) signed_in_now: bool,
    /// What the browser is to be known by from now on.
    pub(crate) device: Option<String>,
    /// Written down with a login.
    pub(crate) visitor: Visitor,
}

impl Session {
    /// The value of that name, if there is one and it is of this type.
    ///
    /// ```
    /// # use housekey::{Error, Session};
    /// # fn handler(session: &Session) {
    /// let theme: Option<String> = session.get("theme");
    /// # }
    /// ```
    #[must_use]
    pub fn get<T: DeserializeOwned>(&self, name: &str) -> Option<T> {
        self.state().data.get(name)
    }

    /// Sets a value. It is stored as JSON and is read by every app of the house, Django's too. Setting
    /// what is there already prolongs the session, as every change does.
    ///
    /// ```
    /// # use housekey::{Error, Session};
    /// # fn handler(session: &Session) -> Result<(), Error> {
    /// session.insert("theme", "dark")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionValue`] when the value has no JSON form or is nested too deep, or the name belongs to
    /// the login.
    pub fn insert(&self, name: &str, value: impl Serialize) -> Result<(), Error> {
        let refuse = |why: String| Error::SessionValue { name: name.to_owned(), why };
        if RESERVED.contains(&name) {
            return Err(refuse(
                "this name belongs to the login, the expiry or another crate".to_owned(),
            ));
        }
        self.state().put(name, &value).map_err(|error| refuse(error.to_string()))
    }

    /// Takes a value away. The names of the login cannot be taken away:
    /// that is [`Housekey::logout`](crate::Housekey::logout).
    ///
    /// ```
    /// # use housekey::{Error, Session};
    /// # fn handler(session: &Session) {
    /// session.remove("theme");
    /// # }
    /// ```
    pub fn remove(&self, name: &str) {
        if !RESERVED.contains(&name) {
            self.state().take(name);
        }
    }

    /// The names of all values, in the order in which they were first set.
    ///
    /// ```
    /// # use housekey::{Error, Session};
    /// # fn handler(session: &Session) {
    /// let own: Vec<String> = session.names().into_iter().filter(|n| !n.starts_with('_')).collect();
    /// # }
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        self.state().data.names().map(str::to_owned).collect()
    }

    /// Gives this session an expiry of its own (Django's `set_expiry`).
    ///
    /// ```
    /// # use housekey::{Expiry, Session};
    /// # fn handler(session: &Session) {
    /// session.set_expiry(Expiry::AtBrowserClose);
    /// # }
    /// ```
    pub fn set_expiry(&self, expiry: Expiry) {
        let mut state = self.state();
        match expiry.stored() {
            // A JSON number or text always has a JSON form.
            Some(value) => drop(state.put(expiry::NAME, &value)),
            None => state.take(expiry::NAME),
        }
    }

    /// The user who is signed in, if there is one.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn handler(session: &Session) {
    /// let name = session.user().map_or("stranger".to_owned(), |user| user.username);
    /// # }
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<User> {
        self.state().user.as_deref().cloned()
    }

    /// The key of the session's row, when there is a row.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn handler(session: &Session) {
    /// let is_stored = session.key().is_some();
    /// # }
    /// ```
    #[must_use]
    pub fn key(&self) -> Option<SessionKey> {
        self.state().key.clone()
    }

    /// What may be shown of the key: the [`SessionInfo::id`] of this session, when it has a row.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn handler(session: &Session) {
    /// let name_for_support = session.id().unwrap_or_default();
    /// # }
    /// ```
    #[must_use]
    pub fn id(&self) -> Option<String> {
        self.state().key.as_ref().map(|key| info::id(key.expose_secret()))
    }

    /// What there is to save.
    ///
    /// ```
    /// # use housekey::{Session, Status};
    /// # fn handler(session: &Session) {
    /// let must_save = session.status() == Status::Changed;
    /// # }
    /// ```
    #[must_use]
    pub fn status(&self) -> Status {
        let state = self.state();
        match (state.changed.is_empty(), state.flushed) {
            (false, _) => Status::Changed,
            (true, true) => Status::Flushed,
            (true, false) => Status::Unchanged,
        }
    }

    /// Why the visitor's cookie did not lead to a signed-in user, if it was there and did not.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn handler(session: &Session) {
    /// if let Some(why) = session.rejected() {
    ///     println!("{why}");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn rejected(&self) -> Option<Rejected> {
        self.state().rejected
    }

    /// Says where the request comes from, before a login: its address and the header `User-Agent`, of which
    /// 200 characters are kept. The web adapters call this.
    ///
    /// The user sees it in the list of the sessions, and wrong passwords are counted by the address; nobody gets in by
    /// it, as a visitor can write anything there.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn before_the_login(session: &Session, peer: std::net::SocketAddr) {
    /// session.came_from(Some(peer.ip()), "Mozilla/5.0 (X11; Linux x86_64)");
    /// # }
    /// ```
    pub fn came_from(&self, address: Option<IpAddr>, agent: &str) {
        let mut state = self.state();
        let device = state.visitor.device.take();
        state.visitor = Visitor { device, ..Visitor::new(address, agent) };
    }

    /// Says what the browser is known by, before a login: the value of a cookie from
    /// [`Housekey::device_cookie`](crate::Housekey::device_cookie). The web adapters call this.
    ///
    /// It opens nothing. A browser in which a user has signed in before is not kept waiting for what strangers
    /// guess at that user's password.
    ///
    /// ```
    /// # use housekey::Session;
    /// # fn before_the_login(session: &Session, cookie: &str) {
    /// session.came_with(cookie);
    /// # }
    /// ```
    pub fn came_with(&self, device: &str) {
        self.state().visitor.device = Some(device.to_owned());
    }

    pub(crate) fn refused(rejected: Rejected) -> Self {
        Self::from(State { rejected: Some(rejected), ..State::default() })
    }

    /// `None` while a thread is at work on the session, with a database that may hang.
    pub(crate) fn try_state(&self) -> Option<MutexGuard<'_, State>> {
        use std::sync::TryLockError::{Poisoned, WouldBlock};
        match self.0.try_lock() {
            Ok(state) => Some(state),
            Err(Poisoned(poisoned)) => Some(poisoned.into_inner()),
            Err(WouldBlock) => None,
        }
    }

    /// Nothing that was done halfway is worse than what a panic left: the lock's poison is ignored.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl From<State> for Session {
    fn from(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }
}

impl std::fmt::Debug for Session {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let state = self.state();
        f.debug_struct("Session")
            .field("key", &state.key)
            .field("user", &state.user.as_ref().map(|user| user.id))
            .field("rejected", &state.rejected)
            .finish_non_exhaustive()
    }
}

impl State {
    pub(crate) fn put(
        &mut self,
        name: &str,
        value: &impl Serialize,
    ) -> Result<(), serde_json::Error> {
        self.data.insert(name, value)?;
        self.changed.insert(name.to_owned());
        Ok(())
    }

    pub(crate) fn take(&mut self, name: &str) {
        if self.data.remove(name) {
            self.changed.insert(name.to_owned());
        }
    }

    /// What a login changes before it is stored.
    pub(crate) fn kept(&self) -> (Data, BTreeSet<String>) {
        (self.data.clone(), self.changed.clone())
    }

    pub(crate) fn put_back(&mut self, (data, changed): (Data, BTreeSet<String>)) {
        self.data = data;
        self.changed = changed;
    }

    /// An empty session without a row, as for a new visitor.
    pub(crate) fn flush(&mut self) {
        let (rejected, visitor) = (self.rejected, std::mem::take(&mut self.visitor));
        let cookie = CookieChange::Delete;
        *self = Self { flushed: true, cookie, rejected, visitor, ..Self::default() };
    }
}
