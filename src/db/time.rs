//! Points in time as Django keeps them: `timestamptz` on PostgreSQL, text in UTC on SQLite.
//!
//! ```text
//! 2026-11-22 04:18:00          Django writes no fraction when it is zero,
//! 2026-11-22 04:18:00.123456   and six digits otherwise (USE_TZ = True)
//! ```
//!
//! [`Moment`] is a point in time that the database works out itself, so that no app's clock decides
//! when a session ends.

use chrono::{DateTime, Utc};
use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql};
use diesel::expression::{
    AppearsOnTable, AsExpression, Expression, SelectableExpression, ValidGrouping, is_aggregate,
};
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::result::QueryResult;
use diesel::serialize::{self, Output, ToSql};
use diesel::sql_types::SqlType;

/// The SQL type of a point in time in the shared tables; reads as `chrono::DateTime<Utc>`.
///
/// ```
/// use diesel::prelude::*;
/// use housekey::schema::auth_user;
/// #[derive(Queryable)]
/// struct Joined {
///     date_joined: chrono::DateTime<chrono::Utc>,
/// }
/// let query = auth_user::table.select((auth_user::date_joined,));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, Default, SqlType, QueryId)]
#[cfg_attr(feature = "postgres", diesel(postgres_type(oid = 1184, array_oid = 1185)))]
#[cfg_attr(feature = "sqlite", diesel(sqlite_type(name = "Text")))]
pub struct DjangoTime;

/// A longer time than this (100 years, in seconds) is cut: no arithmetic leaves any database's range.
const FOREVER: f64 = 100.0 * 365.0 * 86_400.0;

/// A point in time to write, by the clock of the database.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Moment {
    Now,
    /// So many seconds from now; negative for the past.
    In(f64),
    At(DateTime<Utc>),
}

impl Moment {
    pub(crate) fn after(seconds: f64) -> Self {
        Self::In(seconds.clamp(-FOREVER, FOREVER))
    }
}

/// A point in time that is known, and may be missing: a value of a row that comes from elsewhere.
#[derive(Debug, Clone, Copy, PartialEq, AsExpression)]
#[diesel(sql_type = DjangoTime)]
pub(crate) struct Stamp(pub(crate) DateTime<Utc>);

impl<DB: Backend> ToSql<DjangoTime, DB> for Stamp
where
    DateTime<Utc>: ToSql<DjangoTime, DB>,
{
    fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, DB>) -> serialize::Result {
        self.0.to_sql(out)
    }
}

/// The database's now, to compare with: as exact as it can tell.
#[derive(Debug, Clone, Copy)]
pub(crate) struct DatabaseNow;

/// A minute later than that.
#[derive(Debug, Clone, Copy)]
pub(crate) struct InAMinute;

macro_rules! is_an_expression {
    ($name:ident) => {
        impl Expression for $name {
            type SqlType = DjangoTime;
        }
        impl<QS> AppearsOnTable<QS> for $name {}
        impl<QS> SelectableExpression<QS> for $name {}
        impl<GB> ValidGrouping<GB> for $name {
            type IsAggregate = is_aggregate::Never;
        }
    };
}
is_an_expression!(Moment);
is_an_expression!(DatabaseNow);
is_an_expression!(InAMinute);

impl QueryId for Moment {
    // Its SQL depends on the value, so a statement with it cannot be known by its type.
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryId for DatabaseNow {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl QueryId for InAMinute {
    type QueryId = Self;
    const HAS_STATIC_QUERY_ID: bool = true;
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::serialize::IsNull;
    use diesel::sql_types::{Double, Text};
    use diesel::sqlite::Sqlite;

    use super::{
        AstPass, Backend, DatabaseNow, DateTime, DjangoTime, FromSql, InAMinute, Moment, Output,
        QueryFragment, QueryResult, ToSql, Utc, deserialize, serialize,
    };
    use crate::db::written::read_time;

    impl QueryFragment<Sqlite> for Moment {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            match self {
                Self::Now => out.push_sql("strftime('%Y-%m-%d %H:%M:%S','now')"),
                Self::In(seconds) => {
                    out.push_sql("strftime('%Y-%m-%d %H:%M:%S','now',");
                    out.push_bind_param::<Double, f64>(seconds)?;
                    out.push_sql(" || ' seconds')");
                }
                Self::At(time) => out.push_bind_param::<DjangoTime, DateTime<Utc>>(time)?,
            }
            Ok(())
        }
    }

    impl QueryFragment<Sqlite> for DatabaseNow {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            out.push_sql("strftime('%Y-%m-%d %H:%M:%f','now')");
            Ok(())
        }
    }

    impl QueryFragment<Sqlite> for InAMinute {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
            out.push_sql("strftime('%Y-%m-%d %H:%M:%f','now','+60 seconds')");
            Ok(())
        }
    }

    impl FromSql<DjangoTime, Sqlite> for DateTime<Utc> {
        fn from_sql(value: <Sqlite as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
            let text = <String as FromSql<Text, Sqlite>>::from_sql(value)?;
            Ok(read_time(&text).ok_or("not a point in time as Django writes it")?)
        }
    }

    impl ToSql<DjangoTime, Sqlite> for DateTime<Utc> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Sqlite>) -> serialize::Result {
            out.set_value(django_text(*self));
            Ok(IsNull::No)
        }
    }

    /// As `DateTimeField` on SQLite writes it.
    fn django_text(time: DateTime<Utc>) -> String {
        let whole = time.timestamp_subsec_micros() == 0;
        let format = if whole { "%Y-%m-%d %H:%M:%S" } else { "%Y-%m-%d %H:%M:%S%.6f" };
        time.format(format).to_string()
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::pg::Pg;
    use diesel::sql_types::{Double, Timestamptz};

    use super::{
        AstPass, Backend, DatabaseNow, DateTime, DjangoTime, FromSql, InAMinute, Moment, Output,
        QueryFragment, QueryResult, ToSql, Utc, deserialize, serialize,
    };

    impl QueryFragment<Pg> for Moment {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            match self {
                Self::Now => out.push_sql("CURRENT_TIMESTAMP"),
                Self::In(seconds) => {
                    out.push_sql("CURRENT_TIMESTAMP + ");
                    out.push_bind_param::<Double, f64>(seconds)?;
                    out.push_sql(" * interval '1 second'");
                }
                Self::At(time) => out.push_bind_param::<DjangoTime, DateTime<Utc>>(time)?,
            }
            Ok(())
        }
    }

    impl QueryFragment<Pg> for DatabaseNow {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("CURRENT_TIMESTAMP");
            Ok(())
        }
    }

    impl QueryFragment<Pg> for InAMinute {
        fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
            out.push_sql("CURRENT_TIMESTAMP + interval '1 minute'");
            Ok(())
        }
    }

    impl FromSql<DjangoTime, Pg> for DateTime<Utc> {
        fn from_sql(value: <Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
            <Self as FromSql<Timestamptz, Pg>>::from_sql(value)
        }
    }

    impl ToSql<DjangoTime, Pg> for DateTime<Utc> {
        fn to_sql<'b>(&'b self, out: &mut Output<'b, '_, Pg>) -> serialize::Result {
            <Self as ToSql<Timestamptz, Pg>>::to_sql(self, out)
        }
    }
}
