//! An app that has users of its own joins the house.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use housekey::adoption::{Answer, Conflict, MatchBy};
use housekey::{Adoption, AdoptionPlan, Config};

use crate::Failure;
use crate::args::{Adopt, By, Orphans};
use crate::init::write_for_owner;
use crate::progress::Progress;
use crate::say::{Report, lines};

/// Before the name of a group in the map; no name of a user has a colon.
const GROUP: &str = "group:";

#[expect(
    clippy::disallowed_methods,
    reason = "whether it was set is told by the environment alone"
)]
pub(crate) fn run(config: &Config, wanted: &Adopt) -> Result<Report, Failure> {
    if std::env::var("APP_NAME").map_or(true, |name| name.trim().is_empty()) {
        return Err("APP_NAME is not set; set it to the name of the app: under that name the house remembers who \
                    came from there, so it must be the same each time"
            .into());
    }
    if let Some(file) = &wanted.undo {
        let undone = Adoption::undo(config, file)?;
        return Ok(Report::fine(lines(&undone.to_string()), undone.to_json()));
    }
    let adoption = adoption(config, wanted)?;
    let plan = adoption.plan()?;
    if let Some(file) = &wanted.write_map {
        write_map(file, &plan.conflicts)?;
    }
    if wanted.plan || !plan.is_settled() {
        let (text, facts) = (lines(&plan.to_string()), plan.to_json());
        return Ok(if plan.is_settled() {
            Report::fine(text, facts)
        } else {
            Report::not_fine(text, facts)
        });
    }
    let undo_file = wanted.undo_file.clone().unwrap_or_else(|| free_name(&plan));
    let mut progress: Option<(String, Progress)> = None;
    let report = adoption.run(&undo_file, |step, rows| {
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        if progress.as_ref().is_none_or(|(before, _)| before != step) {
            progress = Some((step.to_owned(), Progress::of(step)));
        }
        if let Some((_, shown)) = &mut progress {
            shown.show(rows);
        }
    })?;
    drop(progress);
    Ok(Report::fine(lines(&report.to_string()), report.to_json()))
}

fn adoption(config: &Config, wanted: &Adopt) -> Result<Adoption, Failure> {
    let mut adoption = Adoption::new(config.clone());
    if let By::Email = wanted.by {
        adoption = adoption.by(MatchBy::Email);
    }
    if wanted.trust_usernames {
        adoption = adoption.trust_usernames();
    }
    if let Some(Orphans::Null) = wanted.orphans {
        adoption = adoption.null_orphans();
    }
    if wanted.keep_ranks {
        adoption = adoption.keep_ranks();
    }
    adoption = wanted.column.iter().fold(adoption, |adoption, column| adoption.column(column));
    let Some(file) = &wanted.map else { return Ok(adoption) };
    for (local, answer) in read_map(file)? {
        adoption = match local.strip_prefix(GROUP) {
            Some(group) => adoption.group(group, answer),
            None => adoption.person(&local, answer),
        };
    }
    Ok(adoption)
}

/// The lines that are filled in.
fn read_map(file: &Path) -> Result<HashMap<String, Answer>, Failure> {
    let told = |problem: String| format!("the map {}: {problem}", file.display());
    let unreadable = |error: csv::Error| told(format!("{error}; correct it"));
    let mut reader = csv::Reader::from_path(file).map_err(unreadable)?;
    if reader.headers().map_err(unreadable)?.iter().ne(["local", "house", "how"]) {
        return Err(told("the first line must be local,house,how".to_owned()).into());
    }
    let mut answers: HashMap<String, Answer> = HashMap::new();
    for (record, number) in reader.into_records().zip(2..) {
        let record = record.map_err(unreadable)?;
        let (local, house) = (record[0].to_owned(), record[1].to_owned());
        let answer = match &record[2] {
            "" => continue,
            "same" => Answer::Same(house),
            "new" => Answer::New(house),
            _ => {
                let problem = format!("in line {number}, how must be same, new or empty");
                return Err(told(problem).into());
            }
        };
        if answers.insert(local, answer).is_some() {
            let problem = format!("line {number} is about somebody who is in it before; leave one");
            return Err(told(problem).into());
        }
    }
    Ok(answers)
}

/// What is not settled, with room for the answer.
fn write_map(file: &Path, conflicts: &[Conflict]) -> Result<(), Failure> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(["local", "house", "how"])?;
    for conflict in conflicts {
        let local = match conflict.about.as_str() {
            "user" => conflict.name.clone(),
            "group" => format!("{GROUP}{}", conflict.name),
            _ => continue,
        };
        writer.write_record([local.as_str(), &conflict.house, ""])?;
    }
    let text = String::from_utf8(writer.into_inner().map_err(|error| error.to_string())?)?;
    write_for_owner(file, &text)
}

/// A run that was broken off may have left its file, which is the way back then.
fn free_name(plan: &AdoptionPlan) -> PathBuf {
    let is_plain = |letter: char| letter.is_alphanumeric() || "-_".contains(letter);
    let app: String =
        plan.app.chars().map(|letter| if is_plain(letter) { letter } else { '-' }).collect();
    let first = PathBuf::from(format!("adopt-{app}.undo.json"));
    let others = (2..).map(|number| PathBuf::from(format!("adopt-{app}-{number}.undo.json")));
    std::iter::once(first).chain(others).find(|file| !file.exists()).unwrap_or_default()
}
