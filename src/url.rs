//! Database URLs: read once, never shown.

use std::fmt;
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

use crate::error::{Error, Refused};
use crate::place::{DatabaseKind, Place};

const IN_MEMORY: &str =
    "is an in-memory SQLite database, which no second connection can see; name a file";
pub(crate) const FORMS: &str = "use postgres://USER@HOST/NAME, sqlite:PATH or a path";

/// A database URL with what was read from it; `Debug` shows the kind alone.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct DatabaseUrl {
    kind: DatabaseKind,
    /// The whole URL for PostgreSQL, without what is for us alone; the path for SQLite.
    target: Zeroizing<String>,
    way: Way,
}

/// What lies between the app and its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Way {
    /// The URL does not say.
    Unsaid,
    /// Nothing, or something that keeps prepared statements for each client.
    Direct,
    /// A pooler that hands out another connection of the server for each transaction.
    Pooler,
}

/// The parameter that says so; libpq does not know it.
const PGBOUNCER: &str = "pgbouncer";

impl DatabaseUrl {
    pub(crate) fn parse(place: Place, text: &str) -> Result<Self, Error> {
        let problem = |problem: String| Error::config(place.variable(), problem);
        let text = text.trim();
        let path = match split_scheme(text) {
            Some(("postgres" | "postgresql", rest)) if rest.starts_with("//") => {
                return Self::postgres(text).map_err(problem);
            }
            Some(("sqlite" | "file", rest)) => without_parameters(rest).map_err(problem)?,
            Some((scheme, _)) => {
                return Err(problem(format!("has the unknown scheme `{scheme}`; {FORMS}")));
            }
            None => text,
        };
        Self::sqlite(path).map_err(problem)
    }

    fn postgres(text: &str) -> Result<Self, String> {
        if !cfg!(feature = "postgres") {
            return Err("is a PostgreSQL URL, but housekey was built without PostgreSQL; enable \
                        its feature `postgres`"
                .to_owned());
        }
        let Some((place, parameters)) = text.split_once('?') else {
            let target = Zeroizing::new(text.to_owned());
            return Ok(Self { kind: DatabaseKind::Postgres, target, way: Way::Unsaid });
        };
        let mut way = Way::Unsaid;
        let mut target = Zeroizing::new(place.to_owned());
        for pair in parameters.split('&') {
            let Some(said) = pair.strip_prefix(PGBOUNCER).and_then(|rest| rest.strip_prefix('='))
            else {
                let joint = if target.contains('?') { '&' } else { '?' };
                target.push(joint);
                target.push_str(pair);
                continue;
            };
            way = match said {
                "true" => Way::Pooler,
                "false" => Way::Direct,
                _ => {
                    return Err(format!("has a `{PGBOUNCER}` that is neither `true` nor `false`"));
                }
            };
        }
        Ok(Self { kind: DatabaseKind::Postgres, target, way })
    }

    fn sqlite(path: &str) -> Result<Self, String> {
        if !cfg!(feature = "sqlite") {
            return Err("names a SQLite file, but housekey was built without SQLite; enable its \
                        feature `sqlite`"
                .to_owned());
        }
        if path.is_empty() {
            return Err(format!("is empty; {FORMS}"));
        }
        if path.starts_with(":memory:") {
            return Err(IN_MEMORY.to_owned());
        }
        if path.contains("host=") || path.contains("dbname=") {
            return Err(format!("is a list of connection parameters; {FORMS}"));
        }
        if path.contains('\0') {
            return Err("has a NUL character in its path".to_owned());
        }
        let absolute = std::path::absolute(path).map_err(|error| error.to_string())?;
        let target = Zeroizing::new(absolute.to_string_lossy().into_owned());
        Ok(Self { kind: DatabaseKind::Sqlite, target, way: Way::Direct })
    }

    pub(crate) fn kind(&self) -> DatabaseKind {
        self.kind
    }

    pub(crate) fn way(&self) -> Way {
        self.way
    }

    /// The file of a SQLite database.
    pub(crate) fn file(&self) -> Option<PathBuf> {
        (self.kind == DatabaseKind::Sqlite).then(|| Path::new(self.target.as_str()).to_owned())
    }

    /// What diesel connects to. A SQLite file is opened but not made: a mistyped path is an error, not
    /// an empty database.
    pub(crate) fn connection_string(&self, connect_timeout_seconds: u64) -> String {
        match self.kind {
            DatabaseKind::Sqlite => format!("file:{}?mode=rw", uri_path(&self.target)),
            DatabaseKind::Postgres => self.with_timeouts(connect_timeout_seconds),
        }
    }

    /// Adds what the URL does not say itself. All of it is seen to from here, so that neither a server nor a
    /// pooler in between is told anything.
    fn with_timeouts(&self, seconds: u64) -> String {
        let seconds = seconds.to_string();
        // A host that has vanished does not hold a connection for hours.
        let wanted = [
            ("connect_timeout", seconds.as_str()),
            ("keepalives_idle", "10"),
            ("keepalives_interval", "5"),
            ("keepalives_count", "3"),
            ("tcp_user_timeout", "20000"),
        ];
        let said = self.target.split_once('?').map_or("", |(_, parameters)| parameters);
        let is_said = |name: &str| said.split('&').any(|pair| pair.split('=').next() == Some(name));
        wanted.iter().filter(|(name, _)| !is_said(name)).fold(
            self.target.to_string(),
            |url, (name, value)| {
                let joint = if url.contains('?') { '&' } else { '?' };
                format!("{url}{joint}{name}={value}")
            },
        )
    }

    /// The same with a setting for the server's session, which no pooler hands on.
    #[cfg(feature = "postgres")]
    pub(crate) fn with_setting(&self, seconds: u64, name: &str, value: &str) -> String {
        const OPTIONS: &str = "options=";
        let whole = self.connection_string(seconds);
        let (place, parameters) = whole.split_once('?').unwrap_or((&whole, ""));
        let setting = format!("-c%20{name}%3D{value}");
        let (mut pairs, mut said) = (Vec::new(), None);
        for pair in parameters.split('&') {
            match pair.strip_prefix(OPTIONS) {
                Some(options) => said = Some(options),
                None => pairs.push(pair.to_owned()),
            }
        }
        pairs.push(match said {
            Some(options) => format!("{OPTIONS}{options}%20{setting}"),
            None => format!("{OPTIONS}{setting}"),
        });
        format!("{place}?{}", pairs.join("&"))
    }

    /// A driver's message, unless it repeats the URL or its password.
    pub(crate) fn redact(&self, message: &str) -> Refused {
        let leaks = self.secrets().any(|secret| message.contains(secret));
        Refused(if leaks {
            "the driver's message is withheld, because it repeats the URL; where a name or password has @ : / ? # or %, \
             the URL has %40 %3A %2F %3F %23 or %25"
                .to_owned()
        } else {
            message.split_whitespace().collect::<Vec<_>>().join(" ")
        })
    }

    /// The URL, and the password in all pieces that a driver may take it apart into.
    fn secrets(&self) -> impl Iterator<Item = &str> {
        let rest = self.target.split_once("://").map_or("", |(_, rest)| rest);
        let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
        let password = user.split_once(':').map_or("", |(_, password)| password);
        let parameters = rest.split_once('?').map_or("", |(_, parameters)| parameters);
        let parameter = parameters.split('&').filter_map(|pair| pair.strip_prefix("password="));
        let pieces = parameter
            .chain([password])
            .flat_map(|secret| secret.split(['/', ':', '@', '?', '&', '=']));
        std::iter::once(rest).chain(pieces).filter(|secret| !secret.is_empty())
    }
}

impl fmt::Debug for DatabaseUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DatabaseUrl({})", self.kind)
    }
}

/// What follows `sqlite:` or `file:`, which may be a path alone.
fn without_parameters(rest: &str) -> Result<&str, String> {
    match rest.split_once('?') {
        _ if rest.starts_with(":memory:") => Err(IN_MEMORY.to_owned()),
        None if rest.starts_with("//") => {
            let path = rest.trim_start_matches('/');
            // `sqlite:///a` and `sqlite:////a` are the path /a, `sqlite://a` is the path a.
            Ok(if rest.starts_with("///") { &rest[rest.len() - path.len() - 1..] } else { path })
        }
        None => Ok(rest),
        Some((_, parameters)) if parameters.contains("mode=memory") => Err(IN_MEMORY.to_owned()),
        Some(_) => {
            Err("has parameters, which housekey sets by itself; take away what begins at the \
                        `?`"
            .to_owned())
        }
    }
}

/// `scheme:rest`; one letter before the colon is a drive, not a scheme.
fn split_scheme(text: &str) -> Option<(&str, &str)> {
    let (scheme, rest) = text.split_once(':')?;
    let is_scheme = scheme.len() > 1
        && scheme.starts_with(|first: char| first.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || "+.-".contains(c));
    is_scheme.then_some((scheme, rest))
}

/// The path as a SQLite URI filename wants it.
fn uri_path(path: &str) -> String {
    path.chars().fold(String::with_capacity(path.len()), |mut uri, letter| {
        match letter {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            _ => uri.push(letter),
        }
        uri
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<DatabaseUrl, Error> {
        DatabaseUrl::parse(Place::Local, text)
    }

    #[test]
    fn every_form_of_a_sqlite_url_names_the_same_file() {
        for text in
            ["sqlite:/a/b.db", "sqlite:///a/b.db", "sqlite:////a/b.db", "/a/b.db", "file:/a/b.db"]
        {
            assert_eq!(parse(text).unwrap().file().unwrap(), Path::new("/a/b.db"), "{text}");
        }
    }

    #[test]
    fn a_path_with_signs_of_the_uri_stays_that_path() {
        let url = parse("/a/50%?#1.db").unwrap();
        assert_eq!(url.connection_string(2), "file:/a/50%25%3f%231.db?mode=rw");
        assert_ne!(parse("/a/b?c").unwrap(), parse("/a/b?d").unwrap());
        assert!(parse("sqlite:/a/b.db?mode=rwc").unwrap_err().to_string().contains("parameters"));
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn what_the_url_says_of_timeouts_counts_and_the_rest_is_added() {
        let string = |text: &str| parse(text).unwrap().connection_string(2);
        assert_eq!(
            string("postgres://db/house"),
            "postgres://db/house?connect_timeout=2&keepalives_idle=10&keepalives_interval=5&\
             keepalives_count=3&tcp_user_timeout=20000"
        );
        assert_eq!(
            string("postgres://db/house?connect_timeout=9&keepalives_count=7"),
            "postgres://db/house?connect_timeout=9&keepalives_count=7&keepalives_idle=10&\
             keepalives_interval=5&tcp_user_timeout=20000"
        );
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn what_is_said_of_a_pooler_is_for_us_alone() {
        let way = |text: &str| parse(text).unwrap().way();
        assert_eq!(way("postgres://db/house"), Way::Unsaid);
        assert_eq!(way("postgres://db/house?sslmode=require&pgbouncer=false"), Way::Direct);
        let url = parse("postgres://db/house?a=1&pgbouncer=true&b=2").unwrap();
        assert_eq!((url.way(), url.target.as_str()), (Way::Pooler, "postgres://db/house?a=1&b=2"));
        assert_eq!(
            parse("postgres://db/house?pgbouncer=true").unwrap().target.as_str(),
            "postgres://db/house"
        );
        let error = parse("postgres://db/house?pgbouncer=1").unwrap_err().to_string();
        assert!(error.contains("neither `true` nor `false`"), "{error}");
    }

    #[cfg(feature = "postgres")]
    #[test]
    fn a_setting_of_ours_stands_behind_those_of_the_url() {
        let with = |text: &str| parse(text).unwrap().with_setting(2, "a.b", "c");
        assert!(with("postgres://db/house").ends_with("&options=-c%20a.b%3Dc"));
        assert!(
            with("postgres://db/house?options=-c%20jit%3Doff&sslmode=require")
                .ends_with("&options=-c%20jit%3Doff%20-c%20a.b%3Dc")
        );
    }

    #[test]
    fn a_driver_that_repeats_the_password_is_not_quoted() {
        let target = Zeroizing::new("postgres://ada:p4ss@db/house".to_owned());
        let url = DatabaseUrl { kind: DatabaseKind::Postgres, target, way: Way::Unsaid };
        assert!(!url.redact("bad option p4ss").to_string().contains("p4ss"));
        for (target, message) in [
            ("postgres://ada:p4ss/word@db/house", "invalid integer value \"p4ss\" for \"port\""),
            ("postgres://ada@db/house?password=p4ss", "invalid percent-encoded token: \"p4ss\""),
        ] {
            let target = Zeroizing::new(target.to_owned());
            let url = DatabaseUrl { kind: DatabaseKind::Postgres, target, way: Way::Unsaid };
            assert!(!url.redact(message).to_string().contains("p4ss"), "{message}");
        }
        assert_eq!(url.redact("no route\nto host").to_string(), "no route to host");
    }
}
