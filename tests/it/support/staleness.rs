//! How long an app may not know what was done elsewhere.

use std::time::{Duration, Instant};

use housekey::Rejected;

use super::{House, whoami};

/// What is promised unless said otherwise.
pub(crate) const STALENESS: Duration = Duration::from_millis(100);

/// Whoever asks later than the staleness after this moment is told what was done before it.
pub(crate) fn assert_is_seen_in_time(app: &House, cookie: &str, why: Option<Rejected>) {
    let done = Instant::now();
    loop {
        let asked = Instant::now();
        match whoami(app, cookie) {
            Ok(_) => assert!(asked - done < STALENESS, "{:?}", asked - done),
            Err(rejected) => return assert_eq!(rejected, why),
        }
    }
}
