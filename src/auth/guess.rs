//! The only way to a password: every guess is counted before it is looked at, and takes as long as any other.

use super::{Auth, USER_HASH};
use crate::db::SharedConnection;
use crate::error::Error;
use crate::events::EventKind;
use crate::gate::Pass;
use crate::password::{Hasher, NotBuiltIn, Verdict};
use crate::session::store;
use crate::session::visitor::Visitor;
use crate::throttle::store as throttle;
use crate::throttle::{Lanes, Reservation, Who};
use crate::user::User;
use crate::user::store as users;
use crate::user::store::UserRow;
use crate::username;

/// A guess that may be looked at: it has its place in the lanes, and a processor.
pub(super) struct Admitted<'a> {
    pub(super) reservation: Reservation,
    pub(super) pass: Pass<'a>,
}

impl Auth {
    /// The user of that name, if the password is right and the user may sign in.
    pub(crate) fn authenticate(
        &self,
        visitor: &Visitor,
        name: &str,
        password: &str,
    ) -> Result<Option<User>, Error> {
        let name = username::clean(name).unwrap_or_default();
        let row = self.readable_by_name(&name)?;
        let nonce = row.as_ref().and_then(|row| self.nonce_of(visitor, row));
        let who = match &nonce {
            Some(nonce) => Who::Device(nonce),
            None => Who::Stranger(visitor.address.parse().ok()),
        };
        let Admitted { reservation, pass } = self.admit(&name, who)?;
        let is_right = self.is_right(&pass, row.as_ref(), password)?;
        drop(pass);
        let user = row.map(User::from);
        if is_right {
            reservation.settle(&self.shared)?;
            return Ok(user);
        }
        self.record_failure(visitor, user.as_ref(), "", &reservation);
        Ok(None)
    }

    /// What was typed is not told: it is nobody's name, and may be a password.
    pub(super) fn record_failure(
        &self,
        visitor: &Visitor,
        user: Option<&User>,
        what: &str,
        reservation: &Reservation,
    ) {
        let event = |kind| {
            let event = self.event(kind).by(visitor);
            user.map_or_else(|| event.clone(), |user| event.clone().about(user))
        };
        let mut events = vec![event(EventKind::LoginFailed).detail(what)];
        if let Some(wait) = reservation.wait() {
            let wait = format!("{} s", wait.as_secs());
            events.push(event(EventKind::LoginThrottled).detail(&wait));
        }
        self.record_all(&events);
    }

    /// `false` when there is no such user.
    pub(crate) fn unlock(&self, name: &str) -> Result<bool, Error> {
        let Some(user) = self.find_user(name)? else { return Ok(false) };
        let event = self.event(EventKind::UserUnlocked).about(&user);
        self.also_recorded(&event, |conn| throttle::forget(conn, &user.username).map(|()| true))
    }

    /// A new value for the cookie of a browser in which the user has proved this password, unless it is known.
    pub(super) fn new_device(&self, visitor: &Visitor, row: &UserRow) -> Option<String> {
        let is_known = self.nonce_of(visitor, row).is_some();
        (!is_known).then(|| self.devices.make(row.id.into(), &row.password))
    }

    /// Of a user who is signed in already: guesses at the old password are counted, too.
    pub(super) fn admit_signed_in(&self, row: &UserRow) -> Result<Admitted<'_>, Error> {
        self.admit(&User::from(row.clone()).username, Who::SignedIn)
    }

    /// What has to wait leaves before it costs anything.
    fn admit(&self, name: &str, who: Who<'_>) -> Result<Admitted<'_>, Error> {
        let lanes = Lanes::of(name, who);
        lanes.look(&self.shared)?;
        let pass = self.gate.enter()?;
        Ok(Admitted { reservation: lanes.reserve(&self.shared)?, pass })
    }

    /// What tells this browser from others, if this user has signed in with it before.
    fn nonce_of(&self, visitor: &Visitor, row: &UserRow) -> Option<String> {
        let device = self.devices.read(visitor.device.as_deref()?)?;
        device.is_of(row).then_some(device.nonce)
    }

    fn is_right(
        &self,
        _: &Pass<'_>,
        row: Option<&UserRow>,
        password: &str,
    ) -> Result<bool, NotBuiltIn> {
        let found = match row {
            None => Found::Nobody,
            Some(row) if row.is_active => Found::MaySignIn(&row.password),
            Some(row) => Found::MayNot(&row.password),
        };
        match (judge(self.hasher, found, password), row) {
            (Verdict::Right, _) => Ok(true),
            (Verdict::RightButWeaker, Some(row)) => {
                self.upgrade(row, password);
                Ok(true)
            }
            (Verdict::NotBuiltIn(lacking), _) => Err(lacking),
            _ => Ok(false),
        }
    }

    /// Hashes anew at the house's cost. The login goes on when this fails, as with the weaker hash.
    fn upgrade(&self, row: &UserRow, password: &str) {
        let Ok(stronger) = self.hasher.hash(password) else { return };
        let upgraded = self.shared.write(|conn| {
            if users::replace_password(conn, row.id, &row.password, &stronger)? {
                self.restamp(conn, row, &stronger)?;
            }
            Ok(())
        });
        if let Err(error) = upgraded.map_err(Error::settled) {
            tracing::warn!(user = row.id, %error, "the password hash could not be made stronger");
        }
    }

    /// Lets the user's sessions outlive the new hash, as far as they are known to be the user's: those
    /// that were begun or seen in housekey apps.
    fn restamp(
        &self,
        conn: &mut SharedConnection,
        row: &UserRow,
        new_hash: &str,
    ) -> Result<(), Error> {
        for (key, text) in store::of_user(conn, row.id)? {
            let Ok(mut decoded) = self.codec.decode(&text) else { continue };
            if self.key_of_stamp(&decoded.data, &row.password).is_some()
                && decoded.data.insert(USER_HASH, &self.stamps.of(new_hash)).is_ok()
            {
                let renewed = self.codec.encode(&decoded.data, self.clock.now());
                store::replace_data(conn, &key, &text, &renewed)?;
            }
        }
        Ok(())
    }
}

/// Who has the name that was typed, with what stands in the column `password`.
#[derive(Clone, Copy)]
enum Found<'a> {
    Nobody,
    MayNot(&'a str),
    MaySignIn(&'a str),
}

/// A wrong password, an unknown name, a user without a password and one who may not sign in take the same work.
fn judge(hasher: Hasher, found: Found<'_>, password: &str) -> Verdict {
    match found {
        Found::Nobody => hasher.spend(password),
        Found::MayNot(encoded) => hasher.turn_away(password, encoded),
        Found::MaySignIn(encoded) => return hasher.verify(password, encoded),
    }
    Verdict::Wrong
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::password::{iterations_done, unusable};

    #[test]
    fn every_refusal_takes_the_work_of_one_hash() {
        let hasher = Hasher::pbkdf2_sha256(500);
        let of_house = hasher.hash("secret").unwrap();
        let cheap = Hasher::pbkdf2_sha256(20).hash("secret").unwrap();
        let unusable = unusable();
        let refused = [
            (Found::Nobody, "secret"),
            (Found::MaySignIn(&of_house), "wrong"),
            (Found::MaySignIn(&cheap), "wrong"),
            (Found::MaySignIn(&unusable), "secret"),
            (Found::MaySignIn("no hash"), "secret"),
            (Found::MaySignIn(""), ""),
            (Found::MayNot(&of_house), "wrong"),
            (Found::MayNot(&of_house), "secret"),
            (Found::MayNot(&cheap), "wrong"),
            (Found::MayNot(&cheap), "secret"),
            (Found::MayNot(&unusable), "secret"),
        ];
        for (number, (found, password)) in refused.into_iter().enumerate() {
            let before = iterations_done();
            assert_eq!(judge(hasher, found, password), Verdict::Wrong, "{number}");
            assert_eq!(iterations_done() - before, 500, "{number}");
        }
        let before = iterations_done();
        assert_eq!(judge(hasher, Found::MaySignIn(&cheap), "secret"), Verdict::RightButWeaker);
        assert_eq!(iterations_done() - before, 20);
    }
}
