use std::path::PathBuf;
use std::time::Duration;

use clap::{Parser, Subcommand};
use housekey::pages::App;
use housekey::{EventKind, Seen};

use crate::serve::Listen;

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
        /// The database of users and sessions [default: `SHARED_DATABASE_URL`, or `sqlite:house.db`]
        #[arg(long, value_name = "URL")]
        shared: Option<String>,
        /// The database of the app's own tables
        #[arg(long, value_name = "URL", default_value = "sqlite:app.db")]
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
    /// Lets an app that has users of its own join the house, with their passwords and all that is theirs
    ///
    /// `SHARED_DATABASE_URL` is the house, `DATABASE_URL` the app's own database with its `auth_user`, `APP_NAME` the
    /// app. Stop the app and make a backup of both databases before. While something is not settled, nothing is
    /// changed (exit code 1).
    Adopt(Adopt),
    /// Shows the database, the migrations, the keys and the apps of the house
    Status,
    /// Tells whether a login in one app is a login in all, and what to do
    Check {
        /// Compares an app, by the document that it serves: `http://tasks.local/housekey.json`
        #[arg(long, value_name = "URL")]
        against: Option<String>,
    },
    /// The apps that have opened the house
    #[command(subcommand)]
    App(AppCommand),
    /// Prints SQL that makes a database role for an app, with the rights that it needs (PostgreSQL)
    Grants {
        /// `consumer`: only lets users sign in and out; `auth`: also makes users, changes passwords, grants
        #[arg(long)]
        role: housekey::Role,
        /// The name of the database role, one for each app [default: `housekey_ROLE`]
        #[arg(long)]
        name: Option<String>,
    },
    /// Moves the house to another database, of either kind: users, passwords, groups and sessions
    ///
    /// All in one transaction: what is interrupted has not happened, and can be run again. FROM is only read. Stop the
    /// apps before; then give them TO as `SHARED_DATABASE_URL`. No other settings are needed.
    Transfer(Transferred),
    /// Serves the ready-made pages as an app of their own: to sign in, for the account, the desk of staff
    ///
    /// The front door of a house whose other apps have no such pages: theirs is `LOGIN_URL`, as
    /// `https://front.example.org/login`. Whoever has signed in goes back to the app. `/` leads to the account and to
    /// the other apps, `/logout` out, `/users` and `/groups` to the desk; `/housekey.json` tells whether all is well.
    ///
    /// Settings of the environment that matter here, beside `SHARED_DATABASE_URL` and `SECRET_KEY`:
    ///
    /// `SUCCESS_URL_ALLOWED_HOSTS=["wiki.example.org"]`  the apps to which visitors go back
    /// `SESSION_COOKIE_DOMAIN=example.org`  the parent of all hosts, the same in every app
    /// `SECURE_PROXY_SSL_HEADER=["X-Forwarded-Proto", "https"]`  how the proxy in front says "it was HTTPS"
    /// `CLIENT_ADDRESS_HEADER=X-Real-IP`  how it tells the visitor's address
    /// `TRUSTED_PROXIES=["unix"]`  whom to believe that; this machine, if nobody is named
    /// `ALLOWED_HOSTS=["front.example.org"]`, `PUBLIC_URL=https://front.example.org`  who it is itself
    /// `APP_NAME`  its name in the house [default: front]
    ///
    /// `housekey migrate` comes first. SIGTERM and Ctrl-C let requests under way finish, for ten seconds at most.
    #[command(verbatim_doc_comment)]
    Serve(Serve),
    /// Reads a Cookie header from standard input, and tells why it is or is not a login here
    Why,
    /// Lists what has happened in the house, the newest first
    Events(Events),
    /// The sessions of the house
    #[command(subcommand)]
    Sessions(SessionsCommand),
    /// The groups of the house
    #[command(subcommand)]
    Group(GroupCommand),
    /// Lists the permissions that can be granted
    Permissions {
        /// Of this app label alone
        label: Option<String>,
    },
    /// The people of the house
    #[command(subcommand)]
    User(UserCommand),
}

#[derive(clap::Args)]
pub(crate) struct Adopt {
    /// Only says what would be done
    #[arg(long)]
    pub(crate) plan: bool,
    /// By what the app's users are found in the house
    #[arg(long, value_name = "WHAT", default_value = "username")]
    pub(crate) by: By,
    /// Takes the same username for the same person where there is no e-mail to compare
    #[arg(long)]
    pub(crate) trust_usernames: bool,
    /// Who is who, as CSV with the columns `local,house,how`: `how` is `same` or `new`; groups as `group:NAME`
    #[arg(long, value_name = "FILE")]
    pub(crate) map: Option<PathBuf>,
    /// Writes the users and groups that are not settled into a new map, to be filled in
    #[arg(long, value_name = "FILE", requires = "plan")]
    pub(crate) write_map: Option<PathBuf>,
    /// A column with ids of users that has no foreign key. May be given several times
    #[arg(long, value_name = "TABLE.COLUMN")]
    pub(crate) column: Vec<String>,
    /// What becomes of ids that are nobody's, where a column may be empty
    #[arg(long, value_name = "WHAT")]
    pub(crate) orphans: Option<Orphans>,
    /// Lets superusers and staff of the app be that in the whole house
    #[arg(long)]
    pub(crate) keep_ranks: bool,
    /// What takes it back is written here; it must not be there [default: `adopt-APP_NAME.undo.json`]
    #[arg(long, value_name = "FILE", conflicts_with = "plan")]
    pub(crate) undo_file: Option<PathBuf>,
    /// Takes an adoption back, by the file that it has written
    #[arg(long, value_name = "FILE", exclusive = true)]
    pub(crate) undo: Option<PathBuf>,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum By {
    Username,
    Email,
}

#[derive(Clone, Copy, clap::ValueEnum)]
pub(crate) enum Orphans {
    Null,
}

#[derive(Subcommand)]
pub(crate) enum KeyCommand {
    /// Makes a new key
    Generate,
    /// Prints what may be shown of the key in `SECRET_KEY`: equal keys have equal fingerprints
    Fingerprint,
    /// Shows the keys of the house, which app has which, and the next step
    Status(SeenWithin),
    /// Announces a new key: every app is to verify it
    Stage {
        /// Holds the new key; made, for your eyes alone, when it is not there
        #[arg(default_value = "house.key")]
        file: PathBuf,
    },
    /// Makes the announced key the one that signs, when every app verifies it
    Promote(Everybody),
    /// Gives up the key before, when no app and no session needs it
    Retire {
        #[command(flatten)]
        everybody: Everybody,
        /// Signs out whoever has not come back since the change, and does not wait for them
        #[arg(long)]
        sign_out: bool,
    },
}

#[derive(clap::Args)]
pub(crate) struct Everybody {
    #[command(flatten)]
    pub(crate) seen: SeenWithin,
    /// Also asks this app, by the document that it serves: Django apps do not report. May be given several times
    #[arg(long, value_name = "URL")]
    pub(crate) against: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct SeenWithin {
    /// An app that was not there for so long is taken for gone: days (`7d`) or hours (`2h`)
    #[arg(long = "seen-within", value_name = "TIME", default_value = "7d", value_parser = seen_within)]
    pub(crate) seen: Seen,
}

fn seen_within(text: &str) -> Result<Seen, String> {
    time(text).map(Seen).map_err(|problem| format!("{problem}; apps report once an hour"))
}

fn time(text: &str) -> Result<Duration, String> {
    let unit = if text.ends_with('h') { 3600 } else { 24 * 3600 };
    let number = text.trim_end_matches(['h', 'd']);
    match number.parse::<u32>() {
        Ok(number) if number > 0 => Ok(Duration::from_secs(u64::from(number) * unit)),
        _ => Err("give days like 7d, or hours like 2h".to_owned()),
    }
}

#[derive(clap::Args)]
pub(crate) struct Transferred {
    /// The database that the house is in: `sqlite:PATH`, a path, or `postgres://USER@HOST/NAME`
    pub(crate) from: String,
    /// The database that it moves to; of SQLite a file that is made
    pub(crate) to: String,
    /// Only reads, and says what would happen
    #[arg(long)]
    pub(crate) plan: bool,
    /// Moves an app's own tables instead; TO has them already, as the app's migrations make them
    #[arg(long)]
    pub(crate) local: bool,
    /// Moves this table as well, which apps share. May be given several times
    #[arg(long, value_name = "TABLE", conflicts_with = "local")]
    pub(crate) table: Vec<String>,
    /// Leaves this table where it is. May be given several times
    #[arg(long, value_name = "TABLE")]
    pub(crate) leave: Vec<String>,
}

#[derive(clap::Args)]
pub(crate) struct Serve {
    /// Where to listen: `ADDRESS:PORT` (port 0: any that is free), or a socket, `unix:PATH`
    #[arg(long, env = "LISTEN", value_name = "WHERE", default_value = "127.0.0.1:8000")]
    pub(crate) listen: Listen,
    /// What stands above the pages [default: `APP_NAME`]
    #[arg(long, env = "TITLE", value_name = "TEXT")]
    pub(crate) title: Option<String>,
    /// An app that the account page leads to: Django apps do not tell their address. May be given several times
    #[arg(long, value_name = "NAME=URL", value_parser = app_link)]
    pub(crate) app: Vec<App>,
}

fn app_link(text: &str) -> Result<App, String> {
    match text.split_once('=') {
        Some((name, url))
            if !name.is_empty() && (url.starts_with("https://") || url.starts_with("http://")) =>
        {
            Ok(App { name: name.to_owned(), url: url.to_owned() })
        }
        _ => Err("give a name and an address, like wiki=https://wiki.example.org".to_owned()),
    }
}

#[derive(Subcommand)]
pub(crate) enum AppCommand {
    /// Lists the apps that were there lately, with the keys that they have
    List(SeenWithin),
    /// Forgets an app that is no more
    Forget {
        app: String,
        /// On this host alone
        #[arg(long)]
        host: Option<String>,
    },
}

#[derive(clap::Args)]
pub(crate) struct What {
    pub(crate) username: String,
    /// A permission: `APP_LABEL.CODENAME`; `housekey permissions` lists them
    #[arg(required_unless_present_any = ["group", "superuser", "staff"])]
    pub(crate) permission: Option<String>,
    /// Membership in this group instead
    #[arg(long, conflicts_with = "permission")]
    pub(crate) group: Option<String>,
    /// All permissions, those to come as well
    #[arg(long, conflicts_with_all = ["permission", "group", "staff"])]
    pub(crate) superuser: bool,
    /// Access to Django's admin
    #[arg(long, conflicts_with_all = ["permission", "group"])]
    pub(crate) staff: bool,
}

#[derive(Subcommand)]
pub(crate) enum GroupCommand {
    /// Makes a group
    Create { group: String },
    /// Lists the groups
    List,
    /// Shows the members and permissions of one group
    Show { group: String },
    /// Deletes a group; its members have no more what they had by it
    Delete { group: String },
    /// Gives a group a permission: `APP_LABEL.CODENAME`
    Grant { group: String, permission: String },
    /// Takes a permission from a group
    Revoke { group: String, permission: String },
}

#[derive(Subcommand)]
pub(crate) enum SessionsCommand {
    /// Lists the living sessions of a user in every app, Django's too, the newest first
    List { username: String },
    /// Deletes the rows of sessions that have ended, and old events, some at a time, while the apps go on
    Purge {
        /// Also deletes what has happened longer ago: days (`30d`) or hours (`2h`)
        #[arg(long, value_name = "TIME", default_value = "90d", value_parser = time)]
        events_older_than: Duration,
    },
    /// Ends the sessions of a user in every app, Django's too
    Revoke(Revoked),
}

#[derive(clap::Args)]
pub(crate) struct Events {
    /// About this user alone
    #[arg(long, value_name = "NAME")]
    pub(crate) user: Option<String>,
    /// Of this kind alone, as `login_failed`
    #[arg(long)]
    pub(crate) kind: Option<EventKind>,
    /// No longer ago: days (`7d`) or hours (`2h`)
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub(crate) since: Option<Duration>,
    /// Those before the one of this id, which `--json` shows
    #[arg(long, value_name = "ID")]
    pub(crate) before: Option<i64>,
    /// No more than so many
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub(crate) limit: u32,
}

#[derive(clap::Args)]
pub(crate) struct Revoked {
    #[arg(required_unless_present_any = ["all", "foreign"], conflicts_with_all = ["all", "foreign"])]
    pub(crate) username: Option<String>,
    /// Ends the sessions of everybody
    #[arg(long)]
    all: bool,
    /// Ends those that no key of this house has signed: what is left of an app that had another key
    #[arg(long, conflicts_with = "all")]
    pub(crate) foreign: bool,
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
        /// Takes a password that is short, common, or like the user's name
        #[arg(long)]
        allow_weak_password: bool,
    },
    /// Lists the users whose names begin so
    List {
        #[arg(default_value = "")]
        begin: String,
        /// No more than so many
        #[arg(long, default_value_t = 1000)]
        most: u32,
    },
    /// Shows one user, with groups and permissions
    Show { username: String },
    /// Gives a user a new password, and ends the user's sessions
    Password {
        username: String,
        /// Takes a password that is short, common, or like the user's name
        #[arg(long)]
        allow_weak_password: bool,
    },
    /// Gives a user another name; the user's sessions go on
    Rename { old: String, new: String },
    /// Deletes a user for good; `deactivate` is mostly better, because local rows of the apps keep the id
    Delete {
        username: String,
        /// Does not ask
        #[arg(long)]
        yes: bool,
    },
    /// Gives a user a permission, or puts the user into a group
    Grant(What),
    /// Takes a permission from a user, or the user out of a group
    Revoke(What),
    /// Lets a user sign in
    Activate { username: String },
    /// Lets a user sign in no more
    Deactivate { username: String },
    /// Forgets the wrong passwords that were tried for a user, who need not wait any more
    Unlock { username: String },
}
