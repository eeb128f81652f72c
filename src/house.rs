//! The handle that an app holds: its two databases, the people, and their sessions.

use std::sync::Arc;
use std::time::Duration;

use diesel::query_builder::{QueryFragment, QueryId};

use crate::auth::Auth;
use crate::breaker::Breaker;
use crate::check::{self, Checkup};
use crate::config::Config;
#[cfg(feature = "_web")]
use crate::config::{Https, is_token_byte};
#[cfg(feature = "_web")]
use crate::csrf::Rules;
use crate::db::{Databases, HouseConnection, Pooled, RoutedConnection, SharedPool, Stats, migrate};
use crate::error::Error;
use crate::events::{EventFilter, EventInfo, EventKind};
use crate::place::Place;
#[cfg(feature = "_web")]
use crate::proxy::Proxies;
use crate::registry::{self, Profile};
use crate::rounds::Rounds;
use crate::session::Session;
use crate::session::visitor::Visitor;
use crate::user::declared::declare;
use crate::user::store::Rank;
use crate::user::{Permissions, ResetLink, User};

/// What the rounds of the house are for.
const KEEPS_BOOKS: &str = "to keep the books of the house; its sessions show no time of use";
/// How often the house writes down what was refused.
const SECOND: Duration = Duration::from_secs(1);
/// How many of these are between two times at which it keeps its other books, and its presence.
const MINUTE: u64 = 60;
const HOUR: u64 = 3600;

/// Makes what the shared database lacks, and says which steps that were: none, when another app of the
/// house was here before. The permissions of [`Config::permissions`] are made as well.
///
/// Any number of apps may call it at once, and be killed while they do.
///
/// ```no_run
/// let config = housekey::Config::from_env()?;
/// for step in housekey::migrate(&config)? {
///     println!("applied {step}");
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
///
/// # Errors
/// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Migration`]; [`Error::KeyMismatch`] when the
/// house has another key, before anything is written; [`Error::LabelTaken`] when another app has declared
/// permissions under the same app label; [`Error::NotAllowed`] when something is to be made and the app's
/// database role may not; [`Error::OtherUserModel`]; [`Error::SchemaNewer`].
pub fn migrate(config: &Config) -> Result<Vec<String>, Error> {
    let shared = SharedPool::new(Place::Shared, &config.shared, 1, config.deadline);
    if migrate::made_without_users(&shared)? {
        return Err(Error::OtherUserModel);
    }
    let missing = migrate::missing(&shared)?;
    if missing.is_empty() {
        registry::is_known(&shared, config)?;
    }
    let applied =
        if missing.is_empty() { missing } else { migrate::apply(&shared, &config.app_name)? };
    registry::is_known(&shared, config)?;
    declare(&shared, config)?;
    if migrate::is_all(&applied) {
        let (app, house) = (&config.app_name, shared.run(migrate::house)?);
        tracing::info!(
            app,
            house,
            "a new house was made; if other apps have one, SHARED_DATABASE_URL of this app names another database than theirs"
        );
    }
    Ok(applied)
}

/// One app of the house. Clones are handles to the same one.
///
/// The type parameter is the kind of the app's local database; that of the shared one is told by its URL.
/// All methods block, except [`Housekey::run`] (feature `axum`), which is the way to call them from async
/// code.
///
/// ```no_run
/// use diesel::SqliteConnection;
/// use housekey::{Config, Housekey, Session};
///
/// let config = Config::from_env()?;
/// housekey::migrate(&config)?;
/// let house = Housekey::<SqliteConnection>::open(config)?;
///
/// let session = Session::default();
/// if let Some(user) = house.authenticate("ada", "correct horse battery staple")? {
///     house.login(&session, &user)?;
/// }
/// # Ok::<(), housekey::Error>(())
/// ```
pub struct Housekey<L: HouseConnection> {
    rooms: Arc<Rooms<L>>,
}

struct Rooms<L: HouseConnection> {
    databases: Arc<Databases<L>>,
    auth: Arc<Auth>,
    #[cfg_attr(
        not(any(feature = "_web", feature = "_stores")),
        expect(dead_code, reason = "held to its end")
    )]
    rounds: Arc<Rounds>,
    config: Config,
    #[cfg(feature = "_async")]
    bridge: crate::bridge::Bridge,
    #[cfg(feature = "_web")]
    csrf: Arc<Rules>,
    #[cfg(feature = "_web")]
    proxies: Arc<Proxies>,
}

/// What of a house is no matter of its local database.
#[cfg(any(feature = "_web", feature = "_stores"))]
pub(crate) struct Doors<'a> {
    pub(crate) auth: &'a Arc<Auth>,
    pub(crate) rounds: &'a Arc<Rounds>,
    pub(crate) bridge: &'a crate::bridge::Bridge,
    #[cfg(feature = "_web")]
    pub(crate) csrf: &'a Arc<Rules>,
    #[cfg(feature = "_web")]
    pub(crate) proxies: &'a Arc<Proxies>,
    #[cfg(feature = "_web")]
    pub(crate) config: &'a Config,
}

impl<L: HouseConnection> Clone for Housekey<L> {
    fn clone(&self) -> Self {
        Self { rooms: Arc::clone(&self.rooms) }
    }
}

impl<L: HouseConnection> Housekey<L> {
    /// Opens the house, if this app belongs to it: the shared tables are there, and the `SECRET_KEY` is
    /// the one the house knows. The first app of a house registers its key.
    ///
    /// While a handle or a layer of the app lives, a thread writes down once a minute which sessions were used, and
    /// within a second or two what was refused ([`EventKind`](crate::EventKind)).
    ///
    /// ```no_run
    /// # use diesel::SqliteConnection;
    /// use housekey::{Config, Housekey};
    /// let house = Housekey::<SqliteConnection>::open(Config::from_env()?)?;
    /// # Ok::<(), housekey::Error>(())
    /// ```
    ///
    /// # Errors
    /// [`Error::KeyMismatch`], [`Error::KeyTooEarly`], [`Error::KeyRetired`], [`Error::MigrationsMissing`],
    /// [`Error::SchemaNewer`], [`Error::Unreachable`], [`Error::PoolTimeout`], and [`Error::Config`] when
    /// `DATABASE_URL` is of another kind than `L`, or names a file that is no database; [`Error::NotAllowed`] when the
    /// app's database role may not read the house, or not register a new key. Nothing of another app is
    /// changed before all is well.
    pub fn open(config: Config) -> Result<Self, Error> {
        #[cfg(feature = "_web")]
        let (csrf, proxies) = (csrf_rules(&config)?, trusted_proxies(&config)?);
        config.cookies_can_be_set()?;
        let databases = Databases::new(&config)?;
        check::tables(&databases.shared)?;
        registry::admit(&databases.shared, &config)?;
        check::tell(&databases.shared, &config)?;
        check::at_start(&databases.shared, &config)?;
        let shared = databases.shared.clone();
        shared.guard(Breaker::new(&config.app_name, config.clock));
        let auth = Arc::new(Auth::new(&config, shared.clone()));
        auth.lookups().follow(&config);
        let rooms = Rooms {
            #[cfg(feature = "_async")]
            bridge: crate::bridge::Bridge::new(&config, &shared),
            rounds: Arc::new(begin_rounds(
                Arc::clone(&auth),
                Arc::clone(&databases),
                config.clone(),
            )),
            databases,
            auth,
            #[cfg(feature = "_web")]
            csrf: Arc::new(csrf),
            #[cfg(feature = "_web")]
            proxies: Arc::new(proxies),
            config,
        };
        Ok(Self { rooms: Arc::new(rooms) })
    }

    /// Looks again at what [`Housekey::open`] has looked at, for a health page: the shared database answers, its
    /// tables are there, and the key is the house's.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
    /// let is_ready = house.ready().is_ok();
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::open`].
    pub fn ready(&self) -> Result<(), Error> {
        let (shared, config) = (&self.rooms.databases.shared, &self.rooms.config);
        check::tables(shared)?;
        registry::is_known(shared, config)
    }

    /// Looks over the house as this app sees it: see [`check`](crate::check).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) {
    /// for trouble in house.check().troubles() {
    ///     println!("{trouble}"); // warning: the fact; the remedy
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn check(&self) -> Checkup {
        check::look_over(&self.rooms.databases.shared, &self.rooms.config)
    }

    /// What this app tells of itself, for other apps and `housekey check --against` to compare: with the
    /// feature `axum` it is served by `housekey::axum::profile`.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// println!("{}", house.profile()?.to_json());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::ready`]: an app that is not ready is no app of the house.
    pub fn profile(&self) -> Result<Profile, Error> {
        self.ready()?;
        let house = self.rooms.databases.shared.run(migrate::house)?;
        Ok(Profile { house, ..Profile::of(&self.rooms.config) })
    }

    /// The app's name in the registry of the house.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// fn title(house: &housekey::Housekey<diesel::SqliteConnection>) -> String {
    ///     format!("Welcome to {}", house.app_name())
    /// }
    /// ```
    #[must_use]
    pub fn app_name(&self) -> &str {
        &self.rooms.config.app_name
    }

    /// A diesel connection that sends each query where its tables live. It takes nothing from a pool
    /// until a query needs it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// # use diesel::SqliteConnection;
    /// use diesel::prelude::*;
    /// use housekey::{Error, Housekey, schema::auth_user};
    /// fn people(house: &Housekey<SqliteConnection>) -> Result<i64, Error> {
    ///     Ok(auth_user::table.count().get_result(&mut house.conn())?)
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn conn(&self) -> RoutedConnection<L> {
        RoutedConnection::new(Arc::clone(&self.rooms.databases))
    }

    /// A plain diesel connection to the app's own database, for what no router should see.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// # use diesel::SqliteConnection;
    /// # use housekey::{Error, Housekey};
    /// use diesel::connection::SimpleConnection;
    /// fn tidy(house: &Housekey<SqliteConnection>) -> Result<(), Error> {
    ///     Ok(house.local()?.batch_execute("VACUUM")?)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`] and [`Error::PoolTimeout`].
    pub fn local(&self) -> Result<Pooled<L>, Error> {
        self.rooms.databases.local()
    }

    /// A plain diesel connection to the shared database, when it is of the local one's kind.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// # use diesel::SqliteConnection;
    /// # use housekey::{Error, Housekey};
    /// use diesel::prelude::*;
    /// use housekey::schema::auth_group;
    /// fn groups(house: &Housekey<SqliteConnection>) -> Result<Vec<String>, Error> {
    ///     Ok(auth_group::table.select(auth_group::name).load(&mut house.shared()?)?)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::OtherKind`] when it is not; [`Error::Unreachable`] and [`Error::PoolTimeout`].
    pub fn shared(&self) -> Result<Pooled<L>, Error> {
        self.shared_as()
    }

    /// A plain diesel connection to the shared database, of the kind that you name.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")] {
    /// # use diesel::SqliteConnection;
    /// # use housekey::{Error, Housekey};
    /// use diesel::prelude::*;
    /// use housekey::schema::auth_group;
    /// fn groups(house: &Housekey<SqliteConnection>) -> Result<i64, Error> {
    ///     let mut conn = house.shared_as::<SqliteConnection>()?;
    ///     Ok(auth_group::table.count().get_result(&mut conn)?)
    /// }
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::OtherKind`] when it is of another kind; [`Error::Unreachable`] and [`Error::PoolTimeout`].
    pub fn shared_as<C: HouseConnection>(&self) -> Result<Pooled<C>, Error> {
        self.rooms.databases.shared_as()
    }

    /// Where a table of this name lives.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// fn show(house: &housekey::Housekey<diesel::SqliteConnection>) {
    ///     println!("note lives in the {} database", house.place_of("note"));
    /// }
    /// ```
    #[must_use]
    pub fn place_of(&self, table: &str) -> Place {
        self.rooms.databases.routes.place_of(table)
    }

    /// Where a query goes, without sending it.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// fn show(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    ///     use diesel::prelude::*;
    ///     use housekey::{Place, schema::auth_group};
    ///     let groups = auth_group::table.select(auth_group::name);
    ///     assert_eq!(house.place_of_query(&groups)?, Place::Shared);
    ///     assert_eq!(house.place_of_query(&diesel::sql_query("SELECT * FROM note"))?, Place::Local);
    ///     Ok(())
    /// }
    /// ```
    ///
    /// # Errors
    /// [`Error::BothPlaces`], [`Error::UnreadableSql`] and [`Error::OtherKind`], as sending it would.
    pub fn place_of_query<T>(&self, query: &T) -> Result<Place, Error>
    where
        T: QueryFragment<L::Backend> + QueryId,
    {
        Ok(self.rooms.databases.routes.of_query::<L, T>(query)?.place)
    }

    /// Counts of checkouts, waits and routed statements since the house was opened.
    ///
    /// ```
    /// # #[cfg(feature = "sqlite")]
    /// fn show(house: &housekey::Housekey<diesel::SqliteConnection>) {
    ///     println!("{} checkouts", house.stats().shared.checkouts);
    /// }
    /// ```
    #[must_use]
    pub fn stats(&self) -> Stats {
        self.rooms.databases.stats()
    }

    /// Makes a user who may sign in (Django's `create_user`). The name is brought into Unicode's form NFKC,
    /// and is held to Django's rules; of the e-mail address the domain is brought into lower case. Whether the
    /// password is weak is not asked, as in Django: [`weaknesses`](crate::password::weaknesses) tells.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// let ada = house.create_user("ada", "ada@example.org", "correct horse battery staple")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::UsernameTaken`]; [`Error::User`] when the name, the e-mail address or the password is not one
    /// that Django would take, or is too long; [`Error::NotAllowed`] when the app's database role may not;
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn create_user(&self, username: &str, email: &str, password: &str) -> Result<User, Error> {
        self.rooms.auth.create_user(username, email, password, Rank::Ordinary)
    }

    /// Makes a user who may do everything (Django's `create_superuser`).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// let root = house.create_superuser("root", "root@example.org", "correct horse battery staple")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::create_user`].
    pub fn create_superuser(
        &self,
        username: &str,
        email: &str,
        password: &str,
    ) -> Result<User, Error> {
        self.rooms.auth.create_user(username, email, password, Rank::Superuser)
    }

    /// The user of that name, exactly as it is written; active or not.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// if house.find_user("ada")?.is_none() {
    ///     house.create_user("ada", "ada@example.org", "correct horse battery staple")?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn find_user(&self, username: &str) -> Result<Option<User>, Error> {
        self.rooms.auth.find_user(username)
    }

    /// The user of that name, if the password is right and the user is active. The name is read as Django's
    /// login form reads it: without blanks around it, in Unicode's form NFKC.
    ///
    /// Wrong passwords are counted in the shared database, for all apps together: after ten for one name (an unknown
    /// one as well) each further one has to wait, from 10 seconds up to 5 minutes. Web apps call
    /// [`Housekey::authenticate_from`]. An unknown name takes as long as a wrong password. A hash that is weaker than
    /// the house's cost is replaced; the sessions that the user began in housekey apps outlive that.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// let Some(user) = house.authenticate("ada", "correct horse battery staple")? else {
    ///     return Ok(()); // the same answer for an unknown name, a wrong password, an inactive user
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::TooManyAttempts`]; [`Error::Busy`] when more passwords wait to be hashed than
    /// [`Config::password_hashes_at_once`] lets in; [`Error::NotBuiltIn`] when the user's hash is of an algorithm whose
    /// feature this app lacks; [`Error::Unreachable`], [`Error::PoolTimeout`] and
    /// [`Error::Database`]; [`Error::NotAllowed`] when the app's database role may not count attempts.
    pub fn authenticate(&self, username: &str, password: &str) -> Result<Option<User>, Error> {
        self.rooms.auth.authenticate(&Visitor::default(), username, password)
    }

    /// The same for a visitor whose session this is: wrong passwords are counted by where they come from, too
    /// ([`Session::came_from`]), so that a stranger who guesses is kept waiting sooner than the user, and not at all
    /// one who comes with a device that the user has signed in with before ([`Session::came_with`]).
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// use housekey::Error;
    /// match house.authenticate_from(session, "ada", "correct horse battery staple") {
    ///     Ok(Some(ada)) => house.login(session, &ada)?,
    ///     Ok(None) => println!("The name or the password is wrong."),
    ///     Err(Error::TooManyAttempts { wait, .. }) => println!("Try again in {wait:?}."),
    ///     Err(broken) => return Err(broken),
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// As [`Housekey::authenticate`].
    pub fn authenticate_from(
        &self,
        session: &Session,
        username: &str,
        password: &str,
    ) -> Result<Option<User>, Error> {
        let visitor = session.state().visitor.clone();
        self.rooms.auth.authenticate(&visitor, username, password)
    }

    /// Writes down that the user of this session has asked for something without the permission, for an app that
    /// asks [`Permissions::has_perm`] itself; the extractors of the web adapters do so. It waits for nothing.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session,
    /// #     user: &housekey::User) -> Result<(), housekey::Error> {
    /// if !house.permissions(user)?.has_perm("billing.approve_invoice") {
    ///     house.report_denied(session, "billing.approve_invoice");
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn report_denied(&self, session: &Session, permission: &str) {
        self.rooms.auth.report(EventKind::PermissionDenied, session, permission);
    }

    /// What has happened in the house, in whichever app, the newest first: for a page on which users see what was
    /// done in their name.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// for event in house.events(&housekey::EventFilter::default().user("ada").most(20))? {
    ///     println!("{} {} in {}", event.at, event.kind, event.app);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::NotAllowed`] when the app's database role is a `consumer`; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn events(&self, filter: &EventFilter) -> Result<Vec<EventInfo>, Error> {
        self.rooms.auth.events(filter)
    }

    /// A value for a cookie, after a login or a new password: it makes the browser known as one of this user's
    /// ([`Session::came_with`]). It opens nothing, and is good until the password changes. `None` when the browser is
    /// known already. The web adapters set this cookie.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session) {
    /// if let Some(device) = house.device_cookie(session) {
    ///     let cookie = format!("device={device}; Secure; HttpOnly; SameSite=Lax; Max-Age=31536000");
    /// }
    /// # }
    /// ```
    #[must_use]
    pub fn device_cookie(&self, session: &Session) -> Option<String> {
        session.state().device.clone()
    }

    /// Signs the user in, here and in every app of the house.
    ///
    /// The session gets a new key, and its old row is gone; what an anonymous visitor had in the session
    /// stays, what another user had does not.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// if let Some(user) = house.authenticate("ada", "correct horse battery staple")? {
    ///     house.login(session, &user)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::User`] when the user does not exist any more; [`Error::Unreachable`],
    /// [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn login(&self, session: &Session, user: &User) -> Result<(), Error> {
        self.rooms.auth.login(session, user)
    }

    /// Ends the session, here and in every app of the house. Its row is gone when this returns.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// house.logout(session)?;
    /// assert!(session.user().is_none());
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn logout(&self, session: &Session) -> Result<(), Error> {
        self.rooms.auth.logout(session)
    }

    /// Changes the password, if the old one is right. The user's other sessions end, this one goes on
    /// under a new key.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session,
    /// #     old: &str, new: &str) -> Result<(), housekey::Error> {
    /// if let Some(user) = session.user() {
    ///     let changed = house.change_password(session, &user, old, new)?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::User`] when the user does not exist any more or the new password is too long;
    /// [`Error::TooManyAttempts`] after wrong old ones, [`Error::Busy`], [`Error::NotBuiltIn`]; [`Error::NotAllowed`] when the app's database
    /// role may not; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn change_password(
        &self,
        session: &Session,
        user: &User,
        old: &str,
        new: &str,
    ) -> Result<bool, Error> {
        self.rooms.auth.change_password(session, user, old, new)
    }

    /// What a link for a new password holds, to be sent to the user by mail (Django's
    /// `default_token_generator`). It is good in every app of the house, Django's too. `None` for a user who
    /// is not active, has no usable password, or does not exist any more.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, user: &housekey::User)
    /// # -> Result<(), housekey::Error> {
    /// if let Some(link) = house.reset_link(user)? {
    ///     let address = format!("https://notes.example.org/reset/{}/{}/", link.uid, link.token);
    /// }
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn reset_link(&self, user: &User) -> Result<Option<ResetLink>, Error> {
        self.rooms.auth.reset_link(user)
    }

    /// Whose link this is, while it is good.
    ///
    /// It ends with its use, with any other change of the password or the e-mail address, with the next
    /// login, and with [`Config::password_reset_timeout`].
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, uid: &str, token: &str)
    /// # -> Result<(), housekey::Error> {
    /// let Some(user) = house.user_of_reset(uid, token)? else {
    ///     return Ok(()); // "This link is no longer good."
    /// };
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`]: never because of the link.
    pub fn user_of_reset(&self, uid: &str, token: &str) -> Result<Option<User>, Error> {
        self.rooms.auth.user_of_reset(uid, token)
    }

    /// Gives the link's user a new password, if the link is good; `false` if it is not. The user's sessions
    /// end.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, uid: &str, token: &str)
    /// # -> Result<(), housekey::Error> {
    /// let done = house.reset_password(uid, token, "battery horse staple correct")?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::User`] when the new password is too long; [`Error::NotAllowed`] when the app's database role
    /// may not; [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn reset_password(&self, uid: &str, token: &str, new: &str) -> Result<bool, Error> {
        self.rooms.auth.reset_password(uid, token, new)
    }

    pub(crate) fn users(&self, ids: &[i64]) -> Result<Vec<User>, Error> {
        self.rooms.auth.users(ids)
    }

    /// What the user may do: own permissions and those of the user's groups, in one query.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, user: &housekey::User)
    /// # -> Result<(), housekey::Error> {
    /// let may = house.permissions(user)?.has_perm("billing.approve_invoice");
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        self.rooms.auth.permissions(user)
    }

    /// The session that a cookie's value leads to, with its user. The web adapters call this.
    ///
    /// A bad cookie is no error: it leads to an anonymous session that knows why
    /// ([`Session::rejected`]). One that has not the shape of a session key, or whose proof is false, costs
    /// no query; a session begun in a housekey app costs one.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, cookie: Option<&str>)
    /// # -> Result<(), housekey::Error> {
    /// let session = house.session(cookie)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`]: never because of the cookie.
    pub fn session(&self, cookie: Option<&str>) -> Result<Session, Error> {
        self.rooms.auth.load(cookie)
    }

    /// Saves what was changed in the session, merged with what other requests have saved meanwhile. The
    /// web adapters call this.
    ///
    /// ```no_run
    /// # fn with(house: &housekey::Housekey<diesel::SqliteConnection>, session: &housekey::Session)
    /// # -> Result<(), housekey::Error> {
    /// session.insert("theme", "dark")?;
    /// house.save(session)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`Error::SessionGone`] when the session was ended meanwhile: it stays ended.
    /// [`Error::Unreachable`], [`Error::PoolTimeout`] and [`Error::Database`].
    pub fn save(&self, session: &Session) -> Result<(), Error> {
        self.rooms.auth.save(session)
    }

    /// Runs blocking work on a thread for that, and gives its result to async code.
    ///
    /// At most as many threads are used as there are connections, and 100 more for work that waits for the shared
    /// database. A place among them is waited for as long as [`Config::deadline`] says, the result 15 times as
    /// long, unless the work hangs in a shared database that is away.
    ///
    /// ```no_run
    /// # #[cfg(feature = "_async")]
    /// # async fn with(house: housekey::Housekey<diesel::SqliteConnection>) -> Result<(), housekey::Error> {
    /// let ada = house.run(|house| house.authenticate("ada", "correct horse battery staple")).await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// Those of the work; [`Error::Deadline`] and [`Error::Panicked`].
    #[cfg(feature = "_async")]
    pub async fn run<R: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<R, Error> + Send + 'static,
    ) -> Result<R, Error> {
        let house = self.clone();
        self.rooms.bridge.work(move || work(&house)).await
    }

    /// What the adapters need, whatever the kinds of the databases.
    #[cfg(any(feature = "_web", feature = "_stores"))]
    pub(crate) fn front(&self) -> Doors<'_> {
        let rooms = &*self.rooms;
        Doors {
            auth: &rooms.auth,
            rounds: &rooms.rounds,
            bridge: &rooms.bridge,
            #[cfg(feature = "_web")]
            csrf: &rooms.csrf,
            #[cfg(feature = "_web")]
            proxies: &rooms.proxies,
            #[cfg(feature = "_web")]
            config: &rooms.config,
        }
    }

    pub(crate) fn auth(&self) -> &Auth {
        &self.rooms.auth
    }
}

/// What is done while nobody waits for it: how the databases are reached, what was refused, which sessions were used, and
/// once an hour that the app is still there.
fn begin_rounds<L: HouseConnection>(
    auth: Arc<Auth>,
    databases: Arc<Databases<L>>,
    config: Config,
) -> Rounds {
    let mut seconds = 0_u64;
    let mut may_purge = true;
    Rounds::begin(KEEPS_BOOKS, SECOND, move || {
        seconds += 1;
        databases.learn_way();
        auth.write_events();
        if seconds.is_multiple_of(MINUTE) {
            auth.count_events();
            auth.write_down();
            // A consumer may not, and is not told each minute.
            if may_purge && let Err(error) = auth.purge_changes() {
                may_purge = !matches!(error, Error::NotAllowed { .. });
            }
        }
        if seconds.is_multiple_of(HOUR)
            && let Err(error) = registry::note(&databases.shared, &config)
        {
            tracing::warn!(app = config.app_name, %error, "the house could not be told that this app is here");
        }
    })
}

#[cfg(feature = "_web")]
fn csrf_rules(config: &Config) -> Result<Rules, Error> {
    let of_https = match &config.https {
        Https::ByHeader { name, .. } => Some(name),
        Https::ByAddress | Https::Always => None,
    };
    let headers = [
        ("SECURE_PROXY_SSL_HEADER", of_https),
        ("CLIENT_ADDRESS_HEADER", config.address_header.as_ref()),
    ];
    for (setting, name) in headers {
        if name.is_some_and(|name| name.is_empty() || !name.bytes().all(is_token_byte)) {
            return Err(Error::config(setting, "names no header; name it as the proxy does"));
        }
    }
    let (trusted, domain) = (&config.csrf.trusted_origins, config.csrf.cookie_domain.as_deref());
    Rules::new(trusted, domain).map_err(|problem| Error::config("CSRF_TRUSTED_ORIGINS", problem))
}

#[cfg(feature = "_web")]
fn trusted_proxies(config: &Config) -> Result<Proxies, Error> {
    let proxies = Proxies::new(&config.trusted_proxies);
    proxies.map_err(|problem| Error::config("TRUSTED_PROXIES", problem))
}

impl<L: HouseConnection> std::fmt::Debug for Housekey<L> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Housekey")
            .field("shared", &self.rooms.databases.shared.kind())
            .field("local", &L::KIND)
            .finish_non_exhaustive()
    }
}
