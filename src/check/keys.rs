//! The keys: this app's against the registry of the house, and the other apps'.

use super::{Finding, Findings, seen};
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool};
use crate::error::Error;
use crate::key::is_published;
use crate::registry::keys::{self, signing};
use crate::registry::{HouseKey, Instance, KeyState, Profile, Seen, apps};

struct Registry {
    keys: Vec<HouseKey>,
    apps: Vec<Instance>,
}

impl Registry {
    fn read(shared: &SharedPool) -> Result<Self, Error> {
        shared.run(|conn: &mut SharedConnection| {
            Ok(Self { keys: keys::all(conn)?, apps: apps::seen(conn, Seen::NOW)? })
        })
    }
}

pub(super) fn of_app(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    let look = || {
        let registry = Registry::read(shared)?;
        let mut findings = Findings::about("key");
        own(&mut findings, &registry, config);
        fallbacks(&mut findings, &registry.keys, config);
        if config.keys.iter().any(is_published) {
            findings.wrong(
                "SECRET_KEY or one of SECRET_KEY_FALLBACKS is a key that stands in a manual or looks like one: \
                 anybody can make sessions with it",
                "make a new one (housekey key generate), and change over as for any new key",
            );
        }
        if let Some(house) = signing(&registry.keys) {
            others(&mut findings, house, &registry);
        }
        Ok(findings.found)
    };
    seen("key", look())
}

/// The keys that an app's document tells of.
pub(super) fn of_guest(
    findings: &mut Findings,
    shared: &SharedPool,
    profile: &Profile,
) -> Result<(), Error> {
    let registry = Registry::read(shared)?;
    if let Some(house) = signing(&registry.keys) {
        let name = format!("app `{}`", profile.app);
        one(findings, house, house.holder(&registry.apps), (&name, profile));
    }
    Ok(())
}

fn own(findings: &mut Findings, registry: &Registry, config: &Config) {
    let current = config.keys.current();
    let ours = current.fingerprint();
    let Some(house) = signing(&registry.keys) else {
        return findings.ok(format!("no app has registered a key yet; this one has {ours}"));
    };
    let HouseKey { fingerprint, app, since, .. } = house;
    let since = since.format("%F %R");
    if house.is(current) {
        findings.ok(format!(
            "SECRET_KEY is {ours}, the key of the house since {since} UTC (registered by app `{app}`)"
        ));
    } else if config.keys.iter().any(|key| house.is(key)) {
        findings.warn(
            format!("SECRET_KEY is {ours}, and the house signs with {fingerprint}, which is a fallback here"),
            format!("when every app verifies both, set SECRET_KEY to {fingerprint}, and {ours} as a fallback"),
        );
    } else {
        findings.wrong(
            format!(
                "SECRET_KEY is {ours}, but the house signs with {fingerprint} since {since} UTC (registered by \
                 app `{app}`)"
            ),
            format!("set SECRET_KEY to the key that `{}` has", house.holder(&registry.apps)),
        );
    }
}

fn fallbacks(findings: &mut Findings, keys: &[HouseKey], config: &Config) {
    for key in config.keys.iter().skip(1) {
        let fingerprint = key.fingerprint();
        match keys.iter().find(|known| known.is(key)).map(|known| known.state) {
            Some(KeyState::Retired) => findings.warn(
                format!(
                    "SECRET_KEY_FALLBACKS still has {fingerprint}, which the house has retired"
                ),
                "take it out",
            ),
            Some(state) => {
                findings.ok(format!("SECRET_KEY_FALLBACKS has {fingerprint}, which is {state}"));
            }
            None => findings.ok(format!(
                "SECRET_KEY_FALLBACKS has {fingerprint}, of which the registry knows nothing"
            )),
        }
    }
    let staged = keys.iter().find(|key| key.state == KeyState::Staged);
    if let Some(staged) = staged.filter(|staged| !config.keys.iter().any(|key| staged.is(key))) {
        findings.warn(
            format!("the coming key {} is not in SECRET_KEY_FALLBACKS", staged.fingerprint),
            "put it there before it is promoted",
        );
    }
}

fn others(findings: &mut Findings, house: &HouseKey, registry: &Registry) {
    let is_retired = |print: &&String| {
        let key = registry.keys.iter().find(|key| key.fingerprint == **print);
        key.is_some_and(|key| key.state == KeyState::Retired)
    };
    for Instance { app, host, profile, last_seen, .. } in &registry.apps {
        let name = format!("app `{app}` on {host:?} (seen {} UTC)", last_seen.format("%F %R"));
        one(findings, house, house.holder(&registry.apps), (&name, profile));
        if let Some(retired) = profile.keys.iter().skip(1).find(is_retired) {
            findings.warn(
                format!("{name} still verifies {retired}, which the house has retired"),
                "take it out of its SECRET_KEY_FALLBACKS",
            );
        }
    }
}

fn one(findings: &mut Findings, house: &HouseKey, holder: &str, (name, profile): (&str, &Profile)) {
    let key = &house.fingerprint;
    match profile.signs_with() {
        None => {}
        Some(theirs) if theirs == key => {
            findings.ok(format!("{name} signs with the key of the house"));
        }
        Some(theirs) if profile.verifies(key) => findings.warn(
            format!("{name} signs with {theirs}, and the house with {key}, which it verifies"),
            format!("set its SECRET_KEY to {key}, and {theirs} as a fallback"),
        ),
        Some(theirs) => findings.wrong(
            format!(
                "{name} has the SECRET_KEY {theirs}, and does not verify the key of the house, {key}"
            ),
            format!("set its SECRET_KEY to the key that `{holder}` has"),
        ),
    }
}
