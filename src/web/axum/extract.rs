use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Uri};

use super::layer::{Asked, cookie_lines};
use super::refusal::{must_sign_in, see_other};
use crate::config::Https;
use crate::error::Error;
use crate::next::{self, Scheme};
use crate::session::{Session, header};
use crate::user::User;
use crate::web::{Front, Visit, login};

/// The visitor's session. Never refuses a visitor: an unknown cookie is an empty session.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        session(parts).await
    }
}

/// Someone is signed in; others get 401, or are sent to `LOGIN_URL` when there is one.
impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let asked = asked(parts).map_err(IntoResponse::into_response)?;
        let session = session(parts).await.map_err(IntoResponse::into_response)?;
        session.user().ok_or_else(|| must_sign_in(login_page(asked, parts).as_deref()))
    }
}

/// Whoever is signed in, if someone is.
impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        Ok(session(parts).await?.user())
    }
}

/// What every form of a page must hold, so that no other site can send it in the visitor's name
/// (Django's `{% csrf_token %}`).
///
/// ```
/// use axum::response::Html;
/// use housekey::axum::CsrfToken;
///
/// async fn form(csrf: CsrfToken) -> Html<String> {
///     Html(format!("<form method=post>{} <button>Sign out</button></form>", csrf.input()))
/// }
/// ```
#[derive(Clone)]
pub struct CsrfToken {
    visit: Arc<Visit>,
    cookie: Option<String>,
}

impl CsrfToken {
    /// The token, for the header `X-CSRFToken` of a script's requests or a field of your own making. Each
    /// call gives another text for the same secret.
    ///
    /// ```
    /// # use housekey::axum::CsrfToken;
    /// async fn token(csrf: CsrfToken) -> String {
    ///     csrf.token()
    /// }
    /// ```
    #[must_use]
    pub fn token(&self) -> String {
        self.visit.csrf_token(self.cookie.as_deref())
    }

    /// The token as a hidden field: `<input type="hidden" name="csrfmiddlewaretoken" value="...">`.
    ///
    /// ```
    /// # use housekey::axum::CsrfToken;
    /// async fn button(csrf: CsrfToken) -> String {
    ///     format!("<form method=post action=/logout>{}<button>Sign out</button></form>", csrf.input())
    /// }
    /// ```
    #[must_use]
    pub fn input(&self) -> String {
        format!(r#"<input type="hidden" name="csrfmiddlewaretoken" value="{}">"#, self.token())
    }
}

impl std::fmt::Debug for CsrfToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CsrfToken")
    }
}

/// Asks nothing of the database.
impl<S: Send + Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let visit = Arc::clone(&asked(parts)?.visit);
        let name = &visit.front.csrf_cookie.cookie_name;
        let cookie = header::find(cookie_lines(&parts.headers), name).map(str::to_owned);
        Ok(Self { visit, cookie })
    }
}

/// Where a visitor wants to go after the login: the `next` of the request's query, if it is safe
/// (`RedirectURLMixin` of `django/contrib/auth/views.py`).
///
/// Safe is what stays on the host that was asked, or on one of [`Config::allow_next_host`]; after HTTPS only
/// HTTPS is.
///
/// ```
/// use axum::{Form, response::Response};
/// use housekey::axum::Next;
///
/// #[derive(serde::Deserialize)]
/// struct Posted {
///     next: Option<String>,
/// }
///
/// async fn signed_in(next: Next, Form(form): Form<Posted>) -> Response {
///     next.posted(form.next).redirect_or("/")
/// }
/// ```
///
/// [`Config::allow_next_host`]: crate::Config::allow_next_host
#[derive(Debug, Clone)]
pub struct Next {
    asked: Option<String>,
    hosts: Vec<String>,
    scheme: Scheme,
}

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
    /// # use housekey::axum::Next;
    /// # use axum::response::Response;
    /// async fn is_signed_in_already(next: Next) -> Response {
    ///     next.redirect_or("/")
    /// }
    /// ```
    #[must_use]
    pub fn redirect_or(&self, default: &str) -> Response {
        see_other(&next::to_uri(self.get().unwrap_or(default)))
    }

    fn is_safe(&self, url: &str) -> bool {
        next::is_safe(url, self.hosts.iter().map(String::as_str), self.scheme)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Next {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let asked = asked(parts)?;
        let front = &asked.visit.front;
        let query = parts.uri.query().unwrap_or_default();
        let texts = form_urlencoded::parse(query.as_bytes()).filter(|(name, _)| name == "next");
        let here = host(&parts.headers, &asked.uri).map(str::to_owned);
        Ok(Self {
            asked: texts.last().map(|(_, url)| url.into_owned()),
            hosts: here.into_iter().chain(front.next_hosts.iter().cloned()).collect(),
            scheme: if front.is_secure(&parts.headers, &asked.uri) {
                Scheme::HttpsOnly
            } else {
                Scheme::HttpOrHttps
            },
        })
    }
}

async fn session(parts: &Parts) -> Result<Session, Error> {
    let visit = &asked(parts)?.visit;
    visit.session(|| visit.front.visitor(parts)).await
}

fn asked(parts: &Parts) -> Result<&Asked, Error> {
    parts.extensions.get::<Asked>().ok_or_else(|| {
        Error::config(
            "HousekeyLayer",
            "is not around this route; add .layer(HousekeyLayer::new(&house))",
        )
    })
}

fn login_page(asked: &Asked, parts: &Parts) -> Option<String> {
    let front = &asked.visit.front;
    let path = asked.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    let scheme = if front.is_secure(&parts.headers, &asked.uri) { "https" } else { "http" };
    let host = host(&parts.headers, &asked.uri).unwrap_or_default();
    Some(login::page(front.login_url.as_deref()?, login::Here { scheme, host, path }))
}

/// The host that was asked, with its port when it was named.
pub(super) fn host<'a>(headers: &'a HeaderMap, uri: &'a Uri) -> Option<&'a str> {
    let header = headers.get(http::header::HOST).and_then(|host| host.to_str().ok());
    header.or_else(|| uri.authority().map(http::uri::Authority::as_str))
}

impl Front {
    /// Did the request come over HTTPS, as far as can be known?
    pub(super) fn is_secure(&self, headers: &HeaderMap, uri: &Uri) -> bool {
        match &self.https {
            Https::ByHeader { name, value } => {
                // The proxies in between may have added theirs; the first is the visitor's.
                let said = headers.get(name).and_then(|said: &HeaderValue| said.to_str().ok());
                said.and_then(|said| said.split(',').next())
                    .is_some_and(|said| said.trim() == value)
            }
            Https::ByAddress => uri.scheme_str() == Some("https"),
            Https::Always => true,
        }
    }
}
