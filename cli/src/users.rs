//! The people of the house.

use std::io::{BufRead as _, IsTerminal as _};

use housekey::{Active, Caretaker, Grant, User};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::{GroupCommand, UserCommand, What};
use crate::say::{Report, shown};

pub(crate) fn run(house: &Caretaker, command: UserCommand) -> Result<Report, Failure> {
    match command {
        UserCommand::Create { username, email, superuser } => {
            let password = new_password()?;
            let user = if superuser {
                house.create_superuser(&username, &email, &password)?
            } else {
                house.create_user(&username, &email, &password)?
            };
            Ok(Report::fine(format!("{} is made", shown(&user.username)), facts(&user)))
        }
        UserCommand::List { begin, most } => {
            let users = house.users(&begin, most)?;
            let lines: Vec<String> = users.iter().map(line).collect();
            Ok(Report::fine(lines.join("\n"), users.iter().map(facts).collect()))
        }
        UserCommand::Show { username } => Ok(match house.find_user(&username)? {
            Some(user) => Report::fine(line(&user), facts(&user)),
            None => nobody(&username),
        }),
        UserCommand::Password { username } => {
            if house.find_user(&username)?.is_none() {
                return Ok(nobody(&username));
            }
            house.set_password(&username, &new_password()?)?;
            Ok(done(&username, "has a new password; the sessions of the user have ended"))
        }
        UserCommand::Grant(what) => grant(house, &what, Grant::Give),
        UserCommand::Revoke(what) => grant(house, &what, Grant::Take),
        UserCommand::Activate { username } => set_active(house, &username, Active::Yes),
        UserCommand::Deactivate { username } => set_active(house, &username, Active::No),
    }
}

pub(crate) fn group(house: &Caretaker, command: GroupCommand) -> Result<Report, Failure> {
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

fn grant(house: &Caretaker, what: &What, grant: Grant) -> Result<Report, Failure> {
    let name = &what.username;
    if let Some(group) = &what.group {
        house.set_membership(name, group, grant)?;
        let where_ = if grant == Grant::Give { "is in" } else { "is not in" };
        return Ok(done(name, &format!("{where_} {}", shown(group))));
    }
    let permission = what.permission.as_deref().unwrap_or_default();
    house.grant(name, permission, grant)?;
    let has = if grant == Grant::Give { "has" } else { "has no more of its own" };
    Ok(done(name, &format!("{has} {}", shown(permission))))
}

fn set_active(house: &Caretaker, username: &str, active: Active) -> Result<Report, Failure> {
    let what = if active == Active::Yes { "may sign in" } else { "may sign in no more" };
    let is_done = house.set_active(username, active)?;
    Ok(if is_done { done(username, what) } else { nobody(username) })
}

fn done(username: &str, what: &str) -> Report {
    Report::fine(format!("{} {what}", shown(username)), json!({ "name": username }))
}

pub(crate) fn nobody(username: &str) -> Report {
    Report::not_fine(format!("there is no user {}", shown(username)), json!({ "username": null }))
}

fn line(user: &User) -> String {
    let mut words = vec![shown(&user.username), shown(&user.email)];
    let marks =
        [(user.is_superuser, "superuser"), (user.is_staff, "staff"), (!user.is_active, "inactive")];
    words.extend(marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| (*mark).to_owned()));
    words.extend(user.last_login.map(|time| format!("last login {} UTC", time.format("%F %T"))));
    words.retain(|word| !word.is_empty());
    words.join("  ")
}

fn facts(user: &User) -> Value {
    json!({
        "id": user.id, "username": user.username, "email": user.email, "is_active": user.is_active,
        "is_staff": user.is_staff, "is_superuser": user.is_superuser,
        "last_login": user.last_login.map(|time| time.to_rfc3339()),
        "date_joined": user.date_joined.to_rfc3339(),
    })
}

/// Asked for twice without an echo, or the first line of standard input; never an argument, which everybody on
/// the machine could read.
fn new_password() -> Result<String, Failure> {
    if !std::io::stdin().is_terminal() {
        let mut line = String::new();
        std::io::stdin().lock().read_line(&mut line)?;
        let password = line.trim_end_matches(['\r', '\n']).to_owned();
        return if password.is_empty() {
            Err("no password on standard input".into())
        } else {
            Ok(password)
        };
    }
    let password = rpassword::prompt_password("Password: ")?;
    if password.is_empty() || rpassword::prompt_password("Password (again): ")? != password {
        return Err("the passwords are empty or not the same; nothing is changed".into());
    }
    Ok(password)
}
