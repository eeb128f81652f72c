use std::sync::Arc;

use super::Visit;

/// What every form of a page must hold, so that no other site can send it in the visitor's name
/// (Django's `{% csrf_token %}`). It asks nothing of the database.
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
    pub(crate) visit: Arc<Visit>,
    pub(crate) cookie: Option<String>,
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
