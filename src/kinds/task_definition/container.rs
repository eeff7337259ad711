//! One container of a task definition: what the stack wants of it, and how does that compare with AWS's form of it?

use std::collections::{BTreeMap, BTreeSet};

use aws_sdk_ecs::types as api;
use serde::{Deserialize, Serialize};

use crate::kinds::log_group::LogGroup;
use crate::resource::{CallError, Change, Confidential, Effect, Ref};

/// One container of a task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ContainerDefinition {
    /// Unique in the task.
    pub name: String,
    /// Image reference.
    pub image: String,
    /// Whether the task stops when it does.
    pub essential: bool,
    /// Where it listens.
    pub port_mappings: Vec<PortMapping>,
    /// Environment variables. Users put secrets there, so values are neither recorded nor shown.
    pub environment: BTreeMap<String, Confidential>,
    /// Variable → name or ARN of what holds its value. ECS reads it when a task starts; navi never does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, String>,
    /// ARNs of objects in S3; of a variable that several set, the first file's counts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub environment_files: Vec<String>,
    /// Containers of the task that must be so far before this one starts.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub depends_on: Vec<ContainerDependency>,
    /// `None`: ECS does not look.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health_check: Option<ContainerHealthCheck>,
    /// `None`: AWS's own 30 s.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop_timeout_seconds: Option<u32>,
    /// Empty: the image's own.
    pub entry_point: Vec<String>,
    /// Empty: the image's own.
    pub command: Vec<String>,
    /// `None`: what it writes is not kept.
    pub log_configuration: Option<LogConfiguration>,
}

/// A port that a container listens on. In `awsvpc` the host port is the same.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct PortMapping {
    /// The port.
    pub container_port: u16,
    /// The protocol.
    pub protocol: Protocol,
}

/// The protocol of a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
}

/// A container that another one of the task waits for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ContainerDependency {
    /// Its name.
    pub container_name: String,
    /// How far it must be.
    pub condition: DependencyCondition,
}

/// How far a container must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum DependencyCondition {
    /// Started.
    Start,
    /// Ended.
    Complete,
    /// Ended with 0.
    Success,
    /// Its health check passed.
    Healthy,
}

/// How ECS looks whether a container is well.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ContainerHealthCheck {
    /// `CMD` or `CMD-SHELL` first.
    pub command: Vec<String>,
    /// Between two checks.
    pub interval_seconds: u32,
    /// For one check.
    pub timeout_seconds: u32,
    /// Failed checks until it counts as unhealthy.
    pub retries: u32,
    /// How long after the start they do not count.
    pub start_period_seconds: u32,
}

/// Where a container's output goes: the driver `awslogs`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LogConfiguration {
    /// `Ref::exists`: without the group the task stops (aws-behaviour §1 row 28).
    pub log_group: Ref<LogGroup>,
    /// The group's name. Written out, so that a group made anew under its name needs no new revision.
    pub group: String,
    /// The group's region.
    pub region: String,
    /// How the names of its streams begin.
    pub stream_prefix: String,
}

/// One container as AWS has it, without what AWS fills in (aws-behaviour §2.17, drift).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ContainerObserved {
    /// Image reference.
    pub image: String,
    essential: bool,
    port_mappings: BTreeSet<PortMapping>,
    pub(super) environment: BTreeMap<String, Confidential>,
    secrets: BTreeMap<String, String>,
    environment_files: Vec<String>,
    depends_on: BTreeSet<ContainerDependency>,
    /// As AWS fills it in.
    pub(super) health_check: Option<ContainerHealthCheck>,
    stop_timeout_seconds: u32,
    entry_point: Vec<String>,
    command: Vec<String>,
    log_options: Option<BTreeMap<String, String>>,
}

/// How the absence of something reads in a plan.
pub(super) const NONE: &str = "(none)";
/// How long Fargate waits before it kills a container (the API model's ContainerDefinition).
const DEFAULT_STOP_TIMEOUT_SECONDS: u32 = 30;
/// Stands for a value that may be a secret.
const SET: &str = "(set, not shown)";

/// Notes what differs between a container and the one of the same name that AWS has.
pub(super) fn compare_container(
    change: &mut Change,
    seen: Option<&ContainerObserved>,
    wanted: &ContainerDefinition,
) {
    let field = |part: &str| format!("containers.{}{part}", wanted.name);
    let Some(seen) = seen else {
        change.note(
            &field(""),
            NONE.to_owned(),
            wanted.image.clone(),
            Effect::InPlace,
        );
        return;
    };
    let ports: BTreeSet<_> = wanted.port_mappings.iter().cloned().collect();
    let logs = wanted
        .log_configuration
        .as_ref()
        .map(LogConfiguration::options);
    change.field(
        &field(".image"),
        &seen.image,
        &wanted.image,
        Effect::InPlace,
    );
    change.field(
        &field(".essential"),
        &seen.essential,
        &wanted.essential,
        Effect::InPlace,
    );
    change.field(
        &field(".port_mappings"),
        &seen.port_mappings,
        &ports,
        Effect::InPlace,
    );
    compare_environment(
        change,
        &field(".environment"),
        &seen.environment,
        &wanted.environment,
    );
    compare_secrets(change, &field(".secrets"), &seen.secrets, &wanted.secrets);
    change.field(
        &field(".environment_files"),
        &seen.environment_files,
        &wanted.environment_files,
        Effect::InPlace,
    );
    change.field(
        &field(".depends_on"),
        &seen.depends_on,
        &wanted.depends_on.iter().cloned().collect(),
        Effect::InPlace,
    );
    change.field(
        &field(".health_check"),
        &seen.health_check,
        &wanted.health_check,
        Effect::InPlace,
    );
    change.field(
        &field(".stop_timeout_seconds"),
        &seen.stop_timeout_seconds,
        &wanted
            .stop_timeout_seconds
            .unwrap_or(DEFAULT_STOP_TIMEOUT_SECONDS),
        Effect::InPlace,
    );
    change.field(
        &field(".entry_point"),
        &seen.entry_point,
        &wanted.entry_point,
        Effect::InPlace,
    );
    change.field(
        &field(".command"),
        &seen.command,
        &wanted.command,
        Effect::InPlace,
    );
    change.field(
        &field(".log_configuration"),
        &seen.log_options,
        &logs,
        Effect::InPlace,
    );
}

/// Compares the values without ever showing one.
fn compare_environment(
    change: &mut Change,
    field: &str,
    seen: &BTreeMap<String, Confidential>,
    wanted: &BTreeMap<String, Confidential>,
) {
    let names: BTreeSet<_> = seen.keys().chain(wanted.keys()).collect();
    for name in names {
        let (old, new) = (seen.get(name), wanted.get(name));
        // A record holds no values: whether somebody changed one can't be told from it.
        let is_withheld = old.is_some() && new.is_some_and(|value| value.reveal().is_none());
        if old != new && !is_withheld {
            let shown = |value: Option<_>| if value.is_some() { SET } else { NONE }.to_owned();
            change.note(
                &format!("{field}.{name}"),
                shown(old),
                shown(new),
                Effect::InPlace,
            );
        }
    }
}

/// Where a value is kept is no secret.
fn compare_secrets(
    change: &mut Change,
    field: &str,
    seen: &BTreeMap<String, String>,
    wanted: &BTreeMap<String, String>,
) {
    let names: BTreeSet<_> = seen.keys().chain(wanted.keys()).collect();
    for name in names {
        let (old, new) = (seen.get(name), wanted.get(name));
        if old != new {
            let shown =
                |value: Option<&String>| value.map_or_else(|| NONE.to_owned(), Clone::clone);
            change.note(
                &format!("{field}.{name}"),
                shown(old),
                shown(new),
                Effect::InPlace,
            );
        }
    }
}

impl DependencyCondition {
    fn from_aws(condition: &api::ContainerCondition) -> Option<Self> {
        match condition {
            api::ContainerCondition::Start => Some(DependencyCondition::Start),
            api::ContainerCondition::Complete => Some(DependencyCondition::Complete),
            api::ContainerCondition::Success => Some(DependencyCondition::Success),
            api::ContainerCondition::Healthy => Some(DependencyCondition::Healthy),
            _ => None,
        }
    }

    fn for_aws(self) -> api::ContainerCondition {
        match self {
            DependencyCondition::Start => api::ContainerCondition::Start,
            DependencyCondition::Complete => api::ContainerCondition::Complete,
            DependencyCondition::Success => api::ContainerCondition::Success,
            DependencyCondition::Healthy => api::ContainerCondition::Healthy,
        }
    }
}

impl LogConfiguration {
    fn options(&self) -> BTreeMap<String, String> {
        [
            ("awslogs-group", &self.group),
            ("awslogs-region", &self.region),
            ("awslogs-stream-prefix", &self.stream_prefix),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.clone()))
        .collect()
    }
}

/// A container as AWS takes it.
pub(super) fn container_definition(
    wanted: &ContainerDefinition,
) -> Result<api::ContainerDefinition, CallError> {
    let ports = wanted.port_mappings.iter().map(|mapping| {
        api::PortMapping::builder()
            .container_port(mapping.container_port.into())
            .host_port(mapping.container_port.into())
            .protocol(match mapping.protocol {
                Protocol::Tcp => api::TransportProtocol::Tcp,
                Protocol::Udp => api::TransportProtocol::Udp,
            })
            .build()
    });
    let environment = wanted.environment.iter().map(|(name, value)| {
        let value = value.reveal().ok_or_else(|| {
            CallError::local(
                "ecs:RegisterTaskDefinition",
                format!(
                    "the value of {name} of container {} is in no record and must come from the stack \
                     file; this is a defect of navi",
                    wanted.name
                ),
            )
        })?;
        Ok(api::KeyValuePair::builder().name(name).value(value).build())
    });
    let logs = wanted.log_configuration.as_ref().map(|logs| {
        api::LogConfiguration::builder()
            .log_driver(api::LogDriver::Awslogs)
            .set_options(Some(logs.options().into_iter().collect()))
            .build()
            .expect("its required member is set")
    });
    let secrets = wanted.secrets.iter().map(|(name, source)| {
        api::Secret::builder()
            .name(name)
            .value_from(source)
            .build()
            .expect("its required members are set")
    });
    let files = wanted.environment_files.iter().map(|arn| {
        api::EnvironmentFile::builder()
            .value(arn)
            .r#type(api::EnvironmentFileType::S3)
            .build()
            .expect("its required members are set")
    });
    let dependencies = wanted.depends_on.iter().map(|dependency| {
        api::ContainerDependency::builder()
            .container_name(&dependency.container_name)
            .condition(dependency.condition.for_aws())
            .build()
            .expect("its required members are set")
    });
    let check = wanted.health_check.as_ref().map(|check| {
        api::HealthCheck::builder()
            .set_command(Some(check.command.clone()))
            .interval(signed(check.interval_seconds))
            .timeout(signed(check.timeout_seconds))
            .retries(signed(check.retries))
            // By default it is off (the API model), and 0 says the same.
            .set_start_period(
                Some(check.start_period_seconds)
                    .filter(|period| *period > 0)
                    .map(signed),
            )
            .build()
            .expect("its required member is set")
    });
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    Ok(api::ContainerDefinition::builder()
        .name(&wanted.name)
        .image(&wanted.image)
        .essential(wanted.essential)
        .set_port_mappings(Some(ports.collect()))
        .set_environment(Some(environment.collect::<Result<_, CallError>>()?))
        .set_secrets(filled(secrets.collect()))
        .set_environment_files(filled(files.collect()))
        .set_depends_on(filled(dependencies.collect()))
        .set_health_check(check)
        .set_stop_timeout(wanted.stop_timeout_seconds.map(signed))
        .set_entry_point(some(&wanted.entry_point))
        .set_command(some(&wanted.command))
        .set_log_configuration(logs)
        .build())
}

/// Nothing for an empty list.
fn filled<T>(list: Vec<T>) -> Option<Vec<T>> {
    Some(list).filter(|list| !list.is_empty())
}

/// The stack file's check keeps these numbers within AWS's ranges, far below `i32::MAX`.
fn signed(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}

/// The number that AWS answers, or the one that it means by none.
fn unsigned(value: Option<i32>, default: u32) -> u32 {
    value
        .and_then(|value| u32::try_from(value).ok())
        .unwrap_or(default)
}

/// A container as AWS answers it.
pub(super) fn observe_container(container: api::ContainerDefinition) -> ContainerObserved {
    let ports = container.port_mappings.unwrap_or_default();
    let environment = container.environment.unwrap_or_default();
    ContainerObserved {
        image: container.image.unwrap_or_default(),
        essential: container.essential.unwrap_or(true),
        port_mappings: ports.iter().filter_map(port_mapping).collect(),
        environment: environment
            .into_iter()
            .filter_map(|pair| {
                Some((
                    pair.name?,
                    Confidential::from(pair.value.unwrap_or_default()),
                ))
            })
            .collect(),
        secrets: container
            .secrets
            .unwrap_or_default()
            .into_iter()
            .map(|secret| (secret.name, secret.value_from))
            .collect(),
        environment_files: container
            .environment_files
            .unwrap_or_default()
            .into_iter()
            .map(|file| file.value)
            .collect(),
        depends_on: container
            .depends_on
            .unwrap_or_default()
            .into_iter()
            .filter_map(|dependency| {
                Some(ContainerDependency {
                    condition: DependencyCondition::from_aws(&dependency.condition)?,
                    container_name: dependency.container_name,
                })
            })
            .collect(),
        health_check: container.health_check.map(|check| ContainerHealthCheck {
            command: check.command,
            // What AWS means where it answers none (the API model's HealthCheck).
            interval_seconds: unsigned(check.interval, 30),
            timeout_seconds: unsigned(check.timeout, 5),
            retries: unsigned(check.retries, 3),
            start_period_seconds: unsigned(check.start_period, 0),
        }),
        stop_timeout_seconds: unsigned(container.stop_timeout, DEFAULT_STOP_TIMEOUT_SECONDS),
        entry_point: container.entry_point.unwrap_or_default(),
        command: container.command.unwrap_or_default(),
        log_options: container
            .log_configuration
            .map(|logs| logs.options.unwrap_or_default().into_iter().collect()),
    }
}

fn port_mapping(seen: &api::PortMapping) -> Option<PortMapping> {
    Some(PortMapping {
        container_port: u16::try_from(seen.container_port?).ok()?,
        protocol: match seen.protocol {
            Some(api::TransportProtocol::Udp) => Protocol::Udp,
            _ => Protocol::Tcp,
        },
    })
}
