use super::Front;
use super::head::Head;
use crate::csrf;
use crate::next::{self, Scheme};

/// Where a visitor wants to go after the login: the `next` of the request's query, if it is safe
/// (`RedirectURLMixin` of `django/contrib/auth/views.py`).
///
/// Safe is what stays on the host that was asked, or on one of [`Config::allow_next_host`]; after HTTPS only
/// HTTPS is.
///
/// ```
/// use axum::Form;
/// use housekey::axum::{Next, SeeOther};
///
/// #[derive(serde::Deserialize)]
/// struct Posted {
///     next: Option<String>,
/// }
///
/// async fn signed_in(next: Next, Form(form): Form<Posted>) -> SeeOther {
///     next.posted(form.next).redirect_or("/")
/// }
/// ```
///
/// [`Config::allow_next_host`]: crate::Config::allow_next_host
#[derive(Debug, Clone)]
pub struct Next {
    asked: Option<String>,
    again: Again,
    hosts: Vec<String>,
    scheme: Scheme,
}

/// Is it somebody who is signed in, and whose password is asked for once more?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Again {
    Yes,
    No,
}

/// The name in the query of the login page by which it is told to ask again.
pub(crate) const REAUTHENTICATE: &str = "reauthenticate";

impl Next {
    /// The same with the `next` that a form has posted, when it has posted one: that counts before the
    /// query's.
    ///
    /// ```
    /// # use housekey::axum::Next;
    /// fn target(next: Next, posted: Option<String>) -> String {
    ///     next.posted(posted).get().unwrap_or("/").to_owned()
    /// }
    /// ```
    #[must_use]
    pub fn posted(mut self, next: Option<String>) -> Self {
        self.asked = next.or(self.asked);
        self
    }

    /// Where the visitor wants to go, if it is safe; as it was asked for, to be escaped in HTML and quoted in
    /// a header.
    ///
    /// ```
    /// # use housekey::axum::Next;
    /// async fn hidden_field(next: Next) -> String {
    ///     next.get().unwrap_or_default().to_owned()
    /// }
    /// ```
    #[must_use]
    pub fn get(&self) -> Option<&str> {
        self.asked.as_deref().filter(|url| self.is_safe(url))
    }

    /// Sends the visitor there (303), or to this address of yours when it is not safe or not asked for.
    ///
    /// ```
    /// # use housekey::axum::{Next, SeeOther};
    /// async fn is_signed_in_already(next: Next) -> SeeOther {
    ///     next.redirect_or("/")
    /// }
    /// ```
    #[must_use]
    pub fn redirect_or(&self, default: &str) -> SeeOther {
        SeeOther::to(self.get().unwrap_or(default))
    }

    /// Was the visitor sent here by [`Fresh`](super::Fresh), to prove the password once more? A login page sends who
    /// is signed in on to [`Next`], but not for this.
    ///
    /// ```
    /// # use housekey::{User, axum::Next};
    /// fn needs_the_form(user: Option<User>, next: &Next) -> bool {
    ///     user.is_none() || next.asks_again()
    /// }
    /// ```
    #[must_use]
    pub fn asks_again(&self) -> bool {
        self.again == Again::Yes
    }

    fn is_safe(&self, url: &str) -> bool {
        next::is_safe(url, self.hosts.iter().map(String::as_str), self.scheme)
    }

    pub(crate) fn of(front: &Front, head: &impl Head) -> Self {
        let mut asked = None;
        let mut again = Again::No;
        for (name, value) in form_urlencoded::parse(head.query().as_bytes()) {
            match &*name {
                "next" => asked = Some(value.into_owned()),
                REAUTHENTICATE => again = Again::Yes,
                _ => {}
            }
        }
        let here = Some(front.host(head)).filter(|host| !host.is_empty()).map(str::to_owned);
        Self {
            asked,
            again,
            hosts: here.into_iter().chain(front.next_hosts.iter().cloned()).collect(),
            scheme: match front.scheme(head) {
                csrf::Scheme::Https => Scheme::HttpsOnly,
                csrf::Scheme::Http => Scheme::HttpOrHttps,
            },
        }
    }
}

/// An answer that sends the visitor to another address (303 See Other).
///
/// ```
/// # use housekey::axum::{Next, SeeOther};
/// async fn done(next: Next) -> SeeOther {
///     next.redirect_or("/")
/// }
/// ```
#[derive(Debug, Clone)]
pub struct SeeOther(pub(crate) String);

impl SeeOther {
    /// To an address of the app's own choice; one that a visitor has chosen goes through [`Next`].
    ///
    /// ```
    /// # use housekey::{Error, axum::{AuthSession, SeeOther}};
    /// async fn logout(auth: AuthSession) -> Result<SeeOther, Error> {
    ///     auth.logout().await?;
    ///     Ok(SeeOther::to("/"))
    /// }
    /// ```
    #[must_use]
    pub fn to(address: &str) -> Self {
        Self(next::to_uri(address))
    }
}
