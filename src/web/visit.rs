//! One request's session: looked up when somebody asks, saved at the end.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use super::client::{DEVICE_COOKIE, Way};
use super::csrf_token::CsrfToken;
use super::head::Head;
use super::problem::Problem;
use super::{Front, cookie};
use crate::auth::Step;
use crate::config::{CookieSecurity, needs_https};
use crate::csrf::Secret;
use crate::error::Error;
use crate::session::visitor::Visitor;
use crate::session::{CookieChange, Session, State, header};

/// A request, seen from the house.
pub(crate) struct Visit {
    pub(crate) front: Arc<Front>,
    way: Way,
    cookie: Option<String>,
    session: OnceCell<Session>,
    csrf: Mutex<Csrf>,
    #[cfg(feature = "actix")]
    broken: Mutex<Option<Problem>>,
}

/// The secret that this visitor's forms are to know.
#[derive(Default)]
struct Csrf {
    /// Once it was used in this request: it goes into the cookie.
    secret: Option<Secret>,
    /// A login has changed it.
    rotated: bool,
}

/// Is the cookie for HTTPS alone?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flags {
    Secure,
    Plain,
}

/// How a visit ends: what is added to the answer, and what is said in its place.
#[derive(Default)]
pub(crate) struct End {
    pub(crate) outcome: Outcome,
    pub(crate) instead: Option<Problem>,
}

/// What the visit means for the response.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Did the handler ask for what depends on the visitor's cookies?
    pub(crate) asked: bool,
    pub(crate) set_cookies: Vec<String>,
    /// Does the response show what only this visitor may see?
    pub(crate) private: bool,
}

impl Visit {
    /// Asks nothing of the database.
    pub(crate) fn new(front: Arc<Front>, head: &impl Head) -> Self {
        let way = front.way(head);
        let cookie = header::find(head.lines("cookie"), &front.cookie.name).map(str::to_owned);
        Self {
            front,
            way,
            cookie,
            session: OnceCell::new(),
            csrf: Mutex::default(),
            #[cfg(feature = "actix")]
            broken: Mutex::default(),
        }
    }

    /// The house did not answer an extractor.
    #[cfg(feature = "actix")]
    pub(crate) fn broke(&self, problem: Problem) {
        *self.broken.lock().unwrap_or_else(PoisonError::into_inner) = Some(problem);
    }

    #[cfg(feature = "actix")]
    pub(crate) fn broken(&self) -> Option<Problem> {
        self.broken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    #[cfg(not(feature = "actix"))]
    #[expect(clippy::unused_self, reason = "there is nobody who would not hear of it")]
    fn broken(&self) -> Option<Problem> {
        None
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// What a form of this visitor must hold.
    pub(crate) fn token(self: &Arc<Self>, head: &impl Head) -> CsrfToken {
        let cookie = header::find(head.lines("cookie"), &self.front.csrf_cookie.cookie_name);
        CsrfToken { visit: Arc::clone(self), cookie: cookie.map(str::to_owned) }
    }

    /// A token for a form, from the secret in the visitor's CSRF cookie or from a new one.
    pub(crate) fn csrf_token(&self, cookie: Option<&str>) -> String {
        let mut csrf = self.csrf();
        self.rotate_after_login(&mut csrf);
        let known = || cookie.and_then(|cookie| Secret::from_cookie(cookie).ok());
        csrf.secret.get_or_insert_with(|| known().unwrap_or_else(Secret::generate)).mask()
    }

    fn csrf(&self) -> MutexGuard<'_, Csrf> {
        self.csrf.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who signs in gets a new secret: somebody else may have set the one before.
    fn rotate_after_login(&self, csrf: &mut Csrf) {
        let state = self.session.get().and_then(Session::try_state);
        if !csrf.rotated && state.is_some_and(|state| state.signed_in_now) {
            *csrf = Csrf { secret: Some(Secret::generate()), rotated: true };
        }
    }

    /// The session, looked up once a request; only then it is told who came.
    pub(crate) async fn session(
        &self,
        visitor: impl FnOnce() -> Visitor,
    ) -> Result<Session, Error> {
        if let Some(session) = self.session.get() {
            return Ok(session.clone());
        }
        let step = match &self.cookie {
            None => Step::Done(Session::default()),
            Some(value) => self.front.begin_session(value)?,
        };
        // What an extractor waits for is moved about with the request: it is kept small.
        if let Step::Done(session) = step {
            session.state().visitor = visitor();
            return match self.session.set(session.clone()) {
                Ok(()) => Ok(session),
                // Another extractor of this request has found it, or is about to.
                Err(_) => {
                    Box::pin(self.session.get_or_try_init(async || Ok(session))).await.cloned()
                }
            };
        }
        let look_up = async || {
            let session = self.front.end_session(step).await?;
            session.state().visitor = visitor();
            Ok(session)
        };
        Box::pin(self.session.get_or_try_init(look_up)).await.cloned()
    }

    /// As `end`, when nothing has to be saved and nothing is said in the answer's place.
    #[cfg(feature = "axum")]
    pub(crate) fn end_at_once(&self, status: u16) -> Option<End> {
        if self.broken().is_some() || self.is_due(status).ok()? {
            return None;
        }
        Some(End { outcome: self.outcome().ok()?, instead: None })
    }

    /// Saves what the handler has changed, whose answer has this status.
    pub(crate) async fn end(&self, status: u16) -> End {
        if status < 500
            && let Some(problem) = self.broken()
        {
            return End { outcome: self.after_failure(), instead: Some(problem) };
        }
        match self.commit(status).await {
            Ok(outcome) => End { outcome, instead: None },
            // The handler's answer speaks of changes that were not saved.
            Err(error) => End { outcome: self.after_failure(), instead: Some(Problem::of(&error)) },
        }
    }

    /// Saves the session, unless the response is a server error.
    async fn commit(&self, status: u16) -> Result<Outcome, Error> {
        if let Some(session) = self.session.get()
            && self.is_due(status)?
        {
            let session = session.clone();
            self.front.look(move |auth| auth.save(&session)).await?;
        }
        self.outcome()
    }

    /// Has the handler changed what is to be saved?
    fn is_due(&self, status: u16) -> Result<bool, Error> {
        let Some(session) = self.session.get() else { return Ok(false) };
        Ok(self.front.auth.is_due(&*self.peek(session)?) && status < 500)
    }

    /// What is to be told even when the session could not be saved: the key of a login that was stored.
    fn after_failure(&self) -> Outcome {
        let state = self.session.get().and_then(Session::try_state);
        if state.is_some_and(|state| state.cookie == CookieChange::Set) {
            return self.outcome().unwrap_or_default();
        }
        Outcome::default()
    }

    /// Without waiting: this is asked on a thread that serves other visitors too.
    pub(crate) fn peek<'s>(&self, session: &'s Session) -> Result<MutexGuard<'s, State>, Error> {
        session.try_state().ok_or(Error::Deadline { waited: self.front.deadline })
    }

    fn outcome(&self) -> Result<Outcome, Error> {
        let mut outcome = Outcome::default();
        if let Some(session) = self.session.get() {
            let state = self.peek(session)?;
            outcome.asked = true;
            outcome.private = state.user.is_some() || !state.data.is_empty();
            outcome.set_cookies.extend(self.session_cookie(&state));
            outcome.set_cookies.extend(self.device_cookie(&state));
        }
        let mut csrf = self.csrf();
        self.rotate_after_login(&mut csrf);
        if let Some(secret) = &csrf.secret {
            let now = self.front.clock.now();
            outcome.asked = true;
            let settings = &self.front.csrf_cookie;
            let flags = self.flags(&settings.cookie_name, settings.security);
            outcome.set_cookies.push(cookie::set_csrf(settings, secret.expose(), flags, now));
        }
        Ok(outcome)
    }

    fn session_cookie(&self, state: &State) -> Option<String> {
        let settings = &self.front.cookie;
        let flags = || self.flags(&settings.name, settings.security);
        match (state.cookie, &state.key) {
            (CookieChange::Set, Some(key)) => {
                let age = self.front.auth.end_of(state).cookie;
                let now = self.front.clock.now();
                Some(cookie::set(settings, key.expose_secret(), flags(), age, now))
            }
            (CookieChange::Delete, _) if self.cookie.is_some() => {
                Some(cookie::delete(settings, flags()))
            }
            _ => None,
        }
    }

    /// For who has proved a password by this request, in a browser that is not known as the user's yet.
    fn device_cookie(&self, state: &State) -> Option<String> {
        let device = state.device.as_deref()?;
        let settings = &self.front.cookie;
        let flags = self.flags(DEVICE_COOKIE, settings.security);
        Some(cookie::set_device(settings, device, flags, self.front.clock.now()))
    }

    /// Only within one machine a cookie may go in the clear unasked.
    fn flags(&self, name: &str, security: CookieSecurity) -> Flags {
        let flags = match (security, self.way) {
            _ if needs_https(name) => Flags::Secure,
            (CookieSecurity::AnyConnection, _)
            | (CookieSecurity::HttpsOrLoopback, Way::Loopback) => Flags::Plain,
            _ => Flags::Secure,
        };
        if flags == Flags::Secure && self.way == Way::Http {
            self.front.cookie_is_lost();
        }
        flags
    }
}
