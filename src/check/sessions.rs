//! What the newest sessions show of the apps that wrote them.

use std::collections::{BTreeMap, BTreeSet};

use super::{Finding, Findings, seen};
use crate::auth::{BACKEND, USER_BACKEND};
use crate::config::Config;
use crate::db::SharedPool;
use crate::error::Error;
use crate::session::codec::{Codec, Decoded, Undecodable};
use crate::session::{OF_OTHER_CRATES, expiry, store};

/// How many of the sessions that last longest are looked at.
const SAMPLE: i64 = 200;

pub(super) fn look(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    seen("sessions", sample(shared, config))
}

/// What the sample shows.
#[derive(Default)]
struct Shown<'a> {
    unsigned: BTreeSet<&'a str>,
    unsigned_count: usize,
    unreadable: usize,
    backends: BTreeMap<String, usize>,
    off_by_hours: usize,
}

fn sample(shared: &SharedPool, config: &Config) -> Result<Vec<Finding>, Error> {
    let codec = Codec::new(&config.keys, &config.session_salt);
    let newest = store::newest(shared, SAMPLE)?;
    let mut shown = Shown::default();
    for session in &newest {
        match codec.decode(&session.data) {
            // What has ended says nothing of the keys that are in use.
            Err(Undecodable::Signature) if !session.alive => {}
            Err(Undecodable::Signature) => {
                shown.unsigned_count += 1;
                shown.unsigned.insert(session.app.as_deref().unwrap_or("a Django app"));
            }
            Err(Undecodable::Content) => shown.unreadable += 1,
            Ok(decoded) => {
                shown.off_by_hours += usize::from(is_off_by_hours(session, &decoded, config));
                if let Some(backend) = decoded.data.get::<String>(USER_BACKEND)
                    && backend != BACKEND
                {
                    *shown.backends.entry(backend).or_default() += 1;
                }
            }
        }
    }
    Ok(told(shown, newest.len()))
}

/// A session of Django's that ends a time zone earlier or later than it was to, counted from when it was
/// signed. One that a housekey app or another crate began may have been signed anew since.
fn is_off_by_hours(session: &store::Sample, decoded: &Decoded, config: &Config) -> bool {
    let own = decoded.data.get::<serde_json::Value>(expiry::NAME);
    let is_djangos = !decoded.data.names().any(|name| OF_OTHER_CRATES.contains(&name));
    if session.app.is_some() || !is_djangos || own.is_some_and(|own| !own.is_null()) {
        return false;
    }
    let age = i64::try_from(config.cookie.age.as_secs()).unwrap_or(i64::MAX);
    let off = session.end.timestamp().saturating_sub(decoded.written).saturating_sub(age);
    (15 * 60 - 60..=14 * 3600 + 60).contains(&off.saturating_abs())
}

fn told(shown: Shown<'_>, all: usize) -> Vec<Finding> {
    let mut findings = Findings::about("sessions");
    let some = |count: usize| format!("{count} of the {all} sessions that last longest");
    if shown.unsigned_count > 0 {
        let begun_in: Vec<_> = shown.unsigned.into_iter().collect();
        findings.wrong(
            format!(
                "{} are signed by a key that this app does not have (begun in: {})",
                some(shown.unsigned_count),
                begun_in.join(", ")
            ),
            "give every app of the house the same SECRET_KEY and SECRET_KEY_FALLBACKS; what is left from \
             before that expires, or is ended by housekey sessions revoke --foreign",
        );
    }
    if shown.unreadable > 0 {
        findings.wrong(
            format!("{} are rightly signed and not JSON", some(shown.unreadable)),
            "set SESSION_SERIALIZER = \"django.contrib.sessions.serializers.JSONSerializer\" in every \
             Django app",
        );
    }
    if shown.off_by_hours > 0 {
        findings.warn(
            format!("{} end hours earlier or later than SESSION_COOKIE_AGE says", some(shown.off_by_hours)),
            "set USE_TZ = True in every Django app of the house, and the same SESSION_COOKIE_AGE in all apps",
        );
    }
    for (backend, count) in shown.backends {
        findings.wrong(
            format!("{} were begun by the backend {backend}", some(count)),
            "those users are anonymous here: sign in by django.contrib.auth.backends.ModelBackend",
        );
    }
    findings.unless_any(format!("the {all} sessions that last longest can be read here"))
}
