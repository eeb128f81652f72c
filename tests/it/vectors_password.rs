//! Password hashes that Django 5.2.19 made, and what it answered about them.

use housekey::password::{Hasher, Verdict, identify, is_usable};
use serde_json::Value;

use crate::support::vectors;

/// A wrong answer takes as long as one preferred hash, and does not hang on how long that is.
const CHEAP: u32 = 1;

/// Two hashers that Django has, but not among its default `PASSWORD_HASHERS`: raw bcrypt cuts
/// passwords at 72 bytes or a NUL, and a salted MD5 is as good as none. Here no password is right.
fn is_left_out(encoded: &str) -> bool {
    encoded.starts_with("bcrypt$") || encoded.starts_with("md5$")
}

fn text<'a>(vector: &'a Value, field: &str) -> &'a str {
    vector[field].as_str().unwrap_or_else(|| panic!("no {field} in {vector}"))
}

#[test]
fn every_hash_django_encodes_is_right_here() {
    let hasher = Hasher::pbkdf2_sha256(CHEAP);
    let (mut right, mut left_out, mut not_text) = (0, 0, 0);
    for vector in vectors("password_encode") {
        let encoded = text(&vector, "encoded");
        let Some(password) = vector["password"].as_str() else {
            // `verify` takes UTF-8; the unit tests of `password` hash these bytes.
            assert_eq!(vector["password_b64"], "//6AkQ==");
            not_text += 1;
            continue;
        };
        let wrong = hasher.verify(&format!("{password}x"), encoded);
        assert_eq!(wrong, Verdict::Wrong, "{vector}");
        let verdict = hasher.verify(password, encoded);
        if is_left_out(encoded) {
            assert_eq!(verdict, Verdict::Wrong, "{vector}");
            left_out += 1;
        } else {
            assert_ne!(verdict, Verdict::Wrong, "{vector}");
            right += 1;
        }
    }
    assert_eq!((right, left_out, not_text), (68, 13, 1));
}

#[test]
fn verdicts_are_those_of_django() {
    let mut left_out = 0;
    for vector in vectors("password_verify") {
        let encoded = text(&vector, "encoded");
        assert_eq!(vector["preferred"]["algorithm"], "pbkdf2_sha256", "{vector}");
        let right_in_django = vector["expect"] == true;
        let right = right_in_django && !is_left_out(encoded);
        left_out += usize::from(right_in_django && !right);
        let preferred = vector["preferred"]["iterations"].as_u64().unwrap();
        let preferred = if right { u32::try_from(preferred).unwrap() } else { CHEAP };

        let expected = if !right {
            // Also where Django raises ("error"): a login must not end in a 500.
            Verdict::Wrong
        } else if vector["must_update"] == true
            && is_pbkdf2(encoded)
            && !is_stronger(encoded, preferred)
        {
            Verdict::RightButWeaker
        } else {
            Verdict::Right
        };
        let verdict = Hasher::pbkdf2_sha256(preferred).verify(text(&vector, "password"), encoded);
        assert_eq!(verdict, expected, "{vector}");
    }
    assert_eq!(left_out, 2);
}

/// Django re-hashes what is of another algorithm than it prefers; a house with a Django that prefers
/// another one than we do would never come to rest.
fn is_pbkdf2(encoded: &str) -> bool {
    encoded.starts_with("pbkdf2_")
}

/// Django re-hashes these too, downward; a house of two costs would never come to rest.
fn is_stronger(encoded: &str, preferred: u32) -> bool {
    let mut fields = encoded.split('$');
    fields.next() == Some("pbkdf2_sha256")
        && fields.next().unwrap().parse::<u32>().unwrap() > preferred
        && fields.next().unwrap().len() >= 22
}

#[test]
fn algorithms_are_identified_as_by_django() {
    for vector in vectors("password_identify") {
        let encoded = text(&vector, "encoded");
        let algorithm = identify(encoded).map(|algorithm| algorithm.to_string());
        let expected = vector["algorithm"].as_str().filter(|_| !is_left_out(encoded));
        assert_eq!(algorithm.as_deref(), expected, "{vector}");
        assert_eq!(is_usable(encoded), vector["usable"], "{vector}");
    }
}

#[test]
fn no_mutated_hash_is_right_or_panics() {
    let hasher = Hasher::pbkdf2_sha256(CHEAP);
    let mut dice = Dice(0x5eed);
    for round in 0..20_000 {
        let original = ORIGINALS[dice.below(ORIGINALS.len())];
        let mut mutated = original.to_string();
        for _ in 0..=dice.below(3) {
            dice.mutate(&mut mutated);
        }
        let wrong = hasher.verify(PASSWORD, &mutated) == Verdict::Wrong;
        // The letter of a bcrypt version is in the text alone: `$2a$` hashes as `$2b$` does.
        let same = bcrypt_2b(&mutated) == original;
        assert_eq!(wrong, !same, "round {round}: {mutated:?}");
    }
}

fn bcrypt_2b(encoded: &str) -> String {
    ["$2a$", "$2x$", "$2y$"]
        .iter()
        .fold(encoded.into(), |text, letter| text.replace(letter, "$2b$"))
}

const PASSWORD: &str = "p\u{e4}ssw\u{f6}rd";
const ORIGINALS: [&str; 8] = [
    "pbkdf2_sha256$7$ibncOld7yiY0v0dPAqfefo$g8a7YkFg9mtq9YvyX0/x6Jxbp9eRDtpFHz3NA2KcHlc=",
    "pbkdf2_sha1$5$ibncOld7yiY0v0dPAqfefo$XoDGzcMXF/WtWKu0wdMUwHy8v8U=",
    "argon2$argon2id$v=19$m=64,t=2,p=2$VkRzSzNnZUlUdFJnMGVqdg$WRWZslrAfFsnw+8zF8RJgZ+xPoW+TBAoJXXyKtpFtGM",
    "argon2$argon2i$v=19$m=64,t=2,p=2$SVQ1TXRPa2I3YURzNzBVbw$P1u5SMNpJEtc1tKerJDacWlg0OWnQr8rbiAqRf3MsfU",
    "argon2$argon2d$v=16$m=64,t=2,p=2$TkFib2pKQ09leVdiRDNVZg$vrySn2wy3jHDlMJO2YxbRReY8+qWnQNp7dtJcShzph8",
    "argon2$argon2d$m=64,t=2,p=2$TkFib2pKQ09leVdiRDNVZg$vrySn2wy3jHDlMJO2YxbRReY8+qWnQNp7dtJcShzph8",
    "bcrypt_sha256$$2b$04$GEk3KIFImPRKjo9jLCXaL.PYn79MclGlebbozjL/1.DPpFudLaLmC",
    "scrypt$16$ibncOld7yiY0v0dPAqfefo$8$1$Ol5tfK6UGJTevtF26fqBI189FScKfCABuhf1hm+Spnj2kn+Yaiueva1ZkCq1DajTMkbm6tm5uDioLQVoZ80rHQ==",
];

const LETTERS: &str = "$019aZ=,-+ \0/\u{e4}\u{20ac}\u{1f511}";

/// A xorshift generator: the same numbers on every run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % limit
    }

    fn mutate(&mut self, text: &mut String) {
        let mut letters: Vec<char> = text.chars().collect();
        let place = self.below(letters.len() + 1);
        let letter = LETTERS.chars().nth(self.below(LETTERS.chars().count())).unwrap();
        match self.below(5) {
            0 => letters.insert(place, letter),
            1 => letters.truncate(place),
            2 if place < letters.len() => drop(letters.remove(place)),
            3 => letters.extend_from_within(place..),
            _ if place < letters.len() => letters[place] = letter,
            _ => letters.push(letter),
        }
        *text = letters.into_iter().collect();
    }
}
