//! The state is lost: does navi find the stack by its tags, go on as if nothing had happened, and leave others alone?

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{Inventory, Navi, REGION, inventory, killed_at};

const OTHER: &str = "\
stack: other
services:
  web:
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine }
namespace: { name: other.local }
";

/// What is recorded, less what only the lost file could tell: its own name and number, and who made what AWS puts no
/// tags on.
fn recorded(navi: &Navi, stack: &str) -> Value {
    let pulled = navi.run(&["state", "pull", "--sandbox", "--stack", stack]);
    let mut state: Value = serde_json::from_str(&pulled.expect(0).stdout).unwrap();
    let object = state.as_object_mut().unwrap();
    assert!(object.remove("lineage").is_some());
    assert!(object.remove("serial").is_some() | object.remove("sequence").is_some());
    let resources = object["resources"].as_object_mut().unwrap();
    for (address, record) in resources {
        let kind = address.split('.').next().unwrap();
        let untagged = ["alias_records", "security_group_rules", "scaling_policy"];
        if untagged.contains(&kind) {
            record["token"] = Value::Null;
        }
    }
    state
}

#[track_caller]
fn changes_nothing(navi: &Navi, file: &Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let plan = navi.sandboxed(file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
}

/// Brings a stack up, loses its state, rebuilds it and compares.
#[track_caller]
fn rebuilt_equals_lost(stack: &str, file: &Path) {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    let lost = recorded(&navi, stack);
    let before = inventory(&endpoint, &Inventory::Ids);

    navi.lose_state(stack);
    navi.forget_calls();
    let rebuilt = navi.sandboxed(file, &["state", "rebuild"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert!(rebuilt.stdout.contains("vpc.main\n"), "{}", rebuilt.stdout);
    assert_eq!(recorded(&navi, stack), lost);

    // A second one finds nothing to add.
    let again = navi.sandboxed(file, &["state", "rebuild"]).expect(0);
    assert_eq!(again.stdout, "");
    assert_eq!(recorded(&navi, stack), lost);

    changes_nothing(&navi, file);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), before);
    navi.sandboxed(file, &["down", "--yes"]).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), empty);
}

#[test]
fn the_rebuilt_state_equals_the_lost_one() {
    rebuilt_equals_lost("ecs-navi", &Navi::shipped("ecs-navi.yaml"));
}

#[test]
fn the_rebuilt_state_of_a_stack_without_load_balancer_equals_the_lost_one() {
    rebuilt_equals_lost("internal", &Navi::shipped("internal.yaml"));
}

/// Every kind that the article has no use for: endpoints of both sorts, bounds of a count and what moves it.
const REST: &str = "\
stack: rest
network: { endpoints: [ecr, s3, logs] }
services:
  web:
    count: { min: 2, max: 8, cpu: 60, requests: 500 }
    route: {}
    containers:
      web: { image: 123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/web:1, ports: [80] }
";

#[test]
fn the_rebuilt_state_of_a_stack_with_endpoints_and_scaling_equals_the_lost_one() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("rest.yaml");
    fs::write(&file, REST).unwrap();
    rebuilt_equals_lost("rest", &file);
}

#[test]
fn without_its_state_up_changes_nothing_and_says_why() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.lose_state("ecs-navi");
    navi.forget_calls();
    let plan = navi.sandboxed(&file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    let up = navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert!(
        up.stderr.contains("ecs-navi: nothing was recorded here; "),
        "{}",
        up.stderr
    );
    changes_nothing(&navi, &file);
}

#[test]
fn without_its_state_status_shows_what_is_there() {
    let navi = Navi::new();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let shown = |arguments: &[&str]| {
        let status = [
            "status",
            "--sandbox",
            "--region",
            REGION,
            "--output",
            "json",
        ];
        let status = navi.run(&[status.as_slice(), arguments].concat()).expect(0);
        serde_json::from_str::<Value>(&status.stdout).unwrap()
    };
    let path = file.to_str().unwrap();
    let before = shown(&["-f", path]);
    assert!(before["resources"].as_array().unwrap().len() > 30);
    navi.lose_state("ecs-navi");
    // It only looks, and records nothing itself.
    assert_eq!(shown(&["-f", path]), before);
    // No tag tells which hosts are routed.
    let without_file = shown(&["--stack", "ecs-navi"]);
    assert_eq!(without_file["resources"], before["resources"]);
    assert_eq!(without_file["urls"], serde_json::json!([]));
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
}

/// Without the stack file too: tags, and what hangs on what is tagged, are enough.
#[test]
fn without_state_and_file_down_removes_all_of_it_and_nothing_of_others() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let other = navi.write("other.yaml", OTHER);
    navi.sandboxed(&other, &["up", "--yes"]).expect(0);
    let others = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.lose_state("ecs-navi");

    let down = ["down", "--yes", "--sandbox", "--region", REGION];
    let down = [down.as_slice(), &["--stack", "ecs-navi"]].concat();
    navi.run(&down).expect(0);
    assert_eq!(inventory(&endpoint, &Inventory::Ids), others);

    let again = navi.run(&down).expect(0);
    let nothing = "nothing of ecs-navi is left";
    assert!(again.stderr.contains(nothing), "{}", again.stderr);
    changes_nothing(&navi, &other);
    navi.sandboxed(&other, &["down", "--yes"]).expect(0);
}

#[test]
fn an_interrupted_up_whose_state_is_lost_is_gone_on_with() {
    let file = Navi::shipped("ecs-navi.yaml");
    for call in [3, 9, 17, 25, 33, 41, 49] {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let empty = inventory(&endpoint, &Inventory::Ids);
        assert!(
            killed_at(&navi, &endpoint, &file, call, |_| ()),
            "no call {call}"
        );
        navi.lose_state("ecs-navi");
        navi.sandboxed(&file, &["up", "--yes"]).expect(0);
        changes_nothing(&navi, &file);
        navi.sandboxed(&file, &["down", "--yes"]).expect(0);
        assert_eq!(inventory(&endpoint, &Inventory::Ids), empty, "call {call}");
    }
}

/// The old and the new one bear the same address then: the one that fits the file is kept.
#[test]
fn an_interrupted_replacement_whose_state_is_lost_is_gone_on_with() {
    let first = Navi::shipped("ecs-navi.yaml");
    let text = fs::read_to_string(&first).unwrap();
    let changed = text.replace("target_group_port: 3000", "target_group_port: 8080");
    assert_ne!(text, changed);
    let mut call = 1;
    loop {
        let navi = Navi::new();
        let endpoint = navi.endpoint();
        let empty = inventory(&endpoint, &Inventory::Ids);
        let second: PathBuf = navi.write("second.yaml", &changed);
        navi.sandboxed(&first, &["up", "--yes"]).expect(0);
        let struck = killed_at(&navi, &endpoint, &second, call, |_| ());
        navi.lose_state("ecs-navi");
        navi.sandboxed(&second, &["up", "--yes"]).expect(0);
        changes_nothing(&navi, &second);
        let groups = inventory(&endpoint, &Inventory::Ids)["target_groups"].clone();
        assert_eq!(groups.as_array().map(Vec::len), Some(2), "{groups}");
        navi.sandboxed(&second, &["down", "--yes"]).expect(0);
        assert_eq!(inventory(&endpoint, &Inventory::Ids), empty, "call {call}");
        if !struck {
            break;
        }
        call += 1;
    }
    assert!(call > 3, "the replacement made no calls");
}
