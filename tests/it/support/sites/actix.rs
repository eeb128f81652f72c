use std::net::TcpListener;
use std::sync::atomic::Ordering;

use actix_web::dev::Service;
use actix_web::web::{Data, Form, Html, get, post};
use actix_web::{App, HttpResponse, HttpServer};
use housekey::actix::{AuthSession, CsrfToken, HousekeyMiddleware, Next, SeeOther};
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
    let housekey = HousekeyMiddleware::new(house);
    let housekey = match policies.csp {
        Some(csp) => housekey.with_secure_csp(csp),
        None => housekey,
    };
    let housekey = match policies.referrer {
        Some(referrer) => housekey.with_secure_referrer_policy(referrer),
        None => housekey,
    };
    let app = move || {
        // Each worker has a thread of its own.
        log::write_down(&inside.said);
        let answers = inside.answers.clone();
        App::new()
            .app_data(Data::new(inside.clone()))
            .route("/", get().to(home))
            .route("/login", get().to(login_form))
            .route("/login", post().to(login))
            .route("/logout", post().to(logout))
            .route("/change", post().to(change))
            .route("/private", get().to(private))
            .route("/scripts", get().to(|| async { Html::new(pages::SCRIPTS) }))
            .route("/trial.js", get().to(trial))
            .route("/own.js", get().to(|| async { file("text/javascript", pages::OWN_SCRIPT) }))
            .route("/own.css", get().to(|| async { file("text/css", pages::OWN_STYLE) }))
            .default_service(get().to(anywhere))
            .wrap(housekey.clone())
            .wrap_fn(move |request, inner| {
                let (method, path) = (request.method().to_string(), request.uri().to_string());
                let answers = answers.clone();
                let response = inner.call(request);
                async move {
                    let response = response.await?;
                    answers.lock().unwrap().push((method, path, response.status().as_u16()));
                    Ok(response)
                }
            })
    };
    actix_web::rt::System::new().block_on(async move {
        let server = HttpServer::new(app).workers(1).disable_signals().listen(listener).unwrap();
        crate::support::server::until(end, server.run()).await;
    });
}

async fn home(user: Option<User>, csrf: CsrfToken) -> Html {
    Html::new(pages::home(user.as_ref(), &csrf))
}

async fn login_form(user: Option<User>, csrf: CsrfToken, next: Next) -> HttpResponse {
    if user.is_some() && !next.asks_again() {
        return next.redirect_or("/welcome").into();
    }
    file("text/html; charset=utf-8", pages::login(&csrf, &next))
}

async fn login(
    auth: AuthSession,
    next: Next,
    Form(form): Form<Credentials>,
) -> Result<HttpResponse, Error> {
    let Some(user) = auth.authenticate(&form.username, &form.password).await? else {
        return Ok(HttpResponse::Ok().body("wrong"));
    };
    auth.login(&user).await?;
    Ok(next.posted(form.next).redirect_or("/welcome").into())
}

async fn logout(auth: AuthSession, next: Next) -> Result<SeeOther, Error> {
    auth.logout().await?;
    Ok(next.redirect_or("/"))
}

async fn change(inside: Data<Inside>, _: User) -> Html {
    inside.changes.fetch_add(1, Ordering::SeqCst);
    Html::new("<p id=done>changed</p>")
}

async fn private(user: User) -> Html {
    Html::new(pages::private(&user))
}

/// Kept by the browser: it is asked for by each page.
async fn trial() -> HttpResponse {
    let kept = ("cache-control", "max-age=600");
    HttpResponse::Ok().content_type("text/javascript").insert_header(kept).body(pages::TRIAL)
}

async fn anywhere(csrf: CsrfToken, next: Next) -> Html {
    Html::new(pages::login(&csrf, &next))
}

fn file(kind: &'static str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(body.into())
}
