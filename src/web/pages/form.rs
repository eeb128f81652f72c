//! What a form has posted.

/// Its fields in their order; a name may come more than once.
#[derive(Default, Clone)]
pub(super) struct Posted(Vec<(String, String)>);

impl Posted {
    pub(super) fn of(body: &[u8]) -> Self {
        let fields = form_urlencoded::parse(body);
        Self(fields.map(|(name, value)| (name.into_owned(), value.into_owned())).collect())
    }

    /// The first of that name; what was not posted is empty.
    pub(super) fn text(&self, name: &str) -> &str {
        let first = self.0.iter().find(|(of, _)| of == name);
        first.map_or("", |(_, value)| value)
    }

    /// The same without white space around it.
    pub(super) fn trimmed(&self, name: &str) -> String {
        self.text(name).trim().to_owned()
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.0.iter().any(|(of, _)| of == name)
    }

    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        self.0.iter().filter(|(of, _)| of == name).map(|(_, value)| value.as_str()).collect()
    }
}
