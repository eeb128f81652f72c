//! Parts of the texts of errors that depend on facts.

use std::time::Duration;

/// Rounded up, so that nobody comes too early.
pub(super) fn in_words(wait: Duration) -> String {
    let (seconds, minutes) = (wait.as_secs(), wait.as_secs().div_ceil(60));
    match seconds {
        ..=1 => "a second".to_owned(),
        2..=90 => format!("{seconds} seconds"),
        _ => format!("{minutes} minutes"),
    }
}

pub(super) fn key_remedy(app: &str, registered_by: &str) -> String {
    if app == registered_by {
        return format!("set SECRET_KEY of `{app}` to the key that it had before{OR_CHANGE_IT}");
    }
    format!("set SECRET_KEY of `{app}` to the key that `{registered_by}` has{OR_CHANGE_IT}")
}

pub(super) fn in_use(signing: &[String], sessions: usize) -> String {
    if signing.is_empty() {
        format!(
            "{sessions} living sessions hang on it; wait until they are used or have ended, or sign their \
             users out"
        )
    } else {
        format!(
            "{} does not sign with the new key; set SECRET_KEY there, with the old key in \
             SECRET_KEY_FALLBACKS (an app that is no more: housekey app forget)",
            signing.join(", ")
        )
    }
}

const OR_CHANGE_IT: &str =
    "; or, if the key of the house is to change, put the old one into SECRET_KEY_FALLBACKS";
