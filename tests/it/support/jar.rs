//! A client that keeps its cookies and sends them to every server, as a browser does for one domain.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use super::server::{Answer, send};

#[derive(Clone, Default)]
pub(crate) struct Jar {
    cookies: BTreeMap<String, String>,
}

impl Jar {
    pub(crate) fn get(&mut self, server: SocketAddr, path: &str) -> Answer {
        self.send("GET", server, path, &[], "")
    }

    /// Sends a form.
    pub(crate) fn post(&mut self, server: SocketAddr, path: &str, form: &str) -> Answer {
        let kind = ("content-type", "application/x-www-form-urlencoded");
        self.send("POST", server, path, &[kind], form)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.cookies.is_empty()
    }

    fn send(
        &mut self,
        method: &str,
        server: SocketAddr,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        let cookies: Vec<String> =
            self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let cookies = cookies.join("; ");
        let mut headers = headers.to_vec();
        if !cookies.is_empty() {
            headers.push(("cookie", &cookies));
        }
        let answer = send(method, server, path, &headers, body);
        for line in answer.set_cookies() {
            let (cookie, attributes) = line.split_once(';').unwrap_or((line, ""));
            let (name, value) = cookie.split_once('=').unwrap();
            if attributes.split(';').any(|attribute| attribute.trim() == "Max-Age=0") {
                self.cookies.remove(name);
            } else {
                self.cookies.insert(name.to_owned(), value.to_owned());
            }
        }
        answer
    }
}
