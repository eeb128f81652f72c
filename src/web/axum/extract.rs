use std::borrow::Cow;
use std::sync::Arc;

use axum_core::extract::{FromRequestParts, OptionalFromRequestParts};
use axum_core::response::{IntoResponse, Response};
use http::request::Parts;

use super::view::{Asked, View};
use crate::error::Error;
use crate::session::Session;
use crate::user::User;
use crate::web::require::{Admitted, Requirement};
use crate::web::{
    AuthSession, CsrfToken, Fresh, Next, PermissionName, RequirePermission, RequireStaff,
};

/// The visitor's session. Never refuses a visitor: an unknown cookie is an empty session.
impl<S: Send + Sync> FromRequestParts<S> for Session {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        session(parts).await
    }
}

/// Never refuses a visitor.
impl<S: Send + Sync> FromRequestParts<S> for AuthSession {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        let session = session(parts).await?;
        Ok(Self::new(Arc::clone(&asked(parts)?.visit), session))
    }
}

/// Whoever is signed in, if someone is.
impl<S: Send + Sync> OptionalFromRequestParts<S> for User {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Option<Self>, Error> {
        Ok(session(parts).await?.user())
    }
}

/// Someone is signed in; others get 401, or are sent to `LOGIN_URL` when there is one.
impl<S: Send + Sync> FromRequestParts<S> for User {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(require(parts, &Requirement::SignedIn).await?.user)
    }
}

impl<S: Send + Sync> FromRequestParts<S> for RequireStaff {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Self(require(parts, &Requirement::Staff).await?.user))
    }
}

impl<S: Send + Sync, P: PermissionName> FromRequestParts<S> for RequirePermission<P> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        let admitted = require(parts, &Requirement::Permission(Cow::Borrowed(P::NAME))).await?;
        Ok(Self::new(admitted.user, admitted.permissions.unwrap_or_default()))
    }
}

impl<S: Send + Sync, const MINUTES: u32> FromRequestParts<S> for Fresh<MINUTES> {
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Response> {
        Ok(Self(require(parts, &Requirement::Fresh(MINUTES)).await?.user))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for CsrfToken {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(asked(parts)?.visit.token(&View::of_parts(parts)))
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Next {
    type Rejection = Error;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Error> {
        Ok(Self::of(&asked(parts)?.visit.front, &View::of_parts(parts)))
    }
}

async fn session(parts: &Parts) -> Result<Session, Error> {
    let visit = &asked(parts)?.visit;
    visit.session(|| visit.front.visitor(&View::of_parts(parts))).await
}

pub(super) async fn require(
    parts: &Parts,
    requirement: &Requirement,
) -> Result<Admitted, Response> {
    let visit = &asked(parts).map_err(IntoResponse::into_response)?.visit;
    let view = View::of_parts(parts);
    let admitted = visit.require(requirement, || visit.front.visitor(&view)).await;
    admitted.map_err(|denial| visit.front.turn_away(denial, &view).into_response())
}

pub(super) fn asked(parts: &Parts) -> Result<&Asked, Error> {
    parts.extensions.get::<Asked>().ok_or_else(|| {
        Error::config(
            "HousekeyLayer",
            "is not around this route; add .layer(HousekeyLayer::new(&house))",
        )
    })
}
