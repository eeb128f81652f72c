//! Which sessions are moved to the key that this app signs with: those that a key before holds together, and
//! not those of a key that is to come.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::db::SharedPool;
use crate::error::Error;
use crate::key::{Fingerprint, KeyRing};
use crate::registry::{HouseKey, KeyState, keys};
use crate::session::State;

/// For each key of the ring: is it one that was before?
pub(crate) struct Renewals(Vec<(Fingerprint, AtomicBool)>);

impl Renewals {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        let keys = ring.fingerprints().enumerate();
        Self(keys.map(|(place, key)| (key, AtomicBool::new(place > 0))).collect())
    }

    pub(crate) fn has_one_key(&self) -> bool {
        self.0.len() == 1
    }

    /// The places in the ring of those of these keys that are in it.
    pub(crate) fn places_of(&self, keys: &[HouseKey]) -> impl Iterator<Item = usize> {
        let is_one = |own: &Fingerprint| keys.iter().any(|key| key.fingerprint == own.to_string());
        let places = self.0.iter().enumerate();
        places.filter(move |(_, (own, _))| is_one(own)).map(|(place, _)| place)
    }

    /// That of the key at a place of the ring.
    pub(crate) fn fingerprint(&self, place: usize) -> Fingerprint {
        self.0[place].0
    }

    /// Takes note that the key at that place holds the session together. Is that a key from before?
    pub(crate) fn note(&self, state: &mut State, key: usize) -> bool {
        let is_old = self.is_old(key);
        if is_old {
            state.old_keys.push(key);
        }
        is_old
    }

    /// As far as is known without asking the registry.
    pub(super) fn is_old(&self, key: usize) -> bool {
        self.0.get(key).is_some_and(|(_, is_old)| is_old.load(Ordering::Relaxed))
    }

    /// Before a session is moved: since this app was opened, another one may have begun to sign with a key that
    /// is only a fallback here. Its sessions stay what they are, else the two would take turns to move them.
    pub(crate) fn look_again(
        &self,
        shared: &SharedPool,
        old_keys: &mut Vec<usize>,
    ) -> Result<(), Error> {
        if old_keys.is_empty() {
            return Ok(());
        }
        let house = shared.run(keys::all)?;
        for (fingerprint, is_old) in &self.0 {
            let fingerprint = fingerprint.to_string();
            let is_next = house.iter().any(|key| {
                matches!(key.state, KeyState::Staged | KeyState::Signing)
                    && key.fingerprint == fingerprint
            });
            if is_next {
                is_old.store(false, Ordering::Relaxed);
            }
        }
        old_keys.retain(|key| self.is_old(*key));
        Ok(())
    }
}
