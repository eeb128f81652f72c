use std::net::{SocketAddr, TcpListener};
use std::sync::atomic::Ordering;

use axum::extract::{Form, Request, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::middleware::{Next as Inner, from_fn_with_state};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Router, serve as serve_axum};
use housekey::axum::{AuthSession, CsrfToken, HousekeyLayer, Next, SeeOther};
use housekey::{Error, User};
use serde::Deserialize;

use super::{Inside, Policies, pages};
use crate::support::{House, log};

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

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
        .route("/login", get(login_form).post(login))
        .route("/logout", post(logout))
        .route("/change", post(change))
        .route("/private", get(private))
        .route("/scripts", get(|| async { Html(pages::SCRIPTS) }))
        .route("/trial.js", get(trial))
        .route(
            "/own.js",
            get(|| async { ([(CONTENT_TYPE, "text/javascript")], pages::OWN_SCRIPT) }),
        )
        .route("/own.css", get(|| async { ([(CONTENT_TYPE, "text/css")], pages::OWN_STYLE) }))
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
    Html(pages::home(user.as_ref(), &csrf))
}

async fn login_form(user: Option<User>, csrf: CsrfToken, next: Next) -> Response {
    if user.is_some() && !next.asks_again() {
        return next.redirect_or("/welcome").into_response();
    }
    Html(pages::login(&csrf, &next)).into_response()
}

async fn login(
    auth: AuthSession,
    next: Next,
    Form(form): Form<Credentials>,
) -> Result<Response, Error> {
    let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
        return Ok("wrong".into_response());
    };
    auth.login(&user).await?;
    Ok(next.posted(form.next).redirect_or("/welcome").into_response())
}

async fn logout(auth: AuthSession, next: Next) -> Result<SeeOther, Error> {
    auth.logout().await?;
    Ok(next.redirect_or("/"))
}

async fn change(State(inside): State<Inside>, _: User) -> Html<&'static str> {
    inside.changes.fetch_add(1, Ordering::SeqCst);
    Html("<p id=done>changed</p>")
}

async fn private(user: User) -> Html<String> {
    Html(pages::private(&user))
}

/// Kept by the browser: it is asked for by each page.
async fn trial() -> impl IntoResponse {
    ([(CONTENT_TYPE, "text/javascript"), (CACHE_CONTROL, "max-age=600")], pages::TRIAL)
}

async fn anywhere(csrf: CsrfToken, next: Next) -> Html<String> {
    Html(pages::login(&csrf, &next))
}
