//! What a SQL text is about: its tables, and whether it writes.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::place::DatabaseKind;

mod kinds;
mod reader;
mod tokens;
mod with;

/// The tables a SQL text names, and whether it changes one of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Statement {
    pub(crate) tables: BTreeSet<String>,
    pub(crate) writes: bool,
}

impl Statement {
    /// Reads one or more statements in the dialect of a database.
    pub(crate) fn read(sql: &str, kind: DatabaseKind) -> Result<Self, Error> {
        reader::Reader::read(sql, kind)
    }
}

fn unreadable(why: impl Into<String>) -> Error {
    Error::UnreadableSql { why: why.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SEEDS: [&str; 12] = [
        "WITH RECURSIVE a (n) AS NOT MATERIALIZED (SELECT 1 UNION ALL SELECT n FROM a), b AS (TABLE c) SELECT * FROM a, b",
        "SELECT a.\"b\"\"c\" AS from, E'\\'' || U&'x' FROM ONLY (t) u JOIN LATERAL f(1) ON a IS NOT DISTINCT FROM b FOR UPDATE",
        "INSERT OR REPLACE INTO `a` SELECT :x, [y z] FROM 'b' ON CONFLICT (c) DO UPDATE SET d = 1, e = 2 RETURNING f",
        "UPDATE main.t SET a = $1, b = ?2 FROM x.y.z, (VALUES (1), (2)) v WHERE extract(year FROM c) > 1.5e3",
        "DELETE FROM t USING u, v WHERE a IN (SELECT 1 /* in /* it */ */ FROM w) -- the end",
        "CREATE TABLE IF NOT EXISTS t (LIKE u, a int REFERENCES v) INHERITS (w, x) WITH (b = 1)",
        "CREATE OR REPLACE TEMP VIEW v AS WITH a AS (SELECT $$ it's $$, $q$ $$ $q$) SELECT * FROM a",
        "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS i ON ONLY t USING btree (lower(a))",
        "ALTER TABLE IF EXISTS ONLY t NO INHERIT u; ALTER TABLE t ATTACH PARTITION p DEFAULT",
        "DROP MATERIALIZED VIEW a, \"B\".c CASCADE; TRUNCATE TABLE ONLY d *, e; LOCK f; ANALYZE g (h), i",
        "EXPLAIN (ANALYZE, COSTS off) SELECT * FROM ROWS FROM (f(), g()); EXPLAIN QUERY PLAN SELECT 1",
        "größe \u{a0} \u{3000} ;;; ((((a)))) '",
    ];

    #[test]
    fn fuzz_no_text_breaks_the_reader_and_a_blank_behind_it_changes_nothing() {
        let seeds: Vec<_> = SEEDS.iter().map(|sql| sql.as_bytes().to_vec()).collect();
        crate::fuzz::fuzz(&seeds, |bytes| {
            let sql = String::from_utf8_lossy(bytes);
            for kind in [DatabaseKind::Sqlite, DatabaseKind::Postgres] {
                if let Ok(found) = Statement::read(&sql, kind) {
                    let again = Statement::read(&format!(" {sql}\n\t; ;"), kind);
                    assert!(again.is_ok_and(|again| again == found), "{sql}");
                }
            }
        });
    }
}
