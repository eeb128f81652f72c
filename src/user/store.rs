//! Rows of `auth_user`.

use chrono::{DateTime, Utc};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};

use super::{Active, Grant, User};
use crate::db::schema::auth_user;
use crate::db::{DjangoId, Moment, SharedConnection, SharedPool, on_shared};
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
                .first(&mut **conn)
                .optional()
        })
    })
}

pub(crate) fn find_by_id(shared: &SharedPool, id: i64) -> Result<Option<UserRow>, Error> {
    let Ok(id) = i32::try_from(id) else { return Ok(None) };
    shared.run(|conn| {
        on_shared!(SharedConnection, conn, conn => {
            auth_user::table.find(id).select(UserRow::as_select()).first(&mut **conn).optional()
        })
    })
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

pub(crate) fn create(
    shared: &SharedPool,
    username: &str,
    email: &str,
    password_hash: &str,
    rank: Rank,
    also: impl FnOnce(&mut SharedConnection, &User) -> QueryResult<()>,
) -> Result<User, Error> {
    let is_superuser = rank == Rank::Superuser;
    let row = (
        auth_user::username.eq(username),
        auth_user::email.eq(email),
        auth_user::password.eq(password_hash),
        auth_user::first_name.eq(""),
        auth_user::last_name.eq(""),
        auth_user::is_active.eq(true),
        auth_user::is_staff.eq(is_superuser),
        auth_user::is_superuser.eq(is_superuser),
        auth_user::date_joined.eq(Moment::Now),
    );
    let created = shared.write(|conn| {
        let row: UserRow = on_shared!(SharedConnection, conn, conn => {
            diesel::insert_into(auth_user::table).values(row).execute(&mut **conn)?;
            auth_user::table
                .filter(auth_user::username.eq(username))
                .select(UserRow::as_select())
                .first(&mut **conn)?
        });
        let user = User::from(row);
        also(conn, &user)?;
        Ok(user)
    });
    match created {
        Ok(user) => Ok(user),
        Err(error) if is_taken(&error) => Err(taken(username)),
        Err(Error::Query(source)) => Err(Error::shared(source)),
        Err(error) => Err(error),
    }
}

fn is_taken(error: &Error) -> bool {
    matches!(error, Error::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
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
    match renamed.map_err(Error::from) {
        Err(error) if is_taken(&error) => Err(taken(username)),
        renamed => renamed.map(drop),
    }
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
