//! Asks a database that is away whether it is back, so that no visitor has to.

use std::sync::mpsc::channel;
use std::sync::{Arc, Weak};
use std::time::Duration;

use super::backend::HouseConnection;
use super::pool::{Inner, Pool, give_up};
use crate::clock::rest;
use crate::error::{Error, is_broken_connection};

/// How long to rest between two questions.
const BETWEEN: Duration = Duration::from_millis(500);

/// How long a question waits for a connection to ask it by.
const PATIENCE: Duration = Duration::from_millis(500);

/// How many questions may hang at a time: the next one is asked when one before has come to its end.
const HANGING: usize = 3;

/// No row, but what a look-up of a session needs: its tables, and no lock on them that keeps readers out.
const QUESTION: &str = "SELECT 1 FROM django_session, auth_user LIMIT 0";

impl<C: HouseConnection> Pool<C> {
    /// Something takes long: is the database still there?
    pub(crate) fn doubt(&self) {
        if self.breaker().is_some() {
            self.watch();
        }
    }

    /// Sees to it that somebody asks until there is an answer.
    pub(super) fn watch(&self) {
        if !self.inner().keeper.begin() {
            return;
        }
        let pool = Arc::downgrade(self.inner());
        let begun =
            std::thread::Builder::new().name("housekey-watch".to_owned()).spawn(move || {
                while !is_over(&pool) {
                    rest(BETWEEN);
                }
            });
        if let Err(error) = begun {
            // The next one who is refused tries again.
            self.inner().keeper.end();
            tracing::warn!(%error, "no thread to ask whether the shared database is back");
        }
    }

    /// Asks once, and waits for the answer no longer than a visitor does. A late answer counts as well.
    fn answers_in_time(&self) -> bool {
        if Arc::strong_count(&self.inner().asking) > HANGING {
            return false;
        }
        let asking = Arc::clone(&self.inner().asking);
        let (tell, told) = channel();
        let pool = self.clone();
        // Without a thread there is no answer either, as the other side is gone.
        let _ = std::thread::Builder::new().name("housekey-ask".to_owned()).spawn(move || {
            let answered = pool.answers();
            if let (true, Some(breaker)) = (answered, pool.breaker()) {
                breaker.close();
            }
            drop(asking);
            // Nobody listens any more when it was late.
            let _ = tell.send(answered);
        });
        told.recv_timeout(self.deadline()) == Ok(true)
    }

    fn answers(&self) -> bool {
        // One that lay idle may be dead, and a pool whose connections all hang is begun anew.
        self.ask().is_ok() || self.ask().is_ok()
    }

    /// Any answer will do, even that something is wrong with the tables.
    fn ask(&self) -> Result<(), Error> {
        let mut connection = match self.take(PATIENCE.min(self.deadline())) {
            Ok(connection) => connection,
            Err(error) => {
                self.renew_if_all_hang();
                return Err(error);
            }
        };
        match connection.batch_execute(QUESTION) {
            Err(error) if is_broken_connection(&error) => {
                self.notice(&error);
                give_up(connection);
                Err(Error::shared(error))
            }
            _ => Ok(()),
        }
    }
}

/// One question. It is over when there was an answer, or when nobody wants to know any more.
fn is_over<C: HouseConnection>(pool: &Weak<Inner<C>>) -> bool {
    let Some(pool) = pool.upgrade().map(Pool::from) else { return true };
    let Some(breaker) = pool.breaker() else { return true };
    let term = breaker.term();
    if !pool.answers_in_time() && breaker.term() == term {
        breaker.open(term, &Error::Deadline { waited: pool.deadline() });
        breaker.confirm();
        return false;
    }
    pool.inner().keeper.end();
    // Who came in between has found this keeper still at work.
    !breaker.is_open() || !pool.inner().keeper.begin()
}
