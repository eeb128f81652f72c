//! What stops a move: of a house to another database, or of an app's own users into a house.

use super::Refused;

/// A move that did not take place: what was begun is taken back, and it can be run again.
///
/// The rows in its texts are named by numbers alone, because names of users and keys of sessions are nobody's
/// business.
///
/// ```
/// fn told(error: &housekey::MoveError) -> String {
///     format!("nothing was moved: {error}")
/// }
/// ```
#[non_exhaustive]
#[derive(Debug, thiserror::Error)]
pub enum MoveError {
    /// A database gives no connection.
    #[error("{database} gives no connection; see that it is there and that its URL is right")]
    #[non_exhaustive]
    Unreachable {
        /// What the database is in this move: `FROM`, `TO`, `the shared database`, `the local database`.
        database: &'static str,
        /// What the database or its driver said.
        #[source]
        source: Refused,
    },

    /// A database failed in the middle.
    #[error("{database} failed, and nothing was moved; mend the cause and run this again")]
    #[non_exhaustive]
    Database {
        /// What the database is in this move.
        database: &'static str,
        /// diesel's error.
        #[source]
        source: diesel::result::Error,
    },

    /// A database did not answer when it was told to keep what was written: it may have done so, or not.
    #[error("{database} failed at the very end; run this again, which tells what has come of it")]
    #[non_exhaustive]
    Unsure {
        /// What the database is in this move.
        database: &'static str,
        /// diesel's error.
        #[source]
        source: diesel::result::Error,
    },

    /// Both URLs lead to one database.
    #[error("both URLs lead to one database; name two")]
    SameDatabase,

    /// The tables of a database are not those that are needed.
    #[error("{database} {problem}")]
    #[non_exhaustive]
    Schema {
        /// What the database is in this move.
        database: &'static str,
        /// What is wrong with its tables, and what to do.
        problem: String,
    },

    /// There are rows already where rows should go.
    #[error(
        "TO is not empty: {table} has rows there that are not in FROM ({rows}); give a database without them, \
         nothing was moved"
    )]
    #[non_exhaustive]
    NotEmpty {
        /// The table.
        table: String,
        /// How many rows of its own it has.
        rows: u64,
    },

    /// There is no place for what a table or a column holds.
    #[error(
        "TO has no {what}, which FROM has with rows in it; make the tables there first, as the app makes them \
         (its migrations){}",
        if *may_stay { ", or leave the table behind with --leave" } else { "" }
    )]
    #[non_exhaustive]
    NoPlace {
        /// The table, or the table and the column.
        what: String,
        /// Can the table be left where it is?
        may_stay: bool,
    },

    /// A value does not fit where it should go.
    #[error(
        "{row} of {table} has in {column} what TO cannot hold: {problem}; correct the row in FROM, or delete it \
         there, and run this again ({more} more such values; --plan counts them)"
    )]
    #[non_exhaustive]
    CannotHold {
        /// The table.
        table: String,
        /// The row, by its number.
        row: String,
        /// The column.
        column: String,
        /// Why not, without the value.
        problem: String,
        /// How many more there are, as far as was looked.
        more: u64,
    },

    /// The rows that arrived are not those that were sent.
    #[error(
        "the rows of {table} in TO are not those of FROM ({problem}); nothing was moved. Something in TO changes \
         what is written: see to its triggers, and run this again"
    )]
    #[non_exhaustive]
    NotTheSame {
        /// The table.
        table: String,
        /// What was compared.
        problem: String,
    },

    /// Rows refer to rows that are not there.
    #[error(
        "{rows} rows of {table} would refer to rows that are not there; nothing was moved. Correct or delete \
         them, and run this again"
    )]
    #[non_exhaustive]
    Dangling {
        /// The table.
        table: String,
        /// How many of its rows.
        rows: u64,
    },

    /// It is not settled who is who.
    #[error(
        "{conflicts} conflicts are to be settled first, and nothing was moved; --plan lists them with what to do"
    )]
    #[non_exhaustive]
    Unsettled {
        /// How many.
        conflicts: usize,
    },

    /// A file of a move cannot be read, written or followed.
    #[error("{file} {problem}")]
    #[non_exhaustive]
    File {
        /// The file.
        file: String,
        /// What is wrong with it, and what to do.
        problem: String,
    },

    /// The operator has named a column that can have no ids of users.
    #[error("{column} {problem}; name a column of the app's own database with ids of its users")]
    #[non_exhaustive]
    NotAColumn {
        /// What was named.
        column: String,
        /// What is wrong with it.
        problem: String,
    },

    /// The map of who is who names a user or group whom the app does not have.
    #[error("the map names the {what} `{name}`, whom the app does not have; correct that line")]
    #[non_exhaustive]
    NotInTheApp {
        /// `user` or `group`.
        what: &'static str,
        /// The name.
        name: String,
    },

    /// Rows have other ids than they were given.
    #[error(
        "the rows of {column} do not have the ids that they were given; nothing was changed. Something in the local \
         database changes what is written: see to its triggers, and run this again"
    )]
    #[non_exhaustive]
    Rewritten {
        /// The table and the column.
        column: String,
    },

    /// The house was changed, and the app's own database was not.
    #[error(
        "the house has the users of the app now, and the local database did not take its new ids: it is as it was. \
         Mend the cause and run this again, which goes on from there, or take the users back: --undo {undo_file}"
    )]
    #[non_exhaustive]
    HalfWay {
        /// What takes the users back.
        undo_file: String,
        /// What the local database said.
        #[source]
        source: Option<diesel::result::Error>,
    },

    /// An adoption cannot be taken back.
    #[error("the adoption is not taken back: {problem}")]
    #[non_exhaustive]
    NotUndone {
        /// Why not, and what to do.
        problem: String,
    },
}

#[cfg(feature = "moving")]
impl MoveError {
    /// What a database said, without what that means to a move.
    pub(crate) fn into_cause(self) -> Option<diesel::result::Error> {
        match self {
            Self::Database { source, .. } | Self::Unsure { source, .. } => Some(source),
            _ => None,
        }
    }
}
