//! The shared database: that it answers, has its tables, keeps what was acknowledged, and gives the app no more
//! rights than it needs.

use super::{Finding, Findings, is_broken, seen, tables};
use crate::config::Config;
use crate::db::{SharedConnection, SharedPool, migrate};
use crate::error::Error;
#[cfg(feature = "postgres")]
use crate::place::DatabaseKind;
#[cfg(feature = "postgres")]
use crate::url::Way;

/// More than this between the clocks of the app and of the database is told, in seconds.
const CLOCKS_APART: f64 = 30.0;

/// What everything else depends on.
pub(super) fn reach(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    let mut found = seen("database", answers(shared));
    if !is_broken(&found) {
        found.extend(seen("migrations", migrated(shared)));
    }
    if !is_broken(&found) {
        found.extend(seen("clock", clock(shared, config)));
    }
    found
}

fn answers(shared: &SharedPool) -> Result<Vec<Finding>, Error> {
    let findings = Findings::about("database");
    if shared.url().file().is_some_and(|file| !file.exists()) {
        return Ok(findings.unless_any("the shared database (SQLite) is not made yet"));
    }
    let (version, house) = shared.run(|conn| {
        let version = match conn {
            #[cfg(feature = "sqlite")]
            SharedConnection::Sqlite(conn) => sqlite::version(conn),
            #[cfg(feature = "postgres")]
            SharedConnection::Postgres(conn) => postgres::version(conn),
        };
        let is_named = migrate::table_exists(conn, "housekey_setting")?;
        Ok((version?, if is_named { migrate::house(conn)? } else { None }))
    })?;
    let house = house.map_or(String::new(), |name| format!(", the house {name:?}"));
    let kind = shared.kind();
    Ok(findings.unless_any(format!("the shared database answers: {kind} {version}{house}")))
}

fn migrated(shared: &SharedPool) -> Result<Vec<Finding>, Error> {
    tables(shared)?;
    let steps = migrate::ledger(shared)?.len();
    let findings = Findings::about("migrations");
    Ok(findings.unless_any(format!("all {steps} shared migrations are applied")))
}

fn clock(shared: &SharedPool, config: &Config) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::about("clock");
    let before = config.clock.now();
    let theirs = shared.run(migrate::now)?;
    let after = config.clock.now();
    let ours = before + (after - before) / 2;
    let apart = (theirs - ours).as_seconds_f64();
    // A database that tells whole seconds is taken by its word.
    if apart.abs() > CLOCKS_APART {
        findings.warn(
            format!("the clock of the shared database is {apart:.0} s off the clock here"),
            "let both follow one time server: sessions end by the database's clock, cookies by the app's",
        );
    }
    Ok(findings.unless_any("the clocks of the database and of this machine agree"))
}

/// What will not be missed before the day it is.
pub(super) fn care(shared: &SharedPool, config: &Config) -> Vec<Finding> {
    #[cfg(not(feature = "sqlite"))]
    let _ = config;
    let care = shared.run(|conn| match conn {
        #[cfg(feature = "sqlite")]
        SharedConnection::Sqlite(conn) => sqlite::care(conn, config),
        #[cfg(feature = "postgres")]
        SharedConnection::Postgres(conn) => postgres::care(conn),
    });
    let mut found = seen("database", care);
    #[cfg(feature = "postgres")]
    found.extend(way(shared));
    found.extend(seen("indexes", indexes(shared)));
    found.extend(seen("triggers", triggers(shared)));
    #[cfg(feature = "sqlite")]
    found.extend(sqlite::writable(shared));
    found
}

/// Each statement that a pooler does not keep is planned anew.
#[cfg(feature = "postgres")]
fn way(shared: &SharedPool) -> Vec<Finding> {
    shared.learn_way();
    let mut findings = Findings::about("pooler");
    match (shared.url().way(), shared.is_pooled()) {
        (Way::Unsaid, true) => findings.warn(
            "the shared database is reached through a pooler that does not keep prepared statements, as was found out",
            "say so in SHARED_DATABASE_URL: pgbouncer=true; or pgbouncer=false with PgBouncer 1.21 or newer and its \
             max_prepared_statements, which makes look-ups cheaper for the database",
        ),
        (_, true) => findings.ok("the shared database is reached through a pooler, and no statement is prepared"),
        (_, false) if shared.kind() == DatabaseKind::Postgres => {
            findings.ok("prepared statements are kept by the shared database");
        }
        (_, false) => {}
    }
    findings.found
}

fn indexes(shared: &SharedPool) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::about("indexes");
    for (index, sql) in migrate::search_indexes(shared.kind()) {
        if !shared.run(|conn| migrate::index_exists(conn, index))? {
            findings.warn(
                format!("the index {index} is gone, and staff who look for users wait"),
                format!("run in the shared database: {sql}"),
            );
        }
    }
    Ok(findings.found)
}

fn triggers(shared: &SharedPool) -> Result<Vec<Finding>, Error> {
    let mut findings = Findings::about("triggers");
    let mut gone = Vec::new();
    for (trigger, of) in migrate::triggers(shared.kind()) {
        if !shared.run(|conn| migrate::trigger_exists(conn, trigger, of))? {
            gone.push(format!("{trigger} of {of}"));
        }
    }
    if !gone.is_empty() {
        findings.warn(
            format!(
                "triggers are gone ({}), so the house misses what others write: sessions of a Django app may outlive \
                 the end of all of a user's",
                gone.join(", ")
            ),
            format!(
                "run DELETE FROM housekey_migration WHERE step IN ('{}') in the shared database, then housekey migrate",
                migrate::OF_TRIGGERS.join("', '")
            ),
        );
    }
    Ok(findings.found)
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::Text;

    use super::{Config, Error, Finding, Findings, SharedPool};
    use crate::place::DatabaseKind;

    pub(super) fn version(conn: &mut SqliteConnection) -> QueryResult<String> {
        diesel::select(sql::<Text>("sqlite_version()")).get_result(conn)
    }

    pub(super) fn care(conn: &mut SqliteConnection, config: &Config) -> QueryResult<Vec<Finding>> {
        let mut findings = Findings::about("database");
        let mode: String =
            diesel::select(sql::<Text>("(SELECT journal_mode FROM pragma_journal_mode)"))
                .get_result(conn)?;
        if mode != "wal" {
            findings.warn(
                format!("the journal mode of the shared SQLite file is {mode}: whoever writes keeps all others out"),
                "put the file on a disk of this host, where SQLite can use its write-ahead log",
            );
        }
        if let Some(file) = config.shared.file() {
            modes(&mut findings, &file);
            mount(&mut findings, &file);
        }
        Ok(findings
            .unless_any("the shared SQLite file is this user's alone, with a write-ahead log"))
    }

    /// Somebody who keeps a transaction open keeps every login waiting, and then out.
    pub(super) fn writable(shared: &SharedPool) -> Vec<Finding> {
        let mut findings = Findings::about("writers");
        if shared.kind() != DatabaseKind::Sqlite {
            return findings.found;
        }
        match shared.write(|_| Ok(())) {
            Ok(()) => findings.ok("the shared SQLite file can be written"),
            Err(error @ Error::Database { .. }) if format!("{error:?}").contains("locked") => {
                findings.wrong(
                    "another program holds the write lock of the shared SQLite file, and no login gets through",
                    "end that program's transaction; in Django set OPTIONS {\"timeout\": 20, \
                     \"transaction_mode\": \"IMMEDIATE\"}; a house of many writers wants PostgreSQL",
                );
            }
            Err(error) => findings.failed(&error),
        }
        findings.found
    }

    #[cfg(unix)]
    fn modes(findings: &mut Findings, file: &std::path::Path) {
        use std::os::unix::fs::PermissionsExt;
        let Ok(metadata) = file.metadata() else { return };
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o007 != 0 {
            findings.warn(
                format!(
                    "every user of this machine may use the shared SQLite file (mode {mode:o})"
                ),
                "chmod 600: there are password hashes and session keys in it",
            );
        }
    }

    #[cfg(not(unix))]
    fn modes(_: &mut Findings, _: &std::path::Path) {}

    /// Locks of files do not hold where several hosts write.
    fn mount(findings: &mut Findings, file: &std::path::Path) {
        const OF_NETWORKS: [&str; 6] = ["nfs", "nfs4", "cifs", "smb3", "fuse.sshfs", "9p"];
        let Ok(mounts) = std::fs::read_to_string("/proc/self/mounts") else { return };
        let Ok(file) = file.canonicalize() else { return };
        let kind = mounts.lines().filter_map(|line| {
            let mut words = line.split(' ').skip(1);
            let (place, kind) = (words.next()?, words.next()?);
            file.starts_with(place).then_some((place.len(), kind))
        });
        if let Some((_, kind)) = kind.max().filter(|(_, kind)| OF_NETWORKS.contains(kind)) {
            findings.wrong(
                format!("the shared SQLite file is on a network file system ({kind}), where its locks do not hold"),
                "move it to a disk of one host, or the house to PostgreSQL",
            );
        }
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::dsl::sql;
    use diesel::prelude::*;
    use diesel::sql_types::{Bool, Text};

    use super::{Finding, Findings};

    pub(super) fn version(conn: &mut PgConnection) -> QueryResult<String> {
        diesel::select(sql::<Text>("current_setting('server_version')")).get_result(conn)
    }

    #[expect(clippy::struct_excessive_bools, reason = "as many as PostgreSQL has answers")]
    #[derive(QueryableByName)]
    struct Server {
        #[diesel(sql_type = Text)]
        role: String,
        #[diesel(sql_type = Bool)]
        is_superuser: bool,
        #[diesel(sql_type = Bool)]
        is_owner: bool,
        #[diesel(sql_type = Bool)]
        may_create: bool,
        #[diesel(sql_type = Text)]
        fsync: String,
        #[diesel(sql_type = Text)]
        synchronous_commit: String,
        #[diesel(sql_type = Bool)]
        is_here: bool,
        #[diesel(sql_type = Bool)]
        is_encrypted: bool,
    }

    const SERVER: &str = "SELECT current_user::text AS role, \
        (SELECT rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = current_user) AS is_superuser, \
        (SELECT pg_has_role(relowner, 'MEMBER') FROM pg_class WHERE oid = 'auth_user'::regclass) AS is_owner, \
        (SELECT has_schema_privilege(relnamespace, 'CREATE') FROM pg_class WHERE oid = 'auth_user'::regclass) AS may_create, \
        current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit, \
        coalesce(inet_client_addr() = inet_server_addr() OR inet_server_addr() << '127.0.0.0/8' \
            OR inet_server_addr() = '::1', true) AS is_here, \
        coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted";

    pub(super) fn care(conn: &mut PgConnection) -> QueryResult<Vec<Finding>> {
        let server: Server = diesel::sql_query(SERVER).get_result(conn)?;
        let mut found = role(&server);
        found.extend(durability(&server));
        found.extend(line(&server));
        Ok(found)
    }

    fn role(server: &Server) -> Vec<Finding> {
        const REMEDY: &str = "give the app a role of its own: housekey grants --role consumer (or auth) prints the SQL";
        let mut findings = Findings::about("role");
        let role = &server.role;
        if server.is_superuser {
            findings.warn(
                format!("the role {role} is a superuser, or may make itself one: so may whoever takes over an app"),
                REMEDY,
            );
        } else if server.is_owner {
            findings.warn(
                format!("the role {role} owns the shared tables: whoever takes over an app may alter and drop them"),
                REMEDY,
            );
        } else if server.may_create {
            findings
                .warn(format!("the role {role} may create tables in the shared database"), REMEDY);
        }
        findings.unless_any(format!("the role {role} has no more than rights to rows"))
    }

    fn durability(server: &Server) -> Vec<Finding> {
        let mut findings = Findings::about("durability");
        for (setting, value) in
            [("fsync", &server.fsync), ("synchronous_commit", &server.synchronous_commit)]
        {
            if value == "off" {
                findings.warn(
                    format!("{setting} is off: logins, logouts and passwords may be lost when the server goes down"),
                    format!("set {setting} = on"),
                );
            }
        }
        findings.unless_any("what was committed is on the disk")
    }

    fn line(server: &Server) -> Vec<Finding> {
        let mut findings = Findings::about("tls");
        if !server.is_here && !server.is_encrypted {
            findings.warn(
                "hashes and session keys go to the shared database, on another host, in the clear",
                "add sslmode=verify-full to SHARED_DATABASE_URL, and a certificate to the server",
            );
        }
        findings.unless_any(if server.is_here {
            "the shared database is on this host"
        } else {
            "the line to the shared database is encrypted"
        })
    }

    #[cfg(test)]
    mod tests {
        use super::*;
        use crate::check::Level;

        /// No server of the tests is on another host.
        #[test]
        fn a_line_to_another_host_is_to_be_encrypted() {
            for (is_here, is_encrypted, level) in [
                (true, false, Level::Ok),
                (true, true, Level::Ok),
                (false, true, Level::Ok),
                (false, false, Level::Warning),
            ] {
                let [role, fsync, synchronous_commit] = ["notes", "on", "on"].map(str::to_owned);
                let (is_superuser, is_owner, may_create) = (false, false, false);
                let found = line(&Server {
                    role,
                    is_superuser,
                    is_owner,
                    may_create,
                    fsync,
                    synchronous_commit,
                    is_here,
                    is_encrypted,
                });
                assert_eq!(found[0].level, level, "{found:?}");
            }
        }
    }
}
