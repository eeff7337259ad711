//! What else does ECS ask of a container in a task definition? Health checks, secrets, environment files, the order of starting.

use std::{collections::BTreeSet, ops::RangeInclusive};

use serde_json::{Map, Value, json};

use super::request::client;
use crate::sandbox::fault::Fault;

/// Seconds on Fargate (the API model's ContainerDefinition).
const STOP_TIMEOUTS: RangeInclusive<i64> = 2..=120;
const MOST_ENVIRONMENT_FILES: usize = 10;

/// What a health check has when nothing is said, and its bounds (the API model's HealthCheck).
const HEALTH_CHECK: [(&str, Option<i64>, RangeInclusive<i64>); 4] = [
    ("interval", Some(30), 5..=300),
    ("timeout", Some(5), 2..=60),
    ("retries", Some(3), 1..=10),
    ("startPeriod", None, 0..=300),
];

pub fn apply(container: &mut Map<String, Value>, is_fargate: bool) -> Result<(), Fault> {
    normalise_health_check(container)?;
    check_secrets(container)?;
    check_environment_files(container)?;
    let timeout = container.get("stopTimeout").and_then(Value::as_i64);
    if is_fargate && timeout.is_some_and(|timeout| !STOP_TIMEOUTS.contains(&timeout)) {
        return Err(client(
            "Invalid 'stopTimeout' setting for container. On Fargate it must be between 2 and 120 seconds.",
        ));
    }
    // AWS does not keep the order of these (aws-behaviour §2.17).
    for name in ["environment", "secrets"] {
        if let Some(list) = container.get_mut(name).and_then(Value::as_array_mut) {
            list.sort_by_key(|item| item["name"].to_string());
        }
    }
    Ok(())
}

fn normalise_health_check(container: &mut Map<String, Value>) -> Result<(), Fault> {
    let Some(check) = container
        .get_mut("healthCheck")
        .filter(|check| check.is_object())
    else {
        return Ok(());
    };
    let command = check["command"].as_array().cloned().unwrap_or_default();
    let is_known = matches!(
        command.first().and_then(Value::as_str),
        Some("CMD" | "CMD-SHELL" | "NONE")
    );
    if !is_known {
        return Err(client(
            "Container.healthCheck.command must begin with CMD, CMD-SHELL or NONE.",
        ));
    }
    for (name, default, range) in HEALTH_CHECK {
        match (check[name].as_i64(), default) {
            (Some(number), _) if !range.contains(&number) => {
                return Err(client(format!(
                    "Container.healthCheck.{name} must be between {} and {}.",
                    range.start(),
                    range.end()
                )));
            }
            (None, Some(default)) => check[name] = json!(default),
            _ => {}
        }
    }
    Ok(())
}

fn names_in(container: &Map<String, Value>, list: &str) -> BTreeSet<String> {
    let items = container.get(list).and_then(Value::as_array);
    items
        .into_iter()
        .flatten()
        .filter_map(|item| item["name"].as_str().map(str::to_owned))
        .collect()
}

fn check_secrets(container: &Map<String, Value>) -> Result<(), Fault> {
    let secrets = container.get("secrets").and_then(Value::as_array);
    for secret in secrets.into_iter().flatten() {
        let is_there = |member: &str| secret[member].as_str().is_some_and(|text| !text.is_empty());
        if !is_there("name") || !is_there("valueFrom") {
            return Err(client("Each secret needs a name and a valueFrom."));
        }
        let (name, from) = (
            secret["name"].as_str().unwrap_or_default(),
            secret["valueFrom"].as_str().unwrap_or_default(),
        );
        let is_in_name = |letter: char| letter.is_ascii_alphanumeric() || "_.-/".contains(letter);
        if !from.starts_with("arn:") && !from.chars().all(is_in_name) {
            return Err(client(format!(
                "The Systems Manager parameter name specified for secret {name} is invalid. The parameter name can be up to 2048 characters and include the following letters and symbols: a-zA-Z0-9_.-/"
            )));
        }
    }
    let environment = names_in(container, "environment");
    if let Some(name) = names_in(container, "secrets")
        .intersection(&environment)
        .next()
    {
        return Err(client(format!(
            "The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '{name}'."
        )));
    }
    Ok(())
}

fn check_environment_files(container: &Map<String, Value>) -> Result<(), Fault> {
    let files = container.get("environmentFiles").and_then(Value::as_array);
    let files = files.map_or(&[][..], Vec::as_slice);
    if files.len() > MOST_ENVIRONMENT_FILES {
        return Err(client(format!(
            "A container can have at most {MOST_ENVIRONMENT_FILES} environment files."
        )));
    }
    for file in files {
        let value = file["value"].as_str().unwrap_or_default();
        if file["type"] != "s3" || !value.contains(":s3:::") || !value.ends_with(".env") {
            return Err(client(format!(
                "The environment file '{value}' must be of type s3 and the ARN of an object whose name ends in .env."
            )));
        }
    }
    Ok(())
}

/// What one container waits for.
pub struct Dependency<'a> {
    pub container: &'a str,
    pub condition: &'a str,
}

pub fn dependencies(container: &Value) -> impl Iterator<Item = Dependency<'_>> {
    let list = container["dependsOn"].as_array();
    list.into_iter().flatten().map(|item| Dependency {
        container: item["containerName"].as_str().unwrap_or_default(),
        condition: item["condition"].as_str().unwrap_or_default(),
    })
}

/// Who waits for whom must make sense, and must not go in a circle (the API model's ContainerDependency).
pub fn check_dependencies(containers: &[Value]) -> Result<(), Fault> {
    let find = |name: &str| containers.iter().find(|other| other["name"] == name);
    for container in containers {
        let name = container["name"].as_str().unwrap_or_default();
        for Dependency {
            container: other,
            condition,
        } in dependencies(container)
        {
            let Some(found) = find(other) else {
                return Err(client(format!(
                    "Container '{name}' depends on container '{other}', which is not in the task definition."
                )));
            };
            let refusal = match condition {
                "START" => None,
                "COMPLETE" | "SUCCESS" if found["essential"] != false => {
                    Some("can't be set on an essential container")
                }
                "COMPLETE" | "SUCCESS" => None,
                "HEALTHY" if !found["healthCheck"].is_object() => {
                    Some("requires that the container has a health check")
                }
                "HEALTHY" => None,
                _ => Some("is none of START, COMPLETE, SUCCESS, HEALTHY"),
            };
            if let Some(refusal) = refusal {
                return Err(client(format!(
                    "Container '{name}' depends on container '{other}' with the condition {condition}, which {refusal}."
                )));
            }
        }
    }
    // Containers whose dependencies are all settled, until no more are.
    let mut settled = BTreeSet::new();
    loop {
        let before = settled.len();
        for container in containers {
            if dependencies(container).all(|wanted| settled.contains(wanted.container)) {
                settled.insert(container["name"].as_str().unwrap_or_default());
            }
        }
        if settled.len() == containers.len() {
            return Ok(());
        }
        if settled.len() == before {
            return Err(client(
                "The container dependencies of the task definition go in a circle.",
            ));
        }
    }
}
