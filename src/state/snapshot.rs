//! How is the state written down as a whole?

use serde::Deserialize;

use super::{FORMAT_VERSION, State, StateError};

/// The fields that every version of the format has.
#[derive(Deserialize)]
struct Header {
    version: u64,
}

/// The state as the snapshot's content.
pub(super) fn encode(state: &State) -> Result<Vec<u8>, serde_json::Error> {
    let mut bytes = serde_json::to_vec_pretty(state)?;
    bytes.push(b'\n');
    Ok(bytes)
}

/// Reads a snapshot. `file` is its name for messages, `backup` that of the one before.
pub(super) fn decode(
    bytes: &[u8],
    stack: &str,
    file: &str,
    backup: Option<&str>,
) -> Result<State, StateError> {
    let unreadable = |error: serde_json::Error| damaged(file, &error.to_string(), backup);
    let header: Header = serde_json::from_slice(bytes).map_err(unreadable)?;
    if header.version > u64::from(FORMAT_VERSION) {
        return Err(StateError::Newer {
            file: file.to_owned(),
            found: header.version,
            supported: FORMAT_VERSION,
        });
    }
    let mut state: State = serde_json::from_slice(bytes).map_err(unreadable)?;
    state.version = FORMAT_VERSION;
    if state.stack != stack {
        return Err(StateError::OtherStack {
            file: file.to_owned(),
            found: state.stack,
            asked: stack.to_owned(),
        });
    }
    Ok(state)
}

/// The error for a snapshot that can't be believed.
pub(super) fn damaged(file: &str, reason: &str, backup: Option<&str>) -> StateError {
    let advice = match backup {
        Some(backup) => {
            format!("Restore `{file}` from a copy; `{backup}` is the state before the last change")
        }
        None => format!(
            "Restore `{file}` from a copy. Without one, move it away: navi finds by its tags what the stack owns"
        ),
    };
    StateError::Damaged {
        place: format!("`{file}`"),
        reason: reason.to_owned(),
        advice,
    }
}
