//! From the cookie's value to the session and its user: shape and proof, one query, signature, stamp.
//!
//! The look-up goes in steps, so that async code can wait between them and blocking code block.

use std::sync::Arc;

use super::{Auth, USER_BACKEND, USER_HASH, USER_ID};
use crate::auth::BACKEND;
use crate::error::Error;
use crate::events::EventKind;
use crate::lookup::{Found, Lookups};
use crate::session::codec::Decoded;
use crate::session::data::Data;
use crate::session::diary::{Noted, Seen};
use crate::session::find::{Row, Verified};
use crate::session::key::{Presented, Proof};
use crate::session::{CookieChange, Rejected, Session, SessionKey, State, store};
use crate::user::User;
use crate::user::store::UserRow;

/// Data of this length (in bytes) is not read on a thread that serves other visitors too.
#[cfg(feature = "_web")]
const LONG: usize = 64 * 1024;

/// How far a look-up has come.
pub(crate) enum Step {
    Done(Session),
    /// The row of a session is to be asked for.
    Row(Asked),
    /// The row of a user is to be asked for: nobody has written down whose session this is.
    User(Box<Opened>, i32),
    /// What takes a thread of its own: see [`Auth::take_time`].
    Longer(Box<Longer>),
}

/// A session that is looked for.
pub(crate) struct Asked {
    presented: Presented,
    /// What the cookie has to become once it is found.
    cookie: CookieChange,
}

/// A session whose data was verified.
pub(crate) struct Opened {
    state: State,
    /// Seconds since 1970, by the clock of the app that wrote it.
    written: i64,
    /// The place in the ring of the key that signed it.
    key: usize,
}

/// What writes, asks more of the database, or keeps a processor busy.
pub(crate) enum Longer {
    /// There is no such session: it may have been renewed a moment ago.
    Moved(SessionKey),
    #[cfg(feature = "_web")]
    Read(Asked, Arc<Row>),
    /// Its login is void.
    Stale(Box<Opened>),
    Foreign(SessionKey),
}

impl Asked {
    pub(crate) fn key(&self) -> &SessionKey {
        &self.presented.key
    }
}

impl Auth {
    pub(crate) fn lookups(&self) -> &Lookups {
        &self.lookups
    }

    /// `Err` means that the house is broken. A cookie that leads nowhere is an anonymous session that
    /// knows why.
    pub(crate) fn load(&self, cookie: Option<&str>) -> Result<Session, Error> {
        let Some(value) = cookie else { return Ok(Session::default()) };
        let mut step = self.begin_load(value);
        loop {
            step = match step {
                Step::Done(session) => return Ok(session),
                Step::Row(asked) => {
                    let found = self.lookups.session_now(asked.key())?;
                    self.with_row(asked, found)?
                }
                Step::User(opened, id) => self.with_user(opened, self.lookups.user_now(id))?,
                Step::Longer(longer) => self.take_time(*longer)?,
            }
        }
    }

    /// Asks nothing of the database.
    pub(crate) fn begin_load(&self, cookie: &str) -> Step {
        match self.mint.read(cookie) {
            Ok(presented) => Step::Row(Asked { presented, cookie: CookieChange::Keep }),
            Err(rejected) => {
                self.complain(rejected, cookie);
                Step::Done(Session::refused(rejected))
            }
        }
    }

    /// For a thread that serves other visitors too: what would keep it busy is left for another one.
    #[cfg(feature = "_web")]
    pub(crate) fn with_row_at_once(&self, asked: Asked, found: Found) -> Result<Step, Error> {
        match found {
            Ok(row) if row.data.len() > LONG => Ok(longer(Longer::Read(asked, row))),
            found => self.with_row(asked, found),
        }
    }

    fn with_row(&self, asked: Asked, found: Found) -> Result<Step, Error> {
        let Asked { presented, cookie } = asked;
        let row = match found {
            Ok(row) if row.alive => row,
            Ok(_) => return Ok(self.refuse(presented.key, Rejected::Expired)),
            Err(Rejected::Gone) if cookie == CookieChange::Keep && !self.renewals.has_one_key() => {
                return Ok(longer(Longer::Moved(presented.key)));
            }
            Err(rejected) => return Ok(self.refuse(presented.key, rejected)),
        };
        let verified = row.verified.get();
        if let Some(verified) = verified.filter(|verified| self.is_to_stay(verified, &presented)) {
            return Ok(self.known(presented.key, &row, verified));
        }
        let Decoded { data, key, written } = match self.codec.decode(&row.data) {
            Ok(decoded) => decoded,
            Err(undecodable) => return Ok(self.refuse(presented.key, undecodable.into())),
        };
        let (stored, user, kept) = match Arc::try_unwrap(row) {
            Ok(row) => (row.data, row.user, None),
            Err(row) => (Arc::clone(&row.data), row.user.clone(), Some(row)),
        };
        let mut state =
            State { key: Some(presented.key), data, stored, cookie, ..State::default() };
        self.renewals.note(&mut state, key);
        if let Proof::Fallback(key) = presented.proof {
            self.renewals.note(&mut state, key);
        }
        self.recognise(Opened { state, written, key }, user, kept.as_deref())
    }

    /// Does nothing that holds this login together have to be replaced?
    fn is_to_stay(&self, verified: &Verified, presented: &Presented) -> bool {
        let is_old = |key: usize| self.renewals.is_old(key);
        !verified.keys.into_iter().any(is_old) && !matches!(presented.proof, Proof::Fallback(_))
    }

    /// The same row was verified before.
    fn known(&self, key: SessionKey, row: &Row, verified: &Verified) -> Step {
        self.diary.note_kept(&verified.noted, &key, verified.seen);
        Step::Done(Session::from(State {
            key: Some(key),
            data: verified.data.clone(),
            stored: Arc::clone(&row.data),
            user: Some(Arc::clone(&verified.user)),
            ..State::default()
        }))
    }

    /// With the user that was asked for.
    pub(crate) fn with_user(
        &self,
        mut opened: Box<Opened>,
        found: Result<Option<UserRow>, Error>,
    ) -> Result<Step, Error> {
        opened.state.rejected = match found {
            Ok(Some(row)) => {
                if let Some(key) = &opened.state.key {
                    self.lookups.is_of(key, row.id);
                }
                // Of a user who does not stand in the session's row nobody would tell who keeps it.
                return self.stamped(*opened, row.into(), None);
            }
            Ok(None) => Some(Rejected::Inactive),
            Err(error) if error.is_strange_row() => Some(Rejected::Unreadable),
            Err(error) => return Err(error),
        };
        Ok(self.done(*opened))
    }

    /// On a thread where time may be taken.
    pub(crate) fn take_time(&self, what: Longer) -> Result<Step, Error> {
        match what {
            Longer::Moved(key) => Ok(match self.successor(&key)? {
                Some(presented) => Step::Row(Asked { presented, cookie: CookieChange::Set }),
                None => self.refuse(key, Rejected::Gone),
            }),
            #[cfg(feature = "_web")]
            Longer::Read(asked, row) => self.with_row(asked, Ok(row)),
            Longer::Stale(opened) => self.end_stale(*opened),
            Longer::Foreign(key) => {
                self.complain(Rejected::BadSignature, key.expose_secret());
                Ok(Step::Done(Session::refused(Rejected::BadSignature)))
            }
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
    fn recognise(
        &self,
        mut opened: Opened,
        known: Option<Arc<UserRow>>,
        kept: Option<&Row>,
    ) -> Result<Step, Error> {
        let data = &opened.state.data;
        let Some(id) = user_id(data) else { return Ok(self.done(opened)) };
        if data.text(USER_BACKEND).as_deref() != Some(BACKEND) {
            return Ok(self.done(opened));
        }
        match (known.filter(|row| i64::from(row.id) == id), i32::try_from(id)) {
            (Some(row), _) => self.stamped(opened, row, kept),
            (None, Ok(id)) => Ok(Step::User(Box::new(opened), id)),
            (None, Err(_)) => {
                opened.state.rejected = Some(Rejected::Inactive);
                Ok(self.done(opened))
            }
        }
    }

    /// Is the login this user's, as the user is now?
    fn stamped(
        &self,
        mut opened: Opened,
        row: Arc<UserRow>,
        kept: Option<&Row>,
    ) -> Result<Step, Error> {
        let state = &mut opened.state;
        if !row.is_active {
            state.rejected = Some(Rejected::Inactive);
            return Ok(self.done(opened));
        }
        let Some(key) = self.key_of_stamp(&state.data, &row.password) else {
            return Ok(longer(Longer::Stale(Box::new(opened))));
        };
        let is_renewed = self.renewals.note(state, key);
        if is_renewed {
            self.sign_in(state, &row)?;
            // The renewal's own change, and none of the request's.
            state.changed.clear();
        }
        let seen = Seen { user_id: row.id, written: opened.written };
        let user = Arc::new(User::from(Arc::unwrap_or_clone(row)));
        if let Some(Row { verified, .. }) = kept.filter(|_| !is_renewed) {
            let (data, user) = (state.data.clone(), Arc::clone(&user));
            let (keys, noted) = ([opened.key, key], Noted::default());
            // Another one may have been faster, with the same.
            let _ = verified.set(Verified { data, seen, keys, user, noted });
        }
        state.user = Some(user);
        Ok(self.done(opened))
    }

    /// Which key of the ring ties this login to that password hash, if one does.
    pub(super) fn key_of_stamp(&self, data: &Data, password: &str) -> Option<usize> {
        self.stamps.key_of(password, &data.text(USER_HASH).unwrap_or_default())
    }

    /// The row was verified to be ours, and its login is void: it goes, if it still is what was read. Else it is read
    /// again.
    fn end_stale(&self, mut opened: Opened) -> Result<Step, Error> {
        if let Some(key) = &opened.state.key {
            let stored = &opened.state.stored;
            let shown = key.expose_secret();
            self.lookups.is_changed(key);
            if !self.shared.transact(|conn| store::delete_unchanged(conn, shown, stored))?
                && let Ok(presented) = self.mint.read(shown)
            {
                return Ok(Step::Row(Asked { presented, cookie: opened.state.cookie }));
            }
        }
        opened.state.flush();
        opened.state.rejected = Some(Rejected::StampMismatch);
        Ok(self.done(opened))
    }

    fn done(&self, Opened { state, written, .. }: Opened) -> Step {
        if let Some(rejected) = state.rejected {
            let key = state.key.as_ref().map(SessionKey::expose_secret);
            self.complain(rejected, key.unwrap_or_default());
        }
        self.note(&state, written);
        Step::Done(Session::from(state))
    }

    fn refuse(&self, key: SessionKey, rejected: Rejected) -> Step {
        // Who wrote that row is asked for the log.
        if rejected == Rejected::BadSignature {
            return longer(Longer::Foreign(key));
        }
        self.complain(rejected, key.expose_secret());
        Step::Done(Session::refused(rejected))
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

fn longer(what: Longer) -> Step {
    Step::Longer(Box::new(what))
}

/// A decimal text, as Django writes it, or a number.
pub(super) fn user_id(data: &Data) -> Option<i64> {
    match data.text(USER_ID) {
        Some(text) => text.trim().parse().ok(),
        None => data.get(USER_ID),
    }
}
