//! The life of the article's stack against moto, an emulator that no one here wrote, with `--no-wait`:
//! its services never complete a rollout.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{Ended, Inventory, Moto, Navi, boto3, get_json, inventory, post_json};

fn moto_command(navi: &Navi, moto: &Moto, arguments: &[&str]) -> Command {
    let mut command = navi.command(arguments);
    command
        .env("AWS_ACCESS_KEY_ID", "123456789012")
        .env("AWS_SECRET_ACCESS_KEY", "moto")
        .env("AWS_ENDPOINT_URL", &moto.endpoint);
    command
}

#[track_caller]
fn run(navi: &Navi, moto: &Moto, arguments: &[&str]) {
    let output = moto_command(navi, moto, arguments).output().unwrap();
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}

/// The mutating calls that moto records while `act` runs.
fn mutating_calls(moto: &Moto, act: impl FnOnce()) -> Vec<String> {
    post_json(
        &moto.endpoint,
        "/moto-api/recorder/reset-recording",
        &Value::Null,
    );
    post_json(
        &moto.endpoint,
        "/moto-api/recorder/start-recording",
        &Value::Null,
    );
    act();
    post_json(
        &moto.endpoint,
        "/moto-api/recorder/stop-recording",
        &Value::Null,
    );
    crate::support::get_text(&moto.endpoint, "/moto-api/recorder/download-recording")
        .lines()
        .filter_map(|line| serde_json::from_str::<Value>(line).ok())
        .map(|call| operation(&call))
        .filter(|operation| {
            !["Describe", "List", "Get", "Filter"]
                .iter()
                .any(|reading| operation.starts_with(reading))
        })
        .collect()
}

/// What a recorded request asks for, in whichever of AWS's protocols.
fn operation(call: &Value) -> String {
    let headers = &call["headers"];
    let target = headers["X-Amz-Target"].as_str();
    if let Some((_, operation)) = target.and_then(|target| target.rsplit_once('.')) {
        return operation.to_owned();
    }
    // moto keeps form bodies in base64.
    let body = call["body"].as_str().unwrap_or_default();
    let body = aws_smithy_types::base64::decode(body).unwrap_or_default();
    let body = String::from_utf8_lossy(&body);
    if let Some(action) = body
        .split('&')
        .find_map(|pair| pair.strip_prefix("Action="))
    {
        return action.to_owned();
    }
    match call["method"].as_str() {
        Some("GET") => "Get".to_owned(),
        method => format!("{} {}", method.unwrap_or_default(), call["url"]),
    }
}

/// What moto itself leaves behind is not navi's: the private zone of a deleted namespace, and the network
/// interface that it made for a NAT gateway and keeps when the gateway is deleted.
fn without_moto_s_own(mut inventory: Value) -> Value {
    for kind in ["hosted_zones", "records", "network_interfaces"] {
        inventory[kind] = Value::Null;
    }
    inventory
}

#[test]
fn the_article_s_environment_lives_in_moto_too() {
    let navi = Navi::new();
    let moto = Moto::start();
    let file = Navi::shipped("ecs-navi.yaml");
    let file = file.to_str().unwrap();
    let up = ["up", "--yes", "--no-wait", "-f", file];
    push_images(&moto);
    let before = inventory(&moto.endpoint, &Inventory::Ids);

    run(&navi, &moto, &up);
    // moto drops `enableExecuteCommand` at create, and keeps it at update: the second run sets it.
    run(&navi, &moto, &up);
    let values = inventory(&moto.endpoint, &Inventory::Values { stack: "ecs-navi" });
    compare_with_the_sandbox_s(&values);
    let calls = mutating_calls(&moto, || run(&navi, &moto, &up));
    assert_eq!(calls, Vec::<String>::new());
    look_around(&navi, &moto, file);

    run(&navi, &moto, &["down", "--yes", "-f", file]);
    let after = inventory(&moto.endpoint, &Inventory::Ids);
    assert_eq!(without_moto_s_own(before), without_moto_s_own(after));
    assert!(get_json(&moto.endpoint, "/moto-api/data.json").is_object());
}

/// The commands that only look, where moto runs no tasks: lines are written as the awslogs driver writes them.
#[track_caller]
fn look_around(navi: &Navi, moto: &Moto, file: &str) {
    // As AWS it takes no old ones.
    let event = |age: u32, message: &str| {
        format!(
            "{{'timestamp': int(__import__('time').time() * 1000) - {age}, 'message': '{message}'}}"
        )
    };
    let events = format!("[{}, {}]", event(2000, "one"), event(1000, "two"));
    let place = "logGroupName='/ecs/api', logStreamName='ecs-api/api/0123456789abcdef'";
    let write = format!(
        "[client.create_log_stream({place}), client.put_log_events({place}, logEvents={events})]"
    );
    boto3(&moto.endpoint, "logs", &write);
    let calls = mutating_calls(moto, || {
        let shown = |arguments: &[&str], code: i32| {
            let all = [arguments, &["--file", file]].concat();
            Ended::of(moto_command(navi, moto, &all).output().unwrap()).expect(code)
        };
        let lines = shown(&["logs"], 0);
        assert_eq!(
            lines.stdout,
            "backend/api/01234567    one\nbackend/api/01234567    two\n"
        );
        let tasks = shown(&["tasks"], 0).stdout;
        assert!(tasks.contains("backend  0 running"), "{tasks}");
        shown(&["events"], 0);
        let none = shown(&["exec", "backend", "--", "env"], 1).stderr;
        assert!(none.contains("`backend` has no running task"), "{none}");
    });
    assert_eq!(calls, Vec::<String>::new());
}

/// What the article builds and pushes before it starts: navi looks whether it is there.
fn push_images(moto: &Moto) {
    for name in ["ecs-navi-api", "ecs-navi-nginx", "ecs-navi-nginx-proxy"] {
        let manifest =
            r#"{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json"}"#;
        let push = format!(
            "[client.create_repository(repositoryName='{name}'), \
             client.put_image(repositoryName='{name}', imageManifest='{manifest}', imageTag='latest')]"
        );
        boto3(&moto.endpoint, "ecr", &push);
    }
}

/// Every value that the sandbox's inventory has, but for what moto does not model: tasks, targets,
/// instances, the private zone's records.
#[track_caller]
fn compare_with_the_sandbox_s(found: &Value) {
    let golden = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/ecs-navi.json");
    let golden: Value = serde_json::from_str(&fs::read_to_string(golden).unwrap()).unwrap();
    for kind in [
        "vpcs",
        "subnets",
        "internet_gateways",
        "nat_gateways",
        "elastic_ips",
        "route_tables",
        "security_groups",
        "listeners",
        "clusters",
        "task_definitions",
        "namespaces",
        "roles",
        "log_groups",
        "certificates",
    ] {
        assert_eq!(found[kind], golden[kind], "{kind}");
    }
}
