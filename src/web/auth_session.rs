use std::sync::Arc;
use std::time::Duration;

use super::Visit;
use crate::auth::Auth;
use crate::error::Error;
use crate::session::Session;
use crate::user::{Permissions, User};

/// Signs visitors in and out: the session with all that is done to it, none of which blocks async code.
///
/// ```
/// use axum::Form;
/// use housekey::Error;
/// use housekey::axum::{AuthSession, Next, SeeOther};
///
/// #[derive(serde::Deserialize)]
/// struct Credentials {
///     username: String,
///     password: String,
/// }
///
/// async fn login(
///     auth: AuthSession,
///     next: Next,
///     Form(form): Form<Credentials>,
/// ) -> Result<SeeOther, Error> {
///     match auth.authenticate(&form.username, &form.password).await? {
///         Some(user) => auth.login(&user).await?,
///         None => return Ok(SeeOther::to("/login?wrong")),
///     }
///     Ok(next.redirect_or("/"))
/// }
///
/// async fn logout(auth: AuthSession, next: Next) -> Result<SeeOther, Error> {
///     auth.logout().await?;
///     Ok(next.redirect_or("/"))
/// }
/// ```
#[derive(Clone)]
pub struct AuthSession {
    visit: Arc<Visit>,
    session: Session,
}

impl AuthSession {
    pub(crate) fn new(visit: Arc<Visit>, session: Session) -> Self {
        Self { visit, session }
    }

    /// Who is signed in.
    ///
    /// ```
    /// # use housekey::axum::AuthSession;
    /// async fn greet(auth: AuthSession) -> String {
    ///     auth.user().map_or("Hello!".to_owned(), |user| format!("Hello, {}!", user.username))
    /// }
    /// ```
    #[must_use]
    pub fn user(&self) -> Option<User> {
        // Without waiting for a database that hangs: until it answers nobody has signed in.
        self.session.try_state().and_then(|state| state.user.as_deref().cloned())
    }

    /// The session, for values of the app's own.
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn darken(auth: AuthSession) -> Result<(), Error> {
    ///     auth.session().insert("theme", "dark")
    /// }
    /// ```
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// The user of that name, if the password is right and the user is active: see
    /// [`Housekey::authenticate_from`](crate::Housekey::authenticate_from). Nobody is signed in by it.
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn is_right(auth: &AuthSession, password: &str) -> Result<bool, Error> {
    ///     Ok(auth.authenticate("ada", password).await?.is_some())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`] (as an answer: 429 with `Retry-After`) and [`Error::Busy`] (503);
    /// [`Error::NotBuiltIn`] (500); [`Error::Unreachable`], [`Error::PoolTimeout`], [`Error::Database`] and
    /// [`Error::Deadline`] (503).
    pub async fn authenticate(
        &self,
        username: &str,
        password: &str,
    ) -> Result<Option<User>, Error> {
        let (username, password) = (username.to_owned(), password.to_owned());
        let visitor = self.visit.peek(&self.session)?.visitor.clone();
        self.think(move |auth, _| auth.authenticate(&visitor, &username, &password)).await
    }

    /// Signs the user in: the session gets a new key, and is the user's in every app of the house.
    ///
    /// ```
    /// # use housekey::{Error, User, axum::AuthSession};
    /// async fn sign_in(auth: &AuthSession, user: &User) -> Result<(), Error> {
    ///     auth.login(user).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::login`](crate::Housekey::login), and [`Error::Deadline`].
    pub async fn login(&self, user: &User) -> Result<(), Error> {
        let user = user.clone();
        let session = self.session.clone();
        self.visit.front.look(move |auth| auth.login(&session, &user)).await
    }

    /// Ends the session, in every app of the house.
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn sign_out(auth: AuthSession) -> Result<(), Error> {
    ///     auth.logout().await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::logout`](crate::Housekey::logout), and [`Error::Deadline`].
    pub async fn logout(&self) -> Result<(), Error> {
        let session = self.session.clone();
        self.visit.front.look(move |auth| auth.logout(&session)).await
    }

    /// Gives who is signed in a new password, if the old one is right; `false` if it is not, or nobody is signed
    /// in. The user's other sessions end.
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn change(auth: AuthSession, old: &str, new: &str) -> Result<bool, Error> {
    ///     auth.change_password(old, new).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::change_password`](crate::Housekey::change_password), and [`Error::Deadline`].
    pub async fn change_password(&self, old: &str, new: &str) -> Result<bool, Error> {
        let Some(user) = self.user() else { return Ok(false) };
        let (old, new) = (old.to_owned(), new.to_owned());
        self.think(move |auth, session| auth.change_password(session, &user, &old, &new)).await
    }

    /// What who is signed in may do: nothing, when nobody is.
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn names(auth: AuthSession) -> Result<Vec<String>, Error> {
    ///     Ok(auth.permissions().await?.iter().map(str::to_owned).collect())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`], [`Error::Database`] and [`Error::Deadline`].
    pub async fn permissions(&self) -> Result<Permissions, Error> {
        let Some(user) = self.user() else { return Ok(Permissions::default()) };
        self.visit.front.permissions(&user).await
    }

    /// May who is signed in do this (Django's `has_perm`)?
    ///
    /// ```
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn may_approve(auth: &AuthSession) -> Result<bool, Error> {
    ///     auth.has_perm("billing.approve_invoice").await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`AuthSession::permissions`].
    pub async fn has_perm(&self, name: &str) -> Result<bool, Error> {
        Ok(self.permissions().await?.has_perm(name))
    }

    /// Was this session begun by a login within that time? See [`Fresh`](super::Fresh).
    ///
    /// ```
    /// # use std::time::Duration;
    /// # use housekey::{Error, axum::AuthSession};
    /// async fn may_delete(auth: &AuthSession) -> Result<bool, Error> {
    ///     auth.is_fresh(Duration::from_secs(300)).await
    /// }
    /// ```
    ///
    /// # Errors
    /// As [`AuthSession::permissions`].
    pub async fn is_fresh(&self, within: Duration) -> Result<bool, Error> {
        let key = self.visit.peek(&self.session)?.key.clone();
        self.visit.front.look(move |auth| auth.is_fresh(key.as_ref(), within.as_secs_f64())).await
    }

    /// Work with a password.
    async fn think<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Auth, &Session) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let session = self.session.clone();
        self.visit.front.think(move |auth| work(auth, &session)).await
    }
}

impl std::fmt::Debug for AuthSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("AuthSession").field(&self.session).finish()
    }
}
