//! SQL in a database that a URL names, past housekey.

use diesel::connection::SimpleConnection;
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use diesel::{PgConnection, SqliteConnection};

/// The same on either kind.
macro_rules! connected {
    ($url:expr, $conn:ident => $work:expr) => {
        if let Some(path) = $url.strip_prefix("sqlite:") {
            let $conn = &mut SqliteConnection::establish(path).unwrap();
            $conn.batch_execute("PRAGMA busy_timeout = 20000").unwrap();
            $work
        } else {
            let $conn = &mut PgConnection::establish($url).unwrap();
            $work
        }
    };
}

pub(crate) fn execute(url: &str, statements: &str) {
    connected!(url, conn => conn.batch_execute(statements)).unwrap();
}

/// Does something while a transaction that has written is not over; then it is taken back.
pub(crate) fn in_transaction(url: &str, statement: &str, meanwhile: impl FnOnce()) {
    connected!(url, conn => {
        conn.batch_execute(&format!("BEGIN; {statement}")).unwrap();
        meanwhile();
        conn.batch_execute("ROLLBACK").unwrap();
    });
}

/// The one number of a query.
pub(crate) fn count(url: &str, query: &str) -> i64 {
    let query = diesel::select(sql::<BigInt>(&format!("CAST(({query}) AS bigint)")));
    connected!(url, conn => query.get_result(conn)).unwrap()
}

/// The one text of a query.
pub(crate) fn text(url: &str, query: &str) -> String {
    let query = diesel::select(sql::<Text>(&format!("({query})")));
    connected!(url, conn => query.get_result(conn)).unwrap()
}

/// Every row of every table but these, as text.
pub(crate) fn dump(url: &str, but: &[&str]) -> String {
    let is_sqlite = url.starts_with("sqlite:");
    let tables = if is_sqlite {
        "SELECT group_concat(name, '\n') FROM (SELECT name FROM sqlite_master WHERE type = 'table' \
         AND name NOT LIKE 'sqlite%' ORDER BY name)"
    } else {
        "SELECT string_agg(tablename, chr(10) ORDER BY tablename) FROM pg_tables \
         WHERE schemaname = 'public'"
    };
    let tables = text(url, tables);
    let rows = tables.lines().filter(|table| !but.contains(table)).map(|table| {
        let rows = if is_sqlite {
            let columns = format!(
                "SELECT group_concat('quote(\"' || name || '\")', ' || '','' || ') \
                 FROM pragma_table_info('{table}')"
            );
            let columns = text(url, &columns);
            format!(
                "SELECT coalesce(group_concat(line, char(10)), '') \
                 FROM (SELECT {columns} AS line FROM \"{table}\" ORDER BY line)"
            )
        } else {
            format!(
                "SELECT coalesce(string_agg(t::text, chr(10) ORDER BY t::text), '') FROM \"{table}\" AS t"
            )
        };
        format!("{table}:\n{}\n", text(url, &rows))
    });
    rows.collect()
}
