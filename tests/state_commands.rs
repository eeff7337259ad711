//! Does `navi state` show and mend what is recorded, and touch nothing in AWS but the tags of what is given back?

use std::fs;

use serde_json::{Value, json};

use crate::support::{Ended, Inventory, Navi, inventory};

const TWO: &str = "\
stack: demo
services:
  web:
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80], logs: { group: /ecs/demo/web } }
  worker:
    containers:
      worker: { image: public.ecr.aws/docker/library/busybox:stable }
namespace: { name: demo.local }
";

fn state(navi: &Navi, arguments: &[&str]) -> Ended {
    let mut all = vec!["state"];
    all.extend(arguments);
    all.extend(["--sandbox", "--stack", "demo"]);
    navi.run(&all)
}

fn lines(navi: &Navi, only: &[&str]) -> Vec<String> {
    let mut all = vec!["list"];
    all.extend(only);
    let listed = state(navi, &all).expect(0);
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    listed.stdout.lines().map(first).collect()
}

#[test]
fn what_is_recorded_is_listed_shown_and_pulled_without_a_call() {
    let navi = Navi::new();
    let file = navi.write("demo.yaml", TWO);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();

    let all = lines(&navi, &[]);
    assert!(all.contains(&"vpc.main".to_owned()), "{all:?}");
    assert_eq!(
        lines(&navi, &["ecs_service.*"]),
        ["ecs_service.web", "ecs_service.worker"]
    );
    let of_web = lines(&navi, &["web"]);
    assert!(of_web.iter().all(|address| address.ends_with(".web")));
    assert!(of_web.len() > 2, "{of_web:?}");

    let shown = state(&navi, &["show", "vpc.main"]).expect(0).stdout;
    assert!(shown.contains("status     ready"), "{shown}");
    assert!(shown.contains("needed by  subnet."), "{shown}");
    let shown = state(&navi, &["show", "vpc.main", "--output", "json"]).expect(0);
    let shown: Value = serde_json::from_str(&shown.stdout).unwrap();
    let listed = state(&navi, &["list", "vpc.main", "--output", "json"]).expect(0);
    let listed: Value = serde_json::from_str(&listed.stdout).unwrap();
    assert_eq!(listed["resources"][0]["id"], shown["id"]);

    // The form of the snapshot, value for value.
    let pulled: Value = serde_json::from_str(&state(&navi, &["pull"]).expect(0).stdout).unwrap();
    let snapshot = fs::read_to_string(navi.folder().join(".navi/sandbox/demo.json")).unwrap();
    assert_eq!(pulled, serde_json::from_str::<Value>(&snapshot).unwrap());
    assert_eq!(pulled["resources"]["vpc.main"], shown["record"]);

    let wrong = state(&navi, &["show", "vpc.mian"]).expect(1).stderr;
    assert!(wrong.contains("did you mean `vpc.main`?"), "{wrong}");
    assert_eq!(navi.calls(), 0);
}

#[test]
fn what_is_forgotten_stays_in_the_account() {
    let navi = Navi::new();
    let file = navi.write("demo.yaml", TWO);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.forget_calls();

    let refused = state(&navi, &["forget", "vpc.main", "--yes"])
        .expect(1)
        .stderr;
    assert!(refused.contains("can't be forgotten alone"), "{refused}");
    assert!(refused.contains("--force"), "{refused}");
    let unasked = state(&navi, &["forget", "ecs_service.worker"])
        .expect(1)
        .stderr;
    assert!(unasked.contains("navi state forget --yes"), "{unasked}");
    assert_eq!(
        lines(&navi, &["ecs_service.worker"]),
        ["ecs_service.worker"]
    );

    let told = state(&navi, &["forget", "worker", "--yes"])
        .expect(0)
        .stderr;
    assert!(told.contains("ecs_service.worker: arn:aws:ecs:"), "{told}");
    assert!(
        told.contains("stays in account 123456789012, ap-northeast-1"),
        "{told}"
    );
    assert!(told.contains("navi adopt"), "{told}");
    state(&navi, &["list", "worker"]).expect(1);

    let forced = state(
        &navi,
        &["forget", "vpc.main", "--yes", "--force", "--output", "json"],
    );
    let forced: Value = serde_json::from_str(&forced.expect(0).stdout).unwrap();
    assert_eq!(forced["forgotten"][0]["address"], "vpc.main");
    assert_eq!(forced["forgotten"][0]["still_tagged"], false);
    // Nothing but the tags: those of the service and what is its own, and the VPC's.
    let mut calls = navi.mutating_calls();
    calls.sort();
    calls.dedup();
    assert_eq!(calls, ["DeleteTags", "UntagResource"]);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

/// The stack with `web` called `shop`, and the names of AWS's things kept.
const RENAMED: &str = "  shop:
    names: { service: demo-web-service, family: demo-web-task, security_group: demo-web-sg }
    discovery: { name: web }
";

#[test]
fn a_renamed_service_keeps_its_resources() {
    let navi = Navi::new();
    let file = navi.write("demo.yaml", TWO);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let id = |address: &str| {
        let shown = state(&navi, &["show", address, "--output", "json"]).expect(0);
        serde_json::from_str::<Value>(&shown.stdout).unwrap()["id"].clone()
    };
    let service = id("ecs_service.web");
    let group = id("security_group.web");
    navi.forget_calls();

    let moved = state(&navi, &["mv", "web", "shop", "--output", "json"]).expect(0);
    let moved: Value = serde_json::from_str(&moved.stdout).unwrap();
    assert!(
        moved["moved"]
            .as_array()
            .unwrap()
            .contains(&json!({"from": "ecs_service.web", "to": "ecs_service.shop"})),
        "{moved:#}"
    );
    let again = state(&navi, &["mv", "web", "shop"]).expect(1).stderr;
    assert!(again.contains("nothing here is called `web`"), "{again}");
    assert_eq!(navi.calls(), 0);
    assert_eq!(id("ecs_service.shop"), service);
    let needs = state(&navi, &["show", "ecs_service.shop"]).expect(0).stdout;
    assert!(
        needs.contains("security_group.shop (once it exists)"),
        "{needs}"
    );

    let file = navi.write("renamed.yaml", &TWO.replace("  web:\n", RENAMED));
    let plan = navi
        .sandboxed(&file, &["plan", "--exit-code"])
        .expect(2)
        .stdout;
    assert!(
        plan.contains("tags.navi:address: ecs_service.web → ecs_service.shop"),
        "{plan}"
    );
    assert!(!plan.contains("to create, "), "{plan}");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(id("ecs_service.shop"), service);
    assert_eq!(id("security_group.shop"), group);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}
