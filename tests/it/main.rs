//! What housekey promises, a file a promise, on SQLite and on PostgreSQL.

mod support;

mod vectors_password;
