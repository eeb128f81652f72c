//! What there is, and whether all is well.

use std::time::Duration;

use housekey::{AppliedStep, Caretaker, Checkup, Config, Level, Profile};
use serde_json::{Value, json};

use crate::Failure;
use crate::keys::{app_facts, app_line, key_facts, key_line};
use crate::say::{Report, shown, utc};

/// How long an app may take to say what it is.
const PATIENCE: Duration = Duration::from_secs(5);
/// A document is some hundreds of bytes.
const LARGEST: u64 = 64 * 1024;

pub(crate) fn check(config: &Config) -> Report {
    report(&housekey::check(config), "the house is well")
}

pub(crate) fn against(config: &Config, url: &str) -> Result<Report, Failure> {
    let profile = document(url)?;
    let well = format!("a login in {} is a login in the house", shown(&profile.app));
    Ok(report(&housekey::check_against(config, &profile), &well))
}

/// What an app says of itself.
pub(crate) fn document(url: &str) -> Result<Profile, Failure> {
    let agent = ureq::Agent::config_builder().timeout_global(Some(PATIENCE)).build().new_agent();
    let mut answer = agent.get(url).call().map_err(|error| {
        format!(
            "{url} does not answer ({error}); see that the app runs, and serves its document there"
        )
    })?;
    let document = answer.body_mut().with_config().limit(LARGEST).read_to_string()?;
    Ok(Profile::from_json(&document).ok_or_else(|| {
        format!(
            "what is served at {url} is no document of an app; a housekey app serves \
             housekey::axum::profile, and a Django app the view in docs/join-a-django-app.md"
        )
    })?)
}

fn report(checkup: &Checkup, well: &str) -> Report {
    let mut lines: Vec<String> =
        checkup.findings.iter().map(|finding| shown(&finding.to_string())).collect();
    let worst = checkup.worst();
    if worst == Level::Ok {
        lines.push(well.to_owned());
    }
    let findings = checkup.findings.iter().map(|finding| {
        json!({
            "level": finding.level.to_string(), "topic": finding.topic, "fact": finding.fact,
            "remedy": finding.remedy,
        })
    });
    let facts = json!({ "worst": worst.to_string(), "findings": findings.collect::<Vec<_>>() });
    let text = lines.join("\n");
    match worst {
        Level::Ok => Report::fine(text, facts),
        Level::Warning => Report::not_fine(text, facts),
        Level::Error => Report::broken(text, facts),
    }
}

pub(crate) fn status(config: &Config, house: &Caretaker) -> Result<Report, Failure> {
    let steps = housekey::applied(config)?;
    let (keys, apps) = (house.keys()?, house.apps(housekey::Seen::default())?);
    let (users, sessions) = (house.user_count()?, house.session_count()?);
    let checkup = housekey::check(config);
    let database = checkup.findings.iter().filter(|finding| finding.topic == "database");
    let mut lines: Vec<String> = database.map(|finding| shown(&finding.fact)).collect();
    lines.extend(steps.iter().map(migration_line));
    lines.extend(keys.iter().map(key_line));
    lines.extend(apps.iter().map(app_line));
    lines.push(format!("{users} users, {sessions} living sessions"));
    let troubles = checkup.troubles().count();
    lines.push(match troubles {
        0 => "the house is well".to_owned(),
        count => format!("{count} troubles: see housekey check"),
    });
    let facts = json!({
        "version": env!("CARGO_PKG_VERSION"), "migrations": steps.iter().map(migration_facts).collect::<Vec<_>>(),
        "keys": keys.iter().map(key_facts).collect::<Vec<_>>(),
        "apps": apps.iter().map(app_facts).collect::<Vec<_>>(),
        "users": users, "sessions": sessions, "troubles": troubles,
    });
    Ok(Report::fine(lines.join("\n"), facts))
}

pub(crate) fn migration_line(step: &AppliedStep) -> String {
    shown(&format!("migration {}  applied {} by app {}", step.step, utc(step.at), step.app))
}

pub(crate) fn migration_facts(step: &AppliedStep) -> Value {
    json!({ "step": step.step, "app": step.app, "applied": step.at.to_rfc3339() })
}
