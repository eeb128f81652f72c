#![expect(clippy::exhaustive_structs, reason = "apps fill them in themselves")]
//! The pages of a user's own account.

use chrono::{DateTime, Utc};

use super::frame::Frame;
use super::plain::is_web;
use super::settings::page;
use super::{device, when};
use crate::session::{Session, SessionInfo};

/// To sign in.
///
/// ```
/// use housekey::pages::{Frame, Message, SignIn};
/// let frame = Frame { message: Some(Message::WrongCredentials), ..Frame::default() };
/// let page = SignIn { frame, username: "ada".into(), ..SignIn::default() };
/// assert!(page.to_html().contains("value=\"ada\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SignIn {
    /// What stands around it.
    pub frame: Frame,
    /// What was typed before.
    pub username: String,
    /// Where to go then; empty for [`Pages::with_home`](super::Pages::with_home).
    pub next: String,
    /// Is it somebody who is signed in, and must prove the password once more?
    pub again: bool,
}
page!(SignIn, "pages/sign_in.html");

impl SignIn {
    /// Where an app elsewhere wants the visitor back, who is signed in already.
    fn way_back(&self) -> Option<&str> {
        let is_offered = self.frame.signed_in.is_some() && !self.again && is_web(&self.next);
        is_offered.then_some(&self.next)
    }
}

/// To sign out; or, when nobody is signed in, that it is done.
///
/// ```
/// use housekey::pages::{Frame, SignOut};
/// let frame = Frame { base: "/account".into(), ..Frame::default() };
/// assert!(SignOut { frame }.to_html().contains("href=\"/account/login\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SignOut {
    /// What stands around it.
    pub frame: Frame,
}
page!(SignOut, "pages/sign_out.html");

/// Where to go from here: the user's own pages, and the apps of the house.
///
/// ```
/// use housekey::pages::{Account, App, Frame};
/// let wiki = App { name: "wiki".into(), url: "https://wiki.example.org/".into() };
/// let page = Account { frame: Frame::default(), apps: vec![wiki] };
/// assert!(page.to_html().contains("href=\"https://wiki.example.org/\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Account {
    /// What stands around it.
    pub frame: Frame,
    /// Other apps, if they have told where they are (`PUBLIC_URL`).
    pub apps: Vec<App>,
}
page!(Account, "pages/account.html");

/// Another app of the house.
///
/// ```
/// let wiki = housekey::pages::App { name: "wiki".into(), url: "https://wiki.example.org/".into() };
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct App {
    /// What it is called.
    pub name: String,
    /// Its `PUBLIC_URL`; a link when it is one of HTTP or HTTPS.
    pub url: String,
}

/// To change the password; that signs out everywhere else.
///
/// ```
/// use housekey::pages::{ChangePassword, Frame, Message};
/// let frame = Frame { message: Some(Message::WrongOldPassword), ..Frame::default() };
/// let page = ChangePassword { frame, username: "ada".into(), weaknesses: Vec::new() };
/// assert!(page.to_html().contains("role=\"alert\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct ChangePassword {
    /// What stands around it.
    pub frame: Frame,
    /// For who keeps the browser's passwords.
    pub username: String,
    /// What is wrong with the one that was chosen.
    pub weaknesses: Vec<crate::password::Weakness>,
}
page!(ChangePassword, "pages/change_password.html");

/// To set a password by a link that is good once.
///
/// ```
/// use housekey::pages::{Frame, SetPassword};
/// let page = SetPassword { frame: Frame::default(), username: Some("ada".into()), weaknesses: Vec::new() };
/// assert!(page.to_html().contains("autocomplete=\"new-password\""));
/// let spent = SetPassword { username: None, ..page };
/// assert!(!spent.to_html().contains("autocomplete=\"new-password\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct SetPassword {
    /// What stands around it.
    pub frame: Frame,
    /// Whose link it is; `None` when the link is good no more.
    pub username: Option<String>,
    /// What is wrong with the one that was chosen.
    pub weaknesses: Vec<crate::password::Weakness>,
}
page!(SetPassword, "pages/set_password.html");

/// Where the user is signed in.
///
/// ```
/// use housekey::pages::{Frame, Sessions};
/// let page = Sessions { frame: Frame::default(), sessions: Vec::new() };
/// assert!(page.to_html().starts_with("<!doctype html>"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Sessions {
    /// What stands around it.
    pub frame: Frame,
    /// This one, and the others.
    pub sessions: Vec<SessionRow>,
}
page!(Sessions, "pages/sessions.html");

impl Sessions {
    fn has_others(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }
}

/// One session of a user.
///
/// ```no_run
/// # fn with(info: &housekey::SessionInfo, session: &housekey::Session) {
/// let row = housekey::pages::SessionRow::of(info, session);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct SessionRow {
    /// [`SessionInfo::id`](crate::SessionInfo::id)
    pub id: String,
    /// What the browser called itself; empty when it is not known.
    pub agent: String,
    /// The app that it was begun in; empty for one of Django's.
    pub app: String,
    /// Where the user signed in from; empty when it is not known.
    pub address: String,
    /// When it was begun.
    pub created: DateTime<Utc>,
    /// When it was seen last, if that is known.
    pub last_seen: Option<DateTime<Utc>>,
    /// Is it the one that asks?
    pub is_current: bool,
}

impl SessionRow {
    /// What is to be shown of one, to who has this session.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session, user: &housekey::User)
    /// # -> Result<(), housekey::Error> {
    /// use housekey::pages::SessionRow;
    /// let sessions = house.sessions_of(user)?;
    /// let rows: Vec<SessionRow> = sessions.iter().map(|one| SessionRow::of(one, session)).collect();
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn of(info: &SessionInfo, session: &Session) -> Self {
        Self {
            id: info.id.clone(),
            agent: info.agent.clone().unwrap_or_default(),
            app: info.app.clone().unwrap_or_default(),
            address: info.address.map(|address| address.to_string()).unwrap_or_default(),
            created: info.created,
            last_seen: info.last_seen,
            is_current: info.is_current(session),
        }
    }
}
