//! What is a task? Containers that run together, with a network interface of their own.

use std::net::Ipv4Addr;

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    container_start::ContainerHealth,
    deployment::actual_platform,
    request::tag_list,
    service_settings::{LoadBalancing, Registry},
};
use crate::sandbox::{clock::Moment, tags::Tags, task_outcome::TaskOutcome};

/// How far a task is, in the order of its life.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum TaskState {
    Provisioning,
    Pending,
    Running,
    /// Its targets drain.
    Deactivating,
    Stopping,
    /// Its interface goes.
    Deprovisioning,
    Stopped,
}

impl TaskState {
    pub fn is_pending(self) -> bool {
        self < Self::Running
    }

    pub fn is_running(self) -> bool {
        self == Self::Running
    }

    fn text(self) -> &'static str {
        match self {
            Self::Provisioning => "PROVISIONING",
            Self::Pending => "PENDING",
            Self::Running => "RUNNING",
            Self::Deactivating => "DEACTIVATING",
            Self::Stopping => "STOPPING",
            Self::Deprovisioning => "DEPROVISIONING",
            Self::Stopped => "STOPPED",
        }
    }
}

#[derive(Clone, Debug, Serialize)]
pub struct Task {
    pub arn: String,
    pub id: String,
    /// ARNs.
    pub cluster: String,
    pub service: Option<String>,
    pub service_name: String,
    pub task_definition: String,
    pub deployment: String,
    pub state: TaskState,
    /// Whether it is to run, or to stop.
    pub is_wanted: bool,
    pub platform_version: String,
    /// None: by the launch type.
    pub capacity_provider: Option<String>,
    /// As the task's attribute writes it.
    pub cpu_architecture: &'static str,
    /// GiB.
    pub ephemeral_storage: i64,
    pub cpu: String,
    pub memory: String,
    pub zone: String,
    pub interface: Interface,
    pub containers: Vec<Container>,
    pub load_balancers: Vec<LoadBalancing>,
    pub registries: Vec<Registry>,
    pub enables_execute_command: bool,
    pub tags: Tags,
    pub created: Moment,
    pub pull_started: Option<Moment>,
    pub started: Option<Moment>,
    pub stopping: Option<Moment>,
    pub stopped: Option<Moment>,
    pub stop: Option<Stop>,
    /// Changes with each change of state.
    pub version: u64,
}

/// Why a task stopped.
#[derive(Clone, Debug, Serialize)]
pub struct Stop {
    pub code: &'static str,
    pub reason: String,
}

/// The interface as it was made; what a stopped task shows of it stays.
#[derive(Clone, Debug, Serialize)]
pub struct Interface {
    pub attachment_id: String,
    pub id: String,
    pub subnet_id: String,
    pub mac_address: String,
    pub private_dns_name: String,
    pub private_ip: Ipv4Addr,
    pub public_ip: Option<String>,
}

#[derive(Clone, Debug, Serialize)]
pub struct Container {
    pub arn: String,
    pub name: String,
    pub image: String,
    pub runtime_id: String,
    pub cpu: i64,
    pub is_essential: bool,
    pub ports: Vec<i64>,
    pub exit_code: Option<i64>,
    pub reason: Option<String>,
    /// Of the image that was pulled.
    pub image_digest: Option<String>,
    pub outcome: TaskOutcome,
    /// What it writes when it starts.
    pub says: Vec<String>,
    /// Whether its definition has a health check.
    pub checks_health: bool,
    /// Until the check says so for the first time, at AWS's own speed.
    pub seconds_to_health: u64,
    pub health: ContainerHealth,
}

impl Task {
    pub fn to_value(&self, shows_tags: bool) -> Value {
        let containers: Value = self
            .containers
            .iter()
            .map(|container| self.container_to_value(container))
            .collect();
        let storage = json!({"sizeInGiB": self.ephemeral_storage});
        let mut value = Map::from_iter([
            ("taskArn".to_owned(), json!(self.arn)),
            ("clusterArn".to_owned(), json!(self.cluster)),
            ("taskDefinitionArn".to_owned(), json!(self.task_definition)),
            (
                "group".to_owned(),
                json!(format!("service:{}", self.service_name)),
            ),
            ("startedBy".to_owned(), json!(self.deployment)),
            ("lastStatus".to_owned(), json!(self.state.text())),
            (
                "desiredStatus".to_owned(),
                json!(if self.is_wanted { "RUNNING" } else { "STOPPED" }),
            ),
            ("availabilityZone".to_owned(), json!(self.zone)),
            ("launchType".to_owned(), json!("FARGATE")),
            (
                "platformVersion".to_owned(),
                json!(actual_platform(&self.platform_version)),
            ),
            ("platformFamily".to_owned(), json!("Linux")),
            ("cpu".to_owned(), json!(self.cpu)),
            ("memory".to_owned(), json!(self.memory)),
            ("ephemeralStorage".to_owned(), storage.clone()),
            ("fargateEphemeralStorage".to_owned(), storage),
            (
                "enableExecuteCommand".to_owned(),
                json!(self.enables_execute_command),
            ),
            ("healthStatus".to_owned(), json!(self.health().text())),
            ("attachments".to_owned(), json!([self.attachment()])),
            (
                "attributes".to_owned(),
                json!([{"name": "ecs.cpu-architecture", "value": self.cpu_architecture}]),
            ),
            ("containers".to_owned(), containers),
            ("overrides".to_owned(), self.overrides()),
            (
                "tags".to_owned(),
                if shows_tags {
                    tag_list(&self.tags)
                } else {
                    json!([])
                },
            ),
            ("version".to_owned(), json!(self.version)),
            ("createdAt".to_owned(), json!(self.created.seconds())),
        ]);
        let moments = [
            ("pullStartedAt", self.pull_started),
            ("pullStoppedAt", self.started),
            ("connectivityAt", self.pull_started),
            ("startedAt", self.started),
            ("stoppingAt", self.stopping),
            (
                "executionStoppedAt",
                self.stopped.and(self.started).and(self.stopping),
            ),
            ("stoppedAt", self.stopped),
        ];
        for (name, moment) in moments {
            if let Some(moment) = moment {
                value.insert(name.to_owned(), json!(moment.seconds()));
            }
        }
        if self.pull_started.is_some() {
            value.insert("connectivity".to_owned(), json!("CONNECTED"));
        }
        if let Some(provider) = &self.capacity_provider {
            value.insert("capacityProviderName".to_owned(), json!(provider));
        }
        if let Some(stop) = &self.stop {
            value.insert("stopCode".to_owned(), json!(stop.code));
            value.insert("stoppedReason".to_owned(), json!(stop.reason));
        }
        value.into()
    }

    fn attachment(&self) -> Value {
        let interface = &self.interface;
        let status = match self.state {
            TaskState::Provisioning => "PRECREATED",
            TaskState::Stopped => "DELETED",
            _ => "ATTACHED",
        };
        json!({
            "id": interface.attachment_id,
            "type": "ElasticNetworkInterface",
            "status": status,
            "details": [
                {"name": "subnetId", "value": interface.subnet_id},
                {"name": "networkInterfaceId", "value": interface.id},
                {"name": "macAddress", "value": interface.mac_address},
                {"name": "privateDnsName", "value": interface.private_dns_name},
                {"name": "privateIPv4Address", "value": interface.private_ip},
            ],
        })
    }

    fn overrides(&self) -> Value {
        let containers: Value = self
            .containers
            .iter()
            .map(|container| json!({"name": container.name}))
            .collect();
        json!({"containerOverrides": containers, "inferenceAcceleratorOverrides": []})
    }

    fn container_to_value(&self, container: &Container) -> Value {
        let status = match self.state {
            TaskState::Provisioning | TaskState::Pending => "PENDING",
            _ if container.exit_code.is_some() => "STOPPED",
            TaskState::Running | TaskState::Deactivating | TaskState::Stopping => "RUNNING",
            TaskState::Deprovisioning | TaskState::Stopped => "STOPPED",
        };
        let mut value = json!({
            "containerArn": container.arn,
            "taskArn": self.arn,
            "name": container.name,
            "image": container.image,
            "lastStatus": status,
            "networkBindings": [],
            "networkInterfaces": [{
                "attachmentId": self.interface.attachment_id,
                "privateIpv4Address": self.interface.private_ip,
            }],
            "healthStatus": container.health.text(),
            "cpu": container.cpu.to_string(),
        });
        if let Some(digest) = &container.image_digest {
            value["imageDigest"] = json!(digest);
        }
        if self.started.is_some() {
            value["runtimeId"] = json!(container.runtime_id);
        }
        if self.enables_execute_command && self.started.is_some() {
            value["managedAgents"] = json!([{"name": "ExecuteCommandAgent", "lastStatus": status}]);
        }
        if let Some(code) = container.exit_code {
            value["exitCode"] = json!(code);
        }
        if let Some(reason) = &container.reason {
            value["reason"] = json!(reason);
        }
        value
    }

    /// The container that listens on a port.
    pub fn listener(&self, port: i64) -> Option<&str> {
        self.containers
            .iter()
            .find(|container| container.exit_code.is_none() && container.ports.contains(&port))
            .map(|container| container.name.as_str())
    }

    /// Whether one of its containers was told to end up so.
    pub fn is_to_be(&self, outcome: TaskOutcome) -> bool {
        self.containers
            .iter()
            .any(|container| container.outcome == outcome)
    }

    /// Whether its containers still answer; those that only run to their end don't count.
    pub fn is_up(&self) -> bool {
        matches!(self.state, TaskState::Running | TaskState::Deactivating)
            && self
                .containers
                .iter()
                .all(|container| !container.is_essential || container.exit_code.is_none())
    }
}
