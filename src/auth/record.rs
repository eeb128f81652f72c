//! Sessions of other crates in the rows of the house: each is found by the first part of its key alone, whichever key of
//! the ring has made the rest.
//!
//! Creating never overwrites, and saving never creates. A row that does not verify, or holds anything else, is none: it
//! is neither read nor written nor deleted.

use super::Auth;
use super::save::is_taken;
use crate::db::{Moment, SharedConnection};
use crate::error::Error;
use crate::session::codec::{Decoded, Undecodable};
use crate::session::data::Data;
use crate::session::key::Stem;
use crate::session::record::{self, Keeper, Record, Row, Values};
use crate::session::{SessionKey, store};

impl Auth {
    pub(crate) fn find_record(&self, keeper: Keeper, stem: &Stem) -> Result<Option<Record>, Error> {
        let keys = self.mint.keys_of(stem);
        let found = record::find(&self.shared, &keys).or_else(Error::nothing_if_strange)?;
        let Some(row) = found else { return Ok(None) };
        let (decoded, values) = match self.read_record(keeper, &row) {
            Ok(Some(read)) => read,
            Ok(None) => return Ok(None),
            Err(undecodable) => {
                self.complain(undecodable.into(), row.key.expose_secret());
                return Ok(None);
            }
        };
        if let Err(error) = self.renew_record(&row, &decoded, &keys)
            && let Some(held_back) = self.complaints.may_speak()
        {
            // It was found, and is found again.
            let app = &self.app;
            tracing::warn!(app, held_back, %error, "a session could not be moved to the key that signs now");
        }
        Ok(Some(Record { values, end: row.end }))
    }

    /// `false` when the stem is taken, by whatever row.
    pub(crate) fn create_record(
        &self,
        keeper: Keeper,
        stem: &Stem,
        values: &Values,
        end: Moment,
    ) -> Result<bool, Error> {
        let keys = self.mint.keys_of(stem);
        let text = self.record_text(keeper, Data::default(), values)?;
        let made = self.shared.write(|conn| {
            let is_free = !record::is_any(conn, &keys)?;
            if is_free {
                store::create(conn, &keys[0], &text, end)?;
            }
            Ok(is_free)
        });
        match made {
            Err(Error::Query(error))
                if is_taken(&error) && self.shared.run(|conn| record::is_any(conn, &keys))? =>
            {
                Ok(false)
            }
            made => made.map_err(Error::settled),
        }
    }

    /// Writes all values anew; `false` when the session was ended, which it stays.
    pub(crate) fn save_record(
        &self,
        keeper: Keeper,
        stem: &Stem,
        values: &Values,
        end: Moment,
    ) -> Result<bool, Error> {
        self.with_record(keeper, stem, |conn, key, data| {
            let text = self.record_text(keeper, data, values)?;
            Ok(store::replace(conn, key, &text, end)?)
        })
    }

    /// Leaves the data as it is. Whoever saves at the same time sets the end as well.
    #[cfg(feature = "actix-session")]
    pub(crate) fn prolong_record(
        &self,
        keeper: Keeper,
        stem: &Stem,
        end: Moment,
    ) -> Result<(), Error> {
        let keys = self.mint.keys_of(stem);
        let found = record::find(&self.shared, &keys).or_else(Error::nothing_if_strange)?;
        match found {
            Some(row) if matches!(self.read_record(keeper, &row), Ok(Some(_))) => {
                self.shared.run(|conn| record::prolong(conn, &row, end))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn end_record(&self, keeper: Keeper, stem: &Stem) -> Result<(), Error> {
        self.with_record(keeper, stem, |conn, key, _| Ok(store::delete(conn, key)?)).map(drop)
    }

    /// Does something with the living row, which nobody else changes meanwhile; `false` when there is none.
    fn with_record(
        &self,
        keeper: Keeper,
        stem: &Stem,
        work: impl Fn(&mut SharedConnection, &SessionKey, Data) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let keys = self.mint.keys_of(stem);
        let done = self.shared.write(|conn| {
            let Some(row) = record::find_locked(conn, &keys)? else { return Ok(false) };
            match self.read_record(keeper, &row) {
                Ok(Some((decoded, _))) => work(conn, &row.key, decoded.data).map(|()| true),
                _ => Ok(false),
            }
        });
        done.map_err(Error::settled).or_else(Error::nothing_if_strange)
    }

    /// What is in the row; `None` when that is no session of this crate.
    fn read_record(
        &self,
        keeper: Keeper,
        row: &Row,
    ) -> Result<Option<(Decoded, Values)>, Undecodable> {
        let decoded = self.codec.decode(&row.data)?;
        let values = decoded.data.get(keeper.name());
        Ok(values.map(|values| (decoded, values)))
    }

    fn record_text(
        &self,
        keeper: Keeper,
        mut data: Data,
        values: &Values,
    ) -> Result<String, Error> {
        data.insert(keeper.name(), values).map_err(|error| Error::SessionValue {
            name: keeper.name().to_owned(),
            why: error.to_string(),
        })?;
        Ok(self.codec.encode(&data, self.clock.now()))
    }

    /// Takes the session from a key that was before to the one that signs now. Outside it stays the same.
    fn renew_record(&self, row: &Row, decoded: &Decoded, keys: &[SessionKey]) -> Result<(), Error> {
        let mut old_keys = vec![row.place, decoded.key];
        old_keys.retain(|key| self.renewals.is_old(*key));
        self.renewals.look_again(&self.shared, &mut old_keys)?;
        if old_keys.is_empty() {
            return Ok(());
        }
        let text = self.codec.encode(&decoded.data, self.clock.now());
        self.shared.run(|conn| record::relocate(conn, row, &keys[0], &text))
    }
}
