//! Who is who: authenticate, login, logout, change of password, and the user of a session.

mod device;
mod end;
mod guess;
mod held;
mod list;
mod load;
mod noted;
mod purge;
#[cfg(feature = "_stores")]
mod record;
mod renewal;
mod reset;
mod save;
mod seen;
pub(crate) mod stamp;
mod why;

use std::sync::Arc;
use std::time::Duration;

use crate::clock::{Clock, Pace};
use crate::config::{Config, CookieSettings};
use crate::db::{SharedConnection, SharedPool};
use crate::error::Error;
use crate::events::ledger::Ledger;
use crate::events::{Event, EventKind};
use crate::gate::{Gate, Pass};
use crate::lookup::Lookups;
use crate::password::{Hasher, Verdict};
use crate::registry::{Instance, Seen, apps};
use crate::reset::ResetTokens;
use crate::session::codec::Codec;
use crate::session::data::Data;
use crate::session::diary::Diary;
use crate::session::key::Mint;
#[cfg(feature = "_web")]
use crate::session::owned;
use crate::session::{Session, SessionKey, State, store};
use crate::throttle::store as throttle;
use crate::user::store as users;
use crate::user::store::UserRow;
use crate::user::{Permissions, User};
use crate::username;
#[cfg(feature = "_web")]
pub(crate) use load::Step;
pub use why::Why;

use device::Devices;
use guess::Admitted;
use renewal::Renewals;
use stamp::Stamps;

/// Django's only backend that keeps its users in `auth_user`.
pub(crate) const BACKEND: &str = "django.contrib.auth.backends.ModelBackend";
const USER_ID: &str = "_auth_user_id";
pub(crate) const USER_BACKEND: &str = "_auth_user_backend";
const USER_HASH: &str = "_auth_user_hash";

/// Everything that has to do with users and sessions, over the shared database.
pub(crate) struct Auth {
    shared: SharedPool,
    lookups: Lookups,
    codec: Codec,
    mint: Mint,
    stamps: Stamps,
    renewals: Renewals,
    hasher: Hasher,
    gate: Gate,
    devices: Devices,
    resets: ResetTokens,
    reset_timeout: Duration,
    cookie: CookieSettings,
    app: String,
    signs_with: String,
    clock: Clock,
    complaints: Pace,
    diary: Diary,
    unwritten: Pace,
    ledger: Ledger,
    unrecorded: Pace,
}

impl Auth {
    pub(crate) fn new(config: &Config, shared: SharedPool) -> Self {
        Self {
            lookups: Lookups::new(config, &shared),
            shared,
            codec: Codec::new(&config.keys, &config.session_salt),
            mint: Mint::new(&config.keys),
            stamps: Stamps::new(&config.keys),
            renewals: Renewals::new(&config.keys),
            hasher: config.hasher,
            gate: Gate::new(config),
            devices: Devices::new(&config.keys),
            resets: ResetTokens::new(&config.keys),
            reset_timeout: config.password_reset_timeout,
            cookie: config.cookie.clone(),
            app: config.app_name.clone(),
            signs_with: config.keys.current().fingerprint().to_string(),
            clock: config.clock,
            complaints: Pace::new(Duration::from_secs(1)),
            diary: Diary::default(),
            unwritten: Pace::new(Duration::from_secs(3600)),
            ledger: Ledger::default(),
            unrecorded: Pace::new(Duration::from_secs(3600)),
        }
    }

    pub(crate) fn shared(&self) -> &SharedPool {
        &self.shared
    }

    pub(crate) fn find_user(&self, name: &str) -> Result<Option<User>, Error> {
        Ok(self.readable_by_name(name)?.map(User::from))
    }

    pub(crate) fn users(&self, ids: &[i64]) -> Result<Vec<User>, Error> {
        Ok(self.user_rows(ids)?.into_iter().map(User::from).collect())
    }

    /// One row that cannot be read does not hide the others.
    fn user_rows(&self, ids: &[i64]) -> Result<Vec<UserRow>, Error> {
        users::find_by_ids(&self.shared, ids).or_else(|error| {
            if !error.is_strange_row() {
                return Err(error);
            }
            ids.iter().filter_map(|id| self.readable_by_id(*id).transpose()).collect()
        })
    }

    /// Signs the user in: a new session key, the old row gone, `last_login` set, in one transaction.
    pub(crate) fn login(&self, session: &Session, user: &User) -> Result<(), Error> {
        let row = self.fresh(user)?;
        let mut state = session.state();
        let event = self.event(EventKind::Login).about(user).by(&state.visitor);
        self.store_login(&mut state, &row, &event, |conn| users::set_last_login(conn, row.id))?;
        // The login is stored; that its time cannot be read back is no reason to deny it.
        let row = users::find_by_id(&self.shared, user.id).ok().flatten().unwrap_or(row);
        state.device = self.new_device(&state.visitor, &row);
        state.user = Some(Arc::new(row.into()));
        state.rejected = None;
        state.flushed = false;
        state.signed_in_now = true;
        Ok(())
    }

    /// Ends the session, here and in every app: its row is gone when this returns.
    pub(crate) fn logout(&self, session: &Session) -> Result<(), Error> {
        let mut state = session.state();
        if let Some(key) = &state.key {
            let event = self.event(EventKind::Logout).by(&state.visitor);
            let event = event.in_session(key.expose_secret());
            // A visitor who has not signed in signs out of nothing.
            let event = state.user.as_ref().map(|user| event.about(user));
            self.shared.transact(|conn| {
                store::delete(conn, key)?;
                event.as_ref().map_or(Ok(()), |event| self.record(conn, event))
            })?;
            self.lookups.is_changed(key);
            event.iter().for_each(Event::tell);
        }
        state.flush();
        state.rejected = None;
        Ok(())
    }

    /// `false` when the old password is wrong. The user's other sessions end, this one goes on.
    pub(crate) fn change_password(
        &self,
        session: &Session,
        user: &User,
        old: &str,
        new: &str,
    ) -> Result<bool, Error> {
        let mut row = self.fresh(user)?;
        let Admitted { reservation, pass } = self.admit_signed_in(&row)?;
        match self.hasher.verify(old, &row.password) {
            Verdict::Right | Verdict::RightButWeaker => {}
            Verdict::NotBuiltIn(lacking) => return Err(lacking.into()),
            Verdict::Wrong => {
                drop(pass);
                let visitor = session.state().visitor.clone();
                self.record_failure(&visitor, Some(user), "old password", &reservation);
                return Ok(false);
            }
        }
        reservation.settle(&self.shared)?;
        let new_hash = self.hash(&pass, &user.username, new)?;
        drop(pass);
        let before = std::mem::replace(&mut row.password, new_hash);
        let mut state = session.state();
        let event = self.event(EventKind::PasswordChanged).about(user).by(&state.visitor);
        let is_own = state.user.as_ref().is_some_and(|signed_in| signed_in.id == user.id);
        if is_own && state.key.is_some() {
            self.store_login(&mut state, &row, &event, |conn| {
                change(conn, &row, &before)?.then_some(()).ok_or(diesel::result::Error::NotFound)
            })
            .map(|()| {
                state.device = self.new_device(&state.visitor, &row);
                true
            })
            .or_else(someone_was_faster)
        } else {
            self.also_recorded(&event, |conn| change(conn, &row, &before))
        }
    }

    /// `false` when there is no such user. All sessions of the user end.
    pub(crate) fn set_password(&self, username: &str, password: &str) -> Result<bool, Error> {
        let Some(row) = users::find_by_username(&self.shared, username)? else { return Ok(false) };
        let hash = self.hash(&self.gate.enter()?, username, password)?;
        let id = row.id;
        let event =
            self.event(EventKind::PasswordReset).about(&row.into()).detail("by an operator");
        self.also_recorded(&event, |conn| {
            throttle::forget(conn, username)?;
            users::set_password(conn, id, &hash)
        })
    }

    pub(crate) fn create_user(
        &self,
        username: &str,
        email: &str,
        password: &str,
        rank: users::Rank,
    ) -> Result<User, Error> {
        let username = username::admit(username)?;
        let email = username::admit_email(&username, email)?;
        let password = self.hash(&self.gate.enter()?, &username, password)?;
        let event = |user: &User| self.event(EventKind::UserCreated).about(user);
        let new = users::New { rank, ..users::New::ordinary(username, email, password) };
        let created = self.shared.write(|conn| {
            let user = users::create(conn, &new)?;
            self.record(conn, &event(&user))?;
            Ok(user)
        });
        let user = created.map_err(Error::settled)?;
        event(&user).tell();
        Ok(user)
    }

    /// Was the session begun by a login within these seconds? A session without a row was not.
    #[cfg(feature = "_web")]
    pub(crate) fn is_fresh(&self, key: Option<&SessionKey>, seconds: f64) -> Result<bool, Error> {
        key.map_or(Ok(false), |key| owned::begun_within(&self.shared, key, seconds))
    }

    pub(crate) fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        self.readable(self.lookups.permissions_now(user))
    }

    /// What was asked for, or nothing where it cannot be read.
    pub(crate) fn readable(&self, found: Result<Permissions, Error>) -> Result<Permissions, Error> {
        found.or_else(|error| self.nothing_readable(error))
    }

    /// The apps of the house that were there lately.
    pub(crate) fn apps(&self, within: Seen) -> Result<Vec<Instance>, Error> {
        self.shared.run(|conn| apps::seen(conn, within))
    }

    fn readable_by_name(&self, name: &str) -> Result<Option<UserRow>, Error> {
        users::find_by_username(&self.shared, name).or_else(|error| self.nothing_readable(error))
    }

    pub(crate) fn readable_by_id(&self, id: i64) -> Result<Option<UserRow>, Error> {
        users::find_by_id(&self.shared, id).or_else(|error| self.nothing_readable(error))
    }

    /// A row that holds what its columns should not is like none, and told to the log.
    fn nothing_readable<T: Default>(&self, error: Error) -> Result<T, Error> {
        if error.is_strange_row()
            && let Some(held_back) = self.complaints.may_speak()
        {
            tracing::warn!(app = self.app, held_back, %error, "a row of a user cannot be read");
        }
        error.nothing_if_strange()
    }

    /// The row as it is now.
    fn fresh(&self, user: &User) -> Result<UserRow, Error> {
        users::find_by_id(&self.shared, user.id)?
            .ok_or_else(|| refuse(&user.username, "does not exist any more"))
    }

    fn hash(&self, _: &Pass<'_>, username: &str, password: &str) -> Result<String, Error> {
        self.hasher.hash(password).map_err(|error| refuse(username, &error.to_string()))
    }

    /// Signs the user in under a new session key, together with what belongs to the same transaction.
    fn store_login(
        &self,
        state: &mut State,
        row: &UserRow,
        event: &Event,
        also: impl Fn(&mut SharedConnection) -> diesel::QueryResult<()>,
    ) -> Result<(), Error> {
        let before = state.kept();
        let signed_in = state.data.get::<serde_json::Value>(USER_ID);
        if signed_in.is_some() && load::user_id(&state.data) != Some(row.id.into()) {
            // What the user before has left behind is none of this one's business.
            state.data = Data::default();
        }
        let in_session = |key: &SessionKey| event.clone().in_session(key.expose_secret());
        let also = |conn: &mut SharedConnection, key: &SessionKey| {
            also(conn)?;
            self.record(conn, &in_session(key))
        };
        let stored = self.sign_in(state, row).and_then(|()| self.rekey(state, Some(row.id), also));
        if stored.is_err() {
            // Nobody is signed in by what was not stored.
            state.put_back(before);
        }
        stored?;
        state.key.as_ref().map(in_session).iter().for_each(Event::tell);
        Ok(())
    }

    fn sign_in(&self, state: &mut State, row: &UserRow) -> Result<(), Error> {
        let refuse = |error: serde_json::Error| Error::SessionValue {
            name: USER_ID.to_owned(),
            why: error.to_string(),
        };
        state.put(USER_ID, &row.id.to_string()).map_err(refuse)?;
        state.put(USER_BACKEND, &BACKEND).map_err(refuse)?;
        state.put(USER_HASH, &self.stamps.of(&row.password)).map_err(refuse)
    }
}

fn change(conn: &mut SharedConnection, row: &UserRow, before: &str) -> diesel::QueryResult<bool> {
    users::replace_password(conn, row.id, before, &row.password)
}

fn someone_was_faster(error: Error) -> Result<bool, Error> {
    match error {
        Error::Database { source: diesel::result::Error::NotFound, .. } => Ok(false),
        error => Err(error),
    }
}

fn refuse(username: &str, problem: &str) -> Error {
    Error::User { username: username.to_owned(), problem: problem.to_owned() }
}
