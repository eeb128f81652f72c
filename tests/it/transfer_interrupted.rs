//! A move that is interrupted has not happened, and can be run again; two at once are one.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::database::{count, execute, is_postgres, texts};
use crate::support::transfers::{chain, house, local, moved, numbers, pairs, same, table};
use crate::support::{Home, KEY, database, on_both_databases, user};

on_both_databases!(
    a_lost_connection_is_no_half_a_move,
    whoever_stops_in_the_middle_has_moved_nothing,
    a_full_disk_is_no_half_a_move,
    two_moves_at_once_are_one,
    apps_that_go_on_writing_disturb_nothing,
);

const MANY: u64 = 6_000;

/// A table with enough rows for the progress to be told of.
fn fill(from: &str, to: &str) {
    let table = "CREATE TABLE note (id integer NOT NULL PRIMARY KEY, text varchar(90) NOT NULL)";
    execute(from, table);
    execute(to, table);
    execute(
        from,
        &format!(
            "INSERT INTO note WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < {MANY}) \
        SELECT n, 'a note that is somewhat longer, so that there is something to write' FROM c"
        ),
    );
}

/// What `FROM` and `TO` are after a move that came to nothing, and that a further run makes good.
fn nothing_and_then_all(from: &str, to: &str, before: &(String, String)) {
    same(&before.1, &database::state(to), "TO is as it was");
    same(&before.0, &database::state(from), "FROM is as it was");
    let report = moved(&local(from, to), from, to);
    assert_eq!(numbers(&report, "note"), (MANY, MANY, 0, vec![]));
}

/// Ends every other connection to a database of PostgreSQL.
fn hang_up(url: &str) {
    let all = "SELECT pg_terminate_backend(pid)::text FROM pg_stat_activity \
        WHERE datname = current_database() AND pid <> pg_backend_pid()";
    texts(url, all);
}

fn a_lost_connection_is_no_half_a_move(home: &Home) {
    for (from, to) in pairs(home) {
        for side in [&from, &to].into_iter().filter(|url| is_postgres(url)) {
            for when in [1_000, MANY / 2, MANY + 1_000, 2 * MANY] {
                execute(&to, "DROP TABLE IF EXISTS note");
                execute(&from, "DROP TABLE IF EXISTS note");
                fill(&from, &to);
                let before = (database::state(&from), database::state(&to));
                let mut is_cut = false;
                let error = local(&from, &to).run(|progress| {
                    if progress.rows >= when && !is_cut {
                        is_cut = true;
                        hang_up(side);
                    }
                });
                assert!(is_cut);
                // All that FROM has was on its way by then: its connection may be missed by nobody.
                if let Ok(report) = &error
                    && side == &from
                {
                    assert_eq!(numbers(report, "note"), (MANY, MANY, 0, vec![]));
                    continue;
                }
                let said = chain(&error.unwrap_err());
                let name = if side == &from { "FROM failed" } else { "TO failed" };
                assert!(
                    said.starts_with(name) && said.contains("run this again"),
                    "{when}: {said}"
                );
                nothing_and_then_all(&from, &to, &before);
            }
        }
    }
}

fn whoever_stops_in_the_middle_has_moved_nothing(home: &Home) {
    for (from, to) in pairs(home) {
        fill(&from, &to);
        let before = (database::state(&from), database::state(&to));
        for when in [1_000, 2 * MANY] {
            let stopped = std::panic::catch_unwind(|| {
                local(&from, &to).run(|progress| assert!(progress.rows < when, "enough"))
            });
            assert!(stopped.is_err());
            same(&before.1, &database::state(&to), "TO is as it was");
        }
        nothing_and_then_all(&from, &to, &before);
    }
}

/// PostgreSQL's disk is the server's: a trigger says what it would say.
fn a_full_disk_is_no_half_a_move(home: &Home) {
    for (from, to) in pairs(home) {
        fill(&from, &to);
        let (full, empty) = if is_postgres(&to) {
            (
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN IF NEW.id > 4500 THEN \
                 RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = '53100'; END IF; \
                 RETURN NEW; END $$; CREATE TRIGGER full_disk BEFORE INSERT ON note FOR EACH ROW EXECUTE FUNCTION full_disk()",
                "DROP TRIGGER full_disk ON note; DROP FUNCTION full_disk()",
            )
        } else {
            (
                "CREATE TRIGGER full_disk BEFORE INSERT ON note WHEN NEW.id > 4500 BEGIN \
                 SELECT RAISE(ROLLBACK, 'database or disk is full'); END",
                "DROP TRIGGER full_disk",
            )
        };
        let before = (database::state(&from), database::state(&to));
        execute(&to, full);
        let said = chain(&local(&from, &to).run(|_| {}).unwrap_err());
        assert!(said.starts_with("TO failed, and nothing was moved; mend the cause"), "{said}");
        assert!(
            said.contains("No space left on device") || said.contains("disk is full"),
            "{said}"
        );
        execute(&to, empty);
        nothing_and_then_all(&from, &to, &before);
    }
}

/// Each begins while the other is at work, if it can.
fn two_moves_at_once_are_one(home: &Home) {
    for (from, to) in pairs(home) {
        let there = home.open_with(home.config_at(&from, "notes", KEY));
        (0..60).for_each(|number| drop(user(&there, &format!("user{number}"))));
        drop(there);
        let reports: Vec<_> = std::thread::scope(|scope| {
            let runs = [0; 3].map(|_| scope.spawn(|| house(&from, &to).run(|_| {})));
            runs.into_iter().map(|run| run.join().unwrap()).collect()
        });
        // Whoever found no file, and then one of somebody else, may have been told to run again.
        let done: Vec<_> = reports.iter().filter_map(|report| report.as_ref().ok()).collect();
        let moved_ones: u64 = done.iter().map(|report| table(report, "auth_user").moved).sum();
        assert_eq!(moved_ones, 60, "{reports:?}");
        assert_eq!(done.len(), 3, "{reports:?}");
        assert_eq!(count(&to, "SELECT count(*) FROM auth_user"), 60);
        moved(&house(&from, &to), &from, &to);
    }
}

fn apps_that_go_on_writing_disturb_nothing(home: &Home) {
    for (from, to) in pairs(home) {
        // As the databases of apps are set up: readers and writers at once.
        if !is_postgres(&from) {
            texts(&from, "PRAGMA journal_mode = WAL");
        }
        fill(&from, &to);
        let is_over = AtomicBool::new(false);
        let mut written = 0;
        let report = std::thread::scope(|scope| {
            let writer = scope.spawn(|| {
                let mut rows = 0;
                while !is_over.load(Ordering::Relaxed) {
                    rows += 1;
                    let id = 100_000 + rows;
                    execute(&from, &format!("INSERT INTO note VALUES ({id}, 'late'); UPDATE note SET text = 'late' WHERE id = {rows}"));
                }
                rows
            });
            let report = local(&from, &to).run(|_| {});
            is_over.store(true, Ordering::Relaxed);
            written = writer.join().unwrap();
            report.unwrap()
        });
        // One state of FROM, whichever: as many new rows as changed ones.
        let (found, arrived, _, left) = numbers(&report, "note");
        assert!(found == arrived && left.is_empty() && written > 0);
        let late = "SELECT count(*) FROM note WHERE id < 100000 AND text = 'late'";
        let new = count(&to, "SELECT count(*) FROM note WHERE id > 100000");
        let changed = count(&to, late);
        assert!(new == changed || new == changed + 1, "{new} {changed}");
        assert_eq!(arrived, MANY + new.cast_unsigned());
    }
}
