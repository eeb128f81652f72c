//! Rows of `auth_user`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;

use super::{Active, Grant, User};
use crate::db::schema::auth_user;
use crate::db::{DjangoId, Moment, SharedConnection, SharedPool, locked, on_shared};
use crate::error::Error;

/// A whole row, with the password hash: it does not leave the crate.
#[derive(Clone, Queryable, Selectable)]
#[diesel(table_name = auth_user)]
pub(crate) struct UserRow {
    #[diesel(deserialize_as = DjangoId)]
    pub(crate) id: i32,
    pub(crate) password: String,
    pub(crate) last_login: Option<DateTime<Utc>>,
    is_superuser: bool,
    username: String,
    first_name: String,
    last_name: String,
    pub(crate) email: String,
    is_staff: bool,
    pub(crate) is_active: bool,
    date_joined: DateTime<Utc>,
}

impl From<UserRow> for User {
    fn from(row: UserRow) -> Self {
        Self {
            id: row.id.into(),
            username: row.username,
            first_name: row.first_name,
            last_name: row.last_name,
            email: row.email,
            is_active: row.is_active,
            is_staff: row.is_staff,
            is_superuser: row.is_superuser,
            last_login: row.last_login,
            date_joined: row.date_joined,
        }
    }
}

/// What a new user is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Rank {
    Ordinary,
    Superuser,
}

/// By the exact name, as Django's `get_by_natural_key`.
pub(crate) fn find_by_username(shared: &SharedPool, name: &str) -> Result<Option<UserRow>, Error> {
    // PostgreSQL has no text with a NUL in it, and no column room for more than 150 characters.
    if name.contains('\0') || name.chars().nth(150).is_some() {
        return Ok(None);
    }
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            auth_user::table
                .filter(auth_user::username.eq(name))
                .select(UserRow::as_select())
                .get_result(&mut **conn)
                .optional()
        })
    })
}

pub(crate) fn find_by_id(shared: &SharedPool, id: i64) -> Result<Option<UserRow>, Error> {
    let Ok(id) = i32::try_from(id) else { return Ok(None) };
    shared.run(|conn| find(conn, id))
}

pub(crate) fn find(conn: &mut SharedConnection, id: i32) -> QueryResult<Option<UserRow>> {
    on_shared!(SharedConnection, conn, conn => {
        auth_user::table.find(id).select(UserRow::as_select()).get_result(&mut **conn).optional()
    })
}

/// The same, to be changed by this transaction alone.
pub(crate) fn find_locked(conn: &mut SharedConnection, id: i32) -> QueryResult<Option<UserRow>> {
    locked!(conn, auth_user::table.find(id).select(UserRow::as_select()) => first).optional()
}

/// SQLite takes no more than 32,766 values in one statement.
const MOST_IDS: usize = 30_000;

pub(crate) fn find_by_ids(shared: &SharedPool, ids: &[i64]) -> Result<Vec<UserRow>, Error> {
    let ids: Vec<i32> = ids.iter().filter_map(|id| i32::try_from(*id).ok()).collect();
    let mut rows = Vec::with_capacity(ids.len());
    for ids in ids.chunks(MOST_IDS) {
        rows.extend(shared.run(|conn| {
            on_shared!(SharedConnection, conn, conn => {
                auth_user::table
                    .filter(auth_user::id.eq_any(ids))
                    .select(UserRow::as_select())
                    .load(&mut **conn)
            })
        })?);
    }
    Ok(rows)
}

/// What `check` looks at.
#[derive(Queryable)]
pub(crate) struct Sample {
    pub(crate) password: String,
    pub(crate) last_login: Option<DateTime<Utc>>,
    pub(crate) date_joined: DateTime<Utc>,
}

/// The users that were made last.
pub(crate) fn newest(shared: &SharedPool, most: i64) -> Result<Vec<Sample>, Error> {
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            auth_user::table
                .order(auth_user::id.desc())
                .limit(most)
                .select((auth_user::password, auth_user::last_login, auth_user::date_joined))
                .load(&mut **conn)
        })
    })
}

/// A user who is to be made.
pub(crate) struct New {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
    /// The hash.
    pub(crate) password: String,
    pub(crate) rank: Rank,
}

impl New {
    pub(crate) fn ordinary(username: String, email: String, password: String) -> Self {
        let (first_name, last_name) = (String::new(), String::new());
        Self { username, email, first_name, last_name, password, rank: Rank::Ordinary }
    }
}

pub(crate) fn create(conn: &mut SharedConnection, new: &New) -> Result<User, Error> {
    let is_superuser = new.rank == Rank::Superuser;
    let row = (
        auth_user::username.eq(&new.username),
        auth_user::email.eq(&new.email),
        auth_user::password.eq(&new.password),
        auth_user::first_name.eq(&new.first_name),
        auth_user::last_name.eq(&new.last_name),
        auth_user::is_active.eq(true),
        auth_user::is_staff.eq(is_superuser),
        auth_user::is_superuser.eq(is_superuser),
        auth_user::date_joined.eq(Moment::Now),
    );
    let created = on_shared!(SharedConnection, conn, conn => {
        diesel::insert_into(auth_user::table).values(row).execute(&mut **conn)
    });
    unless_taken(created, &new.username)?;
    let row: UserRow = on_shared!(SharedConnection, conn, conn => {
        auth_user::table
            .filter(auth_user::username.eq(&new.username))
            .select(UserRow::as_select())
            .first(&mut **conn)?
    });
    Ok(row.into())
}

fn unless_taken(written: QueryResult<usize>, username: &str) -> Result<(), Error> {
    match written.map_err(Error::from) {
        Err(error) if error.is_taken() => Err(taken(username)),
        written => written.map(drop),
    }
}

fn taken(username: &str) -> Error {
    Error::UsernameTaken { username: username.to_owned() }
}

pub(crate) fn rename(
    conn: &mut SharedConnection,
    user_id: i32,
    username: &str,
) -> Result<(), Error> {
    let renamed = on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.find(user_id))
            .set(auth_user::username.eq(username))
            .execute(&mut **conn)
    });
    unless_taken(renamed, username)
}

/// What a user is called, and where mail goes.
pub(crate) struct Details {
    pub(crate) username: String,
    pub(crate) email: String,
    pub(crate) first_name: String,
    pub(crate) last_name: String,
}

pub(crate) fn set_details(
    conn: &mut SharedConnection,
    user_id: i32,
    details: &Details,
) -> Result<(), Error> {
    let changed = on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.find(user_id))
            .set((
                auth_user::username.eq(&details.username),
                auth_user::email.eq(&details.email),
                auth_user::first_name.eq(&details.first_name),
                auth_user::last_name.eq(&details.last_name),
            ))
            .execute(&mut **conn)
    });
    unless_taken(changed, &details.username)
}

/// Puts a new hash in the place of the one that was checked, and of no other: `false` when somebody
/// was faster.
pub(crate) fn replace_password(
    conn: &mut SharedConnection,
    user_id: i32,
    old: &str,
    new: &str,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let same = auth_user::table.find(user_id).filter(auth_user::password.eq(old));
        let rows = diesel::update(same).set(auth_user::password.eq(new)).execute(&mut **conn)?;
        Ok(rows == 1)
    })
}

pub(crate) fn set_last_login(conn: &mut SharedConnection, user_id: i32) -> QueryResult<()> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.find(user_id))
            .set(auth_user::last_login.eq(Moment::Now.nullable()))
            .execute(&mut **conn)
            .map(drop)
    })
}

pub(crate) fn set_password(
    conn: &mut SharedConnection,
    user_id: i32,
    hash: &str,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.find(user_id))
            .set(auth_user::password.eq(hash))
            .execute(&mut **conn)
            .map(|rows| rows == 1)
    })
}

pub(crate) fn set_active(
    conn: &mut SharedConnection,
    username: &str,
    active: Active,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.filter(auth_user::username.eq(username)))
            .set(auth_user::is_active.eq(active == Active::Yes))
            .execute(&mut **conn)
            .map(|rows| rows == 1)
    })
}

/// Who may do everything may open the admin as well; taking the one leaves the other.
pub(crate) fn set_superuser(
    conn: &mut SharedConnection,
    username: &str,
    grant: Grant,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        let user = auth_user::table.filter(auth_user::username.eq(username));
        let rows = match grant {
            Grant::Give => diesel::update(user)
                .set((auth_user::is_superuser.eq(true), auth_user::is_staff.eq(true)))
                .execute(&mut **conn)?,
            Grant::Take => {
                diesel::update(user).set(auth_user::is_superuser.eq(false)).execute(&mut **conn)?
            }
        };
        Ok(rows == 1)
    })
}

pub(crate) fn set_staff(
    conn: &mut SharedConnection,
    username: &str,
    grant: Grant,
) -> QueryResult<bool> {
    on_shared!(SharedConnection, conn, conn => {
        diesel::update(auth_user::table.filter(auth_user::username.eq(username)))
            .set(auth_user::is_staff.eq(grant == Grant::Give))
            .execute(&mut **conn)
            .map(|rows| rows == 1)
    })
}

pub(crate) fn count(conn: &mut SharedConnection) -> QueryResult<i64> {
    on_shared!(SharedConnection, conn, conn => auth_user::table.count().get_result(&mut **conn))
}

pub(crate) fn names(conn: &mut SharedConnection) -> QueryResult<Vec<String>> {
    on_shared!(SharedConnection, conn, conn => {
        auth_user::table.select(auth_user::username).load(&mut **conn)
    })
}

/// Those whose names begin so. A name may hold what `LIKE` takes for a pattern.
pub(crate) fn list(shared: &SharedPool, begin: &str, most: i64) -> Result<Vec<User>, Error> {
    let pattern = begin.replace('!', "!!").replace('%', "!%").replace('_', "!_") + "%";
    let rows: Vec<UserRow> = shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            auth_user::table
                .filter(auth_user::username.like(&pattern).escape('!'))
                .order(auth_user::username)
                .limit(most)
                .select(UserRow::as_select())
                .load(&mut **conn)
        })
    })?;
    Ok(rows.into_iter().map(User::from).collect())
}
