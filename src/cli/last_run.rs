//! What is kept of a run, and where does its page go? Beside the state, for whoever asks later; no run ends otherwise for it.

use std::fs::OpenOptions;
use std::path::Path;

use serde_json::Value;

use super::arguments::GlobalOptions;
use super::error::CommandError;
use super::graph::write;
use super::output;
use super::outputs::{named_outputs, urls};
use crate::picture::Picture;
use crate::report::{LastRun, RunRecord};
use crate::state::{LocalStore, Session, State, Store};

/// More is not kept: it would be a stack of ten thousand resources.
const LARGEST: usize = 16 << 20;
/// A value that is longer is cut: no ID or name of AWS's is.
const LONGEST_OUTPUT: usize = 1000;

/// All that a page tells of a run that has just ended.
pub fn of(
    run: RunRecord,
    picture: Picture,
    state: &State,
    place: String,
    began: String,
) -> LastRun {
    let outputs = named_outputs(state).into_iter().map(|(name, value)| {
        let text = match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        (name, text.chars().take(LONGEST_OUTPUT).collect())
    });
    LastRun {
        version: LastRun::VERSION,
        navi: env!("CARGO_PKG_VERSION").to_owned(),
        began,
        place,
        run,
        picture,
        outputs: outputs.collect(),
        urls: urls(state),
    }
}

/// Keeps it for `navi report`. Whoever can't loses that page and nothing else.
pub async fn keep(session: &Session, last: &LastRun) {
    let bytes = match serde_json::to_vec(last) {
        Ok(bytes) if bytes.len() <= LARGEST => bytes,
        Ok(bytes) => {
            tracing::debug!("the run is not kept: it takes {} bytes", bytes.len());
            return;
        }
        Err(error) => {
            tracing::debug!("the run can't be written down: {error}");
            return;
        }
    };
    if let Err(error) = session.keep_last_run(bytes).await {
        tracing::debug!("the run can't be kept: {error}");
    }
}

/// The last run of a stack; none where there is none, or it was kept by another navi in another form.
pub fn read(global: &GlobalOptions, stack: &str) -> Result<Option<LastRun>, CommandError> {
    let store = LocalStore::new(global.store_directory());
    let Some(bytes) = store.read_last_run(stack)? else {
        return Ok(None);
    };
    let form = serde_json::from_slice::<Value>(&bytes).unwrap_or_default();
    if form["version"] != LastRun::VERSION {
        return Ok(None);
    }
    Ok(serde_json::from_value(form).ok())
}

/// Makes sure that a page can be written before anything is changed: afterwards it would be too late to say so.
pub fn require_writable(path: Option<&Path>) -> Result<(), CommandError> {
    let Some(path) = path else {
        return Ok(());
    };
    let new = !path.exists();
    let opened = OpenOptions::new().append(true).create(true).open(path);
    opened.map_err(|source| CommandError::FileUnwritable {
        path: path.to_owned(),
        source,
    })?;
    if new {
        // An empty file is no page; nobody has seen it.
        let _ = std::fs::remove_file(path);
    }
    Ok(())
}

/// Writes the page of a run that is over: what the run came to stands, whether this succeeds or not.
pub fn write_page(global: &GlobalOptions, path: Option<&Path>, last: &LastRun) {
    let Some(path) = path else {
        return;
    };
    match write(path, &last.page()) {
        Ok(()) => output::progress(global, &format!("the report is in {}", path.display())),
        Err(error) => output::warning(
            global,
            &format!("{error}; `navi report -o FILE` writes it elsewhere"),
        ),
    }
}
