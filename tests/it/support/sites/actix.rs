use std::net::TcpListener;
use std::sync::atomic::Ordering;

use actix_web::dev::Service;
use actix_web::web::{Data, Html, get, post};
use actix_web::{App, HttpResponse, HttpServer};
use housekey::User;
use housekey::actix::{CsrfToken, HousekeyMiddleware, pages};

use super::{Inside, Policies, html, ready_made};
use crate::support::{House, log};

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
            .route("/change", post().to(change))
            .route("/private", get().to(private))
            .route("/scripts", get().to(|| async { Html::new(html::SCRIPTS) }))
            .route("/trial.js", get().to(trial))
            .route("/own.js", get().to(|| async { file("text/javascript", html::OWN_SCRIPT) }))
            .route("/own.css", get().to(|| async { file("text/css", html::OWN_STYLE) }))
            .service(pages(ready_made()))
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
    Html::new(html::home(user.as_ref(), &csrf))
}

async fn change(inside: Data<Inside>, _: User) -> Html {
    inside.changes.fetch_add(1, Ordering::SeqCst);
    Html::new("<p id=done>changed</p>")
}

async fn private(user: User) -> Html {
    Html::new(html::private(&user))
}

/// Kept by the browser: it is asked for by each page.
async fn trial() -> HttpResponse {
    let kept = ("cache-control", "max-age=600");
    HttpResponse::Ok().content_type("text/javascript").insert_header(kept).body(html::TRIAL)
}

async fn anywhere(csrf: CsrfToken) -> Html {
    Html::new(html::anywhere(&csrf))
}

fn file(kind: &'static str, body: impl Into<String>) -> HttpResponse {
    HttpResponse::Ok().content_type(kind).body(body.into())
}
