//! What the app does at each path.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::extract::{DefaultBodyLimit, State};
use axum::http::StatusCode;
use axum::http::header::RETRY_AFTER;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use chrono::{DateTime, NaiveDateTime, Utc};
use housekey::axum::{AuthSession, CsrfToken, HousekeyLayer, Next};
use housekey::{Expiry, Housekey, Session, User};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use serde_json::{Value, json};

use crate::answer::{Answer, Refusal, ok};
use crate::input::{Body, FormOrBody, Query};
use crate::notes::Notes;

const MAX_BODY: usize = 64 * 1024;

type House<L> = State<Housekey<L>>;

pub(crate) fn routes<L: Notes>(house: Housekey<L>) -> Router {
    let layer = HousekeyLayer::new(&house);
    Router::new()
        .route("/login", get(login_form).post(login))
        .route("/logout", post(logout))
        .route("/whoami", get(whoami::<L>))
        .route("/set", get(set_texts).post(set_values))
        .route("/expiry", post(expiry))
        .route("/password", post(password))
        .route("/perm", get(permission))
        .route("/notes", get(notes::<L>).post(add_note::<L>))
        .route("/reset-link", post(reset_link::<L>))
        .route("/reset", post(reset::<L>))
        .layer(layer)
        .route("/housekey.json", housekey::axum::profile(&house))
        .route("/healthz", get(health::<L>))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(house)
}

async fn login_form(csrf: CsrfToken, next: Next) -> Json<Value> {
    Json(json!({"csrf": csrf.token(), "next": next.get()}))
}

#[derive(Deserialize)]
struct Login {
    username: String,
    password: String,
    next: Option<String>,
}

async fn login(
    auth: AuthSession,
    next: Next,
    FormOrBody(form): FormOrBody<Login>,
) -> Result<Response, Refusal> {
    let next = next.posted(form.next);
    let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
        return Ok((StatusCode::UNAUTHORIZED, Json(json!({"ok": false}))).into_response());
    };
    auth.login(&user).await?;
    let answer = json!({"ok": true, "username": user.username, "next": next.get()});
    Ok(Json(answer).into_response())
}

async fn logout(auth: AuthSession) -> Answer<Value> {
    auth.logout().await?;
    Ok(ok())
}

#[derive(Serialize)]
struct WhoAmI {
    app: String,
    authenticated: bool,
    id: Option<i64>,
    username: String,
    is_staff: bool,
    is_superuser: bool,
    perms: Vec<String>,
    session: BTreeMap<String, Box<RawValue>>,
}

async fn whoami<L: Notes>(State(house): House<L>, auth: AuthSession) -> Answer<WhoAmI> {
    let mut answer = WhoAmI {
        app: house.app_name().to_owned(),
        authenticated: false,
        id: None,
        username: String::new(),
        is_staff: false,
        is_superuser: false,
        perms: Vec::new(),
        session: values(auth.session()),
    };
    if let Some(user) = auth.user() {
        answer.authenticated = true;
        answer.id = Some(user.id);
        answer.username.clone_from(&user.username);
        answer.is_staff = user.is_staff;
        answer.is_superuser = user.is_superuser;
        let permissions = auth.permissions().await?;
        answer.perms = permissions.iter().map(str::to_owned).collect();
    }
    Ok(Json(answer))
}

/// What apps have stored in the session, each value as it was written.
fn values(session: &Session) -> BTreeMap<String, Box<RawValue>> {
    let names = session.names().into_iter().filter(|name| !name.starts_with('_'));
    names.filter_map(|name| session.get(&name).map(|value| (name, value))).collect()
}

async fn set_texts(
    session: Session,
    Query(texts): Query<BTreeMap<String, String>>,
) -> Answer<Value> {
    store(&session, texts)
}

async fn set_values(
    session: Session,
    Body(values): Body<BTreeMap<String, Box<RawValue>>>,
) -> Answer<Value> {
    store(&session, values)
}

fn store(session: &Session, values: BTreeMap<String, impl Serialize>) -> Answer<Value> {
    for (name, value) in values {
        session.insert(&name, value)?;
    }
    Ok(ok())
}

#[derive(Deserialize)]
struct NewExpiry {
    value: Option<SecondsOrTime>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum SecondsOrTime {
    Seconds(f64),
    Time(String),
}

async fn expiry(session: Session, Body(new): Body<NewExpiry>) -> Answer<Value> {
    let expiry = match new.value {
        None => Some(Expiry::Settings),
        Some(SecondsOrTime::Seconds(seconds)) => after(seconds),
        Some(SecondsOrTime::Time(text)) => read_time(&text).map(Expiry::At),
    };
    let why = "value is null, a number of seconds, or a time like 2030-12-31T23:59:59Z";
    session.set_expiry(expiry.ok_or_else(|| Refusal::bad(why))?);
    Ok(ok())
}

/// What Django's `set_expiry` makes of a number.
fn after(seconds: f64) -> Option<Expiry> {
    if seconds == 0.0 {
        return Some(Expiry::AtBrowserClose);
    }
    if seconds < 0.0 {
        return Some(Expiry::At(DateTime::UNIX_EPOCH));
    }
    Duration::try_from_secs_f64(seconds).ok().map(Expiry::After)
}

/// ISO 8601; a time without an offset is in UTC.
fn read_time(text: &str) -> Option<DateTime<Utc>> {
    let with_offset = DateTime::parse_from_rfc3339(text).map(|time| time.to_utc());
    with_offset.or_else(|_| text.parse::<NaiveDateTime>().map(|time| time.and_utc())).ok()
}

fn signed_in(user: Option<User>) -> Result<User, Refusal> {
    let refusal = || Refusal::Visitor(StatusCode::UNAUTHORIZED, "sign in first".to_owned());
    user.ok_or_else(refusal)
}

#[derive(Deserialize)]
struct NewPassword {
    old: String,
    new: String,
}

async fn password(auth: AuthSession, Body(form): Body<NewPassword>) -> Answer<Value> {
    signed_in(auth.user())?;
    if auth.change_password(&form.old, &form.new).await? {
        Ok(ok())
    } else {
        Err(Refusal::bad("the old password is wrong"))
    }
}

#[derive(Deserialize)]
struct PermissionName {
    p: String,
}

async fn permission(auth: AuthSession, Query(name): Query<PermissionName>) -> Answer<Value> {
    Ok(Json(json!({"has": auth.has_perm(&name.p).await?})))
}

async fn notes<L: Notes>(State(house): House<L>, user: Option<User>) -> Answer<Value> {
    let user = signed_in(user)?;
    let notes = house.run(move |house| L::notes(&mut house.conn(), user.id)).await?;
    Ok(Json(json!({"notes": notes})))
}

#[derive(Deserialize)]
struct NewNote {
    text: String,
}

async fn add_note<L: Notes>(
    State(house): House<L>,
    user: Option<User>,
    Body(note): Body<NewNote>,
) -> Answer<Value> {
    let user = signed_in(user)?;
    if note.text.contains('\0') {
        return Err(Refusal::bad("text holds a NUL character, which PostgreSQL cannot store"));
    }
    let notes = house.run(move |house| {
        let conn = &mut house.conn();
        L::add_note(conn, user.id, &note.text)?;
        L::notes(conn, user.id)
    });
    Ok(Json(json!({"notes": notes.await?})))
}

#[derive(Deserialize)]
struct Forgetful {
    username: String,
}

/// An app in service sends this by mail and shows nobody.
async fn reset_link<L: Notes>(
    State(house): House<L>,
    Body(form): Body<Forgetful>,
) -> Answer<Value> {
    let link = house.run(move |house| {
        let user = house.find_user(&form.username)?;
        user.map_or(Ok(None), |user| house.reset_link(&user))
    });
    let nobody = || Refusal::Visitor(StatusCode::NOT_FOUND, "there is no such user".to_owned());
    let link = link.await?.ok_or_else(nobody)?;
    Ok(Json(json!({"uid": link.uid, "token": link.token})))
}

#[derive(Deserialize)]
struct Reset {
    uid: String,
    token: String,
    new: Option<String>,
}

/// Without a new password it only tells whether the link is good.
async fn reset<L: Notes>(State(house): House<L>, Body(form): Body<Reset>) -> Answer<Value> {
    let done = house.run(move |house| match &form.new {
        Some(new) => house.reset_password(&form.uid, &form.token, new),
        None => Ok(house.user_of_reset(&form.uid, &form.token)?.is_some()),
    });
    if done.await? { Ok(ok()) } else { Err(Refusal::bad("this link is no longer good")) }
}

async fn health<L: Notes>(State(house): House<L>) -> Response {
    match house.run(Housekey::ready).await {
        Ok(()) => Json(json!({"ready": true})).into_response(),
        // Without its causes, which may tell strangers about the database.
        Err(error) => {
            let why = Json(json!({"ready": false, "why": error.to_string()}));
            (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "2")], why).into_response()
        }
    }
}
