//! The app's clock, read here and nowhere else.
//!
//! It stamps signed texts and cookies. Whether a session has expired is never asked of it: that is
//! decided by the clock of the shared database, so that apps with different clocks agree.

use std::time::{Duration, Instant, SystemTime};

use chrono::{DateTime, Utc};

/// The time of the app: the system's, or (for tests) moved by a fixed amount.
///
/// ```
/// use housekey::Clock;
/// let early = Clock::behind(std::time::Duration::from_secs(3600));
/// assert!(early.now() < Clock::default().now());
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct Clock {
    ahead: Duration,
    behind: Duration,
}

impl Clock {
    /// A clock that is ahead of the system's.
    ///
    /// ```
    /// use housekey::Clock;
    /// assert!(Clock::ahead(std::time::Duration::from_secs(60)).now() > Clock::default().now());
    /// ```
    #[must_use]
    pub fn ahead(by: Duration) -> Self {
        Self { ahead: by, behind: Duration::ZERO }
    }

    /// A clock that is behind the system's.
    ///
    /// ```
    /// use housekey::Clock;
    /// assert!(Clock::behind(std::time::Duration::from_secs(60)).now() < Clock::default().now());
    /// ```
    #[must_use]
    pub fn behind(by: Duration) -> Self {
        Self { ahead: Duration::ZERO, behind: by }
    }

    /// The time by this clock, UTC.
    ///
    /// ```
    /// assert!(housekey::Clock::default().now().timestamp() > 1_700_000_000);
    /// ```
    #[expect(clippy::disallowed_methods, reason = "this is the place where time is read")]
    #[must_use]
    pub fn now(self) -> DateTime<Utc> {
        DateTime::from(SystemTime::now() + self.ahead - self.behind)
    }
}

/// Lets something happen once in a while, and counts what was held back meanwhile.
#[derive(Debug)]
pub(crate) struct Pace {
    every: Duration,
    last: std::sync::Mutex<(Option<Instant>, u64)>,
}

impl Pace {
    pub(crate) fn new(every: Duration) -> Self {
        Self { every, last: std::sync::Mutex::new((None, 0)) }
    }

    /// How many were held back since the last time, or `None` when it is too soon.
    pub(crate) fn may_speak(&self) -> Option<u64> {
        let mut last = self.last.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if last.0.is_some_and(|then| then.elapsed() < self.every) {
            last.1 += 1;
            return None;
        }
        let held_back = last.1;
        *last = (Some(Instant::now()), 0);
        Some(held_back)
    }
}

/// When something was begun, to see how long it takes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Begun(Instant);

impl Begun {
    pub(crate) fn now() -> Self {
        Self(steady())
    }

    pub(crate) fn ago(self) -> Duration {
        self.0.elapsed()
    }
}

/// Does a part of a long work, and rests for as long as that took: what others want comes in between.
pub(crate) fn at_half_pace<T>(work: impl FnOnce() -> T) -> T {
    let began = Instant::now();
    let done = work();
    std::thread::sleep(began.elapsed());
    done
}

/// The time by a clock that nobody sets.
pub(crate) fn steady() -> Instant {
    Instant::now()
}

/// Does nothing for so long.
pub(crate) fn rest(duration: Duration) {
    std::thread::sleep(duration);
}
