//! Does `--target` do what it names and what that takes, and leave the rest for another run?

use serde_json::Value;

use crate::support::{Inventory, Navi, inventory};

const TWO: &str = "\
stack: demo
services:
  api:
    count: 1
    containers:
      api: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
  worker:
    count: 1
    containers:
      worker: { image: public.ecr.aws/docker/library/busybox:stable }
";

fn recorded(navi: &Navi, only: &str) -> Vec<String> {
    let listed = navi.run(&["state", "list", only, "--sandbox", "--stack", "demo"]);
    let first = |line: &str| line.split_whitespace().next().unwrap().to_owned();
    listed.stdout.lines().map(first).collect()
}

#[test]
fn up_makes_the_target_with_what_it_needs_and_then_the_rest() {
    let navi = Navi::new();
    let file = navi.write("demo.yaml", TWO);
    let plan = navi
        .sandboxed(&file, &["plan", "--target", "api"])
        .expect(0)
        .stdout;
    assert!(plan.contains("+ ecs_service.api"), "{plan}");
    assert!(plan.contains("+ vpc.main"), "{plan}");
    assert!(
        plan.contains("Limited to api and what that takes. Left out: "),
        "{plan}"
    );
    assert!(plan.contains("+ ecs_service.worker"), "{plan}");

    let ended = navi
        .sandboxed(&file, &["up", "--yes", "--target", "api"])
        .expect(0);
    assert!(
        ended.stderr.contains("`navi up` does what was left out"),
        "{}",
        ended.stderr
    );
    assert_eq!(recorded(&navi, "ecs_service.*"), ["ecs_service.api"]);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes", "--target", "api"])
        .expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(recorded(&navi, "ecs_service.*").len(), 2);

    // Two changes, one of them wanted now.
    let changed = navi.write("changed.yaml", &TWO.replace("count: 1", "count: 2"));
    navi.forget_calls();
    let target = ["up", "--yes", "--target", "ecs_service.worker"];
    navi.sandboxed(&changed, &target).expect(0);
    assert_eq!(navi.mutating_calls(), ["UpdateService"]);
    let plan = navi
        .sandboxed(&changed, &["plan", "--output", "json"])
        .expect(0);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    assert_eq!(plan["plan"].as_array().unwrap().len(), 1, "{plan:#}");
    assert_eq!(plan["plan"][0]["address"], "ecs_service.api");
}

#[test]
fn down_removes_the_target_with_its_dependents_and_then_the_rest() {
    let navi = Navi::new();
    let file = navi.write("demo.yaml", TWO);
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);

    let wrong = navi.sandboxed(&file, &["down", "--yes", "--target", "ecs_service.wroker"]);
    let wrong = wrong.expect(1).stderr;
    assert!(
        wrong.contains("did you mean `ecs_service.worker`?"),
        "{wrong}"
    );

    // The service refers to its task definition, and goes with it.
    let target = ["down", "--yes", "--target", "task_definition.worker"];
    let ended = navi.sandboxed(&file, &target).expect(0).stderr;
    assert!(
        ended.contains("`navi down` removes the rest of demo"),
        "{ended}"
    );
    assert_eq!(recorded(&navi, "ecs_service.*"), ["ecs_service.api"]);
    assert!(recorded(&navi, "task_definition.worker").is_empty());
    assert_eq!(
        recorded(&navi, "security_group.worker"),
        ["security_group.worker"]
    );

    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    navi.sandboxed(&file, &["down", "--yes", "--target", "worker"])
        .expect(0);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}
