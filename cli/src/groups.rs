//! The groups of the house.

use housekey::{Caretaker, Grant};
use serde_json::json;

use crate::Failure;
use crate::args::GroupCommand;
use crate::say::{Report, done, listed, shown};

pub(crate) fn run(house: &Caretaker, command: GroupCommand) -> Result<Report, Failure> {
    match command {
        GroupCommand::Create { group } => {
            house.create_group(&group)?;
            Ok(done(&group, "is there"))
        }
        GroupCommand::List => {
            let groups = house.groups()?;
            let lines: Vec<String> = groups.iter().map(|group| shown(group)).collect();
            Ok(Report::fine(lines.join("\n"), json!({ "groups": groups })))
        }
        GroupCommand::Show { group } => Ok(match house.find_group(&group)? {
            Some(found) => {
                let lines = [
                    shown(&found.name),
                    listed("members", &found.members),
                    listed("permissions", &found.permissions),
                ];
                let facts = json!({
                    "name": found.name, "members": found.members, "permissions": found.permissions,
                });
                Report::fine(lines.join("\n"), facts)
            }
            None => no_group(&group),
        }),
        GroupCommand::Delete { group } => {
            if house.find_group(&group)?.is_none() {
                return Ok(no_group(&group));
            }
            house.delete_group(&group)?;
            Ok(done(&group, "is deleted"))
        }
        GroupCommand::Grant { group, permission } => {
            house.grant_to_group(&group, &permission, Grant::Give)?;
            Ok(done(&group, &format!("has {}", shown(&permission))))
        }
        GroupCommand::Revoke { group, permission } => {
            house.grant_to_group(&group, &permission, Grant::Take)?;
            Ok(done(&group, &format!("has no more {}", shown(&permission))))
        }
    }
}

fn no_group(name: &str) -> Report {
    Report::not_fine(format!("there is no group {}", shown(name)), json!({ "group": null }))
}

pub(crate) fn permissions(house: &Caretaker, label: Option<&str>) -> Result<Report, Failure> {
    let all = house.permissions(label)?;
    let lines: Vec<String> =
        all.iter().map(|(name, told)| format!("{}  {}", shown(name), shown(told))).collect();
    let text = match label {
        _ if !lines.is_empty() => lines.join("\n"),
        Some(label) => format!("no app has declared permissions as {}", shown(label)),
        None => "no app has declared permissions".to_owned(),
    };
    let facts = all.iter().map(|(name, told)| json!({ "permission": name, "name": told }));
    let facts = json!({ "permissions": facts.collect::<Vec<_>>() });
    Ok(Report::fine(text, facts))
}
