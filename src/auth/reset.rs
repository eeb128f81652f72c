//! Links for who has forgotten the password (`PasswordResetTokenGenerator` of
//! `django/contrib/auth/tokens.py`).

use super::Auth;
use crate::error::Error;
use crate::events::EventKind;
use crate::password::is_usable;
use crate::reset::{Subject, decode_uid, encode_uid, seconds_since_2001};
use crate::throttle::store as throttle;
use crate::user::store as users;
use crate::user::store::UserRow;
use crate::user::{ResetLink, User};

impl Auth {
    /// For whom Django's `PasswordResetForm` would send a mail.
    pub(crate) fn reset_link(&self, user: &User) -> Result<Option<ResetLink>, Error> {
        let row = self.readable_by_id(user.id)?;
        let row = row.filter(|row| row.is_active && is_usable(&row.password));
        Ok(row.map(|row| self.link_of(&row)))
    }

    /// For whomever, and whatever the password is.
    pub(crate) fn link_of(&self, row: &UserRow) -> ResetLink {
        let now = seconds_since_2001(self.clock.now());
        ResetLink { uid: encode_uid(row.id.into()), token: self.resets.make(&subject(row), now) }
    }

    pub(crate) fn user_of_reset(&self, uid: &str, token: &str) -> Result<Option<User>, Error> {
        Ok(self.row_of_reset(uid, token)?.map(User::from))
    }

    /// The token was made for the old hash, so it is worth nothing afterwards; and of two who redeem it at
    /// once, one is too late.
    pub(crate) fn reset_password(&self, uid: &str, token: &str, new: &str) -> Result<bool, Error> {
        let Some(row) = self.row_of_reset(uid, token)? else { return Ok(false) };
        let user = User::from(row.clone());
        let hash = self.hash(&self.gate.enter()?, &user.username, new)?;
        let event = self.event(EventKind::PasswordReset).about(&user).detail("by a link");
        self.also_recorded(&event, |conn| {
            // Who was kept out by guesses of others is let in with the new one.
            throttle::forget(conn, &user.username)?;
            users::replace_password(conn, row.id, &row.password, &hash)
        })
    }

    /// How long a link is good.
    #[cfg(feature = "pages")]
    pub(crate) fn reset_timeout(&self) -> std::time::Duration {
        self.reset_timeout
    }

    fn row_of_reset(&self, uid: &str, token: &str) -> Result<Option<UserRow>, Error> {
        let Some(id) = decode_uid(uid) else { return Ok(None) };
        let row = self.readable_by_id(id)?;
        let timeout = self.reset_timeout.as_secs();
        let now = seconds_since_2001(self.clock.now());
        Ok(row.filter(|row| self.resets.check(&subject(row), token, now, timeout)))
    }
}

fn subject(row: &UserRow) -> Subject<'_> {
    Subject {
        id: row.id.into(),
        password: &row.password,
        last_login: row.last_login,
        email: &row.email,
    }
}
