//! Houses to test in: a folder of SQLite files, or a database of its own on the PostgreSQL server that
//! `HOUSEKEY_TEST_POSTGRES` names (`scripts/test` starts one).

pub(crate) mod adoption;
pub(crate) mod apps;
pub(crate) mod axe;
pub(crate) mod browser;
pub(crate) mod cases;
pub(crate) mod club;
pub(crate) mod database;
pub(crate) mod desk;
pub(crate) mod dice;
pub(crate) mod django;
pub(crate) mod document;
pub(crate) mod fronts;
pub(crate) mod hostile_next;
pub(crate) mod jar;
pub(crate) mod log;
pub(crate) mod pooler;
pub(crate) mod program;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod server;
pub(crate) mod sheets;
pub(crate) mod sign_in_script;
pub(crate) mod sites;
pub(crate) mod staleness;
pub(crate) mod standby;
pub(crate) mod transfers;
pub(crate) mod trap;
pub(crate) mod turns;
pub(crate) mod visitor;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::SystemTime;

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::{PgConnection, SqliteConnection};
use housekey::{Config, Finding, Housekey, Role, SecretKey};

pub(crate) type House = Housekey<SqliteConnection>;

/// A key that is fit for a house, and known to be only a test's.
pub(crate) const KEY: &str = "tests-only-0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF";
pub(crate) const OTHER_KEY: &str = "tests-only-the-other-key-9876543210-zyxwvutsrqponmlkji";

/// A house of its own for one test; it is gone when the value is dropped.
pub(crate) struct Home {
    folder: PathBuf,
    postgres: Option<Postgres>,
}

struct Postgres {
    admin: String,
    name: String,
    others: Mutex<Vec<String>>,
}

impl Postgres {
    fn url(&self, database: &str) -> String {
        format!("{}/{database}", self.admin.rsplit_once('/').unwrap().0)
    }
}

static COUNT: AtomicU32 = AtomicU32::new(0);

impl Home {
    pub(crate) fn sqlite() -> Self {
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("housekey-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        Self { folder, postgres: None }
    }

    /// `None` when there is no server to test with.
    pub(crate) fn postgres() -> Option<Self> {
        let admin = std::env::var("HOUSEKEY_TEST_POSTGRES").ok()?;
        let mut home = Self::sqlite();
        let folder = home.folder.file_name().unwrap().to_str().unwrap();
        let name = folder.replace('-', "_");
        database::execute(&admin, &format!("CREATE DATABASE {name}"));
        home.postgres = Some(Postgres { admin, name, others: Mutex::default() });
        Some(home)
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) fn is_postgres(&self) -> bool {
        self.postgres.is_some()
    }

    pub(crate) fn shared_url(&self) -> String {
        match &self.postgres {
            Some(postgres) => postgres.url(&postgres.name),
            None => self.local_url("shared"),
        }
    }

    /// A further database on the same server, empty and gone with this home; on SQLite a further file. The same
    /// name is the same database.
    pub(crate) fn another(&self, name: &str) -> String {
        let Some(postgres) = &self.postgres else { return self.local_url(name) };
        let database = format!("{}_{name}", postgres.name);
        let mut others = postgres.others.lock().unwrap();
        if !others.contains(&database) {
            database::execute(&postgres.admin, &format!("CREATE DATABASE {database}"));
            others.push(database.clone());
        }
        postgres.url(&database)
    }

    /// The shared database for an app that has no more rights than this role; on SQLite there are none.
    /// The tables must be there.
    pub(crate) fn url_as(&self, role: Role) -> String {
        if !self.is_postgres() {
            return self.shared_url();
        }
        let name = self.name_of(role);
        self.execute(&housekey::grants(role, &name).unwrap());
        self.execute(&format!("ALTER ROLE {name} PASSWORD 'tests-only'"));
        self.url_of(&name)
    }

    /// The shared database for who signs in to PostgreSQL under that name.
    pub(crate) fn url_of(&self, name: &str) -> String {
        let url = self.shared_url();
        format!("postgres://{name}:tests-only@{}", url.rsplit_once('@').unwrap().1)
    }

    /// What the role is called: roles are those of the whole server.
    pub(crate) fn name_of(&self, role: impl std::fmt::Display) -> String {
        format!("{}_{role}", self.database())
    }

    /// The name of the database on the server.
    pub(crate) fn database(&self) -> &str {
        &self.postgres.as_ref().unwrap().name
    }

    pub(crate) fn local_url(&self, app: &str) -> String {
        format!("sqlite:{}", self.folder.join(app).with_extension("db").display())
    }

    /// The settings of an app of this house, with password hashes that cost nothing.
    pub(crate) fn config(&self, app: &str) -> Config {
        self.config_with_key(app, KEY)
    }

    pub(crate) fn config_with_key(&self, app: &str, key: &str) -> Config {
        self.config_at(&self.shared_url(), app, key)
    }

    /// The same for an app that has no more rights than this role.
    pub(crate) fn config_as(&self, role: Role, app: &str) -> Config {
        self.config_at(&self.url_as(role), app, KEY)
    }

    pub(crate) fn config_at(&self, shared_url: &str, app: &str, key: &str) -> Config {
        let key = SecretKey::new(key).unwrap();
        Config::new(shared_url, &self.local_url(app), key)
            .unwrap()
            .app_name(app)
            .password_iterations(10)
            .deadline(std::time::Duration::from_secs(20))
    }

    /// An app of this house, the shared tables made when it is the first.
    pub(crate) fn open(&self, app: &str) -> House {
        self.open_with(self.config(app))
    }

    #[expect(clippy::unused_self, reason = "reads as what it is: a house of this home")]
    pub(crate) fn open_with(&self, config: Config) -> House {
        housekey::migrate(&config).unwrap();
        House::open(config).unwrap()
    }

    /// Runs SQL in the shared database, past housekey.
    pub(crate) fn execute(&self, sql: &str) {
        database::execute(&self.shared_url(), sql);
    }

    /// One number from the shared database, past housekey.
    pub(crate) fn count(&self, query: &str) -> i64 {
        database::count(&self.shared_url(), query)
    }

    /// One text from the shared database, past housekey.
    pub(crate) fn text(&self, query: &str) -> String {
        database::text(&self.shared_url(), query)
    }

    /// Makes the database refuse every change of a column.
    pub(crate) fn deny_update_of(&self, table: &str, column: &str) {
        self.deny(&format!("BEFORE UPDATE OF {column} ON {table}"));
    }

    /// Makes the database refuse to delete a row.
    pub(crate) fn deny_delete(&self, table: &str) {
        self.deny(&format!("BEFORE DELETE ON {table}"));
    }

    fn deny(&self, what: &str) {
        let trigger = format!("CREATE TRIGGER deny {what}");
        self.execute(&if self.is_postgres() {
            format!(
                "CREATE FUNCTION deny() RETURNS trigger LANGUAGE plpgsql AS \
                 $$ BEGIN RAISE EXCEPTION 'denied'; END $$; \
                 {trigger} FOR EACH ROW EXECUTE FUNCTION deny()"
            )
        } else {
            format!("{trigger} BEGIN SELECT RAISE(ABORT, 'denied'); END")
        });
    }

    pub(crate) fn sessions(&self) -> i64 {
        self.count("SELECT count(*) FROM django_session")
    }
}

impl Drop for Home {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.folder);
        if let Some(Postgres { admin, name, others }) = &self.postgres
            && let Ok(mut conn) = PgConnection::establish(admin)
        {
            let others = others.lock().unwrap_or_else(PoisonError::into_inner);
            for database in others.iter().chain([name]) {
                let _ = conn.batch_execute(&format!("DROP DATABASE {database} WITH (FORCE)"));
            }
            let roles = ["auth", "consumer", "owner"].map(|role| self.name_of(role)).join(", ");
            let _ = conn.batch_execute(&format!("DROP ROLE IF EXISTS {roles}"));
        }
    }
}

/// What a checkup has to say, but for what the server of the tests deserves itself: its role is a superuser, and
/// it may not wait for its disk.
pub(crate) fn troubles(house: &House) -> Vec<String> {
    let checkup = house.check();
    let of_house = |trouble: &&Finding| !["role", "durability"].contains(&trouble.topic);
    checkup.troubles().filter(of_house).map(ToString::to_string).collect()
}

pub(crate) const PASSWORD: &str = "correct horse battery staple";

/// A user of that name with [`PASSWORD`].
pub(crate) fn user(house: &House, name: &str) -> housekey::User {
    house.create_user(name, "", PASSWORD).unwrap()
}

/// A login by name and [`PASSWORD`], as a browser without a cookie makes it: the cookie's value.
pub(crate) fn login(house: &House, name: &str) -> String {
    let session = housekey::Session::default();
    login_in(house, &session, name);
    cookie(&session)
}

pub(crate) fn login_in(house: &House, session: &housekey::Session, name: &str) {
    let user = house.authenticate(name, PASSWORD).unwrap().unwrap();
    house.login(session, &user).unwrap();
}

/// The cookie's value for a session that has a row.
pub(crate) fn cookie(session: &housekey::Session) -> String {
    session.key().unwrap().expose_secret().to_owned()
}

/// Who a cookie is to an app: the name, or why it is nobody.
pub(crate) fn whoami(house: &House, cookie: &str) -> Result<String, Option<housekey::Rejected>> {
    let session = house.session(Some(cookie)).unwrap();
    session.user().map(|user| user.username).ok_or_else(|| session.rejected())
}

/// Mounts the tests named: each once with the shared part on SQLite, once on PostgreSQL.
macro_rules! on_both_databases {
    ($($test:ident),+ $(,)?) => {
        mod sqlite {
            $(#[test] fn $test() { super::$test(&crate::support::Home::sqlite()); })+
        }
        mod postgres {
            $(#[test] fn $test() {
                match crate::support::Home::postgres() {
                    Some(home) => super::$test(&home),
                    None => crate::support::skip("PostgreSQL"),
                }
            })+
        }
    };
}
pub(crate) use on_both_databases;

/// Says what is missing; `scripts/test` collects these lines, and fails for them in CI.
pub(crate) fn skip(what: &str) {
    eprintln!("SKIPPED: no {what} here; scripts/test brings it");
    if let Ok(file) = std::env::var("HOUSEKEY_TEST_SKIPPED") {
        use std::io::Write;
        let file = std::fs::OpenOptions::new().append(true).create(true).open(file);
        writeln!(file.unwrap(), "{what}").unwrap();
    }
}

/// The cases that Django 5.2.19 has answered, of one section of `tests/django/vectors.json`.
pub(crate) fn vectors(section: &str) -> Vec<serde_json::Value> {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/django/vectors.json");
    let text = std::fs::read_to_string(path).unwrap();
    let all: serde_json::Value = serde_json::from_str(&text).unwrap();
    all[section].as_array().unwrap_or_else(|| panic!("no section {section}")).clone()
}

/// The program of an example, which cargo builds together with the tests.
pub(crate) fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().unwrap();
    let program = tests.parent().unwrap().parent().unwrap().join("examples").join(name);
    let is_new =
        program.exists() && changed(&program) >= newest(Path::new(env!("CARGO_MANIFEST_DIR")));
    assert!(
        is_new,
        "cargo builds no examples for one test target alone: run cargo test --all-features"
    );
    program
}

/// When the code of the library and of the examples was changed last.
fn newest(project: &Path) -> SystemTime {
    fn walk(path: &Path) -> SystemTime {
        let below = std::fs::read_dir(path).into_iter().flatten();
        let below = below.map(|entry| walk(&entry.unwrap().path())).max();
        below.unwrap_or_else(|| changed(path))
    }
    walk(&project.join("src")).max(walk(&project.join("examples")))
}

fn changed(path: &Path) -> SystemTime {
    path.metadata().unwrap().modified().unwrap()
}
