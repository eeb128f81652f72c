use std::path::PathBuf;

use clap::{Parser, Subcommand};

/// Keeps a house: one login for all its web apps.
///
/// Reads `SHARED_DATABASE_URL`, `SECRET_KEY` (or `SECRET_KEY_FILE`) and the other settings of an app from the
/// environment. Exit codes: 0 all is well, 1 something is not as asked, 2 an error.
#[derive(Parser)]
#[command(version)]
pub(crate) struct Args {
    /// Answers in JSON
    #[arg(long, global = true)]
    pub(crate) json: bool,
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand)]
pub(crate) enum Command {
    /// Writes a file of settings with a new key, for the first app of a house
    Init {
        /// The file; it must not be there
        #[arg(default_value = "house.env")]
        file: PathBuf,
        /// The database of users and sessions
        #[arg(long, default_value = "sqlite:house.db")]
        shared: String,
        /// The database of the app's own tables
        #[arg(long, default_value = "sqlite:app.db")]
        local: String,
    },
    /// The common key of the house
    #[command(subcommand)]
    Key(KeyCommand),
    /// Makes the shared tables, once, whoever comes first
    Migrate {
        /// Only says what would be made
        #[arg(long)]
        plan: bool,
    },
    /// Tells what will trouble the users of the house, and what to do
    Check,
    /// Reads a Cookie header from standard input, and tells why it is or is not a login here
    Why,
    /// The sessions of the house
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// The groups of the house
    #[command(subcommand)]
    Group(GroupCommand),
    /// The people of the house
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a new key
    Generate,
    /// Prints what may be shown of the key in `SECRET_KEY`: equal keys have equal fingerprints
    Fingerprint,
}

#[derive(clap::Args)]
pub(crate) struct What {
    pub(crate) username: String,
    /// A permission: `APP_LABEL.CODENAME`
    #[arg(required_unless_present = "group", conflicts_with = "group")]
    pub(crate) permission: Option<String>,
    #[arg(long)]
    pub(crate) group: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Makes a group
    Create { group: String },
    /// Lists the groups
    List,
    /// Gives a group a permission: `APP_LABEL.CODENAME`
    Grant { group: String, permission: String },
    /// Takes a permission from a group
    Revoke { group: String, permission: String },
}

#[derive(Subcommand)]
pub(crate) enum SessionsCommand {
    /// Lists the living sessions of a user in every app, Django's too, the newest first
    List { username: String },
    /// Deletes the rows of sessions that have ended, some at a time, while the apps go on
    Purge,
    /// Ends the sessions of a user in every app, Django's too
    Revoke(Revoked),
}

#[derive(clap::Args)]
pub(crate) struct Revoked {
    #[arg(required_unless_present = "all", conflicts_with = "all")]
    pub(crate) username: Option<String>,
    /// Ends the sessions of everybody
    #[arg(long)]
    all: bool,
    /// Ends all but this one; the ID is that of `sessions list`
    #[arg(long, value_name = "ID", conflicts_with_all = ["all", "only"])]
    pub(crate) all_but: Option<String>,
    /// Ends this one alone
    #[arg(long, value_name = "ID", conflicts_with = "all")]
    pub(crate) only: Option<String>,
}

#[derive(Subcommand)]
pub(crate) enum UserCommand {
    /// Makes a user; asks for the password, or reads it from standard input when that is no terminal
    Create {
        username: String,
        #[arg(long, default_value = "")]
        email: String,
        /// May do everything
        #[arg(long)]
        superuser: bool,
    },
    /// Lists the users whose names begin so
    List {
        #[arg(default_value = "")]
        begin: String,
        /// No more than so many
        #[arg(long, default_value_t = 1000)]
        most: u32,
    },
    /// Shows one user
    Show { username: String },
    /// Gives a user a new password, and ends the user's sessions
    Password { username: String },
    /// Gives a user a permission, or puts the user into a group
    Grant(What),
    /// Takes a permission from a user, or the user out of a group
    Revoke(What),
    /// Lets a user sign in
    Activate { username: String },
    /// Lets a user sign in no more
    Deactivate { username: String },
}
