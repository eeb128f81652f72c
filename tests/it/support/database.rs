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
    within(url, statement, meanwhile, "ROLLBACK");
}

/// The same, and then it is committed.
pub(crate) fn in_transaction_kept(url: &str, statement: &str, meanwhile: impl FnOnce()) {
    within(url, statement, meanwhile, "COMMIT");
}

fn within(url: &str, statement: &str, meanwhile: impl FnOnce(), end: &str) {
    connected!(url, conn => {
        conn.batch_execute(&format!("BEGIN; {statement}")).unwrap();
        meanwhile();
        conn.batch_execute(end).unwrap();
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

/// All texts of a query, in its order.
pub(crate) fn texts(url: &str, query: &str) -> Vec<String> {
    let query = sql::<Text>(query);
    connected!(url, conn => query.load(conn)).unwrap()
}

/// How SQLite would run a statement.
pub(crate) fn lines_of_plan(url: &str, explained: &str) -> Vec<String> {
    #[derive(QueryableByName)]
    struct Step {
        #[diesel(sql_type = Text)]
        detail: String,
    }
    let conn = &mut SqliteConnection::establish(url.strip_prefix("sqlite:").unwrap()).unwrap();
    let steps: Vec<Step> = diesel::sql_query(explained).load(conn).unwrap();
    steps.into_iter().map(|step| step.detail).collect()
}

pub(crate) fn is_postgres(url: &str) -> bool {
    !url.starts_with("sqlite:")
}

/// The tables that people have made, by name.
pub(crate) fn tables(url: &str) -> Vec<String> {
    texts(
        url,
        if is_postgres(url) {
            "SELECT relname::text FROM pg_class WHERE relkind IN ('r', 'p') AND NOT relispartition \
         AND relnamespace = current_schema()::regnamespace ORDER BY relname"
        } else {
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' \
         AND sql NOT LIKE 'CREATE VIRTUAL%' ORDER BY name"
        },
    )
}

/// Every row of a table, each column as the database itself spells it.
pub(crate) fn rows(url: &str, table: &str) -> Vec<String> {
    let name = format!("\"{}\"", table.replace('"', "\"\""));
    if is_postgres(url) {
        return texts(url, &format!("SELECT t::text FROM {name} AS t ORDER BY 1"));
    }
    let of = table.replace('\'', "''");
    let columns = format!(
        "SELECT group_concat('quote(\"' || replace(name, '\"', '\"\"') || '\")', '||''|''||') \
         FROM pragma_table_xinfo('{of}') WHERE hidden <> 1"
    );
    texts(url, &format!("SELECT {} FROM {name} ORDER BY 1", text(url, &columns)))
}

/// All that a database has: its tables, what belongs to them, their rows and their next ids.
pub(crate) fn state(url: &str) -> String {
    if !is_postgres(url) && !std::path::Path::new(&url["sqlite:".len()..]).exists() {
        return "no file".to_owned();
    }
    let mut lines = texts(url, if is_postgres(url) { OF_POSTGRES } else { OF_SQLITE });
    for table in tables(url) {
        lines.push(format!("-- {table}"));
        lines.extend(rows(url, &table));
    }
    lines.join("\n")
}

const OF_POSTGRES: &str = "SELECT line FROM (
    SELECT concat_ws(' ', 'column', table_name, ordinal_position, column_name, data_type,
        character_maximum_length, is_nullable, column_default, is_identity) AS line
    FROM information_schema.columns WHERE table_schema = current_schema()
    UNION ALL SELECT indexdef FROM pg_indexes WHERE schemaname = current_schema()
    UNION ALL SELECT concat_ws(' ', conrelid::regclass, conname, condeferrable, condeferred, convalidated,
        pg_get_constraintdef(oid)) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace
    UNION ALL SELECT concat_ws(' ', 'trigger', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger
    WHERE NOT tgisinternal
    UNION ALL SELECT concat_ws(' ', 'sequence', sequencename, coalesce(last_value, 0)) FROM pg_sequences
    WHERE schemaname = current_schema()
    ) AS lines ORDER BY line";

const OF_SQLITE: &str = "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_master \
    WHERE name <> 'sqlite_sequence' ORDER BY type, name";

/// Every row of every table but these, as text.
pub(crate) fn dump(url: &str, but: &[&str]) -> String {
    let mut lines = Vec::new();
    for table in tables(url).into_iter().filter(|table| !but.contains(&table.as_str())) {
        lines.push(format!("{table}:"));
        lines.extend(rows(url, &table));
    }
    lines.join("\n")
}
