//! Which sessions an old key still holds together: by the proof in their session keys, by the signature of their
//! data, or by the stamp of the user's password.

use std::collections::BTreeMap;

use super::{Auth, load};
use crate::error::Error;
use crate::registry::HouseKey;
use crate::session::data::Data;
use crate::session::key::Proof;

impl Auth {
    /// How many living sessions would end with these keys, which are in the ring. `progress` is told how many were
    /// looked at.
    pub(crate) fn sessions_held_by(
        &self,
        keys: &[HouseKey],
        mut progress: impl FnMut(usize),
    ) -> Result<usize, Error> {
        let places: Vec<usize> = self.renewals.places_of(keys).collect();
        let (mut held, mut seen) = (0, 0);
        self.meet_living(|page| {
            let mut others = Vec::new();
            for (key, text) in &page {
                if self.is_proved_by(key, &places) {
                    held += 1;
                    continue;
                }
                match self.codec.decode(text) {
                    Ok(decoded) if places.contains(&decoded.key) => held += 1,
                    Ok(decoded) => others.push(decoded.data),
                    // Nobody's here, whatever the key.
                    Err(_) => {}
                }
            }
            held += self.stamped_by(&places, &others)?;
            seen += page.len();
            progress(seen);
            Ok(())
        })?;
        Ok(held)
    }

    fn is_proved_by(&self, session_key: &str, places: &[usize]) -> bool {
        let proof = self.mint.read(session_key).map(|presented| presented.proof);
        matches!(proof, Ok(Proof::Fallback(place)) if places.contains(&place))
    }

    fn stamped_by(&self, places: &[usize], sessions: &[Data]) -> Result<usize, Error> {
        let ids: Vec<i64> = sessions.iter().filter_map(load::user_id).collect();
        let found = self.user_rows(&ids)?;
        let passwords: BTreeMap<i64, String> =
            found.into_iter().map(|user| (user.id.into(), user.password)).collect();
        let is_stamped = |data: &&Data| {
            let password = load::user_id(data).and_then(|id| passwords.get(&id));
            let place = password.and_then(|password| self.key_of_stamp(data, password));
            place.is_some_and(|place| places.contains(&place))
        };
        Ok(sessions.iter().filter(is_stamped).count())
    }
}
