//! Saving a session: never over what another request has written, never what was ended.

use diesel::result::{DatabaseErrorKind, Error as DieselError, QueryResult};

use super::{Auth, settled};
use crate::config::Saving;
use crate::db::SharedConnection;
use crate::error::Error;
use crate::session::codec::Decoded;
use crate::session::data::Data;
use crate::session::expiry::{End, end};
use crate::session::{CookieChange, Renewal, Session, SessionKey, State, store};

/// How often a new key is drawn when one was taken: with 129 random bits, never.
const TRIES: usize = 3;

impl Auth {
    /// Is there anything to write? A session that holds nothing and has no row gets none.
    pub(crate) fn is_due(&self, session: &Session) -> bool {
        let state = session.state();
        let wanted = !state.changed.is_empty()
            || state.renewal == Renewal::Due
            || self.cookie.saving == Saving::EveryRequest;
        wanted && (state.key.is_some() || !state.data.is_empty())
    }

    /// Writes what the request has changed; no statement when that is nothing.
    pub(crate) fn save(&self, session: &Session) -> Result<(), Error> {
        if !self.is_due(session) {
            return Ok(());
        }
        let mut state = session.state();
        if state.key.is_none() || state.renewal == Renewal::Due {
            let owner = state.user.as_ref().and_then(|user| i32::try_from(user.id).ok());
            return self.rekey(&mut state, owner, |_| Ok(()));
        }
        self.update(&mut state)
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
        also: impl Fn(&mut SharedConnection) -> QueryResult<()>,
    ) -> Result<(), Error> {
        let text = self.codec.encode(&state.data, self.clock.now());
        let end = self.end_of(state).row;
        let mut tries = TRIES;
        let key = loop {
            let key = self.mint.mint();
            let written = self.shared.write(|conn| {
                also(conn)?;
                store::create(conn, &key, &text, end)?;
                if let Some(user_id) = owner {
                    store::own(conn, &key, user_id, &self.app)?;
                }
                match &state.key {
                    Some(old) => Ok(store::delete(conn, old)?),
                    None => Ok(()),
                }
            });
            match written {
                Ok(()) => break key,
                Err(Error::Query(error)) if is_taken(&error) && tries > 0 => tries -= 1,
                Err(error) => return Err(settled(error)),
            }
        };
        state.key = Some(key);
        state.renewal = Renewal::None;
        settle(state, text);
        Ok(())
    }

    fn update(&self, state: &mut State) -> Result<(), Error> {
        let Some(key) = state.key.clone() else { return Ok(()) };
        let text = self.codec.encode(&state.data, self.clock.now());
        let end = self.end_of(state).row;
        if self.shared.run(|conn| store::update(conn, &key, &state.stored, &text, end))? {
            settle(state, text);
            return Ok(());
        }
        let merged = self.shared.write(|conn| self.merge(conn, &key, state));
        let Some((data, text)) = merged.map_err(settled)? else {
            state.flush();
            return Err(Error::SessionGone);
        };
        state.data = data;
        settle(state, text);
        Ok(())
    }

    /// Puts this request's changes into what another request has written; `None` when the session is
    /// gone, or was written over by an app with another key: then there is nothing to save into.
    fn merge(
        &self,
        conn: &mut SharedConnection,
        key: &SessionKey,
        state: &State,
    ) -> Result<Option<(Data, String)>, Error> {
        let Some(theirs) = store::find_locked(conn, key)? else { return Ok(None) };
        let Ok(Decoded { mut data, .. }) = self.codec.decode(&theirs) else { return Ok(None) };
        for name in &state.changed {
            data.take_over(name, &state.data);
        }
        let text = self.codec.encode(&data, self.clock.now());
        let end = end(&data, &self.cookie, self.clock.now()).row;
        Ok(store::update(conn, key, &theirs, &text, end)?.then_some((data, text)))
    }
}

fn settle(state: &mut State, text: String) {
    state.stored = text;
    state.changed.clear();
    state.cookie = CookieChange::Set;
}

fn is_taken(error: &DieselError) -> bool {
    matches!(error, DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _))
}
