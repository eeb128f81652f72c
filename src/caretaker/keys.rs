//! The keys of the house and the apps that have them: one key after another, and nobody is signed out.

use super::Caretaker;
use crate::error::Error;
use crate::key::SecretKey;
use crate::registry::{self, HouseKey, Instance, Profile, Seen, apps, keys};

/// What becomes of those whose sessions nothing but a retired key holds together.
///
/// ```
/// assert_ne!(housekey::SignOut::Nobody, housekey::SignOut::WhoeverIsLeft);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignOut {
    /// The key is not retired while there are such sessions.
    Nobody,
    /// They must sign in again: for a key that others may know.
    WhoeverIsLeft,
}

impl Caretaker {
    /// The keys that the house knows, the newest first.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// for key in house.keys()? {
    ///     println!("{} is {}", key.fingerprint, key.state);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn keys(&self) -> Result<Vec<HouseKey>, Error> {
        self.shared.run(keys::all)
    }

    /// The apps that were there lately, by name and host. Django apps do not report.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// for app in house.apps(housekey::Seen::default())? {
    ///     println!("{} on {}", app.app, app.host);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn apps(&self, within: Seen) -> Result<Vec<Instance>, Error> {
        self.auth.apps(within)
    }

    /// Forgets an app that is no more, on one host or on all, and says of how many hosts that was.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let hosts = house.forget_app("wiki", None)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn forget_app(&self, app: &str, host: Option<&str>) -> Result<usize, Error> {
        self.shared.transact(|conn| apps::forget(conn, app, host))
    }

    /// The first step to a new key: announces it. Then every app gets it in `SECRET_KEY_FALLBACKS`. A key that
    /// was announced before, and not promoted, is forgotten.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let next = housekey::SecretKey::new(housekey::key::generate())?;
    /// house.stage_key(&next)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Config`] for a key that the house has, or had; [`Error::Unreachable`], [`Error::PoolTimeout`]
    /// and [`Error::Database`].
    pub fn stage_key(&self, key: &SecretKey) -> Result<(), Error> {
        self.write(|conn| registry::stage(conn, key, &self.config.app_name))
    }

    /// The second step: the announced key is the one that signs, and its fingerprint is the answer. Then every
    /// app gets it as `SECRET_KEY`, and the key before as a fallback; sessions are moved as they are used.
    ///
    /// `others` are apps that the registry does not know, Django's, by the documents that they serve.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// println!("{} signs now", house.promote_key(housekey::Seen::default(), &[])?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyTooEarly`] while an app that was there lately does not verify it; [`Error::Config`] when
    /// none was announced, or it is not at hand; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`].
    pub fn promote_key(&self, within: Seen, others: &[Profile]) -> Result<String, Error> {
        // Else this would be the first to be locked out.
        self.is_at_hand(&self.shared.run(|conn| Ok(registry::staged(conn)?))?)?;
        self.write(|conn| registry::promote(conn, within, others))
    }

    /// The third step: no app is let in with the keys before any more; their fingerprints are the answer. Then
    /// every app may lose them from `SECRET_KEY_FALLBACKS`.
    ///
    /// Every session is read for that; `progress` is told how many have been.
    ///
    /// ```no_run
    /// use housekey::{Seen, SignOut};
    /// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
    /// let retired = house.retire_keys(Seen::default(), &[], SignOut::Nobody, |_| {})?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyInUse`] while an app signs with such a key, or a living session needs it;
    /// [`Error::Config`] when such a key is not at hand to tell; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn retire_keys(
        &self,
        within: Seen,
        others: &[Profile],
        sign_out: SignOut,
        progress: impl FnMut(usize),
    ) -> Result<Vec<String>, Error> {
        let keys = self.shared.run(|conn| Ok(registry::retirable(conn, within, others)?))?;
        if sign_out == SignOut::Nobody {
            self.nobody_needs(&keys, progress)?;
        }
        self.write(|conn| registry::retire(conn, within, others))
    }

    fn nobody_needs(&self, keys: &[HouseKey], progress: impl FnMut(usize)) -> Result<(), Error> {
        let Some(first) = keys.first() else { return Ok(()) };
        keys.iter().try_for_each(|key| self.is_at_hand(key))?;
        match self.auth.sessions_held_by(keys, progress)? {
            0 => Ok(()),
            sessions => {
                let (key, signing) = (first.fingerprint.clone(), Vec::new());
                Err(Error::KeyInUse { key, signing, sessions })
            }
        }
    }

    /// The operator's own settings have that key.
    fn is_at_hand(&self, key: &HouseKey) -> Result<(), Error> {
        if self.config.keys.iter().any(|ours| key.is(ours)) {
            return Ok(());
        }
        let key = &key.fingerprint;
        Err(Error::config(
            "SECRET_KEY_FALLBACKS",
            format!(
                "does not hold {key} here, where the key is changed from; put it there for this step"
            ),
        ))
    }
}
