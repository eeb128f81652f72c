//! What is answered when the house does not let somebody in, or does not answer itself.

use std::fmt::Write as _;

use super::head::Form;
use crate::error::Error;

/// Nothing of these pages comes from elsewhere, and nothing may be done with them.
const CSP: &str = "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// An answer that is no success, before it is known in what form it is wanted (RFC 9457).
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    pub(crate) title: &'static str,
    pub(crate) detail: String,
    pub(crate) headers: Vec<(&'static str, String)>,
    /// Where people are sent instead, whose browser shows pages.
    pub(crate) page: Option<String>,
}

/// An answer as it goes out.
pub(crate) struct Rendered {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) body: String,
}

impl Problem {
    pub(crate) fn new(status: u16, title: &'static str, detail: impl Into<String>) -> Self {
        Self { status, title, detail: detail.into(), headers: Vec::new(), page: None }
    }

    #[must_use]
    pub(crate) fn with(mut self, header: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((header, value.into()));
        self
    }

    /// The app may have given the answer another status since: then it is no way to the login page any more.
    #[must_use]
    pub(crate) fn with_status(mut self, status: u16) -> Self {
        let ours = if self.page.is_some() { 303 } else { self.status };
        if status != ours {
            (self.status, self.page) = (status, None);
        }
        self
    }

    /// What the visitor is told; what went wrong inside goes into the log.
    pub(crate) fn of(error: &Error) -> Self {
        let problem = Self::told(error);
        // The log has a line for all that come while the house is away.
        if problem.status >= 500 && !matches!(error, Error::Away { .. }) {
            let cause = std::error::Error::source(error).map(ToString::to_string);
            tracing::error!(%error, cause, "a request could not be answered");
        }
        problem
    }

    /// 503 with `Retry-After` when waiting may help; 429 after too many wrong passwords; 403 for what a member of staff
    /// may not do; 400 when the session ended meanwhile or cannot hold a value, or a user or a group cannot be made or
    /// changed so; 500 otherwise.
    pub(crate) fn told(error: &Error) -> Self {
        match error {
            Error::SessionGone
            | Error::SessionValue { .. }
            | Error::User { .. }
            | Error::Group { .. }
            | Error::Unknown { .. }
            | Error::UsernameTaken { .. }
            | Error::GroupTaken { .. }
            | Error::StillReferred { .. } => {
                Self::new(400, "This cannot be done", error.to_string())
            }
            Error::Denied { why } => Self::new(403, "This is not yours to do", why.to_string()),
            Error::TooManyAttempts { wait } => {
                let seconds = wait.as_secs().max(1);
                let text =
                    format!("Too many wrong passwords. Please try again in {seconds} seconds.");
                Self::new(429, "Too many attempts", text).with("retry-after", seconds.to_string())
            }
            Error::NotBuiltIn(_) => {
                let text = "This app cannot check your password. Please sign in at another app of the house.";
                Self::new(500, "Your password cannot be checked here", text)
            }
            error if error.is_temporary() => {
                let text = "The house does not answer at the moment. Please try again.";
                Self::new(503, "Not at the moment", text).with("retry-after", "2")
            }
            _ => Self::new(500, "Something went wrong", "Something went wrong."),
        }
    }

    pub(crate) fn render(self, form: Form) -> Rendered {
        let Self { mut status, title, detail, mut headers, page } = self;
        headers.push(("cache-control", "no-store".to_owned()));
        if let (Some(page), Form::Html | Form::Text) = (page, form) {
            headers.retain(|(name, _)| *name != "www-authenticate");
            headers.push(("location", page));
            return Rendered { status: 303, headers, body: String::new() };
        }
        headers.push(("content-security-policy", CSP.to_owned()));
        let (kind, body) = match form {
            Form::Html => ("text/html; charset=utf-8", html(title, &detail)),
            Form::Json => ("application/problem+json", json(status, title, &detail)),
            Form::Text => ("text/plain; charset=utf-8", format!("{detail}\n")),
        };
        headers.push(("content-type", kind.to_owned()));
        if !(100..=599).contains(&status) {
            status = 500;
        }
        Rendered { status, headers, body }
    }
}

fn html(title: &str, detail: &str) -> String {
    let (title, detail) = (escape(title), escape(detail));
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title}</title>\n\
         <h1>{title}</h1>\n<p>{detail}</p>\n</html>\n"
    )
}

fn json(status: u16, title: &str, detail: &str) -> String {
    let problem = serde_json::json!({
        "type": "about:blank", "title": title, "status": status, "detail": detail,
    });
    format!("{problem}\n")
}

fn escape(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut escaped, letter| {
        match letter {
            '&' | '<' | '>' | '"' | '\'' => drop(write!(escaped, "&#{};", u32::from(letter))),
            _ => escaped.push(letter),
        }
        escaped
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_shows_what_it_says_and_runs_nothing() {
        let problem = Problem::new(403, "No", "Origin <script>alert('1')</script> & \"x\"");
        let page = problem.clone().render(Form::Html).body;
        assert!(!page.contains("<script"), "{page}");
        assert!(page.contains("&#60;script&#62;alert(&#39;1&#39;)"), "{page}");
        let body = problem.render(Form::Json).body;
        let body: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!(body["detail"], "Origin <script>alert('1')</script> & \"x\"");
        assert_eq!((&body["status"], &body["title"]), (&403.into(), &"No".into()));
    }

    #[test]
    fn what_staff_may_not_do_is_told_with_what_to_do() {
        use crate::error::Denied;
        for why in [Denied::NotStaff, Denied::Lacks("auth.add_user"), Denied::Yourself] {
            let problem = Problem::of(&why.into());
            assert_eq!((problem.status, problem.detail), (403, why.to_string()));
        }
        let taken = Problem::of(&Error::GroupTaken { name: "writers".to_owned() });
        assert_eq!((taken.status, taken.detail.starts_with("the group `writers`")), (400, true));
    }
}
