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

/// What a browser is told when it is started, beyond the usual.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// Of the command line of Chromium.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) scripts: Scripts,
}

/// Do the scripts of pages run?
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    #[default]
    On,
    Off,
}

/// Something on the page.
pub(crate) struct Element<'a> {
    browser: &'a Browser,
    path: String,
}

impl Browser {
    /// `None` when this machine has no Chromium. The profile is made in the folder.
    pub(crate) fn start(folder: &Path) -> Option<Self> {
        Self::start_with(folder, &Start::default())
    }

    pub(crate) fn start_with(folder: &Path, start: &Start<'_>) -> Option<Self> {
        if !Path::new(CHROMIUM).exists() || !Path::new(DRIVER).exists() {
            return None;
        }
        let (driver, port) = start_driver();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut browser = Self { driver, agent, url: format!("http://127.0.0.1:{port}") };
        browser.wait_until_ready();
        browser.open_session(&folder.join("profile"), start);
        Some(browser)
    }

    pub(crate) fn open(&self, url: &str) {
        self.post("/url", &json!({ "url": url }));
    }

    /// The same, or why no page came of it.
    pub(crate) fn try_open(&self, url: &str) -> Result<(), String> {
        self.try_post("/url", &json!({ "url": url })).map(drop)
    }

    pub(crate) fn reload(&self) {
        self.post("/refresh", &json!({}));
    }

    /// What the visitor's button does.
    pub(crate) fn back(&self) {
        self.post("/back", &json!({}));
    }

    /// Presses a button that sends a form, and waits for the page that comes of it.
    pub(crate) fn press(&self, selector: &str) {
        self.run("document.documentElement.dataset.left = ''", &[]);
        self.find(selector).click();
        self.find("html:not([data-left])");
    }

    /// What stands in the address bar.
    pub(crate) fn url(&self) -> String {
        self.get("/url").as_str().unwrap().to_owned()
    }

    pub(crate) fn source(&self) -> String {
        self.get("/source").as_str().unwrap().to_owned()
    }

    /// What the body of a function in the page returns, which finds these in its `arguments`.
    pub(crate) fn run(&self, script: &str, arguments: &[&str]) -> Value {
        self.post("/execute/sync", &json!({ "script": script, "args": arguments }))
    }

    /// The status of the answer that this page is.
    pub(crate) fn status(&self) -> u64 {
        let script = "return performance.getEntriesByType('navigation')[0].responseStatus";
        self.run(script, &[]).as_u64().unwrap()
    }

    /// The cookies of this page, as the protocol tells them.
    pub(crate) fn cookie(&self, name: &str) -> Option<Value> {
        let cookies = self.get("/cookie");
        cookies.as_array().unwrap().iter().find(|cookie| cookie["name"] == name).cloned()
    }

    /// The first element of that CSS selector, as soon as there is one.
    pub(crate) fn find(&self, selector: &str) -> Element<'_> {
        let wanted = json!({ "using": "css selector", "value": selector });
        let found = self.try_post("/element", &wanted);
        let found = found.unwrap_or_else(|error| panic!("{error} at {}", self.url()));
        let id = found[ELEMENT].as_str().unwrap();
        Element { browser: self, path: format!("/element/{id}") }
    }

    /// How many elements there are of that CSS selector, now.
    pub(crate) fn count(&self, selector: &str) -> u64 {
        let script = "return document.querySelectorAll(arguments[0]).length";
        self.run(script, &[selector]).as_u64().unwrap()
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

    fn open_session(&mut self, profile: &Path, start: &Start<'_>) {
        let profile = format!("--user-data-dir={}", profile.display());
        let usual = [
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
            "--disable-quic",
            "--no-first-run",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-sync",
            &profile,
        ];
        let arguments = [&usual, start.arguments].concat();
        // As the visitor's settings have it: 1 lets them run, 2 does not.
        let scripts = if start.scripts == Scripts::On { 1 } else { 2 };
        let session = self.post(
            "/session",
            &json!({ "capabilities": { "alwaysMatch": {
                "browserName": "chrome",
                // How long to look for an element that is not there yet.
                "timeouts": { "implicit": 10_000 },
                "goog:chromeOptions": {
                    "binary": CHROMIUM,
                    "args": arguments,
                    "prefs": { "profile.managed_default_content_settings.javascript": scripts },
                },
            } } }),
        );
        let id = session["sessionId"].as_str().unwrap();
        self.url = format!("{}/session/{id}", self.url);
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        self.try_post(path, body).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn try_post(&self, path: &str, body: &Value) -> Result<Value, String> {
        value_of(self.agent.post(format!("{}{path}", self.url)).send_json(body).unwrap())
    }

    fn get(&self, path: &str) -> Value {
        let value = value_of(self.agent.get(format!("{}{path}", self.url)).call().unwrap());
        value.unwrap_or_else(|error| panic!("{path}: {error}"))
    }
}

impl Element<'_> {
    pub(crate) fn click(&self) {
        self.browser.post(&format!("{}/click", self.path), &json!({}));
    }

    pub(crate) fn type_in(&self, text: &str) {
        self.browser.post(&format!("{}/value", self.path), &json!({ "text": text }));
    }

    pub(crate) fn attribute(&self, name: &str) -> String {
        let value = self.browser.get(&format!("{}/attribute/{name}", self.path));
        value.as_str().unwrap().to_owned()
    }

    /// As a visitor reads it.
    pub(crate) fn text(&self) -> String {
        let text = self.browser.get(&format!("{}/text", self.path));
        text.as_str().unwrap().to_owned()
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

/// chromedriver picks a port that is free and names it at the end of a line, or ends when somebody takes it at the
/// same moment.
fn start_driver() -> (Child, u16) {
    for _ in 0..9 {
        let mut driver = Command::new(DRIVER)
            .arg("--port=0")
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let lines = BufReader::new(driver.stdout.as_mut().unwrap()).lines();
        let port = lines.map_while(Result::ok).find_map(|line| {
            line.split_once("successfully on port ")?.1.trim_end_matches('.').parse().ok()
        });
        if let Some(port) = port {
            return (driver, port);
        }
        driver.wait().unwrap();
    }
    panic!("chromedriver finds no port");
}

fn value_of(mut answer: http::Response<ureq::Body>) -> Result<Value, String> {
    let status = answer.status();
    let mut body: Value = answer.body_mut().read_json().unwrap();
    if status.is_success() {
        Ok(body["value"].take())
    } else {
        Err(body["value"]["message"].to_string())
    }
}
