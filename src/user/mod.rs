//! The people of the house, as `django.contrib.auth` keeps them.

pub(crate) mod declared;
pub(crate) mod granted;
pub(crate) mod grants;
pub(crate) mod permission;
pub(crate) mod removal;
pub(crate) mod store;

use chrono::{DateTime, Utc};

use crate::password::Person;
pub use granted::{Granted, Group};
pub use grants::Grant;
pub use permission::Permissions;

/// A user of the house: a row of `auth_user` without its password hash.
///
/// As an extractor of the web adapters it means "someone is signed in"; `Option<User>` means "if
/// someone is".
///
/// ```
/// fn greeting(user: Option<housekey::User>) -> String {
///     user.map_or("Hello!".to_owned(), |user| format!("Hello, {}!", user.username))
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// The primary key; local tables refer to it by a plain integer column.
    pub id: i64,
    /// Unique, at most 150 characters.
    pub username: String,
    /// May be empty.
    pub first_name: String,
    /// May be empty.
    pub last_name: String,
    /// May be empty.
    pub email: String,
    /// May sign in.
    pub is_active: bool,
    /// May open Django's admin.
    pub is_staff: bool,
    /// Has every permission.
    pub is_superuser: bool,
    /// The last login in any app, by the clock of the database.
    pub last_login: Option<DateTime<Utc>>,
    /// When the user was made.
    pub date_joined: DateTime<Utc>,
}

impl User {
    /// First and last name with a blank between (Django's `get_full_name`), or the user name when both
    /// are empty.
    ///
    /// ```
    /// fn title(user: &housekey::User) -> String {
    ///     format!("Notes of {}", user.full_name())
    /// }
    /// ```
    #[must_use]
    pub fn full_name(&self) -> String {
        let name = format!("{} {}", self.first_name, self.last_name);
        if name.trim().is_empty() { self.username.clone() } else { name.trim().to_owned() }
    }
}

impl<'a> From<&'a User> for Person<'a> {
    fn from(user: &'a User) -> Self {
        Self::new(&user.username).email(&user.email).names(&user.first_name, &user.last_name)
    }
}

/// What a link for a new password holds, from [`Housekey::reset_link`](crate::Housekey::reset_link); Django's
/// own links are `/reset/UID/TOKEN/`. It is as good as the password, so it goes to the user and nowhere else.
///
/// ```
/// fn address(link: &housekey::ResetLink) -> String {
///     format!("https://notes.example.org/reset/{}/{}/", link.uid, link.token)
/// }
/// ```
#[non_exhaustive]
#[derive(Clone, PartialEq, Eq)]
pub struct ResetLink {
    /// The user's id, as base64.
    pub uid: String,
    /// Good once, and as long as [`Config::password_reset_timeout`](crate::Config::password_reset_timeout).
    pub token: String,
}

impl std::fmt::Debug for ResetLink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ResetLink").field("uid", &self.uid).finish_non_exhaustive()
    }
}

/// May a user sign in?
///
/// ```
/// assert_ne!(housekey::Active::Yes, housekey::Active::No);
/// ```
#[expect(clippy::exhaustive_enums, reason = "there are two")]
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Active {
    /// The user may sign in; sessions from before live again.
    Yes,
    /// The user may not; sessions are nobody's until the user is active again.
    No,
}
