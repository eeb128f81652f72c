use axum_core::response::{IntoResponse, Response};
use http::header::{LOCATION, RETRY_AFTER};
use http::{HeaderValue, StatusCode};

use crate::csrf::Failure;
use crate::error::Error;
use crate::web::Front;

/// A request that another site may have sent in the visitor's name.
pub(super) fn forbidden(front: &Front, failure: &Failure) -> Response {
    front.refused_by_csrf(failure);
    let text = format!("CSRF verification failed. {failure}\n");
    (StatusCode::FORBIDDEN, text).into_response()
}

/// To `LOGIN_URL` when there is one.
pub(super) fn must_sign_in(location: Option<&str>) -> Response {
    let refused = || (StatusCode::UNAUTHORIZED, "Sign in first.\n").into_response();
    location.map_or_else(refused, see_other)
}

pub(super) fn see_other(uri: &str) -> Response {
    match HeaderValue::from_str(uri) {
        Ok(location) => (StatusCode::SEE_OTHER, [(LOCATION, location)]).into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

/// 503 with `Retry-After` when waiting may help; 400 when the session ended meanwhile or cannot hold a
/// value, or a user cannot be made or changed so; 500 otherwise. The text says nothing of what went wrong inside; the log does.
impl IntoResponse for Error {
    fn into_response(self) -> Response {
        match &self {
            Self::SessionGone
            | Self::SessionValue { .. }
            | Self::User { .. }
            | Self::Unknown { .. }
            | Self::UsernameTaken { .. } => {
                return (StatusCode::BAD_REQUEST, format!("{self}\n")).into_response();
            }
            _ => {}
        }
        // The log has a line for all of those together.
        if !matches!(self, Self::Away { .. }) {
            let cause = std::error::Error::source(&self).map(ToString::to_string);
            tracing::error!(error = %self, cause, "a request could not be answered");
        }
        if self.is_temporary() {
            let wait = [(RETRY_AFTER, HeaderValue::from_static("2"))];
            let text = "The house does not answer at the moment. Please try again.\n";
            return (StatusCode::SERVICE_UNAVAILABLE, wait, text).into_response();
        }
        (StatusCode::INTERNAL_SERVER_ERROR, "Something went wrong.\n").into_response()
    }
}
