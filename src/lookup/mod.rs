//! Who is this? What requests ask of the shared database, by a few threads of the house's own: a lone question is asked
//! at once by itself, and whatever has come to wait while others are asked is answered by one query.

mod answer;
mod cache;
mod line;
mod owners;
mod recent;
mod replica;
mod reply;
mod sources;

use std::sync::Arc;
use std::time::Duration;

#[cfg(feature = "_web")]
use tokio::time::timeout;

use crate::config::Config;
use crate::db::SharedPool;
use crate::error::Error;
use crate::session::SessionKey;
use crate::user::permission::Holder;
use crate::user::store::UserRow;
use crate::user::{Permissions, User};

pub(crate) use answer::Found;
use answer::{Ask, answer};
use line::Line;
#[cfg(feature = "_web")]
use line::Turn;
use reply::{Reply, Told};
use sources::Sources;

/// How many questions are asked at a time. One query for many is cheaper for all than many at once.
const AT_ONCE: u32 = 2;

/// What a visitor waits longer than the deadline, so that a look-up which keeps the deadline can say itself what it
/// waited for.
const GRACE: Duration = Duration::from_millis(200);

/// Who has waited so long has another look taken at the line: what is before them may hang.
const A_WHILE: Duration = Duration::from_millis(100);

/// The one door to sessions, users and permissions, for async callers and for blocking ones.
pub(crate) struct Lookups {
    line: Arc<Line>,
    sources: Arc<Sources>,
    patience: Duration,
}

impl Lookups {
    /// Begins no thread: the first one who has to wait does.
    pub(crate) fn new(config: &Config, shared: &SharedPool) -> Self {
        let places = AT_ONCE.min(config.shared_pool_size.div_ceil(2));
        let sources = Arc::new(Sources::new(config, shared));
        let line = Arc::new(Line::new(&sources, places, config.deadline));
        Self { line, sources, patience: config.deadline + GRACE }
    }

    /// Begins to keep answers and to ask a replica, if the app wants that.
    pub(crate) fn follow(&self, config: &Config) {
        self.sources.follow(config);
    }

    /// This app has changed the session.
    pub(crate) fn is_changed(&self, key: &SessionKey) {
        self.sources.is_changed(key);
    }

    /// The session was found to be this user's.
    pub(crate) fn is_of(&self, key: &SessionKey, user_id: i32) {
        self.sources.owners.learn(key, user_id);
    }

    /// The row of a session with its user. `None` when it has to be waited for.
    #[cfg(feature = "_web")]
    pub(crate) fn session_at_once(&self, key: &SessionKey) -> Option<Found> {
        if let Some(row) = self.sources.kept(key) {
            return Some(Ok(row));
        }
        let _turn = self.turn_at_hand()?;
        self.sources.row_at_hand(key)
    }

    #[cfg(feature = "_web")]
    fn turn_at_hand(&self) -> Option<Turn<'_>> {
        self.line.turn_beside_fewer_than(self.sources.at_hand()?)
    }

    #[cfg(feature = "_web")]
    pub(crate) async fn session(&self, key: &SessionKey) -> Result<Found, Error> {
        self.ask(|reply| Ask::Session(key.clone(), reply)).await
    }

    pub(crate) fn session_now(&self, key: &SessionKey) -> Result<Found, Error> {
        match self.sources.kept(key) {
            Some(row) => Ok(Ok(row)),
            None => self.ask_now(|reply| Ask::Session(key.clone(), reply)),
        }
    }

    /// A user; a row that cannot be read is an error of its own ([`Error::is_strange_row`]).
    #[cfg(feature = "_web")]
    pub(crate) async fn user(&self, id: i32) -> Result<Option<UserRow>, Error> {
        self.ask(|reply| Ask::User(id, reply)).await
    }

    pub(crate) fn user_now(&self, id: i32) -> Result<Option<UserRow>, Error> {
        self.ask_now(|reply| Ask::User(id, reply))
    }

    /// What the user may do.
    #[cfg(feature = "_web")]
    pub(crate) async fn permissions(&self, user: &User) -> Result<Permissions, Error> {
        let Some(holder) = Holder::of(user) else { return Ok(Permissions::default()) };
        match self.permissions_at_once(holder) {
            Some(permissions) => Ok(permissions),
            None => self.ask(|reply| Ask::Permissions(holder, reply)).await,
        }
    }

    #[cfg(feature = "_web")]
    fn permissions_at_once(&self, holder: Holder) -> Option<Permissions> {
        if let Some(permissions) = self.sources.kept_permissions(holder) {
            return Some(permissions);
        }
        let _turn = self.turn_at_hand()?;
        self.sources.permissions_at_hand(holder)
    }

    pub(crate) fn permissions_now(&self, user: &User) -> Result<Permissions, Error> {
        let Some(holder) = Holder::of(user) else { return Ok(Permissions::default()) };
        match self.sources.kept_permissions(holder) {
            Some(permissions) => Ok(permissions),
            None => self.ask_now(|reply| Ask::Permissions(holder, reply)),
        }
    }

    #[cfg(feature = "_web")]
    async fn ask<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Error> {
        let (reply, mut answer) = reply::to_a_task();
        self.join(ask(reply))?;
        let mut told = timeout(A_WHILE, &mut answer).await;
        if told.is_err() {
            self.line.look();
            told = timeout(self.patience.saturating_sub(A_WHILE), answer).await;
        }
        match told {
            Ok(answer) => answer.unwrap_or(Err(Error::Panicked)),
            Err(_) => Err(self.line.late()),
        }
    }

    /// On the caller's own thread, when nobody is before it.
    fn ask_now<T>(&self, ask: impl FnOnce(Reply<T>) -> Ask) -> Result<T, Error> {
        let (reply, asker) = reply::to_a_thread();
        let mut told = if let Some(turn) = self.line.turn_at_once() {
            answer(&self.sources, [ask(reply)], turn);
            asker.told_within(Duration::ZERO)
        } else {
            self.join(ask(reply))?;
            asker.told_within(A_WHILE)
        };
        if let Told::NotYet = told {
            self.line.look();
            told = asker.told_within(self.patience.saturating_sub(A_WHILE));
        }
        match told {
            Told::Answer(answer) => answer,
            Told::Nothing => Err(Error::Panicked),
            Told::NotYet => Err(self.line.late()),
        }
    }

    fn join(&self, ask: Ask) -> Result<(), Error> {
        self.sources.shared.admit()?;
        self.line.join(ask)
    }
}

impl Drop for Lookups {
    fn drop(&mut self) {
        self.line.close();
    }
}

#[cfg(all(test, feature = "_web", feature = "sqlite"))]
mod tests {
    use std::future::poll_fn;
    use std::path::PathBuf;
    use std::pin::pin;
    use std::task::Poll;

    use super::*;
    use crate::key::SecretKey;
    use crate::place::Place;

    /// A house without users, whose deadline is far away.
    struct House {
        folder: PathBuf,
        lookups: Lookups,
    }

    #[expect(clippy::unwrap_used, reason = "a test that has no house fails")]
    impl House {
        fn named(name: &str) -> Self {
            let name = format!("housekey_lookup_{name}_{}", std::process::id());
            let folder = std::env::temp_dir().join(name);
            std::fs::create_dir_all(&folder).unwrap();
            let url = format!("sqlite:{}", folder.join("shared.db").display());
            let key = SecretKey::dangerously_unchecked("k");
            let config = Config::new(&url, &url, key).unwrap().deadline(Duration::from_secs(600));
            crate::migrate(&config).unwrap();
            let shared = SharedPool::new(Place::Shared, &config.shared, 4, config.deadline);
            Self { folder, lookups: Lookups::new(&config, &shared) }
        }
    }

    impl Drop for House {
        fn drop(&mut self) {
            // What is left would only take place.
            let _ = std::fs::remove_dir_all(&self.folder);
        }
    }

    /// Nobody else comes.
    #[test]
    fn who_came_behind_a_query_that_hangs_is_asked_for_beside_it() {
        let house = House::named("hangs");
        house.lookups.line.hang(2);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
        let found = runtime.block_on(house.lookups.user(1));
        assert!(found.unwrap().is_none());
    }

    /// As when a visitor closes the connection. What is shared with who asked is used by nobody when it is gone; a channel
    /// that frees it too early ends the process.
    #[test]
    fn who_goes_away_while_being_answered_harms_nobody() {
        let house = Arc::new(House::named("goes"));
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_time().build();
        let runtime = runtime.unwrap();
        let visitors: Vec<_> = (0..64)
            .map(|visitor| {
                let house = Arc::clone(&house);
                runtime.spawn(async move {
                    for patience in (0..5_000).map(|visit| (visit + visitor) % 40) {
                        let mut asked = pin!(house.lookups.user(1));
                        for _ in 0..patience {
                            let answer = poll_fn(|cx| Poll::Ready(asked.as_mut().poll(cx)));
                            if answer.await.is_ready() {
                                break;
                            }
                            tokio::task::yield_now().await;
                        }
                    }
                })
            })
            .collect();
        for visitor in visitors {
            runtime.block_on(visitor).unwrap();
        }
        assert!(runtime.block_on(house.lookups.user(1)).unwrap().is_none());
    }
}
