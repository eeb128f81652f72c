use std::sync::Arc;

use actix_web::dev::HttpServiceFactory;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, ResponseError, web};

use super::extract::visit;
use super::view::{Refusal, View};
use crate::pages::Pages;
use crate::web::headers::Headers;
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
    match answer(&pages, &visit, &View(&request), body.into_inner()).await.parts() {
        Ok((status, headers, body)) => {
            let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
            let mut response = HttpResponseBuilder::new(status).body(body);
            response.headers_mut().remove("content-type");
            for (name, value) in headers {
                response.headers_mut().add(name, &value);
            }
            Ok(response)
        }
        Err(problem) => Ok(Refusal(problem).error_response()),
    }
}
