//! Does the page of a run tell all of it, load nothing, and come out the same when it is asked for later?

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::pictures::texts_of;
use crate::support::{Navi, post_json};

/// The page that a command has written, which is well-formed and asks nobody for anything.
#[track_caller]
fn page(navi: &Navi, name: &str) -> String {
    let page = fs::read_to_string(navi.folder().join(name)).unwrap();
    let markup = page.strip_prefix("<!DOCTYPE html>\n").expect("a doctype");
    texts_of(markup);
    assert!(
        page.contains("content=\"default-src &#39;none&#39;; style-src &#39;unsafe-inline&#39;;")
    );
    for loads in [
        "<script", "<link", "<img", "<iframe", " src=", "url(", "@import", "srcset",
    ] {
        assert!(!page.contains(loads), "{loads}");
    }
    page
}

fn kept(navi: &Navi, stack: &str) -> PathBuf {
    navi.folder()
        .join(format!(".navi/sandbox/{stack}.last-run"))
}

/// Every address of the page's timeline.
fn steps(page: &str) -> BTreeSet<String> {
    let rows = page.split("<details class=\"step ").skip(1);
    rows.map(|row| {
        let (_, rest) = row.split_once("<code>").unwrap();
        rest.split_once("</code>").unwrap().0.to_owned()
    })
    .collect()
}

#[test]
fn a_run_and_its_removal_are_told_step_by_step() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    // EC2 is busy once, and the call is made again.
    post_json(
        &navi.endpoint(),
        "/_navi/faults",
        &json!({"operation": "CreateVpc", "do": "throttle"}),
    );
    let up = ["up", "--yes", "--report", "up.html", "--output", "json"];
    let ended = navi.sandboxed(&file, &up).expect(0);
    let document: Value = serde_json::from_str(&ended.stdout).unwrap();
    let up = page(&navi, "up.html");

    let planned: BTreeSet<String> = document["plan"]
        .as_array()
        .unwrap()
        .iter()
        .map(|step| step["address"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(planned.len(), 35);
    assert_eq!(steps(&up), planned);
    // The chain is the one that the run tells, and marked by a sign and a word.
    let path = document["timeline"]["critical_path"].as_array().unwrap();
    let marked = up.matches("◆ critical path").count();
    assert_eq!(marked, path.len());
    assert_eq!(
        up.matches("<li><span class=\"what\">◆ ").count(),
        path.len()
    );
    assert!(
        up.contains("<code>ec2:CreateVpc</code> called 2 times, refused 1 × RequestLimitExceeded")
    );
    assert!(up.contains("↻ 1 again"));
    for told in [
        "<a href=\"https://api.ecs-navi.site\"",
        "<code>vpc.main.vpc_id</code>",
        "nginx-proxy reaches backend by tcp 80",
        "35 of 35",
        "in the sandbox",
    ] {
        assert!(up.contains(told), "{told}");
    }
    let mode = fs::metadata(kept(&navi, "ecs-navi"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);

    let report = |name: &str| {
        let arguments = ["report", "--stack", "ecs-navi", "--sandbox", "-o", name];
        assert_eq!(navi.run(&arguments).expect(0).stdout, "");
        page(&navi, name)
    };
    assert_eq!(report("again.html"), up);
    // A run that has nothing to do has a page of its own, and the last one that had is still kept.
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes", "--report", "nothing.html"])
        .expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert!(page(&navi, "nothing.html").contains("nothing to do"));
    assert_eq!(report("again.html"), up);

    navi.sandboxed(&file, &["down", "--yes", "--report", "down.html"])
        .expect(0);
    let down = page(&navi, "down.html");
    assert_eq!(steps(&down), planned);
    assert!(down.contains("Removed (35)"), "{down}");
    assert_eq!(report("again.html"), down);
    let events = ended.stderr.lines();
    let called = events.filter(|line| line.contains("\"event\":\"step_called\""));
    assert_eq!(called.count(), 35);
}

#[test]
fn a_run_that_fails_has_its_page_too_without_what_aws_says_in_its_own_words() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    let fault = json!({"operation": "CreateNatGateway", "do": "deny"});
    post_json(&navi.endpoint(), "/_navi/faults", &fault);
    let ended = navi
        .sandboxed(&file, &["up", "--yes", "--report", "failed.html"])
        .expect(3);
    assert!(ended.stderr.contains("the report is in failed.html"));
    let failed = page(&navi, "failed.html");
    for told in [
        "ec2:CreateNatGateway answered UnauthorizedOperation (request ",
        "✕ failed",
        "It needs what failed: nat_gateway.1a.",
        "Not done (3)",
    ] {
        assert!(failed.contains(told), "{told}");
    }
    assert!(ended.stderr.contains("not authorized"), "{}", ended.stderr);
    assert!(!failed.contains("not authorized"));
    let from = "navi report | the same";
    let printed = navi.sandboxed(&file, &["report"]).expect(0).stdout;
    assert!(printed == failed, "{from}");
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
}

#[test]
fn no_run_ends_otherwise_because_its_page_can_not_be_kept() {
    let navi = Navi::new();
    let file = Navi::shipped("minimal.yaml");
    // It says so before anything is changed.
    let early = navi
        .sandboxed(&file, &["up", "--yes", "--report", "missing/up.html"])
        .expect(1);
    assert!(
        early.stderr.contains("could not write missing/up.html"),
        "{}",
        early.stderr
    );
    navi.endpoint();
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let none = navi.sandboxed(&file, &["report"]).expect(1);
    assert!(
        none.stderr.contains("nothing is recorded"),
        "{}",
        none.stderr
    );
    // Where the record of the run belongs, something else is in the way.
    fs::create_dir_all(kept(&navi, "minimal").join("in-the-way")).unwrap();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    fs::remove_dir_all(kept(&navi, "minimal")).unwrap();
    let none = navi.sandboxed(&file, &["report"]).expect(1);
    assert!(none.stderr.contains("no run of stack `minimal` is kept"));
    // What another navi kept in another form is not read as if it were this one's.
    fs::write(kept(&navi, "minimal"), "{\"version\": 99}").unwrap();
    let other = navi.sandboxed(&file, &["report"]).expect(1);
    assert!(other.stderr.contains("no run of stack `minimal` is kept"));
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
}
