//! What has happened in the house, for who keeps it: a line of the log, and a row of `housekey_event`.
//!
//! A name that was typed and is no user's, a password or a session key is in none of them.

pub(crate) mod ledger;
pub(crate) mod store;

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;
use std::time::Duration;

use chrono::{DateTime, Utc};

use crate::error::Error;
use crate::session::info;
use crate::session::visitor::Visitor;
use crate::user::User;

/// As wide as the column.
const MOST_OF_A_DETAIL: usize = 200;

/// What can happen; `docs/running-a-house.md` says what each means.
///
/// ```
/// use housekey::EventKind;
/// let kind: EventKind = "login_failed".parse()?;
/// assert_eq!(kind, EventKind::LoginFailed);
/// assert_eq!(kind.to_string(), "login_failed");
/// # Ok::<(), housekey::Error>(())
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum EventKind {
    /// A user has signed in.
    Login,
    /// A guess at a password was wrong, or the user may not sign in.
    LoginFailed,
    /// After that guess the next one has to wait.
    LoginThrottled,
    /// A user has signed out.
    Logout,
    /// A user has changed the password.
    PasswordChanged,
    /// A user has got a new password without the old one: by a link, or from an operator.
    PasswordReset,
    /// Sessions were ended from elsewhere.
    SessionRevoked,
    /// A signed-in user asked for something without the permission.
    PermissionDenied,
    /// A request that changes something came without a token, or from another site.
    CsrfFailed,
    /// A session came that a key signed which this app does not have.
    KeyMismatch,
    /// A user was made.
    UserCreated,
    /// A user was deleted.
    UserDeleted,
    /// A user may sign in again.
    UserActivated,
    /// A user may sign in no more.
    UserDeactivated,
    /// An operator or a member of staff has forgotten the wrong passwords for a user.
    UserUnlocked,
    /// A member of staff has changed what a user is called, or the user's address.
    UserChanged,
    /// A member of staff has changed what a user may do.
    RightsChanged,
    /// A member of staff has got a link by which a user chooses a password.
    PasswordLink,
    /// A member of staff has made a group.
    GroupCreated,
    /// A member of staff has changed a group.
    GroupChanged,
    /// A member of staff has deleted a group.
    GroupDeleted,
}

impl EventKind {
    /// All of them.
    ///
    /// ```
    /// let names: Vec<String> = housekey::EventKind::ALL.iter().map(ToString::to_string).collect();
    /// assert!(names.contains(&"password_changed".to_owned()));
    /// ```
    pub const ALL: &'static [Self] = &[
        Self::Login,
        Self::LoginFailed,
        Self::LoginThrottled,
        Self::Logout,
        Self::PasswordChanged,
        Self::PasswordReset,
        Self::SessionRevoked,
        Self::PermissionDenied,
        Self::CsrfFailed,
        Self::KeyMismatch,
        Self::UserCreated,
        Self::UserDeleted,
        Self::UserActivated,
        Self::UserDeactivated,
        Self::UserUnlocked,
        Self::UserChanged,
        Self::RightsChanged,
        Self::PasswordLink,
        Self::GroupCreated,
        Self::GroupChanged,
        Self::GroupDeleted,
    ];

    /// Its name in the log, in the database and on the command line; it stays what it is.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Login => "login",
            Self::LoginFailed => "login_failed",
            Self::LoginThrottled => "login_throttled",
            Self::Logout => "logout",
            Self::PasswordChanged => "password_changed",
            Self::PasswordReset => "password_reset",
            Self::SessionRevoked => "session_revoked",
            Self::PermissionDenied => "permission_denied",
            Self::CsrfFailed => "csrf_failed",
            Self::KeyMismatch => "key_mismatch",
            Self::UserCreated => "user_created",
            Self::UserDeleted => "user_deleted",
            Self::UserActivated => "user_activated",
            Self::UserDeactivated => "user_deactivated",
            Self::UserUnlocked => "user_unlocked",
            Self::UserChanged => "user_changed",
            Self::RightsChanged => "rights_changed",
            Self::PasswordLink => "password_link",
            Self::GroupCreated => "group_created",
            Self::GroupChanged => "group_changed",
            Self::GroupDeleted => "group_deleted",
        }
    }
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for EventKind {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self, Error> {
        let names = || Self::ALL.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(", ");
        let found = Self::ALL.iter().find(|kind| kind.name() == name).copied();
        found.ok_or_else(|| {
            Error::config("the kind of an event", format!("must be one of {}", names()))
        })
    }
}

/// Something that has happened, as it is read back.
///
/// ```no_run
/// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
/// for event in house.events(&housekey::EventFilter::default().user("ada"))? {
///     println!("{} {} {:?}", event.at, event.kind, event.address);
/// }
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EventInfo {
    /// In the order in which they were written down.
    pub id: i64,
    /// By the clock of the database.
    pub at: DateTime<Utc>,
    /// The name of an [`EventKind`]; a newer housekey in the house may write others.
    pub kind: String,
    /// The user whom it is about, if one is known.
    pub user_id: Option<i64>,
    /// The user's name then.
    pub username: Option<String>,
    /// The app that it happened in.
    pub app: String,
    /// Where the visitor came from, if that was told.
    pub address: Option<IpAddr>,
    /// What the browser called itself, if that was told. Visitors can write anything here: escape it.
    pub agent: Option<String>,
    /// The [`SessionInfo::id`](crate::SessionInfo::id) of the session.
    pub session: Option<String>,
    /// What else there is to say; `docs/running-a-house.md` tells what that is.
    pub detail: Option<String>,
}

/// Which events are asked for: the newest hundred, unless something else is said.
///
/// ```
/// use housekey::{EventFilter, EventKind};
/// let day = std::time::Duration::from_secs(24 * 3600);
/// let failed = EventFilter::default().kind(EventKind::LoginFailed).within(day).most(1000);
/// ```
#[derive(Debug, Clone)]
pub struct EventFilter {
    pub(crate) user: Option<String>,
    pub(crate) kind: Option<EventKind>,
    pub(crate) within: Option<Duration>,
    pub(crate) before: Option<i64>,
    pub(crate) most: u32,
}

impl Default for EventFilter {
    fn default() -> Self {
        Self { user: None, kind: None, within: None, before: None, most: 100 }
    }
}

impl EventFilter {
    /// Those about the user of that name, under names before as well, and about whoever had that name then.
    ///
    /// ```
    /// let of_ada = housekey::EventFilter::default().user("ada");
    /// ```
    #[must_use]
    pub fn user(mut self, username: impl Into<String>) -> Self {
        self.user = Some(username.into());
        self
    }

    /// Those of one kind.
    ///
    /// ```
    /// let logins = housekey::EventFilter::default().kind(housekey::EventKind::Login);
    /// ```
    #[must_use]
    pub fn kind(mut self, kind: EventKind) -> Self {
        self.kind = Some(kind);
        self
    }

    /// Those that are no older, by the clock of the database.
    ///
    /// ```
    /// let of_two_hours = housekey::EventFilter::default().within(std::time::Duration::from_secs(7200));
    /// ```
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        self.within = Some(time);
        self
    }

    /// Those that were written down before the one of this [`EventInfo::id`]: the next page.
    ///
    /// ```
    /// fn next(page: &[housekey::EventInfo]) -> Option<housekey::EventFilter> {
    ///     page.last().map(|last| housekey::EventFilter::default().before(last.id))
    /// }
    /// ```
    #[must_use]
    pub fn before(mut self, id: i64) -> Self {
        self.before = Some(id);
        self
    }

    /// No more than so many.
    ///
    /// ```
    /// let ten = housekey::EventFilter::default().most(10);
    /// ```
    #[must_use]
    pub fn most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }
}

/// Something that happens. Empty texts for what is not known.
#[derive(Clone)]
pub(crate) struct Event {
    kind: EventKind,
    user_id: Option<i32>,
    username: String,
    app: String,
    address: String,
    agent: String,
    session: String,
    detail: String,
}

impl Event {
    pub(crate) fn new(kind: EventKind, app: &str) -> Self {
        Self {
            kind,
            user_id: None,
            username: String::new(),
            app: app.to_owned(),
            address: String::new(),
            agent: String::new(),
            session: String::new(),
            detail: String::new(),
        }
    }

    pub(crate) fn about(self, user: &User) -> Self {
        Self { user_id: i32::try_from(user.id).ok(), username: user.username.clone(), ..self }
    }

    /// About a user of that id, and of that name if there is one still.
    pub(crate) fn named(self, user_id: i32, username: &str) -> Self {
        Self { user_id: Some(user_id), username: username.to_owned(), ..self }
    }

    pub(crate) fn by(self, visitor: &Visitor) -> Self {
        Self { address: visitor.address.clone(), agent: visitor.agent.clone(), ..self }
    }

    /// Of a session that has this key.
    pub(crate) fn in_session(self, key: &str) -> Self {
        self.in_session_of(&info::id(key))
    }

    /// Of a session that has this id.
    pub(crate) fn in_session_of(self, id: &str) -> Self {
        Self { session: id.to_owned(), ..self }
    }

    pub(crate) fn detail(self, detail: &str) -> Self {
        // PostgreSQL has no text with a NUL in it.
        let letters = detail.chars().filter(|letter| *letter != '\0');
        Self { detail: letters.take(MOST_OF_A_DETAIL).collect(), ..self }
    }

    /// Into the log, when it has happened.
    pub(crate) fn tell(&self) {
        fn known(text: &str) -> Option<&str> {
            Some(text).filter(|text| !text.is_empty())
        }
        tracing::info!(
            target: "housekey::event",
            event = self.kind.name(),
            app = self.app,
            user_id = self.user_id,
            address = known(&self.address),
            session = known(&self.session),
            detail = known(&self.detail),
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../docs/running-a-house.md");

    #[test]
    fn the_page_for_operators_has_every_event_and_no_others() {
        let (_, table) = PAGE.split_once("| event | ").unwrap();
        let (table, _) = table.split_once("\n\n").unwrap();
        let names: Vec<&str> =
            table.lines().skip(2).map(|line| line.split('`').nth(1).unwrap()).collect();
        let known: Vec<&str> = EventKind::ALL.iter().map(|kind| kind.name()).collect();
        assert_eq!(names, known);
    }

    #[test]
    fn a_kind_is_read_as_it_is_written() {
        for kind in EventKind::ALL {
            assert_eq!(kind.to_string().parse::<EventKind>().unwrap(), *kind);
            assert!(kind.name().len() <= 40, "the width of the column");
        }
        let error = "logins".parse::<EventKind>().unwrap_err().to_string();
        assert!(error.starts_with("the kind of an event must be one of login, "), "{error}");
    }

    #[test]
    fn a_detail_fits_its_column() {
        let event = Event::new(EventKind::CsrfFailed, "notes").detail(&"\0ü".repeat(300));
        assert_eq!(event.detail, "ü".repeat(200));
    }
}
