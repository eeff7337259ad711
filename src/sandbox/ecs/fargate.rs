//! Which sizes and platforms of tasks does Fargate run?

use std::ops::RangeInclusive;

use serde_json::{Map, Value};

use super::request::client;
use crate::sandbox::fault::Fault;

const GIB: u64 = 1024;

/// GiB that a task can ask for; without asking it has 20 (the API model's EphemeralStorage).
const STORAGE: RangeInclusive<i64> = 21..=200;
const ARCHITECTURES: [&str; 2] = ["X86_64", "ARM64"];

/// Processor, operating system, storage.
pub fn check_platform(definition: &Map<String, Value>) -> Result<(), Fault> {
    let size = definition
        .get("ephemeralStorage")
        .map(|storage| &storage["sizeInGiB"]);
    if size.is_some_and(|size| !size.as_i64().is_some_and(|size| STORAGE.contains(&size))) {
        return Err(client(format!(
            "Invalid setting for ephemeral storage. It must be between {} and {} GiB.",
            STORAGE.start(),
            STORAGE.end()
        )));
    }
    let Some(platform) = definition.get("runtimePlatform") else {
        return Ok(());
    };
    let architecture = platform["cpuArchitecture"].as_str();
    let system = platform["operatingSystemFamily"].as_str();
    let is_known = architecture.is_none_or(|name| ARCHITECTURES.contains(&name))
        && system.is_none_or(|name| name == "LINUX" || name.starts_with("WINDOWS_SERVER_"));
    if !is_known {
        return Err(client(
            "Invalid 'runtimePlatform' setting for task definition.",
        ));
    }
    if architecture == Some("ARM64") && system.is_some_and(|name| name != "LINUX") {
        return Err(client(
            "The CPU architecture ARM64 is only supported with the operating system family LINUX.",
        ));
    }
    Ok(())
}

/// CPU units in thousandths of 1024, as ECS takes them: `256` or `.25 vCPU`.
pub fn cpu_units(text: &str) -> Option<u64> {
    units(text, "vcpu")
}

/// MiB: `512` or `0.5GB`.
pub fn memory_mib(text: &str) -> Option<u64> {
    units(text, "gb")
}

fn units(text: &str, unit: &str) -> Option<u64> {
    let lower = text.to_lowercase();
    match lower.strip_suffix(unit) {
        // 0.25 to 16 times 1024 fits exactly.
        Some(number) => number
            .trim()
            .parse::<f64>()
            .ok()
            .map(|number| (number * 1024.0) as u64),
        None => lower.trim().parse().ok(),
    }
}

fn memory_choices(cpu: u64) -> Vec<u64> {
    let steps = |from: u64, to: u64, step: u64| {
        (from..=to)
            .step_by(step as usize)
            .map(|gib| gib * GIB)
            .collect()
    };
    match cpu {
        256 => vec![512, GIB, 2 * GIB],
        512 => steps(1, 4, 1),
        1024 => steps(2, 8, 1),
        2048 => steps(4, 16, 1),
        4096 => steps(8, 30, 1),
        8192 => steps(16, 60, 4),
        16384 => steps(32, 120, 8),
        _ => Vec::new(),
    }
}

/// Only certain pairs of CPU and memory exist (aws-behaviour §2.17).
pub fn check_size(definition: &Value) -> Result<(), Fault> {
    let given = |name: &str| {
        definition[name].as_str().ok_or_else(|| {
            client(format!(
                "Fargate requires that '{name}' be defined at the task level."
            ))
        })
    };
    let (cpu, memory) = (given("cpu")?, given("memory")?);
    let is_choice = cpu_units(cpu)
        .zip(memory_mib(memory))
        .is_some_and(|(cpu, memory)| memory_choices(cpu).contains(&memory));
    if is_choice {
        return Ok(());
    }
    Err(client(format!(
        "No Fargate configuration exists for given values: {cpu} CPU, {memory} memory. See the Amazon ECS documentation for the valid values."
    )))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_certain_pairs_exist() {
        for (cpu, memory, exists) in [
            ("256", "512", true),
            ("256", "2048", true),
            ("256", "3072", false),
            (".25 vCPU", "0.5GB", true),
            ("4096", "30720", true),
            ("4096", "31744", false),
            ("8192", "17408", false),
            ("300", "512", false),
        ] {
            let definition = json!({"cpu": cpu, "memory": memory});
            assert_eq!(check_size(&definition).is_ok(), exists, "{cpu} {memory}");
        }
        assert!(check_size(&json!({"cpu": "256"})).is_err());
    }
}
