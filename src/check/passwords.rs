//! One cost of passwords for the house: what a Django of another cost does to it, and what it costs the users.

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::QueryResult;

use super::{Finding, Findings, seen};
use crate::config::Config;
use crate::db::settings::{self, Setting};
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::Error;
use crate::password::{Hasher, NotBuiltIn, not_built_in};
use crate::user::store as users;

/// How many of the newest users are looked at: enough to see a habit, few enough for a health page.
const SAMPLE: i64 = 200;
/// The name of the setting under which the house's hasher is written down.
const HASHERS: &str = "PASSWORD_HASHERS";

/// Writes down how passwords are hashed in this house, when this app is the first, or its cost is above
/// the house's: then the house's is raised. The app that has set it may set it anew.
pub(crate) fn agree(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    if !is_to_be_set(shared.run(hasher_of_house)?, config) {
        return Ok(());
    }
    let set = shared.transact(|conn| {
        migrate::lock(conn)?;
        // Between the look and the lock another app may have come first.
        if is_to_be_set(hasher_of_house(conn)?, config) {
            settings::set(conn, HASHERS, &config.hasher.to_string(), &config.app_name)?;
        }
        Ok(())
    });
    match set {
        // Who may not hash passwords here has no say in how that is done.
        Err(Error::NotAllowed { .. }) => Ok(()),
        set => set,
    }
}

fn is_to_be_set(house: Option<Setting>, config: &Config) -> bool {
    let Some(house) = house else { return true };
    let is_own = house.app == config.app_name && house.value != config.hasher.to_string();
    is_own || Hasher::parse(&house.value).is_none_or(|known| config.hasher.is_above(known))
}

fn hasher_of_house(conn: &mut SharedConnection) -> QueryResult<Option<Setting>> {
    settings::find(conn, HASHERS)
}

pub(super) fn look(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    let look = || {
        let house = shared.run(hasher_of_house)?;
        let newest = users::newest(shared, SAMPLE)?;
        let mut findings = Findings::about("passwords");
        unreadable_hashes(&mut findings, house.as_ref(), &newest);
        if let Some(house) = &house {
            foreign_hashes(&mut findings, house, &newest);
        }
        local_times(&mut findings, &newest, config.clock.now());
        let hasher = house.map_or_else(|| config.hasher.to_string(), |house| house.value);
        Ok(findings.unless_any(format!("passwords are hashed as {hasher}")))
    };
    seen("passwords", look())
}

/// Whom this app cannot sign in, because it is built without the algorithm of their passwords.
fn unreadable_hashes(findings: &mut Findings, house: Option<&Setting>, newest: &[users::Sample]) {
    let mut lacking = BTreeMap::new();
    if let Some(agreed) = house.and_then(|house| not_built_in(&house.value)) {
        lacking.insert(agreed.feature, (agreed, 0));
    }
    for hasher in newest.iter().filter_map(|user| not_built_in(&user.password)) {
        lacking.entry(hasher.feature).or_insert((hasher, 0)).1 += 1;
    }
    for (NotBuiltIn { algorithm, feature }, users) in lacking.into_values() {
        let who = match users {
            0 => "who gets a new one cannot sign in here".to_owned(),
            users => format!("{users} of the newest users cannot sign in here"),
        };
        findings.wrong(
            format!(
                "passwords of the house are hashed as {algorithm}, which this app is built without: {who}"
            ),
            format!("build it with the feature `{feature}` of housekey"),
        );
    }
}

/// A hash above the house's was written by a Django of higher cost; one below it whose user has signed in
/// since by one of lower cost: the housekey app would have upgraded it.
fn foreign_hashes(findings: &mut Findings, house: &Setting, newest: &[users::Sample]) {
    let Some(agreed) = Hasher::parse(&house.value) else { return };
    let is_foreign = |user: &users::Sample| {
        let theirs = Hasher::of(&user.password)?;
        let since = user.last_login.is_some_and(|login| login > house.since);
        (theirs.is_above(agreed) || (since && agreed.is_above(theirs))).then_some(theirs)
    };
    let mut hashers: BTreeMap<String, usize> = BTreeMap::new();
    for hasher in newest.iter().filter_map(is_foreign) {
        *hashers.entry(hasher.to_string()).or_default() += 1;
    }
    let list: Vec<String> =
        hashers.iter().map(|(hasher, count)| format!("{count} as {hasher}")).collect();
    if !list.is_empty() {
        findings.warn(
            format!(
                "passwords of the newest users were hashed by an app of another cost: {}",
                list.join(", ")
            ),
            "pin one cost in every Django app (a subclass of its hasher with `iterations` set, first in \
             PASSWORD_HASHERS): else each login there ends the user's sessions begun here",
        );
    }
}

/// Times of the future: SQLite has no time zones, and a Django with `USE_TZ = False` writes its own.
fn local_times(findings: &mut Findings, newest: &[users::Sample], now: DateTime<Utc>) {
    let soon = now + TimeDelta::hours(1);
    let odd = |user: &&users::Sample| {
        user.date_joined > soon || user.last_login.is_some_and(|t| t > soon)
    };
    let count = newest.iter().filter(odd).count();
    if count > 0 {
        findings.warn(
            format!("{count} of the newest users joined or signed in in the future"),
            "set USE_TZ = True in every Django app of the house, and see that the clocks agree: sessions \
             would end too early or too late",
        );
    }
}
