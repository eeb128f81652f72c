//! Whose sessions are, as far as this process remembers. It is a guess, by which the user is read beside the session
//! without looking up first whose it is; what the session itself says proves it right or wrong.

use std::hash::{BuildHasher, RandomState};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::session::SessionKey;

const SHELVES: u64 = 1024;

/// On each shelf; all together take two megabytes in a busy house, and next to nothing in a small one.
const PLACES: u64 = 256;

pub(super) struct Owners {
    /// In each place the half of a key's hash, and a user's id.
    shelves: Box<[OnceLock<Box<[AtomicU64]>>]>,
    hasher: RandomState,
}

impl Default for Owners {
    fn default() -> Self {
        Self {
            shelves: (0..SHELVES).map(|_| OnceLock::new()).collect(),
            hasher: RandomState::new(),
        }
    }
}

impl Owners {
    pub(super) fn of(&self, key: &SessionKey) -> Option<i32> {
        let place = Place::of(&self.hasher, key);
        let held = self.shelves[place.shelf].get()?[place.on_it].load(Ordering::Relaxed);
        let [hash, id] = halves(held);
        (hash == place.hash && id != 0).then_some(id.cast_signed())
    }

    pub(super) fn learn(&self, key: &SessionKey, user_id: i32) {
        let place = Place::of(&self.hasher, key);
        let empty = || (0..PLACES).map(|_| AtomicU64::new(0)).collect();
        let held = u64::from(place.hash) << 32 | u64::from(user_id.cast_unsigned());
        self.shelves[place.shelf].get_or_init(empty)[place.on_it].store(held, Ordering::Relaxed);
    }
}

struct Place {
    shelf: usize,
    on_it: usize,
    hash: u32,
}

impl Place {
    fn of(hasher: &RandomState, key: &SessionKey) -> Self {
        let [hash, rest] = halves(hasher.hash_one(key.expose_secret()));
        let rest = u64::from(rest);
        let index = |number: u64| usize::try_from(number).unwrap_or(0);
        Self { shelf: index(rest % SHELVES), on_it: index(rest / SHELVES % PLACES), hash }
    }
}

fn halves(number: u64) -> [u32; 2] {
    [number >> 32, number & u64::from(u32::MAX)].map(|half| u32::try_from(half).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(number: i32) -> SessionKey {
        SessionKey::from_row(format!("{number:032}"))
    }

    #[test]
    fn most_of_what_was_learned_is_known_and_nothing_else_is() {
        let owners = Owners::default();
        assert_eq!(owners.of(&key(1)), None);
        (1..=10_000).for_each(|number| owners.learn(&key(number), number));
        let of = |number| owners.of(&key(number));
        // Some have lost their place to another.
        let known = (1..=10_000).filter(|number| of(*number) == Some(*number)).count();
        assert!(known > 9000, "{known}");
        assert!((10_001..20_000).all(|number| of(number).is_none()));
    }

    #[test]
    fn what_was_learned_last_holds() {
        let owners = Owners::default();
        for id in [1, i32::MAX, i32::MIN, -1] {
            owners.learn(&key(7), id);
            assert_eq!(owners.of(&key(7)), Some(id));
        }
    }
}
