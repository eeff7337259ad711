//! Does `protect` keep what it names from being replaced and removed, and say how it is lifted?

use serde_json::Value;

use crate::support::{Ended, Inventory, Navi, inventory};

const ROUTED: &str = "\
stack: demo
services:
  web:
    route: {}
    containers:
      web: { image: public.ecr.aws/nginx/nginx:stable-alpine, ports: [80] }
  worker:
    containers:
      worker: { image: public.ecr.aws/docker/library/busybox:stable }
";

/// The stack with a line at its top.
fn with(line: &str) -> String {
    ROUTED.replace("stack: demo\n", &format!("stack: demo\n{line}\n"))
}

fn down(navi: &Navi, arguments: &[&str]) -> Ended {
    let mut all = vec!["down", "--yes", "--sandbox", "--stack", "demo"];
    all.extend(arguments);
    navi.run(&all)
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "no `{part}` in\n{text}");
    }
}

fn recorded(navi: &Navi) -> Value {
    let pulled = navi.run(&["state", "pull", "--sandbox", "--stack", "demo"]);
    serde_json::from_str::<Value>(&pulled.expect(0).stdout).unwrap()["protection"].clone()
}

#[test]
fn a_protected_kind_is_not_replaced_until_the_file_lets_it() {
    let navi = Navi::new();
    let protected = navi.write("protected.yaml", &with("protect: [vpc, load_balancer]"));
    let told = navi
        .sandboxed(&protected, &["up", "--yes"])
        .expect(0)
        .stderr;
    says(
        &told,
        &["From here on protected from being replaced and removed: load_balancer, vpc."],
    );
    assert_eq!(recorded(&navi), serde_json::json!(["load_balancer", "vpc"]));
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    navi.forget_calls();

    // What changes in place goes on; a VPC's addresses can't.
    let moved = with("protect: [vpc, load_balancer]\nnetwork: { cidr: 10.9.0.0/16 }");
    let moved = navi.write("moved.yaml", &moved);
    for command in [&["up", "--yes"][..], &["plan"], &["plan", "--exit-code"]] {
        let refused = navi.sandboxed(&moved, command).expect(1);
        says(
            &refused.stderr,
            &[
                "nothing was changed",
                "vpc.main would be replaced: cidr_block 10.0.0.0/16 → 10.9.0.0/16",
                "`protect: [load_balancer, vpc]` in ",
                "moved.yaml says so; if this is meant, take it out there",
            ],
        );
    }
    let plan = navi
        .sandboxed(&moved, &["plan", "--output", "json"])
        .expect(1);
    let plan: Value = serde_json::from_str(&plan.stdout).unwrap();
    let refused = plan["protection"]["refused"].as_array().unwrap();
    assert!(
        refused
            .iter()
            .any(|step| step["address"] == "vpc.main" && step["action"] == "replace"),
        "{plan:#}"
    );
    assert!(
        refused
            .iter()
            .all(|step| step["address"] != "subnet.public-zone-1")
    );
    let scaled = with("protect: [vpc, load_balancer]\ndefaults: { count: 2 }");
    let scaled = navi.write("scaled.yaml", &scaled);
    navi.sandboxed(&scaled, &["up", "--yes"]).expect(0);

    // Without its route the stack needs no load balancer: that is a removal.
    let unrouted = with("protect: [load_balancer]").replace("    route: {}\n", "");
    let unrouted = navi.write("unrouted.yaml", &unrouted);
    let refused = navi.sandboxed(&unrouted, &["up", "--yes"]).expect(1).stderr;
    says(
        &refused,
        &["load_balancer.main would be removed: it is no longer in the stack file"],
    );
    assert_eq!(recorded(&navi), serde_json::json!(["load_balancer", "vpc"]));
    let mutating = navi.mutating_calls();
    assert_eq!(mutating, ["UpdateService", "UpdateService"]);
    assert_eq!(
        before["vpcs"],
        inventory(&endpoint, &Inventory::Ids)["vpcs"]
    );

    // One run lifts it and replaces; the old VPC, deposed, is no longer protected.
    let lifted = with("protect: [hosted_zone]\nnetwork: { cidr: 10.9.0.0/16 }");
    let lifted = navi.write("lifted.yaml", &lifted);
    let plan = navi.sandboxed(&lifted, &["plan"]).expect(0).stdout;
    says(
        &plan,
        &[
            "From the next `navi up` on protected from being replaced and removed: hosted_zone (before: load_balancer, vpc).",
        ],
    );
    navi.sandboxed(&lifted, &["up", "--yes"]).expect(0);
    navi.forget_calls();
    navi.sandboxed(&lifted, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
}

#[test]
fn down_knows_what_is_protected_without_the_file() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let empty = inventory(&endpoint, &Inventory::Ids);
    let open = navi.write("open.yaml", ROUTED);
    let everything = navi.write("everything.yaml", &with("protect: true"));
    navi.sandboxed(&open, &["up", "--yes"]).expect(0);
    let before = inventory(&endpoint, &Inventory::Ids);

    // The file counts before any `up` has recorded it.
    navi.forget_calls();
    let refused = navi
        .sandboxed(&everything, &["down", "--yes"])
        .expect(1)
        .stderr;
    says(
        &refused,
        &[
            "alias_records.",
            "would be removed\n",
            "more",
            "everything.yaml says so; if this is meant, take it out there and run `navi up`",
        ][1..],
    );
    // Nothing else differs, so nobody is asked, and it is recorded all the same.
    let told = navi.sandboxed(&everything, &["up"]).expect(1).stderr;
    says(&told, &["nobody can answer here"]);
    let told = navi
        .sandboxed(&everything, &["up", "--yes"])
        .expect(0)
        .stderr;
    says(
        &told,
        &["demo: protected from being replaced and removed: everything"],
    );
    assert_eq!(recorded(&navi), true);
    navi.sandboxed(&everything, &["up", "--yes"]).expect(0);

    let refused = down(&navi, &[]).expect(1).stderr;
    says(
        &refused,
        &[
            "as the last `navi up` recorded it",
            "`navi state unprotect --stack demo`",
        ],
    );
    let refused = navi.sandboxed(&open, &["down", "--yes"]).expect(1).stderr;
    says(
        &refused,
        &["open.yaml no longer says so: if this is meant, `navi up` records that"],
    );
    let refused = down(&navi, &["--target", "worker"]).expect(1).stderr;
    says(&refused, &["ecs_service.worker would be removed"]);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));

    // By the file.
    let told = navi.sandboxed(&open, &["up", "--yes"]).expect(0).stderr;
    says(
        &told,
        &["no longer protected from being replaced and removed: everything"],
    );
    navi.sandboxed(&open, &["down", "--yes"]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));

    // And where it is lost; of a kind alone, the rest may go.
    let kind = navi.write("kind.yaml", &with("protect: [vpc]"));
    navi.sandboxed(&kind, &["up", "--yes"]).expect(0);
    let refused = down(&navi, &[]).expect(1).stderr;
    says(
        &refused,
        &["removed:\n    vpc.main would be removed\nhint: "],
    );
    down(&navi, &["--target", "web"]).expect(0);
    let unprotect = ["state", "unprotect", "--sandbox", "--stack", "demo"];
    let unasked = navi.run(&unprotect).expect(1).stderr;
    says(&unasked, &["nobody can answer here"]);
    let told = navi
        .run(&[&unprotect[..], &["--yes"]].concat())
        .expect(0)
        .stderr;
    says(
        &told,
        &["demo: no longer protected from being replaced and removed: vpc"],
    );
    down(&navi, &[]).expect(0);
    assert_eq!(empty, inventory(&endpoint, &Inventory::Ids));
}
