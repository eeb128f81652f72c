//! An app that tells of itself by its document: what only such an app, a Django one above all, can tell.

use super::{Finding, Findings, keys, seen};
use crate::db::{SharedPool, migrate};
use crate::error::Error;
use crate::registry::Profile;

/// Django's only session engine that keeps its sessions in the database and nowhere else.
const ENGINE: &str = "django.contrib.sessions.backends.db";

pub(super) fn look(shared: &SharedPool, profile: &Profile) -> Vec<Finding> {
    seen("app", look_at(shared, profile))
}

fn look_at(shared: &SharedPool, profile: &Profile) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::about("app");
    let app = &profile.app;
    match (&profile.house, shared.run(migrate::house)?) {
        (Some(theirs), Some(ours)) if *theirs != ours => findings.wrong(
            format!("app `{app}` stands in another house: its shared database is another one"),
            "give it the SHARED_DATABASE_URL of this house",
        ),
        (Some(_), _) => findings.ok(format!("app `{app}` has the shared database of this house")),
        (None, _) => {}
    }
    let untold =
        [("house", profile.house.is_none()), ("session_cookie", profile.session_cookie.is_none())];
    let untold = untold.iter().filter(|(_, is_untold)| *is_untold).map(|(name, _)| *name);
    let untold = untold.collect::<Vec<_>>().join(", ");
    if !untold.is_empty() {
        findings.warn(
            format!("app `{app}` does not tell its {untold}: nobody knows whether a login there is one here"),
            "let its document tell them, as that of docs/join-a-django-app.md does",
        );
    }
    if let Some(engine) = profile.session_engine.as_ref().filter(|engine| *engine != ENGINE) {
        findings.wrong(
            format!("app `{app}` keeps its sessions by {engine}: what ends in another app goes on there, if the others know of it at all"),
            format!("set SESSION_ENGINE = \"{ENGINE}\""),
        );
    }
    if let (Some(users), Some(sessions)) =
        (profile.databases.get("users"), profile.databases.get("sessions"))
        && users != sessions
    {
        findings.wrong(
            format!("app `{app}` has its users in the database `{users}`, and its sessions in `{sessions}`"),
            "route `sessions` as `auth`, to the shared database (docs/join-a-django-app.md)",
        );
    }
    keys::of_guest(&mut findings, shared, profile)?;
    Ok(findings.found)
}
