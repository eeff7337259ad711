//! The life of each stack file that comes with navi, in the sandbox, with the real binary: up, up again,
//! another count, down; looked at by a client that is not navi.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::support::{Inventory, Navi, compare_with_golden, inventory, post_json, told};

/// The shipped stack file in the test's folder, with the count of one service changed.
fn with_count(navi: &Navi, file: &Path, service: &str, count: u32) -> PathBuf {
    let text = fs::read_to_string(file).unwrap();
    let heading = format!("  {service}:\n");
    let at = text.find(&heading).expect("the service is in the file") + heading.len();
    let (head, body) = text.split_at(at);
    let rest = match body.trim_start().strip_prefix("count:") {
        Some(rest) => &rest[rest.find('\n').unwrap() + 1..],
        None => body,
    };
    navi.write("changed.yaml", &format!("{head}    count: {count}\n{rest}"))
}

#[track_caller]
fn changes_nothing(navi: &Navi, file: &Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    // One sweep: each kind is read in a batch, whatever the number of its resources.
    let to_registries = navi.calls_to("ecr");
    let calls = navi.calls() - to_registries;
    assert!(calls <= 25, "{calls} calls");
    // And one question for each repository of its images, the article's three: no batch goes further, and
    // without it a tag that moved would go unseen.
    assert!(to_registries <= 3, "{to_registries} calls to ECR");
    let plan = navi.sandboxed(file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    assert!(
        !plan.stdout.contains("Changed by others"),
        "{}",
        plan.stdout
    );
}

/// Up, up again, three tasks, down; answers what boto3 saw after the first `up` and after the change.
fn live(stack: &str, file: &Path, service: &str) -> (Value, Value) {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);

    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    let first = inventory(&endpoint, &Inventory::Values { stack });
    changes_nothing(&navi, file);

    let changed = with_count(&navi, file, service, 3);
    let plan = navi.sandboxed(&changed, &["plan", "--exit-code"]).expect(2);
    navi.sandboxed(&changed, &["up", "--yes"]).expect(0);
    let second = inventory(&endpoint, &Inventory::Values { stack });
    let name = format!("another_count_in_{stack}");
    insta::assert_snapshot!(name, told(&plan.stdout, &first, &second));
    changes_nothing(&navi, &changed);

    navi.sandboxed(&changed, &["down", "--yes"]).expect(0);
    let after = inventory(&endpoint, &Inventory::Ids);
    assert_eq!(
        before, after,
        "something of the stack is left, or something of others is gone"
    );
    (first, second)
}

#[test]
fn the_article_s_environment_comes_up_value_for_value_and_goes() {
    let file = Navi::shipped("ecs-navi.yaml");
    assert!(fs::read_to_string(&file).unwrap().lines().count() <= 60);
    let (first, second) = live("ecs-navi", &file, "backend");
    compare_with_golden("ecs-navi.json", &first);

    // The article's last check: three tasks, three targets, three instances, three addresses in one record.
    assert_eq!(second["services"]["ecs-navi-backend-service"]["running"], 3);
    assert_eq!(second["discovery_services"]["backend"]["instances"], 3);
    assert_eq!(
        second["target_groups"]["ecs-navi-backend-tg"]["targets"],
        json!(["port 80 healthy", "port 80 healthy", "port 80 healthy"])
    );
    let records = &second["hosted_zones"]["ecs-navi.local."]["records"];
    let addresses = records["backend.ecs-navi.local. A"].as_array().unwrap();
    let addresses = addresses.iter().filter(|shown| *shown == "address").count();
    assert_eq!(addresses, 3, "{records}");
}

#[test]
fn the_minimal_stack_lives() {
    let file = Navi::shipped("minimal.yaml");
    let text = fs::read_to_string(&file).unwrap();
    assert!(text.lines().count() < 20);
    let (first, _) = live("minimal", &file, "web");
    compare_with_golden("minimal.json", &first);
}

#[test]
fn the_internal_stack_lives() {
    let (first, _) = live("internal", &Navi::shipped("internal.yaml"), "worker");
    compare_with_golden("internal.json", &first);
}

#[test]
fn both_hosts_answer_and_a_container_finds_the_backend() {
    // The article's checks at its end.
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let file = Navi::shipped("ecs-navi.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    for (host, service) in [
        ("ecs-navi.site", "ecs-navi-nginx-proxy-service"),
        ("api.ecs-navi.site", "ecs-navi-backend-service"),
    ] {
        let answer = post_json(
            &endpoint,
            "/_navi/http",
            &json!({"host": host, "path": "/"}),
        );
        assert_eq!(answer["status"], 200, "{host}: {answer}");
        assert_eq!(answer["served_by"]["service"], service, "{answer}");
    }
    let nobody = post_json(
        &endpoint,
        "/_navi/http",
        &json!({"host": "other.ecs-navi.site", "path": "/"}),
    );
    assert_ne!(nobody["status"], 200, "{nobody}");

    let answer = post_json(
        &endpoint,
        "/_navi/exec",
        &json!({
            "task": proxy_task(&endpoint),
            "container": "nginx",
            "command": "nslookup backend.ecs-navi.local",
        }),
    );
    let text = answer["output"].as_str().unwrap_or_default();
    assert!(text.contains("Name:\tbackend.ecs-navi.local"), "{answer}");
    assert!(text.contains("Address: 10.0.1"), "{answer}");
    changes_nothing(&navi, &file);
}

/// The proxy's one task, from the sandbox's own list of what exists.
fn proxy_task(endpoint: &str) -> String {
    let visit = post_json(
        endpoint,
        "/_navi/http",
        &json!({"host": "ecs-navi.site", "path": "/"}),
    );
    visit["served_by"]["task"].as_str().unwrap().to_owned()
}

#[test]
fn without_wait_everything_exists_and_the_next_run_waits() {
    let navi = Navi::new();
    let file = Navi::shipped("minimal.yaml");
    navi.sandboxed(&file, &["up", "--yes", "--no-wait"])
        .expect(0);
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    changes_nothing(&navi, &file);
}

#[test]
fn a_service_that_cannot_start_fails_with_its_reason() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    post_json(
        &endpoint,
        "/_navi/tasks",
        &json!({"image": "nginx", "outcome": "cannot-pull"}),
    );
    let file = Navi::shipped("minimal.yaml");
    let ended = navi.sandboxed(&file, &["up", "--yes"]).expect(3);
    assert!(
        ended.stderr.contains("CannotPullContainerError"),
        "{}",
        ended.stderr
    );
    assert!(ended.stderr.contains("ecs_service.web"), "{}", ended.stderr);

    // Mended, the same command goes on.
    post_json(
        &endpoint,
        "/_navi/tasks",
        &json!({"image": "nginx", "outcome": "runs"}),
    );
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    changes_nothing(&navi, &file);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}
