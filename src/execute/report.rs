//! How did a run end, as far as the exit code depends on it? The details went out as events.

use std::time::Duration;

use crate::report::event::Event;

/// The end of a run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RunReport {
    /// Steps that are complete.
    pub done: usize,
    /// Steps that failed.
    pub failed: usize,
    /// Steps that a failed one kept from starting.
    pub blocked: usize,
    /// Steps that an interrupt or the time limit kept from starting or from being waited for.
    pub skipped: usize,
    /// Ctrl-C, once or twice.
    pub interrupted: bool,
    /// `--timeout` was over.
    pub timed_out: bool,
    /// The state could not be written, so nothing more was started.
    pub state_error: Option<String>,
}

impl RunReport {
    /// Whether everything that the plan asks for is done.
    pub fn complete(&self) -> bool {
        self.failed == 0 && self.blocked == 0 && self.skipped == 0 && self.state_error.is_none()
    }

    pub(super) fn event(&self, took: Duration) -> Event {
        Event::RunEnded {
            done: self.done,
            failed: self.failed,
            blocked: self.blocked,
            skipped: self.skipped,
            milliseconds: milliseconds(took),
        }
    }
}

/// Milliseconds as events carry them.
pub(super) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
