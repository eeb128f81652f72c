//! Where the pages are, and what an app has changed of them.

use std::fmt;
use std::sync::Arc;

use super::{
    Account, ChangePassword, EditGroup, EditUser, Groups, Language, NewUser, Note, PasswordLink,
    Sessions, SetPassword, SignIn, SignOut, Users,
};

/// The pages of an app: where they are, and what is different about them.
///
/// ```
/// use housekey::pages::Pages;
/// let pages = Pages::at("/account").with_title("Billing").with_home("/invoices");
/// ```
#[derive(Clone)]
pub struct Pages {
    pub(crate) base: String,
    pub(crate) home: String,
    pub(crate) title: Option<String>,
    pub(crate) language: Option<Language>,
    pub(crate) stylesheet: Option<String>,
    template: Option<Arc<Template>>,
}

type Template = dyn Fn(&View<'_>) -> Option<String> + Send + Sync;

impl Pages {
    /// The pages below that path; `""` or `"/"` when the app has no others.
    ///
    /// ```
    /// let pages = housekey::pages::Pages::at("/account");
    /// ```
    #[must_use]
    pub fn at(path: &str) -> Self {
        let path = path.trim_matches('/');
        let base = if path.is_empty() { String::new() } else { format!("/{path}") };
        Self {
            base,
            home: "/".to_owned(),
            title: None,
            language: None,
            stylesheet: None,
            template: None,
        }
    }

    /// What the app is called on the pages, unless it is the name of the app in the house.
    ///
    /// ```
    /// let pages = housekey::pages::Pages::at("/account").with_title("Billing");
    /// ```
    #[must_use]
    pub fn with_title(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Where who has signed in goes, unless to `next`, and where the app's name on the pages leads: `/`
    /// unless something else is said.
    ///
    /// ```
    /// let pages = housekey::pages::Pages::at("/account").with_home("/invoices");
    /// ```
    #[must_use]
    pub fn with_home(mut self, path: impl Into<String>) -> Self {
        self.home = path.into();
        self
    }

    /// One language for all, instead of the one that each browser asks for.
    ///
    /// ```
    /// use housekey::pages::{Language, Pages};
    /// let pages = Pages::at("/account").with_language(Language::German);
    /// ```
    #[must_use]
    pub fn with_language(mut self, language: Language) -> Self {
        self.language = Some(language);
        self
    }

    /// One more stylesheet, at this address, after that of the pages. It needs little: `:root { --accent: #8a4b08 }`.
    ///
    /// ```
    /// let pages = housekey::pages::Pages::at("/account").with_stylesheet("/static/mine.css");
    /// ```
    #[must_use]
    pub fn with_stylesheet(mut self, url: impl Into<String>) -> Self {
        self.stylesheet = Some(url.into());
        self
    }

    /// HTML of your own for some of the pages; what the function leaves is ours.
    ///
    /// ```
    /// use housekey::pages::{Pages, SignIn, View};
    ///
    /// fn my_sign_in(page: &SignIn) -> String {
    ///     format!("... <input type=hidden name=csrfmiddlewaretoken value={}> ...", page.frame.csrf_token)
    /// }
    ///
    /// let pages = Pages::at("/account").with_template(|page| match page {
    ///     View::SignIn(page) => Some(my_sign_in(page)),
    ///     _ => None,
    /// });
    /// ```
    #[must_use]
    pub fn with_template(
        mut self,
        template: impl Fn(&View<'_>) -> Option<String> + Send + Sync + 'static,
    ) -> Self {
        self.template = Some(Arc::new(template));
        self
    }

    pub(crate) fn render(&self, view: &View<'_>) -> String {
        let own = self.template.as_ref().and_then(|template| template(view));
        own.unwrap_or_else(|| view.to_html())
    }
}

impl fmt::Debug for Pages {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pages").field("base", &self.base).finish_non_exhaustive()
    }
}

macro_rules! views {
    ($($page:ident: $doc:literal),* $(,)?) => {
        /// One of the pages, for [`Pages::with_template`].
        ///
        /// ```
        /// use housekey::pages::{SignIn, View};
        /// let page = SignIn::default();
        /// assert_eq!(View::SignIn(&page).to_html(), page.to_html());
        /// ```
        #[non_exhaustive]
        #[derive(Debug, Clone, Copy)]
        pub enum View<'a> {
            $(#[doc = $doc] $page(&'a $page)),*
        }

        impl View<'_> {
            /// The page as housekey makes it.
            ///
            /// ```
            /// use housekey::pages::{SignOut, View};
            /// let html = View::SignOut(&SignOut::default()).to_html();
            /// ```
            #[must_use]
            pub fn to_html(&self) -> String {
                match self { $(Self::$page(page) => page.to_html()),* }
            }
        }
    };
}

views! {
    SignIn: "To sign in.",
    SignOut: "To sign out.",
    Account: "Where to go from here.",
    ChangePassword: "To change the password.",
    SetPassword: "To set a password by a link.",
    Sessions: "Where one is signed in.",
    Users: "The users of the house.",
    NewUser: "A new user.",
    EditUser: "One user.",
    PasswordLink: "A link for a password.",
    Groups: "The groups of the house.",
    EditGroup: "One group.",
    Note: "A page that says one thing.",
}

/// Gives a page its function. The template finds the page as `page` and the texts of its language as `t`.
macro_rules! page {
    ($page:ident, $path:tt) => {
        impl $page {
            /// The whole page as HTML; whatever the fields hold is text in it.
            ///
            /// ```
            #[doc = concat!("fn show(page: &housekey::pages::", stringify!($page), ") -> String {")]
            ///     page.to_html()
            /// }
            /// ```
            #[must_use]
            pub fn to_html(&self) -> String {
                #[derive(askama::Template)]
                #[template(path = $path, whitespace = "minimize")]
                struct Shown<'a> {
                    page: &'a $page,
                    t: &'static super::texts::Texts,
                }
                let shown = Shown { page: self, t: self.frame.language.texts() };
                // Writing to a String does not fail.
                super::plain::visible(askama::Template::render(&shown).unwrap_or_default())
            }
        }
    };
}
pub(super) use page;
