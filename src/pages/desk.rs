#![expect(clippy::exhaustive_structs, reason = "apps fill them in themselves")]
#![expect(clippy::struct_excessive_bools, reason = "each says whether one thing is there")]
//! The pages of the desk: users and groups, for staff.

use chrono::{DateTime, Utc};

use super::account::SessionRow;
use super::frame::Frame;
use super::settings::page;
use super::{device, when};

/// The users of the house, a page of them.
///
/// ```
/// use housekey::pages::{Frame, Users};
/// let page = Users { frame: Frame::default(), search: "ada".into(), ..Users::default() };
/// assert!(page.to_html().contains("value=\"ada\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Users {
    /// What stands around it.
    pub frame: Frame,
    /// What was searched for.
    pub search: String,
    /// Those of this page.
    pub users: Vec<UserRow>,
    /// The last name of this page, when there are more behind it.
    pub next: Option<String>,
    /// The first name of this page, when there are more before it.
    pub previous: Option<String>,
    /// May the visitor make users?
    pub may_add: bool,
}
page!(Users, "pages/users.html");

/// One line of [`Users`].
///
/// ```no_run
/// # fn with(user: &housekey::User) {
/// let row = housekey::pages::UserRow::from(user);
/// # }
/// ```
#[derive(Debug, Clone, Default)]
pub struct UserRow {
    /// The primary key.
    pub id: i64,
    /// How the user signs in.
    pub username: String,
    /// First and last name; empty without any.
    pub name: String,
    /// May be empty.
    pub email: String,
    /// May sign in.
    pub is_active: bool,
    /// May see the desk and Django's admin.
    pub is_staff: bool,
    /// May do everything.
    pub is_superuser: bool,
    /// The last login in any app.
    pub last_login: Option<DateTime<Utc>>,
}

impl From<&crate::User> for UserRow {
    fn from(user: &crate::User) -> Self {
        let name = format!("{} {}", user.first_name, user.last_name);
        Self {
            id: user.id,
            username: user.username.clone(),
            name: name.trim().to_owned(),
            email: user.email.clone(),
            is_active: user.is_active,
            is_staff: user.is_staff,
            is_superuser: user.is_superuser,
            last_login: user.last_login,
        }
    }
}

/// To make a user, who sets the first password by a link.
///
/// ```
/// use housekey::pages::{Frame, Message, NewUser};
/// let frame = Frame { message: Some(Message::UsernameTaken), ..Frame::default() };
/// let page = NewUser { frame, username: "ada".into(), ..NewUser::default() };
/// assert!(page.to_html().contains("value=\"ada\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct NewUser {
    /// What stands around it.
    pub frame: Frame,
    /// What was typed before.
    pub username: String,
    /// What was typed before.
    pub first_name: String,
    /// What was typed before.
    pub last_name: String,
    /// What was typed before.
    pub email: String,
}
page!(NewUser, "pages/new_user.html");

/// One user: who it is, what the user may do, where the user is signed in.
///
/// ```
/// use housekey::pages::{EditUser, Frame};
/// let page = EditUser { username: "ada".into(), may_change: true, ..EditUser::default() };
/// assert!(page.to_html().contains("value=\"ada\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct EditUser {
    /// What stands around it.
    pub frame: Frame,
    /// The primary key.
    pub id: i64,
    /// As it is in the house, whatever was typed.
    pub title: String,
    /// What stands in the form.
    pub username: String,
    /// What stands in the form.
    pub first_name: String,
    /// What stands in the form.
    pub last_name: String,
    /// What stands in the form.
    pub email: String,
    /// May sign in.
    pub is_active: bool,
    /// May see the desk and Django's admin.
    pub is_staff: bool,
    /// May do everything.
    pub is_superuser: bool,
    /// Has a password, or only a link for one so far.
    pub has_password: bool,
    /// The last login in any app.
    pub last_login: Option<DateTime<Utc>>,
    /// When the user was made.
    pub date_joined: DateTime<Utc>,
    /// May the visitor change the user?
    pub may_change: bool,
    /// May the visitor make staff and superusers?
    pub may_rank: bool,
    /// Is it the visitor?
    pub is_self: bool,
    /// All groups.
    pub groups: Vec<Choice>,
    /// All permissions, beside those by groups.
    pub permissions: Vec<Choice>,
    /// What the user may do by groups.
    pub by_groups: Vec<String>,
    /// Where the user is signed in.
    pub sessions: Vec<SessionRow>,
}
page!(EditUser, "pages/edit_user.html");

impl EditUser {
    fn is_in_groups(&self) -> bool {
        self.groups.iter().any(|choice| choice.is_chosen)
    }

    /// Are the user's own permissions worth to be seen at once?
    fn has_own_permissions(&self) -> bool {
        self.permissions.iter().any(|choice| choice.is_chosen)
    }
}

/// A box to tick.
///
/// ```
/// use housekey::pages::Choice;
/// let choice = Choice { value: "billing.approve_invoice".into(), is_open: true, ..Choice::default() };
/// ```
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// What the form says when it is ticked.
    pub value: String,
    /// What the visitor reads.
    pub label: String,
    /// Is it ticked?
    pub is_chosen: bool,
    /// May the visitor change it?
    pub is_open: bool,
}

/// A link by which a user sets a password, shown once.
///
/// ```
/// use housekey::pages::PasswordLink;
/// let url = "https://front.example.org/account/reset/MQ/abc-123".to_owned();
/// let page = PasswordLink { title: "ada".into(), id: 1, url, ..PasswordLink::default() };
/// assert!(page.to_html().contains("/account/reset/MQ/abc-123"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct PasswordLink {
    /// What stands around it.
    pub frame: Frame,
    /// The user's primary key.
    pub id: i64,
    /// The user.
    pub title: String,
    /// The whole address, as good as the password.
    pub url: String,
    /// How long it is good, in hours.
    pub hours: u64,
}
page!(PasswordLink, "pages/password_link.html");

/// The groups of the house.
///
/// ```
/// use housekey::pages::{GroupRow, Groups};
/// let row = GroupRow { id: 1, name: "accountants".into(), members: 3, permissions: 1 };
/// let page = Groups { groups: vec![row], ..Groups::default() };
/// assert!(page.to_html().contains("accountants"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Groups {
    /// What stands around it.
    pub frame: Frame,
    /// All of them.
    pub groups: Vec<GroupRow>,
    /// What was typed for a new one.
    pub name: String,
    /// May the visitor make groups?
    pub may_add: bool,
}
page!(Groups, "pages/groups.html");

/// One line of [`Groups`].
///
/// ```
/// use housekey::pages::GroupRow;
/// let row = GroupRow { id: 1, name: "accountants".into(), members: 3, permissions: 1 };
/// ```
#[derive(Debug, Clone, Default)]
pub struct GroupRow {
    /// The primary key.
    pub id: i64,
    /// What it is called.
    pub name: String,
    /// How many users are in it.
    pub members: i64,
    /// How many permissions it gives.
    pub permissions: i64,
}

/// One group: its name, what it gives, who is in it.
///
/// ```
/// use housekey::pages::EditGroup;
/// let page = EditGroup { title: "accountants".into(), ..EditGroup::default() };
/// assert!(page.to_html().contains("accountants"));
/// ```
#[derive(Debug, Clone, Default)]
pub struct EditGroup {
    /// What stands around it.
    pub frame: Frame,
    /// The primary key.
    pub id: i64,
    /// As it is in the house, whatever was typed.
    pub title: String,
    /// What stands in the form.
    pub name: String,
    /// All permissions.
    pub permissions: Vec<Choice>,
    /// The names of the first members.
    pub members: Vec<String>,
    /// How many there are.
    pub member_count: i64,
    /// May the visitor change the group?
    pub may_change: bool,
    /// May the visitor delete the group?
    pub may_delete: bool,
}
page!(EditGroup, "pages/edit_group.html");

impl EditGroup {
    fn gives_permissions(&self) -> bool {
        self.permissions.iter().any(|choice| choice.is_chosen)
    }

    fn members_not_shown(&self) -> i64 {
        self.member_count - i64::try_from(self.members.len()).unwrap_or(0)
    }
}

/// A page that says one thing, such as that there is nothing at an address: the message of its frame.
///
/// ```
/// use housekey::pages::{Frame, Message, Note};
/// let frame = Frame { message: Some(Message::NotFound), ..Frame::default() };
/// assert!(Note { frame }.to_html().contains("role=\"alert\""));
/// ```
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// What stands around it, with what it says.
    pub frame: Frame,
}
page!(Note, "pages/note.html");

/// Of the address of a page of [`Users`]: the search, and the name it goes on from.
fn query(search: &str, from: &str, name: &str) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    if !search.is_empty() {
        query.append_pair("q", search);
    }
    if !from.is_empty() {
        query.append_pair(from, name);
    }
    query.finish()
}
