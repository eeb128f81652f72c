//! Relations across the two databases, in two queries: no join can reach from one to the other.

use std::collections::{HashMap, HashSet};
use std::hash::Hash;

use crate::db::HouseConnection;
use crate::error::Error;
use crate::house::Housekey;
use crate::user::User;

/// A row of a shared table that local rows refer to by its id: [`User`], and what the apps share besides.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use diesel::{SqliteConnection, prelude::*};
/// use housekey::{Error, Housekey, Referenced, User};
///
/// diesel::table! { note (id) { id -> Integer, owner_id -> BigInt, text -> Text, } }
///
/// #[derive(Queryable)]
/// struct Note {
///     id: i32,
///     owner_id: i64,
///     text: String,
/// }
///
/// fn list(house: &Housekey<SqliteConnection>) -> Result<(), Error> {
///     let notes: Vec<Note> = note::table.load(&mut house.conn())?; // local
///     let owners = User::of(house, &notes, |note| note.owner_id)?; // shared, one query
///     for (note, owner) in owners.pairs(&notes) {
///         println!("{} by {}", note.text, owner.map_or("nobody", |user| &user.username));
///     }
///     Ok(())
/// }
/// # }
/// ```
///
/// For a table of the apps' own that `Config::share_table("company")` has put into the shared database:
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use diesel::{SqliteConnection, prelude::*};
/// use housekey::{Error, Housekey, Referenced};
///
/// diesel::table! { company (id) { id -> Integer, name -> Text, } }
///
/// #[derive(Queryable)]
/// struct Company {
///     id: i32,
///     name: String,
/// }
///
/// impl Referenced<SqliteConnection> for Company {
///     type Id = i32;
///
///     fn id(&self) -> i32 {
///         self.id
///     }
///
///     fn find_all(house: &Housekey<SqliteConnection>, ids: &[i32]) -> Result<Vec<Self>, Error> {
///         Ok(company::table.filter(company::id.eq_any(ids)).load(&mut house.conn())?)
///     }
/// }
/// # }
/// ```
pub trait Referenced<L: HouseConnection>: Sized {
    /// What local rows hold.
    type Id: Copy + Eq + Hash;

    /// The id of this row.
    fn id(&self) -> Self::Id;

    /// The rows with these ids, in any order, by one query; an id without a row is left out.
    ///
    /// # Errors
    /// Those of the query.
    fn find_all(house: &Housekey<L>, ids: &[Self::Id]) -> Result<Vec<Self>, Error>;

    /// The rows that these rows refer to. A reference may be an id or an `Option` of one.
    ///
    /// # Errors
    /// Those of [`Referenced::find_all`].
    fn of<R, I: Into<Option<Self::Id>>>(
        house: &Housekey<L>,
        rows: &[R],
        id: impl Fn(&R) -> I,
    ) -> Result<References<Self, Self::Id>, Error> {
        let ids: Vec<Option<Self::Id>> = rows.iter().map(|row| id(row).into()).collect();
        let wanted = distinct(ids.iter().copied().flatten());
        let found = if wanted.is_empty() { Vec::new() } else { Self::find_all(house, &wanted)? };
        let found: HashMap<Self::Id, Self> = found.into_iter().map(|row| (row.id(), row)).collect();
        let missing = wanted.into_iter().filter(|id| !found.contains_key(id)).collect();
        Ok(References { ids, found, missing })
    }

    /// Those of the ids that no row has, each once, in their order: what is left over when a user was
    /// deleted.
    ///
    /// # Errors
    /// Those of [`Referenced::find_all`].
    fn find_orphans(
        house: &Housekey<L>,
        ids: impl IntoIterator<Item = Self::Id>,
    ) -> Result<Vec<Self::Id>, Error> {
        let ids: Vec<Self::Id> = ids.into_iter().collect();
        Ok(Self::of(house, &ids, |id| *id)?.missing)
    }

    /// The other way round: each of these rows with the local rows that refer to it, both in their order.
    fn with_rows<R, I: Into<Option<Self::Id>>>(
        these: &[Self],
        rows: Vec<R>,
        id: impl Fn(&R) -> I,
    ) -> Vec<(&Self, Vec<R>)> {
        let mut groups: Vec<(&Self, Vec<R>)> =
            these.iter().map(|this| (this, Vec::new())).collect();
        let places: HashMap<Self::Id, usize> =
            these.iter().enumerate().map(|(place, this)| (this.id(), place)).collect();
        for row in rows {
            if let Some(place) = id(&row).into().and_then(|id| places.get(&id)) {
                groups[*place].1.push(row);
            }
        }
        groups
    }
}

/// What [`Referenced::of`] has found.
///
/// ```
/// fn report(owners: &housekey::References<housekey::User, i64>) {
///     println!("{} notes are of users who do not exist", owners.missing().len());
/// }
/// ```
#[derive(Debug, Clone)]
pub struct References<T, Id> {
    ids: Vec<Option<Id>>,
    found: HashMap<Id, T>,
    missing: Vec<Id>,
}

impl<T, Id: Copy + Eq + Hash> References<T, Id> {
    /// What each row refers to, in the order of the rows; `None` for no reference, and for one into the
    /// void.
    ///
    /// ```
    /// fn names(owners: &housekey::References<housekey::User, i64>) -> Vec<Option<&str>> {
    ///     owners.iter().map(|owner| Some(owner?.username.as_str())).collect()
    /// }
    /// ```
    pub fn iter(&self) -> impl Iterator<Item = Option<&T>> {
        self.ids.iter().map(|id| self.found.get(id.as_ref()?))
    }

    /// The rows that were asked about, each with what it refers to.
    ///
    /// ```
    /// fn count(owners: &housekey::References<housekey::User, i64>, notes: &[i32]) -> usize {
    ///     owners.pairs(notes).filter(|(_, owner)| owner.is_some()).count()
    /// }
    /// ```
    pub fn pairs<'r, R>(&self, rows: &'r [R]) -> impl Iterator<Item = (&'r R, Option<&T>)> {
        rows.iter().zip(self.iter())
    }

    /// The ids that no row has, each once, in the order of the rows.
    ///
    /// ```
    /// fn is_whole(owners: &housekey::References<housekey::User, i64>) -> bool {
    ///     owners.missing().is_empty()
    /// }
    /// ```
    #[must_use]
    pub fn missing(&self) -> &[Id] {
        &self.missing
    }
}

fn distinct<Id: Copy + Eq + Hash>(ids: impl Iterator<Item = Id>) -> Vec<Id> {
    let mut seen = HashSet::new();
    ids.filter(|id| seen.insert(*id)).collect()
}

impl<L: HouseConnection> Referenced<L> for User {
    type Id = i64;

    fn id(&self) -> i64 {
        self.id
    }

    fn find_all(house: &Housekey<L>, ids: &[i64]) -> Result<Vec<Self>, Error> {
        house.users(ids)
    }
}
