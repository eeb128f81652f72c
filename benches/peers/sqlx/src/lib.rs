//! What the peers on sqlx have in common.

use std::env;
use std::process::exit;

use sqlx::types::chrono::{DateTime, Utc};

/// As many as B4 has.
pub const CONNECTIONS: u32 = 8;

/// A whole user, as housekey reads it too.
#[derive(Debug, Clone, sqlx::FromRow)]
pub struct User {
    pub id: i32,
    pub password: String,
    pub last_login: Option<DateTime<Utc>>,
    pub is_superuser: bool,
    pub username: String,
    pub first_name: String,
    pub last_name: String,
    pub email: String,
    pub is_staff: bool,
    pub is_active: bool,
    pub date_joined: DateTime<Utc>,
}

/// `?` of SQLite is `$1` there too.
pub const FIND_USER: &str = "SELECT id, password, last_login, is_superuser, username, first_name, last_name, email, \
     is_staff, is_active, date_joined FROM auth_user WHERE id = $1";

/// A variable of the environment; the server ends without it.
#[must_use]
pub fn variable(name: &str) -> String {
    env::var(name).unwrap_or_else(|_| {
        eprintln!("{name} is not set; benches/peers/run sets it");
        exit(2)
    })
}

/// Where to listen.
#[must_use]
pub fn address() -> String {
    format!("127.0.0.1:{}", variable("PORT"))
}
