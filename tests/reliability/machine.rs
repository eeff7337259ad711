//! What goes wrong with the machine or the session that navi runs in, rather than with a call?

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;

use super::fault::{self, released};
use super::scenario::Scenario;
use super::stage::Stage;
use crate::support::{Ended, delete};

/// The mutating call of the run in which the machine changes.
const IN_MID_RUN: usize = 5;
/// How much the journal may still grow on the full disk, in bytes: a few records.
const LEFT_ON_DISK: u64 = 3000;

/// The row of the table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Trouble {
    DiskFull,
    /// From the beginning.
    ReadOnly,
    ReadOnlyInMidRun,
    Terminated,
    HungUp,
    StdoutClosed,
    StderrClosed,
    CredentialsExpired,
}

impl Trouble {
    pub const ALL: [Trouble; 8] = [
        Trouble::DiskFull,
        Trouble::ReadOnly,
        Trouble::ReadOnlyInMidRun,
        Trouble::Terminated,
        Trouble::HungUp,
        Trouble::StdoutClosed,
        Trouble::StderrClosed,
        Trouble::CredentialsExpired,
    ];

    pub fn title(self) -> &'static str {
        match self {
            Trouble::DiskFull => "the disk is full in mid-run",
            Trouble::ReadOnly => "the state's directory is read-only",
            Trouble::ReadOnlyInMidRun => "the state's directory becomes read-only in mid-run",
            Trouble::Terminated => "SIGTERM",
            Trouble::HungUp => "SIGHUP",
            Trouble::StdoutClosed => "stdout closed",
            Trouble::StderrClosed => "stdout and stderr closed",
            Trouble::CredentialsExpired => "credentials expire in mid-run",
        }
    }

    /// Runs the scenario's command in this trouble, which ends with it.
    pub fn strike(self, stage: &Stage, scenario: &Scenario) -> Result<(), String> {
        let file = scenario.file();
        let arguments = [scenario.command, "--yes"];
        let states = stage.state_directory();
        match self {
            Trouble::DiskFull => {
                let journal = states.join(format!("{}.journal", scenario.stack));
                let size = fs::metadata(journal).map_or(0, |metadata| metadata.len());
                let full = size + LEFT_ON_DISK;
                // Whoever ignores the signal gets the error, as on a full disk.
                let command = wrapped(
                    "trap '' XFSZ; exec \"$@\"",
                    &["prlimit", &format!("--fsize={full}:{full}")],
                    &stage.command(&file, &arguments),
                );
                let ended = ended(command)?;
                says(&ended, &[1, 3], "File too large")
            }
            Trouble::ReadOnly => {
                let is_begun = states.join(format!("{}.journal", scenario.stack)).exists();
                let ended = with_read_only(&states, || {
                    ended(unprivileged(&stage.command(&file, &arguments)))
                })??;
                // Into the journal that is there may still be written; what can't be put beside it is said.
                match is_begun {
                    true => says(&ended, &[0, 1, 3], ""),
                    false => {
                        says(&ended, &[1], "Permission denied")?;
                        nothing_was_called(stage)
                    }
                }
            }
            Trouble::ReadOnlyInMidRun => {
                let process = quietly(unprivileged(&stage.command(&file, &arguments)))?;
                let process = fault::hold(stage, process, IN_MID_RUN)?;
                let code = with_read_only(&states, || released(stage, process))??;
                is_one_of(code, &[0, 1, 3])
            }
            Trouble::Terminated | Trouble::HungUp => {
                let process = stage.spawn(&file, &arguments);
                let process = fault::hold(stage, process, IN_MID_RUN)?;
                let signal = match self {
                    Trouble::HungUp => "HUP",
                    _ => "TERM",
                };
                fault::signal(&process, signal)?;
                is_one_of(released(stage, process)?, &[130])
            }
            Trouble::StdoutClosed | Trouble::StderrClosed => {
                let mut command = stage.command(&file, &arguments);
                command.args(["--output", "json"]).stdout(Stdio::piped());
                match self {
                    Trouble::StderrClosed => command.stderr(Stdio::piped()),
                    _ => command.stderr(Stdio::null()),
                };
                let mut process = command.spawn().map_err(|error| error.to_string())?;
                // As `navi up | true` does.
                drop(process.stdout.take());
                drop(process.stderr.take());
                let status = process.wait().map_err(|error| error.to_string())?;
                is_one_of(status.code().unwrap_or(-1), &[0])
            }
            Trouble::CredentialsExpired => {
                stage.arm(
                    &json!({"at_mutating_call": IN_MID_RUN, "do": "expired", "times": 10_000}),
                );
                let ran = stage.run(&file, &arguments);
                delete(&stage.endpoint, "/_navi/faults");
                says(&ran.ended, &[1, 3], "xpired")
            }
        }
    }
}

fn nothing_was_called(stage: &Stage) -> Result<(), String> {
    match stage.calls(true).as_slice() {
        [] => Ok(()),
        calls => Err(format!("{calls:?} before the state could be kept")),
    }
}

fn is_one_of(code: i32, codes: &[i32]) -> Result<(), String> {
    match codes.contains(&code) {
        true => Ok(()),
        false => Err(format!("it ended with {code}, not {codes:?}")),
    }
}

fn says(ended: &Ended, codes: &[i32], text: &str) -> Result<(), String> {
    match codes.contains(&ended.code) && ended.stderr.contains(text) {
        true => Ok(()),
        false => Err(format!(
            "it ended with {}, not {codes:?} and \"{text}\":\n{}",
            ended.code, ended.stderr
        )),
    }
}

/// The command in a shell that prepares something for it, with other words before its own.
fn wrapped(script: &str, words: &[&str], command: &Command) -> Command {
    let mut shell = Command::new("sh");
    shell.args(["-c", script, "sh"]).args(words);
    taking_over(shell, command)
}

/// Root may write everywhere; without this capability it is held to permissions as everybody is.
fn unprivileged(command: &Command) -> Command {
    let mut set = Command::new("setpriv");
    set.args(["--inh-caps=-dac_override", "--bounding-set=-dac_override"]);
    taking_over(set, command)
}

fn taking_over(mut outer: Command, command: &Command) -> Command {
    outer.arg(command.get_program()).args(command.get_args());
    if let Some(folder) = command.get_current_dir() {
        outer.current_dir(folder);
    }
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => outer.env(name, value),
            None => outer.env_remove(name),
        };
    }
    outer
}

fn ended(mut command: Command) -> Result<Ended, String> {
    let output = command.output().map_err(|error| error.to_string())?;
    Ok(Ended::of(output))
}

fn quietly(mut command: Command) -> Result<Child, String> {
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().map_err(|error| error.to_string())
}

fn with_read_only<T>(directory: &Path, what: impl FnOnce() -> T) -> Result<T, String> {
    let set = |mode| {
        fs::set_permissions(directory, Permissions::from_mode(mode))
            .map_err(|error| format!("{}: {error}", directory.display()))
    };
    set(0o555)?;
    let result = what();
    set(0o755)?;
    Ok(result)
}
