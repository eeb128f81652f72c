use std::sync::Arc;

use actix_web::dev::HttpServiceFactory;
use actix_web::{HttpRequest, HttpResponse, ResponseError, web};

use super::extract::visit;
use super::view::{Refusal, View, sent};
use crate::pages::Pages;
use crate::web::pages::answer;

/// The routes of the ready-made [`pages`](crate::pages), for `App::service`, inside [`HousekeyMiddleware`].
///
/// Routes of the app that stand before come first: an app that has its own `/account/login` has this one replaced. Pages
/// at `/` go behind all other routes.
///
/// ```no_run
/// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
/// use actix_web::App;
/// use housekey::actix::{HousekeyMiddleware, pages};
/// use housekey::pages::Pages;
///
/// let housekey = HousekeyMiddleware::new(house);
/// let app = move || App::new().service(pages(Pages::at("/account"))).wrap(housekey.clone());
/// # }
/// ```
///
/// [`HousekeyMiddleware`]: super::HousekeyMiddleware
#[must_use]
pub fn pages(pages: Pages) -> impl HttpServiceFactory + 'static {
    let (base, pages) = (pages.base.clone(), Arc::new(pages));
    let page =
        move |request: HttpRequest, body: web::Payload| serve(Arc::clone(&pages), request, body);
    web::scope(&base).default_service(web::to(page))
}

async fn serve(
    pages: Arc<Pages>,
    request: HttpRequest,
    body: web::Payload,
) -> Result<HttpResponse, actix_web::Error> {
    let visit = visit(&request)?;
    let answer = answer(&pages, &visit, &View(&request), body.into_inner()).await;
    Ok(answer.render().map_or_else(|problem| Refusal(problem).error_response(), sent))
}
