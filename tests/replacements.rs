//! What can't be changed in place is made anew beside the old: does everybody get an answer all the while,
//! wherever the run is cut off, and is nothing left over?

use std::fs;
use std::path::PathBuf;

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, inventory, killed_at, post_json, told};

/// The article's environment with these texts in place of others.
fn edited(navi: &Navi, edits: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(Navi::shipped("ecs-navi.yaml")).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` is not in the stack file");
        text = text.replace(from, to);
    }
    navi.write("edited.yaml", &text)
}

/// A visitor of both hosts.
#[track_caller]
fn visit(endpoint: &str, when: &str) {
    for host in ["ecs-navi.site", "api.ecs-navi.site"] {
        let visit = json!({"host": host, "path": "/"});
        let answer = post_json(endpoint, "/_navi/http", &visit);
        assert_eq!(answer["status"], 200, "{host}, {when}: {answer}");
    }
}

/// How many objects of each kind there are.
fn counts(endpoint: &str) -> Value {
    let inventory = inventory(endpoint, &Inventory::Ids);
    let kinds = inventory.as_object().unwrap();
    kinds
        .iter()
        // AWS keeps the revisions of task definitions, and lists deleted NAT gateways for an hour.
        .filter(|(kind, _)| !kind.contains("task_definition") && !kind.contains("nat_gateway"))
        .map(|(kind, ids)| (kind.clone(), json!(ids.as_array().unwrap().len())))
        .collect::<serde_json::Map<_, _>>()
        .into()
}

#[track_caller]
fn changes_nothing_more(navi: &Navi, file: &std::path::Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let plan = navi.sandboxed(file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
}

/// From one file to the other and back, once in one go, with the plan and what another client sees otherwise, then killed
/// at every `step`th mutating call on the way there.
fn survives(name: &str, edits: &[(&str, &str)], step: usize) {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let first = Navi::shipped("ecs-navi.yaml");
    let second = edited(&navi, edits);
    navi.sandboxed(&first, &["up", "--yes"]).expect(0);
    let fresh = counts(&endpoint);
    let found = || inventory(&endpoint, &Inventory::Values { stack: "ecs-navi" });
    let first_values = found();
    visit(&endpoint, "at first");
    let plan = navi.sandboxed(&second, &["plan", "--exit-code"]).expect(2);
    navi.sandboxed(&second, &["up", "--yes"]).expect(0);
    insta::assert_snapshot!(name, told(&plan.stdout, &first_values, &found()));
    changes_nothing_more(&navi, &second);
    navi.sandboxed(&first, &["up", "--yes"]).expect(0);
    let mut call = 1;
    while killed_at(&navi, &endpoint, &second, call, |when| {
        visit(&endpoint, when)
    }) {
        navi.sandboxed(&second, &["up", "--yes"]).expect(0);
        visit(&endpoint, "afterwards");
        assert_eq!(counts(&endpoint), fresh, "killed at call {call}");
        changes_nothing_more(&navi, &second);
        navi.sandboxed(&first, &["up", "--yes"]).expect(0);
        visit(&endpoint, "back again");
        assert_eq!(counts(&endpoint), fresh, "and back, after call {call}");
        call += step;
    }
    assert!(call > 1, "the change made no call");
    changes_nothing_more(&navi, &second);
    navi.sandboxed(&second, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

const TARGET_GROUP: [(&str, &str); 1] = [("target_group_port: 3000", "target_group_port: 8080")];

#[test]
fn a_target_group_is_replaced_and_nobody_notices() {
    survives("another_target_group_port", &TARGET_GROUP, 1);
}

#[test]
fn a_load_balancer_is_replaced_and_the_names_turn_when_the_new_one_serves() {
    survives(
        "another_load_balancer",
        &[(
            "network:\n",
            "names: { load_balancer: other-lb }\nnetwork:\n",
        )],
        2,
    );
}

#[test]
fn a_whole_network_is_replaced_with_all_that_stands_in_it() {
    survives(
        "another_network",
        &[
            ("10.0.0.0/16", "10.1.0.0/16"),
            ("10.0.1.0/24", "10.1.1.0/24"),
            ("10.0.2.0/24", "10.1.2.0/24"),
            ("10.0.10.0/24", "10.1.10.0/24"),
            ("10.0.11.0/24", "10.1.11.0/24"),
        ],
        9,
    );
}

#[test]
fn names_are_changed_by_successors() {
    survives(
        "other_names",
        &[
            (
                "network:\n",
                "names: { cluster: other-cluster, role: other-role }\nnetwork:\n",
            ),
            (
                "family: ecs-navi-nginx-task",
                "family: other-task, service: other-service, security_group: other-sg, target_group: other-tg",
            ),
        ],
        5,
    );
}

#[test]
fn a_host_is_divided_and_joined_again_and_every_path_is_answered() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let stack = |name: &str, services: &[(&str, &str)]| {
        let mut text =
            "stack: divided\ningress: { zone: { create: divided.test } }\nservices:\n".to_owned();
        for (name, path) in services {
            text.push_str(&format!(
                "  {name}:\n    route: {{ host: divided.test{path} }}\n    containers:\n      main: {{ image: public.ecr.aws/divided/{name}, ports: [80] }}\n"
            ));
        }
        navi.write(name, &text)
    };
    let first = stack("first.yaml", &[("web", "")]);
    // One comes before, and one gets the rest.
    let second = stack(
        "second.yaml",
        &[
            ("api", ", path: /api/*"),
            ("web", ", path: /shop/*"),
            ("rest", ""),
        ],
    );
    let visit = |when: &str| {
        for path in ["/", "/api/v1", "/shop/1"] {
            let visit = json!({"scheme": "http", "host": "divided.test", "path": path});
            let answer = post_json(&endpoint, "/_navi/http", &visit);
            assert_eq!(answer["status"], 200, "{path}, {when}: {answer}");
        }
    };
    navi.sandboxed(&first, &["up", "--yes"]).expect(0);
    visit("at first");
    let fresh = counts(&endpoint);
    let mut call = 1;
    while killed_at(&navi, &endpoint, &second, call, visit) {
        navi.sandboxed(&second, &["up", "--yes"]).expect(0);
        visit("afterwards");
        changes_nothing_more(&navi, &second);
        // And the way back, cut off as well.
        killed_at(&navi, &endpoint, &first, call, visit);
        navi.sandboxed(&first, &["up", "--yes"]).expect(0);
        visit("back again");
        changes_nothing_more(&navi, &first);
        assert_eq!(counts(&endpoint), fresh, "killed at call {call}");
        call += 2;
    }
    assert!(call > 15, "{call} calls");
    navi.sandboxed(&second, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn a_plan_names_the_field_the_successor_and_what_goes() {
    let navi = Navi::new();
    navi.sandboxed(&Navi::shipped("ecs-navi.yaml"), &["up", "--yes"])
        .expect(0);
    let file = edited(&navi, &TARGET_GROUP);
    let plan = navi.sandboxed(&file, &["plan", "--exit-code"]).expect(2);
    insta::assert_snapshot!(plan.stdout);
    // What a plan of nothing but names says is told by the same means.
    let subnet = edited(&navi, &[("10.0.10.0/24", "10.0.10.0/25")]);
    let refused = navi.sandboxed(&subnet, &["plan"]).expect(1);
    insta::assert_snapshot!(refused.stderr);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
}
