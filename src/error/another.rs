//! One failure, told to several who waited for the same.

use diesel::result::Error as DieselError;

use super::{Error, Refused};

impl Error {
    /// The same, for another who waited: what databases fail with cannot be cloned.
    pub(crate) fn for_another(&self) -> Self {
        match self {
            Self::Unreachable { place, kind, source } => {
                Self::Unreachable { place: *place, kind: *kind, source: Refused(source.0.clone()) }
            }
            Self::Away { since, source } => {
                Self::Away { since: *since, source: Refused(source.0.clone()) }
            }
            Self::PoolTimeout { place, waited, size } => {
                Self::PoolTimeout { place: *place, waited: *waited, size: *size }
            }
            Self::Deadline { waited } => Self::Deadline { waited: *waited },
            Self::NotAllowed { source } => Self::NotAllowed { source: again(source) },
            Self::Database { place, source } => {
                Self::Database { place: *place, source: again(source) }
            }
            other => Self::Query(DieselError::QueryBuilderError(other.to_string().into())),
        }
    }
}

fn again(error: &DieselError) -> DieselError {
    match error {
        DieselError::DatabaseError(kind, told) => {
            DieselError::DatabaseError(*kind, Box::new(told.message().to_owned()))
        }
        DieselError::BrokenTransactionManager => DieselError::BrokenTransactionManager,
        other => DieselError::QueryBuilderError(other.to_string().into()),
    }
}
