use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use scrypt::Params;

use super::algorithm::SCRYPT_COSTS;

const MAX_TABLE: u64 = (1 << 30) / 128;
const MAX_LANES: u64 = (1 << 23) / 128;
const MAX_WORK: u64 = 1 << 24;

/// `N$SALT$R$P$BASE64`
pub(super) struct Scrypt {
    params: Params,
    salt: String,
}

impl Scrypt {
    pub(super) fn parse(text: &str) -> Option<Self> {
        let mut fields = text.split('$');
        let n = fields.next()?.parse().ok()?;
        let salt = fields.next().filter(|salt| !salt.is_empty())?;
        let r = fields.next()?.parse().ok()?;
        let p = fields.next()?.parse().ok()?;
        fields.next()?;
        let params = parse_costs(n, r, p)?;
        fields.next().is_none().then(|| Self { params, salt: salt.to_owned() })
    }

    pub(super) fn fresh(salt: &str) -> Option<Self> {
        let [n, r, p] = SCRYPT_COSTS;
        Some(Self { params: parse_costs(n, r, p)?, salt: salt.to_owned() })
    }

    pub(super) fn costs(&self) -> [u64; 3] {
        [self.params.n(), self.params.r().into(), self.params.p().into()]
    }

    pub(super) fn encode(&self, password: &[u8]) -> Option<String> {
        let Self { params, salt } = self;
        let mut digest = [0; 64];
        scrypt::scrypt(password, salt.as_bytes(), params, &mut digest).ok()?;
        let ([n, r, p], digest) = (self.costs(), STANDARD.encode(digest));
        Some(format!("scrypt${n}${salt}${r}${p}${digest}"))
    }
}

fn parse_costs(n: u32, r: u32, p: u32) -> Option<Params> {
    let [table, lanes] = [n, p].map(|count| u64::from(count) * u64::from(r));
    let payable = table <= MAX_TABLE && lanes <= MAX_LANES && table * u64::from(p) <= MAX_WORK;
    if !payable || n < 2 || !n.is_power_of_two() {
        return None;
    }
    Params::new(u8::try_from(n.ilog2()).ok()?, r, p).ok()
}
