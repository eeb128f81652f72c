use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;

use serde_json::json;

use crate::Failure;
use crate::say::{Report, shown};

/// Writes the settings for this user's eyes alone.
pub(crate) fn init(file: &Path, shared: Option<String>, local: &str) -> Result<Report, Failure> {
    if [shared.as_deref(), Some(local)].into_iter().flatten().any(has_password) {
        return Err(
            "a password among the arguments can be seen by everybody on this machine; give that URL in \
             SHARED_DATABASE_URL, or write it into the file"
                .into(),
        );
    }
    let shared = &shared.or_else(from_environment).unwrap_or_else(|| "sqlite:house.db".to_owned());
    let (shared, local) = (&absolute(shared)?, &absolute(local)?);
    let key = housekey::key::generate();
    let checked = housekey::SecretKey::new(key.as_str()).map_err(housekey::Error::from)?;
    housekey::Config::new(shared, local, checked)?;
    let (shared, local) = (quoted(shared), quoted(local));
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

#[expect(clippy::disallowed_methods, reason = "the only setting that is read before there are any")]
fn from_environment() -> Option<String> {
    std::env::var("SHARED_DATABASE_URL").ok().filter(|url| !url.is_empty())
}

/// `scheme://user:password@host`, or a parameter of that name.
pub(crate) fn has_password(url: &str) -> bool {
    let rest = url.split_once("://").map_or("", |(_, rest)| rest);
    let user = rest.rsplit_once('@').map_or("", |(user, _)| user);
    user.contains(':') || url.contains("password=")
}

/// As a shell reads it back.
fn quoted(value: &str) -> String {
    let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "/:._-@%+=,".contains(letter);
    if value.chars().all(is_plain) {
        return value.to_owned();
    }
    format!("'{}'", value.replace('\'', "'\\''"))
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
