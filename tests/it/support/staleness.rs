//! How long an app may not know what was done elsewhere.

use std::time::{Duration, Instant};

use housekey::Rejected;

use super::{House, whoami};

/// What is promised unless said otherwise.
pub(crate) const STALENESS: Duration = Duration::from_millis(100);

/// Whoever asks later than the staleness after this moment is told what was done before it.
#[track_caller]
pub(crate) fn assert_is_seen_in_time(app: &House, cookie: &str, why: Option<Rejected>) {
    assert_eq!(in_time(|| whoami(app, cookie).err()), why);
}

/// The same of anything.
#[track_caller]
pub(crate) fn assert_holds_in_time(holds: impl Fn() -> bool) {
    in_time(|| holds().then_some(()));
}

#[track_caller]
fn in_time<T>(look: impl Fn() -> Option<T>) -> T {
    let done = Instant::now();
    loop {
        let looked = Instant::now();
        if let Some(seen) = look() {
            return seen;
        }
        assert!(looked - done < STALENESS, "{:?}", looked - done);
    }
}
