//! An app with users of its own, made by hand: Django's tables, and two of its own.

use housekey::{Adoption, AdoptionPlan, AdoptionReport, Config, Error, SecretKey};

use super::{Home, KEY, database};

/// The app `wiki` beside the house of a home.
pub(crate) struct Wiki<'a> {
    pub(crate) home: &'a Home,
    pub(crate) url: String,
}

/// A row of `auth_user`: id, name, e-mail.
pub(crate) type Row<'a> = (i64, &'a str, &'a str);

/// The tests give ids of their own to content types and permissions.
const NO_PERMISSIONS: &str = "DELETE FROM auth_permission; DELETE FROM django_content_type";

impl<'a> Wiki<'a> {
    /// A house with these users, and the app with those; on the same kind of database.
    pub(crate) fn new(home: &'a Home, house: &[Row<'_>], local: &[Row<'_>]) -> Self {
        let url = home.another("wiki");
        let wiki = Self::at(home, url, house, local);
        database::execute(&home.shared_url(), NO_PERMISSIONS);
        wiki
    }

    pub(crate) fn at(home: &'a Home, url: String, house: &[Row<'_>], local: &[Row<'_>]) -> Self {
        housekey::migrate(&home.config("setup")).unwrap();
        housekey::migrate(&home.config_at(&url, "alone", KEY)).unwrap();
        let wiki = Self { home, url };
        wiki.execute(NO_PERMISSIONS);
        for row in house {
            database::execute(&home.shared_url(), &user(row, "of the house"));
        }
        for row in local {
            database::execute(&wiki.url, &user(row, "of the wiki"));
        }
        // Ids that were given past the counter.
        for url in [home.shared_url(), wiki.url.clone()] {
            if !url.starts_with("sqlite:") {
                let counter = "pg_get_serial_sequence('auth_user', 'id')";
                let last = "coalesce(max(id), 1)";
                let raise = format!("SELECT setval({counter}, {last}) FROM auth_user");
                database::execute(&url, &raise);
            }
        }
        wiki.execute(
            "CREATE TABLE page (id integer NOT NULL PRIMARY KEY, author_id integer NULL REFERENCES auth_user (id), \
             title varchar(50) NOT NULL)",
        );
        wiki
    }

    pub(crate) fn config(&self) -> Config {
        let key = SecretKey::new(KEY).unwrap();
        let config = Config::new(&self.home.shared_url(), &self.url, key).unwrap();
        config.app_name("wiki").deadline(std::time::Duration::from_secs(20))
    }

    pub(crate) fn adoption(&self) -> Adoption {
        Adoption::new(self.config())
    }

    pub(crate) fn plan(&self) -> AdoptionPlan {
        self.adoption().plan().unwrap()
    }

    pub(crate) fn undo_file(&self) -> std::path::PathBuf {
        self.home.folder().join("undo.json")
    }

    pub(crate) fn run(&self, adoption: &Adoption) -> Result<AdoptionReport, Error> {
        adoption.run(&self.undo_file(), |_, _| {})
    }

    pub(crate) fn undo(&self) -> housekey::AdoptionUndone {
        Adoption::undo(&self.config(), &self.undo_file()).unwrap()
    }

    pub(crate) fn execute(&self, sql: &str) {
        database::execute(&self.url, sql);
    }

    pub(crate) fn count(&self, query: &str) -> i64 {
        database::count(&self.url, query)
    }

    /// A list, as `1 ada, 2 grace`, of two columns.
    pub(crate) fn list(&self, left: &str, right: &str, from: &str) -> String {
        list(&self.url, left, right, from)
    }

    /// The ids and names of the house.
    pub(crate) fn house(&self) -> String {
        list(&self.home.shared_url(), "id", "username", "auth_user")
    }

    /// The ids and names of the app's own users.
    pub(crate) fn users(&self) -> String {
        self.list("id", "username", "auth_user")
    }

    /// Everything in both databases, but for counters and what a house is told of.
    pub(crate) fn everything(&self) -> (String, String) {
        let but = ["housekey_app", "housekey_change", "django_session"];
        (database::dump(&self.home.shared_url(), &but), database::dump(&self.url, &but))
    }
}

pub(crate) fn list(url: &str, left: &str, right: &str, from: &str) -> String {
    let row =
        format!("CAST({left} AS varchar) || ' ' || coalesce(CAST({right} AS varchar), 'nobody')");
    let rows = format!("SELECT {row} AS line FROM {from} ORDER BY {left}");
    database::text(
        url,
        &format!("SELECT coalesce(string_agg(line, ', '), '') FROM ({rows}) AS lines"),
    )
}

fn user((id, name, email): &Row<'_>, first_name: &str) -> String {
    format!(
        "INSERT INTO auth_user (id, password, last_login, is_superuser, username, first_name, last_name, email, \
         is_staff, is_active, date_joined) VALUES ({id}, 'hash of {name} {first_name}', NULL, false, '{name}', \
         '{first_name}', '', '{email}', false, true, '2020-02-29 12:00:00.123456')"
    )
}
