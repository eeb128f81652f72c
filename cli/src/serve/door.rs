//! Where the front door is.

use std::fmt;
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::str::FromStr;

use tokio::net::TcpListener;
#[cfg(unix)]
use tokio::net::UnixListener;

use crate::Failure;

/// Where to listen.
#[derive(Clone)]
pub(crate) enum Listen {
    /// `ADDRESS:PORT`
    Tcp(String),
    Unix(PathBuf),
}

impl FromStr for Listen {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
            return if cfg!(unix) {
                Ok(Self::Unix(path.into()))
            } else {
                Err("there are no Unix sockets on this system; give ADDRESS:PORT")
            };
        }
        match text.rsplit_once(':') {
            Some((host, port)) if !host.is_empty() && port.parse::<u16>().is_ok() => {
                Ok(Self::Tcp(text.to_owned()))
            }
            _ => Err("give ADDRESS:PORT like 127.0.0.1:8000, or unix:PATH"),
        }
    }
}

impl fmt::Display for Listen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => f.write_str(address),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

pub(super) enum Door {
    Tcp(TcpListener),
    #[cfg(unix)]
    Unix(UnixListener, PathBuf),
}

impl Door {
    pub(super) async fn open(listen: &Listen) -> Result<Self, Failure> {
        let opened = match listen {
            Listen::Tcp(address) => TcpListener::bind(address).await.map(Self::Tcp),
            #[cfg(unix)]
            Listen::Unix(path) => bind_socket(path).map(|door| Self::Unix(door, path.clone())),
            #[cfg(not(unix))]
            Listen::Unix(_) => Err(ErrorKind::Unsupported.into()),
        };
        Ok(opened.map_err(|error| match error.kind() {
            ErrorKind::AddrInUse => format!(
                "{listen} is taken, another program listens there (or this one runs already); stop that, or give \
                 another address by --listen or LISTEN"
            ),
            ErrorKind::PermissionDenied => format!(
                "this user may not listen at {listen}; give a port from 1024 on, or a folder of the user's own, by \
                 --listen or LISTEN"
            ),
            _ => format!(
                "{listen} is nothing to listen at ({error}); give an address of this machine by --listen or LISTEN, \
                 like 127.0.0.1:8000"
            ),
        })?)
    }

    /// As it is now: with the port that was free.
    pub(super) fn address(&self) -> io::Result<String> {
        Ok(match self {
            Self::Tcp(door) => format!("http://{}", door.local_addr()?),
            #[cfg(unix)]
            Self::Unix(_, path) => format!("unix:{}", path.display()),
        })
    }

    pub(super) fn is_reached_by_others(&self) -> io::Result<bool> {
        Ok(match self {
            Self::Tcp(door) => !door.local_addr()?.ip().to_canonical().is_loopback(),
            #[cfg(unix)]
            Self::Unix(..) => false,
        })
    }
}

#[cfg(unix)]
fn bind_socket(path: &std::path::Path) -> io::Result<UnixListener> {
    match UnixListener::bind(path) {
        Err(error) if error.kind() == ErrorKind::AddrInUse && is_left_behind(path) => {
            std::fs::remove_file(path)?;
            UnixListener::bind(path)
        }
        bound => bound,
    }
}

/// Is it the socket of a process that was killed?
#[cfg(unix)]
fn is_left_behind(path: &std::path::Path) -> bool {
    use std::os::unix::fs::FileTypeExt as _;
    use std::os::unix::net::UnixStream;
    // Other files refuse as well.
    let is_socket = path.symlink_metadata().is_ok_and(|file| file.file_type().is_socket());
    let refused = |error: io::Error| error.kind() == ErrorKind::ConnectionRefused;
    is_socket && UnixStream::connect(path).is_err_and(refused)
}
