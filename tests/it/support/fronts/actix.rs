//! The routes in actix-web.

use std::net::SocketAddr;

use actix_web::body::MessageBody;
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::StatusCode;
use actix_web::middleware::{Next, from_fn};
use actix_web::{
    App, HttpRequest, HttpResponse, HttpServer, Responder, ResponseError, Route, guard, web,
};
use diesel::connection::SimpleConnection as _;
use housekey::actix::{
    HousekeyMiddleware, login_required, pages, permission_required, staff_member_required,
};
use housekey::pages::Pages;
use housekey::{Error, Session, User};

use super::routes::handlers::*;
use super::routes::replies::*;
use super::routes::{Reply, routes};
use super::{Settings, told};
use crate::support::House;
use crate::support::server::{end_of_test, until};

impl Responder for Reply {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let mut response = HttpResponse::build(StatusCode::from_u16(self.status).unwrap());
        for header in self.headers {
            response.append_header(*header);
        }
        let mut response = response.body(self.body);
        if !self.headers.iter().any(|(name, _)| *name == "content-type") {
            response.headers_mut().remove("content-type");
        }
        response
    }
}

async fn error_with_more() -> HttpResponse {
    let mut response = Error::SessionGone.error_response();
    for (name, value) in [("x-more", "1"), ("content-language", "en")] {
        let name = actix_web::http::header::HeaderName::from_static(name);
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

async fn error_as_conflict() -> HttpResponse {
    let mut response = Error::SessionGone.error_response();
    *response.status_mut() = StatusCode::CONFLICT;
    response
}

async fn stream(user: Option<User>) -> HttpResponse {
    let name = greet(user).await;
    HttpResponse::Ok().content_type("text/plain").streaming(super::routes::pieces(name))
}

/// A middleware inside the layer that lets nobody through.
async fn teapot(
    session: Session,
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    session.insert("page", 1)?;
    let cause = "short and stout";
    Err(actix_web::error::InternalError::new(cause, StatusCode::IM_A_TEAPOT).into())
}

async fn ended(
    _: ServiceRequest,
    _: Next<impl MessageBody>,
) -> Result<ServiceResponse, actix_web::Error> {
    Err(Error::SessionGone.into())
}

/// axum answers `HEAD` where it answers `GET`.
fn get() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

macro_rules! method {
    (get) => {
        get()
    };
    ($method:ident) => {
        web::$method()
    };
}

macro_rules! mount {
    ($($path:literal => $($method:ident($handler:expr))+;)+) => {
        move |config: &mut web::ServiceConfig| {
            $(config.service(
                web::resource($path)$(.route(method!($method).to($handler)))+,
            );)+
        }
    };
}

pub(super) fn serve(house: &House, settings: &Settings) -> SocketAddr {
    let house = house.clone();
    let guarded = told!(HousekeyMiddleware::new(&house), settings);
    let hooks = told!(HousekeyMiddleware::new(&house).csrf_exempt(), settings);
    run(move |config| {
        let hook = web::resource("/hook").wrap(hooks.clone()).route(web::post().to(echo));
        let inside = web::scope("/in")
            .service(web::resource("/user").route(get().to(name)))
            .service(web::resource("/next").route(get().to(next)));
        let private = |path: &str, requirement| {
            web::scope(path)
                .wrap(requirement)
                .service(web::resource("").route(get().to(public)))
                .service(web::resource("/deep").route(get().to(greet)))
        };
        let routes = web::scope("")
            .wrap(guarded.clone())
            .configure(routes!(mount, house))
            .route("/housekey.json", housekey::actix::profile(&house))
            .service(web::resource("/inside/teapot").wrap(from_fn(teapot)).route(get().to(public)))
            .service(web::resource("/inside/ended").wrap(from_fn(ended)).route(get().to(public)))
            .route("/account/own", get().to(|| async { "a page of the app" }))
            .service(pages(Pages::at("/account")))
            .service(inside)
            .service(private("/required/login", login_required()))
            .service(private("/required/permission", permission_required("notes.add_note")))
            .service(private("/required/staff", staff_member_required()));
        config.service(hook).service(routes);
    })
}

pub(super) fn serve_bare() -> SocketAddr {
    run(|config| {
        config.route("/", get().to(greet)).route("/user", get().to(name));
    })
}

pub(super) fn serve_nested(house: &House) -> SocketAddr {
    let middleware = HousekeyMiddleware::new(house);
    run(move |config| {
        let user = web::resource("/user").route(get().to(name));
        config.service(web::scope("/in").wrap(middleware.clone()).service(user));
    })
}

/// On a free port of the loopback, with one worker, until the test ends.
fn run(configure: impl Fn(&mut web::ServiceConfig) + Clone + Send + 'static) -> SocketAddr {
    let (tell, told) = std::sync::mpsc::channel();
    let end = end_of_test();
    std::thread::spawn(move || {
        actix_web::rt::System::new().block_on(async move {
            let app = move || {
                let limit = web::PayloadConfig::new(64 << 20);
                App::new().app_data(limit).configure(configure.clone())
            };
            let server = HttpServer::new(app).workers(1).disable_signals();
            let server = server.bind("127.0.0.1:0").unwrap();
            tell.send(server.addrs()[0]).unwrap();
            until(end, server.run()).await;
        });
    });
    told.recv().unwrap()
}
