//! A headless Chromium, driven through chromedriver by the `WebDriver` protocol: JSON over HTTP.

mod emulation;
mod keyboard;
mod page;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::turns::{Kind, Turn};

pub(crate) use emulation::Colors;
pub(crate) use keyboard::Key;

const CHROMIUM: &str = "/usr/bin/chromium";
const DRIVER: &str = "/usr/bin/chromedriver";
const PATIENCE: Duration = Duration::from_secs(30);

/// A browser with a profile of its own; it is gone when the value is dropped.
pub(crate) struct Browser {
    driver: Child,
    agent: ureq::Agent,
    /// Of the driver, and of the session as soon as there is one.
    url: String,
    _turn: Turn,
}

/// What a browser is told when it is started, beyond the usual.
#[derive(Default)]
pub(crate) struct Start<'a> {
    /// Of the command line of Chromium.
    pub(crate) arguments: &'a [&'a str],
    pub(crate) scripts: Scripts,
    /// What the visitor reads, the best first: "de,en".
    pub(crate) languages: Option<&'a str>,
}

/// A browser whose visitor lets no scripts run.
pub(crate) const NO_SCRIPTS: Start<'_> =
    Start { arguments: &[], scripts: Scripts::Off, languages: None };

/// Do the scripts of pages run?
#[derive(Default, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Scripts {
    #[default]
    On,
    Off,
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
        let turn = Turn::of(Kind::Loud);
        let (driver, port) = start_driver();
        let agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(PATIENCE))
            .build()
            .into();
        let mut browser =
            Self { driver, agent, url: format!("http://127.0.0.1:{port}"), _turn: turn };
        browser.wait_until_ready();
        browser.open_session(&folder.join("profile"), start);
        Some(browser)
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
        let languages = start.languages.map(|languages| format!("--accept-lang={languages}"));
        let wanted = languages.as_deref().into_iter().chain(start.arguments.iter().copied());
        let arguments: Vec<_> = usual.into_iter().chain(wanted).collect();
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

    /// A command of Chromium's own protocol, for what `WebDriver` has no word for.
    fn command(&self, command: &str, parameters: &Value) -> Value {
        self.post("/goog/cdp/execute", &json!({ "cmd": command, "params": parameters }))
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
