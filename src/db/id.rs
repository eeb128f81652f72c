//! Ids as wide as a Django project has chosen: `integer` by `AutoField`, `bigint` by `BigAutoField`.

use diesel::backend::Backend;
use diesel::deserialize::{self, FromSql, FromSqlRow};
use diesel::sql_types::{BigInt, Integer};

/// Reads a column that the schema has as `Integer`.
#[derive(Debug, Clone, Copy, FromSqlRow)]
pub(crate) struct DjangoId(i32);

impl From<DjangoId> for i32 {
    fn from(id: DjangoId) -> Self {
        id.0
    }
}

#[cfg(feature = "sqlite")]
impl FromSql<Integer, diesel::sqlite::Sqlite> for DjangoId {
    fn from_sql(
        value: <diesel::sqlite::Sqlite as Backend>::RawValue<'_>,
    ) -> deserialize::Result<Self> {
        let id = <i64 as FromSql<BigInt, diesel::sqlite::Sqlite>>::from_sql(value)?;
        Ok(Self(id.try_into()?))
    }
}

#[cfg(feature = "postgres")]
impl FromSql<Integer, diesel::pg::Pg> for DjangoId {
    fn from_sql(value: <diesel::pg::Pg as Backend>::RawValue<'_>) -> deserialize::Result<Self> {
        if value.as_bytes().len() == size_of::<i32>() {
            return Ok(Self(<i32 as FromSql<Integer, diesel::pg::Pg>>::from_sql(value)?));
        }
        let id = <i64 as FromSql<BigInt, diesel::pg::Pg>>::from_sql(value)?;
        Ok(Self(id.try_into()?))
    }
}
