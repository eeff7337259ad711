//! What does navi do when it is interrupted or killed, and when another one is at work?

use std::fs;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, ChildStderr, Command, Stdio};

use serde_json::{Value, json};

use crate::support::{StoppedAtTheEnd, command, navi, stderr};

const STACK: &str = "\
stack: demo
services:
  web:
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine }
";

/// `navi up` in the sandbox, stuck in the creation of the VPC, which the sandbox never answers.
struct StuckRun {
    child: Child,
    events: BufReader<ChildStderr>,
}

impl StuckRun {
    fn begin(sandbox: &StoppedAtTheEnd<'_>, directory: &Path) -> Self {
        fs::write(directory.join("navi.yaml"), STACK).unwrap();
        sandbox.control("faults", &json!({"operation": "CreateVpc", "do": "hold"}));
        let mut child = command(directory, &["up", "--sandbox", "--yes", "--output", "json"])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let events = BufReader::new(child.stderr.take().unwrap());
        let mut run = StuckRun { child, events };
        run.wait_for(|event| event["event"] == "step_began" && event["address"] == "vpc.main");
        run
    }

    /// Reads events until one is it. A run that ends before fails the test.
    fn wait_for(&mut self, wanted: impl Fn(&Value) -> bool) {
        let mut seen = String::new();
        loop {
            let mut line = String::new();
            let bytes = self.events.read_line(&mut line).unwrap();
            assert_ne!(bytes, 0, "the run ended after: {seen}");
            if wanted(&serde_json::from_str(&line).unwrap()) {
                return;
            }
            seen.push_str(&line);
        }
    }

    fn interrupt(&self) {
        let kill = format!("kill -INT {}", self.child.id());
        let status = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(status.success());
    }
}

#[test]
fn ctrl_c_once_lets_finish_and_twice_stops_at_once() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = StoppedAtTheEnd::start(directory.path());
    let mut run = StuckRun::begin(&sandbox, directory.path());
    run.interrupt();
    run.wait_for(|event| event["event"] == "interrupted" && event["again"] == false);
    // The held call keeps the run alive until the second Ctrl-C.
    assert!(run.child.try_wait().unwrap().is_none());
    run.interrupt();
    run.wait_for(|event| event["event"] == "interrupted" && event["again"] == true);
    let mut document = String::new();
    let mut stdout = run.child.stdout.take().unwrap();
    stdout.read_to_string(&mut document).unwrap();
    assert_eq!(run.child.wait().unwrap().code(), Some(130));
    let document: Value = serde_json::from_str(&document).unwrap();
    assert_eq!(document["outcome"], "interrupted");
    let unfinished = document["unfinished"].as_array().unwrap();
    assert!(unfinished.contains(&json!("vpc.main")), "{document:#}");
}

#[test]
fn a_stack_at_work_is_locked_and_a_killed_run_leaves_it_free() {
    let directory = tempfile::tempdir().unwrap();
    let sandbox = StoppedAtTheEnd::start(directory.path());
    let mut run = StuckRun::begin(&sandbox, directory.path());
    let process = format!("process {}", run.child.id());
    for arguments in [&["up", "--yes"][..], &["down", "--yes"], &["unlock"]] {
        let output = navi(directory.path(), &[arguments, &["--sandbox"]].concat());
        assert_eq!(output.status.code(), Some(4), "{arguments:?}");
        assert!(stderr(&output).contains(&process), "{}", stderr(&output));
    }
    // SIGKILL: no handler of navi's can run.
    run.child.kill().unwrap();
    run.child.wait().unwrap();
    let output = navi(directory.path(), &["unlock", "--sandbox"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(
        stderr(&output).contains("demo is free"),
        "{}",
        stderr(&output)
    );
    let journal = directory.path().join(".navi/sandbox/demo.journal");
    let journal = fs::read_to_string(journal).unwrap();
    assert!(journal.contains("vpc.main"), "{journal}");
}
