//! What a request has to pass before a handler sees it: the host, and Django's CSRF rules.

use super::form::{self, Kind, Token};
use super::head::Head;
use super::problem::Problem;
use super::{Front, Guard};
use crate::csrf::{self, Attempt, Failure};
use crate::events::EventKind;
use crate::session::header;

/// What is still to be done before the handler may have the request.
pub(crate) enum Admission {
    Granted,
    /// The token stands in the body, if anywhere.
    ReadForm(Kind),
}

impl Front {
    /// What costs nothing: for whom the request is, where it comes from, and a token in its header. When it is
    /// refused, its body should be drained.
    pub(crate) fn admit(&self, head: &impl Head) -> Result<Admission, Problem> {
        // A proxy in front may go by the other one (RFC 9112, 3.2).
        if head.lines("host").nth(1).is_some() {
            return Err(Problem::new(400, "Wrong host", "A request is for one host alone."));
        }
        let host = self.host(head);
        if !self.allowed_hosts.allow(host) {
            return Err(self.wrong_host(host));
        }
        if self.guard == Guard::Exempt || csrf::is_harmless(head.method()) {
            return Ok(Admission::Granted);
        }
        let attempt = self.attempt(head);
        let from = self.csrf.check_source(&attempt).and_then(|()| attempt.check_cookie());
        from.map_err(|failure| self.refused_by_csrf(head, &failure))?;
        match Kind::of(head) {
            Some(Kind::Urlencoded) if self.is_too_long(head) => Err(Self::too_long()),
            Some(kind) => Ok(Admission::ReadForm(kind)),
            None => self.check_token(head, &attempt).map(|()| Admission::Granted),
        }
    }

    /// The last step, with what was found in the body.
    pub(crate) fn admit_form(&self, head: &impl Head, token: &Token) -> Result<(), Problem> {
        let form = match token {
            Token::Found(token) => Some(token.as_str()),
            Token::Missing => None,
            Token::TooLong => return Err(Self::too_long()),
        };
        self.check_token(head, &Attempt { form, ..self.attempt(head) })
    }

    pub(crate) fn most_of_a_form(&self) -> usize {
        self.pages.most_of_a_form
    }

    fn check_token(&self, head: &impl Head, attempt: &Attempt<'_>) -> Result<(), Problem> {
        attempt.check_token().map_err(|failure| self.refused_by_csrf(head, &failure))
    }

    /// As far as it says so itself.
    fn is_too_long(&self, head: &impl Head) -> bool {
        let length = head.text("content-length").and_then(|length| length.parse::<usize>().ok());
        length.is_some_and(|length| length > self.most_of_a_form())
    }

    fn too_long() -> Problem {
        Problem::new(413, "Too much", "The form is too long.")
    }

    /// What the CSRF rules ask about a request.
    fn attempt<'a>(&self, head: &'a impl Head) -> Attempt<'a> {
        Attempt {
            method: head.method(),
            host: self.host(head),
            scheme: self.scheme(head),
            cookie: header::find(head.lines("cookie"), &self.csrf_cookie.cookie_name),
            form: None,
            header: head.text("x-csrftoken"),
            origin: head.text("origin"),
            referer: head.text("referer"),
            site: head.text("sec-fetch-site"),
        }
    }

    /// One line a second, however many are refused.
    fn refused_by_csrf(&self, head: &impl Head, failure: &Failure) -> Problem {
        let visitor = self.visitor(head);
        self.auth.report_stranger(EventKind::CsrfFailed, &visitor, &failure.to_string());
        if let Some(held_back) = self.complaints.may_speak() {
            tracing::warn!(
                app = self.app,
                held_back,
                "CSRF verification failed: {failure} If the page is one of yours: put CsrfToken::input into its \
                 form, name its origin in CSRF_TRUSTED_ORIGINS (it tells its origin when its Referrer-Policy is \
                 strict-origin-when-cross-origin), and behind a proxy that ends TLS set SECURE_PROXY_SSL_HEADER"
            );
        }
        Problem::new(403, "Not allowed", format!("CSRF verification failed. {failure}"))
    }

    fn wrong_host(&self, host: &str) -> Problem {
        if let Some(held_back) = self.complaints.may_speak() {
            tracing::warn!(
                app = self.app,
                held_back,
                host,
                "a request for a host that is not in ALLOWED_HOSTS; if it is one of this app's names, add it"
            );
        }
        Problem::new(400, "Wrong host", "This app does not answer for that host.")
    }
}

pub(crate) use form::{csrf_token, drain};
