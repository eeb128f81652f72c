//! Transfers as all of them must be: planned, done, accounted for, and done once.

use housekey::transfer::TransferredTable;
use housekey::{Transfer, TransferReport};

use super::Home;
use super::database::state;

pub(crate) fn house(from: &str, to: &str) -> Transfer {
    Transfer::new(from, to).unwrap()
}

pub(crate) fn local(from: &str, to: &str) -> Transfer {
    house(from, to).local()
}

/// Two databases for each pair of kinds that this home has: the second is empty.
pub(crate) fn pairs(home: &Home) -> Vec<(String, String)> {
    if !home.is_postgres() {
        return vec![(home.local_url("from"), home.local_url("to"))];
    }
    vec![
        (home.another("from1"), home.another("to1")),
        (home.another("from2"), home.local_url("to2")),
        (home.local_url("from3"), home.another("to3")),
    ]
}

/// A database of the same kind, so that both may be compared to the letter.
pub(crate) fn alike(home: &Home, url: &str, name: &str) -> String {
    if super::database::is_postgres(url) { home.another(name) } else { home.local_url(name) }
}

/// Plans and moves; all that must be so of every move is so.
#[track_caller]
pub(crate) fn moved(transfer: &Transfer, from: &str, to: &str) -> TransferReport {
    let before = (state(from), state(to));
    let plan = transfer.plan().unwrap();
    assert_eq!(plan.problems, [""; 0]);
    assert!(!plan.is_done);
    same(&before.1, &state(to), "a plan writes nothing");
    let mut last = 0;
    let report = transfer.run(|progress| {
        assert!(last <= progress.rows && progress.rows <= progress.of, "{progress:?}");
        last = progress.rows;
    });
    let report = report.unwrap_or_else(|error| panic!("{}", chain(&error)));
    assert!(report.is_done && report.problems.is_empty());
    accounted(&report);
    let sizes = |report: &TransferReport| -> Vec<TransferredTable> { report.tables.clone() };
    for (planned, done) in sizes(&plan).iter().zip(sizes(&report)) {
        assert_eq!(*planned, done, "as planned");
    }
    assert_eq!(plan.tables.len(), report.tables.len());

    let after = state(to);
    let again = transfer.run(|_| {}).unwrap_or_else(|error| panic!("{}", chain(&error)));
    let written: u64 = again.tables.iter().map(|table| table.moved).sum();
    assert_eq!(written, 0, "{again}");
    accounted(&again);
    assert!(again.to_string().ends_with("nothing was written"), "{again}");
    same(&after, &state(to), "a second run writes nothing");
    same(&before.0, &state(from), "FROM stays as it was");
    report
}

/// What stops this move; neither side is changed by trying it.
#[track_caller]
pub(crate) fn refused(transfer: &Transfer, from: &str, to: &str) -> String {
    let before = (state(from), state(to));
    let error = transfer.run(|_| {}).unwrap_err();
    let said = chain(&error);
    same(&before.0, &state(from), &said);
    same(&before.1, &state(to), &said);
    said
}

/// An error with all its causes, in every form that it may be shown in.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    causes.map(|cause| format!("{cause}: {cause:?}")).collect::<Vec<_>>().join("; ")
}

#[track_caller]
fn accounted(report: &TransferReport) {
    for table in &report.tables {
        let left: u64 = table.left.iter().map(|left| left.rows).sum();
        assert_eq!(table.found, table.moved + table.matched + left, "{table:?}");
    }
}

pub(crate) fn table<'a>(report: &'a TransferReport, name: &str) -> &'a TransferredTable {
    report.tables.iter().find(|table| table.table == name).unwrap_or_else(|| panic!("no {name}"))
}

/// How many rows were found, moved, matched, and why the others were left.
pub(crate) fn numbers<'a>(
    report: &'a TransferReport,
    name: &str,
) -> (u64, u64, u64, Vec<(u64, &'a str)>) {
    let table = table(report, name);
    let left = table.left.iter().map(|left| (left.rows, left.why.as_str())).collect();
    (table.found, table.moved, table.matched, left)
}

/// Two dumps are the same; else the lines that differ.
#[track_caller]
pub(crate) fn same(one: &str, two: &str, what: &str) {
    if one == two {
        return;
    }
    let differs = |a: &str, b: &str| -> Vec<String> {
        let lines: std::collections::HashSet<&str> = b.lines().collect();
        let only = a.lines().filter(|line| !lines.contains(line));
        only.take(10).map(|line| line.chars().take(300).collect()).collect()
    };
    panic!("{what}\n< {:#?}\n> {:#?}", differs(one, two), differs(two, one));
}
