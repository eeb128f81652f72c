//! The folder that outlives the program: databases, the key of the house, the passwords.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use housekey::SecretKey;

pub(crate) struct Folder(PathBuf);

impl Folder {
    /// The same for all examples, so they are the apps of one house.
    pub(crate) fn usual() -> PathBuf {
        let target = std::env::var_os("CARGO_TARGET_DIR").map_or("target".into(), PathBuf::from);
        target.join("house")
    }

    pub(crate) fn open(path: &Path) -> Result<Self, String> {
        fs::create_dir_all(path).map_err(|error| explain(path, &error))?;
        Ok(Self(path.to_owned()))
    }

    pub(crate) fn sqlite_url(&self, name: &str) -> String {
        format!("sqlite:{}", self.0.join(format!("{name}.db")).display())
    }

    /// The key of the house, that of all its apps.
    pub(crate) fn key(&self) -> Result<SecretKey, super::terminal::Failure> {
        let key = self.secret("secret_key", housekey::key::generate)?;
        Ok(SecretKey::new(key).map_err(housekey::Error::from)?)
    }

    /// The secret of that name, made at the first start.
    pub(crate) fn secret(&self, name: &str, make: fn() -> String) -> Result<String, String> {
        let path = self.0.join(name);
        let secret = match fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => keep(&path, make()),
            read => read.map(|text| text.trim_end().to_owned()),
        };
        secret.map_err(|error| explain(&path, &error))
    }
}

/// Writes a file that no other user of this machine can read.
fn keep(path: &Path, secret: String) -> io::Result<String> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    writeln!(options.open(path)?, "{secret}")?;
    Ok(secret)
}

fn explain(path: &Path, error: &io::Error) -> String {
    format!("cannot use {}: {error}; name another place with --folder", path.display())
}
