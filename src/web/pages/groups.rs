//! The groups of the house, at the desk.

use super::desk::{Refused, changed, permissions};
use super::room::Room;
use super::users::number;
use super::{Answered, Posted};
use crate::desk::{Desk, GroupFile};
use crate::error::Error;
use crate::pages::{EditGroup, GroupRow, Groups, Message, View};
use crate::web::head::Head;

pub(super) async fn list<H: Head>(room: &Room<'_, H>) -> Answered {
    show_all(room, None).await
}

async fn show_all<H: Head>(room: &Room<'_, H>, refused: Option<(&Posted, Message)>) -> Answered {
    let read = |desk: &Desk<'_>| {
        let rows = desk.groups()?.into_iter().map(|group| GroupRow {
            id: group.id,
            name: group.name,
            members: group.members,
            permissions: i64::try_from(group.permissions.len()).unwrap_or(i64::MAX),
        });
        Ok((rows.collect(), desk.has_perm("auth.add_group")))
    };
    let (groups, may_add) = room.desk(read).await?;
    let message = refused.map(|(_, message)| message);
    let page = Groups {
        frame: room.frame_with(message).await?,
        groups,
        name: refused.map(|(posted, _)| posted.text("name").to_owned()).unwrap_or_default(),
        may_add,
    };
    Ok(room.show(message, &View::Groups(&page)))
}

pub(super) async fn create<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let name = posted.text("name").to_owned();
    match room.try_desk(move |desk| desk.create_group(&name)).await {
        Ok(group) => Ok(room.done(&format!("/groups/{}", group.id), Message::GroupCreated)),
        Err(Refused::Form(message)) => show_all(room, Some((posted, message))).await,
        Err(Refused::Answer(answer)) => Err(answer),
    }
}

pub(super) async fn edit<H: Head>(room: &Room<'_, H>, id: &str) -> Answered {
    show(room, number(room, id).await?, None).await
}

async fn show<H: Head>(
    room: &Room<'_, H>,
    id: i64,
    refused: Option<(&Posted, Message)>,
) -> Answered {
    let read = move |desk: &Desk<'_>| {
        let file = file_of(desk, id)?;
        let permissions = permissions(desk, &file.permissions)?;
        let may_delete = file.may_change && desk.has_perm("auth.delete_group");
        Ok((file, permissions, may_delete))
    };
    let (file, permissions, may_delete) = room.desk(read).await?;
    let typed = refused.map(|(posted, _)| posted).filter(|posted| posted.has("name"));
    let name = typed.map_or(&*file.name, |typed| typed.text("name")).to_owned();
    let message = refused.map(|(_, message)| message);
    let page = EditGroup {
        frame: room.frame_with(message).await?,
        id,
        title: file.name,
        name,
        permissions,
        members: file.members,
        member_count: file.member_count,
        may_change: file.may_change,
        may_delete,
    };
    Ok(room.show(message, &View::EditGroup(&page)))
}

fn file_of(desk: &Desk<'_>, id: i64) -> Result<GroupFile, Error> {
    desk.group(id)?.ok_or_else(|| Error::unknown("group", id.to_string()))
}

/// What the page of a group is told to do.
pub(super) async fn act<H: Head>(room: &Room<'_, H>, id: &str, posted: &Posted) -> Answered {
    let id = number(room, id).await?;
    let done = match posted.text("do") {
        "save" => save(room, id, posted).await.map(|()| (format!("/groups/{id}"), Message::Saved)),
        "delete" if !posted.has("sure") => Err(Refused::Form(Message::Unconfirmed)),
        "delete" => {
            let delete = room.try_desk(move |desk| desk.delete_group(id)).await;
            delete.map(|()| ("/groups".to_owned(), Message::GroupDeleted))
        }
        _ => return Err(room.note(Message::NotFound).await),
    };
    match done {
        Ok((path, message)) => Ok(room.done(&path, message)),
        Err(Refused::Form(message)) => show(room, id, Some((posted, message))).await,
        Err(Refused::Answer(answer)) => Err(answer),
    }
}

async fn save<H: Head>(room: &Room<'_, H>, id: i64, posted: &Posted) -> Result<(), Refused> {
    let posted = posted.clone();
    let save = move |desk: &Desk<'_>| {
        let now = file_of(desk, id)?;
        let name = posted.text("name");
        if now.name != name {
            desk.rename_group(id, name)?;
        }
        desk.set_group_permissions(id, &changed(&now.permissions, &posted, "permission"))
    };
    room.try_desk(save).await
}
