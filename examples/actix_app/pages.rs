//! Who sees what: a page for everyone, and one for users, for who has a permission, for staff, and for who has just
//! given the password.

use actix_web::web::{self, Html, ServiceConfig, get};
use actix_web::{HttpResponse, Responder};
use housekey::User;
use housekey::actix::{CsrfToken, Fresh, RequirePermission, pages, staff_member_required};
use housekey::pages::Pages;

use crate::parts::page::{COLORS_AT, Frame, Look, PAGES_AT, colors, sign_out};

housekey::permission!(ApproveInvoice = "billing.approve_invoice");

static LOOK: Look = Look { name: "billing", color: "#8a4b08", color_in_the_dark: "#f0b072" };

pub(crate) fn routes(app: &mut ServiceConfig) {
    app.route("/", get().to(home))
        .route("/invoices", get().to(invoices))
        .route("/approve", get().to(approve))
        .route("/bank", get().to(bank))
        .route(COLORS_AT, get().to(css))
        .service(pages(Pages::at(PAGES_AT).with_stylesheet(COLORS_AT)))
        .service(web::scope("/desk").wrap(staff_member_required()).route("", get().to(desk)));
}

async fn home(user: Option<User>, csrf: CsrfToken) -> Html {
    let Some(user) = user else {
        let sign_in = r#"<p><a class="button" href="/account/login">Sign in</a></p>"#;
        return page("billing", "", &format!("<h1>Billing</h1>{sign_in}"));
    };
    let text = "What you may not see says so: sign in as the other user, and look again.";
    page("billing", &sign_out(&user, &csrf.input()), &format!("<h1>Billing</h1><p>{text}</p>"))
}

/// For users alone: housekey sends others to the page where they sign in, and from there back.
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
async fn bank(Fresh(user): Fresh<5>, csrf: CsrfToken) -> Html {
    let main = "<h1>Your bank</h1><p>The account from which your invoices are paid.</p>";
    page("Your bank", &sign_out(&user, &csrf.input()), main)
}

async fn css() -> impl Responder {
    HttpResponse::Ok().content_type("text/css").body(colors(&LOOK))
}

fn page(title: &str, who: &str, main: &str) -> Html {
    Html::new(frame().page(title, who, main))
}

fn frame() -> Frame {
    let links =
        [("/invoices", "invoices"), ("/approve", "approve"), ("/desk", "desk"), ("/bank", "bank")];
    let links = links.map(|(url, text)| (url.to_owned(), text)).into();
    Frame { look: &LOOK, links }
}
