//! A fuzzer in the tests: what comes from outside never panics and is never believed by accident.
//!
//! `HOUSEKEY_FUZZ_ROUNDS=10000000 cargo test --release --lib fuzz_ -- --nocapture` runs it for long;
//! `HOUSEKEY_FUZZ_SEED` repeats a run.

use std::hash::{BuildHasher, RandomState};

#[path = "../tests/it/support/dice.rs"]
#[expect(dead_code, reason = "the tests of promises throw them in more ways")]
mod dice;

use dice::Dice;

#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how long")]
fn setting(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

/// Shows the input that broke something.
struct Shown<'a>(&'a [u8], u64);

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        if std::thread::panicking() {
            let input = String::from_utf8_lossy(self.0);
            eprintln!("HOUSEKEY_FUZZ_SEED={}: {input:?}, as bytes {:?}", self.1, self.0);
        }
    }
}

/// Calls the target with the seeds, and with ever more distant descendants of them.
pub(crate) fn fuzz(seeds: &[Vec<u8>], mut target: impl FnMut(&[u8])) {
    let seed = setting("HOUSEKEY_FUZZ_SEED").unwrap_or_else(|| RandomState::new().hash_one("seed"));
    let mut dice = Dice(seed);
    let mut pool = seeds.to_vec();
    for round in 0..setting("HOUSEKEY_FUZZ_ROUNDS").unwrap_or(20_000) {
        let at = usize::try_from(round).unwrap();
        let input = match pool.get(at) {
            Some(input) if at < seeds.len() => input.clone(),
            _ => descendant(&mut dice, &pool),
        };
        let shown = Shown(&input, seed);
        target(&input);
        drop(shown);
        // A few stay, to have descendants of their own.
        if dice.below(8) == 0 && input.len() < 4096 {
            let place = seeds.len() + dice.below(64);
            if place < pool.len() {
                pool[place] = input;
            } else {
                pool.push(input);
            }
        }
    }
}

fn descendant(dice: &mut Dice, pool: &[Vec<u8>]) -> Vec<u8> {
    const ODD: [&[u8]; 24] = [
        b":",
        b"$",
        b"=",
        b";",
        b"\"",
        b"\\",
        b"//",
        b"\0",
        b"\xff",
        b"\xc3\xa4",
        b"%",
        b".",
        b",",
        b"-",
        b"[",
        b"]",
        b"{",
        b"}",
        b"99999999999999999999",
        b"-1",
        b"\r\n",
        b"\t",
        b"NaN",
        b"\xf0\x9f\x98\x80",
    ];
    let mut bytes = pool[dice.below(pool.len())].clone();
    for _ in 0..=dice.below(4) {
        let at = dice.below(bytes.len() + 1);
        match dice.below(7) {
            0 if at < bytes.len() => bytes[at] ^= 1 << dice.below(8),
            1 if at < bytes.len() => drop(bytes.remove(at)),
            2 => bytes.truncate(at),
            3 => {
                let other = &pool[dice.below(pool.len())];
                bytes.truncate(at);
                bytes.extend_from_slice(&other[dice.below(other.len() + 1)..]);
            }
            4 => {
                let end = at + dice.below(bytes.len() - at + 1);
                let piece = bytes[at..end].to_vec();
                bytes.splice(at..at, piece);
            }
            5 => drop(bytes.splice(at..at, ODD[dice.below(ODD.len())].iter().copied())),
            _ => bytes.insert(at, u8::try_from(dice.below(256)).unwrap()),
        }
    }
    bytes
}

/// The texts of a field of the vectors, to begin with.
pub(crate) fn seeds(sections: &[&str], field: &str) -> Vec<Vec<u8>> {
    let cases = sections.iter().flat_map(|section| crate::vectors::vectors(section));
    let texts = cases.filter_map(|case| Some(case[field].as_str()?.as_bytes().to_vec()));
    texts.filter(|text| text.len() < 2048).collect()
}
