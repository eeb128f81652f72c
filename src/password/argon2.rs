use argon2::{Algorithm, Params, Version};
use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;

use super::algorithm::ARGON2_COSTS;

const MAX_KIBIBYTES: u32 = 1 << 20;
const MAX_PASSES: u32 = 20;
const MAX_LANES: u32 = 64;

/// `argon2id$v=19$m=102400,t=2,p=8$SALT$DIGEST`
pub(super) struct Argon2 {
    variant: Algorithm,
    version: Option<Version>,
    params: Params,
    salt: Vec<u8>,
    digest_length: usize,
}

impl Argon2 {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('$').peekable();
        let variant = fields.next()?.parse().ok()?;
        let version = match fields.next_if(|field| field.starts_with("v=")) {
            None => None,
            Some("v=16") => Some(Version::V0x10),
            Some("v=19") => Some(Version::V0x13),
            Some(_) => return None,
        };
        let params = parse_costs(fields.next()?)?;
        let salt = STANDARD_NO_PAD.decode(fields.next()?).ok()?;
        let digest_length = STANDARD_NO_PAD.decode(fields.next()?).ok()?.len();
        Some(Self { variant, version, params, salt, digest_length })
    }

    /// Its salt is the text's bytes.
    pub(super) fn fresh(salt: &str) -> Option<Self> {
        let [memory, passes, lanes] = ARGON2_COSTS;
        Some(Self {
            variant: Algorithm::Argon2id,
            version: Some(Version::V0x13),
            params: Params::new(memory, passes, lanes, None).ok()?,
            salt: salt.into(),
            digest_length: 32,
        })
    }

    pub(super) fn costs(&self) -> [u64; 3] {
        [self.params.m_cost(), self.params.t_cost(), self.params.p_cost()].map(u64::from)
    }

    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        // The texts of version 16 were at first written without its number.
        let version = self.version.unwrap_or(Version::V0x10);
        let hasher = argon2::Argon2::new(self.variant, version, self.params.clone());
        let mut digest = vec![0; self.digest_length];
        hasher.hash_password_into(password, &self.salt, &mut digest).ok()?;

        let variant = self.variant.as_str();
        let version = self.version.map_or(String::new(), |v| format!("v={}$", u32::from(v)));
        let [m, t, p] = self.costs();
        let [salt, digest] = [&self.salt, &digest].map(|bytes| STANDARD_NO_PAD.encode(bytes));
        Some(format!("argon2${variant}${version}m={m},t={t},p={p}${salt}${digest}"))
    }
}

fn parse_costs(text: &str) -> Option<Params> {
    let mut costs = text.split(',');
    let mut cost = |name| costs.next()?.strip_prefix(name)?.parse::<u32>().ok();
    let (memory, passes, lanes) = (cost("m=")?, cost("t=")?, cost("p=")?);
    if memory > MAX_KIBIBYTES || passes > MAX_PASSES || lanes > MAX_LANES {
        return None;
    }
    Params::new(memory, passes, lanes, None).ok()
}
