//! How do the tests run navi, talk to its sandbox and to moto, and look at the account with another client?

mod difference;
mod gate;
mod golden;
mod http;
mod in_process;
mod killed;
mod listener;
mod living;
mod moto;
mod navi;
mod pages;
mod python;
mod terminal;

pub use golden::compare_with_golden;
pub use http::{delete, get_json, get_text, post_json};
pub use in_process::InProcess;
pub use killed::{killed_at, killed_by};
pub use listener::{Listener, Proxy};
pub use living::{Living, told};
pub use moto::Moto;
pub use navi::{Ended, Navi, REGION};
pub use pages::{Shown, blocks, calls, fits, pages};
pub use python::{Inventory, boto3, by_the_schema, ecs, inventory, namesake, stranger, terraform};
pub use terminal::Terminal;

use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::Value;

/// The built navi in a directory of its own, with nobody at the keyboard.
pub fn navi(directory: &Path, arguments: &[&str]) -> Output {
    command(directory, arguments).output().unwrap()
}

pub fn command(directory: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_navi"));
    command
        .current_dir(directory)
        .args(arguments)
        .env_clear()
        .env("NO_COLOR", "1")
        .stdin(Stdio::null());
    command
}

pub fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

pub fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

/// A running sandbox, which ends with the test, also when that fails.
pub struct StoppedAtTheEnd<'a> {
    directory: &'a Path,
    pub document: Value,
}

impl<'a> StoppedAtTheEnd<'a> {
    pub fn start(directory: &'a Path) -> Self {
        Self::started(directory, sandbox_json(directory, "start"))
    }

    /// One that a test has started by itself; `document` is what `navi sandbox start` said.
    pub fn started(directory: &'a Path, document: Value) -> Self {
        StoppedAtTheEnd {
            directory,
            document,
        }
    }

    /// One POST to the sandbox's control.
    pub fn control(&self, what: &str, body: &Value) {
        let endpoint = self.document["endpoint"].as_str().unwrap();
        post_json(endpoint, &format!("/_navi/{what}"), body);
    }
}

impl Drop for StoppedAtTheEnd<'_> {
    fn drop(&mut self) {
        navi(self.directory, &["sandbox", "stop"]);
    }
}

pub fn sandbox_json(directory: &Path, action: &str) -> Value {
    let output = navi(directory, &["sandbox", action, "--output", "json"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    serde_json::from_slice(&output.stdout).unwrap()
}
