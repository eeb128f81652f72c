//! A row whose columns are known only at run time.

use diesel::deserialize::{self, QueryableByName};
use diesel::row::NamedRow;

/// One value, as the database keeps it. PostgreSQL is asked for texts alone.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Cell {
    Null,
    Integer(i64),
    Real(f64),
    Text(String),
    Blob(Vec<u8>),
}

impl Cell {
    pub(crate) fn text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    /// A whole number, which PostgreSQL writes out.
    pub(crate) fn integer(&self) -> Option<i64> {
        match self {
            Self::Integer(number) => Some(*number),
            Self::Text(text) => text.parse().ok(),
            _ => None,
        }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<i64> for Cell {
    fn from(number: i64) -> Self {
        Self::Integer(number)
    }
}

/// The values of one row, in the order of the query.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Row(pub(crate) Vec<Cell>);

impl Row {
    /// The text of a column; empty when it is none.
    pub(crate) fn text(&self, column: usize) -> &str {
        self.0.get(column).and_then(Cell::text).unwrap_or_default()
    }

    pub(crate) fn integer(&self, column: usize) -> Option<i64> {
        self.0.get(column).and_then(Cell::integer)
    }
}

#[cfg(feature = "sqlite")]
mod sqlite {
    use diesel::deserialize::FromSql;
    use diesel::sql_types::{BigInt, Binary, Double};
    use diesel::sqlite::{Sqlite, SqliteType, SqliteValue};

    use diesel::row::{Field as _, Row as Fields};

    use super::{Cell, NamedRow, QueryableByName, Row, deserialize};

    impl QueryableByName<Sqlite> for Row {
        fn build<'a>(row: &impl NamedRow<'a, Sqlite>) -> deserialize::Result<Self> {
            let cells = (0..row.field_count()).map(|column| {
                let field = Fields::get(row, column).ok_or(diesel::result::UnexpectedEndOfRow)?;
                field.value().map_or(Ok(Cell::Null), cell)
            });
            cells.collect::<deserialize::Result<_>>().map(Self)
        }
    }

    /// What says that it is text and is none is bytes.
    fn cell(value: SqliteValue<'_, '_, '_>) -> deserialize::Result<Cell> {
        Ok(match value.value_type() {
            None => Cell::Null,
            Some(SqliteType::Integer | SqliteType::SmallInt | SqliteType::Long) => {
                Cell::Integer(FromSql::<BigInt, Sqlite>::from_sql(value)?)
            }
            Some(SqliteType::Float | SqliteType::Double) => {
                Cell::Real(FromSql::<Double, Sqlite>::from_sql(value)?)
            }
            Some(kind) => {
                let bytes: Vec<u8> = FromSql::<Binary, Sqlite>::from_sql(value)?;
                match kind {
                    SqliteType::Text => String::from_utf8(bytes)
                        .map_or_else(|error| Cell::Blob(error.into_bytes()), Cell::Text),
                    _ => Cell::Blob(bytes),
                }
            }
        })
    }
}

#[cfg(feature = "postgres")]
mod postgres {
    use diesel::deserialize::FromSql;
    use diesel::pg::Pg;
    use diesel::sql_types::Text;

    use diesel::row::{Field as _, Row as Fields};

    use super::{Cell, NamedRow, QueryableByName, Row, deserialize};

    impl QueryableByName<Pg> for Row {
        fn build<'a>(row: &impl NamedRow<'a, Pg>) -> deserialize::Result<Self> {
            let cells = (0..row.field_count()).map(|column| {
                let field = Fields::get(row, column).ok_or(diesel::result::UnexpectedEndOfRow)?;
                let text = field.value().map(FromSql::<Text, Pg>::from_sql).transpose()?;
                Ok(text.map_or(Cell::Null, Cell::Text))
            });
            cells.collect::<deserialize::Result<_>>().map(Self)
        }
    }
}
