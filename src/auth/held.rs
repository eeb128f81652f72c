//! Which sessions an old key still holds together: by the proof in their session keys, by the signature of their
//! data, or by the stamp of the user's password.

use std::collections::BTreeMap;

use super::{Auth, USER_HASH, load};
use crate::error::Error;
use crate::registry::HouseKey;
use crate::session::Rejected;
use crate::session::data::Data;
use crate::session::key::{Proof, mark_of};
use crate::session::store;

impl Auth {
    /// How many living sessions would end with these keys. `progress` is told how many were looked at.
    pub(crate) fn sessions_held_by(
        &self,
        keys: &[HouseKey],
        mut progress: impl FnMut(usize),
    ) -> Result<usize, Error> {
        let places: Vec<usize> = self.renewals.places_of(keys).collect();
        let (mut held, mut seen, mut behind) = (0, 0, String::new());
        loop {
            let page = store::living_page(&self.shared, &behind)?;
            let Some((last, _)) = page.last() else { return Ok(held) };
            behind.clone_from(last);
            seen += page.len();
            let mut others = Vec::new();
            for (key, text) in &page {
                match self.codec.decode(text) {
                    _ if self.is_proved_by(key, keys, &places) => held += 1,
                    Ok(decoded) if places.contains(&decoded.key) => held += 1,
                    Ok(decoded) => others.push(decoded.data),
                    // Nobody's here, whatever the key.
                    Err(_) => {}
                }
            }
            held += self.stamped_by(&places, &others)?;
            progress(seen);
        }
    }

    fn is_proved_by(&self, session_key: &str, keys: &[HouseKey], places: &[usize]) -> bool {
        match self.mint.read(session_key) {
            Ok(presented) => {
                matches!(presented.proof, Proof::Fallback(place) if places.contains(&place))
            }
            Err(Rejected::UnknownKey) => {
                mark_of(session_key).is_some_and(|mark| keys.iter().any(|key| key.mark == mark))
            }
            Err(_) => false,
        }
    }

    fn stamped_by(&self, places: &[usize], sessions: &[Data]) -> Result<usize, Error> {
        let ids: Vec<i64> = sessions.iter().filter_map(load::user_id).collect();
        let found = self.user_rows(&ids)?;
        let passwords: BTreeMap<i64, String> =
            found.into_iter().map(|user| (user.id.into(), user.password)).collect();
        let is_stamped = |data: &&Data| {
            let stamp: String = data.get(USER_HASH).unwrap_or_default();
            let password = load::user_id(data).and_then(|id| passwords.get(&id));
            let place = password.and_then(|password| self.stamps.key_of(password, &stamp));
            place.is_some_and(|place| places.contains(&place))
        };
        Ok(sessions.iter().filter(is_stamped).count())
    }
}
