use std::cell::RefCell;
use std::io::Write as _;
use std::time::Duration;

use base64::Engine as _;
use base64::alphabet::URL_SAFE;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use chrono::{DateTime, Utc};
use flate2::{Compression, Decompress, FlushDecompress, Status};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{BadSignature, TimestampSigner, Verified};
use crate::json::{from_latin1, to_json};
use crate::key::KeyRing;

/// More than this is not an object but an attack by a holder of the key.
const MAX_UNPACKED: usize = 16 << 20;

thread_local! {
    /// Setting one up costs as much as unpacking a session.
    static UNPACKER: RefCell<Decompress> = RefCell::new(Decompress::new(true));
}

const BASE64: GeneralPurpose = GeneralPurpose::new(
    &URL_SAFE,
    GeneralPurposeConfig::new()
        .with_encode_padding(false)
        .with_decode_allow_trailing_bits(true)
        .with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Signs anything that has a JSON form, with the time (`django.core.signing.dumps` and `loads`).
///
/// ```
/// use housekey::{KeyRing, SecretKey, signing::ObjectSigner};
/// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
/// let (signer, now) = (ObjectSigner::new(&ring, "notes.invitation"), chrono::DateTime::UNIX_EPOCH);
/// let link = signer.dumps(&("ada", 7), now)?;
/// let (name, id): (String, i64) = signer.loads_within(&link, std::time::Duration::from_secs(60), now)?;
/// assert_eq!((name.as_str(), id), ("ada", 7));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct ObjectSigner(TimestampSigner);

impl ObjectSigner {
    /// A signer for the purpose named by `salt`; Django's own default is `django.core.signing`.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::ObjectSigner};
    /// let ring = KeyRing::new(SecretKey::dangerously_unchecked("k"));
    /// assert!(ObjectSigner::new(&ring, "notes").loads::<u8>("e30").is_err());
    /// ```
    #[must_use]
    pub fn new(ring: &KeyRing, salt: &str) -> Self {
        Self(TimestampSigner::new(ring, salt))
    }

    /// The value as signed text: JSON, base64, time, signature.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::ObjectSigner};
    /// let signer = ObjectSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// assert!(signer.dumps(&1.0, chrono::DateTime::UNIX_EPOCH)?.starts_with("MS4w:0:"));
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the value has no JSON form: a map whose keys are not texts.
    pub fn dumps(
        &self,
        value: &(impl Serialize + ?Sized),
        now: DateTime<Utc>,
    ) -> Result<String, serde_json::Error> {
        Ok(self.sign_json(&to_json(value)?, now))
    }

    /// The value as signed text, packed by zlib where that saves space (`compress=True`).
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::ObjectSigner};
    /// let signer = ObjectSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// let (long, now) = ("a".repeat(1000), chrono::DateTime::UNIX_EPOCH);
    /// assert!(signer.dumps_compressed(&long, now)?.len() < 100);
    /// # Ok::<(), serde_json::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the value has no JSON form: a map whose keys are not texts.
    pub fn dumps_compressed(
        &self,
        value: &(impl Serialize + ?Sized),
        now: DateTime<Utc>,
    ) -> Result<String, serde_json::Error> {
        let json = to_json(value)?;
        let packed = pack(json.as_bytes()).filter(|packed| packed.len() + 1 < json.len());
        Ok(match packed {
            Some(packed) => self.0.sign(&format!(".{}", BASE64.encode(packed)), now),
            None => self.sign_json(&json, now),
        })
    }

    /// The value, however long ago it was signed.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::ObjectSigner};
    /// let signer = ObjectSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// let signed = signer.dumps("hello", chrono::DateTime::UNIX_EPOCH)?;
    /// assert_eq!(signer.loads::<String>(&signed)?, "hello");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// [`BadSignature`]; its `Unreadable` when the value is of another type, unpacks to more than 16 MiB, or
    /// holds what only Python reads (`NaN`).
    pub fn loads<T: DeserializeOwned>(&self, signed: &str) -> Result<T, BadSignature> {
        read(self.0.unsign(signed)?.value)
    }

    /// The value, if it was signed at most `max_age` ago.
    ///
    /// ```
    /// use housekey::{KeyRing, SecretKey, signing::{BadSignature, ObjectSigner}};
    /// let signer = ObjectSigner::new(&KeyRing::new(SecretKey::dangerously_unchecked("k")), "notes");
    /// let (then, second) = (chrono::DateTime::UNIX_EPOCH, std::time::Duration::from_secs(1));
    /// let signed = signer.dumps("hello", then)?;
    /// let late = signer.loads_within::<String>(&signed, second, then + 2 * second);
    /// assert_eq!(late.unwrap_err(), BadSignature::Expired);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// As [`ObjectSigner::loads`], and [`BadSignature::Expired`].
    pub fn loads_within<T: DeserializeOwned>(
        &self,
        signed: &str,
        max_age: Duration,
        now: DateTime<Utc>,
    ) -> Result<T, BadSignature> {
        read(self.0.unsign_within(signed, max_age, now)?.value)
    }

    pub(crate) fn sign_json(&self, json: &str, now: DateTime<Utc>) -> String {
        self.0.sign(&BASE64.encode(json), now)
    }

    /// The JSON text that was signed, which key of the ring did it, and when (seconds since 1970).
    pub(crate) fn json_of(&self, signed: &str) -> Result<(String, usize, i64), BadSignature> {
        let (Verified { value, key }, at) = self.0.unstamp(signed)?;
        Ok((unwrap(value).ok_or(BadSignature::Unreadable)?, key, at))
    }
}

fn read<T: DeserializeOwned>(value: &str) -> Result<T, BadSignature> {
    let json = unwrap(value).ok_or(BadSignature::Unreadable)?;
    serde_json::from_str(&json).map_err(|_| BadSignature::Unreadable)
}

/// base64, which a leading `.` says is packed.
fn unwrap(value: &str) -> Option<String> {
    let json = match value.strip_prefix('.') {
        Some(packed) => unpack(&BASE64.decode(packed).ok()?)?,
        None => BASE64.decode(value).ok()?,
    };
    Some(from_latin1(json))
}

fn pack(json: &[u8]) -> Option<Vec<u8>> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), Compression::default());
    packer.write_all(json).ok()?;
    packer.finish().ok()
}

fn unpack(packed: &[u8]) -> Option<Vec<u8>> {
    UNPACKER.with_borrow_mut(|unpacker| {
        unpacker.reset(true);
        let mut json = Vec::with_capacity(packed.len().saturating_mul(4).min(MAX_UNPACKED));
        loop {
            let rest = packed.get(usize::try_from(unpacker.total_in()).ok()?..)?;
            let status = unpacker.decompress_vec(rest, &mut json, FlushDecompress::Finish).ok()?;
            if json.len() > MAX_UNPACKED {
                return None;
            }
            if status == Status::StreamEnd {
                return Some(json);
            }
            // There was room for more, and no more came: its end is missing.
            if json.len() < json.capacity() {
                return None;
            }
            json.reserve_exact(json.len().clamp(64, MAX_UNPACKED + 1));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::vectors::{ring, vectors};

    #[test]
    fn what_is_packed_comes_back_whatever_its_size_and_what_is_cut_does_not() {
        for size in [0, 1, 100, 10_000, 1 << 20, MAX_UNPACKED] {
            let json: Vec<_> = (0..size).map(|at| b"{}[]:,1"[at % 7]).collect();
            let packed = pack(&json).unwrap();
            assert_eq!(unpack(&packed), Some(json), "{size}");
            assert_eq!(unpack(&packed[..packed.len() - 1]), None, "{size}");
            assert_eq!(unpack(&packed[..packed.len() / 2]), None, "{size}");
        }
        assert_eq!(unpack(&pack(&vec![b' '; MAX_UNPACKED + 1]).unwrap()), None);
        assert_eq!(unpack(b""), None);
    }

    #[test]
    fn a_zip_bomb_is_refused_without_being_unpacked() {
        let ring = ring(&vectors("loads")[0]);
        let packed = pack(&vec![b' '; 64 << 20]).unwrap();
        let text = format!(".{}", BASE64.encode(packed));
        let bomb = TimestampSigner::new(&ring, "s").sign(&text, DateTime::UNIX_EPOCH);
        assert_eq!(ObjectSigner::new(&ring, "s").loads::<()>(&bomb), Err(BadSignature::Unreadable));
    }
}
