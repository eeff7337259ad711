//! Do containers start in their order, check their health and get their secrets as on AWS, and is nonsense refused?

use std::time::Duration;

use serde_json::{Value, json};

use super::{realistic_stage, rollouts, stage};
use crate::sandbox::test_stage::Stage;

/// The stage's definition with other members in its container, and other containers beside it.
fn definition(stage: &Stage, more: Value, others: Vec<Value>) -> Value {
    let mut definition = stage.definition("web:1");
    let containers = definition["containerDefinitions"].as_array_mut().unwrap();
    for (name, value) in more.as_object().unwrap() {
        containers[0][name] = value.clone();
    }
    containers.extend(others);
    definition
}

async fn told(stage: &Stage, image: &str, outcome: &str) {
    let rule = json!({"image": image, "outcome": outcome});
    stage.client.control("POST", "tasks", rule).await;
}

/// Registers the definition, makes a service of one task of it, and lets it settle.
async fn run(stage: &Stage, definition: Value) -> Value {
    stage.ecs("RegisterTaskDefinition", definition).await;
    stage.ecs("CreateService", stage.service(1)).await;
    for _ in 0..3 {
        stage.look().await;
    }
    stage.look().await
}

async fn stopped_reason(stage: &Stage) -> String {
    let stopped = stage.tasks("STOPPED").await;
    stopped[0]["stoppedReason"].as_str().unwrap().to_owned()
}

fn init() -> Value {
    json!({"name": "init", "image": "init:1", "essential": false})
}

fn after(container: &str, condition: &str) -> Value {
    json!({"dependsOn": [{"containerName": container, "condition": condition}]})
}

fn container<'a>(task: &'a Value, name: &str) -> &'a Value {
    let containers = task["containers"].as_array().unwrap();
    let found = containers
        .iter()
        .find(|container| container["name"] == name);
    found.unwrap()
}

#[tokio::test(start_paused = true)]
async fn what_only_runs_to_its_end_does_so_before_the_others() {
    let stage = stage().await;
    let wanted = definition(&stage, after("init", "SUCCESS"), vec![init()]);
    let service = run(&stage, wanted).await;
    assert_eq!(rollouts(&service), [("PRIMARY", "COMPLETED")]);
    let tasks = stage.tasks("RUNNING").await;
    let first = container(&tasks[0], "init");
    assert_eq!(
        (&first["lastStatus"], &first["exitCode"]),
        (&json!("STOPPED"), &json!(0))
    );
    assert_eq!(container(&tasks[0], "web")["lastStatus"], "RUNNING");
    assert_eq!(stage.target_states().await, ["healthy"]);
}

#[tokio::test(start_paused = true)]
async fn what_fails_keeps_those_that_wait_from_starting() {
    let stage = stage().await;
    told(&stage, "init", "exit-1").await;
    let wanted = definition(&stage, after("init", "SUCCESS"), vec![init()]);
    let service = run(&stage, wanted).await;
    assert_eq!(service["runningCount"], 0);
    let reason = stopped_reason(&stage).await;
    assert!(
        reason
            .contains("dependency [init] for target [web] as dependency did not exit successfully"),
        "{reason}"
    );
    // Whoever waits for its end only, starts all the same.
    let other = self::stage().await;
    told(&other, "init", "exit-1").await;
    let wanted = definition(&other, after("init", "COMPLETE"), vec![init()]);
    assert_eq!(run(&other, wanted).await["runningCount"], 1);
    assert_eq!(
        container(&other.tasks("RUNNING").await[0], "init")["exitCode"],
        1
    );
}

#[tokio::test(start_paused = true)]
async fn a_sidecar_that_is_not_essential_ends_alone() {
    let stage = stage().await;
    told(&stage, "init", "exit-1").await;
    let wanted = definition(&stage, json!({}), vec![init()]);
    let service = run(&stage, wanted).await;
    assert_eq!(rollouts(&service), [("PRIMARY", "COMPLETED")]);
    let tasks = stage.tasks("RUNNING").await;
    assert_eq!(container(&tasks[0], "init")["exitCode"], 1);
    assert_eq!(stage.target_states().await, ["healthy"]);
}

fn check() -> Value {
    json!({"healthCheck": {"command": ["CMD-SHELL", "true"], "interval": 10, "retries": 2}})
}

#[tokio::test(start_paused = true)]
async fn a_task_counts_and_is_found_once_its_container_is_healthy() {
    let stage = realistic_stage().await;
    let wanted = definition(&stage, check(), vec![]);
    let registered = stage.ecs("RegisterTaskDefinition", wanted).await;
    let shown = &registered["taskDefinition"]["containerDefinitions"][0]["healthCheck"];
    assert_eq!(
        *shown,
        json!({"command": ["CMD-SHELL", "true"], "interval": 10, "timeout": 5, "retries": 2})
    );
    stage.ecs("CreateService", stage.service(1)).await;
    // Provisioned in 10 seconds, started in 30 more.
    tokio::time::sleep(Duration::from_secs(46)).await;
    let service = stage.look().await;
    assert_eq!(service["runningCount"], 1);
    assert_eq!(stage.tasks("RUNNING").await[0]["healthStatus"], "UNKNOWN");
    assert_eq!(stage.records().await, 0);
    tokio::time::sleep(Duration::from_secs(10)).await;
    let tasks = stage.tasks("RUNNING").await;
    assert_eq!(
        (
            &tasks[0]["healthStatus"],
            &tasks[0]["containers"][0]["healthStatus"]
        ),
        (&json!("HEALTHY"), &json!("HEALTHY"))
    );
    assert_eq!(stage.records().await, 1);
    tokio::time::sleep(Duration::from_secs(30)).await;
    let service = stage.look().await;
    assert_eq!(rollouts(&service), [("PRIMARY", "COMPLETED")]);
}

#[tokio::test(start_paused = true)]
async fn a_task_that_fails_its_own_health_check_is_replaced() {
    let stage = stage().await;
    told(&stage, "web", "container-unhealthy").await;
    let service = run(&stage, definition(&stage, check(), vec![])).await;
    assert_eq!(rollouts(&service), [("PRIMARY", "IN_PROGRESS")]);
    assert_eq!(
        stopped_reason(&stage).await,
        "Task failed container health checks"
    );
    let events = service["events"].to_string();
    assert!(
        events.contains("failed container health checks"),
        "{events}"
    );
    assert!(service["deployments"][0]["failedTasks"].as_i64().unwrap() > 0);
}

#[tokio::test(start_paused = true)]
async fn missing_secrets_and_files_stop_the_task_before_it_starts() {
    let secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:db-AbCdEf:password::";
    let file = "arn:aws:s3:::bucket/web.env";
    for (missing, sentence) in [
        (secret, "unable to retrieve secret from asm"),
        ("/web/key", "invalid parameters: /web/key"),
        (file, "failed to download env files"),
    ] {
        let stage = stage().await;
        let more = json!({
            "secrets": [{"name": "KEY", "valueFrom": "/web/key"}, {"name": "PASSWORD", "valueFrom": secret}],
            "environmentFiles": [{"type": "s3", "value": file}],
        });
        let rule = |missing_now: bool| json!({"value_from": missing, "missing": missing_now});
        stage.client.control("POST", "secrets", rule(true)).await;
        let service = run(&stage, definition(&stage, more, vec![])).await;
        assert_eq!(service["runningCount"], 0);
        let reason = stopped_reason(&stage).await;
        assert!(
            reason.starts_with("ResourceInitializationError: ") && reason.contains(sentence),
            "{reason}"
        );
        stage.client.control("POST", "secrets", rule(false)).await;
        for _ in 0..5 {
            stage.look().await;
        }
        assert_eq!(stage.look().await["runningCount"], 1);
    }
}

#[tokio::test(start_paused = true)]
async fn platform_and_storage_are_the_tasks_own() {
    let stage = stage().await;
    let mut wanted = stage.definition("web:1");
    wanted["runtimePlatform"] =
        json!({"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"});
    wanted["ephemeralStorage"] = json!({"sizeInGiB": 50});
    run(&stage, wanted).await;
    let task = stage.tasks("RUNNING").await[0].clone();
    assert_eq!(task["ephemeralStorage"]["sizeInGiB"], 50);
    assert_eq!(
        task["attributes"],
        json!([{"name": "ecs.cpu-architecture", "value": "arm64"}])
    );
}

#[tokio::test(start_paused = true)]
async fn definitions_that_make_no_sense_are_refused() {
    let stage = stage().await;
    let mut without_role = definition(
        &stage,
        json!({"secrets": [{"name": "A", "valueFrom": "a"}]}),
        vec![],
    );
    without_role
        .as_object_mut()
        .unwrap()
        .remove("executionRoleArn");
    let whole = |name: &str, value: Value| {
        let mut definition = stage.definition("web:1");
        definition[name] = value;
        definition
    };
    let with = |more: Value| definition(&stage, more, vec![]);
    let circle = definition(
        &stage,
        after("other", "START"),
        vec![
            json!({"name": "other", "image": "b", "dependsOn": [{"containerName": "web", "condition": "START"}]}),
        ],
    );
    for (asked, sentence) in [
        (without_role, "executionRoleArn"),
        (circle, "go in a circle"),
        (with(after("web", "START")), "go in a circle"),
        (with(after("nobody", "START")), "not in the task definition"),
        (
            definition(
                &stage,
                after("other", "SUCCESS"),
                vec![json!({"name": "other", "image": "b"})],
            ),
            "essential container",
        ),
        (
            definition(&stage, after("init", "HEALTHY"), vec![init()]),
            "has a health check",
        ),
        (
            definition(&stage, after("init", "LATER"), vec![init()]),
            "is none of",
        ),
        (
            with(json!({"healthCheck": {"command": ["curl"]}})),
            "must begin with CMD",
        ),
        (
            with(json!({"healthCheck": {"command": ["CMD", "a"], "interval": 4}})),
            "between 5 and 300",
        ),
        (with(json!({"stopTimeout": 121})), "stopTimeout"),
        (
            with(json!({"secrets": [{"name": "A", "valueFrom": "a b"}]})),
            "parameter name specified for secret A is invalid",
        ),
        (
            with(
                json!({"secrets": [{"name": "A", "valueFrom": "a"}], "environment": [{"name": "A", "value": "b"}]}),
            ),
            "must be unique",
        ),
        (
            with(json!({"environmentFiles": [{"type": "s3", "value": "arn:aws:s3:::b/a.txt"}]})),
            "ends in .env",
        ),
        (
            whole("ephemeralStorage", json!({"sizeInGiB": 20})),
            "between 21 and 200",
        ),
        (
            whole("runtimePlatform", json!({"cpuArchitecture": "MIPS"})),
            "runtimePlatform",
        ),
    ] {
        let (code, message) = stage.ecs_refusal("RegisterTaskDefinition", asked).await;
        assert_eq!(code, "ClientException");
        assert!(message.contains(sentence), "{message}");
    }
}
