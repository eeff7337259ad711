//! How do the tests run navi and talk to its sandbox?

use std::io::{Read, Write};
use std::net::TcpStream;
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
        let address = self.document["endpoint"]
            .as_str()
            .and_then(|endpoint| endpoint.strip_prefix("http://"))
            .unwrap();
        let body = body.to_string();
        let mut connection = TcpStream::connect(address).unwrap();
        write!(
            connection,
            "POST /_navi/{what} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        connection.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
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
