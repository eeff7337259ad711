//! How long did the run take, and what will the next one? Kept beside the state, for estimates only.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::execute::Experience;
use crate::report::{Timeline, counted, duration};
use crate::state::{Session, Written};

/// The file's format. Of another one nothing is taken, and it is replaced.
const VERSION: u32 = 1;

/// What the file holds.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    version: u32,
    last_run: Value,
    experience: Experience,
}

/// What earlier runs of the stack have taught; nothing, if they left nothing readable.
pub async fn experience(session: &Session) -> Experience {
    let kept = session.timings().await;
    let kept = kept.unwrap_or_else(|error| {
        tracing::debug!("the timings of earlier runs can't be read: {error}");
        None
    });
    kept.and_then(|bytes| serde_json::from_slice::<Kept>(&bytes).ok())
        .filter(|kept| kept.version == VERSION)
        .map(|kept| kept.experience)
        .unwrap_or_default()
}

/// Keeps what a run has taught. Whoever can't write it loses an estimate and nothing else.
pub async fn keep(session: &Session, timeline: &Timeline, mut experience: Experience) {
    for step in timeline.steps().iter().filter(|step| step.complete) {
        if let (Some(calls), Some(whole)) = (step.calls(), step.whole()) {
            experience.learn(&step.address, step.action, calls, whole);
        }
    }
    let kept = Kept {
        version: VERSION,
        last_run: timeline.document(),
        experience,
    };
    let result = match serde_json::to_vec(&kept) {
        Ok(bytes) => session.keep_timings(bytes).await,
        Err(error) => {
            tracing::debug!("the timings can't be written down: {error}");
            return;
        }
    };
    if let Err(error) = result {
        tracing::debug!("the timings can't be kept: {error}");
    }
}

/// What the journal of a run has cost, as a sentence.
pub fn written(written: Written) -> String {
    format!(
        "state: {} bytes in {}, {} waiting for the disk",
        written.bytes,
        counted(
            usize::try_from(written.batches).unwrap_or(usize::MAX),
            "write"
        ),
        duration(milliseconds(written)),
    )
}

/// The same for a program.
pub fn written_document(written: Written) -> Value {
    json!({
        "bytes": written.bytes,
        "writes": written.batches,
        "milliseconds": milliseconds(written),
    })
}

fn milliseconds(written: Written) -> u64 {
    u64::try_from(written.took.as_millis()).unwrap_or(u64::MAX)
}
