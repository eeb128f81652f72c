//! Who sees what: a page for everyone, and one for users, for who has a permission, for staff, and for who has just
//! given the password.

use actix_web::http::header::ContentType;
use actix_web::web::{self, Data, Form, Html, Redirect, ServiceConfig, get, post};
use actix_web::{HttpResponse, Responder};
use housekey::actix::staff_member_required;
use housekey::actix::{AuthSession, CsrfToken, Fresh, Next, RequirePermission, SeeOther};
use housekey::{Error, SessionInfo, User};
use serde::Deserialize;

use crate::House;
use crate::parts::page::{Frame, Look, STYLE_AT, escape, sign_out, style};

housekey::permission!(ApproveInvoice = "billing.approve_invoice");

static LOOK: Look = Look { name: "billing", color: "#8a4b08", color_in_the_dark: "#f0b072" };

#[derive(Deserialize)]
struct Credentials {
    username: String,
    password: String,
    next: Option<String>,
}

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/", get().to(home))
        .route("/login", get().to(login_form))
        .route("/login", post().to(login))
        .route("/logout", post().to(logout))
        .route("/invoices", get().to(invoices))
        .route("/approve", get().to(approve))
        .route("/devices", get().to(devices))
        .route("/devices", post().to(end_others))
        .route(STYLE_AT, get().to(css))
        .service(web::scope("/desk").wrap(staff_member_required()).route("", get().to(desk)));
}

async fn home(user: Option<User>, csrf: CsrfToken) -> Html {
    let Some(user) = user else {
        let sign_in = r#"<p><a class="button" href="/login">Sign in</a></p>"#;
        return page("billing", "", &format!("<h1>Billing</h1>{sign_in}"));
    };
    let text = "What you may not see says so: sign in as the other user, and look again.";
    page("billing", &sign_out(&user, &csrf.input()), &format!("<h1>Billing</h1><p>{text}</p>"))
}

/// For users alone: housekey sends others to `/login`, and from there back.
async fn invoices(user: User, csrf: CsrfToken) -> Html {
    let none = r#"<h1>Your invoices</h1><p class="none">No invoices yet.</p>"#;
    page("Your invoices", &sign_out(&user, &csrf.input()), none)
}

/// For who has the permission; other users get 403.
async fn approve(may: RequirePermission<ApproveInvoice>, csrf: CsrfToken) -> Html {
    let main = "<h1>Approve</h1><p>You may approve what others have spent.</p>";
    page("Approve", &sign_out(&may.user, &csrf.input()), main)
}

/// For staff; all that is below `/desk` is.
async fn desk(user: User, csrf: CsrfToken) -> Html {
    page("Desk", &sign_out(&user, &csrf.input()), "<h1>The desk</h1><p>For staff.</p>")
}

/// For who has given the password within five minutes; others are asked for it once more.
async fn devices(
    Fresh(user): Fresh<5>,
    auth: AuthSession,
    csrf: CsrfToken,
    house: Data<House>,
) -> Result<Html, Error> {
    let of = user.clone();
    let sessions = house.run(move |house| house.sessions_of(&of)).await?;
    let lines: String = sessions.iter().map(|session| line(session, &auth)).collect();
    let csrf = csrf.input();
    let button =
        format!("<form method=post>{csrf}<button>Sign out everywhere else</button></form>");
    let main = format!("<h1>Where you are signed in</h1><ul>{lines}</ul>{button}");
    Ok(page("Where you are signed in", &sign_out(&user, &csrf), &main))
}

fn line(session: &SessionInfo, auth: &AuthSession) -> String {
    let here = if session.is_current(auth.session()) { "Here: " } else { "" };
    let app = session.app.as_deref().unwrap_or("a Django app");
    let agent = session.agent.as_deref().unwrap_or("an unknown browser");
    format!("<li>{here}{}, at {}</li>", escape(agent), escape(app))
}

async fn end_others(
    _: Fresh<5>,
    auth: AuthSession,
    house: Data<House>,
) -> Result<impl Responder, Error> {
    let session = auth.session().clone();
    house.run(move |house| house.end_other_sessions(&session)).await?;
    Ok(Redirect::to("/devices").see_other())
}

async fn login_form(user: Option<User>, csrf: CsrfToken, next: Next) -> HttpResponse {
    if user.is_some() && !next.asks_again() {
        return next.redirect_or("/").into();
    }
    let name = user.map(|user| user.username).unwrap_or_default();
    let page = frame().login(&csrf.input(), &name, next.get().unwrap_or("/"), "");
    HttpResponse::Ok().content_type(ContentType::html()).body(page)
}

async fn login(
    auth: AuthSession,
    csrf: CsrfToken,
    next: Next,
    Form(form): Form<Credentials>,
) -> Result<HttpResponse, Error> {
    let next = next.posted(form.next);
    if let Some(user) = auth.authenticate(&form.username, &form.password).await? {
        auth.login(&user).await?;
        return Ok(next.redirect_or("/").into());
    }
    let next = next.get().unwrap_or("/");
    let problem = "Wrong user name or password.";
    let page = frame().login(&csrf.input(), &form.username, next, problem);
    Ok(HttpResponse::Unauthorized().content_type(ContentType::html()).body(page))
}

async fn logout(auth: AuthSession, next: Next) -> Result<SeeOther, Error> {
    auth.logout().await?;
    Ok(next.redirect_or("/"))
}

async fn css() -> impl Responder {
    HttpResponse::Ok().content_type("text/css").body(style(&LOOK))
}

fn page(title: &str, who: &str, main: &str) -> Html {
    Html::new(frame().page(title, who, main))
}

fn frame() -> Frame {
    let links = [
        ("/invoices", "invoices"),
        ("/approve", "approve"),
        ("/desk", "desk"),
        ("/devices", "devices"),
    ];
    let links = links.map(|(url, text)| (url.to_owned(), text)).into();
    Frame { look: &LOOK, links }
}
