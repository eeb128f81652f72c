//! Session data to signed text and back (`SessionBase.encode` and `decode` of
//! `django/contrib/sessions/backends/base.py`).
//!
//! ```text
//! eyJyZWQiOiJncmVlbiJ9:1veFHC:umzqH3e0EDI5o4tdOB5Itq6DAPGG4tUlh4MvlX3rplQ
//! '_ base64url JSON _' '_ time _' '_____________ signature _____________'
//! ```
//!
//! What Django packs is read here and not written: plain text decodes four times faster.

use chrono::{DateTime, Utc};

use super::data::Data;
use crate::key::KeyRing;
use crate::signing::{BadSignature, ObjectSigner};

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
    /// Seconds since 1970, by the clock of the app that wrote it.
    pub(crate) written: i64,
}

#[derive(Debug, Clone)]
pub(crate) struct Codec(ObjectSigner);

impl Codec {
    /// The salt is Django's `SessionStore.key_salt`.
    pub(crate) fn new(ring: &KeyRing, salt: &str) -> Self {
        Self(ObjectSigner::new(ring, salt))
    }

    pub(crate) fn encode(&self, data: &Data, now: DateTime<Utc>) -> String {
        self.0.sign_json(&data.to_json(), now)
    }

    /// The time inside is not looked at, as in Django: only the row's `expire_date` counts.
    pub(crate) fn decode(&self, text: &str) -> Result<Decoded, Undecodable> {
        let (json, key, written) = self.0.json_of(text).map_err(|bad| match bad {
            BadSignature::Mismatch => Undecodable::Signature,
            _ => Undecodable::Content,
        })?;
        let data = Data::from_json(json).ok_or(Undecodable::Content)?;
        Ok(Decoded { data, key, written })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{ring, text, vectors};

    /// Spellings of base64 that Python puts up with and no Django writes (`==` too many, `+/`): refused.
    const STRICTER: [&str; 2] = ["session_decode/133", "session_decode/144"];

    #[test]
    fn fuzz_session_decode() {
        let ring = ring(&vectors("session_decode")[0]);
        let codec = Codec::new(&ring, "s");
        let signer = ObjectSigner::new(&ring, "s");
        let seeds = crate::fuzz::seeds(&["session_encode", "session_decode", "dumps"], "payload");
        crate::fuzz::fuzz(&seeds, |bytes| {
            let text = String::from_utf8_lossy(bytes);
            assert!(codec.decode(&text).is_err());
            let Ok(decoded) = codec.decode(&signer.sign_json(&text, DateTime::UNIX_EPOCH)) else {
                return;
            };
            // What was read is written so that it is read again as the same.
            let again = codec.encode(&decoded.data, DateTime::UNIX_EPOCH);
            assert_eq!(codec.decode(&again).unwrap().data.to_json(), decoded.data.to_json());
        });
    }

    fn codec(case: &serde_json::Value) -> Codec {
        Codec::new(&ring(case), "django.contrib.sessions.SessionStore")
    }

    fn same_json(ours: &Data, theirs: &str) -> bool {
        let squeezed: String = ours.to_json();
        squeezed == theirs
            || Data::from_json(theirs.to_owned()).is_some_and(|data| data.to_json() == squeezed)
    }

    #[test]
    fn what_django_writes_is_read_and_written_alike() {
        for case in vectors("session_encode") {
            let codec = codec(&case);
            let (theirs, payload) = (text(&case, "session_data"), case["payload"].as_str());
            let decoded = codec.decode(theirs);
            let Some(payload) = payload else {
                assert!(decoded.is_ok(), "{}", case["id"]);
                continue;
            };
            let data = decoded.unwrap().data;
            assert_eq!(data.to_json(), payload, "{}", case["id"]);
            if !theirs.starts_with('.') {
                let at = DateTime::from_timestamp(case["at"].as_i64().unwrap(), 0).unwrap();
                assert_eq!(codec.encode(&data, at), theirs, "{}", case["id"]);
            }
        }
    }

    #[test]
    fn what_django_reads_is_read_and_what_it_refuses_is_refused() {
        for case in vectors("session_decode") {
            let decoded = codec(&case).decode(text(&case, "session_data"));
            let payload = case["payload"].as_str();
            let refused = case["refused"] == true;
            // Django breaks on a list or a number, answers 500, and wants us to refuse it.
            let refused = refused || case["tags"].to_string().contains("not-an-object");
            let refused = refused || STRICTER.iter().any(|id| case["id"] == *id);
            assert_eq!(decoded.is_err(), refused, "{}", case["id"]);
            if let (Ok(decoded), Some(payload)) = (decoded, payload) {
                let data = decoded.data;
                // To Python a number of that size is Infinity; we carry it as it stands.
                let same = same_json(&data, payload)
                    || same_json(&data, &payload.replace("Infinity", "1e400"));
                assert!(same, "{}: {data:?}", case["id"]);
            }
        }
    }
}
