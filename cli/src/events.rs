//! What has happened in the house.

use housekey::{Caretaker, Error, EventFilter, EventInfo};
use serde_json::{Value, json};

use crate::args::Events;
use crate::say::{Report, shown, utc};

pub(crate) fn list(house: &Caretaker, wanted: Events) -> Result<Report, Error> {
    let mut filter = EventFilter::default().most(wanted.limit);
    if let Some(user) = wanted.user {
        filter = filter.user(user);
    }
    if let Some(kind) = wanted.kind {
        filter = filter.kind(kind);
    }
    if let Some(time) = wanted.since {
        filter = filter.within(time);
    }
    if let Some(id) = wanted.before {
        filter = filter.before(id);
    }
    let events = house.events(&filter)?;
    let lines: Vec<String> = events.iter().map(line).collect();
    let text = if lines.is_empty() { "no such events".to_owned() } else { lines.join("\n") };
    Ok(Report::fine(text, json!({ "events": events.iter().map(facts).collect::<Value>() })))
}

fn line(event: &EventInfo) -> String {
    let mut words = vec![utc(event.at), shown(&event.kind)];
    words.extend(event.username.as_deref().map(shown));
    words.push(format!("in {}", shown(&event.app)));
    words.extend(event.address.map(|address| address.to_string()));
    words.extend(event.session.as_deref().map(|id| format!("session {}", shown(id))));
    words.extend(event.detail.as_deref().map(shown));
    words.extend(event.agent.as_deref().map(shown));
    words.join("  ")
}

fn facts(event: &EventInfo) -> Value {
    json!({
        "id": event.id, "at": event.at.to_rfc3339(), "kind": event.kind, "user_id": event.user_id,
        "username": event.username, "app": event.app, "address": event.address,
        "agent": event.agent, "session": event.session, "detail": event.detail,
    })
}
