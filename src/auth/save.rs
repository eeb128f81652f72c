//! Saving a session: never over what another request has written, never what was ended.

use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};

use super::{Auth, USER_HASH};
use crate::config::Saving;
use crate::db::{Moment, SharedConnection};
use crate::error::Error;
use crate::session::codec::Decoded;
use crate::session::data::Data;
use crate::session::expiry::{End, end};
use crate::session::{CookieChange, Session, SessionKey, State, owned, store};

/// How often a new key is drawn when one was taken: with 129 random bits, never.
const TRIES: usize = 3;

impl Auth {
    /// Is there anything to write? A session that holds nothing and has no row gets none.
    pub(crate) fn is_due(&self, state: &State) -> bool {
        let wanted = !state.changed.is_empty()
            || !state.old_keys.is_empty()
            || self.cookie.saving == Saving::EveryRequest;
        wanted && (state.key.is_some() || !state.data.is_empty())
    }

    /// Writes what the request has changed; no statement when that is nothing.
    pub(crate) fn save(&self, session: &Session) -> Result<(), Error> {
        let mut state = session.state();
        self.renewals.look_again(&self.shared, &mut state.old_keys)?;
        if !self.is_due(&state) {
            return Ok(());
        }
        let Some(key) = state.key.clone() else {
            return self.rekey(&mut state, None, |_, _| Ok(()));
        };
        let saved = if state.old_keys.is_empty() {
            self.update(&mut state)
        } else {
            self.renew(&mut state, &key)
        };
        self.lookups.is_changed(&key);
        saved
    }

    /// When the session ends, for its row and its cookie.
    pub(crate) fn end_of(&self, state: &State) -> End {
        end(&state.data, &self.cookie, self.clock.now())
    }

    /// Gives the session a new key: a new row with its data, the old one gone, and what else belongs
    /// to the same transaction.
    pub(super) fn rekey(
        &self,
        state: &mut State,
        owner: Option<i32>,
        also: impl Fn(&mut SharedConnection, &SessionKey) -> QueryResult<()>,
    ) -> Result<(), Error> {
        let text = self.codec.encode(&state.data, self.clock.now());
        let end = self.end_of(state).row;
        let (key, ()) = self.under_a_new_key(|conn, key| {
            also(conn, key)?;
            store::create(conn, key, &text, end)?;
            if let Some(user_id) = owner {
                store::own(conn, key, user_id, &self.app, &state.visitor)?;
            }
            match &state.key {
                Some(old) => Ok(store::delete(conn, old)?),
                None => Ok(()),
            }
        })?;
        state.key = Some(key);
        state.old_keys.clear();
        settle(state, text);
        Ok(())
    }

    /// Saves what was verified here under a new key, beside a row that an app with another key has written
    /// over meanwhile: that one is not ours to change, and the visitor's session goes on.
    fn leave(&self, state: &mut State) -> Result<(), Error> {
        tracing::warn!(
            app = self.app,
            signs_with = self.signs_with,
            "an app with another SECRET_KEY wrote over a session that this app had read; it goes on under a \
             new session key; compare SECRET_KEY over the apps of the house, Django's too"
        );
        let owner = owner_of(state);
        state.key = None;
        self.rekey(state, owner, |_, _| Ok(()))
    }

    /// Moves the session from a row that an old key holds together to a new one. Another request may have
    /// saved something meanwhile, which comes along; or have ended or renewed the session itself.
    fn renew(&self, state: &mut State, old: &SessionKey) -> Result<(), Error> {
        let owner = owner_of(state);
        let (key, found) = self.under_a_new_key(|conn, key| {
            let found = self.merged(conn, old, state)?;
            if let Found::Ours { text, end, .. } = &found {
                store::create(conn, key, text, *end)?;
                // In which app it was begun, and when, stays as it was, if that was written down.
                if !owned::hand_over(conn, old, key)?
                    && let Some(user_id) = owner
                {
                    let app = if old.is_djangos() { owned::DJANGO } else { &self.app };
                    store::own(conn, key, user_id, app, &state.visitor)?;
                }
                store::delete(conn, old)?;
                store::lead(conn, old, key)?;
            }
            Ok(found)
        })?;
        match found {
            Found::Ours { data, text, .. } => {
                state.data = data;
                state.key = Some(key);
                state.old_keys.clear();
                settle(state, text);
                Ok(())
            }
            Found::Foreign => self.leave(state),
            Found::Gone if state.changed.is_empty() => Ok(()),
            Found::Gone => self.follow(state, old),
        }
    }

    /// Saves to where another request has moved the session meanwhile; to nowhere when it was ended.
    fn follow(&self, state: &mut State, old: &SessionKey) -> Result<(), Error> {
        let Some(successor) = self.successor(old)? else {
            state.flush();
            return Err(Error::SessionGone);
        };
        state.key = Some(successor.key);
        state.old_keys.clear();
        self.update(state)
    }

    /// Runs a transaction that makes a row under a new key, with another key when that one is taken.
    fn under_a_new_key<T>(
        &self,
        work: impl Fn(&mut SharedConnection, &SessionKey) -> Result<T, Error>,
    ) -> Result<(SessionKey, T), Error> {
        let mut tries = TRIES;
        loop {
            let key = self.mint.mint();
            match self.shared.write(|conn| work(conn, &key)) {
                Ok(done) => return Ok((key, done)),
                Err(Error::Query(error)) if is_taken(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(error.settled()),
            }
        }
    }

    fn update(&self, state: &mut State) -> Result<(), Error> {
        let Some(key) = state.key.clone() else { return Ok(()) };
        let text = self.codec.encode(&state.data, self.clock.now());
        let end = self.end_of(state).row;
        if self.shared.run(|conn| store::update(conn, &key, &state.stored, &text, end))? {
            settle(state, text);
            return Ok(());
        }
        let found = self.shared.write(|conn| {
            let found = self.merged(conn, &key, state)?;
            if let Found::Ours { text, end, .. } = &found {
                store::replace(conn, &key, text, *end)?;
            }
            Ok(found)
        });
        match found.map_err(Error::settled)? {
            Found::Ours { data, text, .. } => {
                state.data = data;
                settle(state, text);
                Ok(())
            }
            Found::Foreign => self.leave(state),
            Found::Gone => self.follow(state, &key),
        }
    }

    /// What is in the row, locked, with this request's changes in it.
    fn merged(
        &self,
        conn: &mut SharedConnection,
        key: &SessionKey,
        state: &State,
    ) -> Result<Found, Error> {
        let Some(theirs) = store::find_locked(conn, key)? else { return Ok(Found::Gone) };
        let Ok(Decoded { mut data, .. }) = self.codec.decode(&theirs) else {
            return Ok(Found::Foreign);
        };
        for name in &state.changed {
            data.take_over(name, &state.data);
        }
        // A stamp that was changed meanwhile is of a stronger hash.
        let stamp = |data: &Data| data.get::<String>(USER_HASH);
        let read = || self.codec.decode(&state.stored).ok().and_then(|read| stamp(&read.data));
        if !state.old_keys.is_empty() && read() == stamp(&data) {
            data.take_over(USER_HASH, &state.data);
        }
        let text = self.codec.encode(&data, self.clock.now());
        let end = end(&data, &self.cookie, self.clock.now()).row;
        Ok(Found::Ours { data, text, end })
    }
}

/// What a save finds in the place of what was read.
enum Found {
    /// The row, with this request's changes in it.
    Ours { data: Data, text: String, end: Moment },
    /// A row that we cannot verify.
    Foreign,
    /// Nothing: the session was ended.
    Gone,
}

fn owner_of(state: &State) -> Option<i32> {
    state.user.as_ref().and_then(|user| i32::try_from(user.id).ok())
}

fn settle(state: &mut State, text: String) {
    state.stored = text.into();
    state.changed.clear();
    state.cookie = CookieChange::Set;
}

pub(super) fn is_taken(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}
