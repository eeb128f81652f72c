use std::marker::PhantomData;

use crate::user::{Permissions, User};

/// The name of a permission as a type, for [`RequirePermission`]; made by [`permission!`](crate::permission).
///
/// ```
/// use housekey::PermissionName;
/// housekey::permission!(ApproveInvoice = "billing.approve_invoice");
/// assert_eq!(ApproveInvoice::NAME, "billing.approve_invoice");
/// ```
pub trait PermissionName: Send + Sync + 'static {
    /// `app_label.codename`
    const NAME: &'static str;
}

/// Makes a type that stands for a permission.
///
/// ```
/// housekey::permission!(pub ApproveInvoice = "billing.approve_invoice");
/// housekey::permission!(ViewInvoice = "billing.view_invoice");
/// ```
#[macro_export]
macro_rules! permission {
    ($visibility:vis $name:ident = $permission:literal) => {
        #[doc = concat!("The permission `", $permission, "`.")]
        #[derive(Debug, Clone, Copy)]
        $visibility struct $name;

        impl $crate::PermissionName for $name {
            const NAME: &'static str = $permission;
        }
    };
}

/// Someone is signed in and has the permission; who has it not gets 403.
///
/// ```
/// use housekey::axum::RequirePermission;
/// housekey::permission!(ApproveInvoice = "billing.approve_invoice");
///
/// async fn approve(may: RequirePermission<ApproveInvoice>) -> String {
///     format!("approved by {}", may.user.username)
/// }
/// ```
#[non_exhaustive]
pub struct RequirePermission<P: PermissionName> {
    /// Who is signed in.
    pub user: User,
    /// All that the user may do.
    pub permissions: Permissions,
    permission: PhantomData<fn() -> P>,
}

impl<P: PermissionName> RequirePermission<P> {
    pub(crate) fn new(user: User, permissions: Permissions) -> Self {
        Self { user, permissions, permission: PhantomData }
    }
}

impl<P: PermissionName> std::fmt::Debug for RequirePermission<P> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "RequirePermission({}, {})", P::NAME, self.user.id)
    }
}

/// Someone is signed in who is staff (`is_staff`); others get 403.
///
/// ```
/// use housekey::axum::RequireStaff;
/// async fn desk(RequireStaff(user): RequireStaff) -> String {
///     format!("The desk of {}", user.username)
/// }
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(
    any(feature = "actix", feature = "axum"),
    expect(clippy::exhaustive_structs, reason = "to be taken apart in the arguments of a handler")
)]
pub struct RequireStaff(pub User);

/// Someone is signed in, and proved the password within the last `MINUTES`; others are asked for it once more.
///
/// What counts is when this session was begun by a login in a housekey app, by the clock of the shared database. A
/// login in a Django app does not count, since Django writes it down nowhere. The login page is told by
/// [`Next::asks_again`](super::Next::asks_again) that it shall ask though someone is signed in.
///
/// ```
/// use housekey::axum::Fresh;
/// async fn new_address(Fresh(user): Fresh<10>) -> String {
///     format!("{} may change the address now", user.username)
/// }
/// ```
#[derive(Debug, Clone)]
#[cfg_attr(
    any(feature = "actix", feature = "axum"),
    expect(clippy::exhaustive_structs, reason = "to be taken apart in the arguments of a handler")
)]
pub struct Fresh<const MINUTES: u32 = 5>(pub User);
