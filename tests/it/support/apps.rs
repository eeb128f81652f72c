//! Running apps of a house, in Rust (`examples/house_app`) and in Django (`tests/django/site`), and
//! visitors who drive them over HTTP. Both serve the same paths and the same answers.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Output, Stdio};

use chrono::DateTime;
use serde_json::{Value, json};
use ureq::http::{Request, Response};

use super::django::Version;
use super::{Home, KEY, PASSWORD, example};

pub(crate) const JSON: &str = "application/json";
pub(crate) const FORM: &str = "application/x-www-form-urlencoded";
pub(crate) const SESSION: &str = "sessionid";
pub(crate) const CSRF: &str = "csrftoken";

/// What an app is told beyond what all apps of the tests are told; the last word counts.
pub(crate) type Settings<'a> = &'a [(&'a str, &'a str)];

/// A running app; it is killed when the value is dropped.
pub(crate) struct App {
    pub(crate) child: Child,
    pub(crate) address: String,
    pub(crate) name: String,
}

impl App {
    pub(crate) fn start(home: &Home, name: &str) -> Self {
        Self::start_with(home, name, &[])
    }

    pub(crate) fn start_with(home: &Home, name: &str, settings: Settings<'_>) -> Self {
        let mut command = Command::new(example("house_app"));
        let command = configure(command.env_clear(), home, name, settings);
        Self::run("house_app", command, name)
    }

    /// With what it says on standard error in a file.
    pub(crate) fn start_with_log(home: &Home, name: &str, log: std::fs::File) -> Self {
        let mut command = Command::new(example("house_app"));
        let command = configure(command.env_clear().stderr(log), home, name, &[]);
        Self::run("house_app", command, name)
    }

    /// `None` when this Django is not here. It makes its tables, and the permissions of its notes.
    pub(crate) fn django(home: &Home, name: &str, version: Version) -> Option<Self> {
        Self::django_with(home, name, version, &[])
    }

    pub(crate) fn django_with(
        home: &Home,
        name: &str,
        version: Version,
        settings: Settings<'_>,
    ) -> Option<Self> {
        let mut command = version.command("site")?;
        let command = configure(command.arg("--migrate"), home, name, settings);
        Some(Self::run("django_app", command, name))
    }

    /// In databases that have been migrated: its role need not be able to.
    pub(crate) fn migrated_django(
        home: &Home,
        name: &str,
        version: Version,
        settings: Settings<'_>,
    ) -> Option<Self> {
        let mut command = version.command("site")?;
        let command = configure(&mut command, home, name, settings);
        Some(Self::run("django_app", command, name))
    }

    /// Waits for the line in which the program tells its address.
    pub(crate) fn run(program: &str, command: &mut Command, name: &str) -> Self {
        let child = command.stdout(Stdio::piped()).spawn().unwrap();
        let mut app = Self { child, address: String::new(), name: name.to_owned() };
        let mut line = String::new();
        BufReader::new(app.child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let start = format!("{program} `{name}` serves http://");
        let address = line.strip_prefix(&start).unwrap_or_else(|| panic!("{name} said {line:?}"));
        app.address = address.trim_end_matches("/\n").to_owned();
        app
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A Rust app, `rust`, and the Django apps that can be had, on one shared database.
pub(crate) struct Neighbours {
    pub(crate) rust: App,
    pub(crate) djangos: Vec<App>,
}

impl Neighbours {
    pub(crate) fn start(home: &Home, versions: &[Version]) -> Self {
        Self::start_with(home, versions, &[])
    }

    pub(crate) fn start_with(home: &Home, versions: &[Version], settings: Settings<'_>) -> Self {
        let django = |v: &Version| App::django_with(home, &format!("{v:?}"), *v, settings);
        let djangos = versions.iter().filter_map(django).collect();
        Self { rust: App::start_with(home, "rust", settings), djangos }
    }

    /// From Rust to each Django, and from each Django to Rust.
    pub(crate) fn both_ways(&self) -> impl Iterator<Item = (&App, &App)> {
        self.djangos.iter().flat_map(|django| [(&self.rust, django), (django, &self.rust)])
    }
}

fn configure<'c>(
    command: &'c mut Command,
    home: &Home,
    name: &str,
    settings: Settings<'_>,
) -> &'c mut Command {
    command
        .env("SHARED_DATABASE_URL", home.shared_url())
        .env("DATABASE_URL", home.local_url(name))
        .env("SECRET_KEY", KEY)
        .env("APP_NAME", name)
        .env("PASSWORD_ITERATIONS", "10")
        .env("LISTEN", "127.0.0.1:0")
        .envs(settings.iter().copied())
}

/// `manage.py` of the Django project, with the settings of the app of that name.
pub(crate) fn manage(
    home: &Home,
    name: &str,
    version: Version,
    settings: Settings<'_>,
    arguments: &[&str],
) -> Option<Output> {
    let mut command = version.command("site")?;
    let command = configure(command.arg("manage").args(arguments), home, name, settings);
    Some(command.output().unwrap())
}

/// A superuser with [`PASSWORD`], made as Django's admins make one.
pub(crate) fn create_superuser(home: &Home, version: Version, name: &str) {
    let settings = [("DJANGO_SUPERUSER_PASSWORD", PASSWORD)];
    let email = format!("{name}@example.org");
    let arguments = [
        "createsuperuser",
        "--noinput",
        "--database=shared",
        "--username",
        name,
        "--email",
        &email,
    ];
    let Some(output) = manage(home, "setup", version, &settings, &arguments) else { return };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

/// A visitor with one jar for the cookies of all apps, as browsers have for one host.
#[derive(Clone)]
pub(crate) struct Browser {
    agent: ureq::Agent,
    pub(crate) jar: BTreeMap<String, String>,
}

/// One request; the headers come on top of what browsers send.
pub(crate) struct Sending<'a> {
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) headers: &'a [(&'a str, &'a str)],
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        let config = ureq::Agent::config_builder().http_status_as_error(false);
        let config = config.max_redirects(0).proxy(None).build();
        Self { agent: config.new_agent(), jar: BTreeMap::new() }
    }

    /// Another browser with the same cookies: what a thief has.
    pub(crate) fn thief(&self) -> Self {
        Self { jar: self.jar.clone(), ..Self::new() }
    }

    pub(crate) fn session(&self) -> Option<String> {
        self.jar.get(SESSION).cloned()
    }

    pub(crate) fn set_session(&mut self, value: Option<String>) {
        self.jar.remove(SESSION);
        self.jar.extend(value.map(|value| (SESSION.to_owned(), value)));
    }

    pub(crate) fn get(&mut self, app: &App, path: &str) -> Answer {
        self.exchange(app, Sending { method: "GET", path, headers: &[], body: String::new() })
    }

    pub(crate) fn post(&mut self, app: &App, path: &str, body: impl Into<String>) -> Answer {
        self.send(app, "POST", path, JSON, body.into())
    }

    /// A request as the script of a page sends it: with the token that the cookie holds.
    pub(crate) fn send(
        &mut self,
        app: &App,
        method: &str,
        path: &str,
        kind: &str,
        body: String,
    ) -> Answer {
        let token = self.csrf_token(app).unwrap_or_default();
        let all = [("Content-Type", kind), ("X-CSRFToken", token.as_str())];
        let headers = if token.is_empty() { &all[..1] } else { &all };
        self.exchange(app, Sending { method, path, headers, body })
    }

    /// The secret of the cookie, from the page of the login when there is none yet; `None` at an app
    /// that does not guard its forms.
    pub(crate) fn csrf_token(&mut self, app: &App) -> Option<String> {
        if !self.jar.contains_key(CSRF) {
            self.get(app, "/login");
        }
        self.jar.get(CSRF).cloned()
    }

    /// A request with the cookies of the jar and these headers alone.
    pub(crate) fn exchange(&mut self, app: &App, sending: Sending<'_>) -> Answer {
        let uri = format!("http://{}{}", app.address, sending.path);
        let mut request = Request::builder().method(sending.method).uri(uri);
        for (name, value) in sending.headers {
            request = request.header(*name, *value);
        }
        if !self.jar.is_empty() {
            let pairs: Vec<_> = self.jar.iter().map(|(n, v)| format!("{n}={v}")).collect();
            request = request.header("Cookie", pairs.join("; "));
        }
        let response = self.agent.run(request.body(sending.body).unwrap());
        let response = response.unwrap_or_else(|error| panic!("{}: {error}", app.name));
        let (parts, mut body) = response.into_parts();
        let text = body.read_to_string().unwrap();
        let answer = Answer { head: Response::from_parts(parts, ()), text };
        for cookie in answer.cookies() {
            if cookie.is_gone() {
                self.jar.remove(cookie.name());
            } else {
                self.jar.insert(cookie.name().to_owned(), cookie.value().to_owned());
            }
        }
        answer
    }

    pub(crate) fn sign_in(&mut self, app: &App, name: &str) -> Answer {
        let answer = self.try_password(app, name, PASSWORD);
        assert_eq!(answer.status(), 200, "{}", answer.text);
        answer
    }

    pub(crate) fn try_password(&mut self, app: &App, name: &str, password: &str) -> Answer {
        let body = json!({"username": name, "password": password});
        self.post(app, "/login", body.to_string())
    }

    #[track_caller]
    pub(crate) fn whoami(&mut self, app: &App) -> Value {
        self.get(app, "/whoami").json()
    }

    /// The name that the app knows the visitor by; empty for strangers.
    #[track_caller]
    pub(crate) fn name_at(&mut self, app: &App) -> String {
        self.whoami(app)["username"].as_str().unwrap().to_owned()
    }
}

pub(crate) struct Answer {
    head: Response<()>,
    pub(crate) text: String,
}

/// One `Set-Cookie` of an answer.
#[derive(Clone, Copy)]
pub(crate) struct SetCookie<'a>(pub(crate) &'a str);

impl Answer {
    pub(crate) fn status(&self) -> u16 {
        self.head.status().as_u16()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.headers().get(name).map(|value| value.to_str().unwrap())
    }

    pub(crate) fn cookies(&self) -> impl Iterator<Item = SetCookie<'_>> {
        let all = self.head.headers().get_all("set-cookie").iter();
        all.map(|value| SetCookie(value.to_str().unwrap().trim()))
    }

    pub(crate) fn cookie(&self, name: &str) -> Option<SetCookie<'_>> {
        self.cookies().find(|cookie| cookie.name() == name)
    }

    /// What the answer does to the session cookie.
    pub(crate) fn session_cookie(&self) -> Option<SetCookie<'_>> {
        self.cookie(SESSION)
    }

    /// The `Max-Age` that the answer gives to the session cookie.
    #[track_caller]
    pub(crate) fn max_age(&self) -> Option<i64> {
        self.session_cookie().unwrap().max_age()
    }

    /// Seconds from the server's `Date` to the session cookie's `Expires`.
    #[track_caller]
    pub(crate) fn lives_for(&self) -> i64 {
        let time = |text: &str| DateTime::parse_from_rfc2822(text).unwrap().timestamp();
        let expires = self.session_cookie().unwrap().attribute("Expires").unwrap();
        time(expires) - time(self.header("date").unwrap())
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.header("content-type"), Some(JSON), "{}", self.text);
        serde_json::from_str(&self.text).unwrap()
    }
}

impl<'a> SetCookie<'a> {
    fn pair(self) -> (&'a str, &'a str) {
        self.0.split(';').next().unwrap().split_once('=').unwrap()
    }

    pub(crate) fn name(self) -> &'a str {
        self.pair().0
    }

    pub(crate) fn value(self) -> &'a str {
        self.pair().1.trim_matches('"')
    }

    pub(crate) fn has(self, attribute: &str) -> bool {
        self.0.split("; ").skip(1).any(|part| part == attribute)
    }

    pub(crate) fn attribute(self, name: &str) -> Option<&'a str> {
        let mut pairs = self.0.split("; ").skip(1).filter_map(|part| part.split_once('='));
        pairs.find(|pair| pair.0.eq_ignore_ascii_case(name)).map(|pair| pair.1)
    }

    pub(crate) fn max_age(self) -> Option<i64> {
        Some(self.attribute("Max-Age")?.parse().unwrap())
    }

    fn is_gone(self) -> bool {
        self.value().is_empty() || self.max_age().is_some_and(|age| age <= 0)
    }
}
