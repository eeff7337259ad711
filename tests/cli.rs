//! What does the command line promise whatever the stack? Help, exit codes, no questions in the dark, one sandbox per directory.

use std::fs;
use std::process::Stdio;

use serde_json::Value;

use crate::support::{StoppedAtTheEnd, command, navi, sandbox_json, stderr, stdout};

#[test]
fn the_help_of_every_command_reads_well() {
    let directory = tempfile::tempdir().unwrap();
    let mut reference = stdout(&navi(directory.path(), &["--help"]));
    let commands = [
        "init",
        "up",
        "down",
        "plan",
        "status",
        "outputs",
        "policy",
        "config",
        "schema",
        "state",
        "unlock",
        "sandbox",
        "completions",
    ];
    for command in commands {
        let output = navi(directory.path(), &[command, "--help"]);
        assert_eq!(output.status.code(), Some(0), "{command}");
        let help = stdout(&output);
        // The global options are the same everywhere: once is enough.
        let (own, rest) = help.split_once("Global options:").unwrap();
        let after = rest.split_once("\n\n").map_or("", |(_, after)| after);
        reference.push_str(&format!("\n=== navi {command}\n{own}{after}"));
    }
    insta::assert_snapshot!(reference);
}

#[test]
fn wrong_usage_is_an_error_and_not_a_pending_change() {
    let directory = tempfile::tempdir().unwrap();
    let wrong: [&[&str]; 6] = [
        &[],
        &["frobnicate"],
        &["up", "--timeout", "soon"],
        &["up", "--set", "nothing"],
        &["up", "--sandbox", "--profile", "work"],
        &["completions", "tcsh"],
    ];
    for arguments in wrong {
        let output = navi(directory.path(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stdout(&output), "", "{arguments:?}");
        assert!(!stderr(&output).is_empty(), "{arguments:?}");
    }
}

#[test]
fn nothing_is_asked_where_nobody_can_answer() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["up", "down"] {
        // There is not even a stack file: the refusal comes before anything else.
        let output = navi(directory.path(), &[command, "--sandbox"]);
        assert_eq!(output.status.code(), Some(1));
        assert!(stderr(&output).contains("--yes"), "{}", stderr(&output));
        assert!(!directory.path().join(".navi").exists());
    }
}

#[test]
fn a_missing_stack_file_is_named_with_what_to_do() {
    let directory = tempfile::tempdir().unwrap();
    let output = navi(directory.path(), &["up", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stderr(&output), @r"
    error: could not read the stack file navi.yaml
      because: No such file or directory (os error 2)
    hint: name another with -f FILE
    ");
    let output = navi(directory.path(), &["down", "--yes"]);
    assert_eq!(output.status.code(), Some(1));
    insta::assert_snapshot!(stderr(&output), @r"
    error: there is no navi.yaml, and no stack is recorded in .navi
    hint: name the file with -f FILE, or the stack with --stack NAME
    ");
}

#[test]
fn a_stack_that_nothing_is_known_of_is_no_success() {
    let directory = tempfile::tempdir().unwrap();
    for command in ["down", "status", "outputs"] {
        let output = navi(directory.path(), &[command, "--stack", "demo", "--yes"]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        assert!(
            stderr(&output).contains("nothing is recorded of a stack `demo` in .navi"),
            "{}",
            stderr(&output)
        );
        // Looking for it leaves nothing behind.
        assert!(!directory.path().join(".navi").exists());
    }
    fs::create_dir_all(directory.path().join(".navi/sandbox")).unwrap();
    fs::write(directory.path().join(".navi/sandbox/demo.journal"), "").unwrap();
    let output = navi(directory.path(), &["down", "--stack", "demo", "--yes"]);
    assert!(stderr(&output).contains("--sandbox"), "{}", stderr(&output));
}

#[test]
fn the_only_recorded_stack_needs_no_name_and_of_two_one_must_be_named() {
    let directory = tempfile::tempdir().unwrap();
    fs::create_dir(directory.path().join(".navi")).unwrap();
    fs::write(directory.path().join(".navi/one.journal"), "").unwrap();
    let output = navi(directory.path(), &["unlock"]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert_eq!(stderr(&output), "one is not locked\n");
    fs::write(directory.path().join(".navi/two.journal"), "").unwrap();
    let output = navi(directory.path(), &["unlock"]);
    assert_eq!(output.status.code(), Some(1));
    assert!(stderr(&output).contains("one, two"), "{}", stderr(&output));
}

#[test]
fn a_reader_that_goes_away_is_no_panic() {
    let directory = tempfile::tempdir().unwrap();
    for arguments in [["completions", "bash"], ["completions", "--help"]] {
        let mut child = command(directory.path(), &arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        assert_eq!(output.status.code(), Some(0));
        assert_eq!(stderr(&output), "");
    }
}

#[test]
fn the_schema_is_json_and_needs_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let output = navi(directory.path(), &["schema"]);
    assert_eq!(output.status.code(), Some(0));
    let schema: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(schema["properties"]["services"].is_object());
}

#[test]
fn a_faulty_stack_file_shows_its_places_before_any_call() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("navi.yaml"),
        "stack: demo\nservises: {}\n",
    )
    .unwrap();
    for command in [["config", "--no-color"], ["plan", "--sandbox"]] {
        let output = navi(directory.path(), &command);
        assert_eq!(output.status.code(), Some(1));
        let text = stderr(&output);
        assert!(text.contains("navi.yaml:2:1"), "{text}");
        assert!(text.contains("services"), "{text}");
        assert!(!directory.path().join(".navi").exists());
    }
}

#[test]
fn a_plan_changes_nothing_and_its_exit_code_tells() {
    let directory = tempfile::tempdir().unwrap();
    fs::write(
        directory.path().join("navi.yaml"),
        "stack: demo\nservices: { web: { containers: { web: { image: nginx } } } }\n",
    )
    .unwrap();
    let _sandbox = StoppedAtTheEnd::start(directory.path());
    let arguments = ["plan", "--sandbox", "--exit-code", "--output", "json"];
    let output = navi(directory.path(), &arguments);
    assert_eq!(output.status.code(), Some(2), "{}", stderr(&output));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(document["changes_pending"], true);
    let steps = document["plan"].as_array().unwrap();
    assert!(
        steps
            .iter()
            .any(|step| step["address"] == "vpc.main" && step["action"] == "create")
    );
    let text = navi(directory.path(), &["plan", "--sandbox"]);
    assert_eq!(text.status.code(), Some(0));
    assert!(stdout(&text).contains("+ vpc.main"), "{}", stdout(&text));
    assert_eq!(
        sandbox_json(directory.path(), "status")["calls"]["mutating"],
        0
    );
    assert!(!directory.path().join(".navi/sandbox/demo.json").exists());
}

#[test]
fn the_sandbox_outlives_commands_and_there_is_one_per_directory() {
    let directory = tempfile::tempdir().unwrap();
    let started = StoppedAtTheEnd::start(directory.path());
    let first = started.document.clone();
    let again = sandbox_json(directory.path(), "start");
    assert_eq!(first["pid"], again["pid"]);
    assert_eq!(first["endpoint"], again["endpoint"]);

    let exports = stdout(&navi(directory.path(), &["sandbox", "start"]));
    let endpoint = first["endpoint"].as_str().unwrap();
    assert!(
        exports.starts_with(&format!("export AWS_ENDPOINT_URL={endpoint}\n")),
        "{exports}"
    );

    let status = sandbox_json(directory.path(), "status");
    assert_eq!(status["running"], true);
    assert_eq!(status["pid"], first["pid"]);
    assert_eq!(status["calls"]["total"], 0);
    assert_eq!(
        navi(directory.path(), &["sandbox", "reset"]).status.code(),
        Some(0)
    );

    assert_eq!(
        navi(directory.path(), &["sandbox", "stop"]).status.code(),
        Some(0)
    );
    assert_eq!(sandbox_json(directory.path(), "status")["running"], false);
    assert_eq!(
        navi(directory.path(), &["sandbox", "stop"]).status.code(),
        Some(0)
    );
    let reset = navi(directory.path(), &["sandbox", "reset"]);
    assert_eq!(reset.status.code(), Some(1));
    assert!(stderr(&reset).contains("no sandbox runs here"));
}

#[test]
fn sandboxes_started_at_the_same_moment_are_one() {
    let directory = tempfile::tempdir().unwrap();
    let children: Vec<_> = (0..4)
        .map(|_| {
            command(directory.path(), &["sandbox", "start", "--output", "json"])
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .unwrap()
        })
        .collect();
    let documents: Vec<Value> = children
        .into_iter()
        .map(|child| serde_json::from_slice(&child.wait_with_output().unwrap().stdout).unwrap())
        .collect();
    let _stopped = StoppedAtTheEnd::started(directory.path(), documents[0].clone());
    for document in &documents {
        assert_eq!(document["pid"], documents[0]["pid"]);
    }
}

#[test]
fn a_sandbox_has_the_pace_the_seed_and_the_durations_it_was_started_with() {
    let directory = tempfile::tempdir().unwrap();
    let say = |arguments: &[&str]| navi(directory.path(), arguments);
    let built_in = stdout(&say(&["sandbox", "durations"]));
    let own = built_in.replace("seconds: 90,", "seconds: 75,");
    assert_ne!(own, built_in);
    fs::write(directory.path().join("own.yaml"), own).unwrap();

    let start = ["sandbox", "start", "--output", "json", "--pace", "0.5"];
    let start = [&start[..], &["--seed", "7", "--durations", "own.yaml"]].concat();
    let started = say(&start);
    assert_eq!(started.status.code(), Some(0), "{}", stderr(&started));
    let document = serde_json::from_slice(&started.stdout).unwrap();
    let _sandbox = StoppedAtTheEnd::started(directory.path(), document);
    let status = sandbox_json(directory.path(), "status");
    assert_eq!(status["pace"], "0.5");
    assert_eq!(status["seed"], 7);
    assert_ne!(status["durations"], "built-in");
    let text = stdout(&say(&["sandbox", "status"]));
    assert!(text.contains("pace 0.5, seed 7"), "{text}");

    // Asked for the same, or for nothing in particular, it is the one that runs.
    assert_eq!(say(&start).status.code(), Some(0));
    assert_eq!(say(&["sandbox", "start"]).status.code(), Some(0));
    let other = say(&["sandbox", "start", "--pace", "realistic", "--seed", "8"]);
    assert_eq!(other.status.code(), Some(1));
    let text = stderr(&other);
    assert!(
        text.contains("has pace 0.5, not realistic, and seed 7, not 8"),
        "{text}"
    );
    assert!(text.contains("`navi sandbox stop`"), "{text}");
    assert_eq!(sandbox_json(directory.path(), "status")["seed"], 7);
}

#[test]
fn durations_that_cannot_be_read_start_no_sandbox() {
    let directory = tempfile::tempdir().unwrap();
    let start = |arguments: &[&str]| {
        let output = navi(
            directory.path(),
            &[&["sandbox", "start"], arguments].concat(),
        );
        assert_eq!(output.status.code(), Some(1));
        assert_eq!(sandbox_json(directory.path(), "status")["running"], false);
        stderr(&output)
    };
    let bad = "durations:\n  task_starts: { seconds: 1 }\n  nat_gateway_becomes_availble: { seconds: 1 }\n";
    fs::write(directory.path().join("bad.yaml"), bad).unwrap();
    let text = start(&["--durations", "bad.yaml"]);
    assert!(text.contains("bad.yaml:3:3"), "{text}");
    assert!(
        text.contains("did you mean `nat_gateway_becomes_available`?"),
        "{text}"
    );
    assert!(text.contains("no sandbox was started"), "{text}");
    let text = start(&["--durations", "missing.yaml"]);
    assert!(text.contains("`navi sandbox durations`"), "{text}");
    let text = start(&["--pace", "fast"]);
    assert!(text.contains("write `realistic`, `instant`"), "{text}");
}
