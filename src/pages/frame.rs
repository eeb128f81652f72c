#![expect(clippy::exhaustive_structs, reason = "apps fill it in themselves")]
//! What all pages have in common.

use chrono::{DateTime, Utc};

use super::{Language, Message};

/// What stands around a page: the name of the app, who is signed in, where else to go.
///
/// ```
/// use housekey::pages::{Frame, Language, SignIn};
///
/// fn my_sign_in(csrf_token: String, next: String) -> String {
///     let frame = Frame {
///         app: "Billing".into(),
///         base: "/account".into(),
///         csrf_token,
///         language: Language::German,
///         ..Frame::default()
///     };
///     SignIn { frame, next, ..SignIn::default() }.to_html()
/// }
/// ```
#[derive(Debug, Clone)]
pub struct Frame {
    /// What the app is called.
    pub app: String,
    /// Where that name leads.
    pub home: String,
    /// The path below which the pages are, without `/` at its end.
    pub base: String,
    /// A stylesheet beside [`stylesheet`](super::stylesheet), if the app has one for these pages.
    pub extra_stylesheet: Option<String>,
    /// The language of all texts.
    pub language: Language,
    /// For the forms of the page (`CsrfToken::token`).
    pub csrf_token: String,
    /// What who is signed in is called, if someone is.
    pub signed_in: Option<String>,
    /// May the visitor see the users?
    pub sees_users: bool,
    /// May the visitor see the groups?
    pub sees_groups: bool,
    /// What was done, or why not.
    pub message: Option<Message>,
    /// When the page is made: some times are told from here.
    pub now: DateTime<Utc>,
}

impl Default for Frame {
    fn default() -> Self {
        Self {
            app: String::new(),
            home: "/".to_owned(),
            base: String::new(),
            extra_stylesheet: None,
            language: Language::default(),
            csrf_token: String::new(),
            signed_in: None,
            sees_users: false,
            sees_groups: false,
            message: None,
            now: DateTime::UNIX_EPOCH,
        }
    }
}

impl Frame {
    /// The message, as the visitor reads it.
    pub(super) fn told(&self) -> Option<String> {
        self.message.as_ref().map(|message| message.text(self.language))
    }

    pub(super) fn is_problem(&self) -> bool {
        self.message.as_ref().is_some_and(|message| message.tone() == super::Tone::Problem)
    }
}
