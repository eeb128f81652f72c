//! Where each statement goes, decided once: by its type when diesel knows it, else by its SQL text.

use std::any::TypeId;
use std::collections::{BTreeSet, HashMap};
use std::hash::{BuildHasher, BuildHasherDefault, Hash, Hasher, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use diesel::query_builder::{QueryFragment, QueryId};

use crate::db::backend::HouseConnection;
use crate::db::router::Router;
use crate::db::statement::Statement;
use crate::error::Error;
use crate::place::{DatabaseKind, Place};

/// Beyond this many different SQL texts, new ones are read each time they come.
const MAX_TEXTS: usize = 1024;
/// A longer text (a batch with its values, say) hardly comes again.
const MAX_TEXT_LENGTH: usize = 8 << 10;

/// Where a statement goes.
#[derive(Debug)]
pub(crate) struct Route {
    pub(crate) place: Place,
    /// The tables of the statement, for people.
    pub(crate) tables: Arc<str>,
    pub(crate) access: Access,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Access {
    Reads,
    Writes,
}

impl Route {
    /// Tells of the statement, and (when it is closed) how long it took: never its text or its values.
    pub(crate) fn span(&self) -> tracing::Span {
        tracing::debug_span!("query", place = %self.place, tables = &*self.tables)
    }
}

/// Do the two URLs name two databases?
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Layout {
    OneDatabase,
    Two,
}

/// The router, and what it has decided so far.
pub(crate) struct Routes {
    router: Router,
    layout: Layout,
    local: DatabaseKind,
    shared: DatabaseKind,
    by_type: Known<TypeId, BuildHasherDefault<TypeIdHasher>>,
    by_text: Known<Box<str>, RandomState>,
    routed: AtomicU64,
    decided: AtomicU64,
}

impl Routes {
    pub(crate) fn new(
        router: Router,
        layout: Layout,
        local: DatabaseKind,
        shared: DatabaseKind,
    ) -> Self {
        Self {
            router,
            layout,
            local,
            shared,
            by_type: RwLock::default(),
            by_text: RwLock::default(),
            routed: AtomicU64::new(0),
            decided: AtomicU64::new(0),
        }
    }

    pub(crate) fn place_of(&self, table: &str) -> Place {
        self.router.place_of(table)
    }

    /// How many statements were routed, and for how many of them a decision had to be made.
    pub(crate) fn counts(&self) -> (u64, u64) {
        (self.routed.load(Ordering::Relaxed), self.decided.load(Ordering::Relaxed))
    }

    pub(crate) fn of_query<C, T>(&self, query: &T) -> Result<Arc<Route>, Error>
    where
        C: HouseConnection,
        T: QueryFragment<C::Backend> + QueryId,
    {
        let Some(id) = T::query_id() else { return self.of_text(&C::sql_of(query)?) };
        self.routed.fetch_add(1, Ordering::Relaxed);
        if let Some(route) = look_up(&self.by_type, &id) {
            return Ok(route);
        }
        let route = self.decide(&C::sql_of(query)?)?;
        keep(&self.by_type, id, &route);
        Ok(route)
    }

    pub(crate) fn of_text(&self, sql: &str) -> Result<Arc<Route>, Error> {
        self.routed.fetch_add(1, Ordering::Relaxed);
        if let Some(route) = look_up(&self.by_text, sql) {
            return Ok(route);
        }
        let route = self.decide(sql)?;
        if sql.len() <= MAX_TEXT_LENGTH {
            keep(&self.by_text, sql.into(), &route);
        }
        Ok(route)
    }

    fn decide(&self, sql: &str) -> Result<Arc<Route>, Error> {
        self.decided.fetch_add(1, Ordering::Relaxed);
        let Statement { tables, writes } = Statement::read(sql, self.local)?;
        let names: Vec<&str> = tables.iter().map(String::as_str).collect();
        Ok(Arc::new(Route {
            tables: names.join(", ").into(),
            access: if writes { Access::Writes } else { Access::Reads },
            place: self.place_of_all(tables)?,
        }))
    }

    fn place_of_all(&self, tables: BTreeSet<String>) -> Result<Place, Error> {
        if self.layout == Layout::OneDatabase {
            // The app's own tables are in it, so its transactions begin as theirs do.
            return Ok(Place::Local);
        }
        let (shared, local): (Vec<_>, Vec<_>) =
            tables.into_iter().partition(|table| self.place_of(table) == Place::Shared);
        let Some(table) = shared.first() else { return Ok(Place::Local) };
        if !local.is_empty() {
            return Err(Error::BothPlaces { shared, local });
        }
        if self.shared != self.local {
            let table = table.clone();
            return Err(Error::OtherKind { table, shared: self.shared, local: self.local });
        }
        Ok(Place::Shared)
    }
}

type Known<K, S> = RwLock<HashMap<K, Arc<Route>, S>>;

/// A `TypeId` is a hash already.
#[derive(Default)]
struct TypeIdHasher(u64);

impl Hasher for TypeIdHasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0 = bytes.iter().fold(self.0, |hash, byte| hash.rotate_left(8) ^ u64::from(*byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

fn look_up<K, Q, S>(known: &Known<K, S>, key: &Q) -> Option<Arc<Route>>
where
    K: std::borrow::Borrow<Q> + Eq + Hash,
    Q: ?Sized + Eq + Hash,
    S: BuildHasher,
{
    known.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
}

fn keep<K: Eq + Hash, S: BuildHasher>(known: &Known<K, S>, key: K, route: &Arc<Route>) {
    let mut known = known.write().unwrap_or_else(PoisonError::into_inner);
    if known.len() < MAX_TEXTS {
        known.insert(key, Arc::clone(route));
    }
}
