//! What goes wrong, at which call, and how is it brought about?

use std::fmt;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::scenario::Scenario;
use super::stage::Stage;
use crate::support::post_json;

/// Only ends a case that hangs; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(120);
/// SIGXFSZ: a file would have grown beyond the limit of the process.
const FILE_TOO_LARGE: i32 = 25;

/// The row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// kill -9 before AWS has the call.
    KillBefore,
    /// kill -9 when AWS has carried it out, and navi has not heard.
    KillAfter,
    /// Ended when navi has heard, and the outcome is not on the disk yet.
    KillUnwritten,
    Drop,
    TimeOut,
    Status500,
    Status503,
    Throttle,
    Deny,
    Quota,
    /// AWS carries it out when navi is dead.
    Late,
}

/// How often what is disturbed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Calls {
    All,
    Mutating,
    Creates,
}

impl Fault {
    pub const ALL: [Fault; 11] = [
        Fault::KillBefore,
        Fault::KillAfter,
        Fault::KillUnwritten,
        Fault::Drop,
        Fault::TimeOut,
        Fault::Status500,
        Fault::Status503,
        Fault::Throttle,
        Fault::Deny,
        Fault::Quota,
        Fault::Late,
    ];

    /// As the table calls it.
    pub fn title(self) -> &'static str {
        match self {
            Fault::KillBefore => "kill -9 before the call reaches AWS",
            Fault::KillAfter => "kill -9 after AWS applied it, before navi hears",
            Fault::KillUnwritten => "killed after navi heard, before the outcome is on the disk",
            Fault::Drop => "connection dropped after the call was applied",
            Fault::TimeOut => "no answer in time, the call was applied",
            Fault::Status500 => "500 after the call was applied",
            Fault::Status503 => "503 after the call was applied",
            Fault::Throttle => "throttled",
            Fault::Deny => "AccessDenied",
            Fault::Quota => "quota exceeded",
            Fault::Late => "applied late, after the process died",
        }
    }

    pub fn calls(self) -> Calls {
        match self {
            Fault::Throttle | Fault::Deny => Calls::All,
            Fault::Quota | Fault::Late => Calls::Creates,
            _ => Calls::Mutating,
        }
    }

    fn armed(self, call: &Call) -> Value {
        let (when, what) = match self {
            Fault::KillBefore => ("before", "hold"),
            Fault::KillAfter | Fault::KillUnwritten | Fault::TimeOut => ("after", "hold"),
            Fault::Drop => ("after", "drop"),
            Fault::Status500 => ("after", "status-500"),
            Fault::Status503 => ("after", "status-503"),
            Fault::Throttle => ("before", "throttle"),
            Fault::Deny => ("before", "deny"),
            Fault::Quota => ("before", "quota"),
            Fault::Late => ("before", "late"),
        };
        json!({"operation": call.operation, "at_call": call.occurrence, "when": when, "do": what})
    }
}

/// Which call: the nth of its operation, so that it does not matter in which order steps run.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Call {
    pub operation: String,
    /// From 1.
    pub occurrence: usize,
}

impl fmt::Display for Call {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.operation, self.occurrence)
    }
}

impl Call {
    /// Whether it only looks. Such calls come more or less often, as a run waits more or less long.
    fn reads(&self) -> bool {
        ["Describe", "Get", "List"]
            .iter()
            .any(|word| self.operation.starts_with(word))
    }
}

/// Runs the scenario's command with the fault at that call. `false` if that is a read which the run did without.
pub fn disturb(
    stage: &Stage,
    scenario: &Scenario,
    fault: Fault,
    call: &Call,
) -> Result<bool, String> {
    stage.arm(&fault.armed(call));
    let arguments = [scenario.command, "--yes"];
    match fault {
        Fault::KillBefore | Fault::KillAfter | Fault::Late => {
            let process = stage.spawn(&scenario.file(), &arguments);
            kill_when_struck(stage, process)?;
            if fault == Fault::Late {
                post_json(&stage.endpoint, "/_navi/late", &Value::Null);
            }
        }
        Fault::KillUnwritten => {
            let process = stage.spawn(&scenario.file(), &arguments);
            end_at_next_write(stage, scenario, process)?;
        }
        _ => {
            let ran = stage.run(&scenario.file(), &arguments);
            // It may have got over it, failed before anything was made, or done all else.
            ran.ended(&[0, 1, 3])?;
            if stage.is_armed() {
                crate::support::delete(&stage.endpoint, "/_navi/faults");
                return match call.reads() {
                    true => Ok(false),
                    false => Err(format!("{call} never came")),
                };
            }
        }
    }
    Ok(true)
}

/// Waits until the process is in its nth mutating call, which AWS has carried out and doesn't answer.
pub fn hold(stage: &Stage, process: Child, number: usize) -> Result<Child, String> {
    stage.arm(&json!({"at_mutating_call": number, "when": "after", "do": "hold"}));
    held(stage, process)
}

/// Answers the held call and lets the process end.
pub fn released(stage: &Stage, mut process: Child) -> Result<i32, String> {
    post_json(&stage.endpoint, "/_navi/release", &Value::Null);
    let status = process.wait().map_err(|error| error.to_string())?;
    Ok(status.code().unwrap_or(-1))
}

/// Sends a signal by its name.
pub fn signal(process: &Child, name: &str) -> Result<(), String> {
    let sent = Command::new("kill")
        .args([format!("-{name}"), process.id().to_string()])
        .status()
        .map_err(|error| format!("kill: {error}"))?;
    match sent.success() {
        true => Ok(()),
        false => Err(format!("kill -{name} ended with {sent}")),
    }
}

/// kill -9 at the nth mutating call of whatever comes. `false` if the command ended before.
pub fn kill_at(stage: &Stage, scenario: &Scenario, number: usize) -> Result<bool, String> {
    stage.arm(&json!({"at_mutating_call": number, "when": "after", "do": "hold"}));
    let process = stage.spawn(&scenario.file(), &[scenario.command, "--yes"]);
    let mut process = match wait_until_struck(stage, process)? {
        Struck::Held(process) => process,
        Struck::Ended(0) => {
            crate::support::delete(&stage.endpoint, "/_navi/faults");
            return Ok(false);
        }
        Struck::Ended(code) => return Err(format!("the recovery ended with {code}")),
    };
    process.kill().map_err(|error| error.to_string())?;
    process.wait().map_err(|error| error.to_string())?;
    Ok(true)
}

enum Struck {
    Held(Child),
    Ended(i32),
}

fn wait_until_struck(stage: &Stage, mut process: Child) -> Result<Struck, String> {
    let limit = Instant::now() + PATIENCE;
    while stage.is_armed() {
        if let Some(status) = process.try_wait().map_err(|error| error.to_string())? {
            return Ok(Struck::Ended(status.code().unwrap_or(-1)));
        }
        if Instant::now() > limit {
            let _ = process.kill();
            let _ = process.wait();
            return Err("the fault never struck, and the command never ended".to_owned());
        }
        std::thread::sleep(Duration::from_millis(3));
    }
    Ok(Struck::Held(process))
}

fn held(stage: &Stage, process: Child) -> Result<Child, String> {
    match wait_until_struck(stage, process)? {
        Struck::Held(process) => Ok(process),
        Struck::Ended(code) => Err(format!("the command ended with {code} before the fault")),
    }
}

fn kill_when_struck(stage: &Stage, process: Child) -> Result<(), String> {
    let mut process = held(stage, process)?;
    process.kill().map_err(|error| error.to_string())?;
    process.wait().map_err(|error| error.to_string())?;
    Ok(())
}

/// Lets everything else of the run come to rest, forbids the process to make any file longer than its journal is, and
/// answers the held call: the kernel ends the process when it writes down what it has heard.
fn end_at_next_write(stage: &Stage, scenario: &Scenario, process: Child) -> Result<(), String> {
    let mut process = held(stage, process)?;
    let journal = stage
        .state_directory()
        .join(format!("{}.journal", scenario.stack));
    let length = || fs::metadata(&journal).map_or(0, |metadata| metadata.len());
    let mut size = length();
    let mut quiet = 0;
    while quiet < 5 {
        std::thread::sleep(Duration::from_millis(10));
        let now = length();
        quiet = if now == size { quiet + 1 } else { 0 };
        size = now;
    }
    let limited = Command::new("prlimit")
        .args([
            format!("--pid={}", process.id()),
            format!("--fsize={size}:{size}"),
        ])
        .status()
        .map_err(|error| format!("prlimit (util-linux): {error}"))?;
    if !limited.success() {
        return Err("prlimit could not limit the process".to_owned());
    }
    post_json(&stage.endpoint, "/_navi/release", &Value::Null);
    let limit = Instant::now() + PATIENCE;
    let status = loop {
        if let Some(status) = process.try_wait().map_err(|error| error.to_string())? {
            break status;
        }
        if Instant::now() > limit {
            let _ = process.kill();
            let _ = process.wait();
            return Err("the process went on without writing".to_owned());
        }
        std::thread::sleep(Duration::from_millis(3));
    };
    match status.signal() {
        Some(FILE_TOO_LARGE) => Ok(()),
        _ => Err(format!(
            "the process ended with {status}, not by its next write"
        )),
    }
}
