//! The users of the house, at the desk.

use super::desk::{Refused, changed, permissions};
use super::room::Room;
use super::{Answer, Answered, Posted};
use crate::desk::{Desk, Rights, UserDetails, UserFile, UserSearch};
use crate::error::Error;
use crate::pages::{
    Choice, EditUser, Message, NewUser, PasswordLink, SessionRow, UserRow, Users, View,
};
use crate::user::Active;
use crate::username;
use crate::web::head::Head;

pub(super) async fn list<H: Head>(room: &Room<'_, H>) -> Answered {
    let search = room.query("q").unwrap_or_default();
    let mut wanted = UserSearch::default().text(&search);
    if let Some(name) = room.query("after") {
        wanted = wanted.after(name);
    }
    if let Some(name) = room.query("before") {
        wanted = wanted.before(name);
    }
    let find = move |desk: &Desk<'_>| Ok((desk.users(&wanted)?, desk.has_perm("auth.add_user")));
    let (found, may_add) = room.desk(find).await?;
    let page = Users {
        frame: room.frame().await?,
        search,
        users: found.users.iter().map(UserRow::from).collect(),
        next: found.next,
        previous: found.previous,
        may_add,
    };
    Ok(room.show(None, &View::Users(&page)))
}

pub(super) async fn new<H: Head>(room: &Room<'_, H>) -> Answered {
    room.desk(|desk| desk.may_see(&["auth.add_user"])).await?;
    let page = NewUser { frame: room.frame().await?, ..NewUser::default() };
    Ok(room.show(None, &View::NewUser(&page)))
}

pub(super) async fn create<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let details = match details(posted, None) {
        Ok(details) => details,
        Err(message) => return show_new(room, posted, message).await,
    };
    let create = move |desk: &Desk<'_>| {
        let user = desk.create_user(&details)?;
        // Who may make users and not change them leaves the link to others.
        let link = desk.has_perm("auth.change_user").then(|| desk.set_password_link(user.id));
        Ok((user, link.transpose()?))
    };
    match room.try_desk(create).await {
        Ok((user, Some(link))) => show_link(room, user.id, user.username, &link).await,
        Ok((user, None)) => Ok(room.done(&format!("/users/{}", user.id), Message::Saved)),
        Err(Refused::Form(message)) => show_new(room, posted, message).await,
        Err(Refused::Answer(answer)) => Err(answer),
    }
}

async fn show_new<H: Head>(room: &Room<'_, H>, posted: &Posted, message: Message) -> Answered {
    let page = NewUser {
        frame: room.frame_with(Some(message)).await?,
        username: posted.text("username").to_owned(),
        first_name: posted.text("first_name").to_owned(),
        last_name: posted.text("last_name").to_owned(),
        email: posted.text("email").to_owned(),
    };
    Ok(room.show(Some(message), &View::NewUser(&page)))
}

/// What was typed, as far as it can be judged without the house. A name that is kept need not be a good one.
fn details(posted: &Posted, now: Option<&str>) -> Result<UserDetails, Message> {
    let name = posted.trimmed("username");
    if name.is_empty() {
        return Err(Message::UsernameMissing);
    }
    let is_good = |name: &str| {
        name.chars().count() <= username::MAX_CHARACTERS
            && username::is_valid(&username::normalize(name))
    };
    if now != Some(&*name) && !is_good(&name) {
        return Err(Message::UsernameInvalid);
    }
    Ok(UserDetails::new(name)
        .email(posted.trimmed("email"))
        .names(posted.trimmed("first_name"), posted.trimmed("last_name")))
}

/// All that the page of a user shows.
struct Shown {
    file: UserFile,
    groups: Vec<Choice>,
    permissions: Vec<Choice>,
    sessions: Vec<SessionRow>,
    may_rank: bool,
    is_self: bool,
}

pub(super) async fn edit<H: Head>(room: &Room<'_, H>, id: &str) -> Answered {
    show(room, number(room, id).await?, None).await
}

/// An id that is none is nobody's; strangers are told neither.
pub(super) async fn number<H: Head>(room: &Room<'_, H>, id: &str) -> Result<i64, Answer> {
    room.user().await?;
    match id.parse() {
        Ok(id) => Ok(id),
        Err(_) => Err(room.note(Message::NotFound).await),
    }
}

async fn show<H: Head>(
    room: &Room<'_, H>,
    id: i64,
    refused: Option<(&Posted, Message)>,
) -> Answered {
    let session = room.session().await?;
    let read = move |desk: &Desk<'_>| {
        let file = file_of(desk, id)?;
        let rows = desk.sessions(id)?;
        Ok(Shown {
            groups: groups(desk, &file.granted.groups)?,
            permissions: permissions(desk, &file.granted.own)?,
            sessions: rows.iter().map(|one| SessionRow::of(one, &session)).collect(),
            may_rank: desk.actor().is_superuser,
            is_self: desk.actor().id == file.user.id,
            file,
        })
    };
    let Shown { file, groups, permissions, sessions, may_rank, is_self } = room.desk(read).await?;
    let typed = refused.map(|(posted, _)| posted).filter(|posted| posted.has("username"));
    let field = |name: &str, now: &str| typed.map_or(now, |typed| typed.text(name)).to_owned();
    let (user, message) = (&file.user, refused.map(|(_, message)| message));
    let page = EditUser {
        frame: room.frame_with(message).await?,
        id,
        title: user.username.clone(),
        username: field("username", &user.username),
        first_name: field("first_name", &user.first_name),
        last_name: field("last_name", &user.last_name),
        email: field("email", &user.email),
        is_active: user.is_active,
        is_staff: user.is_staff,
        is_superuser: user.is_superuser,
        has_password: file.has_password,
        last_login: user.last_login,
        date_joined: user.date_joined,
        may_change: file.may_change,
        may_rank,
        is_self,
        groups,
        permissions,
        by_groups: file.granted.by_groups,
        sessions,
    };
    Ok(room.show(message, &View::EditUser(&page)))
}

fn file_of(desk: &Desk<'_>, id: i64) -> Result<UserFile, Error> {
    desk.user(id)?.ok_or_else(|| Error::unknown("user", id.to_string()))
}

/// All groups as boxes; one that gives more than the visitor has is closed.
fn groups(desk: &Desk<'_>, chosen: &[String]) -> Result<Vec<Choice>, Error> {
    let all = match desk.groups() {
        // Who may only look at users is not told of groups beyond theirs.
        Err(Error::Denied { .. }) => {
            let choice = |name: &String| Choice {
                value: name.clone(),
                label: name.clone(),
                is_chosen: true,
                is_open: false,
            };
            return Ok(chosen.iter().map(choice).collect());
        }
        all => all?,
    };
    let choices = all.into_iter().map(|group| Choice {
        is_chosen: chosen.contains(&group.name),
        is_open: group.permissions.iter().all(|permission| desk.has_perm(permission)),
        label: group.name.clone(),
        value: group.name,
    });
    Ok(choices.collect())
}

/// What the page of a user is told to do.
pub(super) async fn act<H: Head>(room: &Room<'_, H>, id: &str, posted: &Posted) -> Answered {
    let id = number(room, id).await?;
    let done = match (posted.text("do"), posted.text("end")) {
        ("details", _) => update(room, id, posted).await,
        ("rights", _) => set_rights(room, id, posted).await,
        ("link", _) => return link(room, id).await,
        ("activate", _) => {
            let activate = move |desk: &Desk<'_>| desk.set_active(id, Active::Yes);
            room.try_desk(activate).await.map(|()| Message::Activated)
        }
        ("deactivate", _) => {
            let deactivate = move |desk: &Desk<'_>| desk.set_active(id, Active::No);
            room.try_desk(deactivate).await.map(|()| Message::Deactivated)
        }
        ("unlock", _) => {
            room.try_desk(move |desk| desk.unlock(id)).await.map(|()| Message::Unlocked)
        }
        ("", "all") => {
            room.try_desk(move |desk| desk.end_sessions(id)).await.map(|_| Message::SessionsEnded)
        }
        ("", session) if !session.is_empty() => {
            let session = session.to_owned();
            let end = room.try_desk(move |desk| desk.end_session(id, &session)).await;
            end.and_then(|is_done| {
                is_done.then_some(Message::SessionEnded).ok_or(Refused::Form(Message::SessionGone))
            })
        }
        _ => return Err(room.note(Message::NotFound).await),
    };
    match done {
        Ok(message) => Ok(room.done(&format!("/users/{id}"), message)),
        Err(Refused::Form(message)) => show(room, id, Some((posted, message))).await,
        Err(Refused::Answer(answer)) => Err(answer),
    }
}

async fn update<H: Head>(room: &Room<'_, H>, id: i64, posted: &Posted) -> Result<Message, Refused> {
    let now = room.try_desk(move |desk| desk.user(id)).await?;
    let now = now.map(|file| file.user.username);
    let details = details(posted, now.as_deref()).map_err(Refused::Form)?;
    room.try_desk(move |desk| desk.update_user(id, &details)).await?;
    Ok(Message::Saved)
}

async fn set_rights<H: Head>(
    room: &Room<'_, H>,
    id: i64,
    posted: &Posted,
) -> Result<Message, Refused> {
    let posted = posted.clone();
    let set = move |desk: &Desk<'_>| {
        let file = file_of(desk, id)?;
        let now = file.rights();
        let (is_staff, is_superuser) = if desk.actor().is_superuser {
            (posted.has("is_staff"), posted.has("is_superuser"))
        } else {
            (now.is_staff, now.is_superuser)
        };
        let rights = Rights {
            is_staff,
            is_superuser,
            groups: changed(&now.groups, &posted, "group"),
            permissions: changed(&now.permissions, &posted, "permission"),
        };
        desk.set_rights(id, &rights)
    };
    room.try_desk(set).await.map(|()| Message::Saved)
}

async fn link<H: Head>(room: &Room<'_, H>, id: i64) -> Answered {
    let make = move |desk: &Desk<'_>| {
        let file = file_of(desk, id)?;
        if !file.user.is_active {
            return Ok(None);
        }
        Ok(Some((file.user.username, desk.set_password_link(id)?)))
    };
    match room.desk(make).await? {
        Some((username, link)) => show_link(room, id, username, &link).await,
        None => show(room, id, Some((&Posted::default(), Message::Inactive))).await,
    }
}

/// The link is in this answer and nowhere else: whoever has it is the user.
async fn show_link<H: Head>(
    room: &Room<'_, H>,
    id: i64,
    title: String,
    link: &crate::ResetLink,
) -> Answered {
    let front = &room.visit.front;
    let scheme = if front.is_secure(room.head) { "https" } else { "http" };
    let path = room.url(&format!("/reset/{}/{}", link.uid, link.token));
    let url = format!("{scheme}://{}{path}", front.host(room.head));
    let hours = front.auth.reset_timeout().as_secs() / 3600;
    let page = PasswordLink { frame: room.frame().await?, id, title, url, hours };
    Ok(room.show(None, &View::PasswordLink(&page)))
}
