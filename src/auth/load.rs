//! From the cookie's value to the session and its user: shape and proof, one query, signature, stamp.

use serde_json::Value;

use super::{Auth, USER_BACKEND, USER_HASH, USER_ID};
use crate::auth::BACKEND;
use crate::error::Error;
use crate::events::EventKind;
use crate::session::codec::Decoded;
use crate::session::data::Data;
use crate::session::key::{Presented, Proof};
use crate::session::store::Row;
use crate::session::{CookieChange, Rejected, Session, SessionKey, State, store};
use crate::user::store as users;
use crate::user::store::UserRow;

impl Auth {
    /// `Err` means that the house is broken. A cookie that leads nowhere is an anonymous session that
    /// knows why.
    pub(crate) fn load(&self, cookie: Option<&str>) -> Result<Session, Error> {
        let Some(value) = cookie else { return Ok(Session::default()) };
        match self.find(value)? {
            Ok(state) => {
                if let Some(rejected) = state.rejected {
                    self.complain(rejected, value);
                }
                Ok(Session::from(state))
            }
            Err(rejected) => {
                self.complain(rejected, value);
                Ok(Session::refused(rejected))
            }
        }
    }

    fn find(&self, value: &str) -> Result<Result<State, Rejected>, Error> {
        let mut presented = match self.mint.read(value) {
            Ok(presented) => presented,
            Err(rejected) => return Ok(Err(rejected)),
        };
        let mut cookie = CookieChange::Keep;
        let mut found = self.row_of(&presented.key)?;
        if matches!(found, Err(Rejected::Gone))
            && let Some(successor) = self.successor(&presented.key)?
        {
            found = self.row_of(&successor.key)?;
            presented = successor;
            cookie = CookieChange::Set;
        }
        let row = match found {
            Ok(row) if row.alive => row,
            Ok(_) => return Ok(Err(Rejected::Expired)),
            Err(rejected) => return Ok(Err(rejected)),
        };
        let Decoded { data, key, written } = match self.codec.decode(&row.data) {
            Ok(decoded) => decoded,
            Err(undecodable) => return Ok(Err(undecodable.into())),
        };
        let mut state =
            State { key: Some(presented.key), data, stored: row.data, cookie, ..State::default() };
        self.renewals.note(&mut state, key);
        if let Proof::Fallback(key) = presented.proof {
            self.renewals.note(&mut state, key);
        }
        self.recognise(&mut state, row.user)?;
        self.note(&state, written);
        Ok(Ok(state))
    }

    /// The session's row, alive or not.
    pub(super) fn row_of(&self, key: &SessionKey) -> Result<Result<Row, Rejected>, Error> {
        match store::find(&self.shared, key) {
            Ok(row) => Ok(row.ok_or(Rejected::Gone)),
            Err(error) if error.is_strange_row() => Ok(Err(Rejected::Unreadable)),
            Err(error) => Err(error),
        }
    }

    /// Where a session went whose key was renewed a moment ago. Only a house with two keys renews any.
    pub(super) fn successor(&self, key: &SessionKey) -> Result<Option<Presented>, Error> {
        if self.renewals.has_one_key() {
            return Ok(None);
        }
        let successor = self.shared.run(|conn| store::successor(conn, key))?;
        Ok(successor.and_then(|key| self.mint.read(key.expose_secret()).ok()))
    }

    /// Finds out whose session this is (`django.contrib.auth.get_user`).
    fn recognise(&self, state: &mut State, known: Option<UserRow>) -> Result<(), Error> {
        let Some(id) = user_id(&state.data) else { return Ok(()) };
        if state.data.get::<String>(USER_BACKEND).as_deref() != Some(BACKEND) {
            return Ok(());
        }
        let row = match known.filter(|row| i64::from(row.id) == id) {
            Some(row) => Some(row),
            None => match users::find_by_id(&self.shared, id) {
                Err(error) if error.is_strange_row() => {
                    state.rejected = Some(Rejected::Unreadable);
                    return Ok(());
                }
                found => found?,
            },
        };
        let Some(row) = row.filter(|row| row.is_active) else {
            state.rejected = Some(Rejected::Inactive);
            return Ok(());
        };
        let stamp: String = state.data.get(USER_HASH).unwrap_or_default();
        match self.stamps.key_of(&row.password, &stamp) {
            Some(key) => {
                if self.renewals.note(state, key) {
                    self.sign_in(state, &row)?;
                    // The renewal's own change, and none of the request's.
                    state.changed.clear();
                }
            }
            None => return self.end_stale(state),
        }
        state.user = Some(row.into());
        Ok(())
    }

    /// The row was verified to be ours, and its login is void: it goes.
    fn end_stale(&self, state: &mut State) -> Result<(), Error> {
        if let Some(key) = &state.key {
            self.shared.run(|conn| store::delete(conn, key))?;
        }
        state.flush();
        state.rejected = Some(Rejected::StampMismatch);
        Ok(())
    }

    /// One line a second, however many cookies are bad: the first sign of apps with different keys.
    pub(super) fn complain(&self, rejected: Rejected, cookie: &str) {
        let is_key_trouble = matches!(rejected, Rejected::BadSignature | Rejected::UnknownKey);
        if !is_key_trouble && rejected != Rejected::Unreadable {
            tracing::debug!(app = self.app, %rejected, "session not accepted");
            return;
        }
        let Some(held_back) = self.complaints.may_speak() else { return };
        if is_key_trouble {
            let event = self.event(EventKind::KeyMismatch).in_session(cookie);
            self.note_event(event.detail(&rejected.to_string()));
        }
        let (app, signs_with) = (&self.app, &self.signs_with);
        if rejected == Rejected::BadSignature {
            let writer = self.last_writer(cookie);
            tracing::warn!(
                app,
                signs_with,
                held_back,
                "row signed by a key we do not have, fingerprint unknown; last app seen writing: {writer}; \
                 compare SECRET_KEY and SECRET_KEY_FALLBACKS over the apps of the house, Django's too"
            );
        } else {
            tracing::warn!(
                app,
                signs_with,
                held_back,
                %rejected,
                "session not accepted; if this goes on, compare SECRET_KEY over the apps of the house"
            );
        }
    }

    /// What is known of who wrote a session's row. It is asked at most once a second, for the log.
    pub(super) fn last_writer(&self, cookie: &str) -> String {
        let Ok(presented) = self.mint.read(cookie) else { return "unknown".to_owned() };
        match (store::app_of(&self.shared, &presented.key), presented.proof) {
            (Ok(Some(app)), Proof::None) => format!("`{app}`"),
            // We know the session key for ours, so the row was ours before another app wrote over it.
            (Ok(Some(app)), _) => format!("`{app}`, before one with another key wrote over it"),
            (Ok(None), Proof::None) => "a Django app".to_owned(),
            (Ok(None), _) => "an app with another key, over a session of ours".to_owned(),
            (Err(_), _) => "unknown".to_owned(),
        }
    }
}

/// A decimal text, as Django writes it, or a number.
pub(super) fn user_id(data: &Data) -> Option<i64> {
    match data.get::<Value>(USER_ID)? {
        Value::String(text) => text.trim().parse().ok(),
        Value::Number(number) => number.as_i64(),
        _ => None,
    }
}
