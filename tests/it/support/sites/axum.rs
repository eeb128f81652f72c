use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;

use axum::extract::{Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next as Inner, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, serve as serve_axum};
use housekey::User;
use housekey::axum::{CsrfToken, HousekeyLayer, pages};

use super::{Inside, Policies, html, ready_made};
use crate::support::{House, log};

pub(super) fn serve(
    listener: TcpListener,
    house: &House,
    policies: Policies,
    inside: Inside,
    end: impl Future<Output = ()> + 'static,
) {
    log::write_down(&inside.said);
    let app = routes(house, policies, inside).into_make_service_with_connect_info::<SocketAddr>();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async move {
        tokio::select! {
            served = serve_axum(tokio::net::TcpListener::from_std(listener).unwrap(), app) => {
                served.unwrap();
            }
            () = end => {}
        }
    });
    runtime.shutdown_background();
}

fn routes(house: &House, policies: Policies, inside: Inside) -> Router {
    let layer = HousekeyLayer::new(house);
    let layer = match policies.csp {
        Some(csp) => layer.with_secure_csp(csp),
        None => layer,
    };
    let layer = match policies.referrer {
        Some(referrer) => layer.with_secure_referrer_policy(referrer),
        None => layer,
    };
    Router::new()
        .route("/", get(home))
        .route("/change", post(change))
        .route("/private", get(private))
        .route("/scripts", get(|| async { Html(html::SCRIPTS) }))
        .route("/trial.js", get(trial))
        .route("/own.js", get(|| async { ([(CONTENT_TYPE, "text/javascript")], html::OWN_SCRIPT) }))
        .route("/own.css", get(|| async { ([(CONTENT_TYPE, "text/css")], html::OWN_STYLE) }))
        .merge(pages(ready_made()))
        .fallback(anywhere)
        .layer(layer)
        .layer(from_fn_with_state(inside.clone(), record))
        .with_state(inside)
}

async fn record(State(inside): State<Inside>, request: Request, inner: Inner) -> Response {
    let (method, path) = (request.method().to_string(), request.uri().to_string());
    let response = inner.run(request).await;
    inside.answers.lock().unwrap().push((method, path, response.status().as_u16()));
    response
}

async fn home(user: Option<User>, csrf: CsrfToken) -> Html<String> {
    Html(html::home(user.as_ref(), &csrf))
}

async fn change(State(inside): State<Inside>, _: User) -> Html<&'static str> {
    inside.changes.fetch_add(1, Ordering::SeqCst);
    Html("<p id=done>changed</p>")
}

async fn private(user: User) -> Html<String> {
    Html(html::private(&user))
}

/// Kept by the browser: it is asked for by each page.
async fn trial() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "max-age=600")], html::TRIAL)
}

async fn anywhere(csrf: CsrfToken) -> Html<String> {
    Html(html::anywhere(&csrf))
}
