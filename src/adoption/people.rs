//! The users on both sides: read from the app's own database, made in the house.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::matching::Someone;
use super::plan::{Conflict, Fate, Person};
use crate::db::schema::auth_user;
use crate::db::{DjangoId, SharedConnection, Stamp, on_shared, read_time};
use crate::error::{Error, MoveError};
use crate::moving::{Catalog, Cell, Database, Holds, Row};
use crate::place::DatabaseKind;

/// What a user takes along; with the password hash, so it has no `Debug`.
#[derive(Clone, Insertable)]
#[diesel(table_name = auth_user)]
pub(super) struct Luggage {
    password: String,
    last_login: Option<Stamp>,
    pub(super) is_superuser: bool,
    username: String,
    first_name: String,
    last_name: String,
    email: String,
    pub(super) is_staff: bool,
    is_active: bool,
    date_joined: Stamp,
}

/// The local users: who they are, and what they would take along, if it can be read.
pub(super) struct Locals {
    pub(super) people: Vec<Someone>,
    luggage: Vec<Option<Luggage>>,
}

const TEXTS: [&str; 5] = ["username", "email", "password", "first_name", "last_name"];
const FLAGS: [&str; 3] = ["is_superuser", "is_staff", "is_active"];
const TIMES: [&str; 2] = ["last_login", "date_joined"];
/// How many characters the house has room for, in the order of `TEXTS`.
const ROOM: [usize; 5] = [150, 254, 128, 150, 150];
/// Rows of one INSERT; PostgreSQL takes 65,535 values, SQLite 32,766.
const AT_ONCE: usize = 1_000;

pub(super) fn has_users(catalog: &Catalog) -> Result<(), MoveError> {
    let lacks =
        |problem: &str| MoveError::Schema { database: super::LOCAL, problem: problem.to_owned() };
    let table = catalog.table("auth_user").ok_or_else(|| {
        lacks("has no table auth_user: the app has no users of its own, and there is nothing to adopt")
    })?;
    let names = TEXTS.iter().chain(&FLAGS).chain(&TIMES);
    let missing: Vec<&str> = names.filter(|name| table.column(name).is_none()).copied().collect();
    let is_fit = table.key == ["id"]
        && table.column("id").is_some_and(|id| matches!(id.holds, Holds::Integer(_)));
    if is_fit && missing.is_empty() {
        return Ok(());
    }
    Err(lacks(
        "has an auth_user that is not Django's; adopt the users of a Django with AUTH_USER_MODEL = \"auth.User\"",
    ))
}

impl Locals {
    pub(super) fn read(local: &mut Database) -> Result<Self, MoveError> {
        let kind = local.kind();
        let texts = TEXTS.map(str::to_owned);
        let numbers = FLAGS.map(|name| format!("CAST({name} AS varchar)"));
        let times = TIMES.map(|name| match kind {
            DatabaseKind::Sqlite => name.to_owned(),
            DatabaseKind::Postgres => {
                format!("to_char({name} AT TIME ZONE 'UTC', 'YYYY-MM-DD HH24:MI:SS.US')")
            }
        });
        let columns: Vec<String> = texts.into_iter().chain(numbers).chain(times).collect();
        let columns = columns.join(", ");
        let rows = local
            .rows(&format!("SELECT CAST(id AS varchar), {columns} FROM auth_user ORDER BY id"))?;
        let people = rows.iter().map(|row| Someone {
            id: row.integer(0).unwrap_or(0),
            username: row.text(1).to_owned(),
            email: row.text(2).trim().to_owned(),
            is_active: is_set(row, 8),
        });
        Ok(Self { people: people.collect(), luggage: rows.iter().map(luggage).collect() })
    }

    /// These conflicts and those of users who cannot be written as they are: no map settles them.
    pub(super) fn with_unfit(&self, people: &[Person], conflicts: Vec<Conflict>) -> Vec<Conflict> {
        let unfit = self.unfit(people);
        let names: HashSet<&str> = unfit.iter().map(|one| one.name.as_str()).collect();
        let settled = conflicts.into_iter().filter(|one| !names.contains(one.name.as_str()));
        let settled: Vec<Conflict> = settled.collect();
        settled.into_iter().chain(unfit).collect()
    }

    fn unfit(&self, people: &[Person]) -> Vec<Conflict> {
        let both = people.iter().zip(&self.luggage);
        let unfit = both.filter(|(person, luggage)| {
            let is_odd = person.username.is_empty() || person.username.contains('\0');
            (person.fate == Fate::Moved && luggage.is_none())
                || is_odd
                || person.username.chars().nth(ROOM[0]).is_some()
        });
        let conflict = |(person, _): (&Person, _)| {
            Conflict::of_user(
                &person.username,
                "",
                "has a value that the house cannot hold: too long, no text, or no time",
                "correct the row in the auth_user of the app",
            )
        };
        unfit.map(conflict).collect()
    }

    /// Superusers and staff who move, in words.
    pub(super) fn ranks(&self, people: &[Person]) -> Vec<String> {
        let both = people.iter().zip(&self.luggage);
        let moving = both.filter(|(person, _)| person.fate == Fate::Moved);
        let ranked = moving.filter_map(|(person, luggage)| {
            let luggage = luggage.as_ref().filter(|one| one.is_superuser || one.is_staff)?;
            let rank = if luggage.is_superuser { "superuser" } else { "staff" };
            Some(format!("{} ({rank})", person.house))
        });
        let mut ranked: Vec<String> = ranked.collect();
        ranked.sort();
        ranked
    }

    /// Makes those who move, and says which ids the house gave them.
    pub(super) fn move_in(
        &self,
        conn: &mut SharedConnection,
        people: &mut [Person],
        ranks: super::Ranks,
    ) -> Result<(), Error> {
        let moving = people.iter().zip(&self.luggage).filter(|(one, _)| one.fate == Fate::Moved);
        let rows: Vec<Luggage> = moving
            .filter_map(|(one, luggage)| {
                let mut luggage = luggage.clone()?;
                luggage.username.clone_from(&one.house);
                if ranks == super::Ranks::Left {
                    (luggage.is_superuser, luggage.is_staff) = (false, false);
                }
                Some(luggage)
            })
            .collect();
        let mut ids = HashMap::new();
        for some in rows.chunks(AT_ONCE) {
            let names: Vec<&str> = some.iter().map(|one| one.username.as_str()).collect();
            let made: Vec<(DjangoId, String)> = on_shared!(SharedConnection, conn, conn => {
                diesel::insert_into(auth_user::table).values(some.to_vec()).execute(&mut **conn)?;
                auth_user::table
                    .filter(auth_user::username.eq_any(names))
                    .select((auth_user::id, auth_user::username))
                    .load(&mut **conn)?
            });
            ids.extend(made.into_iter().map(|(id, name)| (name, i64::from(i32::from(id)))));
        }
        for one in people.iter_mut().filter(|one| one.fate == Fate::Moved) {
            one.user_id = ids.get(&one.house).copied();
        }
        Ok(())
    }
}

fn is_set(row: &Row, place: usize) -> bool {
    ["1", "true"].contains(&row.text(place))
}

fn luggage(row: &Row) -> Option<Luggage> {
    let text = |place: usize| {
        let text = row.0.get(place + 1).and_then(Cell::text)?;
        let fits = text.chars().nth(ROOM[place]).is_none() && !text.contains('\0');
        fits.then(|| text.to_owned())
    };
    let last_login = match row.0.get(9) {
        Some(Cell::Null) | None => None,
        Some(cell) => Some(Stamp(cell.text().and_then(read_time)?)),
    };
    Some(Luggage {
        username: text(0)?,
        email: text(1)?,
        password: text(2)?,
        first_name: text(3)?,
        last_name: text(4)?,
        is_superuser: is_set(row, 6),
        is_staff: is_set(row, 7),
        is_active: is_set(row, 8),
        last_login,
        date_joined: Stamp(read_time(row.text(10))?),
    })
}

/// Nobody goes from the house, or comes or is renamed, between the look and the commit.
pub(super) fn hold(conn: &mut SharedConnection) -> QueryResult<()> {
    conn.lock("LOCK TABLE auth_user IN SHARE ROW EXCLUSIVE MODE")
}

/// All users of the house.
pub(super) fn of_house(conn: &mut SharedConnection) -> QueryResult<Vec<Someone>> {
    type Row = (DjangoId, String, String, bool);
    let rows: Vec<Row> = on_shared!(SharedConnection, conn, conn => {
        auth_user::table
            .select((auth_user::id, auth_user::username, auth_user::email, auth_user::is_active))
            .order(auth_user::id)
            .load(&mut **conn)?
    });
    let someone = |(id, username, email, is_active): Row| Someone {
        id: i32::from(id).into(),
        username,
        email: email.trim().to_owned(),
        is_active,
    };
    Ok(rows.into_iter().map(someone).collect())
}
