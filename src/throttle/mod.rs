//! How many guesses of a password are let through: lanes that fill up with attempts and forget them slowly.
//!
//! ```text
//! account                 the name that was typed, whether or not there is such a user
//! account at address      that name, from one address
//! address                 one address, whatever the name; of IPv6 its /64
//! device                  that name, in a browser that this user has signed in with before
//! old password            that user's, when the password is changed
//! ```
//!
//! An attempt needs room in each of its lanes. One from a known device has a lane of its own that no stranger can
//! fill (the "device cookies" of OWASP's guide on slowing down online guessing), so nobody is kept out of an
//! account by others who guess at it.

pub(crate) mod store;

use std::net::{IpAddr, Ipv6Addr};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use sha2::{Digest, Sha256};

use crate::db::SharedPool;
use crate::error::Error;
use crate::signing::hexadecimal;

/// How a lane fills up.
#[derive(Debug, PartialEq, Eq)]
struct Rule {
    /// So many attempts are let through without a wait.
    free: i32,
    /// An attempt is forgotten after so many seconds.
    leak: i64,
    /// The wait after the last free attempt, in seconds; it doubles with each further one.
    first: i64,
    longest: i64,
}

const HOUR: i64 = 3600;
const ACCOUNT: Rule = Rule { free: 10, leak: HOUR, first: 10, longest: 300 };
const ACCOUNT_AT_ADDRESS: Rule = Rule { free: 5, leak: HOUR, first: 10, longest: 900 };
const ADDRESS: Rule = Rule { free: 100, leak: 6, first: 6, longest: 60 };
const OWN: Rule = Rule { free: 5, leak: HOUR, first: 10, longest: 900 };

/// What is written down of a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fill {
    level: i32,
    since: DateTime<Utc>,
    opens: DateTime<Utc>,
}

/// Of a lane in which nobody waits: before any transaction's time, which is that of its beginning on PostgreSQL, and not
/// of the moment at which it gets the lane.
const OPEN: DateTime<Utc> = DateTime::UNIX_EPOCH;

impl Rule {
    fn wait(&self, level: i32) -> i64 {
        match u32::try_from(level - self.free) {
            Ok(doubled) => {
                self.first.saturating_mul(2_i64.saturating_pow(doubled)).min(self.longest)
            }
            Err(_) => 0,
        }
    }

    /// Beyond this level no wait is longer, so none is counted: when an attack ends, it is forgotten in time.
    fn most(&self) -> i32 {
        let mut level = self.free;
        while self.wait(level) < self.longest {
            level += 1;
        }
        level
    }

    /// The lane after one more attempt.
    fn count(&self, before: &Fill, now: DateTime<Utc>) -> Fill {
        let now = now.max(before.since);
        let forgotten = (now - before.since).num_seconds() / self.leak;
        let left = i64::from(before.level) - forgotten;
        let (level, since) = match i32::try_from(left) {
            Ok(level) if level > 0 => (level, later(before.since, forgotten * self.leak)),
            _ => (0, now),
        };
        let level = (level + 1).min(self.most());
        let opens = match self.wait(level) {
            0 => OPEN,
            wait => later(now, wait),
        };
        Fill { level, since, opens }
    }

    /// When nothing of it will be left.
    fn end(&self, lane: &Fill) -> DateTime<Utc> {
        later(lane.since, i64::from(lane.level) * self.leak).max(lane.opens)
    }
}

fn later(time: DateTime<Utc>, seconds: i64) -> DateTime<Utc> {
    time.checked_add_signed(TimeDelta::seconds(seconds)).unwrap_or(time)
}

/// What a right password means for a lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AfterSuccess {
    /// It was the user: all attempts are forgotten.
    Emptied,
    /// Somebody's own account must not hide guesses at those of others: this attempt alone is.
    GivenBack,
}

#[derive(Debug)]
struct Lane {
    key: String,
    account: String,
    rule: &'static Rule,
    after_success: AfterSuccess,
}

impl Lane {
    fn of_account(kind: &str, name: &str, at: &str, rule: &'static Rule) -> Self {
        let account = account(name);
        let key = hash(&[kind, &account, at]);
        Self { key, account, rule, after_success: AfterSuccess::Emptied }
    }

    fn of_address(address: &str) -> Self {
        let key = hash(&["address", address]);
        let after_success = AfterSuccess::GivenBack;
        Self { key, account: String::new(), rule: &ADDRESS, after_success }
    }
}

/// What stands in a row for a name.
fn account(name: &str) -> String {
    hash(&["name", name])
}

/// No part has a NUL in it: a name with one is no user's.
fn hash(parts: &[&str]) -> String {
    hexadecimal(&Sha256::digest(parts.join("\0")))
}

/// Whose guess it is.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Who<'a> {
    /// Somebody who wants to sign in, from an address if that is known.
    Stranger(Option<IpAddr>),
    /// The same in a browser that has signed in as this user before, by what tells it from others.
    Device(&'a str),
    /// Somebody who is signed in, and is asked for the old password.
    SignedIn,
}

/// The lanes that an attempt needs room in, in the order in which they are locked.
#[derive(Debug)]
pub(crate) struct Lanes(Vec<Lane>);

impl Lanes {
    pub(crate) fn of(name: &str, who: Who<'_>) -> Self {
        let mut lanes = match who {
            Who::Device(nonce) => vec![Lane::of_account("device", name, nonce, &OWN)],
            Who::SignedIn => vec![Lane::of_account("old password", name, "", &OWN)],
            Who::Stranger(address) => {
                let mut lanes = vec![Lane::of_account("account", name, "", &ACCOUNT)];
                if let Some(address) = address.filter(|address| !address.is_loopback()) {
                    let address = network(address);
                    let both = "account at address";
                    lanes.push(Lane::of_account(both, name, &address, &ACCOUNT_AT_ADDRESS));
                    lanes.push(Lane::of_address(&address));
                }
                lanes
            }
        };
        lanes.sort_by(|one, other| one.key.cmp(&other.key));
        Self(lanes)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.iter().map(|lane| lane.key.as_str()).collect()
    }

    /// Refuses without a write what has to wait.
    pub(crate) fn look(&self, shared: &SharedPool) -> Result<(), Error> {
        match shared.run(|conn| store::closed_until(conn, &self.keys()))? {
            Some((opens, now)) => Err(too_many(opens, now)),
            None => Ok(()),
        }
    }

    /// Takes a place in all lanes, or in none, before the guess is looked at: of any number of attempts at once,
    /// in whichever apps, no more get through.
    pub(crate) fn reserve(self, shared: &SharedPool) -> Result<Reservation, Error> {
        let written = shared.write(|conn| {
            let (now, before) = store::locked(conn, &self.0.iter().collect::<Vec<_>>())?;
            if let Some(opens) = before.iter().map(|lane| lane.opens).max().filter(|it| *it > now) {
                return Err(too_many(opens, now));
            }
            let mut written = Vec::with_capacity(before.len());
            for (lane, before) in self.0.into_iter().zip(before) {
                let after = lane.rule.count(&before, now);
                store::put(conn, &lane, &after)?;
                written.push(Place { lane, before, after });
            }
            Ok(Reservation { places: written, now })
        });
        written.map_err(Error::settled)
    }
}

fn too_many(opens: DateTime<Utc>, now: DateTime<Utc>) -> Error {
    let wait = (opens - now).to_std().unwrap_or_default();
    // Whole seconds, as `Retry-After` has them; who comes after so many is let through.
    let seconds = wait.as_secs() + u64::from(wait.subsec_nanos() > 0);
    Error::TooManyAttempts { wait: Duration::from_secs(seconds.max(1)) }
}

/// One network, and not one address, is what a visitor of IPv6 has.
fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{}/64", Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[derive(Debug)]
struct Place {
    lane: Lane,
    before: Fill,
    after: Fill,
}

/// Places in lanes: what is not settled stays counted.
#[derive(Debug)]
#[must_use]
pub(crate) struct Reservation {
    places: Vec<Place>,
    now: DateTime<Utc>,
}

impl Reservation {
    /// How long the next attempt has to wait after this one, when it has to.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let opens = self.places.iter().map(|place| place.after.opens).max()?;
        (opens - self.now).to_std().ok().filter(|wait| !wait.is_zero())
    }

    /// The password was right.
    pub(crate) fn settle(self, shared: &SharedPool) -> Result<(), Error> {
        let lanes: Vec<&Lane> = self.places.iter().map(|place| &place.lane).collect();
        shared.transact(|conn| {
            let (now, found) = store::locked(conn, &lanes)?;
            for (place, found) in self.places.iter().zip(found) {
                let settled = match place.lane.after_success {
                    AfterSuccess::Emptied => Fill { level: 0, since: now, opens: OPEN },
                    AfterSuccess::GivenBack => place.give_back(found),
                };
                store::put(conn, &place.lane, &settled)?;
            }
            Ok(())
        })
    }
}

impl Place {
    /// The wait that this attempt began ends with it, unless another attempt was counted since.
    fn give_back(&self, found: Fill) -> Fill {
        let is_last = found.opens == self.after.opens;
        let opens = if is_last { self.before.opens } else { found.opens };
        Fill { level: (found.level - 1).max(0), opens, ..found }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + seconds, 0).unwrap()
    }

    fn empty() -> Fill {
        Fill { level: 0, since: at(0), opens: OPEN }
    }

    /// The waits after each of so many attempts, each made as soon as it is let through.
    fn waits(rule: &Rule, attempts: usize) -> Vec<i64> {
        let mut lane = empty();
        let waits = (0..attempts).map(|_| {
            let now = lane.opens.max(at(0));
            lane = rule.count(&lane, now);
            (lane.opens - now).num_seconds().max(0)
        });
        waits.collect()
    }

    #[test]
    fn some_attempts_are_free_and_then_the_waits_double_up_to_the_longest() {
        let account = waits(&ACCOUNT, 18);
        assert_eq!(account[..9], [0; 9]);
        assert_eq!(account[9..], [10, 20, 40, 80, 160, 300, 300, 300, 300]);
        let here = waits(&ACCOUNT_AT_ADDRESS, 13);
        assert_eq!(here, [0, 0, 0, 0, 10, 20, 40, 80, 160, 320, 640, 900, 900]);
        // An address goes on at the pace at which it is forgotten.
        assert_eq!(waits(&ADDRESS, 103)[98..], [0, 6, 6, 6, 6]);
    }

    #[test]
    fn an_attempt_is_forgotten_after_its_time_and_not_before() {
        let three = Fill { level: 3, ..empty() };
        let level = |seconds| ACCOUNT.count(&three, at(seconds)).level;
        assert_eq!([level(0), level(HOUR - 1), level(HOUR), level(3 * HOUR)], [4, 4, 3, 1]);
        assert_eq!(level(-10), 4, "a clock that was set back forgets nothing");
        // What is left of an hour is not lost by the next attempt.
        let later = ACCOUNT.count(&three, at(HOUR + HOUR / 2));
        assert_eq!((later.level, later.since), (3, at(HOUR)));
    }

    #[test]
    fn the_longest_attack_is_forgotten_in_a_day() {
        for rule in [&ACCOUNT, &ACCOUNT_AT_ADDRESS, &ADDRESS, &OWN] {
            let mut lane = empty();
            for _ in 0..10_000 {
                lane = rule.count(&lane, lane.opens.max(at(0)));
            }
            assert!(rule.end(&lane) - lane.opens < TimeDelta::days(1), "{rule:?}");
            let after = rule.count(&lane, rule.end(&lane));
            assert_eq!((after.level, after.opens), (1, OPEN), "{rule:?}");
        }
    }

    #[test]
    fn what_is_given_back_leaves_the_attempts_of_others() {
        let lane = Lane::of_address("192.0.2.7");
        let before = Fill { level: 99, ..empty() };
        let after = ADDRESS.count(&before, at(1));
        assert!(after.opens > at(1));
        let place = Place { lane, before, after };
        let alone = place.give_back(after);
        assert_eq!((alone.level, alone.opens), (99, before.opens));
        let another = ADDRESS.count(&after, after.opens);
        let left = place.give_back(another);
        assert_eq!((left.level, left.opens), (another.level - 1, another.opens));
    }

    #[test]
    fn lanes_are_those_of_the_visitor_and_name_nobody() {
        let count = |who| Lanes::of("ada", who).0.len();
        let address = |text: &str| Who::Stranger(Some(text.parse().unwrap()));
        assert_eq!(count(Who::Stranger(None)), 1);
        assert_eq!([count(address("127.0.0.1")), count(address("::1"))], [1, 1]);
        assert_eq!([count(address("192.0.2.7")), count(address("2001:db8::1"))], [3, 3]);
        assert_eq!([count(Who::Device("x")), count(Who::SignedIn)], [1, 1]);

        let keys = |name, who| Lanes::of(name, who).keys().join(" ");
        let near = keys("ada", address("2001:db8:1:2::9"));
        assert_eq!(near, keys("ada", address("2001:db8:1:2:ffff::1")), "one /64");
        assert_ne!(near, keys("ada", address("2001:db8:1:3::9")));
        assert_ne!(keys("ada", Who::Device("x")), keys("ada", Who::Device("y")));
        for who in [address("192.0.2.7"), Who::Device("x"), Who::SignedIn] {
            let keys = keys("ada", who);
            assert!(keys.split(' ').all(|key| key.len() == 64), "{keys}");
            assert!(keys.split(' ').is_sorted(), "{keys}");
        }
    }
}
