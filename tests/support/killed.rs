//! A run that is killed in the middle: held at a mutating call once AWS has carried it out, looked at, and ended.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::http::{delete, get_json, post_json};
use super::{Navi, REGION};

/// Starts `up`, has it held at its nth mutating call after AWS carried it out, and kills it. `look` is called while it
/// is held, and once it is dead. Answers false when the run ended before that call.
pub fn killed_at(
    navi: &Navi,
    endpoint: &str,
    file: &Path,
    call: usize,
    mut look: impl FnMut(&str),
) -> bool {
    let fault = json!({"at_mutating_call": call, "when": "after", "do": "hold"});
    killed_by(navi, endpoint, file, &fault, |when| {
        look(&format!("{when} call {call}"));
    })
}

/// The same with any fault that gives no answer; `look` is called with `at` and with `killed at`.
pub fn killed_by(
    navi: &Navi,
    endpoint: &str,
    file: &Path,
    fault: &Value,
    mut look: impl FnMut(&str),
) -> bool {
    post_json(endpoint, "/_navi/faults", fault);
    let mut process = navi
        .command(&["up", "--yes", "--sandbox", "-f", file.to_str().unwrap()])
        .args(["--region", REGION])
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // The limit only ends a test that hangs; an armed fault is gone from the list once it has struck.
    let limit = Instant::now() + Duration::from_secs(120);
    let ended = loop {
        assert!(Instant::now() < limit, "{fault} never struck");
        if get_json(endpoint, "/_navi/faults") == json!([]) {
            break false;
        }
        if process.try_wait().unwrap().is_some() {
            break true;
        }
        std::thread::sleep(Duration::from_millis(10));
    };
    if ended {
        delete(endpoint, "/_navi/faults");
        return false;
    }
    look("at");
    process.kill().unwrap();
    process.wait().unwrap();
    look("killed at");
    true
}
