//! Does all that services and containers can say reach AWS, stay as it is, change and go? The life of `stacks/full.yaml`.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::json;

use crate::support::{Inventory, Navi, boto3, compare_with_golden, inventory, post_json};

/// The shipped stack file with these texts in place of others.
fn edited(navi: &Navi, edits: &[(&str, &str)]) -> PathBuf {
    let mut text = fs::read_to_string(Navi::shipped("full.yaml")).unwrap();
    for (from, to) in edits {
        assert!(text.contains(from), "`{from}` is not in the stack file");
        text = text.replace(from, to);
    }
    navi.write("edited.yaml", &text)
}

#[track_caller]
fn changes_nothing(navi: &Navi, file: &Path) {
    navi.forget_calls();
    navi.sandboxed(file, &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), Vec::<String>::new());
    let plan = navi.sandboxed(file, &["plan", "--exit-code"]).expect(0);
    assert!(plan.stdout.contains("Nothing to do"), "{}", plan.stdout);
    assert!(
        !plan.stdout.contains("Changed by others"),
        "{}",
        plan.stdout
    );
}

/// The plan has all of these; then an `up` with exactly these mutating calls, and another one with none.
#[track_caller]
fn changes(navi: &Navi, edits: &[(&str, &str)], fields: &[&str], calls: &[&str]) {
    let file = edited(navi, edits);
    let plan = navi.sandboxed(&file, &["plan", "--exit-code"]).expect(2);
    for field in fields {
        assert!(plan.stdout.contains(field), "{field}:\n{}", plan.stdout);
    }
    navi.forget_calls();
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    let mut made = navi.mutating_calls();
    made.sort();
    assert_eq!(made, calls, "{}", plan.stdout);
    changes_nothing(navi, &file);
}

#[test]
fn the_full_stack_lives() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let file = Navi::shipped("full.yaml");
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    compare_with_golden(
        "full.json",
        &inventory(&endpoint, &Inventory::Values { stack: "full" }),
    );
    changes_nothing(&navi, &file);

    // The policy first: what starts with a new secret must be allowed to read it. And last: then nobody needs the old one.
    changes(
        &navi,
        &[("/full/database/password", "/full/database/key")],
        &[
            "containers.web.secrets.DATABASE_PASSWORD: /full/database/password → /full/database/key",
            "containers.migration.secrets.DATABASE_PASSWORD",
            ":parameter/full/database/key, ",
        ],
        &[
            "PutRolePolicy",
            "PutRolePolicy",
            "RegisterTaskDefinition",
            "UpdateService",
        ],
    );
    changes(
        &navi,
        &[
            ("stop_timeout: 60s", "stop_timeout: 90s"),
            ("retries: 5", "retries: 6"),
        ],
        &[
            "stop_timeout_seconds: 60 → 90",
            "containers.metrics.health_check",
            "secrets.DATABASE_PASSWORD",
        ],
        &[
            "PutRolePolicy",
            "PutRolePolicy",
            "RegisterTaskDefinition",
            "RegisterTaskDefinition",
            "UpdateService",
            "UpdateService",
        ],
    );
    changes(
        &navi,
        &[
            ("stop_timeout: 60s", "stop_timeout: 90s"),
            ("retries: 5", "retries: 6"),
            ("share: 70, base: 1", "share: 50, base: 1"),
            (
                "    spot: { share: 100, base: 0 }\n",
                "    spot: { share: 0 }\n",
            ),
        ],
        &["capacity_provider_strategy"],
        &["UpdateService", "UpdateService"],
    );

    let last = edited(
        &navi,
        &[
            ("architecture: x86_64", "architecture: arm64"),
            ("ephemeral_storage: 40", "ephemeral_storage: 20"),
        ],
    );
    navi.sandboxed(&last, &["up", "--yes"]).expect(0);
    changes_nothing(&navi, &last);
    navi.sandboxed(&last, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn spot_comes_to_a_stack_that_runs_and_the_cluster_keeps_the_providers() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let with = |settings: &str| {
        let text = format!(
            "stack: shop\nservices:\n  web:\n    count: 4\n{settings}    route: {{}}\n    containers:\n      web: {{ image: nginx, ports: [80] }}\n"
        );
        navi.write("shop.yaml", &text)
    };
    navi.sandboxed(&with(""), &["up", "--yes"]).expect(0);

    let spot = "    spot: { share: 50, base: 2 }\n";
    navi.forget_calls();
    navi.sandboxed(&with(spot), &["up", "--yes"]).expect(0);
    assert_eq!(
        navi.mutating_calls(),
        ["PutClusterCapacityProviders", "UpdateService"]
    );
    changes_nothing(&navi, &with(spot));
    let what = "sorted(t['capacityProviderName'] for t in client.describe_tasks(cluster='shop-cluster', \
                tasks=client.list_tasks(cluster='shop-cluster')['taskArns'])['tasks'])";
    assert_eq!(
        boto3(&endpoint, "ecs", what),
        json!(["FARGATE", "FARGATE", "FARGATE", "FARGATE_SPOT"])
    );

    navi.forget_calls();
    navi.sandboxed(&with(""), &["up", "--yes"]).expect(0);
    assert_eq!(navi.mutating_calls(), ["UpdateService"]);
    let what = "client.describe_services(cluster='shop-cluster', services=['shop-web-service'])['services'][0]['launchType']";
    assert_eq!(boto3(&endpoint, "ecs", what), "FARGATE");
    let what =
        "client.describe_clusters(clusters=['shop-cluster'])['clusters'][0]['capacityProviders']";
    assert_eq!(
        boto3(&endpoint, "ecs", what),
        json!(["FARGATE", "FARGATE_SPOT"])
    );
    changes_nothing(&navi, &with(""));
    navi.sandboxed(&with(""), &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}

#[test]
fn a_missing_secret_fails_the_service_with_its_reason() {
    let navi = Navi::new();
    let endpoint = navi.endpoint();
    let before = inventory(&endpoint, &Inventory::Ids);
    let missing = |missing: bool| {
        let rule = json!({"value_from": "/shop/key", "missing": missing});
        post_json(&endpoint, "/_navi/secrets", &rule);
    };
    missing(true);
    let file = navi.write(
        "shop.yaml",
        "stack: shop\nservices:\n  web:\n    containers:\n      web: { image: nginx, secrets: { KEY: /shop/key } }\n",
    );
    let ended = navi.sandboxed(&file, &["up", "--yes"]).expect(3);
    assert!(
        ended.stderr.contains("ResourceInitializationError"),
        "{}",
        ended.stderr
    );
    missing(false);
    navi.sandboxed(&file, &["up", "--yes"]).expect(0);
    changes_nothing(&navi, &file);
    navi.sandboxed(&file, &["down", "--yes"]).expect(0);
    assert_eq!(before, inventory(&endpoint, &Inventory::Ids));
}
