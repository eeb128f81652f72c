//! A PgBouncer in transaction mode before the server of the tests, with four connections to it.

use std::net::{TcpListener, TcpStream};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::{Home, skip};

/// It is gone when the value is dropped.
pub(crate) struct Pooler {
    process: Child,
    port: u16,
}

const PATIENCE: Duration = Duration::from_secs(20);
/// So PgBouncer refuses to run as root: it becomes nobody.
const NOBODY: u32 = 65534;

impl Pooler {
    /// `None` when this machine has none.
    pub(crate) fn before(home: &Home) -> Option<Self> {
        let Some(program) = program() else {
            skip("PgBouncer");
            return None;
        };
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let settings = home.folder().join("pgbouncer.ini");
        std::fs::write(&settings, settings_of(home, port)).unwrap();
        let mut command = Command::new(program);
        command.arg(&settings).stdout(Stdio::null()).stderr(Stdio::null());
        if is_root() {
            command.uid(NOBODY).gid(NOBODY);
        }
        let pooler = Self { process: command.spawn().unwrap(), port };
        let end = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(Instant::now() < end, "PgBouncer does not get ready");
            std::thread::yield_now();
        }
        Some(pooler)
    }

    /// The same database, through it.
    pub(crate) fn url(&self, url: &str) -> String {
        format!("postgres://127.0.0.1:{}/{}", self.port, url.rsplit_once('/').unwrap().1)
    }
}

impl Drop for Pooler {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn program() -> Option<PathBuf> {
    let places = ["/usr/sbin/pgbouncer", "/usr/bin/pgbouncer", "/usr/local/bin/pgbouncer"];
    places.iter().map(Path::new).find(|path| path.exists()).map(Path::to_owned)
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").is_ok_and(|own| std::os::unix::fs::MetadataExt::uid(&own) == 0)
}

fn settings_of(home: &Home, port: u16) -> String {
    let url = home.shared_url();
    let (who, place) = url.strip_prefix("postgres://").unwrap().rsplit_once('@').unwrap();
    let (user, password) = who.split_once(':').unwrap_or((who, ""));
    let password = if password.is_empty() { "" } else { &format!(" password='{password}'") };
    let (host, server_port) = place.split('/').next().unwrap().rsplit_once(':').unwrap();
    format!(
        "[databases]\n\
         * = host={host} port={server_port} user={user}{password}\n\
         [pgbouncer]\n\
         listen_addr = 127.0.0.1\n\
         listen_port = {port}\n\
         unix_socket_dir =\n\
         auth_type = any\n\
         pool_mode = transaction\n\
         default_pool_size = 4\n\
         max_client_conn = 200\n"
    )
}
