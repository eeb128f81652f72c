//! Tables of every shape go over, as people make them.

use std::fmt::Write as _;

use crate::support::database::{count, execute, is_postgres, rows, texts};
use crate::support::transfers::{house, local, moved, numbers, pairs, refused};
use crate::support::{Home, KEY, on_both_databases};

on_both_databases!(
    rows_that_refer_to_each_other,
    what_refers_to_what_stays_behind_stays_behind,
    what_goes_along_with_a_row_is_not_taken_along,
    what_cannot_be_kept_stops_the_move_in_circles_too,
    keys_of_two_columns_and_of_none,
    ids_that_the_database_gives,
    names_that_have_to_be_quoted,
    a_table_that_has_more_in_to,
    a_table_that_has_less_in_to,
    a_table_that_to_does_not_have,
    only_the_tables_that_were_asked_for,
    what_is_no_table_of_rows,
    what_to_makes_of_a_row_is_looked_at,
    many_rows_leave_the_indexes_as_they_were,
);

/// The same tables on both sides.
fn make(from: &str, to: &str, sql: &str) {
    execute(from, sql);
    execute(to, sql);
}

/// Past the foreign keys.
fn orphan(url: &str, sql: &str, tables: &[&str]) {
    if !is_postgres(url) {
        return execute(url, &format!("PRAGMA foreign_keys = OFF; {sql}"));
    }
    let all = |word: &str| {
        let tables = tables.iter().map(|table| format!("ALTER TABLE {table} {word} TRIGGER ALL;"));
        tables.collect::<String>()
    };
    execute(url, &format!("{} {sql}; {}", all("DISABLE"), all("ENABLE")));
}

const CIRCLE: &str = "CREATE TABLE worker (id integer NOT NULL PRIMARY KEY, boss integer NULL REFERENCES worker (id), \
        shop integer NULL, best integer NULL); \
    CREATE TABLE shop (id integer NOT NULL PRIMARY KEY, owner integer NULL REFERENCES worker (id) ON DELETE CASCADE);";

/// The key to the shop can be made when there are shops.
fn circle(url: &str) {
    if is_postgres(url) {
        execute(url, CIRCLE);
        execute(
            url,
            "ALTER TABLE worker ADD CONSTRAINT of_shop FOREIGN KEY (shop) REFERENCES shop (id) ON DELETE CASCADE",
        );
    } else {
        let reference = "shop integer NULL REFERENCES shop (id) ON DELETE CASCADE";
        execute(url, &CIRCLE.replace("shop integer NULL", reference));
    }
}

fn rows_that_refer_to_each_other(home: &Home) {
    for (from, to) in pairs(home) {
        circle(&from);
        circle(&to);
        // Each has the next one as boss, and the last one the first.
        let workers = "INSERT INTO worker SELECT n, n % 60 + 1, n % 5 + 1, NULL FROM";
        let shops = "INSERT INTO shop SELECT n, n * 7 FROM";
        let numbers_to = |most| {
            format!(
                "(WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {most}) SELECT n FROM c) AS c"
            )
        };
        let sql = format!("{workers} {}; {shops} {}", numbers_to(60), numbers_to(5));
        orphan(&from, &sql, &["worker", "shop"]);
        let schema = |url| {
            crate::support::database::state(url)
                .lines()
                .filter(|line| line.contains("FOREIGN"))
                .count()
        };
        let before = schema(&to);
        let report = moved(&local(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        assert_eq!(numbers(&report, "worker"), (60, 60, 0, vec![]));
        assert_eq!(
            count(
                &to,
                "SELECT count(*) FROM worker w JOIN worker b ON b.id = w.boss AND b.id = w.id % 60 + 1"
            ),
            60
        );
        assert_eq!(schema(&to), before);
        // The keys hold again.
        if is_postgres(&to) {
            let bad = std::panic::catch_unwind(|| execute(&to, "INSERT INTO shop VALUES (9, 99)"));
            assert!(bad.is_err());
        }
    }
}

fn what_refers_to_what_stays_behind_stays_behind(home: &Home) {
    for (from, to) in pairs(home) {
        let leaf = "CREATE TABLE leaf (id integer NOT NULL PRIMARY KEY, worker integer NOT NULL REFERENCES worker (id))";
        for url in [&from, &to] {
            circle(url);
            execute(url, leaf);
        }
        // 1 has a boss who is gone; 2 to 20 have each other for a boss, down to 1; 30 owns a shop and is its worker.
        let mut sql = "INSERT INTO worker VALUES (1, 999, NULL, NULL);".to_owned();
        for id in 2..=20 {
            let boss = id - 1;
            let _ = write!(sql, "INSERT INTO worker VALUES ({id}, {boss}, NULL, NULL);");
        }
        sql += "INSERT INTO worker VALUES (30, NULL, 1, NULL), (31, 30, NULL, NULL), (40, NULL, 2, NULL), \
                    (50, 51, NULL, NULL), (51, 52, NULL, NULL), (52, 50, NULL, NULL), (53, 54, NULL, NULL), (54, 20, NULL, NULL); \
                INSERT INTO shop VALUES (1, 30), (2, 888), (3, 15), (4, NULL); \
                INSERT INTO leaf VALUES (1, 20), (2, 31), (3, 40), (4, 777), (5, 52), (6, 53)";
        orphan(&from, &sql, &["worker", "shop", "leaf"]);
        let report = moved(&local(&from, &to), &from, &to);
        let boss = "its boss leads to no row of worker";
        let left = vec![(22, boss), (1, "its shop leads to no row of shop")];
        assert_eq!(numbers(&report, "worker"), (28, 5, 0, left));
        let left = vec![(2, "its owner leads to no row of worker")];
        assert_eq!(numbers(&report, "shop"), (4, 2, 0, left));
        let left = vec![(4, "its worker leads to no row of worker")];
        assert_eq!(numbers(&report, "leaf"), (6, 2, 0, left));
        let ids = |table: &str| {
            texts(&to, &format!("SELECT CAST(id AS varchar(9)) FROM {table} ORDER BY id"))
        };
        assert_eq!(ids("worker"), ["30", "31", "50", "51", "52"]);
        assert_eq!(
            (ids("shop"), ids("leaf")),
            (vec!["1".into(), "4".into()], vec!["2".into(), "5".into()])
        );
        assert!(!report.is_whole());
    }
}

/// A row of TO is never deleted for the sake of another one.
fn what_goes_along_with_a_row_is_not_taken_along(home: &Home) {
    for (from, to) in pairs(home) {
        let sql = "CREATE TABLE a (id integer NOT NULL PRIMARY KEY, up integer NULL REFERENCES a (id) ON DELETE CASCADE); \
            CREATE TABLE b (id integer NOT NULL PRIMARY KEY, a integer NULL REFERENCES a (id) ON DELETE SET NULL); \
            CREATE TABLE c (id integer NOT NULL PRIMARY KEY, a integer NOT NULL REFERENCES a (id) ON DELETE RESTRICT)";
        make(&from, &to, sql);
        let rows = "INSERT INTO a VALUES (1, NULL), (2, 1), (3, 77), (4, 3), (5, 4); \
            INSERT INTO b VALUES (1, 2), (2, 5), (3, NULL); INSERT INTO c VALUES (1, 1), (2, 4)";
        orphan(&from, rows, &["a", "b", "c"]);
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "a"), (5, 2, 0, vec![(3, "its up leads to no row of a")]));
        assert_eq!(numbers(&report, "b"), (3, 2, 0, vec![(1, "its a leads to no row of a")]));
        assert_eq!(numbers(&report, "c"), (2, 1, 0, vec![(1, "its a leads to no row of a")]));
    }
}

fn keys_of_two_columns_and_of_none(home: &Home) {
    for (from, to) in pairs(home) {
        let sql = "CREATE TABLE place (land varchar(9) NOT NULL, town varchar(9) NOT NULL, n integer, PRIMARY KEY (land, town)); \
            CREATE TABLE visit (land varchar(9) NULL, town varchar(9) NULL, \
                FOREIGN KEY (land, town) REFERENCES place (land, town)); \
            CREATE TABLE plain (word varchar(9) NULL, n integer NULL)";
        make(&from, &to, sql);
        let rows_of = "INSERT INTO place VALUES ('pl', 'a', 1), ('pl', 'b', 2), ('de', 'a', 3); \
            INSERT INTO visit VALUES ('pl', 'a'), ('pl', 'a'), ('de', 'b'), ('de', NULL), (NULL, NULL); \
            INSERT INTO plain VALUES ('x', 1), ('x', 1), ('x', 1), (NULL, NULL), (NULL, NULL), ('', 0)";
        orphan(&from, rows_of, &["place", "visit"]);
        let report = moved(&local(&from, &to), &from, &to);
        let left = vec![(1, "its land, town leads to no row of place")];
        assert_eq!(numbers(&report, "visit"), (5, 4, 0, left));
        assert_eq!(numbers(&report, "plain"), (6, 6, 0, vec![]));
        assert_eq!(count(&to, "SELECT count(*) FROM plain WHERE word = 'x'"), 3);
        // One of three that are alike is missing in TO: that one is moved, and no other.
        let one = if is_postgres(&to) {
            "ctid = (SELECT min(ctid) FROM plain WHERE n = 1)"
        } else {
            "rowid = (SELECT min(rowid) FROM plain WHERE n = 1)"
        };
        execute(&to, &format!("DELETE FROM plain WHERE {one}"));
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "plain"), (6, 1, 5, vec![]));
        // One more than FROM has is one too many.
        execute(&to, "INSERT INTO plain VALUES ('x', 1)");
        assert!(
            refused(&local(&from, &to), &from, &to)
                .contains("plain has rows there that are not in FROM (1)")
        );
    }
}

/// Each kind of database has its own ways to give ids.
fn ids_that_the_database_gives(home: &Home) {
    for (from, to) in pairs(home) {
        let made = |url: &str, table: &str, kind: [&str; 2]| {
            let kind = kind[usize::from(is_postgres(url))];
            execute(url, &format!("CREATE TABLE {table} (id {kind}, word varchar(9) NULL)"));
        };
        for url in [&from, &to] {
            if is_postgres(url) {
                execute(url, "CREATE SEQUENCE numbers START 5; CREATE SEQUENCE \"Their Own\"");
            }
            let counted = "integer PRIMARY KEY AUTOINCREMENT";
            made(url, "serial_one", [counted, "serial PRIMARY KEY"]);
            made(url, "identity_one", [counted, "bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY"]);
            made(
                url,
                "\"Default One\"",
                [counted, "integer DEFAULT nextval('\"Their Own\"') PRIMARY KEY"],
            );
            // SQLite gives the next id above those that are there.
            made(
                url,
                "rowid_one",
                ["integer PRIMARY KEY", "integer DEFAULT nextval('numbers') PRIMARY KEY"],
            );
            made(url, "empty_one", [counted, "serial PRIMARY KEY"]);
        }
        let add = |url: &str, table: &str| {
            execute(url, &format!("INSERT INTO {table} (word) VALUES ('x')"));
        };
        let next = |url: &str, table: &str| {
            add(url, table);
            count(url, &format!("SELECT CAST(max(id) AS bigint) FROM {table}"))
        };
        for table in ["serial_one", "identity_one", "\"Default One\"", "rowid_one"] {
            (0..12).for_each(|_| add(&from, table));
            // Somebody else may still have these.
            execute(&from, &format!("DELETE FROM {table} WHERE id > 7"));
        }
        let report = moved(&local(&from, &to), &from, &to);
        assert!(report.is_whole());
        for table in ["serial_one", "identity_one", "\"Default One\""] {
            assert_eq!(next(&to, table), 13, "{table}");
        }
        assert!(next(&to, "rowid_one") > 7);
        assert_eq!(next(&to, "empty_one"), 1);
    }
}

fn names_that_have_to_be_quoted(home: &Home) {
    for (from, to) in pairs(home) {
        make(
            &from,
            &to,
            r#"CREATE TABLE "order" ("select" integer NOT NULL PRIMARY KEY, "two words" varchar(9), "say ""hi""" varchar(9));
            CREATE TABLE "It's a ""table""" ("Id" integer NOT NULL PRIMARY KEY, "order" integer REFERENCES "order" ("select"), "żółw" varchar(9));
            CREATE TABLE "MixedCase" (id integer NOT NULL PRIMARY KEY, "?" varchar(9), "$1" varchar(9));
            CREATE TABLE moving (moving integer NOT NULL PRIMARY KEY, found integer REFERENCES moving (moving))"#,
        );
        let rows_of = r#"INSERT INTO "order" VALUES (1, 'a', 'b'), (2, NULL, '"');
            INSERT INTO "It's a ""table""" VALUES (1, 1, 'x'), (2, 5, 'y');
            INSERT INTO "MixedCase" VALUES (1, '?', '$1'); INSERT INTO moving VALUES (1, NULL), (2, 9), (3, 2)"#;
        orphan(&from, rows_of, &[r#""It's a ""table""""#, "moving"]);
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "order"), (2, 2, 0, vec![]));
        let left = vec![(1, "its order leads to no row of order")];
        assert_eq!(numbers(&report, r#"It's a "table""#), (2, 1, 0, left));
        assert_eq!(numbers(&report, "MixedCase"), (1, 1, 0, vec![]));
        assert_eq!(
            numbers(&report, "moving"),
            (3, 1, 0, vec![(2, "its found leads to no row of moving")])
        );
    }
}

fn a_table_that_has_more_in_to(home: &Home) {
    for (from, to) in pairs(home) {
        execute(
            &from,
            "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, n integer NOT NULL, twice integer GENERATED ALWAYS AS (n * 2) STORED)",
        );
        execute(&from, "INSERT INTO note (id, n) VALUES (1, 10), (2, 20)");
        execute(
            &to,
            "CREATE TABLE note (more varchar(9) NOT NULL DEFAULT 'more', n integer NOT NULL, \
            id integer NOT NULL PRIMARY KEY, perhaps integer NULL, twice integer NULL, \
            thrice integer GENERATED ALWAYS AS (n * 3) STORED)",
        );
        moved(&local(&from, &to), &from, &to);
        // What FROM works out is a value in TO.
        let right = "SELECT count(*) FROM note WHERE more = 'more' AND perhaps IS NULL AND twice = n * 2 AND thrice = n * 3";
        assert_eq!(count(&to, right), 2);

        execute(
            &to,
            "DROP TABLE note; CREATE TABLE note (id integer NOT NULL PRIMARY KEY, n integer NOT NULL, must integer NOT NULL)",
        );
        let said = refused(&local(&from, &to), &from, &to);
        assert!(said.contains("TO wants a value in the column must of note"), "{said}");
    }
}

fn a_table_that_has_less_in_to(home: &Home) {
    for (from, to) in pairs(home) {
        execute(
            &from,
            "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, old varchar(9), older varchar(9)); \
            CREATE TABLE free (id integer)",
        );
        execute(
            &to,
            "CREATE TABLE note (id integer NOT NULL PRIMARY KEY); CREATE TABLE free (id integer)",
        );
        execute(&from, "INSERT INTO note VALUES (1, 'x', NULL); INSERT INTO free VALUES (1)");
        let said = refused(&local(&from, &to), &from, &to);
        assert!(said.contains("TO has no column old of the table note, which FROM has"), "{said}");
        let plan = local(&from, &to).plan().unwrap();
        assert_eq!(plan.problems.len(), 1, "{plan}");
        let report = moved(&local(&from, &to).leave("note"), &from, &to);
        assert_eq!(numbers(&report, "note"), (1, 0, 0, vec![(1, "so it was asked for")]));
        assert_eq!(numbers(&report, "free"), (1, 1, 0, vec![]));
    }
}

fn a_table_that_to_does_not_have(home: &Home) {
    for (from, to) in pairs(home) {
        execute(
            &from,
            "CREATE TABLE here (id integer); CREATE TABLE empty (id integer); CREATE TABLE full_one (id integer); \
            CREATE TABLE django_migrations (id integer); CREATE TABLE __diesel_schema_migrations (version varchar(50)); \
            INSERT INTO here VALUES (1); INSERT INTO full_one VALUES (1), (2); INSERT INTO django_migrations VALUES (1)",
        );
        execute(&to, "CREATE TABLE here (id integer)");
        let said = refused(&local(&from, &to), &from, &to);
        assert!(
            said.contains("TO has no table full_one, which FROM has with rows in it"),
            "{said}"
        );
        assert!(said.contains("--leave"), "{said}");
        let plan = local(&from, &to).plan().unwrap();
        assert!(plan.problems.len() == 1 && !plan.is_whole(), "{plan}");
        let report = moved(&local(&from, &to).leave("full_one"), &from, &to);
        assert!(report.is_whole());
        assert_eq!(numbers(&report, "full_one"), (2, 0, 0, vec![(2, "so it was asked for")]));
        assert_eq!(numbers(&report, "empty"), (0, 0, 0, vec![]));
        let own = "each database keeps its own record of its migrations";
        assert_eq!(numbers(&report, "django_migrations"), (1, 0, 0, vec![(1, own)]));
        for wrong in [local(&from, &to).leave("Full_one"), local(&from, &to).table("nothing")] {
            let said = refused(&wrong, &from, &to);
            assert!(said.starts_with("FROM has no table "), "{said}");
        }
    }
}

fn what_cannot_be_kept_stops_the_move_in_circles_too(home: &Home) {
    for (from, to) in pairs(home) {
        let both = "CREATE TABLE link (id integer NOT NULL PRIMARY KEY, name varchar(9), up integer REFERENCES link (id))";
        make(&from, &to, both);
        execute(&to, "CREATE UNIQUE INDEX too_strict ON link (name)");
        // One word is too long for PostgreSQL; a row that leads nowhere is left, whatever else there is.
        let long = if !is_postgres(&from) && is_postgres(&to) { "too long a word" } else { "a" };
        orphan(
            &from,
            &format!(
                "INSERT INTO link VALUES (1, '{long}', 1), (2, 'b', 1), (3, 'c', 2), (4, 'd', NULL), (5, 'e', 99)"
            ),
            &["link"],
        );
        if long == "a" {
            let report = moved(&local(&from, &to), &from, &to);
            assert_eq!(numbers(&report, "link").1, 4);
            continue;
        }
        let said = refused(&local(&from, &to), &from, &to);
        assert!(said.contains("the row with id 1 of link has in name"), "{said}");
        let plan = local(&from, &to).plan().unwrap();
        assert_eq!((plan.problems.len(), plan.tables[0].left[0].rows), (1, 1), "{plan}");

        execute(&from, "DELETE FROM link WHERE id <> 5");
        let report = local(&from, &to).run(|_| {}).unwrap();
        assert!(report.to_string().ends_with("nothing was written: all rows are left"), "{report}");
    }
}

fn only_the_tables_that_were_asked_for(home: &Home) {
    for (from, to) in pairs(home) {
        drop(home.open_with(home.config_at(&from, "notes", KEY)));
        let tables = "CREATE TABLE company (id integer NOT NULL PRIMARY KEY); CREATE TABLE note (id integer)";
        execute(&from, tables);
        execute(&from, "INSERT INTO company VALUES (1); INSERT INTO note VALUES (1), (2)");
        let said = refused(&house(&from, &to).table("company"), &from, &to);
        assert!(said.contains("TO has no table company"), "{said}");
        let first = moved(&house(&from, &to), &from, &to);
        assert!(first.is_whole());
        assert_eq!(numbers(&first, "note").3[0].0, 2);
        execute(&to, tables);
        let report = moved(&house(&from, &to).table("company"), &from, &to);
        assert_eq!(numbers(&report, "company"), (1, 1, 0, vec![]));
        assert_eq!(count(&to, "SELECT count(*) FROM note"), 0);
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "note"), (2, 2, 0, vec![]));
        assert_eq!(numbers(&report, "auth_user").1, 0);
    }
}

fn what_is_no_table_of_rows(home: &Home) {
    for (from, to) in pairs(home) {
        for url in [&from, &to] {
            execute(
                url,
                "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, text varchar(90) NOT NULL); \
                CREATE VIEW notes AS SELECT id FROM note",
            );
            execute(
                url,
                if is_postgres(url) {
                    "CREATE TABLE part (id integer NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)) PARTITION BY RANGE (day); \
                 CREATE TABLE part_old PARTITION OF part FOR VALUES FROM ('2000-01-01') TO ('2020-01-01'); \
                 CREATE TABLE part_new PARTITION OF part DEFAULT; \
                 CREATE TABLE keyed (word varchar(20) NOT NULL PRIMARY KEY, n integer)"
                } else {
                    "CREATE TABLE part (id integer NOT NULL, day date NOT NULL, PRIMARY KEY (id, day)); \
                 CREATE TABLE keyed (word varchar(20) NOT NULL PRIMARY KEY, n integer) WITHOUT ROWID"
                },
            );
        }
        execute(
            &from,
            "INSERT INTO note VALUES (1, 'found by words'); INSERT INTO keyed VALUES ('b', 1), ('a', 2); \
            INSERT INTO part VALUES (1, '2010-05-05'), (1, '2024-02-29'), (2, '1999-12-31')",
        );
        if !is_postgres(&from) {
            execute(
                &from,
                "CREATE VIRTUAL TABLE search USING fts5 (text); INSERT INTO search VALUES ('found by words')",
            );
        }
        let report = moved(&local(&from, &to), &from, &to);
        assert!(report.is_whole(), "{report}");
        assert_eq!(numbers(&report, "part"), (3, 3, 0, vec![]));
        assert_eq!(numbers(&report, "keyed"), (2, 2, 0, vec![]));
        let names: Vec<&str> = report.tables.iter().map(|table| table.table.as_str()).collect();
        assert_eq!(names, ["keyed", "note", "part"]);
        let told = report.notes.iter().any(|note| note.starts_with("search is no ordinary table"));
        assert_eq!(told, !is_postgres(&from), "{report}");
        assert_eq!(count(&to, "SELECT count(*) FROM notes"), 1);
    }
}

fn what_to_makes_of_a_row_is_looked_at(home: &Home) {
    for (from, to) in pairs(home) {
        make(
            &from,
            &to,
            "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, text varchar(20) NOT NULL); \
            CREATE TABLE audit (id integer NOT NULL PRIMARY KEY)",
        );
        execute(&from, "INSERT INTO note VALUES (1, 'Quiet'), (2, 'QUIET')");
        let trigger = |name: &str, timing: &str, work: [&str; 2]| {
            execute(
                &to,
                &if is_postgres(&to) {
                    format!(
                        "CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {} END $$; \
                    CREATE TRIGGER {name} {timing} INSERT ON note FOR EACH ROW EXECUTE FUNCTION {name}()",
                        work[1]
                    )
                } else {
                    format!("CREATE TRIGGER {name} AFTER INSERT ON note BEGIN {} END", work[0])
                },
            );
        };
        let gone = |name: &str| {
            execute(
                &to,
                &if is_postgres(&to) {
                    format!("DROP TRIGGER {name} ON note")
                } else {
                    format!("DROP TRIGGER {name}")
                },
            );
        };
        for (name, timing, work, says) in [
            (
                "louder",
                "BEFORE",
                [
                    "UPDATE note SET text = upper(text) WHERE id = NEW.id;",
                    "NEW.text = upper(NEW.text); RETURN NEW;",
                ],
                "the rows of note in TO are not those of FROM (their checksums are not the same)",
            ),
            (
                "hides",
                "BEFORE",
                [
                    "DELETE FROM note WHERE id = 2;",
                    "IF NEW.id = 2 THEN RETURN NULL; END IF; RETURN NEW;",
                ],
                "(2 were sent, and 1 are there)",
            ),
            (
                "tells",
                "AFTER",
                [
                    "INSERT INTO audit VALUES (NEW.id);",
                    "INSERT INTO audit VALUES (NEW.id); RETURN NULL;",
                ],
                "the rows of audit in TO are not those of FROM (0 were sent, and 2 are there)",
            ),
        ] {
            trigger(name, timing, work);
            let said = refused(&local(&from, &to), &from, &to);
            assert!(said.contains(says) && said.contains("trigger"), "{said}");
            assert!(!said.contains("QUIET"), "{said}");
            gone(name);
        }
        moved(&local(&from, &to), &from, &to);
    }
}

/// PostgreSQL is faster without them.
fn many_rows_leave_the_indexes_as_they_were(home: &Home) {
    for (from, to) in pairs(home).into_iter().filter(|(_, to)| is_postgres(to)) {
        make(
            &from,
            &to,
            "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, n integer NOT NULL UNIQUE, word varchar(20) NULL); \
            CREATE INDEX by_word ON note (word, n DESC); CREATE INDEX \"By half\" ON note (n) WHERE word IS NULL; \
            CREATE INDEX by_length ON note (length(word))",
        );
        execute(
            &from,
            "INSERT INTO note WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 10500) \
            SELECT n, -n, CASE WHEN n % 3 > 0 THEN 'word' END FROM c",
        );
        let indexes = "SELECT indexdef FROM pg_indexes WHERE tablename = 'note' ORDER BY 1";
        let before = texts(&to, indexes);
        let report = moved(&local(&from, &to), &from, &to);
        assert_eq!(numbers(&report, "note").1, 10_500);
        assert_eq!(texts(&to, indexes), before);
        assert_eq!((before.len(), rows(&to, "note").len()), (5, 10_500));
    }
}
