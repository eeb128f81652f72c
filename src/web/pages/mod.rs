//! What the ready-made pages do, without a framework: from a request to an answer.

mod account;
mod desk;
mod form;
mod groups;
mod room;
mod users;

use std::sync::Arc;

use bytes::Bytes;
use futures_core::Stream;

use self::form::Posted;
use self::room::Room;
use super::head::{Head, essence};
use super::problem::{Problem, Rendered};
use super::{Guard, SeeOther, Visit, form as bodies};
use crate::error::Error;
use crate::pages::{Message, Pages, STYLE_VERSION, stylesheet};

/// What a page answers.
pub(crate) enum Answer {
    /// With the seconds to wait, when there is a wait.
    Page {
        status: u16,
        html: String,
        wait: Option<u64>,
    },
    SeeOther(SeeOther),
    Style {
        is_for_good: bool,
    },
    Problem(Problem),
}

/// For how long a browser may keep the stylesheet of one version.
const FOR_GOOD: &str = "public, max-age=31536000, immutable";

impl Answer {
    /// As it goes out; a problem is put into its form by the layer.
    pub(crate) fn render(self) -> Result<Rendered, Problem> {
        let (status, headers, body) = match self {
            Self::Page { status, html, wait } => {
                let kind = ("content-type", "text/html; charset=utf-8".to_owned());
                let mut headers = vec![kind, ("vary", "Accept-Language".to_owned())];
                headers.extend(wait.map(|seconds| ("retry-after", seconds.to_string())));
                (status, headers, html)
            }
            Self::SeeOther(SeeOther(location)) => {
                (303, vec![("location", location)], String::new())
            }
            Self::Style { is_for_good } => {
                let keep = if is_for_good { FOR_GOOD } else { "no-cache" };
                let kind = ("content-type", "text/css; charset=utf-8".to_owned());
                (200, vec![kind, ("cache-control", keep.to_owned())], stylesheet().to_owned())
            }
            Self::Problem(problem) => return Err(problem),
        };
        Ok(Rendered { status, headers, body })
    }
}

/// A form that was not taken is shown again.
fn status_of(problem: Option<Message>) -> u16 {
    match problem {
        None => 200,
        Some(Message::WrongCredentials) => 401,
        Some(
            Message::NotStaff
            | Message::Lacks
            | Message::MoreThanYours
            | Message::Yourself
            | Message::LastSuperuser,
        ) => 403,
        Some(Message::NotFound) => 404,
        Some(Message::LinkSpent) => 410,
        Some(Message::TooManyAttempts { .. }) => 429,
        Some(_) => 422,
    }
}

impl From<Problem> for Answer {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl From<Error> for Answer {
    fn from(error: Error) -> Self {
        Self::Problem(Problem::of(&error))
    }
}

/// The answer, or why there is none; both go out.
type Answered = Result<Answer, Answer>;

/// Answers a request for one of the pages.
pub(crate) async fn answer<H, S, E>(pages: &Pages, visit: &Arc<Visit>, head: &H, body: S) -> Answer
where
    H: Head,
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    let room = Room::new(pages, visit, head);
    let done = async {
        let posted = read(&room, body).await?;
        route(&room, &posted).await
    };
    done.await.unwrap_or_else(|refused| refused)
}

async fn read<H, S, E>(room: &Room<'_, H>, body: S) -> Result<Posted, Answer>
where
    H: Head,
    S: Stream<Item = Result<Bytes, E>> + Unpin,
{
    if room.head.method() != "POST" {
        return Ok(Posted::default());
    }
    if room.visit.front.guard == Guard::Exempt {
        let problem = "are inside a layer that is csrf_exempt, where other sites could use them in a visitor's name; put \
                       them inside one that is not";
        return Err(Error::config("the pages", problem).into());
    }
    let kind = room.head.text("content-type").unwrap_or_default();
    if !essence(kind).eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        let problem = "The form has to be sent as application/x-www-form-urlencoded.";
        return Err(Problem::new(415, "Not understood", problem).into());
    }
    match bodies::read_all(body, room.visit.front.most_of_a_form()).await {
        Some(body) => Ok(Posted::of(&body)),
        None => {
            Err(Problem::new(413, "Too much", "The form is too long, or did not come to its end.")
                .into())
        }
    }
}

/// Which page is it? An address may end in `/`, as Django's do.
async fn route<H: Head>(room: &Room<'_, H>, posted: &Posted) -> Answered {
    let method = match room.head.method() {
        "GET" | "HEAD" => Method::Get,
        "POST" => Method::Post,
        _ => {
            return Err(Problem::new(405, "Not so", "This page is asked for, or posted to.")
                .with("allow", "GET, HEAD, POST")
                .into());
        }
    };
    let path = room.path().trim_matches('/');
    let segments: Vec<&str> = path.split('/').filter(|segment| !segment.is_empty()).collect();
    match (method, segments.as_slice()) {
        (Method::Get, []) => account::home(room).await,
        (Method::Get, ["style.css"]) => {
            Ok(Answer::Style { is_for_good: room.head.query() == format!("v={STYLE_VERSION}") })
        }
        (Method::Get, ["login"]) => account::sign_in(room).await,
        (Method::Post, ["login"]) => account::signed_in(room, posted).await,
        (Method::Get, ["logout"]) => account::sign_out(room).await,
        (Method::Post, ["logout"]) => account::signed_out(room, posted).await,
        (Method::Get, ["password"]) => account::change_password(room).await,
        (Method::Post, ["password"]) => account::password_changed(room, posted).await,
        (Method::Get, ["sessions"]) => account::sessions(room).await,
        (Method::Post, ["sessions"]) => account::session_ended(room, posted).await,
        (Method::Get, ["reset", uid, token]) => account::set_password(room, uid, token).await,
        (Method::Post, ["reset", uid, token]) => {
            account::password_set(room, uid, token, posted).await
        }
        (Method::Get, ["users"]) => users::list(room).await,
        (Method::Get, ["users", "new"]) => users::new(room).await,
        (Method::Post, ["users", "new"]) => users::create(room, posted).await,
        (Method::Get, ["users", id]) => users::edit(room, id).await,
        (Method::Post, ["users", id]) => users::act(room, id, posted).await,
        (Method::Get, ["groups"]) => groups::list(room).await,
        (Method::Post, ["groups"]) => groups::create(room, posted).await,
        (Method::Get, ["groups", id]) => groups::edit(room, id).await,
        (Method::Post, ["groups", id]) => groups::act(room, id, posted).await,
        _ => Err(room.note(Message::NotFound).await),
    }
}

#[derive(Clone, Copy)]
enum Method {
    Get,
    Post,
}
