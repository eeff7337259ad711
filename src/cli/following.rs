//! How does a command end that goes on until it is told to stop? With Ctrl-C, and that is what was wanted of it.

use std::future::Future;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use super::error::CommandError;
use super::exit_code;
use crate::resource::{CallError, ErrorClass};

/// Between two looks at what is new.
pub const LOOK_EVERY: Duration = Duration::from_secs(2);

/// Does the work until it ends by itself, or somebody ends it.
pub async fn until_interrupted(
    work: impl Future<Output = Result<u8, CommandError>>,
) -> Result<u8, CommandError> {
    let mut keyboard = signal(SignalKind::interrupt()).map_err(CommandError::Signals)?;
    let mut terminated = signal(SignalKind::terminate()).map_err(CommandError::Signals)?;
    tokio::select! {
        ended = work => ended,
        _ = keyboard.recv() => Ok(exit_code::DONE),
        _ = terminated.recv() => Ok(exit_code::DONE),
    }
}

/// Whether the next look may well succeed: the network was away for a moment, or AWS was asked too often.
pub fn passes(error: &CallError) -> bool {
    matches!(error.class, ErrorClass::Transient | ErrorClass::Throttled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_ends_by_itself_says_how() {
        assert_eq!(until_interrupted(async { Ok(7) }).await.unwrap(), 7);
    }
}
