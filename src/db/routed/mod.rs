//! One diesel connection for both databases: every query goes where its tables live.
//!
//! ```text
//! diesel query -> Route (cached by QueryId, else by SQL text) -> connection of that pool -> rows
//! ```
//!
//! A connection is taken when the first statement needs it. Outside a transaction the connection of
//! one place is given back before the other is waited for, so no two requests can wait for each other.

use std::sync::Arc;

use diesel::Connection;
use diesel::associations::HasTable;
use diesel::connection::{
    CacheSize, ConnectionSealed, Instrumentation, LoadConnection, SimpleConnection,
};
use diesel::expression::QueryMetadata;
use diesel::query_builder::{Query, QueryFragment, QueryId};
use diesel::query_dsl::UpdateAndFetchResults;
use diesel::result::{ConnectionError, ConnectionResult, QueryResult};

use super::Databases;
use super::backend::HouseConnection;
use super::backend::sealed::Intent;
use super::pool::Pooled;
use crate::place::Place;

mod hook;
mod routes;
mod transaction;

use hook::Hook;
use routes::Access;
pub(crate) use routes::{Layout, Route, Routes};
use transaction::{Held, RoutedTransactions, Transaction};

/// A diesel connection over both databases; [`Housekey::conn`](crate::Housekey::conn) gives it.
///
/// Each query goes to the database of its tables. A query over tables of both is an error that names
/// them ([`Error::BothPlaces`](crate::Error::BothPlaces)). `conn.transaction` may read in both places and write in one.
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
/// A join of a shared and a local table does not compile:
///
/// ```compile_fail
/// use diesel::prelude::*;
/// use housekey::schema::auth_user;
/// diesel::table! { note (id) { id -> Integer, user_id -> Integer, } }
/// let joined = note::table.inner_join(auth_user::table.on(auth_user::id.eq(note::user_id)));
/// ```
///
/// Nor can it be declared, because the tables of [`schema`](crate::schema) are another crate's. An app that
/// writes down `auth_user` once more can declare it; then the error comes when the query is sent:
///
/// ```
/// use diesel::prelude::*;
/// diesel::table! { auth_user (id) { id -> Integer, username -> Text, } }
/// diesel::table! { note (id) { id -> Integer, user_id -> Integer, } }
/// diesel::allow_tables_to_appear_in_same_query!(note, auth_user);
/// let joined = note::table.inner_join(auth_user::table.on(auth_user::id.eq(note::user_id)));
/// ```
///
#[doc = include_str!("../../../docs/how-a-query-finds-its-database.md")]
pub struct RoutedConnection<C: HouseConnection> {
    databases: Arc<Databases<C>>,
    shared: Held<C>,
    local: Held<C>,
    transaction: Transaction,
    /// The app's own, if it has set one.
    hook: Option<Hook>,
}

impl<C: HouseConnection> RoutedConnection<C> {
    pub(crate) fn new(databases: Arc<Databases<C>>) -> Self {
        Self {
            databases,
            shared: Held::default(),
            local: Held::default(),
            transaction: Transaction::default(),
            hook: None,
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
        } else if route.access == Access::Writes {
            self.transaction.claim(route.place, &route.tables, depth)?;
        }
        if self.held(route.place).connection.is_none() {
            let connection = self.databases.get(route.place)?;
            let hook = self.hook.clone();
            self.held(route.place).take(connection, hook);
        }
        let intent = match (route.place, route.access) {
            (Place::Shared, Access::Reads) => Intent::Read,
            _ => Intent::Write,
        };
        self.held(route.place).join(depth, intent)
    }

    fn route<T>(&self, query: &T) -> QueryResult<Arc<Route>>
    where
        T: QueryFragment<C::Backend> + QueryId,
    {
        Ok(self.databases.routes.of_query::<C, T>(query)?)
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
        let route = self.databases.routes.of_text(query)?;
        let _span = route.span().entered();
        let result = self.enter(&route)?.batch_execute(query);
        self.databases.noticing(&route, result)
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
        let route = self.route(source)?;
        let _span = route.span().entered();
        let result = self.enter(&route)?.execute_returning_count(source);
        self.databases.noticing(&route, result)
    }

    fn transaction_state(&mut self) -> &mut Transaction {
        &mut self.transaction
    }

    fn instrumentation(&mut self) -> &mut dyn Instrumentation {
        let default = || Hook::new(diesel::connection::get_default_instrumentation());
        self.hook.get_or_insert_with(default)
    }

    fn set_instrumentation(&mut self, instrumentation: impl Instrumentation) {
        let hook = Hook::new(instrumentation);
        for held in [&mut self.shared, &mut self.local] {
            held.put_on(&hook);
        }
        self.hook = Some(hook);
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
        let route = self.route(&source)?;
        let _span = route.span().entered();
        let databases = Arc::clone(&self.databases);
        let result = <C as LoadConnection<B>>::load(&mut **self.enter(&route)?, source);
        databases.noticing(&route, result)
    }
}

/// `changeset.save_changes(conn)`, as the connection of the table's place does it.
impl<Changes, Output, C> UpdateAndFetchResults<Changes, Output> for RoutedConnection<C>
where
    C: HouseConnection + UpdateAndFetchResults<Changes, Output>,
    Changes: HasTable,
    Changes::Table: QueryFragment<C::Backend>,
{
    fn update_and_fetch(&mut self, changeset: Changes) -> QueryResult<Output> {
        let table = C::sql_of(&Changes::table())?;
        let route = self.databases.routes.of_text(&format!("UPDATE {table} SET x = 1"))?;
        let _span = route.span().entered();
        let result = self.enter(&route)?.update_and_fetch(changeset);
        self.databases.noticing(&route, result)
    }
}
