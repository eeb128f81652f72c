//! One app of the two: its routes, and what they do.

use axum::extract::State;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{Html, IntoResponse, Redirect, Response};
use axum::routing::{get, post};
use axum::{Form, Router};
use housekey::axum::{AuthSession, CsrfToken, HousekeyLayer, Next};
use housekey::{Error, User};
use serde::Deserialize;

use crate::parts::page::{Frame, Look, STYLE_AT, style};
use crate::{House, entries, page};

/// What tells the two apps apart.
pub(crate) struct About {
    pub(crate) look: Look,
    /// What one of its entries is called.
    pub(crate) entry: &'static str,
    pub(crate) purpose: &'static str,
}

#[derive(Clone)]
pub(crate) struct App {
    pub(crate) house: House,
    pub(crate) about: &'static About,
    pub(crate) other: &'static About,
    pub(crate) other_port: u16,
}

#[derive(Deserialize)]
struct NewEntry {
    text: String,
}

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    #[serde(default)]
    next: String,
}

impl App {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(home).post(add))
            .route("/login", get(login_form).post(login))
            .route("/logout", post(logout))
            .route(STYLE_AT, get(css))
            .layer(HousekeyLayer::new(&self.house))
            .with_state(self)
    }

    fn frame(&self, headers: &HeaderMap) -> Frame {
        let other = (url_on_port(headers, self.other_port), self.other.look.name);
        Frame { look: &self.about.look, links: vec![other] }
    }
}

/// For everyone: what the app is for; for its user: the entries.
async fn home(
    State(app): State<App>,
    headers: HeaderMap,
    csrf: CsrfToken,
    user: Option<User>,
) -> Result<Html<String>, Error> {
    let frame = app.frame(&headers);
    let Some(user) = user else { return Ok(Html(page::welcome(&frame, app.about))) };
    let id = user.id;
    let texts = app.house.run(move |house| entries::of_user(house, id)).await?;
    Ok(Html(page::entries(&frame, app.about, &csrf.input(), &user, &texts)))
}

/// For users alone: housekey sends others to `/login`, and from there back.
async fn add(
    State(app): State<App>,
    user: User,
    Form(new): Form<NewEntry>,
) -> Result<Redirect, Error> {
    let text = new.text.trim().to_owned();
    if !text.is_empty() {
        app.house.run(move |house| entries::add(house, user.id, &text)).await?;
    }
    Ok(Redirect::to("/"))
}

async fn login_form(
    State(app): State<App>,
    headers: HeaderMap,
    csrf: CsrfToken,
    user: Option<User>,
    next: Next,
) -> Response {
    if user.is_some() {
        return next.redirect_or("/").into_response();
    }
    let next = next.get().unwrap_or("/");
    Html(app.frame(&headers).login(&csrf.input(), "", next, "")).into_response()
}

async fn login(
    State(app): State<App>,
    auth: AuthSession,
    headers: HeaderMap,
    csrf: CsrfToken,
    next: Next,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    let next = next.posted(Some(form.next));
    if let Some(user) = auth.authenticate(&form.username, &form.password).await? {
        auth.login(&user).await?;
        return Ok(next.redirect_or("/").into_response());
    }
    let problem = "Wrong user name or password.";
    let next = next.get().unwrap_or("/");
    let page = app.frame(&headers).login(&csrf.input(), &form.username, next, problem);
    Ok((StatusCode::UNAUTHORIZED, Html(page)).into_response())
}

async fn logout(auth: AuthSession) -> Result<Redirect, Error> {
    auth.logout().await?;
    Ok(Redirect::to("/"))
}

async fn css(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css")], style(&app.about.look))
}

/// The other app under the name by which this one was asked: a cookie belongs to all ports of one name.
fn url_on_port(headers: &HeaderMap, port: u16) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    format!("http://{name}:{port}/")
}
