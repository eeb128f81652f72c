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

/// The one number of a query.
pub(crate) fn count(url: &str, query: &str) -> i64 {
    let query = diesel::select(sql::<BigInt>(&format!("({query})")));
    connected!(url, conn => query.get_result(conn)).unwrap()
}

/// The one text of a query.
pub(crate) fn text(url: &str, query: &str) -> String {
    let query = diesel::select(sql::<Text>(&format!("({query})")));
    connected!(url, conn => query.get_result(conn)).unwrap()
}
