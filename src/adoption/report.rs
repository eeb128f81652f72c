//! Plans and reports as people read them.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;

use serde::Serialize;

use super::matching::unseen;
use super::plan::{AdoptedColumn, AdoptionPlan, Conflict, Fate, Found};

/// What an [`Adoption`](crate::Adoption) has done.
///
/// ```
/// fn file(report: &housekey::AdoptionReport) -> (String, serde_json::Value) {
///     (report.to_string(), report.to_json())
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptionReport {
    /// The plan, as it was carried out: every user has an id in the house.
    pub plan: AdoptionPlan,
    /// What takes it back; none when there was nothing to do.
    pub undo_file: Option<PathBuf>,
    /// How many ids that were nobody's were taken out.
    pub orphans: usize,
}

/// What was taken back.
///
/// ```
/// fn show(undone: &housekey::AdoptionUndone) {
///     println!("{undone}");
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AdoptionUndone {
    /// `APP_NAME`
    pub app: String,
    /// How many local users have their own ids again; none when they had them before.
    pub users: usize,
    /// The columns with these ids.
    pub columns: Vec<AdoptedColumn>,
    /// How many users were deleted from the house.
    pub removed: usize,
    /// Who was made for the app, and stays.
    pub kept: Vec<Kept>,
}

/// A user who stays in the house.
#[non_exhaustive]
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// The name that the app had.
    pub username: String,
    /// What holds them.
    pub why: String,
}

impl AdoptionReport {
    pub(super) fn of_nothing(plan: AdoptionPlan) -> Self {
        Self { plan, undo_file: None, orphans: 0 }
    }

    /// Everything, with every user.
    ///
    /// ```
    /// fn file(report: &housekey::AdoptionReport) -> serde_json::Value {
    ///     report.to_json()
    /// }
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

impl AdoptionUndone {
    pub(super) fn of(app: &str) -> Self {
        Self { app: app.to_owned(), users: 0, columns: vec![], removed: 0, kept: vec![] }
    }

    /// Everything.
    ///
    /// ```
    /// fn file(undone: &housekey::AdoptionUndone) -> serde_json::Value {
    ///     undone.to_json()
    /// }
    /// ```
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!(self)
    }
}

/// The most lines about one matter; JSON has all.
const MOST: usize = 20;

/// A name that cannot make a line of its own.
fn shown(name: &str) -> String {
    let escaped = name.chars().map(|letter| match letter {
        _ if letter.is_control() || unseen(letter) => letter.escape_unicode().to_string(),
        _ => letter.to_string(),
    });
    escaped.collect()
}

impl fmt::Display for AdoptionPlan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "app `{}` has {} users of its own", shown(&self.app), self.users.len())?;
        if self.is_done() {
            return write!(f, ", and all of them are users of the house: there is nothing to do");
        }
        self.write_users(f)?;
        self.write_rights(f)?;
        write_columns(f, "column", &self.columns)?;
        for column in self.unbound.iter().map(|column| shown(column)) {
            write!(
                f,
                "\n  {column} has no foreign key: if it has ids of users, name it by --column"
            )?;
        }
        if self.sessions > 0 {
            write!(
                f,
                "\nsessions: {} local ones end, and their users sign in once more",
                self.sessions
            )?;
        }
        for note in &self.notes {
            write!(f, "\nnote: {}", shown(note))?;
        }
        self.write_conflicts(f)
    }
}

impl AdoptionPlan {
    fn write_users(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let fates = [
            (Fate::Matched, "users of the house already, whose accounts stay as they are"),
            (Fate::Moved, "move to the house, with their password hashes"),
            (Fate::Before, "came before"),
            (Fate::Unsettled, "are not settled"),
        ];
        for (fate, what) in fates {
            let mut reasons: BTreeMap<&str, usize> = BTreeMap::new();
            for person in self.of(fate) {
                *reasons.entry(person.why.as_str()).or_default() += 1;
            }
            for (why, count) in reasons {
                write!(f, "\n  {count} {what} ({why})")?;
            }
        }
        if !self.ranks.is_empty() {
            write!(
                f,
                "\nranks: {} stay behind, because they would be ranks in the whole house; give them by `housekey \
                 user grant NAME --superuser` or `--staff`: {}",
                self.ranks.len(),
                listed(&self.ranks)
            )?;
        }
        Ok(())
    }

    fn write_rights(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (fate, what) in [(Fate::Moved, "made"), (Fate::Matched, "joined")] {
            let groups = self.groups.iter().filter(|group| group.fate == fate);
            let names: Vec<String> = groups.map(|group| group.house.clone()).collect();
            if !names.is_empty() {
                write!(f, "\ngroups: {} {what}: {}", names.len(), listed(&names))?;
            }
        }
        if self.memberships + self.permissions > 0 {
            write!(
                f,
                "\nrights: {} memberships in groups and {} permissions of single users come along",
                self.memberships, self.permissions
            )?;
        }
        if !self.left_permissions.is_empty() {
            write!(
                f,
                "\nrights: {} permissions stay behind, because they are about the users of the whole house: {}",
                self.left_permissions.len(),
                listed(&self.left_permissions)
            )?;
        }
        Ok(())
    }

    /// Those of one kind together.
    fn write_conflicts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_settled() {
            return write!(f, "\nconflicts: none");
        }
        let mut kinds: BTreeMap<(&str, &str), Vec<&Conflict>> = BTreeMap::new();
        for conflict in &self.conflicts {
            kinds.entry((&conflict.reason, &conflict.remedy)).or_default().push(conflict);
        }
        write!(f, "\nconflicts: {}; nothing is changed while there is one", self.conflicts.len())?;
        for ((reason, remedy), conflicts) in kinds {
            write!(f, "\n  {} of: {reason}\n    {remedy}", conflicts.len())?;
            for conflict in conflicts.iter().take(MOST) {
                write!(f, "\n    {conflict}")?;
            }
            if conflicts.len() > MOST {
                write!(f, "\n    and {} more; --json lists all", conflicts.len() - MOST)?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Conflict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", shown(&self.about))?;
        if !self.name.is_empty() {
            write!(f, " `{}`", shown(&self.name))?;
        }
        if !self.house.is_empty() {
            write!(f, " (in the house: `{}`)", shown(&self.house))?;
        }
        Ok(())
    }
}

fn write_columns(f: &mut fmt::Formatter<'_>, what: &str, columns: &[AdoptedColumn]) -> fmt::Result {
    for column in columns {
        let found = match column.found {
            Found::Itself => "where they come from",
            Found::ForeignKey => "foreign key",
            Found::Named => "named",
            Found::ContentType => "content type",
        };
        let name = shown(&format!("{}.{}", column.table, column.column));
        write!(f, "\n{what} {name}: {} rows ({found})", column.rows)?;
        if column.orphans > 0 {
            write!(f, ", {} rows with an id that is nobody's", column.orphans)?;
        }
    }
    Ok(())
}

pub(super) fn listed(names: &[String]) -> String {
    let mut line: Vec<String> = names.iter().take(MOST).map(|name| shown(name)).collect();
    line.extend((names.len() > MOST).then(|| format!("and {} more (--json)", names.len() - MOST)));
    line.join(", ")
}

impl fmt::Display for AdoptionReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.plan)?;
        let Some(file) = &self.undo_file else { return Ok(()) };
        if self.orphans > 0 {
            write!(f, "\norphans: {} ids that were nobody's were taken out", self.orphans)?;
        }
        let file = shown(&file.to_string_lossy());
        write!(f, "\nall of this is done; housekey adopt --undo {file} takes it back")
    }
}

impl fmt::Display for AdoptionUndone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let app = shown(&self.app);
        if self.users == 0 {
            write!(f, "app `{app}`: its users have their own ids already")?;
        } else {
            write!(f, "app `{app}`: {} users have their own ids again", self.users)?;
        }
        write_columns(f, "column", &self.columns)?;
        write!(f, "\n{} users were deleted from the house", self.removed)?;
        let kept = self.kept.iter().map(|kept| format!("{} ({})", kept.username, kept.why));
        let kept: Vec<String> = kept.collect();
        if !kept.is_empty() {
            write!(f, "\n{} users stay in the house: {}", kept.len(), listed(&kept))?;
        }
        Ok(())
    }
}
