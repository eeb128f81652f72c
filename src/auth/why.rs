//! Why a cookie is, or is not, a login here: the same steps as `load`, told one by one.

use std::fmt;

use super::{Auth, BACKEND, USER_BACKEND, USER_HASH, load};
use crate::error::Error;
use crate::session::key::Proof;
use crate::session::{Rejected, header, store};

/// What each step of reading a `Cookie` header has found, up to the first that failed.
///
/// ```no_run
/// # fn with(house: &housekey::Caretaker) -> Result<(), housekey::Error> {
/// println!("{}", house.why("sessionid=7qk2v9x0c4m1n8b5z3l6j0h2g4f9s8d7f6g5h4j3")?);
/// # Ok(())
/// # }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Why {
    /// What was found, in the order of the look-up; no secret is in it.
    pub facts: Vec<String>,
    /// Who is signed in, or what ended the look-up.
    pub verdict: Result<String, String>,
}

impl fmt::Display for Why {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for fact in &self.facts {
            writeln!(f, "ok: {fact}")?;
        }
        match &self.verdict {
            Ok(name) => write!(f, "a login of {name:?}"),
            Err(reason) => write!(f, "no login: {reason}"),
        }
    }
}

type Told = Result<String, String>;

impl Auth {
    pub(crate) fn why(&self, cookies: &str) -> Result<Why, Error> {
        let mut facts = Vec::new();
        let verdict = self.tell(cookies, &mut facts)?;
        Ok(Why { facts, verdict })
    }

    fn tell(&self, cookies: &str, facts: &mut Vec<String>) -> Result<Told, Error> {
        let name = &self.cookie.name;
        let cookies = cookies.trim();
        let line = cookies.get(..7).filter(|start| start.eq_ignore_ascii_case("cookie:"));
        let line = &cookies[line.map_or(0, str::len)..];
        let Some(value) = header::find(std::iter::once(line.as_bytes()), name) else {
            return Ok(Err(format!(
                "there is no cookie named {name:?}; see that SESSION_COOKIE_NAME and SESSION_COOKIE_DOMAIN are \
                 the same in all apps"
            )));
        };
        facts.push(format!("the cookie {name:?} is there"));
        let presented = match self.mint.read(value) {
            Ok(presented) => presented,
            Err(rejected) => return Ok(Err(with_remedy(rejected))),
        };
        facts.push(match presented.proof {
            Proof::Current => "its session key was minted under this SECRET_KEY".to_owned(),
            Proof::Fallback(_) => {
                "its session key was minted under one of SECRET_KEY_FALLBACKS".to_owned()
            }
            Proof::None => "its session key is one of Django's, which prove nothing".to_owned(),
        });
        let row = match self.row_of(&presented.key)? {
            Ok(row) => row,
            Err(rejected) => return Ok(Err(with_remedy(rejected))),
        };
        let began = store::app_of(&self.shared, &presented.key)?;
        let began = began.map_or("a Django app".to_owned(), |app| format!("app {app:?}"));
        facts.push(format!("its row is there, begun by {began}"));
        if !row.alive {
            return Ok(Err(with_remedy(Rejected::Expired)));
        }
        facts.push("it has not expired, by the clock of the database".to_owned());
        let decoded = match self.codec.decode(&row.data) {
            Ok(decoded) => decoded,
            Err(undecodable) => return Ok(Err(with_remedy(undecodable.into()))),
        };
        facts.push(match decoded.key {
            0 => "its signature is of this SECRET_KEY".to_owned(),
            _ => "its signature is of one of SECRET_KEY_FALLBACKS".to_owned(),
        });
        let Some(id) = load::user_id(&decoded.data) else {
            return Ok(Err("the session is of a visitor who has not signed in".to_owned()));
        };
        let backend: Option<String> = decoded.data.get(USER_BACKEND);
        if backend.as_deref() != Some(BACKEND) {
            return Ok(Err(format!("its login is by another backend than {BACKEND}")));
        }
        let Some(user) = self.readable_by_id(id)? else {
            return Ok(Err(format!("there is no user {id} any more")));
        };
        facts.push(format!("it is of the user {id}"));
        if !user.is_active {
            return Ok(Err(with_remedy(Rejected::Inactive)));
        }
        let stamp: String = decoded.data.get(USER_HASH).unwrap_or_default();
        if self.stamps.key_of(&user.password, &stamp).is_none() {
            return Ok(Err(with_remedy(Rejected::StampMismatch)));
        }
        facts.push("the user is active, and the password is the one of the login".to_owned());
        Ok(Ok(crate::user::User::from(user).username))
    }
}

fn with_remedy(rejected: Rejected) -> String {
    let remedy = match rejected {
        Rejected::UnknownKey | Rejected::BadSignature => {
            "; compare SECRET_KEY and SECRET_KEY_FALLBACKS over the apps of the house, Django's too"
        }
        Rejected::Gone => {
            "; it was ended by a logout, a login or a change of the password, or purged"
        }
        Rejected::Unreadable => "; a Django app may write it with PickleSerializer",
        Rejected::StampMismatch => {
            " (or its hash was made anew by an app of another cost; compare PASSWORD_HASHERS)"
        }
        _ => "",
    };
    format!("{rejected}{remedy}")
}
