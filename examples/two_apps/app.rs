//! One app of the two: its routes, and what they do.

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::header::{CONTENT_TYPE, HOST};
use axum::response::{Html, IntoResponse, Redirect};
use axum::routing::get;
use axum::{Form, Router};
use housekey::axum::{CsrfToken, HousekeyLayer, pages};
use housekey::pages::Pages;
use housekey::{Error, User};
use serde::Deserialize;

use crate::parts::page::{COLORS_AT, Frame, Look, PAGES_AT, colors};
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

impl App {
    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/", get(home).post(add))
            .route(COLORS_AT, get(css))
            .merge(pages(Pages::at(PAGES_AT).with_stylesheet(COLORS_AT)))
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

/// For users alone: housekey sends others to the page where they sign in, and from there back.
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

async fn css(State(app): State<App>) -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/css")], colors(&app.about.look))
}

/// The other app under the name by which this one was asked: a cookie belongs to all ports of one name.
fn url_on_port(headers: &HeaderMap, port: u16) -> String {
    let host = headers.get(HOST).and_then(|host| host.to_str().ok()).unwrap_or("127.0.0.1");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    format!("http://{name}:{port}/")
}
