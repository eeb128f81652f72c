//! One visit to the pages: what is known of the visitor, and what is the same on all pages.

use std::sync::Arc;

use super::{Answer, Posted, status_of};
use crate::error::Error;
use crate::pages::{Frame, Language, Message, Note, Pages, View};
use crate::session::Session;
use crate::user::User;
use crate::web::head::Head;
use crate::web::login::{self, Here};
use crate::web::require::{Denial, Requirement};
use crate::web::{AuthSession, Next, SeeOther, Visit};

pub(super) struct Room<'a, H> {
    pub(super) pages: &'a Pages,
    pub(super) visit: &'a Arc<Visit>,
    pub(super) head: &'a H,
}

impl<'a, H: Head> Room<'a, H> {
    pub(super) fn new(pages: &'a Pages, visit: &'a Arc<Visit>, head: &'a H) -> Self {
        Self { pages, visit, head }
    }

    /// The path below that of the pages.
    pub(super) fn path(&self) -> &str {
        self.head.path().strip_prefix(&self.pages.base).unwrap_or_default()
    }

    /// An address among the pages.
    pub(super) fn url(&self, path: &str) -> String {
        format!("{}{path}", self.pages.base)
    }

    pub(super) fn query(&self, name: &str) -> Option<String> {
        let fields = form_urlencoded::parse(self.head.query().as_bytes());
        fields.into_iter().find(|(of, _)| of == name).map(|(_, value)| value.into_owned())
    }

    pub(super) fn next(&self, posted: &Posted) -> Next {
        let posted = posted.has("next").then(|| posted.text("next").to_owned());
        Next::of(&self.visit.front, self.head).posted(posted)
    }

    pub(super) async fn session(&self) -> Result<Session, Error> {
        self.visit.session(|| self.visit.front.visitor(self.head)).await
    }

    pub(super) async fn auth(&self) -> Result<AuthSession, Error> {
        Ok(AuthSession::new(Arc::clone(self.visit), self.session().await?))
    }

    /// Who is signed in; others are sent to sign in.
    pub(super) async fn user(&self) -> Result<User, Answer> {
        let visitor = || self.visit.front.visitor(self.head);
        match self.visit.require(&Requirement::SignedIn, visitor).await {
            Ok(admitted) => Ok(admitted.user),
            Err(denial) => Err(self.turn_away(denial)),
        }
    }

    fn turn_away(&self, denial: Denial) -> Answer {
        let mut problem = self.visit.front.turn_away(denial, self.head);
        if problem.status == 401 && problem.page.is_none() {
            // The app has no other page for it (LOGIN_URL).
            let here = Here { scheme: "", host: "", path: self.head.path_and_query() };
            problem.page = Some(login::page(&self.url("/login"), here, ""));
        }
        problem.into()
    }

    /// What stands around a page for this visitor, with what the page before has done.
    pub(super) async fn frame(&self) -> Result<Frame, Error> {
        let user = self.session().await?.user();
        let permissions = match &user {
            Some(user) if user.is_staff => self.auth().await?.permissions().await?,
            _ => crate::user::Permissions::default(),
        };
        let sees = |model: &str| {
            let may = |deed: &str| permissions.has_perm(&format!("auth.{deed}_{model}"));
            may("view") || may("change")
        };
        Ok(Frame {
            app: self.pages.title.clone().unwrap_or_else(|| self.visit.front.app.clone()),
            home: self.pages.home.clone(),
            base: self.pages.base.clone(),
            extra_stylesheet: self.pages.stylesheet.clone(),
            language: self.language(),
            csrf_token: self.visit.token(self.head).token(),
            sees_users: sees("user"),
            sees_groups: sees("group"),
            signed_in: user.map(|user| user.full_name()),
            message: self.query("done").and_then(|code| Message::of_code(&code)),
            now: self.visit.front.clock.now(),
        })
    }

    fn language(&self) -> Language {
        let wanted = || Language::of(self.head.text("accept-language").unwrap_or_default());
        self.pages.language.unwrap_or_else(wanted)
    }

    /// The same with what is the matter, if something is.
    pub(super) async fn frame_with(&self, problem: Option<Message>) -> Result<Frame, Error> {
        let frame = self.frame().await?;
        Ok(Frame { message: problem.or(frame.message), ..frame })
    }

    pub(super) fn show(&self, problem: Option<Message>, view: &View<'_>) -> Answer {
        let wait = match problem {
            Some(Message::TooManyAttempts { seconds }) => Some(seconds),
            _ => None,
        };
        Answer::Page { status: status_of(problem), html: self.pages.render(view), wait }
    }

    /// A page that says one thing.
    pub(super) async fn note(&self, message: Message) -> Answer {
        match self.frame_with(Some(message)).await {
            Ok(frame) => self.show(Some(message), &View::Note(&Note { frame })),
            Err(error) => error.into(),
        }
    }

    /// Where who has signed in goes.
    pub(super) fn onwards(&self, next: &Next) -> Answer {
        Answer::SeeOther(next.redirect_or(&self.pages.home))
    }

    /// To another of the pages, which tells what was done.
    pub(super) fn done(&self, path: &str, message: Message) -> Answer {
        Answer::SeeOther(SeeOther::to(&format!("{}?done={}", self.url(path), message.code())))
    }
}
