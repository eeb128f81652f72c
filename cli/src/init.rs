use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::Failure;
use crate::say::{Report, shown};

/// Writes the settings for this user's eyes alone.
pub(crate) fn init(file: &Path, shared: &str, local: &str) -> Result<Report, Failure> {
    let (shared, local) = (&absolute(shared)?, &absolute(local)?);
    let key = housekey::key::generate();
    let checked = housekey::SecretKey::new(key.as_str()).map_err(housekey::Error::from)?;
    housekey::Config::new(shared, local, checked)?;
    let text = format!(
        "# Users and sessions: the same for every app of the house.\nSHARED_DATABASE_URL={shared}\n\
         # The common key: the same for every app of the house.\nSECRET_KEY={key}\n\
         # This app's own tables, its name in the house, and where visitors find it.\nDATABASE_URL={local}\n\
         #APP_NAME=notes\n#PUBLIC_URL=https://notes.example.org\n\
         # For apps on several hosts their common parent, in every app.\n#SESSION_COOKIE_DOMAIN=example.org\n"
    );
    write_for_owner(file, &text)?;
    let name = shown(&file.to_string_lossy());
    // The shell looks for a name without a slash elsewhere.
    let path = if file.components().count() == 1 { format!("./{name}") } else { name.clone() };
    let text = format!("{name} is written; next: set -a; . {path}; set +a; housekey migrate");
    Ok(Report::fine(text, json!({ "file": file.to_string_lossy() })))
}

/// A path that is not whole would be another file for each app that is started elsewhere.
fn absolute(url: &str) -> Result<String, Failure> {
    Ok(match url.strip_prefix("sqlite:") {
        Some(path) if !path.starts_with("//") => {
            format!("sqlite:{}", std::path::absolute(path)?.display())
        }
        _ => url.to_owned(),
    })
}

/// Makes a file that nobody else may read, and writes over none.
pub(crate) fn write_for_owner(file: &Path, text: &str) -> Result<(), Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let made = options.open(file).and_then(|mut made| made.write_all(text.as_bytes()));
    Ok(made.map_err(|error| {
        format!("{} cannot be made ({error}); name another one", file.display())
    })?)
}
