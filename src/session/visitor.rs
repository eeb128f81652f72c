//! Where a request comes from, as far as it is told. Visitors write what they like there: it is kept to be
//! shown to the user. Wrong passwords are counted by it; nobody gets in by it.

use std::net::IpAddr;

/// As wide as the column.
const MOST_OF_AN_AGENT: usize = 200;

/// Empty texts for what is not known. No `Debug`: a device is not to be shown.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    pub(crate) address: String,
    pub(crate) agent: String,
    /// The text of a cookie that says which device this is, as it came.
    pub(crate) device: Option<String>,
}

impl Visitor {
    pub(crate) fn new(address: Option<IpAddr>, agent: &str) -> Self {
        let agent = agent.trim();
        // PostgreSQL has no text with a NUL in it.
        let fits = agent.len() <= MOST_OF_AN_AGENT && !agent.contains('\0');
        let fitted = || agent.chars().filter(|letter| *letter != '\0').take(MOST_OF_AN_AGENT);
        Self {
            address: address.map(|address| address.to_canonical().to_string()).unwrap_or_default(),
            agent: if fits { agent.to_owned() } else { fitted().collect() },
            device: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_agent_fits_its_column_and_an_address_is_written_in_one_way() {
        let mapped = Some("::ffff:192.0.2.7".parse().unwrap());
        assert_eq!(Visitor::new(mapped, "").address, "192.0.2.7");
        assert_eq!(Visitor::new(None, " a\0b ").agent, "ab");
        let long = Visitor::new(None, &"ü".repeat(300)).agent;
        assert_eq!(long, "ü".repeat(200));
    }
}
