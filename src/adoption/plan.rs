//! What would be done, and what was: for people, and as JSON.

use serde::{Deserialize, Serialize};

/// What becomes of a local user.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Fate {
    /// Is a user of the house already, whose account stays as it is.
    Matched,
    /// Is made in the house, with the password hash.
    Moved,
    /// Was adopted by a run before.
    Before,
    /// Nobody knows yet: a conflict.
    Unsettled,
}

/// A local user.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    /// The id in the app's own database, before.
    pub local_id: i64,
    /// The name there.
    pub username: String,
    /// What becomes of them.
    pub fate: Fate,
    /// The name in the house; of a conflict, that of the house user in question.
    pub house: String,
    /// The id in the house, if it is known already.
    pub user_id: Option<i64>,
    /// Why it is so.
    pub why: String,
}

/// What is to be settled first.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Conflict {
    /// `user`, `group`, or the `TABLE.COLUMN` that is in question.
    pub about: String,
    /// The local name of the user or group.
    pub name: String,
    /// The user or group of the house.
    pub house: String,
    /// What is in question.
    pub reason: String,
    /// What to do.
    pub remedy: String,
}

impl Conflict {
    pub(super) fn of_user(name: &str, house: &str, reason: &str, remedy: &str) -> Self {
        Self::new("user", name, house, reason, remedy)
    }

    pub(super) fn new(about: &str, name: &str, house: &str, reason: &str, remedy: &str) -> Self {
        let [about, name, house, reason, remedy] =
            [about, name, house, reason, remedy].map(str::to_owned);
        Self { about, name, house, reason, remedy }
    }
}

/// What becomes of a local group.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptedGroup {
    /// Its local name.
    pub name: String,
    /// Its name in the house.
    pub house: String,
    /// [`Fate::Moved`] is made there, [`Fate::Matched`] is there.
    pub fate: Fate,
    /// How many of its members come along.
    pub members: usize,
}

/// How it is known that a column has ids of users.
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Found {
    /// It is where they come from: `auth_user.id`.
    Itself,
    /// By a foreign key.
    ForeignKey,
    /// The operator has named it.
    Named,
    /// By a content type beside it: Django's generic references.
    ContentType,
}

/// A local column with ids that become those of the house: of users, and where an app's own tables refer to them, of
/// content types, groups and permissions.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdoptedColumn {
    /// The table.
    pub table: String,
    /// The column.
    pub column: String,
    /// The table whose ids it has.
    pub of: String,
    /// How it is known.
    pub found: Found,
    /// How many of its rows have such an id; in a report, how many got another one.
    pub rows: u64,
    /// How many have an id that is nobody's.
    pub orphans: u64,
}

/// What an [`Adoption`](crate::Adoption) would do.
///
/// ```
/// fn show(plan: &housekey::AdoptionPlan) {
///     println!("{plan}");
///     assert_eq!(plan.conflicts.is_empty(), plan.is_settled());
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptionPlan {
    /// `APP_NAME`
    pub app: String,
    /// Every local user.
    pub users: Vec<Person>,
    /// What is to be settled first.
    pub conflicts: Vec<Conflict>,
    /// Worth a look before.
    pub notes: Vec<String>,
    /// Users whose rank (superuser, staff) stays behind.
    pub ranks: Vec<String>,
    /// Local groups.
    pub groups: Vec<AdoptedGroup>,
    /// Permissions over the users of the house itself, that stay behind.
    pub left_permissions: Vec<String>,
    /// How many memberships in groups come along.
    pub memberships: usize,
    /// How many permissions of single users come along.
    pub permissions: usize,
    /// The local columns with ids that change.
    pub columns: Vec<AdoptedColumn>,
    /// Columns of whole numbers without a foreign key, whose names sound like ids.
    pub unbound: Vec<String>,
    /// How many local sessions end.
    pub sessions: u64,
}

impl AdoptionPlan {
    /// Is nothing to be settled first?
    ///
    /// ```
    /// fn may_run(plan: &housekey::AdoptionPlan) -> bool {
    ///     plan.is_settled()
    /// }
    /// ```
    #[must_use]
    pub fn is_settled(&self) -> bool {
        self.conflicts.is_empty()
    }

    /// Was everything done by a run before?
    ///
    /// ```
    /// fn says(plan: &housekey::AdoptionPlan) -> &str {
    ///     if plan.is_done() { "nothing to do" } else { "there is something to do" }
    /// }
    /// ```
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.is_settled() && self.is_about_nobody()
    }

    /// Is everybody there, with the id of the house?
    pub(super) fn is_about_nobody(&self) -> bool {
        let is_there = |one: &Person| one.fate == Fate::Before && one.user_id == Some(one.local_id);
        self.users.iter().all(is_there)
    }

    /// Everything, with every user.
    ///
    /// ```
    /// fn file(plan: &housekey::AdoptionPlan) -> serde_json::Value {
    ///     plan.to_json()
    /// }
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }

    /// Were the ids of the app rewritten by a run before?
    pub(super) fn has_joined(&self) -> bool {
        let mut before = self.of(Fate::Before).peekable();
        before.peek().is_some() && before.all(|one| one.user_id == Some(one.local_id))
    }

    pub(super) fn of(&self, fate: Fate) -> impl Iterator<Item = &Person> {
        self.users.iter().filter(move |person| person.fate == fate)
    }
}
