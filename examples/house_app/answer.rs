//! Answers and refusals, in JSON.

use axum::Json;
use axum::extract::rejection::{FormRejection, JsonRejection, QueryRejection};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use housekey::Error;
use serde_json::{Value, json};

pub(crate) type Answer<T> = Result<Json<T>, Refusal>;

/// What the app answers when it does not do what was asked.
pub(crate) enum Refusal {
    House(Error),
    Visitor(StatusCode, String),
}

impl Refusal {
    pub(crate) fn bad(why: &str) -> Self {
        Self::Visitor(StatusCode::BAD_REQUEST, why.to_owned())
    }
}

pub(crate) fn ok() -> Json<Value> {
    Json(json!({"ok": true}))
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        match error {
            Error::SessionValue { .. } | Error::User { .. } => Self::bad(&error.to_string()),
            error => Self::House(error),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        match self {
            Self::House(error) => error.into_response(),
            Self::Visitor(status, why) => {
                (status, Json(json!({"ok": false, "error": why}))).into_response()
            }
        }
    }
}

macro_rules! refuses_by {
    ($($rejection:ty),+) => {
        $(impl From<$rejection> for Refusal {
            fn from(rejection: $rejection) -> Self {
                Self::Visitor(rejection.status(), rejection.body_text())
            }
        })+
    };
}
refuses_by!(FormRejection, JsonRejection, QueryRejection);
