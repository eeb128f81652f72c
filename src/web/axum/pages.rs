use std::sync::Arc;

use ::axum::Router;
use ::axum::routing::any;
use axum_core::extract::Request;
use axum_core::response::{IntoResponse, Response};

use super::extract::asked;
use super::view::{View, sent};
use crate::pages::Pages;
use crate::web::pages::answer;

/// The routes of the ready-made [`pages`](crate::pages), to be merged into those of the app, inside [`HousekeyLayer`].
///
/// Routes of the app itself come first: an app that has its own `/account/login` has this one replaced, for all methods
/// that the route has.
///
/// ```no_run
/// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
/// use axum::Router;
/// use housekey::axum::{HousekeyLayer, pages};
/// use housekey::pages::Pages;
///
/// let app: Router =
///     Router::new().merge(pages(Pages::at("/account"))).layer(HousekeyLayer::new(house));
/// # }
/// ```
///
/// # Panics
/// When the path of the pages is none that a [`Router`] takes.
///
/// [`HousekeyLayer`]: super::HousekeyLayer
pub fn pages<S: Clone + Send + Sync + 'static>(pages: Pages) -> Router<S> {
    let (base, pages) = (pages.base.clone(), Arc::new(pages));
    let page = any(move |request: Request| serve(Arc::clone(&pages), request));
    let routes = Router::new()
        .route(&format!("{base}/"), page.clone())
        .route(&format!("{base}/{{*page}}"), page.clone());
    if base.is_empty() { routes } else { routes.route(&base, page) }
}

async fn serve(pages: Arc<Pages>, request: Request) -> Response {
    let (parts, body) = request.into_parts();
    let visit = match asked(&parts) {
        Ok(asked) => Arc::clone(&asked.visit),
        Err(error) => return error.into_response(),
    };
    let view = View::of_parts(&parts);
    let answer = answer(&pages, &visit, &view, body.into_data_stream()).await;
    answer.render().map_or_else(IntoResponse::into_response, sent)
}
