//! Texts for generated cases.

use std::hash::{BuildHasher, RandomState};

use super::dice::Dice;

/// As `HOUSEKEY_TEST_SEED` says, or as nobody knows beforehand; the seed is printed.
pub(crate) fn dice(test: &str) -> Dice {
    let given = std::env::var("HOUSEKEY_TEST_SEED").ok().and_then(|seed| seed.parse().ok());
    let seed = given.unwrap_or_else(|| RandomState::new().hash_one(test));
    eprintln!("{test}: HOUSEKEY_TEST_SEED={seed}");
    Dice(seed)
}

/// A letter of blocks that were full before Unicode 14, or that never will be.
pub(crate) fn letter(dice: &mut Dice) -> char {
    let ranges = [
        (0, 0x2ff),
        (0x2000, 0x2064),
        (0x2100, 0x218b),
        (0x3001, 0x303f),
        (0xe000, 0xe00f),
        (0xff01, 0xffbe),
        (0xfffc, 0xffff),
        (0x1_f600, 0x1_f64f),
    ];
    let (first, last) = ranges[dice.below(ranges.len())];
    let number = first + u32::try_from(dice.below(last - first as usize + 1)).unwrap();
    char::from_u32(number).unwrap()
}

pub(crate) fn text(dice: &mut Dice) -> String {
    let length = [0, 1, 3, 8, 20, 60][dice.below(6)];
    (0..length)
        .map(|_| match dice.below(6) {
            0 => letter(dice),
            1 => [':', '.', '-', '"', '\\', '/', '=', '\u{7f}', '\n'][dice.below(9)],
            _ => char::from(b' ' + u8::try_from(dice.below(95)).unwrap()),
        })
        .collect()
}

/// A text with one place changed.
pub(crate) fn bent(dice: &mut Dice, text: &str) -> String {
    let mut letters: Vec<char> = text.chars().collect();
    let at = dice.below(letters.len() + 1);
    match dice.below(5) {
        0 => letters.insert(at, letter(dice)),
        1 => letters.truncate(at),
        2 if at < letters.len() => letters[at] = letter(dice),
        3 if at < letters.len() => drop(letters.remove(at)),
        _ => letters.insert(at, ['=', ':', '.', 'A', '-'][dice.below(5)]),
    }
    letters.into_iter().collect()
}
