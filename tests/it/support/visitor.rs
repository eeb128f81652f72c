//! A visitor of the examples, over HTTP.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::time::Duration;

/// A browser without a window: it keeps cookies, sends forms with their token, and follows nothing.
#[derive(Clone, Default)]
pub(crate) struct Visitor {
    jar: RefCell<BTreeMap<String, String>>,
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) body: String,
}

impl Answer {
    pub(crate) fn is_anonymous(&self) -> bool {
        self.status == 200 && self.body.contains("href=\"/account/login\"")
    }

    pub(crate) fn csrf_token(&self) -> String {
        let field = r#"name="csrfmiddlewaretoken" value=""#;
        self.body.split_once(field).unwrap().1.split('"').next().unwrap().to_owned()
    }

    pub(crate) fn is_signed_in_as(&self, name: &str) -> bool {
        self.status == 200 && self.body.contains(&format!("Signed in as <strong>{name}</strong>"))
    }
}

impl Visitor {
    pub(crate) fn cookie(&self) -> Option<String> {
        self.jar.borrow().get("sessionid").cloned()
    }

    fn cookies(&self) -> String {
        let jar = self.jar.borrow();
        let pairs: Vec<_> = jar.iter().map(|(name, value)| format!("{name}={value}")).collect();
        pairs.join("; ")
    }

    pub(crate) fn get(&self, url: &str) -> Answer {
        self.read(agent().get(url).header("Cookie", self.cookies()).call().unwrap())
    }

    pub(crate) fn sign_in(&self, app: &str, username: &str, password: &str) -> Answer {
        self.post(app, "account/login", &[("username", username), ("password", password)])
    }

    pub(crate) fn post(&self, app: &str, path: &str, form: &[(&str, &str)]) -> Answer {
        self.post_with(("Accept", "text/html"), app, path, form)
    }

    pub(crate) fn post_with(
        &self,
        header: (&str, &str),
        app: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        // Every page with a form has a token in it.
        let page = self.get(&format!("{app}account/login"));
        let token = if page.status == 200 { page } else { self.get(app) }.csrf_token();
        self.send(header, app, path, &[form, &[("csrfmiddlewaretoken", &token)]].concat())
    }

    pub(crate) fn send(
        &self,
        header: (&str, &str),
        app: &str,
        path: &str,
        form: &[(&str, &str)],
    ) -> Answer {
        let request = agent().post(format!("{app}{path}")).header(header.0, header.1);
        let request = request.header("Cookie", self.cookies());
        self.read(request.send_form(form.iter().copied()).unwrap())
    }

    fn read(&self, mut response: http::Response<ureq::Body>) -> Answer {
        for line in response.headers().get_all("set-cookie") {
            let line = line.to_str().unwrap();
            let (name, value) = line.split(';').next().unwrap().split_once('=').unwrap();
            let mut jar = self.jar.borrow_mut();
            if line.contains("Max-Age=0") {
                jar.remove(name);
            } else {
                jar.insert(name.to_owned(), value.to_owned());
            }
        }
        let header = |name| response.headers().get(name).map(|value| value.to_str().unwrap());
        Answer {
            status: response.status().as_u16(),
            location: header("location").unwrap_or_default().to_owned(),
            body: response.body_mut().read_to_string().unwrap(),
        }
    }
}

fn agent() -> ureq::Agent {
    ureq::Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .timeout_global(Some(Duration::from_secs(30)))
        .build()
        .into()
}
