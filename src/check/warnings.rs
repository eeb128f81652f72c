//! What is seen in the shared database that keeps a login in one app from being a login in all.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use chrono::{DateTime, TimeDelta, Utc};
use diesel::prelude::*;

use crate::auth::BACKEND;
use crate::config::Config;
use crate::db::schema::housekey_setting;
use crate::db::{Moment, SharedConnection, SharedPool, on_shared};
use crate::error::Error;
use crate::password::Hasher;
use crate::session::codec::{Codec, Decoded, Undecodable};
use crate::session::{expiry, store as sessions};
use crate::user::declared;
use crate::user::store as users;

/// How many of the newest rows are looked at: enough to see a habit, few enough for a health page.
const SAMPLE: i64 = 200;
/// The name of the setting under which the house's hasher is written down.
const HASHERS: &str = "PASSWORD_HASHERS";

/// A fact about the house that will trouble its users, with its remedy; from
/// [`Housekey::check`](crate::Housekey::check).
///
/// ```
/// fn show(warnings: &[housekey::Warning]) {
///     for warning in warnings {
///         println!("warning: {warning}");
///     }
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// What was seen.
    pub fact: String,
    /// What to do about it.
    pub remedy: String,
}

impl fmt::Display for Warning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; {}", self.fact, self.remedy)
    }
}

impl Warning {
    fn new(fact: String, remedy: &str) -> Self {
        Self { fact, remedy: remedy.to_owned() }
    }
}

/// What the house has agreed on.
struct Setting {
    value: String,
    app: String,
    since: DateTime<Utc>,
}

/// Writes down what this app brings along, and logs what it sees. No app stays closed because that fails:
/// logins do not need it.
pub(crate) fn tell(shared: &SharedPool, config: &Config) {
    let seen = agree(shared, config).and_then(|()| warnings(shared, config));
    match seen {
        Ok(warnings) => {
            for warning in warnings {
                tracing::warn!(app = config.app_name, "{warning}");
            }
        }
        Err(error) => {
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            tracing::warn!(app = config.app_name, %error, cause, "the house could not be looked over");
        }
    }
}

/// Writes down how passwords are hashed in this house, when this app is the first, or its cost is above
/// the house's: then the house's is raised. The app that has set it may set it anew.
fn agree(shared: &SharedPool, config: &Config) -> Result<(), Error> {
    if !is_to_be_set(shared.run(hasher_of_house)?, config) {
        return Ok(());
    }
    let set = shared.write(|conn| {
        crate::db::migrate::lock(conn)?;
        // Between the look and the lock another app may have come first.
        if is_to_be_set(hasher_of_house(conn)?, config) {
            set_hasher(conn, config)?;
        }
        Ok(())
    });
    match set.map_err(Error::settled) {
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

fn set_hasher(conn: &mut SharedConnection, config: &Config) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let row = (
            housekey_setting::value.eq(config.hasher.to_string()),
            housekey_setting::app.eq(&config.app_name),
            housekey_setting::since.eq(Moment::Now),
        );
        let known = housekey_setting::table.find(HASHERS);
        if diesel::update(known).set(row.clone()).execute(&mut **conn)? == 0 {
            diesel::insert_into(housekey_setting::table)
                .values((housekey_setting::name.eq(HASHERS), row))
                .execute(&mut **conn)?;
        }
        Ok(())
    })
}

fn hasher_of_house(conn: &mut SharedConnection) -> QueryResult<Option<Setting>> {
    type Row = (String, String, DateTime<Utc>);
    let row: Option<Row> = on_shared!(SharedConnection, conn, conn => {
        housekey_setting::table
            .find(HASHERS)
            .select((housekey_setting::value, housekey_setting::app, housekey_setting::since))
            .first(&mut **conn)
            .optional()?
    });
    Ok(row.map(|(value, app, since)| Setting { value, app, since }))
}

/// All that can be seen now.
pub(crate) fn warnings(shared: &SharedPool, config: &Config) -> Result<Vec<Warning>, Error> {
    let mut found = Vec::new();
    let house = shared.run(hasher_of_house)?;
    let newest = users::newest(shared, SAMPLE)?;
    if let Some(house) = house {
        found.extend(other_hasher(&house, config));
        found.extend(foreign_hashes(&house, &newest));
    }
    found.extend(local_times(&newest, config.clock.now()));
    found.extend(labels(shared, config)?);
    found.extend(sessions_of_others(shared, config)?);
    Ok(found)
}

fn other_hasher(house: &Setting, config: &Config) -> Option<Warning> {
    let ours = config.hasher.to_string();
    (house.value != ours).then(|| {
        let (value, app) = (&house.value, &house.app);
        Warning::new(
            format!(
                "this app hashes passwords as {ours}, the house as {value} (set by app `{app}`)"
            ),
            "give every app of the house the same PASSWORD_HASHER and PASSWORD_ITERATIONS",
        )
    })
}

/// A hash above the house's was written by a Django of higher cost; one below it whose user has signed in
/// since by one of lower cost: the housekey app would have upgraded it.
fn foreign_hashes(house: &Setting, newest: &[users::Sample]) -> Option<Warning> {
    let agreed = Hasher::parse(&house.value)?;
    let is_foreign = |user: &&users::Sample| {
        let Some(theirs) = Hasher::of(&user.password) else { return false };
        let since = user.last_login.is_some_and(|login| login > house.since);
        theirs.is_above(agreed) || (since && agreed.is_above(theirs))
    };
    let mut hashers: BTreeMap<String, usize> = BTreeMap::new();
    for user in newest.iter().filter(is_foreign) {
        *hashers.entry(Hasher::of(&user.password)?.to_string()).or_default() += 1;
    }
    let list: Vec<String> =
        hashers.iter().map(|(hasher, count)| format!("{count} as {hasher}")).collect();
    (!list.is_empty()).then(|| {
        Warning::new(
            format!("passwords of the newest users were hashed by an app of another cost: {}", list.join(", ")),
            "pin one cost in every Django app (a subclass of its hasher with `iterations` set, first in \
             PASSWORD_HASHERS): else each login there ends the user's sessions begun here",
        )
    })
}

/// Times of the future: SQLite has no time zones, and a Django with `USE_TZ = False` writes its own.
fn local_times(newest: &[users::Sample], now: DateTime<Utc>) -> Option<Warning> {
    let soon = now + TimeDelta::hours(1);
    let odd = |user: &&users::Sample| {
        user.date_joined > soon || user.last_login.is_some_and(|t| t > soon)
    };
    let count = newest.iter().filter(odd).count();
    (count > 0).then(|| {
        Warning::new(
            format!("{count} of the newest users joined or signed in in the future"),
            "set USE_TZ = True in every Django app of the house, and see that the clocks agree: sessions \
             would end too early or too late",
        )
    })
}

fn labels(shared: &SharedPool, config: &Config) -> Result<Vec<Warning>, Error> {
    let (owners, models) =
        shared.run(|conn| Ok((declared::owners(conn)?, declared::models(conn)?)))?;
    let mut found = Vec::new();
    if let Some((label, model)) =
        models.iter().find(|(label, model)| model == "user" && label != "auth")
    {
        found.push(Warning::new(
            format!("a Django app may have a user model of its own ({label}.{model})"),
            "if that is its AUTH_USER_MODEL, set it to \"auth.User\", which is what housekey shares",
        ));
    }
    for label in declared::labels(config) {
        let declares = |model: &str| {
            config.permissions.iter().any(|ours| ours.app_label == label && ours.model == model)
        };
        let stranger = models.iter().find(|(of, model)| of == label && !declares(model));
        let remedy = "give each app of the house an app label of its own: who may do something in one \
                      could do it in the other";
        match (owners.get(label), stranger) {
            (None, _) => found.push(Warning::new(
                format!("the permissions of `{label}` are not in the shared database"),
                "call housekey::migrate",
            )),
            (Some(owner), _) if *owner != config.app_name => found.push(Warning::new(
                format!("the app label `{label}` belongs to app `{owner}`"),
                remedy,
            )),
            (Some(_), Some((_, model))) => found.push(Warning::new(
                format!(
                    "under our app label there is `{label}.{model}`, which this app does not declare: it is \
                     another app's, or was declared before"
                ),
                "give each app of the house an app label of its own; a row that is left over may be deleted",
            )),
            (Some(_), None) => {}
        }
    }
    Ok(found)
}

/// What the sample of sessions shows.
#[derive(Default)]
struct Seen<'a> {
    unsigned: BTreeSet<&'a str>,
    unsigned_count: usize,
    unreadable: usize,
    backends: BTreeMap<String, usize>,
    off_by_hours: usize,
}

fn sessions_of_others(shared: &SharedPool, config: &Config) -> Result<Vec<Warning>, Error> {
    let codec = Codec::new(&config.keys, &config.session_salt);
    let newest = sessions::newest(shared, SAMPLE)?;
    let mut seen = Seen::default();
    for session in &newest {
        match codec.decode(&session.data) {
            // What has ended says nothing of the keys that are in use.
            Err(Undecodable::Signature) if !session.alive => {}
            Err(Undecodable::Signature) => {
                seen.unsigned_count += 1;
                seen.unsigned.insert(session.app.as_deref().unwrap_or("a Django app"));
            }
            Err(Undecodable::Content) => seen.unreadable += 1,
            Ok(decoded) => {
                seen.off_by_hours += usize::from(is_off_by_hours(session, &decoded, config));
                if let Some(backend) = decoded.data.get::<String>(crate::auth::USER_BACKEND)
                    && backend != BACKEND
                {
                    *seen.backends.entry(backend).or_default() += 1;
                }
            }
        }
    }
    Ok(told(seen, newest.len()))
}

/// A session of Django's that ends a time zone earlier or later than it was to, counted from when it was
/// signed. One that a housekey app began may have been signed anew since.
fn is_off_by_hours(session: &sessions::Sample, decoded: &Decoded, config: &Config) -> bool {
    let own = decoded.data.get::<serde_json::Value>(expiry::NAME);
    if session.app.is_some() || own.is_some_and(|own| !own.is_null()) {
        return false;
    }
    let age = i64::try_from(config.cookie.age.as_secs()).unwrap_or(i64::MAX);
    let off = session.end.timestamp().saturating_sub(decoded.written).saturating_sub(age);
    (15 * 60 - 60..=14 * 3600 + 60).contains(&off.saturating_abs())
}

fn told(seen: Seen<'_>, all: usize) -> Vec<Warning> {
    let mut found = Vec::new();
    if seen.unsigned_count > 0 {
        let begun_in: Vec<_> = seen.unsigned.into_iter().collect();
        found.push(Warning::new(
            format!(
                "{} of the {all} sessions that last longest are signed by a key that this app does not have \
                 (begun in: {})",
                seen.unsigned_count,
                begun_in.join(", ")
            ),
            "give every app of the house the same SECRET_KEY and SECRET_KEY_FALLBACKS; rows from before \
             that stay until they expire",
        ));
    }
    if seen.unreadable > 0 {
        found.push(Warning::new(
            format!(
                "{} of the {all} sessions that last longest are rightly signed and not JSON",
                seen.unreadable
            ),
            "set SESSION_SERIALIZER = \"django.contrib.sessions.serializers.JSONSerializer\" in every \
             Django app",
        ));
    }
    if seen.off_by_hours > 0 {
        found.push(Warning::new(
            format!(
                "{} of the {all} sessions that last longest end hours earlier or later than \
                 SESSION_COOKIE_AGE says",
                seen.off_by_hours
            ),
            "set USE_TZ = True in every Django app of the house, and the same SESSION_COOKIE_AGE in all apps",
        ));
    }
    for (backend, count) in seen.backends {
        found.push(Warning::new(
            format!(
                "{count} of the {all} sessions that last longest were begun by the backend {backend}"
            ),
            "those users are anonymous here: sign in by django.contrib.auth.backends.ModelBackend",
        ));
    }
    found
}
