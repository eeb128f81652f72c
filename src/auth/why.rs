//! Why a cookie is, or is not, a login here: the same steps as `load`, told one by one.

use std::fmt;

use super::{Auth, BACKEND, USER_BACKEND, load};
use crate::error::Error;
use crate::registry::{HouseKey, keys};
use crate::session::codec::Undecodable;
use crate::session::key::{Proof, mark_of};
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

/// How many cookies of a header are looked at.
const MOST_COOKIES: usize = 50;

type Told = Result<String, String>;

impl Auth {
    pub(crate) fn why(&self, cookies: &str) -> Result<Why, Error> {
        let mut facts = Vec::new();
        let verdict = self.tell(cookies, &mut facts)?;
        Ok(Why { facts, verdict })
    }

    /// Has an app that calls its cookie otherwise set one of the others?
    fn without_cookie(&self, line: &str) -> Result<String, Error> {
        let name = &self.cookie.name;
        for pair in line.split(';').take(MOST_COOKIES) {
            let Some((other, value)) = pair.trim().split_once('=') else { continue };
            let Ok(presented) = self.mint.read(value.trim()) else { continue };
            if self.lookups.session_now(&presented.key)?.is_ok() {
                let shown = other.trim();
                return Ok(format!(
                    "there is no cookie named {name:?}, but {shown:?} holds a session key of this house: the app \
                     that set it has SESSION_COOKIE_NAME={shown:?}; give all apps the same name"
                ));
            }
        }
        Ok(format!(
            "there is no cookie named {name:?}; see that SESSION_COOKIE_NAME and SESSION_COOKIE_DOMAIN are the \
             same in all apps"
        ))
    }

    fn tell(&self, cookies: &str, facts: &mut Vec<String>) -> Result<Told, Error> {
        let name = &self.cookie.name;
        let cookies = cookies.trim();
        let line = cookies.get(..7).filter(|start| start.eq_ignore_ascii_case("cookie:"));
        let line = &cookies[line.map_or(0, str::len)..];
        let Some(value) = header::find(std::iter::once(line.as_bytes()), name) else {
            return self.without_cookie(line).map(Err);
        };
        facts.push(match header::count(line, name) {
            1 => format!("the cookie {name:?} is there"),
            count => format!(
                "the cookie {name:?} is there {count} times, of which the last counts: one may be of this host and \
                 one of the domain; delete both in the browser, and set one SESSION_COOKIE_DOMAIN in all apps"
            ),
        });
        let house = self.shared.run(keys::all)?;
        let presented = match self.mint.read(value) {
            Ok(presented) => presented,
            Err(Rejected::UnknownKey) => return Ok(Err(minted_elsewhere(value, &house))),
            Err(rejected) => return Ok(Err(with_remedy(rejected))),
        };
        facts.push(match presented.proof {
            Proof::Current => {
                format!("its session key was minted under this SECRET_KEY, {}", self.signs_with)
            }
            Proof::Fallback(place) => format!(
                "its session key was minted under one of SECRET_KEY_FALLBACKS, {}",
                self.renewals.fingerprint(place)
            ),
            Proof::None => "its session key is one of Django's, which prove nothing".to_owned(),
        });
        let row = match self.lookups.session_now(&presented.key)? {
            Ok(row) => row,
            Err(Rejected::Gone) if self.successor(&presented.key)?.is_some() => {
                return Ok(Err("the session was renewed a moment ago, and the browser is told its new key with \
                               the answer to its next request"
                    .to_owned()));
            }
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
            Err(Undecodable::Signature) => {
                let writer = self.last_writer(value);
                let reason = with_remedy(Rejected::BadSignature);
                return Ok(Err(format!("{reason} (last app seen writing: {writer})")));
            }
            Err(undecodable) => return Ok(Err(with_remedy(undecodable.into()))),
        };
        facts.push(match decoded.key {
            0 => "its signature is of this SECRET_KEY".to_owned(),
            _ => "its signature is of one of SECRET_KEY_FALLBACKS".to_owned(),
        });
        let Some(id) = load::user_id(&decoded.data) else {
            return Ok(Err("the session is of a visitor who has not signed in".to_owned()));
        };
        if decoded.data.text(USER_BACKEND).as_deref() != Some(BACKEND) {
            return Ok(Err(format!("its login is by another backend than {BACKEND}")));
        }
        let Some(user) = self.readable_by_id(id)? else {
            return Ok(Err(format!("there is no user {id} any more")));
        };
        let name = crate::user::User::from(user.clone()).username;
        facts.push(format!("it is of the user {id}, {name:?}"));
        if !user.is_active {
            return Ok(Err(with_remedy(Rejected::Inactive)));
        }
        if self.key_of_stamp(&decoded.data, &user.password).is_none() {
            return Ok(Err(with_remedy(Rejected::StampMismatch)));
        }
        facts.push("the user is active, and the password is the one of the login".to_owned());
        Ok(Ok(name))
    }
}

/// Who of the house has minted a session key that is none of ours.
fn minted_elsewhere(value: &str, house: &[HouseKey]) -> String {
    let of_mark = |key: &&HouseKey| mark_of(value) == Some(key.mark.as_str());
    let known: Vec<String> = house
        .iter()
        .filter(of_mark)
        .map(|key| format!("{} ({}, from app `{}`)", key.fingerprint, key.state, key.app))
        .collect();
    let whose = match known.as_slice() {
        [] => "no key of that mark was ever registered in this house".to_owned(),
        keys => format!("by its mark that is {}", keys.join(" or ")),
    };
    format!("{}; {whose}", with_remedy(Rejected::UnknownKey))
}

fn with_remedy(rejected: Rejected) -> String {
    let remedy = match rejected {
        Rejected::UnknownKey | Rejected::BadSignature => {
            "; compare SECRET_KEY and SECRET_KEY_FALLBACKS over the apps of the house, Django's too"
        }
        Rejected::Gone => {
            "; it was ended by a logout, a login or a change of the password, or purged; or it is of another house: \
             compare the name of the house that housekey status tells, with the settings of each app"
        }
        Rejected::Inactive => "; housekey user activate lets the user in again",
        Rejected::Unreadable => "; a Django app may write it with PickleSerializer",
        Rejected::StampMismatch => {
            " (or its hash was made anew by an app of another cost; compare PASSWORD_HASHERS)"
        }
        _ => "",
    };
    format!("{rejected}{remedy}")
}
