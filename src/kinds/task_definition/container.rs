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
    environment: BTreeMap<String, Confidential>,
    entry_point: Vec<String>,
    command: Vec<String>,
    log_options: Option<BTreeMap<String, String>>,
}

/// How the absence of something reads in a plan.
pub(super) const NONE: &str = "(none)";
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
        if old != new {
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
    let some = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    Ok(api::ContainerDefinition::builder()
        .name(&wanted.name)
        .image(&wanted.image)
        .essential(wanted.essential)
        .set_port_mappings(Some(ports.collect()))
        .set_environment(Some(environment.collect::<Result<_, CallError>>()?))
        .set_entry_point(some(&wanted.entry_point))
        .set_command(some(&wanted.command))
        .set_log_configuration(logs)
        .build())
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
