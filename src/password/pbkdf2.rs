use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use pbkdf2::pbkdf2_hmac_array;
use sha1::Sha1;
use sha2::Sha256;

pub(super) const MAX_ITERATIONS: u32 = 10_000_000;

/// `ITERATIONS$SALT$BASE64`
pub(super) struct Pbkdf2<'a> {
    pub(super) iterations: u32,
    pub(super) salt: &'a str,
}

impl<'a> Pbkdf2<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Self> {
        let mut fields = text.splitn(3, '$');
        let iterations = fields.next()?.parse().ok()?;
        let salt = fields.next().filter(|salt| !salt.is_empty())?;
        fields.next()?;
        (1..=MAX_ITERATIONS).contains(&iterations).then_some(Self { iterations, salt })
    }

    pub(super) fn sha256(&self, password: &[u8]) -> String {
        let Self { iterations, salt } = self;
        #[cfg(test)]
        DONE.set(DONE.get() + u64::from(*iterations));
        let digest = pbkdf2_hmac_array::<Sha256, 32>(password, salt.as_bytes(), *iterations);
        format!("pbkdf2_sha256${iterations}${salt}${}", STANDARD.encode(digest))
    }

    pub(super) fn sha1(&self, password: &[u8]) -> String {
        let Self { iterations, salt } = self;
        let digest = pbkdf2_hmac_array::<Sha1, 20>(password, salt.as_bytes(), *iterations);
        format!("pbkdf2_sha1${iterations}${salt}${}", STANDARD.encode(digest))
    }
}

#[cfg(test)]
thread_local! {
    /// The iterations that this thread has done.
    pub(super) static DONE: std::cell::Cell<u64> = const { std::cell::Cell::new(0) };
}
