//! Who may come in, and what others are told.

use std::borrow::Cow;

use super::head::Head;
use super::next::REAUTHENTICATE;
use super::problem::Problem;
use super::{Front, Visit, login};
use crate::error::Error;
use crate::events::EventKind;
use crate::next::to_uri;
use crate::session::visitor::Visitor;
use crate::user::{Permissions, User};

/// What a route asks of its visitor.
#[derive(Debug, Clone)]
pub(crate) enum Requirement {
    SignedIn,
    Staff,
    Permission(Cow<'static, str>),
    /// Minutes since the login.
    Fresh(u32),
}

/// What a layer asks of the visitors of all routes inside.
#[derive(Debug, Clone)]
pub(crate) struct Rule {
    pub(crate) requirement: Requirement,
    /// Paths that are for everyone; one that ends in `/` stands for all below, but `/` for itself.
    open: Vec<String>,
}

impl Rule {
    pub(crate) fn new(requirement: Requirement) -> Self {
        Self { requirement, open: Vec::new() }
    }

    pub(crate) fn open(&mut self, path: String) {
        self.open.push(path);
    }

    pub(crate) fn is_open(&self, head: &impl Head) -> bool {
        let path = head.path();
        // All paths are below `/`, which is meant for itself.
        let is_below = |open: &str| open.len() > 1 && open.ends_with('/') && path.starts_with(open);
        self.open.iter().any(|open| path == open || is_below(open))
    }
}

/// Who was let in, with what was read to know it.
pub(crate) struct Admitted {
    pub(crate) user: User,
    /// Read only when a permission is asked for.
    pub(crate) permissions: Option<Permissions>,
}

/// Why somebody is not let in.
pub(crate) enum Denial {
    Stranger,
    NotStaff,
    Lacks(Cow<'static, str>),
    Stale(u32),
    House(Error),
}

impl From<Error> for Denial {
    fn from(error: Error) -> Self {
        Self::House(error)
    }
}

impl Visit {
    pub(crate) async fn require(
        &self,
        requirement: &Requirement,
        visitor: impl FnOnce() -> Visitor,
    ) -> Result<Admitted, Denial> {
        let session = self.session(visitor).await?;
        let user = self.peek(&session)?.user.as_deref().cloned().ok_or(Denial::Stranger)?;
        let mut permissions = None;
        match requirement {
            Requirement::SignedIn => {}
            Requirement::Staff if user.is_staff => {}
            Requirement::Staff => {
                self.front.auth.report(EventKind::PermissionDenied, &session, "is_staff");
                return Err(Denial::NotStaff);
            }
            Requirement::Permission(name) => {
                let all = Box::pin(self.front.permissions(&user)).await?;
                if !all.has_perm(name) {
                    self.front.auth.report(EventKind::PermissionDenied, &session, name);
                    return Err(Denial::Lacks(name.clone()));
                }
                permissions = Some(all);
            }
            Requirement::Fresh(minutes) => {
                let key = self.peek(&session)?.key.clone();
                let within = f64::from(*minutes) * 60.0;
                let fresh = self.front.look(move |auth| auth.is_fresh(key.as_ref(), within));
                if !fresh.await? {
                    return Err(Denial::Stale(*minutes));
                }
            }
        }
        Ok(Admitted { user, permissions })
    }
}

impl Front {
    /// Is this path for everyone? The login page is, or nobody could sign in.
    pub(crate) fn lets_in(&self, rule: &Rule, head: &impl Head) -> bool {
        let page = self.login_url.as_deref().filter(|url| url.starts_with('/'));
        let page = page.and_then(|url| url.split(['?', '#']).next());
        rule.is_open(head) || page == Some(head.path())
    }

    /// People are sent to `LOGIN_URL` when there is one, scripts are told by status and `WWW-Authenticate`.
    pub(crate) fn turn_away(&self, denial: Denial, head: &impl Head) -> Problem {
        match denial {
            Denial::House(error) => Problem::of(&error),
            Denial::Stranger => {
                let problem = Problem::new(401, "Sign in", "Sign in first.");
                self.to_the_login(problem, head, "", "")
            }
            Denial::Stale(minutes) => {
                // RFC 9470
                let error = format!(
                    r#", error="insufficient_user_authentication", max_age={}"#,
                    u64::from(minutes) * 60
                );
                let text = "Enter your password once more.";
                let problem = Problem::new(401, "Sign in again", text);
                self.to_the_login(problem, head, REAUTHENTICATE, &error)
            }
            Denial::NotStaff => self.not_allowed(r#", error="insufficient_scope""#),
            Denial::Lacks(name) => {
                let name = plain(&name);
                // RFC 6750
                self.not_allowed(&format!(r#", error="insufficient_scope", scope="{name}""#))
            }
        }
    }

    fn to_the_login(&self, problem: Problem, head: &impl Head, flag: &str, error: &str) -> Problem {
        let page = self.login_page(head, flag);
        Problem { page, ..problem.with("www-authenticate", self.challenge(error)) }
    }

    fn not_allowed(&self, error: &str) -> Problem {
        Problem::new(403, "Not allowed", "You may not do this.")
            .with("www-authenticate", self.challenge(error))
    }

    /// Who sends a session cookie is known by it: no scheme for that is registered, and browsers ask for no
    /// password by one that they do not know.
    fn challenge(&self, error: &str) -> String {
        let realm = plain(&self.app);
        format!(r#"Cookie realm="{realm}", cookie-name="{}"{error}"#, self.cookie.name)
    }

    fn login_page(&self, head: &impl Head, flag: &str) -> Option<String> {
        let scheme = if self.is_secure(head) { "https" } else { "http" };
        let (host, path) = (self.host(head), head.path_and_query());
        let page =
            login::page(self.login_url.as_deref()?, login::Here { scheme, host, path }, flag);
        Some(to_uri(&page))
    }
}

/// As it may stand between quotes in a header.
fn plain(text: &str) -> String {
    let is_plain = |letter: &char| (' '..='~').contains(letter) && !['"', '\\'].contains(letter);
    text.chars().filter(is_plain).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::web::head::tests::Asked;

    #[test]
    fn what_stands_between_quotes_ends_nothing() {
        assert_eq!(plain("notes.add_note"), "notes.add_note");
        assert_eq!(plain("a\"b\\c\r\nd größe"), "abcd gre");
    }

    fn is_open(open: &[&str], path: &'static str) -> bool {
        let mut rule = Rule::new(Requirement::SignedIn);
        for path in open {
            rule.open((*path).to_owned());
        }
        rule.is_open(&Asked { path, headers: &[], peer: None })
    }

    #[test]
    fn a_path_is_open_itself_and_a_folder_with_all_below() {
        let open = ["/", "/login", "/static/"];
        for path in ["/", "/?a=/login", "/login", "/login?next=/notes", "/static/", "/static/a/b"] {
            assert!(is_open(&open, path), "{path}");
        }
        for path in
            ["/notes", "/login/", "/loginx", "/static", "/notes?a=/static/", "//", "/x/static/"]
        {
            assert!(!is_open(&open, path), "{path}");
        }
    }
}
