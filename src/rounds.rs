//! A thread of the house's own, for what no visitor should wait for.

use std::convert::Infallible;
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::time::Duration;

/// Sees to its duty once in a while, until it is dropped.
pub(crate) struct Rounds {
    _until_dropped: Sender<Infallible>,
}

impl Rounds {
    /// What is lost without a thread is told to the log.
    pub(crate) fn begin(lost: &str, every: Duration, duty: impl FnMut() + Send + 'static) -> Self {
        Self::after(every, lost, every, duty)
    }

    /// The same, for the first time at once.
    pub(crate) fn begin_at_once(
        lost: &str,
        every: Duration,
        duty: impl FnMut() + Send + 'static,
    ) -> Self {
        Self::after(Duration::ZERO, lost, every, duty)
    }

    fn after(
        first: Duration,
        lost: &str,
        every: Duration,
        mut duty: impl FnMut() + Send + 'static,
    ) -> Self {
        let (until_dropped, dropped) = channel::<Infallible>();
        let rounds = move || {
            let mut rest = first;
            while let Err(RecvTimeoutError::Timeout) = dropped.recv_timeout(rest) {
                duty();
                rest = every;
            }
        };
        let begun = std::thread::Builder::new().name("housekey".to_owned()).spawn(rounds);
        if let Err(error) = begun {
            tracing::warn!(%error, "no thread {lost}");
        }
        Self { _until_dropped: until_dropped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rounds_go_on_until_nobody_wants_them() {
        let (tell, told) = channel();
        let rounds = Rounds::begin("for a test", Duration::from_micros(1), move || {
            // Nobody listens any more when the test has failed.
            let _ = tell.send(());
        });
        for _ in 0..3 {
            told.recv().unwrap();
        }
        drop(rounds);
        // Its end is the end of the thread, which holds the other side.
        while told.recv().is_ok() {}
    }
}
