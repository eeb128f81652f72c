//! What somebody at a desk may not do.

use super::Error;

/// Why whoever sits at a [`Desk`](crate::Desk) may not do something.
///
/// ```
/// let why = housekey::Denied::Lacks("auth.change_user");
/// assert!(why.to_string().starts_with("you lack the permission auth.change_user"));
/// ```
#[non_exhaustive]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, thiserror::Error)]
pub enum Denied {
    /// Nobody has signed in, or who has is not active, or no member of staff.
    #[error(
        "only staff may do that; sign in as a member of staff, or let an operator make you one: \
         `housekey user grant NAME --staff`"
    )]
    NotStaff,
    /// This permission is needed.
    #[error("you lack the permission {0}; let a superuser grant it to you, or do it")]
    Lacks(&'static str),
    /// The user, the group or the right is more than one has oneself.
    #[error(
        "nobody gives or takes what they have not themselves, or changes somebody who may do more; let a \
         superuser do it"
    )]
    MoreThanYours,
    /// Nobody shuts themselves out.
    #[error(
        "nobody deactivates themselves, or takes their own rights as staff or superuser; let another \
         superuser do it"
    )]
    Yourself,
    /// Somebody must be able to do everything.
    #[error(
        "you are the only active superuser, and the house needs one; make another user a superuser first, who \
         can do it then"
    )]
    LastSuperuser,
}

impl Denied {
    /// As it is written down.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::NotStaff => "is_staff",
            Self::Lacks(permission) => permission,
            Self::MoreThanYours => "more than yours",
            Self::Yourself => "yourself",
            Self::LastSuperuser => "last superuser",
        }
    }
}

impl From<Denied> for Error {
    fn from(why: Denied) -> Self {
        Self::Denied { why }
    }
}
