//! The routes in axum.

use std::net::SocketAddr;

use axum::Router;
use axum::body::Body;
use axum::extract::{DefaultBodyLimit, Request};
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, get};
use diesel::connection::SimpleConnection as _;
use housekey::axum::{
    HousekeyLayer, login_required, pages, permission_required, staff_member_required,
};
use housekey::pages::Pages;
use housekey::{Error, Session, User};

use super::routes::handlers::*;
use super::routes::replies::*;
use super::routes::{Reply, routes};
use super::{Settings, told};
use crate::support::House;
use crate::support::server;

impl IntoResponse for Reply {
    fn into_response(self) -> Response {
        let mut response = Response::builder().status(self.status);
        for (name, value) in self.headers {
            response = response.header(*name, *value);
        }
        response.body(Body::from(self.body)).unwrap()
    }
}

async fn error_with_more() -> Response {
    ([("x-more", "1"), ("content-language", "en")], Error::SessionGone).into_response()
}

async fn error_as_conflict() -> Response {
    (StatusCode::CONFLICT, Error::SessionGone).into_response()
}

async fn stream(user: Option<User>) -> Response {
    let name = greet(user).await;
    let body = Body::from_stream(super::routes::pieces(name));
    ([("content-type", "text/plain")], body).into_response()
}

/// A middleware inside the layer that lets nobody through.
async fn teapot(session: Session, _: Request, _: Next) -> Response {
    session.insert("page", 1).unwrap();
    (StatusCode::IM_A_TEAPOT, "short and stout").into_response()
}

async fn ended(_: Request, _: Next) -> Response {
    Error::SessionGone.into_response()
}

macro_rules! mount {
    ($($path:literal => $($method:ident($handler:expr))+;)+) => {
        Router::new()$(.route($path, MethodRouter::new()$(.$method($handler))+))+
    };
}

pub(super) fn serve(house: &House, settings: &Settings) -> SocketAddr {
    let private =
        |layer| Router::new().route("/", get(public)).route("/deep", get(greet)).layer(layer);
    let routes = routes!(mount, house)
        .route("/housekey.json", housekey::axum::profile(house))
        .route("/inside/teapot", get(public).layer(from_fn(teapot)))
        .route("/inside/ended", get(public).layer(from_fn(ended)))
        .nest("/in", Router::new().route("/user", get(name)).route("/next", get(next)))
        .route("/account/own", get(|| async { "a page of the app" }))
        .merge(pages(Pages::at("/account")))
        .nest("/required/login", private(login_required()))
        .nest("/required/permission", private(permission_required("notes.add_note")))
        .nest("/required/staff", private(staff_member_required()))
        .layer(told!(HousekeyLayer::new(house), settings));
    let hooks = Router::new()
        .route("/hook", MethodRouter::new().post(echo))
        .layer(told!(HousekeyLayer::new(house).csrf_exempt(), settings));
    // What comes last says what is answered where there is no route.
    server::serve(hooks.merge(routes).layer(DefaultBodyLimit::disable()))
}

pub(super) fn serve_bare() -> SocketAddr {
    server::serve(Router::new().route("/", get(greet)).route("/user", get(name)))
}

pub(super) fn serve_nested(house: &House) -> SocketAddr {
    let inner = Router::new().route("/user", get(name)).layer(HousekeyLayer::new(house));
    server::serve(Router::new().nest("/in", inner))
}
