//! What does ECS make of the containers in a task definition? It checks them and fills in its defaults (aws-behaviour §2.17).

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::{container_rules, request::client};
use crate::sandbox::fault::Fault;

/// Normalises the containers in place. `is_awsvpc`: each task has a network interface of its own.
pub fn normalise(containers: &mut [Value], is_awsvpc: bool, is_fargate: bool) -> Result<(), Fault> {
    let mut names = BTreeSet::new();
    for container in containers.iter_mut() {
        let Some(container) = container.as_object_mut() else {
            return Err(client("Container definitions must be objects."));
        };
        let text = |name: &str| {
            container
                .get(name)
                .and_then(Value::as_str)
                .unwrap_or_default()
        };
        let (name, image) = (text("name").to_owned(), text("image").to_owned());
        if name.is_empty() {
            return Err(client("Container.name should not be null or empty."));
        }
        if image.is_empty() {
            return Err(client("Container.image should not be null or empty."));
        }
        if !names.insert(name.clone()) {
            return Err(client(format!(
                "Duplicate container names are not allowed: {name}."
            )));
        }
        check_log_options(container)?;
        normalise_ports(container, is_awsvpc)?;
        fill_in(container);
        container_rules::apply(container, is_fargate)?;
    }
    let is_essential = |container: &Value| container["essential"] == json!(true);
    if !containers.iter().any(is_essential) {
        return Err(client(
            "A task definition must have at least one essential container.",
        ));
    }
    container_rules::check_dependencies(containers)
}

fn fill_in(container: &mut Map<String, Value>) {
    let defaults = [
        ("cpu", json!(0)),
        ("portMappings", json!([])),
        ("essential", json!(true)),
        ("environment", json!([])),
        ("mountPoints", json!([])),
        ("volumesFrom", json!([])),
        ("systemControls", json!([])),
    ];
    for (name, value) in defaults {
        let slot = container.entry(name.to_owned()).or_insert(Value::Null);
        if slot.is_null() {
            *slot = value;
        }
    }
}

fn normalise_ports(container: &mut Map<String, Value>, is_awsvpc: bool) -> Result<(), Fault> {
    let mappings = container
        .get_mut("portMappings")
        .and_then(Value::as_array_mut);
    for mapping in mappings.into_iter().flatten() {
        let port = mapping["containerPort"].clone();
        if !port.is_i64() && !port.is_u64() {
            return Err(client(
                "Container port must be specified in a port mapping.",
            ));
        }
        let host = &mapping["hostPort"];
        if is_awsvpc && !host.is_null() && *host != port {
            return Err(client(
                "When networkMode=awsvpc, the host ports and container ports in port mappings must match.",
            ));
        }
        if is_awsvpc {
            mapping["hostPort"] = port;
        }
        if mapping["protocol"].is_null() {
            mapping["protocol"] = json!("tcp");
        }
    }
    Ok(())
}

fn check_log_options(container: &Map<String, Value>) -> Result<(), Fault> {
    let Some(log) = container
        .get("logConfiguration")
        .filter(|log| !log.is_null())
    else {
        return Ok(());
    };
    if log["logDriver"] != "awslogs" {
        return Ok(());
    }
    let has = |option: &str| log["options"][option].is_string();
    if has("awslogs-group") && has("awslogs-region") {
        return Ok(());
    }
    Err(client(
        "Log driver awslogs requires options: awslogs-region, awslogs-group",
    ))
}

/// The awslogs group of a container, if it writes to one: group, region, stream prefix, and whether it makes the group itself.
pub struct LogTarget<'a> {
    pub group: &'a str,
    pub region: &'a str,
    pub prefix: Option<&'a str>,
    pub makes_group: bool,
}

pub fn log_target(container: &Value) -> Option<LogTarget<'_>> {
    let log = &container["logConfiguration"];
    if log["logDriver"] != "awslogs" {
        return None;
    }
    let option = |name: &str| log["options"][name].as_str();
    Some(LogTarget {
        group: option("awslogs-group")?,
        region: option("awslogs-region")?,
        prefix: option("awslogs-stream-prefix"),
        makes_group: option("awslogs-create-group") == Some("true"),
    })
}
