//! The order in which a house changes its key: every app verifies the new one, then it signs, then the old
//! one goes. A step that would sign somebody out is refused, with the name of the app.

use super::apps::{self, Instance, Seen};
use super::keys::{self, HouseKey, KeyState};
use super::profile::Profile;
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::Error;
use crate::key::SecretKey;

/// What must be written before an app is let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    None,
    /// The first key of the house.
    Register,
    /// This app brings the next key, and every other one verifies it.
    Promote,
}

/// Lets the app in with its keys, or says why not. The first app of a house registers its key; one that comes
/// with a new key and the old one among its fallbacks makes it the house's, if all others verify it.
pub(crate) fn admit(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    settle(shared, config, |conn| {
        decide(config, &keys::all(conn)?, &apps::seen(conn, Seen::default())?)
    })
}

/// The same for who only looks after the house: whoever has its key. Nothing but the first key is written.
pub(crate) fn is_known(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    settle(shared, config, |conn| caretakers_step(conn, config))
}

/// The same, and nothing at all is written: a house without a key takes any.
#[cfg(feature = "moving")]
pub(crate) fn has_key_of(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    is_named(config)?;
    shared.run(|conn| Ok(caretakers_step(conn, config)))?.map(drop)
}

fn caretakers_step(conn: &mut SharedConnection, config: &Config) -> Result<Step, Error> {
    let known = keys::all(conn)?;
    match keys::signing(&known) {
        Some(house) if config.keys.iter().any(|key| house.is(key)) => Ok(Step::None),
        _ => decide(config, &known, &apps::seen(conn, Seen::default())?),
    }
}

/// Writes down that this app is here, with its settings.
pub(crate) fn note(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    let noted = shared.write(|conn| {
        migrate::lock(conn)?;
        // Since the app was let in, the house may have changed its key.
        decide(config, &keys::all(conn)?, &apps::seen(conn, Seen::default())?)?;
        Ok(apps::register(conn, config)?)
    });
    noted.map_err(Error::settled)
}

/// Looks, and looks again under the lock before it writes: another app may have come first meanwhile.
fn settle(
    shared: &SharedPool,
    config: &Config,
    look: impl Fn(&mut SharedConnection) -> Result<Step, Error>,
) -> Result<(), Error> {
    is_named(config)?;
    if shared.run(|conn| Ok(look(conn)?))? == Step::None {
        return Ok(());
    }
    let settled = shared.write(|conn| {
        migrate::lock(conn)?;
        let (key, app) = (config.keys.current(), &config.app_name);
        match look(conn)? {
            Step::None => Ok(()),
            Step::Register => Ok(keys::register(conn, key, KeyState::Signing, app)?),
            Step::Promote => promote_to(conn, key, app),
        }
    });
    settled.map_err(Error::settled)
}

fn is_named(config: &Config) -> Result<(), Error> {
    if (1..=100).contains(&config.app_name.chars().count()) {
        Ok(())
    } else {
        Err(Error::config("APP_NAME", "must have 1 to 100 characters; give another name"))
    }
}

fn decide(config: &Config, keys: &[HouseKey], apps: &[Instance]) -> Result<Step, Error> {
    let current = config.keys.current();
    let Some(house) = keys::signing(keys) else { return Ok(Step::Register) };
    if house.is(current) {
        return Ok(Step::None);
    }
    // What the app had itself before is no help to it.
    let holder = house.holder(apps.iter().filter(|other| other.app != config.app_name));
    let state = keys.iter().find(|key| key.is(current)).map(|key| key.state);
    if state == Some(KeyState::Retired) {
        return Err(Error::KeyRetired {
            app: config.app_name.clone(),
            ours: current.fingerprint(),
            house: house.fingerprint.clone(),
            registered_by: holder.to_owned(),
        });
    }
    if !config.keys.iter().any(|key| house.is(key)) {
        return Err(Error::KeyMismatch {
            app: config.app_name.clone(),
            ours: current.fingerprint(),
            house: house.fingerprint.clone(),
            registered_by: holder.to_owned(),
        });
    }
    if state == Some(KeyState::Retiring) {
        return Ok(Step::None);
    }
    let (app, host) = (&config.app_name, apps::host());
    let others = apps.iter().filter(|other| other.app != *app || other.host != host);
    let lacking = lacking(&current.fingerprint().to_string(), others);
    if lacking.is_empty() {
        return Ok(Step::Promote);
    }
    Err(Error::KeyTooEarly { key: current.fingerprint().to_string(), lacking })
}

/// The apps that would not verify what this key signs.
fn lacking<'a>(key: &str, apps: impl Iterator<Item = &'a Instance>) -> Vec<String> {
    apps.filter(|app| !app.profile.verifies(key)).map(named).collect()
}

fn named(app: &Instance) -> String {
    format!("`{}` on {:?} (seen {} UTC)", app.app, app.host, app.last_seen.format("%F %R"))
}

fn promote_to(conn: &mut SharedConnection, key: &SecretKey, app: &str) -> Result<(), Error> {
    let known = keys::all(conn)?;
    if !known.iter().any(|known| known.is(key)) {
        keys::register(conn, key, KeyState::Staged, app)?;
    }
    Ok(change_over(conn, &known, &key.fingerprint().to_string())?)
}

fn change_over(
    conn: &mut SharedConnection,
    known: &[HouseKey],
    next: &str,
) -> diesel::QueryResult<()> {
    for before in known.iter().filter(|key| key.state == KeyState::Signing) {
        keys::set_state(conn, &before.fingerprint, KeyState::Retiring)?;
    }
    keys::set_state(conn, next, KeyState::Signing)
}

/// Announces the next key: one at a time, and none that the house has had before.
pub(crate) fn stage(conn: &mut SharedConnection, key: &SecretKey, app: &str) -> Result<(), Error> {
    let known = keys::all(conn)?;
    match known.iter().find(|known| known.is(key)).map(|known| known.state) {
        Some(KeyState::Staged) => Ok(()),
        Some(state) => Err(Error::config(
            "the new key",
            format!("is {state} in this house already; stage another one"),
        )),
        None => {
            keys::unstage(conn)?;
            Ok(keys::register(conn, key, KeyState::Staged, app)?)
        }
    }
}

/// The key that was announced.
pub(crate) fn staged(conn: &mut SharedConnection) -> Result<HouseKey, Error> {
    let staged = keys::all(conn)?.into_iter().find(|key| key.state == KeyState::Staged);
    staged.ok_or_else(|| {
        Error::config("the coming key", "was not announced yet; run `housekey key stage` first")
    })
}

/// Makes the staged key the one that signs, and answers with its fingerprint. The guests are apps that have told
/// of themselves otherwise.
pub(crate) fn promote(
    conn: &mut SharedConnection,
    within: Seen,
    guests: &[Profile],
) -> Result<String, Error> {
    let next = staged(conn)?.fingerprint;
    let mut lacking = lacking(&next, apps::seen(conn, within)?.iter());
    lacking.extend(guests.iter().filter(|app| !app.verifies(&next)).map(guest));
    if !lacking.is_empty() {
        return Err(Error::KeyTooEarly { key: next, lacking });
    }
    let known = keys::all(conn)?;
    change_over(conn, &known, &next)?;
    Ok(next)
}

fn guest(app: &Profile) -> String {
    format!("`{}`", app.app)
}

/// The keys that may go as far as the apps are concerned: none signs with them, and all verify the new one.
pub(crate) fn retirable(
    conn: &mut SharedConnection,
    within: Seen,
    guests: &[Profile],
) -> Result<Vec<HouseKey>, Error> {
    let known = keys::all(conn)?;
    let apps = apps::seen(conn, within)?;
    let signing = keys::signing(&known).map_or("", |key| key.fingerprint.as_str());
    let retiring = known.iter().filter(|key| key.state == KeyState::Retiring);
    let retiring: Vec<HouseKey> = retiring.cloned().collect();
    let mut behind: Vec<String> =
        apps.iter().filter(|app| app.profile.signs_with() != Some(signing)).map(named).collect();
    behind.extend(guests.iter().filter(|app| app.signs_with() != Some(signing)).map(guest));
    match retiring.first() {
        Some(key) if !behind.is_empty() => {
            Err(Error::KeyInUse { key: key.fingerprint.clone(), signing: behind, sessions: 0 })
        }
        _ => Ok(retiring),
    }
}

/// Lets the house forget about the keys before this one: no app is let in with them any more.
pub(crate) fn retire(
    conn: &mut SharedConnection,
    within: Seen,
    guests: &[Profile],
) -> Result<Vec<String>, Error> {
    let keys = retirable(conn, within, guests)?;
    for key in &keys {
        keys::set_state(conn, &key.fingerprint, KeyState::Retired)?;
    }
    Ok(keys.into_iter().map(|key| key.fingerprint).collect())
}
