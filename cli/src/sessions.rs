//! The sessions of the house, shown by their ids: a session key is never an argument and never told.

use std::time::Duration;

use housekey::{Caretaker, Error, SessionInfo};
use serde_json::{Value, json};

use crate::args::{Revoked, SessionsCommand};
use crate::progress::Progress;
use crate::say::{Report, shown, utc};
use crate::users::nobody;

pub(crate) fn run(house: &Caretaker, command: SessionsCommand) -> Result<Report, Error> {
    match command {
        SessionsCommand::List { username } => list(house, &username),
        SessionsCommand::Purge { events_older_than } => purge(house, events_older_than),
        SessionsCommand::Revoke(revoked) => revoke(house, &revoked),
    }
}

fn purge(house: &Caretaker, events_older_than: Duration) -> Result<Report, Error> {
    let mut progress = Progress::of("sessions purged");
    let purged = house.purge_sessions(|so_far| progress.show(so_far));
    drop(progress);
    let sessions = purged?;
    let events = match house.purge_events(events_older_than) {
        // The events are no business of a consumer.
        Err(Error::NotAllowed { .. }) => 0,
        purged => purged?,
    };
    let mut lines = vec![format!("{} purged", count_of(sessions, "session"))];
    lines.extend((events > 0).then(|| format!("{} purged", count_of(events, "event"))));
    Ok(Report::fine(lines.join("\n"), json!({ "sessions": sessions, "events": events })))
}

fn list(house: &Caretaker, username: &str) -> Result<Report, Error> {
    let Some(sessions) = house.sessions_of(username)? else { return Ok(nobody(username)) };
    let lines: Vec<String> = sessions.iter().map(line).collect();
    let text = if lines.is_empty() {
        format!("{} has no sessions", shown(username))
    } else {
        lines.join("\n")
    };
    let facts: Value = sessions.iter().map(facts).collect();
    Ok(Report::fine(text, json!({ "sessions": facts })))
}

fn revoke(house: &Caretaker, revoked: &Revoked) -> Result<Report, Error> {
    if revoked.foreign {
        return Ok(ended(house.end_foreign_sessions()?));
    }
    let Some(username) = &revoked.username else {
        return Ok(ended(house.end_all_sessions()?));
    };
    let (count, id) = match (&revoked.all_but, &revoked.only) {
        (Some(id), _) => (house.end_other_sessions_of(username, id)?, Some(id)),
        (None, Some(id)) => (house.end_session(username, id)?.then_some(1), Some(id)),
        (None, None) => (house.end_sessions_of(username)?, None),
    };
    match (count, id) {
        (Some(count), _) => Ok(ended(count)),
        (None, Some(id)) if house.find_user(username)?.is_some() => Ok(no_session(username, id)),
        (None, _) => Ok(nobody(username)),
    }
}

fn ended(count: usize) -> Report {
    Report::fine(format!("{} ended", count_of(count, "session")), json!({ "sessions": count }))
}

fn count_of(count: usize, what: &str) -> String {
    if count == 1 { format!("1 {what}") } else { format!("{count} {what}s") }
}

fn no_session(username: &str, id: &str) -> Report {
    let text = format!("{} has no session {}; nothing is ended", shown(username), shown(id));
    Report::not_fine(text, json!({ "sessions": null }))
}

fn line(session: &SessionInfo) -> String {
    let app = session.app.as_deref().map_or("a Django app".to_owned(), shown);
    let mut words = vec![session.id.clone(), app];
    words.extend(session.address.map(|address| address.to_string()));
    words.push(format!("begun {}", utc(session.created)));
    words.extend(session.last_seen.map(|seen| format!("seen {}", utc(seen))));
    words.push(format!("until {}", utc(session.expires)));
    words.extend(session.agent.as_deref().map(shown));
    words.join("  ")
}

fn facts(session: &SessionInfo) -> Value {
    json!({
        "id": session.id, "app": session.app, "address": session.address, "agent": session.agent,
        "created": session.created.to_rfc3339(),
        "last_seen": session.last_seen.map(|time| time.to_rfc3339()),
        "expires": session.expires.to_rfc3339(),
    })
}
