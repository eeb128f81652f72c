//! A PostgreSQL server with a streaming standby, both of this test alone.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use super::{Home, database};

/// Both are gone when this is dropped.
pub(crate) struct Standby {
    folder: PathBuf,
    bin: PathBuf,
    ports: [u16; 2],
}

impl Standby {
    /// `None` when there are no programs to make servers with.
    pub(crate) fn start(home: &Home) -> Option<Self> {
        std::env::var("HOUSEKEY_TEST_POSTGRES").ok()?;
        let bin = newest(Path::new("/usr/lib/postgresql"))?.join("bin");
        let folder = home.folder().join("servers");
        std::fs::create_dir(&folder).unwrap();
        let pair = Self { folder, bin, ports: [free_port(), free_port()] };
        pair.run("chmod", &["777", pair.path("").as_str()]);
        pair.program("initdb", &["-D", &pair.path("primary"), "-A", "trust", "-U", "postgres"]);
        pair.go("primary", pair.ports[0]);
        let port = pair.ports[0].to_string();
        let from =
            ["-h", "127.0.0.1", "-p", &port, "-U", "postgres", "-c", "fast", "-R", "--no-sync"];
        pair.program("pg_basebackup", &[&["-D", &pair.path("standby")], &from[..]].concat());
        pair.go("standby", pair.ports[1]);
        Some(pair)
    }

    pub(crate) fn primary_url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.ports[0])
    }

    pub(crate) fn url(&self) -> String {
        format!("postgres://postgres@127.0.0.1:{}/postgres", self.ports[1])
    }

    /// From now on the standby shows what is committed so much later.
    pub(crate) fn delay(&self, by: &str) {
        database::execute(
            &self.url(),
            &format!("ALTER SYSTEM SET recovery_min_apply_delay = '{by}'"),
        );
        database::execute(&self.url(), "SELECT pg_reload_conf()");
        let setting = "SELECT current_setting('recovery_min_apply_delay')";
        while database::texts(&self.url(), setting) != [by] {
            std::thread::yield_now();
        }
    }

    /// Waits until the standby shows all that is committed.
    pub(crate) fn catch_up(&self) {
        let written =
            database::text(&self.primary_url(), "SELECT pg_current_wal_insert_lsn()::text");
        let is_there = format!("SELECT (pg_last_wal_replay_lsn() >= '{written}')::int");
        while database::count(&self.url(), &is_there[7..]) == 0 {
            std::thread::yield_now();
        }
    }

    /// As when its machine loses power.
    pub(crate) fn stop(&self) {
        self.program("pg_ctl", &["-D", &self.path("standby"), "-s", "-m", "immediate", "stop"]);
    }

    pub(crate) fn go_on(&self) {
        self.go("standby", self.ports[1]);
    }

    fn go(&self, server: &str, port: u16) {
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off",
            self.folder.display()
        );
        let (data, log) = (self.path(server), self.path(&format!("{server}.log")));
        self.program("pg_ctl", &["-D", &data, "-w", "-s", "-l", &log, "-o", &options, "start"]);
    }

    fn path(&self, name: &str) -> String {
        self.folder.join(name).display().to_string()
    }

    /// PostgreSQL does not run as root.
    fn program(&self, name: &str, arguments: &[&str]) {
        let program = self.bin.join(name).display().to_string();
        if is_root() {
            let command = ["-u", "postgres", "--", &program];
            self.run("runuser", &[&command, arguments].concat());
        } else {
            self.run(&program, arguments);
        }
    }

    fn run(&self, program: &str, arguments: &[&str]) {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(&self.folder).stdin(Stdio::null());
        let status = command.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap();
        assert!(status.success(), "{program} {arguments:?}");
    }
}

impl Drop for Standby {
    fn drop(&mut self) {
        for server in ["standby", "primary"] {
            let program = self.bin.join("pg_ctl").display().to_string();
            let mut command = if is_root() {
                let mut command = Command::new("runuser");
                command.args(["-u", "postgres", "--", &program]);
                command
            } else {
                Command::new(program)
            };
            let data = self.path(server);
            // It may be stopped already.
            let _ = command.args(["-D", &data, "-s", "-m", "immediate", "stop"]).output();
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout.trim_ascii() == b"0"
}

fn newest(folder: &Path) -> Option<PathBuf> {
    let version = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let there = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.path());
    there.filter(|path| version(path).is_some()).max_by_key(version)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}
