//! A front door that is open, and a browser in front of it.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Child, ChildStdout, Command, Stdio};

use super::support::{Home, KEY};

pub(crate) struct Front {
    child: Child,
    out: BufReader<ChildStdout>,
    /// What it says when it listens.
    pub(crate) line: String,
}

/// What is left of it.
pub(crate) struct Ended {
    pub(crate) code: Option<i32>,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Front {
    /// It listens when this comes back.
    #[track_caller]
    pub(crate) fn open(home: &Home, settings: &[(&str, &str)], arguments: &[&str]) -> Self {
        let mut command = Command::new(env!("CARGO_BIN_EXE_housekey"));
        command.arg("serve").args(arguments).current_dir(&home.0).env_clear();
        command.env("SHARED_DATABASE_URL", "sqlite:house.db").env("PASSWORD_ITERATIONS", "10");
        command.env("SECRET_KEY", KEY).env("LISTEN", "127.0.0.1:0").envs(settings.iter().copied());
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let mut out = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        out.read_line(&mut line).unwrap();
        let front = Self { child, out, line };
        assert!(!front.line.is_empty(), "it does not listen: {}", front.end().err);
        front
    }

    /// `127.0.0.1:4711`
    pub(crate) fn host(&self) -> &str {
        self.line.trim_end().split_once("http://").unwrap().1
    }

    pub(crate) fn signal(&self, signal: &str) {
        let kill = format!("kill -{signal} {}", self.child.id());
        assert!(Command::new("sh").args(["-c", &kill]).status().unwrap().success());
    }

    pub(crate) fn stop(self) -> Ended {
        self.signal("TERM");
        self.end()
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        let (mut out, mut err) = (String::new(), String::new());
        self.out.read_to_string(&mut out).unwrap();
        self.child.stderr.take().unwrap().read_to_string(&mut err).unwrap();
        Ended { code: self.child.wait().unwrap().code(), out, err }
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Keeps cookies, and says where its forms come from.
pub(crate) struct Browser {
    agent: ureq::Agent,
    origin: String,
    cookies: BTreeMap<String, String>,
}

pub(crate) struct Page {
    pub(crate) status: u16,
    pub(crate) location: String,
    pub(crate) html: String,
}

impl Browser {
    pub(crate) fn at(host: &str) -> Self {
        let agent = ureq::Agent::config_builder().max_redirects(0).http_status_as_error(false);
        Self {
            agent: agent.build().new_agent(),
            origin: format!("http://{host}"),
            cookies: BTreeMap::new(),
        }
    }

    pub(crate) fn get(&mut self, path: &str) -> Page {
        let asked =
            self.agent.get(format!("{}{path}", self.origin)).header("Cookie", self.header());
        let response = asked.call().unwrap();
        self.read(response)
    }

    pub(crate) fn post(&mut self, path: &str, form: &[(&str, &str)]) -> Page {
        let asked = self.agent.post(format!("{}{path}", self.origin));
        let asked = asked.header("Cookie", self.header()).header("Origin", &self.origin);
        let response = asked.send_form(form.iter().copied()).unwrap();
        self.read(response)
    }

    pub(crate) fn header(&self) -> String {
        let pairs = self.cookies.iter().map(|(name, value)| format!("{name}={value}"));
        pairs.collect::<Vec<_>>().join("; ")
    }

    fn read(&mut self, mut response: ureq::http::Response<ureq::Body>) -> Page {
        for cookie in response.headers().get_all("set-cookie") {
            let pair = cookie.to_str().unwrap().split(';').next().unwrap();
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        let location = response.headers().get("location");
        Page {
            status: response.status().as_u16(),
            location: location.map_or("", |location| location.to_str().unwrap()).to_owned(),
            html: response.body_mut().read_to_string().unwrap(),
        }
    }
}

impl Page {
    /// The token of its forms.
    pub(crate) fn token(&self) -> &str {
        let input = self.html.split("name=\"csrfmiddlewaretoken\" value=\"").nth(1).unwrap();
        input.split('"').next().unwrap()
    }
}
