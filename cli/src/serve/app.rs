//! The routes, and what is the front door's own about the pages.

use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse as _, Response};
use housekey::axum::{HousekeyLayer, pages, profile};
use housekey::pages::{Account, App, Pages, View};
use housekey::{HouseConnection, Housekey};

use crate::args::Serve;

/// The house itself gives up sooner; what is left is a form that comes letter by letter.
const LONGEST: Duration = Duration::from_secs(60);

pub(super) fn routes<L: HouseConnection>(house: &Housekey<L>, wanted: &Serve) -> Router {
    Router::new()
        .merge(pages(ours(wanted)))
        .layer(HousekeyLayer::new(house))
        // Who looks after the app asks for it by any host, and has no session.
        .route("/housekey.json", profile(house))
        .layer(from_fn(in_time))
}

fn ours(wanted: &Serve) -> Pages {
    let apps = wanted.app.clone();
    let pages = Pages::at("").with_template(move |view| match view {
        View::Account(page) => Some(with_links(page, &apps).to_html()),
        _ => None,
    });
    match wanted.title.as_deref() {
        None | Some("") => pages,
        Some(title) => pages.with_title(title),
    }
}

/// Where the operator names an app that the house knows as well, the operator has the last word.
fn with_links(page: &Account, named: &[App]) -> Account {
    let mut page = page.clone();
    page.apps.retain(|app| named.iter().all(|named| named.name != app.name));
    page.apps.extend_from_slice(named);
    page
}

async fn in_time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(LONGEST, next.run(request)).await {
        Ok(response) => response,
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "The request took too long.\n").into_response(),
    }
}
