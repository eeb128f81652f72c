//! The people of the house.

use housekey::password::{Person, weaknesses};
use housekey::{Active, Caretaker, Grant, Granted, User, username};
use serde_json::{Value, json};

use crate::Failure;
use crate::args::{UserCommand, What};
use crate::ask::{confirm, new_password};
use crate::say::{Report, done, listed, shown, utc};

pub(crate) fn run(house: &Caretaker, command: UserCommand) -> Result<Report, Failure> {
    match command {
        UserCommand::Create { username, email, superuser, allow_weak_password } => {
            let password = new_password()?;
            let name = username::normalize(&username);
            let person = Person::new(&name).email(&email);
            if let Some(report) = weak(&password, person).filter(|_| !allow_weak_password) {
                return Ok(report);
            }
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
        UserCommand::Show { username } => match house.find_user(&username)? {
            Some(user) => Ok(show(&user, &house.granted(&username)?)),
            None => Ok(nobody(&username)),
        },
        UserCommand::Password { username, allow_weak_password } => {
            let Some(user) = house.find_user(&username)? else { return Ok(nobody(&username)) };
            let password = new_password()?;
            if let Some(report) = weak(&password, &user).filter(|_| !allow_weak_password) {
                return Ok(report);
            }
            house.set_password(&username, &password)?;
            Ok(done(&username, "has a new password; the sessions of the user have ended"))
        }
        UserCommand::Rename { old, new } => rename(house, &old, &new),
        UserCommand::Delete { username, yes } => {
            let Some(user) = house.find_user(&username)? else { return Ok(nobody(&username)) };
            if !yes && !confirm(&warning(&user))? {
                let text = format!("{} is not deleted", shown(&username));
                return Ok(Report::not_fine(text, json!({ "name": username, "deleted": false })));
            }
            house.delete_user(&username)?;
            let left =
                format!("is deleted; local rows of the apps may have the id {} still", user.id);
            Ok(done(&username, &left))
        }
        UserCommand::Grant(what) => grant(house, &what, Grant::Give),
        UserCommand::Revoke(what) => grant(house, &what, Grant::Take),
        UserCommand::Activate { username } => set_active(house, &username, Active::Yes),
        UserCommand::Deactivate { username } => set_active(house, &username, Active::No),
        UserCommand::Unlock { username } => Ok(if house.unlock_user(&username)? {
            done(&username, "need not wait any more")
        } else {
            nobody(&username)
        }),
    }
}

fn grant(house: &Caretaker, what: &What, grant: Grant) -> Result<Report, Failure> {
    let name = &what.username;
    let has = if grant == Grant::Give { "is" } else { "is no more" };
    if let Some(group) = &what.group {
        house.set_membership(name, group, grant)?;
        return Ok(done(name, &format!("{has} in {}", shown(group))));
    }
    if what.superuser || what.staff {
        let (is_done, rank) = if what.superuser {
            (house.set_superuser(name, grant)?, "a superuser")
        } else {
            (house.set_staff(name, grant)?, "staff")
        };
        return Ok(if is_done { done(name, &format!("{has} {rank}")) } else { nobody(name) });
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

fn rename(house: &Caretaker, old: &str, new: &str) -> Result<Report, Failure> {
    if house.find_user(old)?.is_none() {
        return Ok(nobody(old));
    }
    let user = house.rename_user(old, new)?;
    let text = format!("{} is {} from now on", shown(old), shown(&user.username));
    Ok(Report::fine(text, facts(&user)))
}

/// What is weak about a password that is not set therefore.
fn weak<'a>(password: &str, person: impl Into<Person<'a>>) -> Option<Report> {
    let found = weaknesses(password, person);
    let mut lines: Vec<String> = found.iter().map(ToString::to_string).collect();
    lines.push("the password is not set; --allow-weak-password would set it".to_owned());
    let facts = found.iter().map(|one| json!({ "code": one.code(), "text": one.to_string() }));
    let facts = json!({ "weaknesses": facts.collect::<Vec<_>>() });
    (!found.is_empty()).then(|| Report::not_fine(lines.join("\n"), facts))
}

fn warning(user: &User) -> String {
    format!(
        "{} goes for good, and local rows of the apps keep the id {}: `housekey user deactivate` is mostly better",
        shown(&user.username),
        user.id
    )
}

fn show(user: &User, granted: &Granted) -> Report {
    let mut lines = vec![line(user)];
    let name = format!("{} {}", user.first_name, user.last_name);
    lines.extend((name != " ").then(|| format!("name: {}", shown(name.trim()))));
    lines.push(format!("id: {}", user.id));
    lines.push(format!("joined: {}", utc(user.date_joined)));
    lines.push(listed("groups", &granted.groups));
    lines.push(listed("permissions", &granted.own));
    lines.push(listed("permissions by groups", &granted.by_groups));
    let mut facts = facts(user);
    facts["groups"] = json!(granted.groups);
    facts["permissions"] = json!(granted.own);
    facts["group_permissions"] = json!(granted.by_groups);
    Report::fine(lines.join("\n"), facts)
}

pub(crate) fn nobody(username: &str) -> Report {
    Report::not_fine(format!("there is no user {}", shown(username)), json!({ "username": null }))
}

fn line(user: &User) -> String {
    let mut words = vec![shown(&user.username), shown(&user.email)];
    let marks =
        [(user.is_superuser, "superuser"), (user.is_staff, "staff"), (!user.is_active, "inactive")];
    words.extend(marks.iter().filter(|(is_so, _)| *is_so).map(|(_, mark)| (*mark).to_owned()));
    words.extend(user.last_login.map(|time| format!("last login {}", utc(time))));
    words.retain(|word| !word.is_empty());
    words.join("  ")
}

fn facts(user: &User) -> Value {
    json!({
        "id": user.id, "username": user.username, "email": user.email,
        "first_name": user.first_name, "last_name": user.last_name, "is_active": user.is_active,
        "is_staff": user.is_staff, "is_superuser": user.is_superuser,
        "last_login": user.last_login.map(|time| time.to_rfc3339()),
        "date_joined": user.date_joined.to_rfc3339(),
    })
}
