//! Reads what has changed since it was read last, on a connection that stays.

use super::Change;
use super::store::{self, Seen};
use crate::db::{FileIdentity, SharedConnection, SharedPool};
use crate::error::Error;

pub(super) struct Reader {
    shared: SharedPool,
    line: Option<Line>,
}

/// A connection, and what was seen on it last: that says nothing on another one.
struct Line {
    conn: SharedConnection,
    /// The file that SQLite has open.
    file: Option<FileIdentity>,
    seen: Option<Seen>,
}

impl Reader {
    pub(super) fn new(shared: SharedPool) -> Self {
        Self { shared, line: None }
    }

    fn begin(&self, file: Option<FileIdentity>) -> Result<Line, Error> {
        // What is asked for so often is to be prepared, where that is possible.
        self.shared.learn_way();
        Ok(Line { conn: self.shared.get()?, file, seen: None })
    }

    /// All that has changed since the last call; everything, when that did not succeed.
    pub(super) fn read(&mut self) -> Result<Vec<Change>, Error> {
        let file = self.shared.url().file().and_then(|path| FileIdentity::of(&path));
        let mut line = match self.line.take().filter(|line| line.file == file) {
            Some(line) => line,
            None => self.begin(file)?,
        };
        match store::changes(&mut line.conn, line.seen.as_ref()) {
            Ok((changes, seen)) => {
                line.seen = Some(seen);
                self.line = Some(line);
                Ok(changes)
            }
            Err(error) => {
                self.shared.notice(&error);
                line.conn.give_up();
                Err(Error::shared(error))
            }
        }
    }
}
