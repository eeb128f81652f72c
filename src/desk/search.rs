//! Users by the beginnings of their names, a page at a time.

use std::collections::BTreeSet;

use super::{Desk, store};
use crate::error::Error;
use crate::user::User;
use crate::username;

/// No more are shown at once.
const MOST: usize = 1_000;
/// As wide as the widest column that is searched.
const LONGEST: usize = 254;
/// Names and addresses, as many as one user has.
const COLUMNS: usize = 4;

/// Which users are asked for: the first fifty by name, unless something else is said.
///
/// ```
/// let second_page = housekey::UserSearch::default().text("ada love").after("adam").most(20);
/// ```
#[derive(Debug, Clone)]
pub struct UserSearch {
    text: String,
    after: Option<String>,
    before: Option<String>,
    most: u32,
}

impl Default for UserSearch {
    fn default() -> Self {
        Self { text: String::new(), after: None, before: None, most: 50 }
    }
}

impl UserSearch {
    /// Those of whom every word here, whatever its case, is the beginning of the user name, the e-mail address, the
    /// first or the last name.
    ///
    /// ```
    /// let ada_lovelace = housekey::UserSearch::default().text("Ada love");
    /// ```
    #[must_use]
    pub fn text(mut self, text: impl Into<String>) -> Self {
        self.text = text.into();
        self
    }

    /// Those whose names come after this one: [`UserPage::next`].
    ///
    /// ```
    /// fn next(page: &housekey::UserPage) -> Option<housekey::UserSearch> {
    ///     page.next.as_ref().map(|name| housekey::UserSearch::default().after(name))
    /// }
    /// ```
    #[must_use]
    pub fn after(mut self, username: impl Into<String>) -> Self {
        self.after = Some(username.into());
        self
    }

    /// The last ones whose names come before this one: [`UserPage::previous`].
    ///
    /// ```
    /// fn previous(page: &housekey::UserPage) -> Option<housekey::UserSearch> {
    ///     page.previous.as_ref().map(|name| housekey::UserSearch::default().before(name))
    /// }
    /// ```
    #[must_use]
    pub fn before(mut self, username: impl Into<String>) -> Self {
        self.before = Some(username.into());
        self
    }

    /// No more than so many, of which a thousand are the most.
    ///
    /// ```
    /// let ten = housekey::UserSearch::default().most(10);
    /// ```
    #[must_use]
    pub fn most(mut self, most: u32) -> Self {
        self.most = most;
        self
    }
}

/// Some of the users who were asked for, by name, from [`Desk::users`].
///
/// ```
/// fn is_all(page: &housekey::UserPage) -> bool {
///     page.next.is_none() && page.previous.is_none()
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserPage {
    /// Sorted by name, as the database sorts.
    pub users: Vec<User>,
    /// For [`UserSearch::after`], when there are more.
    pub next: Option<String>,
    /// For [`UserSearch::before`], when there are some before these.
    pub previous: Option<String>,
}

/// From where a page goes which way.
pub(super) enum From {
    Start,
    After(String),
    Before(String),
}

/// What a page is made of: each word in all its spellings.
pub(super) struct Wanted {
    pub(super) words: Vec<BTreeSet<String>>,
    pub(super) from: From,
    pub(super) most: usize,
}

/// `None` when nobody can be found.
pub(super) fn wanted(search: &UserSearch) -> Option<Wanted> {
    let from = match (&search.before, &search.after) {
        (Some(name), _) => From::Before(storable(name)),
        (None, Some(name)) => From::After(storable(name)),
        (None, None) => From::Start,
    };
    let most = usize::try_from(search.most).map_or(MOST, |most| most.clamp(1, MOST));
    Some(Wanted { words: words(&search.text)?, from, most })
}

impl Desk<'_> {
    /// The users who are asked for, a page at a time. Needs `auth.view_user` or `auth.change_user`.
    ///
    /// ```no_run
    /// # fn with(desk: &housekey::Desk<'_>) -> Result<(), housekey::Error> {
    /// use housekey::UserSearch;
    /// let mut page = desk.users(&UserSearch::default())?;
    /// while let Some(name) = &page.next {
    ///     page = desk.users(&UserSearch::default().after(name))?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Denied`]; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn users(&self, search: &UserSearch) -> Result<UserPage, Error> {
        self.may_see(&["auth.view_user", "auth.change_user"])?;
        let Some(wanted) = wanted(search) else { return Ok(UserPage::default()) };
        let mut found = self.auth.shared().run(|conn| store::page(conn, &wanted))?;
        let has_more = found.len() > wanted.most;
        found.truncate(wanted.most);
        if matches!(wanted.from, From::Before(_)) {
            found.reverse();
        }
        let name = |row: Option<&(i64, String)>| row.map(|(_, name)| name.clone());
        let (first, last) = (name(found.first()), name(found.last()));
        let (next, previous) = match wanted.from {
            From::Start => (last.filter(|_| has_more), None),
            From::After(_) => (last.filter(|_| has_more), first),
            From::Before(_) => (last, first.filter(|_| has_more)),
        };
        let ids: Vec<i64> = found.into_iter().map(|(id, _)| id).collect();
        let mut users = self.auth.users(&ids)?;
        users.sort_by_key(|user| ids.iter().position(|id| *id == user.id));
        Ok(UserPage { users, next, previous })
    }
}

/// PostgreSQL has no text with a NUL in it, so that nobody's name goes on there.
fn storable(name: &str) -> String {
    name.split('\0').next().unwrap_or_default().to_owned()
}

/// The words of a search, each as the database may have folded it; `None` when nobody can be found. Databases do not
/// fold all letters, so that the usual spellings of others are asked for as well.
fn words(text: &str) -> Option<Vec<BTreeSet<String>>> {
    let mut words: Vec<String> = text.split_whitespace().map(lower).collect();
    // What begins as another word does is found with that one.
    words.sort();
    words.dedup_by(|next, word| {
        let is_longer = next.starts_with(word.as_str());
        if is_longer {
            std::mem::swap(next, word);
        }
        is_longer
    });
    let is_findable = |word: &String| !word.contains('\0') && word.chars().count() <= LONGEST;
    let can_be_found = words.len() <= COLUMNS && words.iter().all(is_findable);
    can_be_found.then(|| words.iter().map(|word| spellings(word)).collect())
}

fn spellings(word: &str) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    for word in [word.to_owned(), username::normalize(word)] {
        let upper = word.to_uppercase();
        let mut letters = word.chars();
        let first = letters.next().map(|first| first.to_uppercase().to_string());
        let title = first.unwrap_or_default() + letters.as_str();
        // A sigma has two small letters, and databases differ in which they take.
        found.extend([word, lower(&upper), upper.to_lowercase()]);
        found.extend([title.to_ascii_lowercase(), upper.to_ascii_lowercase()]);
    }
    found
}

/// Letter by letter, so that the beginning of a word does not depend on how it goes on.
fn lower(word: &str) -> String {
    word.chars().flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(text: &str) -> Option<Vec<Vec<String>>> {
        let words = words(text)?;
        Some(words.into_iter().map(|spellings| spellings.into_iter().collect()).collect())
    }

    fn texts(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_word_is_asked_for_as_it_may_be_folded() {
        assert_eq!(found(""), Some(Vec::new()));
        assert_eq!(found(" \n"), Some(Vec::new()));
        assert_eq!(found("ADA"), Some(vec![texts(&["ada"])]));
        assert_eq!(found("Änne"), Some(vec![texts(&["Änne", "änne"])]));
        assert_eq!(found("jürg"), Some(vec![texts(&["jÜrg", "jürg"])]));
        assert_eq!(found("ΟΔΟΣ"), Some(vec![texts(&["ΟΔΟΣ", "Οδοσ", "οδος", "οδοσ"])]));
    }

    #[test]
    fn a_word_that_another_begins_with_is_not_asked_for() {
        assert_eq!(found("a Ada ad b"), Some(vec![texts(&["ada"]), texts(&["b"])]));
        assert_eq!(found("ada ada"), Some(vec![texts(&["ada"])]));
        assert_eq!(found("a a- aa"), Some(vec![texts(&["a-"]), texts(&["aa"])]));
    }

    #[test]
    fn nobody_has_as_many_or_as_long_names() {
        assert_eq!(found("a b c d").map(|words| words.len()), Some(4));
        assert_eq!(found("a b c d e"), None);
        assert_eq!(found("a\0"), None);
        assert_eq!(found(&"ü".repeat(255)), None);
        assert!(found(&"ü".repeat(254)).is_some());
    }
}
