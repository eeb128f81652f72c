//! `tests/django/club`: a Django app that has users of its own, and what it is after it has joined a house.

use std::process::{Command, Output};

use super::apps::App;
use super::django::Version;
use super::{KEY, PASSWORD, database};

/// The club at one database. In the house of no one, unless [`joined`](Self::joined) says so.
#[derive(Debug, Clone)]
pub(crate) struct Club {
    version: Version,
    url: String,
    settings: Vec<(String, String)>,
}

impl Club {
    /// With what is in that database; `None` when this Django is not here.
    pub(crate) fn at(url: &str, version: Version) -> Option<Self> {
        version.command("club")?;
        Some(Self { version, url: url.to_owned(), settings: Vec::new() })
    }

    /// With its tables made and filled there, as the arguments of `manage fill` say (`--users 100`, ..): everybody has
    /// [`PASSWORD`], `user00001` is a superuser. `None` when this Django is not here.
    pub(crate) fn fill(url: &str, version: Version, arguments: &[&str]) -> Option<Self> {
        let club = Self::at(url, version)?;
        club.manage(&[&["fill"], arguments].concat());
        Some(club)
    }

    /// The same app with another setting of the environment; the last word counts.
    pub(crate) fn with(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }

    /// The same app as one of a house, with its own tables where they are.
    pub(crate) fn joined(self, shared_url: &str) -> Self {
        self.with("SHARED_DATABASE_URL", shared_url)
    }

    /// Serves, in databases that have been migrated.
    pub(crate) fn start(&self) -> App {
        App::run("django_club", &mut self.command(), "club")
    }

    /// Migrates, and serves.
    pub(crate) fn migrate_and_start(&self) -> App {
        App::run("django_club", self.command().arg("--migrate"), "club")
    }

    /// What `manage.py` answers to a command that must not fail.
    #[track_caller]
    pub(crate) fn manage(&self, arguments: &[&str]) -> String {
        let output = self.try_manage(arguments);
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    }

    pub(crate) fn try_manage(&self, arguments: &[&str]) -> Output {
        self.command().arg("manage").args(arguments).output().unwrap()
    }

    fn command(&self) -> Command {
        let mut command = self.version.command("club").unwrap();
        command
            .env_remove("SHARED_DATABASE_URL")
            .env("DATABASE_URL", &self.url)
            .env("SECRET_KEY", KEY)
            .env("APP_NAME", "club")
            .env("PASSWORD_ITERATIONS", "10")
            .env("FILL_PASSWORD", PASSWORD)
            .env("LISTEN", "127.0.0.1:0")
            .envs(self.settings.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// Where rows say in words whose they are: the words for a user `u`, and the rows `r` that have the id of `u`.
const WORDS: [(&str, &str, &str); 9] = [
    ("club_profile.user_id", "r.city = 'city of ' || u.username", "r.user_id = u.id"),
    ("club_seat.user_id", "r.label = 'seat of ' || u.username", "r.user_id = u.id"),
    (
        "club_article.author_id",
        "r.title <> replace(r.title, ' by ' || u.username || ',', '')",
        "r.author_id = u.id",
    ),
    (
        "club_article.editor_id",
        "r.title || '.' <> replace(r.title || '.', ', ' || u.username || '.', '')",
        "r.editor_id = u.id",
    ),
    ("club_comment.author_id", "r.text = 'by ' || u.username", "r.author_id = u.id"),
    ("club_vote.user_id", "r.label = 'of ' || u.username", "r.user_id = u.id"),
    ("reading_log.reader_id", "r.label = 'by ' || u.username", "r.reader_id = u.id"),
    (
        "club_stamp.object_id",
        "r.label = 'on User ' || u.username",
        "r.object_id = u.id AND r.content_type_id = (SELECT id FROM django_content_type \
         WHERE app_label = 'auth' AND model = 'user')",
    ),
    (
        "django_admin_log.object_id",
        "r.object_repr = u.username",
        "r.object_id = CAST(u.id AS varchar(20)) AND r.content_type_id = (SELECT id \
         FROM django_content_type WHERE app_label = 'auth' AND model = 'user')",
    ),
];

/// Rows whose id names a user, by their column: how many say the same in words, and how many name somebody else. The
/// users are those of the same database.
pub(crate) fn whose(url: &str) -> Vec<(&'static str, i64, i64)> {
    let count = |(column, words, id): (&'static str, &str, &str)| {
        let table = column.split('.').next().unwrap();
        let rows = format!("SELECT count(*) FROM auth_user u JOIN {table} r ON {id} WHERE {words}");
        let right = database::count(url, &rows);
        let wrong = database::count(url, &rows.replace("WHERE", "WHERE NOT"));
        (column, right, wrong)
    };
    WORDS.map(count).into()
}
