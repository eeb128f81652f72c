//! A headless Chromium, driven through chromedriver by the `WebDriver` protocol: JSON over HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

const CHROMIUM: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
/// The name under which the protocol hands out elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with a profile of its own; it is gone when the value is dropped.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// Of the driver, and of the session as soon as there is one.
    url: String,
}

/// Something on the page.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    path: String,
}

impl Browser {
    /// `None` when this machine has no Chromium. The profile is made in the folder.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        if !Path::new(CHROMIUM).exists() || !Path::new(DRIVER).exists() {
            return None;
        }
        let driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut browser = Self { driver, agent, url: String::new() };
        browser.url = format!("http://127.0.0.1:{}", port_of(&mut browser.driver));
        browser.wait_until_ready();
        browser.open_session(&folder.join("profile"));
        Some(browser)
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// The first element of that CSS selector, as soon as there is one.
    pub(crate) fn find(&self, selector: &str) -> Element<'_> {
        let found = self.post("/element", &json!({ "using": "css selector", "value": selector }));
        let id = found[ELEMENT].as_str().unwrap();
        Element { browser: self, path: format!("/element/{id}") }
    }

    /// How many elements there are of that CSS selector, now.
    pub(crate) fn count(&self, selector: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.post("/execute/sync", &json!({ "script": script, "args": [selector] }))
            .as_u64()
            .unwrap()
    }

    fn wait_until_ready(&self) {
        let end = Instant::now() + PATIENCE;
        loop {
            let status = self.agent.get(format!("{}/status", self.url)).call();
            if let Ok(mut status) = status
                && status.body_mut().read_json::<Value>().unwrap()["value"]["ready"] == true
            {
                return;
            }
            assert!(Instant::now() < end, "chromedriver does not get ready");
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn open_session(&mut self, profile: &Path) {
        let session = self.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                // How long to look for an element that is not there yet.
                "timeouts": { "implicit": 10_000 },
                "goog:chromeOptions": { "binary": CHROMIUM, "args": [
                    "--headless=new",
                    "--no-sandbox",
                    "--disable-gpu",
                    "--disable-dev-shm-usage",
                    "--disable-quic",
                    "--no-first-run",
                    "--disable-background-networking",
                    "--disable-component-update",
                    "--disable-sync",
                    format!("--user-data-dir={}", profile.display()),
                ] },
            } } }),
        );
        let id = session["sessionId"].as_str().unwrap();
        self.url = format!("{}/session/{id}", self.url);
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let answer = self.agent.post(format!("{}{path}", self.url)).send_json(body);
        value_of(path, answer.unwrap())
    }
}

impl Element<'_> {
    pub(crate) fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), &json!({}));
    }

    pub(crate) fn type_in(&self, text: &str) {
        self.browser.post(&format!("{}/value", self.path), &json!({ "text": text }));
    }

    /// As a visitor reads it.
    pub(crate) fn text(&self) -> String {
        let url = format!("{}{}/text", self.browser.url, self.path);
        let answer = self.browser.agent.get(url).call().unwrap();
        value_of("text", answer).as_str().unwrap().to_owned()
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // Chromium is the driver's child: the end of the session ends it.
        let _ = self.agent.delete(&self.url).call();
        let _ = self.driver.kill();
        let _ = self.driver.wait();
    }
}

/// chromedriver picks a free port and names it at the end of a line.
fn port_of(driver: &mut Child) -> u16 {
    let lines = BufReader::new(driver.stdout.as_mut().unwrap()).lines();
    let port = lines.map_while(Result::ok).find_map(|line| {
        line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
    });
    port.expect("chromedriver names its port")
}

fn value_of(path: &str, mut answer: http::Response<ureq::Body>) -> Value {
    let status = answer.status();
    let mut body: Value = answer.body_mut().read_json().unwrap();
    assert!(status.is_success(), "{path}: {}", body["value"]["message"]);
    body["value"].take()
}
