//! Session data to signed text and back (`SessionBase.encode` and `decode` of
//! `django/contrib/sessions/backends/base.py`).
//!
//! ```text
//! eyJyZWQiOiJncmVlbiJ9:1veFHC:umzqH3e0EDI5o4tdOB5Itq6DAPGG4tUlh4MvlX3rplQ
//! '_ base64url JSON _' '_ time _' '_____________ signature _____________'
//! ```
//!
//! A leading `.` marks zlib, which Django writes when it saves space. It is read here and not written:
//! plain text decodes four times faster.

use std::io::Read;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};

use super::data::Data;
use crate::key::KeyRing;
use crate::signing::TimestampSigner;

/// `"django.contrib.sessions." + type(self).__qualname__`
const SALT: &str = "django.contrib.sessions.SessionStore";
/// More than this is no session but an attack by a holder of the key.
const MAX_UNPACKED: u64 = 16 << 20;

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Why a row's data cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Undecodable {
    /// Signed by a key that we do not have, or tampered with.
    Signature,
    /// Rightly signed, but not a JSON object that we can carry without loss.
    Content,
}

/// Data whose signature was verified.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) data: Data,
    /// 0 for the current key, more for fallbacks.
    pub(crate) key: usize,
}

#[derive(Debug, Clone)]
pub(crate) struct Codec(TimestampSigner);

impl Codec {
    pub(crate) fn new(ring: &KeyRing) -> Self {
        Self(TimestampSigner::new(ring, SALT))
    }

    pub(crate) fn encode(&self, data: &Data, now: DateTime<Utc>) -> String {
        self.0.sign(&BASE64.encode(data.to_json()), now)
    }

    /// The time inside is not looked at, as in Django: only the row's `expire_date` counts.
    pub(crate) fn decode(&self, text: &str) -> Result<Decoded, Undecodable> {
        use crate::signing::BadSignature::NoTimestamp;
        let verified = self.0.unsign(text).map_err(|bad| match bad {
            NoTimestamp => Undecodable::Content,
            _ => Undecodable::Signature,
        })?;
        let data = read_payload(verified.value).ok_or(Undecodable::Content)?;
        Ok(Decoded { data, key: verified.key })
    }
}

fn read_payload(text: &str) -> Option<Data> {
    let json = match text.strip_prefix('.') {
        Some(packed) => unpack(&BASE64.decode(packed).ok()?)?,
        None => BASE64.decode(text).ok()?,
    };
    // Django decodes latin-1; what it writes is ASCII, which is that and UTF-8.
    let latin1 = |bytes: Vec<u8>| bytes.into_iter().map(char::from).collect();
    let json = if json.is_ascii() { String::from_utf8(json).ok()? } else { latin1(json) };
    Data::from_json(&json)
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    let mut json = Vec::new();
    let mut reader = flate2::read::ZlibDecoder::new(packed).take(MAX_UNPACKED + 1);
    reader.read_to_end(&mut json).ok()?;
    (json.len() as u64 <= MAX_UNPACKED).then_some(json)
}
