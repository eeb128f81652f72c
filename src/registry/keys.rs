//! Rows of `housekey_key`: what each key of the house is used for.

use std::fmt;

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::Instance;
use crate::db::schema::housekey_key;
use crate::db::{Moment, SharedConnection, on_shared};
use crate::key::SecretKey;
use crate::session::key::mark;

/// What a key of the house is used for: each step of a rotation moves it on by one.
///
/// ```
/// assert_eq!(housekey::KeyState::Retiring.to_string(), "retiring");
/// ```
#[expect(
    clippy::exhaustive_enums,
    reason = "a key has four lives, and `match` on them is the point"
)]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum KeyState {
    /// The coming key: every app is to verify it (`SECRET_KEY_FALLBACKS`), and none signs with it.
    Staged,
    /// The key that the apps of the house sign with (`SECRET_KEY`).
    Signing,
    /// The key before: still verified, until what it has signed has ended or was renewed.
    Retiring,
    /// No app wants it any more, and none is let in with it.
    Retired,
}

impl KeyState {
    fn parse(text: &str) -> Self {
        match text {
            "staged" => Self::Staged,
            "retiring" => Self::Retiring,
            "retired" => Self::Retired,
            _ => Self::Signing,
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Staged => "staged",
            Self::Signing => "signing",
            Self::Retiring => "retiring",
            Self::Retired => "retired",
        }
    }
}

impl fmt::Display for KeyState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A key that the registry of the house knows, by its fingerprint.
///
/// ```
/// fn show(key: &housekey::HouseKey) -> String {
///     format!("{} is {} since {}", key.fingerprint, key.state, key.since)
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HouseKey {
    /// As [`SecretKey::fingerprint`] shows it.
    pub fingerprint: String,
    /// What it is used for.
    pub state: KeyState,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The app that had it first.
    pub app: String,
    pub(crate) mark: String,
}

impl HouseKey {
    /// An app that signs with it, to be named to who lacks it: best one that is there.
    pub(crate) fn holder<'a>(&'a self, apps: impl IntoIterator<Item = &'a Instance>) -> &'a str {
        let holds = |app: &&Instance| app.profile.signs_with() == Some(&self.fingerprint);
        let mut holders = apps.into_iter().filter(holds);
        holders.next().map_or(&self.app, |app| &app.app)
    }

    pub(crate) fn is(&self, key: &SecretKey) -> bool {
        self.fingerprint == key.fingerprint().to_string()
    }
}

/// All keys of the house, the newest first.
pub(crate) fn all(conn: &mut SharedConnection) -> QueryResult<Vec<HouseKey>> {
    type Row = (String, String, DateTime<Utc>, String, Option<DateTime<Utc>>, String);
    let rows: Vec<Row> = on_shared!(SharedConnection, conn, conn => {
        housekey_key::table
            .order(housekey_key::first_seen.desc())
            .select((
                housekey_key::fingerprint,
                housekey_key::app,
                housekey_key::first_seen,
                housekey_key::state,
                housekey_key::since,
                housekey_key::mark,
            ))
            .load(&mut **conn)?
    });
    Ok(rows
        .into_iter()
        .map(|(fingerprint, app, first_seen, state, since, mark)| HouseKey {
            fingerprint,
            state: KeyState::parse(&state),
            since: since.unwrap_or(first_seen),
            app,
            mark,
        })
        .collect())
}

/// The key that the house signs with.
pub(crate) fn signing(keys: &[HouseKey]) -> Option<&HouseKey> {
    keys.iter().filter(|key| key.state == KeyState::Signing).max_by_key(|key| key.since)
}

pub(crate) fn register(
    conn: &mut SharedConnection,
    key: &SecretKey,
    state: KeyState,
    app: &str,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(housekey_key::table)
            .values((
                housekey_key::fingerprint.eq(key.fingerprint().to_string()),
                housekey_key::app.eq(app),
                housekey_key::first_seen.eq(Moment::Now),
                housekey_key::state.eq(state.name()),
                housekey_key::since.eq(Moment::Now.nullable()),
                housekey_key::mark.eq(mark(key)),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

pub(crate) fn set_state(
    conn: &mut SharedConnection,
    fingerprint: &str,
    state: KeyState,
) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(housekey_key::table.find(fingerprint))
            .set((
                housekey_key::state.eq(state.name()),
                housekey_key::since.eq(Moment::Now.nullable()),
            ))
            .execute(&mut **conn)
            .map(drop)
    })
}

pub(crate) fn unstage(conn: &mut SharedConnection) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        let staged = housekey_key::table.filter(housekey_key::state.eq(KeyState::Staged.name()));
        diesel::delete(staged).execute(&mut **conn).map(drop)
    })
}
