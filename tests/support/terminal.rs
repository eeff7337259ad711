//! A person at a terminal: a command in a pseudo-terminal, and what its screen shows; see tests/terminal.py.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// Only ends a test that hangs; nothing is measured by it.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Terminal {
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Terminal {
    /// Runs the command, in its own directory and environment, on a screen of this size.
    #[track_caller]
    pub fn run(command: &Command, columns: u16, rows: u16) -> Self {
        let python = std::env::var_os("NAVI_TEST_PYTHON")
            .expect("NAVI_TEST_PYTHON names a Python with pyte; run the tests with tests/run");
        let mut terminal = Command::new(python);
        terminal
            .arg(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/terminal.py"))
            .args([columns.to_string(), rows.to_string()])
            .arg(command.get_program())
            .args(command.get_args())
            .env_clear()
            .env("TERM", "xterm-256color")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped());
        if let Some(directory) = command.get_current_dir() {
            terminal.current_dir(directory);
        }
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => terminal.env(name, value),
                None => terminal.env_remove(name),
            };
        }
        let mut process = terminal.spawn().unwrap();
        Terminal {
            requests: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()),
            process,
        }
    }

    #[track_caller]
    fn ask(&mut self, request: &str) -> Value {
        writeln!(self.requests, "{request}").unwrap();
        let mut answer = String::new();
        self.answers.read_line(&mut answer).unwrap();
        serde_json::from_str(&answer).unwrap_or_else(|error| panic!("{request}: {error}: {answer}"))
    }

    /// What the screen shows now, without empty rows at its end.
    #[track_caller]
    pub fn shown(&mut self) -> String {
        text(&self.ask("show"))
    }

    /// Waits until the screen shows something that holds all of these.
    #[track_caller]
    pub fn until(&mut self, parts: &[&str]) -> String {
        let limit = Instant::now() + PATIENCE;
        loop {
            let shown = self.shown();
            if parts.iter().all(|part| shown.contains(part)) {
                return shown;
            }
            assert!(Instant::now() < limit, "{parts:?} never came:\n{shown}");
            std::thread::sleep(Duration::from_millis(50));
        }
    }

    #[track_caller]
    pub fn resize(&mut self, columns: u16, rows: u16) {
        self.ask(&format!("resize {columns} {rows}"));
    }

    #[track_caller]
    pub fn type_line(&mut self, line: &str) {
        self.ask(&format!("type {line}"));
    }

    /// Ctrl-C.
    #[track_caller]
    pub fn interrupt(&mut self) {
        self.ask("interrupt");
    }

    /// Waits for the command's end; what is shown then, and the exit code.
    #[track_caller]
    pub fn end(mut self) -> (String, i64) {
        let answer = self.ask("end");
        self.process.wait().unwrap();
        (text(&answer), answer["exit_code"].as_i64().unwrap())
    }
}

fn text(answer: &Value) -> String {
    let rows = answer["rows"].as_array().unwrap().iter();
    let rows: Vec<&str> = rows.map(|row| row.as_str().unwrap()).collect();
    rows.join("\n").trim_end().to_owned()
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
