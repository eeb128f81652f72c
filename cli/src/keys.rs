//! One key after another: announced, promoted, retired; and the apps that have them.

use std::path::Path;

use housekey::{Caretaker, HouseKey, Instance, KeyState, Profile, SecretKey, Seen, SignOut};
use serde_json::{Value, json};

use crate::args::{AppCommand, Everybody, KeyCommand};
use crate::checkup::document;
use crate::init::write_for_owner;
use crate::progress::Progress;
use crate::say::{Report, shown, utc};
use crate::{Failure, config, open};

/// Django apps are not in the registry.
const DJANGO: &str =
    "Django apps do not report: see to it that theirs is the same, and ask them by --against URL";

pub(crate) fn run(command: &KeyCommand) -> Result<Report, Failure> {
    match command {
        KeyCommand::Generate => {
            let key = housekey::key::generate();
            Ok(Report::fine(key.clone(), json!({ "key": key })))
        }
        KeyCommand::Fingerprint => {
            let fingerprint = config()?.fingerprint().to_string();
            Ok(Report::fine(fingerprint.clone(), json!({ "fingerprint": fingerprint })))
        }
        KeyCommand::Status(seen) => status(&open()?, seen.seen),
        KeyCommand::Stage { file } => stage(&open()?, file),
        KeyCommand::Promote(everybody) => promote(&open()?, everybody),
        KeyCommand::Retire { everybody, sign_out } => {
            let sign_out = if *sign_out { SignOut::WhoeverIsLeft } else { SignOut::Nobody };
            retire(&open()?, everybody, sign_out)
        }
    }
}

pub(crate) fn apps(house: &Caretaker, command: &AppCommand) -> Result<Report, Failure> {
    match command {
        AppCommand::List(seen) => {
            let apps = house.apps(seen.seen)?;
            let lines: Vec<String> = apps.iter().map(app_line).collect();
            let facts: Vec<Value> = apps.iter().map(app_facts).collect();
            Ok(Report::fine(lines.join("\n"), json!({ "apps": facts })))
        }
        AppCommand::Forget { app, host } => {
            let hosts = house.forget_app(app, host.as_deref())?;
            let facts = json!({ "app": app, "hosts": hosts });
            let name = shown(app);
            Ok(match hosts {
                0 => Report::not_fine(format!("there is no app {name} there"), facts),
                _ => Report::fine(format!("{name} is forgotten ({hosts} of its hosts)"), facts),
            })
        }
    }
}

fn stage(house: &Caretaker, file: &Path) -> Result<Report, Failure> {
    if !file.exists() {
        write_for_owner(file, &format!("{}\n", housekey::key::generate()))?;
    }
    let text = std::fs::read_to_string(file)
        .map_err(|error| format!("{} cannot be read: {error}", file.display()))?;
    let key = SecretKey::new(text.trim_end_matches(['\r', '\n'])).map_err(housekey::Error::from)?;
    house.stage_key(&key)?;
    let fingerprint = key.fingerprint().to_string();
    let name = shown(&file.to_string_lossy());
    let text = format!(
        "{fingerprint} is the coming key of the house; its text is in {name}\n\
         next: put that text into SECRET_KEY_FALLBACKS of every app, a JSON list, and start each again; and here\n\
         then: housekey key promote\n{DJANGO}"
    );
    let facts =
        json!({ "fingerprint": fingerprint, "file": file.to_string_lossy(), "state": "staged" });
    Ok(Report::fine(text, facts))
}

/// The apps that the registry does not know.
fn others(everybody: &Everybody) -> Result<Vec<Profile>, Failure> {
    everybody.against.iter().map(|url| document(url)).collect()
}

fn promote(house: &Caretaker, everybody: &Everybody) -> Result<Report, Failure> {
    let fingerprint = house.promote_key(everybody.seen.seen, &others(everybody)?)?;
    let text = format!(
        "{fingerprint} is the key that signs\n\
         next: in one app after the other make it SECRET_KEY, and the key before SECRET_KEY_FALLBACKS; sessions \
         move as they are used\n\
         then: housekey key retire\n{DJANGO}"
    );
    Ok(Report::fine(text, json!({ "fingerprint": fingerprint, "state": "signing" })))
}

fn retire(house: &Caretaker, everybody: &Everybody, sign_out: SignOut) -> Result<Report, Failure> {
    let others = others(everybody)?;
    let mut progress = Progress::of("sessions looked at");
    let retired = house.retire_keys(everybody.seen.seen, &others, sign_out, |so_far| {
        progress.show(so_far);
    });
    drop(progress);
    let retired = retired?;
    let facts = json!({ "fingerprints": retired, "state": "retired" });
    if retired.is_empty() {
        return Ok(Report::fine("there is no key to be retired".to_owned(), facts));
    }
    let text = format!(
        "{} is retired: no app is let in with it\nnext: take it out of SECRET_KEY_FALLBACKS of every app\n{DJANGO}",
        retired.join(", ")
    );
    Ok(Report::fine(text, facts))
}

fn status(house: &Caretaker, seen: Seen) -> Result<Report, Failure> {
    let (keys, apps) = (house.keys()?, house.apps(seen)?);
    let text = [
        keys.iter().map(key_line).collect::<Vec<_>>().join("\n"),
        apps.iter().map(app_line).collect::<Vec<_>>().join("\n"),
        format!("next: {}", next(&keys, &apps)),
    ];
    let text: Vec<String> = text.into_iter().filter(|part| !part.is_empty()).collect();
    let facts = json!({
        "keys": keys.iter().map(key_facts).collect::<Vec<_>>(),
        "apps": apps.iter().map(app_facts).collect::<Vec<_>>(),
        "next": next(&keys, &apps),
    });
    Ok(Report::fine(text.join("\n\n"), facts))
}

/// The next step of a change of keys, or the apps that are to be seen to first.
fn next(keys: &[HouseKey], apps: &[Instance]) -> String {
    let of_state = |state| keys.iter().find(|key| key.state == state).map(|key| &key.fingerprint);
    let without = |is_right: &dyn Fn(&Instance) -> bool| {
        let others = apps.iter().filter(|app| !is_right(app));
        others.map(|app| shown(&app.app)).collect::<Vec<_>>().join(", ")
    };
    if let Some(coming) = of_state(KeyState::Staged) {
        let lacking = without(&|app| app.profile.keys.contains(coming));
        return match lacking.as_str() {
            "" => format!("housekey key promote; {DJANGO}"),
            apps => format!("put {coming} into SECRET_KEY_FALLBACKS of {apps}"),
        };
    }
    if let (Some(old), Some(new)) = (of_state(KeyState::Retiring), of_state(KeyState::Signing)) {
        let behind = without(&|app| app.profile.signs_with() == Some(new));
        return match behind.as_str() {
            "" => {
                format!("housekey key retire, when the sessions under {old} have moved; {DJANGO}")
            }
            apps => format!("make {new} the SECRET_KEY of {apps}, and {old} a fallback"),
        };
    }
    if let Some(retired) = of_state(KeyState::Retired) {
        let left = without(&|app| !app.profile.keys.contains(retired));
        if !left.is_empty() {
            return format!("take {retired} out of SECRET_KEY_FALLBACKS of {left}");
        }
    }
    "nothing; housekey key stage begins a change of keys".to_owned()
}

pub(crate) fn key_line(key: &HouseKey) -> String {
    let HouseKey { fingerprint, state, since, app, .. } = key;
    shown(&format!("key {fingerprint}  {state} since {} (from app {app})", utc(*since)))
}

pub(crate) fn key_facts(key: &HouseKey) -> Value {
    json!({
        "fingerprint": key.fingerprint, "state": key.state.to_string(), "since": key.since.to_rfc3339(),
        "app": key.app,
    })
}

pub(crate) fn app_line(app: &Instance) -> String {
    let keys = match app.profile.keys.split_first() {
        None => "has told no key".to_owned(),
        Some((signs, [])) => format!("signs with {signs}"),
        Some((signs, verify)) => format!("signs with {signs}, verifies {}", verify.join(", ")),
    };
    let Instance { app, host, last_seen, .. } = app;
    shown(&format!("app {app} on {host}  {keys}  seen {}", utc(*last_seen)))
}

pub(crate) fn app_facts(app: &Instance) -> Value {
    let profile: Value = serde_json::from_str(&app.profile.to_json()).unwrap_or_default();
    json!({
        "app": app.app, "host": app.host, "first_seen": app.first_seen.to_rfc3339(),
        "last_seen": app.last_seen.to_rfc3339(), "profile": profile,
    })
}
