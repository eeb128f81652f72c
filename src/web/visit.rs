//! One request's session: looked up when somebody asks, saved at the end.

use std::sync::MutexGuard;

use tokio::sync::OnceCell;

use super::{Front, cookie};
use crate::error::Error;
use crate::session::{CookieChange, Session, State};

/// A request, seen from the house.
pub(crate) struct Visit {
    front: Front,
    cookie: Option<String>,
    session: OnceCell<Session>,
}

/// What the visit means for the response.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Outcome {
    pub(crate) set_cookie: Option<String>,
    /// Does the response show what only this visitor may see?
    pub(crate) private: bool,
}

impl Visit {
    /// Asks nothing of the database.
    pub(crate) fn new<'a>(front: Front, cookies: impl Iterator<Item = &'a [u8]>) -> Self {
        let cookie = cookie::find(cookies, &front.cookie.name).map(str::to_owned);
        Self { front, cookie, session: OnceCell::new() }
    }

    pub(crate) fn login_url(&self) -> Option<&str> {
        self.front.login_url.as_deref()
    }

    /// The session, looked up once a request.
    pub(crate) async fn session(&self) -> Result<Session, Error> {
        let look_up = || async {
            match self.cookie.clone() {
                None => Ok(Session::default()),
                Some(value) => self.front.look(move |auth| auth.load(Some(&value))).await,
            }
        };
        self.session.get_or_try_init(look_up).await.cloned()
    }

    /// Saves the session, unless the response is a server error; `None` when nobody asked for it.
    pub(crate) async fn commit(&self, status: u16) -> Result<Option<Outcome>, Error> {
        let Some(session) = self.session.get() else { return Ok(None) };
        let is_due = self.front.auth.is_due(&*self.peek(session)?);
        if status < 500 && is_due {
            let session = session.clone();
            self.front.look(move |auth| auth.save(&session)).await?;
        }
        Ok(Some(self.outcome(&*self.peek(session)?)))
    }

    /// What is to be told even when the session could not be saved: the key of a login that was stored.
    pub(crate) fn after_failure(&self) -> Option<Outcome> {
        let state = self.session.get()?.try_state()?;
        (state.cookie == CookieChange::Set).then(|| self.outcome(&state))
    }

    /// Without waiting: this is asked on a thread that serves other visitors too.
    fn peek<'s>(&self, session: &'s Session) -> Result<MutexGuard<'s, State>, Error> {
        session.try_state().ok_or(Error::Deadline { waited: self.front.deadline })
    }

    fn outcome(&self, state: &State) -> Outcome {
        let settings = &self.front.cookie;
        let set_cookie = match (state.cookie, &state.key) {
            (CookieChange::Set, Some(key)) => {
                let age = self.front.auth.end_of(state).cookie;
                Some(cookie::set(settings, key.expose_secret(), age, self.front.clock.now()))
            }
            (CookieChange::Delete, _) if self.cookie.is_some() => Some(cookie::delete(settings)),
            _ => None,
        };
        let private = set_cookie.is_some() || state.user.is_some() || !state.data.is_empty();
        Outcome { set_cookie, private }
    }
}
