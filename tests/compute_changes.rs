//! Can what a service's tasks are, and on what they run, be changed while it serves? Each change is planned, carried out
//! under the eyes of a visitor, and looked at with another client.

use serde_json::{Value, json};

use crate::support::{Living, boto3, post_json};

/// The stack `live`: `web` with two tasks, these further lines of the service, these of its container, and these containers.
fn stack(service: &[&str], container: &[&str], others: &[&str]) -> String {
    let mut text = "\
stack: live
ingress: { zone: { create: live.test } }
services:
  web:
    count: 2
    deregistration_delay: 0s
    route: { host: live.test, to: \"web:80\" }
"
    .to_owned();
    for line in service {
        text.push_str(&format!("    {line}\n"));
    }
    text.push_str("    containers:\n      web:\n        image: public.ecr.aws/live/web:1\n        ports: [80]\n");
    for line in container {
        text.push_str(&format!("        {line}\n"));
    }
    for other in others {
        text.push_str(&format!("      {other}\n"));
    }
    text
}

fn start(text: &str) -> Living {
    Living::start(text, &["live.test"])
}

/// Carries the change out, expects these mutating calls in this order, and answers the plan.
#[track_caller]
fn change(living: &Living, text: &str, calls: &[&str]) -> String {
    let plan = living.change(text);
    assert_eq!(living.calls_of_the_change(), calls, "{plan}");
    plan
}

const ROLLS: [&str; 2] = ["RegisterTaskDefinition", "UpdateService"];

/// The revision on which the service runs, and all of its tasks with it.
#[track_caller]
fn definition(living: &Living) -> Value {
    let what = "(lambda service, tasks: [service['taskDefinition'], \
                client.describe_task_definition(taskDefinition=service['taskDefinition'])['taskDefinition'], \
                [task['taskDefinitionArn'] for task in tasks]])(\
                client.describe_services(cluster='live-cluster', services=['live-web-service'])['services'][0], \
                client.describe_tasks(cluster='live-cluster', \
                tasks=client.list_tasks(cluster='live-cluster')['taskArns'])['tasks'])";
    let mut found = boto3(&living.endpoint, "ecs", what);
    assert_eq!(
        found[2],
        json!([found[0], found[0]]),
        "tasks of the old revision"
    );
    found[1].take()
}

/// The container of this name in it.
#[track_caller]
fn container(living: &Living, name: &str) -> Value {
    let definition = definition(living);
    let containers = definition["containerDefinitions"].as_array().unwrap();
    let mut named = containers.iter().filter(|found| found["name"] == name);
    named.next().cloned().unwrap_or(Value::Null)
}

/// What the role's policy of the stack lets tasks read.
fn readable(living: &Living) -> Value {
    let what = "sorted(resource for statement in client.get_role_policy(\
                RoleName='live-ecs-task-execution-role', PolicyName='live-ecs-task-execution-policy')['PolicyDocument']['Statement'] \
                for resource in ([statement['Resource']] if isinstance(statement['Resource'], str) else statement['Resource']) \
                if resource != '*')";
    boto3(&living.endpoint, "iam", what)
}

#[test]
fn secrets_and_environment_files_come_change_and_go() {
    let plain = stack(&[], &[], &[]);
    let living = start(&plain);
    let key = |name: &str| format!("secrets: {{ KEY: {name} }}");

    // Before a task starts with a secret it must be allowed to read it.
    let secret = stack(&[], &[&key("/live/key")], &[]);
    let calls = ["PutRolePolicy", "RegisterTaskDefinition", "UpdateService"];
    insta::assert_snapshot!("a_secret_added", change(&living, &secret, &calls));
    assert_eq!(
        container(&living, "web")["secrets"],
        json!([{"name": "KEY", "valueFrom": "/live/key"}])
    );
    let parameter = "arn:aws:ssm:ap-northeast-1:123456789012:parameter/live/key";
    assert_eq!(readable(&living), json!([parameter]));

    let arn = "\"arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:live-AbCdEf:key::\"";
    let moved = stack(&[], &[&key(arn)], &[]);
    // The old tasks may read theirs for as long as there are any.
    let both = [
        "PutRolePolicy",
        "RegisterTaskDefinition",
        "UpdateService",
        "PutRolePolicy",
    ];
    insta::assert_snapshot!("a_secret_kept_elsewhere", change(&living, &moved, &both));
    assert_eq!(
        readable(&living),
        json!(["arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:live-AbCdEf"])
    );

    let file = "environment_files: [\"arn:aws:s3:::live/web.env\"]";
    let filed = stack(&[], &[&key(arn), file], &[]);
    insta::assert_snapshot!("an_environment_file_added", change(&living, &filed, &calls));
    assert_eq!(
        container(&living, "web")["environmentFiles"],
        json!([{"type": "s3", "value": "arn:aws:s3:::live/web.env"}])
    );

    insta::assert_snapshot!(
        "secrets_and_environment_files_removed",
        change(
            &living,
            &plain,
            &["RegisterTaskDefinition", "UpdateService", "PutRolePolicy"]
        )
    );
    assert_eq!(readable(&living), json!([]));
    living.end(&plain);
}

#[test]
fn a_secret_that_is_not_there_leaves_the_old_tasks_serving() {
    let plain = stack(&[], &[], &[]);
    let living = start(&plain);
    let rule = json!({"value_from": "/live/key", "missing": true});
    post_json(&living.endpoint, "/_navi/secrets", &rule);
    let secret = stack(&[], &["secrets: { KEY: /live/key }"], &[]);
    let failed = living.run(&secret, &["up", "--yes"]).expect(3);
    assert!(
        failed.stderr.contains("ResourceInitializationError"),
        "{}",
        failed.stderr
    );
    let (seen, _) = living.gate.report();
    assert!(seen.is_empty(), "{}", seen.join("\n"));

    // Back again: what serves is what the file says once more.
    living.run(&plain, &["up", "--yes"]).expect(0);
    assert_eq!(container(&living, "web")["secrets"], Value::Null);
    living.changes_nothing_more(&plain);
    living.end(&plain);
}

#[test]
fn sidecars_come_in_order_change_and_go() {
    let plain = stack(&[], &[], &[]);
    let living = start(&plain);

    let sidecar = |retries: u32| {
        format!(
            "metrics: {{ image: public.ecr.aws/live/metrics, essential: false, health_check: {{ command: [CMD, \"true\"], retries: {retries} }} }}"
        )
    };
    let setup = "setup: { image: public.ecr.aws/live/setup, essential: false }";
    let begun = stack(
        &[],
        &["depends_on: { metrics: healthy, setup: start }"],
        &[&sidecar(3), setup],
    );
    insta::assert_snapshot!("sidecars_added", change(&living, &begun, &ROLLS));
    let waits_for = |condition: &str| {
        json!([
            {"containerName": "metrics", "condition": "HEALTHY"},
            {"containerName": "setup", "condition": condition},
        ])
    };
    assert_eq!(container(&living, "web")["dependsOn"], waits_for("START"));

    let ended = stack(
        &[],
        &["depends_on: { metrics: healthy, setup: complete }"],
        &[&sidecar(3), setup],
    );
    post_json(
        &living.endpoint,
        "/_navi/tasks",
        &json!({"image": "live/setup", "outcome": "exit-1"}),
    );
    insta::assert_snapshot!("the_order_of_containers", change(&living, &ended, &ROLLS));
    assert_eq!(
        container(&living, "web")["dependsOn"],
        waits_for("COMPLETE")
    );

    let patient = stack(
        &[],
        &["depends_on: { metrics: healthy, setup: complete }"],
        &[&sidecar(5), setup],
    );
    insta::assert_snapshot!(
        "a_container_s_health_check",
        change(&living, &patient, &ROLLS)
    );
    assert_eq!(container(&living, "metrics")["healthCheck"]["retries"], 5);

    insta::assert_snapshot!("sidecars_removed", change(&living, &plain, &ROLLS));
    assert_eq!(container(&living, "metrics"), Value::Null);
    living.end(&plain);
}

#[test]
fn processors_disk_and_the_time_to_stop_change_and_change_back() {
    let plain = stack(&[], &[], &[]);
    let living = start(&plain);

    let arm = stack(&["architecture: arm64"], &[], &[]);
    insta::assert_snapshot!("x86_64_to_arm64", change(&living, &arm, &ROLLS));
    assert_eq!(
        definition(&living)["runtimePlatform"],
        json!({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"})
    );
    insta::assert_snapshot!("arm64_to_x86_64", change(&living, &plain, &ROLLS));
    assert_eq!(definition(&living)["runtimePlatform"], Value::Null);

    let large = stack(&["ephemeral_storage: 100"], &["stop_timeout: 90s"], &[]);
    insta::assert_snapshot!("a_larger_disk", change(&living, &large, &ROLLS));
    assert_eq!(
        definition(&living)["ephemeralStorage"],
        json!({"sizeInGiB": 100})
    );
    assert_eq!(container(&living, "web")["stopTimeout"], 90);
    insta::assert_snapshot!("the_least_disk_again", change(&living, &plain, &ROLLS));
    assert_eq!(definition(&living)["ephemeralStorage"], Value::Null);
    living.end(&plain);
}

#[test]
fn shares_on_spot_come_change_and_go() {
    let plain = stack(&[], &[], &[]);
    let living = start(&plain);
    let strategy = || {
        let what = "{item['capacityProvider']: [item['weight'], item['base']] for item in \
                    client.describe_services(cluster='live-cluster', services=['live-web-service'])['services'][0]\
                    .get('capacityProviderStrategy', [])}";
        boto3(&living.endpoint, "ecs", what)
    };
    let providers = || {
        let what = "sorted(task.get('capacityProviderName', task['launchType']) for task in \
                    client.describe_tasks(cluster='live-cluster', \
                    tasks=client.list_tasks(cluster='live-cluster')['taskArns'])['tasks'])";
        boto3(&living.endpoint, "ecs", what)
    };

    let half = stack(&["spot: { share: 50, base: 1 }"], &[], &[]);
    let calls = ["PutClusterCapacityProviders", "UpdateService"];
    insta::assert_snapshot!("spot_added", change(&living, &half, &calls));
    assert_eq!(
        strategy(),
        json!({"FARGATE": [50, 1], "FARGATE_SPOT": [50, 0]})
    );
    assert_eq!(providers().as_array().unwrap().len(), 2);

    let all = stack(&["spot: { share: 100 }"], &[], &[]);
    insta::assert_snapshot!(
        "the_share_on_spot",
        change(&living, &all, &["UpdateService"])
    );
    assert_eq!(providers(), json!(["FARGATE_SPOT", "FARGATE_SPOT"]));

    insta::assert_snapshot!("spot_removed", change(&living, &plain, &["UpdateService"]));
    assert_eq!(strategy(), json!({}));
    assert_eq!(providers(), json!(["FARGATE", "FARGATE"]));
    living.end(&plain);
}
