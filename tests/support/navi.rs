//! The real binary in a folder of its own, with nobody's AWS configuration around it.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use tempfile::TempDir;

use super::http::{get_json, post_json};

/// Where the tests' stacks live: the article's region.
pub const REGION: &str = "ap-northeast-1";

/// The account that the sandbox gives to navi.
pub(super) const SANDBOX_ACCOUNT: &str = "123456789012";

/// A working directory with a sandbox that is started by need and stopped with the value.
pub struct Navi {
    folder: TempDir,
}

/// How a command ended.
#[derive(Debug)]
pub struct Ended {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

impl Ended {
    pub fn of(output: Output) -> Self {
        Ended {
            // A process ended by a signal has no code.
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// Expects this exit code and answers itself.
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "\n--- stdout\n{}\n--- stderr\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

impl Navi {
    pub fn new() -> Self {
        Navi {
            folder: tempfile::tempdir().unwrap(),
        }
    }

    /// Removes everything that navi keeps of a stack in the sandbox, and nothing of other stacks.
    #[track_caller]
    pub fn lose_state(&self, stack: &str) {
        let folder = self.folder().join(".navi/sandbox");
        let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut lost = 0;
        for entry in entries {
            let name = entry.file_name().into_string().unwrap();
            if name.starts_with(&format!("{stack}.")) {
                fs::remove_file(entry.path()).unwrap();
                lost += 1;
            }
        }
        assert!(lost > 0, "nothing was recorded of {stack}");
    }

    /// The working directory.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// One of the stack files that come with navi.
    pub fn shipped(name: &str) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("stacks")
            .join(name)
    }

    /// Writes a file into the working directory and answers its path.
    pub fn write(&self, name: &str, content: &str) -> PathBuf {
        let path = self.folder().join(name);
        std::fs::write(&path, content).unwrap();
        path
    }

    /// The command, not started yet. No AWS setting of the machine reaches it.
    pub fn command(&self, arguments: &[&str]) -> Command {
        super::command(self.folder(), arguments)
    }

    /// Runs a command to its end.
    pub fn run(&self, arguments: &[&str]) -> Ended {
        Ended::of(self.command(arguments).output().unwrap())
    }

    /// Runs a command against the sandbox, which starts if it doesn't run.
    pub fn sandboxed(&self, file: &Path, arguments: &[&str]) -> Ended {
        let mut all = arguments.to_vec();
        let file = file.to_str().unwrap();
        all.extend(["--sandbox", "--region", REGION, "-f", file]);
        self.run(&all)
    }

    /// Starts the sandbox, if it doesn't run, and answers its endpoint.
    pub fn endpoint(&self) -> String {
        self.run(&["sandbox", "start"]).expect(0);
        super::sandbox_json(self.folder(), "status")["endpoint"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// The mutating calls that the sandbox has counted since it was last asked to forget them.
    pub fn mutating_calls(&self) -> Vec<String> {
        let calls = get_json(&self.endpoint(), "/_navi/calls");
        let calls = calls.as_array().expect("a list of calls");
        calls
            .iter()
            .filter(|call| call["mutating"] == Value::Bool(true))
            .map(|call| call["operation"].as_str().unwrap_or_default().to_owned())
            .collect()
    }

    /// The operations of all calls, reading ones included, that the sandbox has counted.
    pub fn operations(&self) -> Vec<String> {
        let calls = get_json(&self.endpoint(), "/_navi/calls");
        let calls = calls.as_array().expect("a list of calls");
        let name = |call: &Value| call["operation"].as_str().unwrap_or_default().to_owned();
        calls.iter().map(name).collect()
    }

    /// How many calls, reading ones included, the sandbox has counted.
    pub fn calls(&self) -> usize {
        let calls = get_json(&self.endpoint(), "/_navi/calls");
        calls.as_array().expect("a list of calls").len()
    }

    /// How many of them went to this service.
    pub fn calls_to(&self, service: &str) -> usize {
        let calls = get_json(&self.endpoint(), "/_navi/calls");
        let calls = calls.as_array().expect("a list of calls");
        calls
            .iter()
            .filter(|call| call["service"] == service)
            .count()
    }

    /// Forgets the calls counted so far.
    pub fn forget_calls(&self) {
        post_json(&self.endpoint(), "/_navi/calls/reset", &Value::Null);
    }
}

impl Drop for Navi {
    fn drop(&mut self) {
        // Best effort: a test that failed early may not have started one.
        let _ = self.command(&["sandbox", "stop"]).output();
    }
}
