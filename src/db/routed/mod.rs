//! One diesel connection for both databases: every query goes where its tables live.
//!
//! ```text
//! diesel query -> Route (cached by QueryId, else by SQL text) -> connection of that pool -> rows
//! ```
//!
//! A connection is taken when the first statement needs it. Outside a transaction the connection of
//! one place is given back before the other is waited for, so no two requests can wait for each other.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use diesel::Connection;
use diesel::connection::{
    CacheSize, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection,
};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::Databases;
use super::backend::HouseConnection;
use super::backend::sealed::Intent;
use super::pool::Pooled;
use super::router::Router;
use super::statement::Statement;
use crate::error::Error;
use crate::place::{DatabaseKind, Place};

mod transaction;

use transaction::{Held, RoutedTransactions, Transaction};

/// Beyond this many different SQL texts, new ones are read each time they come.
const MAX_TEXTS: usize = 1024;

/// Where a statement goes.
#[derive(Debug, Clone)]
pub(crate) struct Route {
    pub(crate) place: Place,
    /// One table of the statement, when it writes.
    pub(crate) writes: Option<Arc<str>>,
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
    by_type: RwLock<HashMap<TypeId, Route>>,
    by_text: RwLock<HashMap<Box<str>, Route>>,
}

impl Routes {
    pub(crate) fn new(router: Router, layout: Layout) -> Self {
        let (by_type, by_text) = (RwLock::default(), RwLock::default());
        Self { router, layout, by_type, by_text }
    }

    pub(crate) fn place_of(&self, table: &str) -> Place {
        self.router.place_of(table)
    }

    fn of_query<C, T>(&self, query: &T, shared: DatabaseKind) -> Result<Route, Error>
    where
        C: HouseConnection,
        T: QueryFragment<C::Backend> + QueryId,
    {
        let Some(id) = T::query_id() else {
            return self.of_text(&C::sql_of(query)?, C::KIND, shared);
        };
        let known = self.by_type.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
        if let Some(route) = known {
            return Ok(route);
        }
        let route = self.decide(&C::sql_of(query)?, C::KIND, shared)?;
        self.by_type.write().unwrap_or_else(PoisonError::into_inner).insert(id, route.clone());
        Ok(route)
    }

    fn of_text(&self, sql: &str, kind: DatabaseKind, shared: DatabaseKind) -> Result<Route, Error> {
        let known = self.by_text.read().unwrap_or_else(PoisonError::into_inner).get(sql).cloned();
        if let Some(route) = known {
            return Ok(route);
        }
        let route = self.decide(sql, kind, shared)?;
        let mut texts = self.by_text.write().unwrap_or_else(PoisonError::into_inner);
        if texts.len() < MAX_TEXTS {
            texts.insert(sql.into(), route.clone());
        }
        Ok(route)
    }

    fn decide(&self, sql: &str, kind: DatabaseKind, other: DatabaseKind) -> Result<Route, Error> {
        let Statement { tables, writes } = Statement::read(sql, kind)?;
        let table = tables.first().cloned().unwrap_or_else(|| "no table".to_owned());
        let writes = writes.then(|| Arc::from(table.as_str()));
        if self.layout == Layout::OneDatabase {
            return Ok(Route { place: Place::Shared, writes });
        }
        let (shared, local): (Vec<_>, Vec<_>) =
            tables.into_iter().partition(|table| self.place_of(table) == Place::Shared);
        match (shared.first(), local.first()) {
            (Some(_), Some(_)) => Err(Error::BothPlaces { shared, local }),
            (Some(_), None) if kind != other => {
                Err(Error::OtherKind { table, shared: other, local: kind })
            }
            (Some(_), None) => Ok(Route { place: Place::Shared, writes }),
            (None, _) => Ok(Route { place: Place::Local, writes }),
        }
    }
}

/// A diesel connection over both databases; [`Housekey::conn`](crate::Housekey::conn) gives it.
///
/// Each query goes to the database of its tables. A query over tables of both is an error that names
/// them ([`Error::BothPlaces`]). `conn.transaction` may read in both places and write in one.
///
/// ```
/// # #[cfg(feature = "sqlite")] {
/// use diesel::prelude::*;
/// use housekey::{Housekey, schema::auth_user};
///
/// diesel::table! { note (id) { id -> Integer, user_id -> Integer, text -> Text, } }
///
/// fn names_and_notes(house: &Housekey<SqliteConnection>) -> Result<(), housekey::Error> {
///     let conn = &mut house.conn();
///     let _names: Vec<String> = auth_user::table.select(auth_user::username).load(conn)?; // shared
///     let _notes: Vec<String> = note::table.select(note::text).load(conn)?; // local
///     Ok(())
/// }
/// # }
/// ```
///
/// A join of a shared and a local table does not compile, as long as the app does not declare one:
///
/// ```compile_fail
/// use diesel::prelude::*;
/// use housekey::schema::auth_user;
/// diesel::table! { note (id) { id -> Integer, user_id -> Integer, } }
/// let joined = note::table.inner_join(auth_user::table.on(auth_user::id.eq(note::user_id)));
/// ```
pub struct RoutedConnection<C: HouseConnection> {
    databases: Arc<Databases<C>>,
    shared: Held<C>,
    local: Held<C>,
    transaction: Transaction,
    instrumentation: Option<Box<dyn Instrumentation>>,
}

impl<C: HouseConnection> RoutedConnection<C> {
    pub(crate) fn new(databases: Arc<Databases<C>>) -> Self {
        Self {
            databases,
            shared: Held::default(),
            local: Held::default(),
            transaction: Transaction::default(),
            instrumentation: diesel::connection::get_default_instrumentation(),
        }
    }

    fn held(&mut self, place: Place) -> &mut Held<C> {
        match place {
            Place::Shared => &mut self.shared,
            Place::Local => &mut self.local,
        }
    }

    /// The connection on which a statement of this route runs, inside the open transaction if any.
    fn enter(&mut self, route: &Route) -> QueryResult<&mut Pooled<C>> {
        let depth = self.transaction.depth()?;
        if depth == 0 {
            // Nobody waits for one pool while holding a connection of the other.
            self.held(other(route.place)).give_back();
        } else if let Some(table) = &route.writes {
            self.transaction.claim(route.place, table, depth)?;
        }
        if self.held(route.place).connection.is_none() {
            let connection = self.databases.get(route.place)?;
            self.held(route.place).connection = Some(connection);
        }
        let intent = match (route.place, &route.writes) {
            (Place::Shared, None) => Intent::Read,
            _ => Intent::Write,
        };
        self.held(route.place).join(depth, intent)
    }

    fn enter_for<T>(&mut self, query: &T) -> QueryResult<&mut Pooled<C>>
    where
        T: QueryFragment<C::Backend> + QueryId,
    {
        let databases = Arc::clone(&self.databases);
        let route = databases.routes.of_query::<C, T>(query, databases.shared.kind())?;
        self.enter(&route)
    }
}

fn other(place: Place) -> Place {
    match place {
        Place::Shared => Place::Local,
        Place::Local => Place::Shared,
    }
}

impl<C: HouseConnection> std::fmt::Debug for RoutedConnection<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RoutedConnection")
            .field("shared", &self.shared.connection.is_some())
            .field("local", &self.local.connection.is_some())
            .finish_non_exhaustive()
    }
}

impl<C: HouseConnection> SimpleConnection for RoutedConnection<C> {
    fn batch_execute(&mut self, query: &str) -> QueryResult<()> {
        let databases = Arc::clone(&self.databases);
        let route = databases.routes.decide(query, C::KIND, databases.shared.kind())?;
        self.enter(&route)?.batch_execute(query)
    }
}

impl<C: HouseConnection> ConnectionSealed for RoutedConnection<C> {}

impl<C: HouseConnection> Connection for RoutedConnection<C> {
    type Backend = C::Backend;
    type TransactionManager = RoutedTransactions;

    fn establish(_: &str) -> ConnectionResult<Self> {
        Err(ConnectionError::BadConnection(
            "a routed connection comes from house.conn()".to_owned(),
        ))
    }

    fn execute_returning_count<T>(&mut self, source: &T) -> QueryResult<usize>
    where
        T: QueryFragment<Self::Backend> + QueryId,
    {
        self.enter_for(source)?.execute_returning_count(source)
    }

    fn transaction_state(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        &mut self.instrumentation
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        self.instrumentation = Some(Box::new(instrumentation));
    }

    fn set_prepared_statement_cache_size(&mut self, size: CacheSize) {
        for held in [&mut self.shared, &mut self.local] {
            if let Some(connection) = &mut held.connection {
                connection.set_prepared_statement_cache_size(size);
            }
        }
    }
}

impl<B, C> LoadConnection<B> for RoutedConnection<C>
where
    C: HouseConnection + LoadConnection<B>,
{
    type Cursor<'conn, 'query> = <C as LoadConnection<B>>::Cursor<'conn, 'query>;
    type Row<'conn, 'query> = <C as LoadConnection<B>>::Row<'conn, 'query>;

    fn load<'conn, 'query, T>(
        &'conn mut self,
        source: T,
    ) -> QueryResult<Self::Cursor<'conn, 'query>>
    where
        T: Query + QueryFragment<Self::Backend> + QueryId + 'query,
        Self::Backend: QueryMetadata<T::SqlType>,
    {
        <C as LoadConnection<B>>::load(&mut **self.enter_for(&source)?, source)
    }
}
