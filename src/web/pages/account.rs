//! Signing in and out, and what users do with their own account.

use super::room::Room;
use super::{Answer, Answered, Posted};
use crate::auth::Auth;
use crate::error::Error;
use crate::pages::{
    Account, App, ChangePassword, Message, SessionRow, Sessions, SetPassword, SignIn, SignOut,
    View, is_web,
};
use crate::password::{Person, Weakness, weaknesses};
use crate::registry::Seen;
use crate::user::User;
use crate::web::head::Head;

pub(super) async fn home<H: Head>(room: &Room<'_, H>) -> Answered {
    room.user().await?;
    let instances = room.visit.front.work(|auth| auth.apps(Seen::default())).await?;
    let here = &room.visit.front.app;
    let others = instances.into_iter().filter(|one| one.app != *here);
    let mut apps: Vec<App> = others
        .filter_map(|one| Some(App { name: one.app, url: one.profile.public_url? }))
        .collect();
    apps.dedup();
    let page = Account { frame: room.frame().await?, apps };
    Ok(room.show(None, &View::Account(&page)))
}

pub(super) async fn sign_in<H: Head>(room: &Room<'_, H>) -> Answered {
    let next = room.next(&Posted::default());
    let user = room.session().await?.user();
    // An app elsewhere may send somebody here who is signed in and lacks a right, as Django's does: sent back at once
    // they would go round for ever.
    let leads_elsewhere = next.get().is_some_and(is_web);
    if user.is_some() && !next.asks_again() && !leads_elsewhere {
        return Ok(room.onwards(&next));
    }
    let page = SignIn {
        frame: room.frame().await?,
        username: user.filter(|_| next.asks_again()).map(|user| user.username).unwrap_or_default(),
        next: next.get().unwrap_or_default().to_owned(),
        again: next.asks_again(),
    };
    Ok(room.show(None, &View::SignIn(&page)))
}

pub(super) async fn signed_in<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let (username, next) = (posted.text("username"), room.next(posted));
    let auth = room.auth().await?;
    let message = match auth.authenticate(username, posted.text("password")).await {
        Ok(Some(user)) => {
            auth.login(&user).await?;
            return Ok(room.onwards(&next));
        }
        Ok(None) => Message::WrongCredentials,
        Err(error) => of_password(error)?,
    };
    let page = SignIn {
        frame: room.frame_with(Some(message)).await?,
        username: username.to_owned(),
        next: next.get().unwrap_or_default().to_owned(),
        again: next.asks_again(),
    };
    Ok(room.show(Some(message), &View::SignIn(&page)))
}

pub(super) async fn sign_out<H: Head>(room: &Room<'_, H>) -> Answered {
    let page = SignOut { frame: room.frame().await? };
    Ok(room.show(None, &View::SignOut(&page)))
}

pub(super) async fn signed_out<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    room.auth().await?.logout().await?;
    Ok(Answer::SeeOther(room.next(posted).redirect_or(&room.url("/logout"))))
}

pub(super) async fn change_password<H: Head>(room: &Room<'_, H>) -> Answered {
    let user = room.user().await?;
    show_change(room, user, None, Vec::new()).await
}

pub(super) async fn password_changed<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let user = room.user().await?;
    let new = match chosen(posted, &user) {
        Ok(new) => new,
        Err((message, why)) => return show_change(room, user, Some(message), why).await,
    };
    let message = match room.auth().await?.change_password(posted.text("old"), new).await {
        Ok(true) => return Ok(room.done("/", Message::PasswordChanged)),
        Ok(false) => Message::WrongOldPassword,
        Err(error) => of_password(error)?,
    };
    show_change(room, user, Some(message), Vec::new()).await
}

async fn show_change<H: Head>(
    room: &Room<'_, H>,
    user: User,
    problem: Option<Message>,
    weaknesses: Vec<Weakness>,
) -> Answered {
    let frame = room.frame_with(problem).await?;
    let page = ChangePassword { frame, username: user.username, weaknesses };
    Ok(room.show(problem, &View::ChangePassword(&page)))
}

/// What of an error is to be told in the form with the password.
fn of_password(error: Error) -> Result<Message, Error> {
    match error {
        Error::TooManyAttempts { wait } => {
            Ok(Message::TooManyAttempts { seconds: wait.as_secs().max(1) })
        }
        Error::User { .. } => Ok(Message::PasswordTooLong),
        error => Err(error),
    }
}

/// The new password, if it was typed twice and is good enough.
fn chosen<'a>(posted: &'a Posted, user: &User) -> Result<&'a str, (Message, Vec<Weakness>)> {
    let new = posted.text("new");
    if new.is_empty() {
        return Err((Message::PasswordMissing, Vec::new()));
    }
    if new != posted.text("repeat") {
        return Err((Message::PasswordsDiffer, Vec::new()));
    }
    let weaknesses = weaknesses(new, Person::from(user));
    if weaknesses.is_empty() { Ok(new) } else { Err((Message::PasswordWeak, weaknesses)) }
}

pub(super) async fn sessions<H: Head>(room: &Room<'_, H>) -> Answered {
    show_sessions(room, None).await
}

async fn show_sessions<H: Head>(room: &Room<'_, H>, problem: Option<Message>) -> Answered {
    let user = room.user().await?;
    let session = room.session().await?;
    let rows = move |auth: &Auth| {
        let sessions = auth.sessions_of(user.id)?;
        let mut rows: Vec<SessionRow> =
            sessions.iter().map(|one| SessionRow::of(one, &session)).collect();
        rows.sort_by_key(|row| !row.is_current);
        Ok(rows)
    };
    let sessions = room.visit.front.work(rows).await?;
    let page = Sessions { frame: room.frame_with(problem).await?, sessions };
    Ok(room.show(problem, &View::Sessions(&page)))
}

pub(super) async fn session_ended<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let user = room.user().await?;
    let session = room.session().await?;
    let id = posted.text("end").to_owned();
    let end = move |auth: &Auth| match (&*id, session.id()) {
        ("others", Some(this)) => {
            auth.end_other_sessions(user.id, &this)?;
            Ok(Some(Message::SessionsEnded))
        }
        (id, _) => Ok(auth.end_session(user.id, id)?.then_some(Message::SessionEnded)),
    };
    match room.visit.front.work(end).await? {
        Some(message) => Ok(room.done("/sessions", message)),
        None => show_sessions(room, Some(Message::SessionGone)).await,
    }
}

pub(super) async fn set_password<H: Head>(room: &Room<'_, H>, uid: &str, token: &str) -> Answered {
    let user = user_of(room, uid, token).await?;
    show_set(room, user, None, Vec::new()).await
}

pub(super) async fn password_set<H: Head>(
    room: &Room<'_, H>,
    uid: &str,
    token: &str,
    posted: &Posted,
) -> Answered {
    let Some(user) = user_of(room, uid, token).await? else {
        return show_set(room, None, None, Vec::new()).await;
    };
    let new = match chosen(posted, &user) {
        Ok(new) => new.to_owned(),
        Err((message, why)) => return show_set(room, Some(user), Some(message), why).await,
    };
    let (uid, token) = (uid.to_owned(), token.to_owned());
    let set = room.visit.front.think(move |auth| auth.reset_password(&uid, &token, &new)).await;
    match set {
        Ok(true) => Ok(room.done("/login", Message::PasswordSet)),
        Ok(false) => show_set(room, None, None, Vec::new()).await,
        Err(error) => show_set(room, Some(user), Some(of_password(error)?), Vec::new()).await,
    }
}

async fn user_of<H: Head>(
    room: &Room<'_, H>,
    uid: &str,
    token: &str,
) -> Result<Option<User>, Answer> {
    let (uid, token) = (uid.to_owned(), token.to_owned());
    let user = room.visit.front.look(move |auth| auth.user_of_reset(&uid, &token)).await?;
    // A link of one who may not sign in would lead to a page where that is refused.
    Ok(user.filter(|user| user.is_active))
}

async fn show_set<H: Head>(
    room: &Room<'_, H>,
    user: Option<User>,
    problem: Option<Message>,
    weaknesses: Vec<Weakness>,
) -> Answered {
    let problem = if user.is_some() { problem } else { Some(Message::LinkSpent) };
    let frame = room.frame_with(problem).await?;
    let page = SetPassword { frame, username: user.map(|user| user.username), weaknesses };
    Ok(room.show(problem, &View::SetPassword(&page)))
}
