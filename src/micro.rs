//! What a request costs beside its query, in parts that are not public: each beside one raw HMAC-SHA256 over as many bytes.
//!
//! ```text
//! cargo test --release --all-features --lib micro_ -- --ignored --nocapture
//! ```

use std::hint::black_box;
use std::time::Instant;

use chrono::DateTime;
use hmac::{Hmac, Mac};
use sha2::Sha256;

use crate::auth::stamp::Stamps;
use crate::key::hmac_state;
use crate::session::codec::Codec;
use crate::session::header;
use crate::session::key::Mint;
use crate::signing::{ObjectSigner, TimestampSigner};
use crate::vectors::{ring, text, vectors};

const ROUNDS: usize = 1_001;
const TURNS: u32 = 200;

/// Nanoseconds of each, turn by turn, so that what the machine does besides meets all of them: the medians.
fn side_by_side<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> [f64; N] {
    let mut times = [(); N].map(|()| Vec::with_capacity(ROUNDS));
    for _ in 0..ROUNDS {
        for (work, times) in works.iter_mut().zip(&mut times) {
            let start = Instant::now();
            (0..TURNS).for_each(|_| work());
            times.push(start.elapsed() / TURNS);
        }
    }
    times.map(|mut times| {
        times.sort_unstable();
        times[ROUNDS / 2].as_secs_f64() * 1e9
    })
}

struct Raw(Hmac<Sha256>);

impl Raw {
    fn new() -> Self {
        Self(hmac_state(b"a key that was set up before"))
    }

    fn of(&self, message: &[u8]) {
        black_box(self.0.clone().chain_update(black_box(message)).finalize().into_bytes());
    }
}

#[expect(clippy::print_stdout, reason = "its table is what it is for")]
fn tell(name: &str, ours: f64, raw: f64) {
    println!("{name:<40} {ours:>7.0} ns   raw HMAC {raw:>5.0} ns   ratio {:.2}", ours / raw);
}

#[test]
#[ignore = "a measurement, for release builds"]
fn micro_what_is_signed_costs_little_more_than_the_hmac() {
    let case = &vectors("session_encode")[17];
    let ring = ring(case);
    let raw = Raw::new();

    let signer = TimestampSigner::new(&ring, "notes");
    let value = signer.sign(&"v".repeat(57), DateTime::UNIX_EPOCH);
    let [hmac, verify] = side_by_side([&mut || raw.of(&[b'm'; 64]), &mut || {
        black_box(signer.unsign(black_box(&value))).unwrap();
    }]);
    tell("a signed value is verified", verify, hmac);

    let mint = Mint::new(&ring);
    let key = mint.mint();
    let header =
        format!("theme=dark; csrftoken={}; sessionid={}", "c".repeat(32), key.expose_secret());
    let stamps = Stamps::new(&ring);
    let hash =
        "pbkdf2_sha256$1000000$pepperpepperpepperpepp$ZtRtxb8LJiVXvTbRDJZCIWnwd7ZrHZlJWdPDpL/5pxM=";
    let stamp = stamps.of(hash);
    let [hmac, parse, proof, stamped] = side_by_side([
        &mut || raw.of(&[b'm'; 64]),
        &mut || {
            black_box(header::find(std::iter::once(black_box(header.as_bytes())), "sessionid"));
        },
        &mut || drop(black_box(mint.read(black_box(key.expose_secret()))).unwrap()),
        &mut || {
            black_box(stamps.key_of(black_box(hash), black_box(&stamp)));
        },
    ]);
    tell("the header `Cookie` is read", parse, hmac);
    tell("a session key proves itself", proof, hmac);
    tell("the stamp of the password is compared", stamped, hmac);
}

#[test]
#[ignore = "a measurement, for release builds"]
fn micro_a_session_is_read_from_its_row() {
    const SALT: &str = "django.contrib.sessions.SessionStore";
    let case = &vectors("session_encode")[17];
    let (ring, payload) = (ring(case), text(case, "payload"));
    let (codec, raw) = (Codec::new(&ring, SALT), Raw::new());
    let plain = ObjectSigner::new(&ring, SALT).sign_json(payload, DateTime::UNIX_EPOCH);
    let packed = text(case, "session_data");
    assert!(packed.starts_with('.') && !plain.starts_with('.'));
    let [hmac, ours, djangos] = side_by_side([
        &mut || raw.of(plain.as_bytes()),
        &mut || drop(black_box(codec.decode(black_box(&plain))).unwrap()),
        &mut || drop(black_box(codec.decode(black_box(packed))).unwrap()),
    ]);
    tell("a session, plain", ours, hmac);
    tell("a session, packed by Django", djangos, hmac);
}
