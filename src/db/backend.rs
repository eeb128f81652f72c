//! What the two kinds of database do each in its own way.

use diesel::connection::{AnsiTransactionManager, Connection, LoadConnection};
use diesel::query_builder::QueryFragment;
use diesel::r2d2::R2D2Connection;
use diesel::result::QueryResult;

use super::pool::Pool;
use super::shared::SharedPool;
use crate::place::DatabaseKind;

/// A diesel connection that housekey can route: `SqliteConnection` or `PgConnection`.
///
/// It is the type parameter of [`Housekey`](crate::Housekey), and says what kind the app's local
/// database is. The trait is sealed.
///
/// ```
/// use housekey::{DatabaseKind, HouseConnection};
/// # #[cfg(feature = "sqlite")]
/// assert_eq!(<diesel::SqliteConnection as HouseConnection>::KIND, DatabaseKind::Sqlite);
/// ```
pub trait HouseConnection:
    LoadConnection<TransactionManager = AnsiTransactionManager, Backend: Default + 'static>
    + R2D2Connection
    + Send
    + sealed::Dialect
    + 'static
{
    /// The kind of database this connection speaks to.
    const KIND: DatabaseKind;
}

/// The part of [`HouseConnection`] that is housekey's own business.
pub(crate) mod sealed {
    use super::{Connection, Pool, QueryFragment, QueryResult, R2D2Connection, SharedPool};

    /// What a transaction is about to do, which SQLite wants to know at its beginning.
    #[expect(unnameable_types, reason = "part of a sealed trait")]
    #[derive(Debug, Clone, Copy, PartialEq, Eq)]
    pub enum Intent {
        Read,
        Write,
    }

    #[expect(unnameable_types, reason = "this is what seals the trait")]
    pub trait Dialect: R2D2Connection + Connection + Send + 'static {
        fn pool_of(shared: &SharedPool) -> Option<&Pool<Self>>;
        fn shared_pool(pool: Pool<Self>) -> SharedPool;
        fn begin(&mut self, intent: Intent) -> QueryResult<()>;
        fn sql_of<T: QueryFragment<Self::Backend>>(query: &T) -> QueryResult<String>;
    }
}

macro_rules! speaks {
    ($connection:ty, $backend:ty, $builder:ty, $kind:ident, $begin:expr) => {
        impl HouseConnection for $connection {
            const KIND: DatabaseKind = DatabaseKind::$kind;
        }

        impl sealed::Dialect for $connection {
            fn pool_of(shared: &SharedPool) -> Option<&Pool<Self>> {
                match shared {
                    SharedPool::$kind(pool) => Some(pool),
                    #[cfg(all(feature = "sqlite", feature = "postgres"))]
                    _ => None,
                }
            }

            fn shared_pool(pool: Pool<Self>) -> SharedPool {
                SharedPool::$kind(pool)
            }

            fn begin(&mut self, intent: sealed::Intent) -> QueryResult<()> {
                let begin: fn(sealed::Intent) -> &'static str = $begin;
                AnsiTransactionManager::begin_transaction_sql(self, begin(intent))
            }

            fn sql_of<T: QueryFragment<$backend>>(query: &T) -> QueryResult<String> {
                use diesel::query_builder::QueryBuilder;
                let mut sql = <$builder>::default();
                query.to_sql(&mut sql, &<$backend>::default())?;
                Ok(sql.finish())
            }
        }
    };
}

#[cfg(feature = "sqlite")]
speaks!(
    diesel::SqliteConnection,
    diesel::sqlite::Sqlite,
    diesel::sqlite::query_builder::SqliteQueryBuilder,
    Sqlite,
    // A read lock that must become a write lock fails at once when another process writes.
    |intent| match intent {
        sealed::Intent::Read => "BEGIN",
        sealed::Intent::Write => "BEGIN IMMEDIATE",
    }
);

#[cfg(feature = "postgres")]
speaks!(diesel::PgConnection, diesel::pg::Pg, diesel::pg::PgQueryBuilder, Postgres, |_| "BEGIN");
