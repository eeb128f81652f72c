//! The permissions that an app's own models bring along, declared in Rust.

/// The permissions of one model of an app: rows of `django_content_type` and `auth_permission`, which
/// [`migrate`](crate::migrate) makes. Usually written by [`permissions!`](crate::permissions!).
///
/// The app label is one name space over all apps of the house, Django's too: give each app a label of
/// its own.
///
/// ```
/// use housekey::ModelPermissions;
/// let invoice = ModelPermissions::new("billing", "Invoice")
///     .action("add")
///     .permission("approve_invoice", "Can approve invoice");
/// assert_eq!(invoice.names(), ["billing.add_invoice", "billing.approve_invoice"]);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ModelPermissions {
    pub(crate) app_label: String,
    /// In lower case, as in `django_content_type`.
    pub(crate) model: String,
    verbose_name: String,
    pub(crate) permissions: Vec<Permission>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Permission {
    pub(crate) codename: String,
    pub(crate) name: String,
}

impl ModelPermissions {
    /// A model without permissions: the label of its app, and its name as a type is written.
    ///
    /// ```
    /// assert!(housekey::ModelPermissions::new("billing", "Invoice").names().is_empty());
    /// ```
    #[must_use]
    pub fn new(app_label: &str, model: &str) -> Self {
        Self {
            app_label: app_label.to_owned(),
            model: model.to_lowercase(),
            verbose_name: verbose(model),
            permissions: Vec::new(),
        }
    }

    /// Adds one of Django's default permissions: `add`, `change`, `delete` or `view`.
    ///
    /// ```
    /// let line = housekey::ModelPermissions::new("billing", "InvoiceLine").action("view");
    /// assert_eq!(line.names(), ["billing.view_invoiceline"]);
    /// ```
    #[must_use]
    pub fn action(self, action: &str) -> Self {
        let codename = format!("{action}_{}", self.model);
        let name = format!("Can {action} {}", self.verbose_name);
        self.permission(&codename, &name)
    }

    /// Adds a permission of its own (Django's `Meta.permissions`): the name in code, and one for people.
    ///
    /// ```
    /// let invoice = housekey::ModelPermissions::new("billing", "Invoice");
    /// let invoice = invoice.permission("approve_invoice", "Can approve invoice");
    /// assert_eq!(invoice.names(), ["billing.approve_invoice"]);
    /// ```
    #[must_use]
    pub fn permission(mut self, codename: &str, name: &str) -> Self {
        let permission = Permission { codename: codename.to_owned(), name: name.to_owned() };
        self.permissions.push(permission);
        self
    }

    /// What [`Permissions::has_perm`](crate::Permissions::has_perm) calls them.
    ///
    /// ```
    /// let invoice = housekey::ModelPermissions::new("billing", "Invoice").action("add");
    /// assert_eq!(invoice.names(), ["billing.add_invoice"]);
    /// ```
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let name = |permission: &Permission| format!("{}.{}", self.app_label, permission.codename);
        self.permissions.iter().map(name).collect()
    }

    /// What the columns could not hold, if there is something.
    pub(crate) fn problem(&self) -> Option<String> {
        let Self { app_label, model, .. } = self;
        let fits = |text: &str, most: usize| (1..=most).contains(&text.chars().count());
        if !fits(app_label, 100) || app_label.contains('.') {
            return Some(format!("has the app label `{app_label}`; give 1 to 100 letters, no dot"));
        }
        if !fits(model, 100) {
            return Some(format!("has the model `{model}`; give a name of 1 to 100 characters"));
        }
        let odd = |one: &&Permission| !fits(&one.codename, 100) || !fits(&one.name, 255);
        self.permissions.iter().find(odd).map(|Permission { codename, .. }| {
            format!(
                "has the permission `{app_label}.{codename}`; give a codename of 1 to 100 characters \
                 and a name of 1 to 255"
            )
        })
    }
}

/// `InvoiceLine` is an "invoice line" (`camel_case_to_spaces` of `django/utils/text.py`).
fn verbose(model: &str) -> String {
    let letters: Vec<char> = model.chars().collect();
    let mut words = String::new();
    for (at, letter) in letters.iter().enumerate() {
        let after_small = at > 0 && letters[at - 1].is_ascii_lowercase();
        let before_other = letters.get(at + 1).is_some_and(|next| !next.is_ascii_uppercase());
        if letter.is_ascii_uppercase() && (after_small || before_other) {
            words.push(' ');
        }
        words.push(*letter);
    }
    words.trim().to_lowercase()
}

/// Declares the permissions of an app's own models, for [`Config::permissions`](crate::Config::permissions).
///
/// Each model stands behind the label of its app. `add`, `change`, `delete` and `view` are Django's default
/// permissions; others are a codename and a name for people.
///
/// ```
/// let models = housekey::permissions! {
///     "billing": Invoice { add, change, "approve_invoice" = "Can approve invoice" }
///     "billing": InvoiceLine { view }
/// };
/// let names: Vec<String> = models.iter().flat_map(|model| model.names()).collect();
/// assert_eq!(
///     names,
///     ["billing.add_invoice", "billing.change_invoice", "billing.approve_invoice", "billing.view_invoiceline"]
/// );
/// ```
#[macro_export]
macro_rules! permissions {
    ($($label:literal : $model:ident { $($body:tt)* })*) => {
        [$($crate::permissions!(@model $crate::ModelPermissions::new($label, stringify!($model)); $($body)*)),*]
    };
    (@model $model:expr;) => { $model };
    (@model $model:expr; $codename:literal = $name:literal $(, $($rest:tt)*)?) => {
        $crate::permissions!(@model $model.permission($codename, $name); $($($rest)*)?)
    };
    (@model $model:expr; add $(, $($rest:tt)*)?) => {
        $crate::permissions!(@model $model.action("add"); $($($rest)*)?)
    };
    (@model $model:expr; change $(, $($rest:tt)*)?) => {
        $crate::permissions!(@model $model.action("change"); $($($rest)*)?)
    };
    (@model $model:expr; delete $(, $($rest:tt)*)?) => {
        $crate::permissions!(@model $model.action("delete"); $($($rest)*)?)
    };
    (@model $model:expr; view $(, $($rest:tt)*)?) => {
        $crate::permissions!(@model $model.action("view"); $($($rest)*)?)
    };
}

#[cfg(test)]
mod tests {
    use super::verbose;

    /// The right side is what `camel_case_to_spaces` of Django 5.2 answers.
    #[test]
    fn models_are_called_as_django_calls_them() {
        let cases = [
            ("Invoice", "invoice"),
            ("InvoiceLine", "invoice line"),
            ("HTTPServer", "http server"),
            ("OldURL", "old url"),
            ("A", "a"),
            ("invoice", "invoice"),
            ("Plan9Item", "plan9 item"),
        ];
        for (model, name) in cases {
            assert_eq!(verbose(model), name);
        }
    }
}
