//! Small apps of a house on real sockets, the same on axum and on actix-web, for browsers to visit.

mod actix;
mod axum;
mod html;

use std::net::TcpListener;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex};

use housekey::pages::Pages;

use super::browser::Browser;
use super::log::Lines;
use super::{House, PASSWORD};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Framework {
    Axum,
    Actix,
}

/// A port that is taken, so that other apps can be told of it before anything is served there.
pub(crate) struct Door {
    listener: TcpListener,
    pub(crate) port: u16,
}

/// A running app; it runs until the test process ends.
pub(crate) struct Site {
    pub(crate) port: u16,
    inside: Inside,
}

/// What browsers are told of the pages, where it is not what housekey tells them by default.
#[derive(Clone, Copy, Default)]
pub(crate) struct Policies {
    pub(crate) csp: Option<&'static str>,
    pub(crate) referrer: Option<&'static str>,
}

/// What the handlers share, and a test may look at.
#[derive(Clone, Default)]
struct Inside {
    changes: Arc<AtomicU32>,
    answers: Arc<Mutex<Vec<Answered>>>,
    said: Lines,
}

/// Method, path and query, and status.
pub(crate) type Answered = (String, String, u16);

impl Door {
    pub(crate) fn open() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { listener, port }
    }

    /// Serves pages with the policies that housekey has by default.
    pub(crate) fn serve(self, framework: Framework, house: &House) -> Site {
        self.serve_with(framework, house, Policies::default())
    }

    pub(crate) fn serve_with(
        self,
        framework: Framework,
        house: &House,
        policies: Policies,
    ) -> Site {
        let site = Site { port: self.port, inside: Inside::default() };
        let (house, inside) = (house.clone(), site.inside.clone());
        let end = super::server::end_of_test();
        std::thread::spawn(move || match framework {
            Framework::Axum => axum::serve(self.listener, &house, policies, inside, end),
            Framework::Actix => actix::serve(self.listener, &house, policies, inside, end),
        });
        site
    }
}

impl Site {
    /// At the loopback.
    pub(crate) fn url(&self, path: &str) -> String {
        self.url_at("127.0.0.1", path)
    }

    pub(crate) fn url_at(&self, host: &str, path: &str) -> String {
        format!("http://{host}:{}{path}", self.port)
    }

    /// How often a form has changed something.
    pub(crate) fn changes(&self) -> u32 {
        self.inside.changes.load(Ordering::SeqCst)
    }

    /// How the requests at that path that change something were answered, and which they are no more later.
    pub(crate) fn posts(&self, path: &str) -> Vec<u16> {
        let mut answers = self.inside.answers.lock().unwrap();
        let all = std::mem::take(&mut *answers).into_iter();
        let posts = all.filter(|(method, at, _)| method == "POST" && at == path);
        posts.map(|(_, _, status)| status).collect()
    }

    /// What housekey has said to the log of this app.
    pub(crate) fn warnings(&self) -> Vec<String> {
        let lines = self.inside.said.lock().unwrap();
        lines.iter().filter(|line| line.starts_with("WARN")).cloned().collect()
    }
}

/// Below which path the sites have the pages of housekey.
pub(crate) const ACCOUNT: &str = "/account";

/// With the script of `html::TRIAL`, for a login may end at one of them.
fn ready_made() -> Pages {
    let pages = Pages::at(ACCOUNT).with_home("/welcome");
    pages.with_template(|page| Some(page.to_html() + r#"<script src="/trial.js"></script>"#))
}

/// Fills in the form of the login page that is open, and sends it.
pub(crate) fn fill_in(browser: &Browser, name: &str) {
    browser.find("main [name=username]").type_in(name);
    browser.find("main [name=password]").type_in(PASSWORD);
    browser.press("main button");
}

/// Signs in at the login page of this address.
pub(crate) fn sign_in(browser: &Browser, login_page: &str, name: &str) {
    browser.open(login_page);
    fill_in(browser, name);
}

/// Who the page that is open takes the visitor for.
pub(crate) fn who(browser: &Browser) -> String {
    browser.find("#who").text()
}

/// What the ready-made page that is open says of what was done.
pub(crate) fn message(browser: &Browser) -> String {
    browser.find("#message").text()
}
