//! A house, or an app's own tables, in another database.

use housekey::Transfer;
use housekey::transfer::TransferReport;

use crate::Failure;
use crate::args::Transferred;
use crate::init::has_password;
use crate::progress::Progress;
use crate::say::{Report, lines};

pub(crate) fn run(what: &Transferred) -> Result<Report, Failure> {
    if has_password(&what.from) || has_password(&what.to) {
        return Err("a password among the arguments can be seen by everybody on this machine; leave it out of the \
                    URL, and give it in ~/.pgpass or in PGPASSWORD"
            .into());
    }
    let mut transfer = Transfer::new(&what.from, &what.to)?;
    if what.local {
        transfer = transfer.local();
    }
    transfer = what.table.iter().fold(transfer, |transfer, table| transfer.table(table));
    transfer = what.leave.iter().fold(transfer, |transfer, table| transfer.leave(table));
    if what.plan {
        return Ok(told(&transfer.plan()?));
    }
    let mut progress = None;
    let report = transfer.run(|so_far| {
        let count = |rows: u64| rows.try_into().unwrap_or(usize::MAX);
        let bar = progress.get_or_insert_with(|| Progress::of("rows").towards(count(so_far.of)));
        bar.show(count(so_far.rows));
    });
    drop(progress);
    Ok(told(&report?))
}

fn told(report: &TransferReport) -> Report {
    let text = lines(&report.to_string());
    let facts = serde_json::from_str(&report.to_json()).unwrap_or_default();
    if report.is_whole() { Report::fine(text, facts) } else { Report::not_fine(text, facts) }
}
