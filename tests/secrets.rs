//! Does a secret leave navi by any other way than the request that needs it? Not by output, trace, state or journal.

use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::{Ended, Moto, Navi, REGION, get_json, post_json};

const SECRET_KEY: &str = "wJalrSECRETKEYOFTHETEST";
const SESSION_TOKEN: &str = "FwoGSESSIONTOKENOFTHETEST";
const IN_FILE: &str = "hunter2-in-the-file";
const IN_VARIABLE: &str = "hunter2-in-a-variable";
const SECRETS: [&str; 4] = [SECRET_KEY, SESSION_TOKEN, IN_FILE, IN_VARIABLE];

const STACK: &str = "\
stack: demo
services:
  web:
    containers:
      web:
        image: public.ecr.aws/nginx/nginx:stable-alpine
        environment:
          PASSWORD: hunter2-in-the-file
          TOKEN: ${TOKEN}
";

fn command(navi: &Navi, arguments: &[&str]) -> Command {
    let set = format!("TOKEN={IN_VARIABLE}");
    let mut command = navi.command(arguments);
    command
        .args(["-vv", "--region", REGION, "--set", &set])
        .env("AWS_ACCESS_KEY_ID", "AKIAOFTHETEST")
        .env("AWS_SECRET_ACCESS_KEY", SECRET_KEY)
        .env("AWS_SESSION_TOKEN", SESSION_TOKEN)
        // Whoever turns on the SDK's own traces by the usual variable gets none here.
        .env("RUST_LOG", "trace");
    command
}

#[track_caller]
fn assert_clean(what: &str, text: &str) {
    for secret in SECRETS {
        assert!(!text.contains(secret), "{what} holds {secret}:\n{text}");
    }
}

/// Everything that navi has written into its folder; how many files that were.
#[track_caller]
fn assert_clean_files(folder: &Path) -> usize {
    let mut files = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files += assert_clean_files(&path);
        } else {
            let content = fs::read(&path).unwrap();
            assert_clean(
                &path.display().to_string(),
                &String::from_utf8_lossy(&content),
            );
            files += 1;
        }
    }
    files
}

/// Runs a whole life and looks at everything it says and leaves. `place` says where it takes place.
fn live(navi: &Navi, place: &dyn Fn(&mut Command), wait: &[&str]) {
    let up = [&["up", "--yes"], wait].concat();
    let commands: [&[&str]; 10] = [
        &["plan"],
        &up,
        &up,
        &["status"],
        &["plan", "--output", "json"],
        &["outputs"],
        &["graph", "--plan", "--format", "svg"],
        &["report"],
        &["down", "--yes"],
        &["report"],
    ];
    for arguments in commands {
        let mut command = command(navi, arguments);
        place(&mut command);
        let ended = Ended::of(command.output().unwrap());
        assert_clean("standard output", &ended.stdout);
        assert_clean("standard error", &ended.stderr);
        let ended = ended.expect(0);
        if arguments[0] == "up" {
            // The trace and the state are there: there is something to find a secret in.
            assert!(ended.stderr.contains("sts:GetCallerIdentity"));
            assert!(assert_clean_files(&navi.folder().join(".navi")) > 1);
        }
    }
    assert_clean_files(&navi.folder().join(".navi"));
}

#[test]
fn no_secret_is_told_or_kept_in_the_sandbox() {
    let navi = Navi::new();
    navi.write("navi.yaml", STACK);
    live(&navi, &|command| _ = command.arg("--sandbox"), &[]);
}

#[test]
fn no_secret_is_told_or_kept_in_moto() {
    let navi = Navi::new();
    navi.write("navi.yaml", STACK);
    let moto = Moto::start();
    let place = |command: &mut Command| _ = command.env("AWS_ENDPOINT_URL", &moto.endpoint);
    live(&navi, &place, &["--no-wait"]);
}

#[test]
fn a_killed_run_leaves_no_secret() {
    for (operation, when) in [
        ("RegisterTaskDefinition", "before"),
        ("RegisterTaskDefinition", "after"),
    ] {
        let navi = Navi::new();
        navi.write("navi.yaml", STACK);
        let endpoint = navi.endpoint();
        let fault = json!({"operation": operation, "when": when, "do": "hold"});
        post_json(&endpoint, "/_navi/faults", &fault);
        let mut process = command(&navi, &["up", "--yes", "--sandbox"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // The limit only ends a test that hangs; an armed fault is gone from the list once it has struck.
        let limit = Instant::now() + Duration::from_secs(120);
        while get_json(&endpoint, "/_navi/faults") != json!([]) {
            assert!(Instant::now() < limit, "the fault never struck");
            assert!(
                process.try_wait().unwrap().is_none(),
                "`up` ended too early"
            );
            std::thread::sleep(Duration::from_millis(20));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        let folder = navi.folder().join(".navi");
        let journal = fs::read_to_string(folder.join("sandbox/demo.journal")).unwrap();
        // Its intent is in the journal, and with it the place where the secret must not be.
        assert!(journal.contains("task_definition"), "{journal}");
        assert!(assert_clean_files(&folder) > 1);
    }
}
