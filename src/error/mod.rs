//! What goes wrong when the house is broken. A visitor's bad cookie is no error: see
//! [`Rejected`](crate::Rejected).

mod another;
mod denied;
mod moving;
mod words;

use std::time::Duration;

pub use denied::Denied;
pub use moving::MoveError;

use crate::key::{Fingerprint, WeakKey};
use crate::password::NotBuiltIn;
use crate::place::{DatabaseKind, Place};
use words::{in_use, in_words, key_remedy};

/// The house is broken, and what to do about it.
///
/// Every text is one line that names the remedy; facts are fields; the cause is in `source()`. `Debug`
/// prints the text with its causes, so that a `main` that returns this error says what to do.
/// No key, password, hash, session key or database URL is in any of them.
///
/// ```
/// use housekey::{Config, Error, SecretKey};
/// let key = SecretKey::new(housekey::key::generate())?;
/// let error = Config::new("mysql://db/users", "sqlite:notes.db", key).unwrap_err();
/// assert!(error.to_string().starts_with("SHARED_DATABASE_URL has the unknown scheme `mysql`"));
/// # Ok::<(), Error>(())
/// ```
#[non_exhaustive]
#[derive(thiserror::Error)]
pub enum Error {
    /// A setting is missing or cannot be used.
    #[error("{setting} {problem}")]
    #[non_exhaustive]
    Config {
        /// The setting, by its name in the environment.
        setting: String,
        /// What is wrong with it, and what to set.
        problem: String,
    },

    /// A database gives no connection at all.
    #[error(
        "the {place} database ({kind}) gives no connection; see that it runs and that {} is right",
        place.variable()
    )]
    #[non_exhaustive]
    Unreachable {
        /// Which of the two databases.
        place: Place,
        /// What kind of database it is.
        kind: DatabaseKind,
        /// What the database or its driver said.
        #[source]
        source: Refused,
    },

    /// The shared database has failed a moment ago. Nobody waits for it until it answers again; the house asks it
    /// twice a second.
    #[error(
        "the shared database is away since {}; see that it runs and can be reached, the app goes on by itself \
         when it is back",
        since.format("%Y-%m-%d %H:%M:%S UTC")
    )]
    #[non_exhaustive]
    Away {
        /// When it failed first, by the clock of the app.
        since: chrono::DateTime<chrono::Utc>,
        /// How it failed.
        #[source]
        source: Refused,
    },

    /// All connections of a pool were in use for too long.
    #[error(
        "no connection to the {place} database came free within {waited:?}: all {size} of the pool \
         are in use; hold connections for a shorter time, or make the pool larger"
    )]
    #[non_exhaustive]
    PoolTimeout {
        /// Which of the two databases.
        place: Place,
        /// How long the caller waited.
        waited: Duration,
        /// How many connections the pool may hold.
        size: u32,
    },

    /// The work given to [`Housekey::run`](crate::Housekey::run) was not begun or not done in time.
    #[error("the house did not answer within {waited:?}; its databases are slow or too busy")]
    #[non_exhaustive]
    Deadline {
        /// How long the caller waited.
        waited: Duration,
    },

    /// A statement of housekey's own failed.
    #[error("the {place} database refused a statement")]
    #[non_exhaustive]
    Database {
        /// Which of the two databases.
        place: Place,
        /// diesel's error.
        #[source]
        source: diesel::result::Error,
    },

    /// The database role of this app has not the right to do that.
    #[error(
        "the shared database does not let the role of this app do that; an app that changes users, passwords, \
         permissions or keys needs the rights of `housekey grants --role auth`; after a `housekey migrate` that made \
         something each role needs its `housekey grants` again; the tables themselves are changed by their owner \
         alone, with `housekey migrate`"
    )]
    #[non_exhaustive]
    NotAllowed {
        /// What PostgreSQL said: it names the table.
        #[source]
        source: diesel::result::Error,
    },

    /// A statement of the app failed.
    #[error("a query failed")]
    Query(#[source] diesel::result::Error),

    /// The shared database lacks tables of this version.
    #[error(
        "the shared database lacks the migrations {}; call housekey::migrate once, from any app of \
         the house, or run `housekey migrate`",
        missing.join(", ")
    )]
    #[non_exhaustive]
    MigrationsMissing {
        /// The names of the missing steps, first to last.
        missing: Vec<String>,
    },

    /// A migration failed; those before it stay applied.
    #[error("the shared migration {step} failed; mend its cause and call housekey::migrate again")]
    #[non_exhaustive]
    Migration {
        /// The step that failed.
        step: String,
        /// diesel's error.
        #[source]
        source: diesel::result::Error,
    },

    /// The app's `SECRET_KEY` is not the one of the house.
    #[error(
        "app `{app}` has the SECRET_KEY {ours}, but the house signs with {house} (registered by \
         app `{registered_by}`): {}",
        key_remedy(app, registered_by)
    )]
    #[non_exhaustive]
    KeyMismatch {
        /// This app.
        app: String,
        /// The fingerprint of this app's key.
        ours: Fingerprint,
        /// The fingerprint of the key that the house registered last.
        house: String,
        /// The app that registered it.
        registered_by: String,
    },

    /// The app signs with a key that the house has given up.
    #[error(
        "app `{app}` has the SECRET_KEY {ours}, which this house has retired; set SECRET_KEY of `{app}` to \
         the key {house} (registered by app `{registered_by}`)"
    )]
    #[non_exhaustive]
    KeyRetired {
        /// This app.
        app: String,
        /// The fingerprint of this app's key.
        ours: Fingerprint,
        /// The fingerprint of the key that the house signs with.
        house: String,
        /// The app that registered it.
        registered_by: String,
    },

    /// A new key cannot sign yet: some app would sign its users out, because it does not verify that key.
    #[error(
        "the key {key} cannot sign yet: {} would not verify it; put it into SECRET_KEY_FALLBACKS there, \
         start that again, and then repeat this (an app that is no more: housekey app forget)",
        lacking.join(", ")
    )]
    #[non_exhaustive]
    KeyTooEarly {
        /// The fingerprint of the new key.
        key: String,
        /// The apps that lack it, each with its host and when it was seen.
        lacking: Vec<String>,
    },

    /// An old key cannot be retired yet.
    #[error(
        "the key {key} cannot be retired yet: {}",
        in_use(signing, *sessions)
    )]
    #[non_exhaustive]
    KeyInUse {
        /// The fingerprint of the old key.
        key: String,
        /// The apps that do not sign with the new key yet, each with its host and when it was seen.
        signing: Vec<String>,
        /// How many living sessions nothing but this key holds together.
        sessions: usize,
    },

    /// The shared database was migrated by a newer housekey.
    #[error(
        "the shared database has the migrations {} of a newer housekey; install housekey {version} or newer",
        unknown.join(", ")
    )]
    #[non_exhaustive]
    SchemaNewer {
        /// The steps that this version does not know.
        unknown: Vec<String>,
        /// The version that applied them.
        version: String,
    },

    /// Two apps of the house declare models under one app label.
    #[error(
        "app `{app}` declares permissions under the label `{label}`, which app `{taken_by}` has: who may \
         do something there could do it here; give the models of `{app}` another label, or, if both are \
         one app, the same APP_NAME; if `{taken_by}` is no more, delete the label's row in housekey_app_label"
    )]
    #[non_exhaustive]
    LabelTaken {
        /// This app.
        app: String,
        /// The app label.
        label: String,
        /// The app that declared it first.
        taken_by: String,
    },

    /// Too many wrong passwords were tried lately: for this user name, or from this address. Whether there is such
    /// a user makes no difference. A web app answers 429 with `Retry-After`.
    #[error(
        "too many wrong passwords; try again in {}",
        in_words(*wait)
    )]
    #[non_exhaustive]
    TooManyAttempts {
        /// After which a guess is looked at again, in whole seconds.
        wait: Duration,
    },

    /// As many passwords are being hashed in this app as its processors can bear, and as many wait for it as should.
    #[error(
        "{at_once} passwords are being hashed at once, and more wait than could be served in time; try again in a \
         moment, or see where so many logins come from"
    )]
    #[non_exhaustive]
    Busy {
        /// How many are hashed at once; see
        /// [`Config::password_hashes_at_once`](crate::Config::password_hashes_at_once).
        at_once: usize,
    },

    /// As many visitors wait to be looked up in the shared database as should. It is less busy when there are more
    /// apps to share the visitors, or when they ask less.
    #[error(
        "{waiting} visitors wait to be looked up in the shared database, and no more are let wait; see why it is slow, or \
         where so many visitors come from"
    )]
    #[non_exhaustive]
    Crowded {
        /// How many wait.
        waiting: usize,
    },

    /// A password is hashed, or was to be, by an algorithm that this app is built without.
    #[error(transparent)]
    NotBuiltIn(#[from] NotBuiltIn),

    /// There is no such user, group or permission.
    #[error(
        "there is no {what} `{name}`; see that it is written as in the house, or make it first{}",
        if *what == "permission" {
            ": an app declares its own by Config::permissions, and housekey::migrate makes them"
        } else {
            ""
        }
    )]
    #[non_exhaustive]
    Unknown {
        /// What was looked for: `user`, `group` or `permission`.
        what: &'static str,
        /// Its name.
        name: String,
    },

    /// A user or a group cannot be deleted: a table that housekey does not know refers to it.
    #[error(
        "the {what} `{name}` is not deleted: rows of the table {table} refer to it, and housekey does not know \
         what is to become of them; delete them first{}",
        if *what == "user" { ", or deactivate the user instead" } else { "" }
    )]
    #[non_exhaustive]
    StillReferred {
        /// What was to be deleted: `user` or `group`.
        what: &'static str,
        /// Its name.
        name: String,
        /// The table, if the database tells which.
        table: String,
    },

    /// The shared tables belong to a Django whose users are not in `auth_user`.
    #[error(
        "the shared database was made by a Django with a user model of its own (AUTH_USER_MODEL): there is \
         no auth_user to share; share the database of a Django that has AUTH_USER_MODEL = \"auth.User\""
    )]
    OtherUserModel,

    /// One query names tables of both databases.
    #[error(
        "one query cannot span two databases (shared: {}; local: {}); load from one, then ask the \
         other for the ids that were found",
        shared.join(", "), local.join(", ")
    )]
    #[non_exhaustive]
    BothPlaces {
        /// The tables of the shared database.
        shared: Vec<String>,
        /// The tables of the local database.
        local: Vec<String>,
    },

    /// A transaction that wrote in one database tried to write in the other.
    #[error(
        "this transaction has written to {written} ({place}) and cannot also write to {table}: two \
         databases do not commit as one; use two transactions"
    )]
    #[non_exhaustive]
    SecondPlace {
        /// The table that was written first.
        written: String,
        /// Where that table lives.
        place: Place,
        /// The table of the other database.
        table: String,
    },

    /// Raw SQL whose tables cannot be told.
    #[error(
        "cannot tell which tables this SQL is about ({why}); send it through house.shared() or \
         house.local()"
    )]
    #[non_exhaustive]
    UnreadableSql {
        /// What stands in the way; never the SQL itself.
        why: String,
    },

    /// A shared table was asked of a connection whose shared database is of another kind.
    #[error(
        "{table} lives in the shared database, which is {shared}, and this connection speaks \
         {local}; ask house.shared_as() for it"
    )]
    #[non_exhaustive]
    OtherKind {
        /// The shared table.
        table: String,
        /// The kind of the shared database.
        shared: DatabaseKind,
        /// The kind of the local database.
        local: DatabaseKind,
    },

    /// The session's row was deleted while the request ran (Django: `SessionInterrupted`).
    #[error("the session was ended elsewhere while this request ran; its changes were not saved")]
    SessionGone,

    /// A value cannot be put into a session.
    #[error("the session cannot hold the value for `{name}`: {why}")]
    #[non_exhaustive]
    SessionValue {
        /// The name under which it was to be stored.
        name: String,
        /// Why not.
        why: String,
    },

    /// The name of a new user is taken.
    #[error("the user `{username}` exists already; choose another name")]
    #[non_exhaustive]
    UsernameTaken {
        /// The name that was asked for.
        username: String,
    },

    /// A user cannot be made or changed so.
    #[error("the user `{username}` {problem}")]
    #[non_exhaustive]
    User {
        /// The name that was asked for.
        username: String,
        /// Why not, and what to do.
        problem: String,
    },

    /// The name of a new group is taken.
    #[error("the group `{name}` exists already; choose another name")]
    #[non_exhaustive]
    GroupTaken {
        /// The name that was asked for.
        name: String,
    },

    /// A group cannot be called so.
    #[error("the group `{name}` {problem}")]
    #[non_exhaustive]
    Group {
        /// The name that was asked for.
        name: String,
        /// Why not, and what to do.
        problem: &'static str,
    },

    /// Whoever sits at a [`Desk`](crate::Desk) may not do that. A web app answers 403.
    #[error("{why}")]
    #[non_exhaustive]
    Denied {
        /// Why not, and what to do.
        why: Denied,
    },

    /// A house or an app's users could not be moved.
    #[error(transparent)]
    Move(#[from] MoveError),

    /// The task given to [`Housekey::run`](crate::Housekey::run) panicked.
    #[error("the work handed to Housekey::run panicked")]
    Panicked,
}

impl std::fmt::Debug for Error {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")?;
        let mut cause = std::error::Error::source(self);
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

/// What a database or its driver said when it gave no connection, with nothing of the URL in it.
///
/// ```
/// fn shown(why: &housekey::error::Refused) -> String {
///     why.to_string()
/// }
/// ```
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct Refused(pub(crate) String);

impl Error {
    /// Is this a matter of waiting, so that a web app should answer 503 with `Retry-After`? (It is not the house that
    /// waits with [`Error::TooManyAttempts`]: that is 429.)
    ///
    /// ```
    /// assert!(!housekey::Error::SessionGone.is_temporary());
    /// ```
    #[must_use]
    pub fn is_temporary(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::Away { .. }
            | Self::PoolTimeout { .. }
            | Self::Deadline { .. }
            | Self::Busy { .. }
            | Self::Crowded { .. }
            | Self::Database { .. } => true,
            Self::Query(source) => is_broken_connection(source),
            _ => false,
        }
    }

    pub(crate) fn config(setting: impl Into<String>, problem: impl Into<String>) -> Self {
        Self::Config { setting: setting.into(), problem: problem.into() }
    }

    /// Does a row hold what its columns should not: a BLOB, a NULL, a date of no calendar?
    pub(crate) fn is_strange_row(&self) -> bool {
        matches!(
            self,
            Self::Database { source: diesel::result::Error::DeserializationError(_), .. }
        )
    }

    /// Was it a row like another, where each must be its own?
    pub(crate) fn is_taken(&self) -> bool {
        use diesel::result::{DatabaseErrorKind::UniqueViolation, Error::DatabaseError};
        matches!(
            self,
            Self::Query(DatabaseError(UniqueViolation, _))
                | Self::Database { source: DatabaseError(UniqueViolation, _), .. }
        )
    }

    pub(crate) fn unknown(what: &'static str, name: impl Into<String>) -> Self {
        Self::Unknown { what, name: name.into() }
    }

    /// Takes a row that cannot be read for none.
    pub(crate) fn nothing_if_strange<T: Default>(self) -> Result<T, Self> {
        if self.is_strange_row() { Ok(T::default()) } else { Err(self) }
    }

    /// In a transaction of our own, a failed statement is the shared database's fault.
    pub(crate) fn settled(self) -> Self {
        match self {
            Self::Query(source) => Self::shared(source),
            error => error,
        }
    }

    /// For `map_err` on housekey's own statements in the shared database.
    pub(crate) fn shared(source: diesel::result::Error) -> Self {
        match Self::from(source) {
            Self::Query(source) if is_denied(&source) => Self::NotAllowed { source },
            Self::Query(source) => Self::Database { place: Place::Shared, source },
            ours => ours,
        }
    }
}

impl From<diesel::result::Error> for Error {
    /// Errors that housekey sent through diesel come back as what they were.
    fn from(error: diesel::result::Error) -> Self {
        match error {
            diesel::result::Error::QueryBuilderError(source) => match source.downcast::<Self>() {
                Ok(ours) => *ours,
                Err(source) => Self::Query(diesel::result::Error::QueryBuilderError(source)),
            },
            other => Self::Query(other),
        }
    }
}

impl From<Error> for diesel::result::Error {
    /// So that the routed connection can fail as a diesel connection does; `downcast_ref` on the
    /// `QueryBuilderError` finds it again.
    fn from(error: Error) -> Self {
        match error {
            Error::Query(source)
            | Error::Database { source, .. }
            | Error::NotAllowed { source, .. } => source,
            ours => Self::QueryBuilderError(Box::new(ours)),
        }
    }
}

impl From<WeakKey> for Error {
    fn from(weak: WeakKey) -> Self {
        Self::config("SECRET_KEY", format!("{}; {NEW_KEY}", weak.problem()))
    }
}

pub(crate) const NEW_KEY: &str = "set the common key of the house, 50 or more random characters (`housekey key generate` makes one)";

/// Did the connection break, rather than the statement fail?
pub(crate) fn is_broken_connection(error: &diesel::result::Error) -> bool {
    use diesel::result::{DatabaseErrorKind, Error};
    match error {
        Error::BrokenTransactionManager => true,
        Error::DatabaseError(kind, _) => matches!(
            kind,
            DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand
        ),
        _ => false,
    }
}

/// Was it a right that was missing? diesel hands on no SQLSTATE (42501), so its words are read; the roles of
/// `housekey grants` get them in English.
pub(crate) fn is_denied(error: &diesel::result::Error) -> bool {
    let diesel::result::Error::DatabaseError(_, told) = error else { return false };
    let said = told.message();
    said.starts_with("permission denied for ") || said.starts_with("must be owner of ")
}
