//! How far a long work is, on standard error: one moving line on a terminal, and now and then a plain one
//! elsewhere.

use std::io::{IsTerminal as _, Write as _};

use indicatif::{ProgressBar, ProgressStyle};

/// Where there is no terminal, after how many a line is written.
const LINE_EVERY: usize = 10_000;

pub(crate) struct Progress {
    what: String,
    bar: Option<ProgressBar>,
    next_line: usize,
    line_every: usize,
}

impl Progress {
    pub(crate) fn of(what: impl Into<String>) -> Self {
        let what = what.into();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{spinner} {human_pos} {msg}, {elapsed}");
            let bar = ProgressBar::new_spinner().with_message(what.clone());
            bar.with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self { what, bar, next_line: LINE_EVERY, line_every: LINE_EVERY }
    }

    /// Of a work whose end is known. Elsewhere than on a terminal there are ten lines at most.
    pub(crate) fn towards(mut self, end: usize) -> Self {
        if let Some(bar) = &self.bar {
            let style = ProgressStyle::with_template(
                "{bar:30} {human_pos} of {human_len} {msg}, {elapsed}, {eta} to go",
            );
            bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            bar.set_length(end.try_into().unwrap_or(u64::MAX));
        }
        self.line_every = (end / 10).max(LINE_EVERY);
        self.next_line = self.line_every;
        self
    }

    pub(crate) fn show(&mut self, so_far: usize) {
        if let Some(bar) = &self.bar {
            bar.set_position(so_far.try_into().unwrap_or(u64::MAX));
        } else if so_far >= self.next_line {
            // Who reads no more misses nothing that matters.
            let _ = writeln!(std::io::stderr(), "{so_far} {} so far", self.what);
            self.next_line = so_far + self.line_every;
        }
    }
}

/// The report that follows stands alone.
impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
