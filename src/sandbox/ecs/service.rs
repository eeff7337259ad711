//! What is a service? So many tasks of a kind, kept running.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    capacity::{Share, to_list},
    deployment::Deployment,
    request::{includes, invalid, missing, page, tag_list},
    state::Ecs,
    task::TaskState,
};
use crate::sandbox::{call::Call, clock::Moment, fault::Fault, tags::Tags, world::Context};

/// As many as ECS shows.
const MOST_EVENTS: usize = 100;
const MOST_ASKED: usize = 10;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Status {
    #[serde(rename = "ACTIVE")]
    Active,
    #[serde(rename = "DRAINING")]
    Draining,
    #[serde(rename = "INACTIVE")]
    Inactive,
}

#[derive(Clone, Debug, Serialize)]
pub struct Service {
    pub arn: String,
    pub name: String,
    /// An ARN.
    pub cluster: String,
    pub status: Status,
    pub desired_count: i64,
    /// Shown only without a strategy.
    pub launch_type: String,
    pub strategy: Vec<Share>,
    pub scheduling_strategy: String,
    /// Percentages and circuit breaker, with ECS's defaults.
    pub deployment_configuration: Value,
    pub grace_period: i64,
    pub enables_execute_command: bool,
    pub enables_managed_tags: bool,
    pub propagates_tags: String,
    pub zone_rebalancing: String,
    /// The primary one first.
    pub deployments: Vec<Deployment>,
    #[serde(skip)]
    pub past_deployments: Vec<Deployment>,
    /// The newest first.
    #[serde(skip)]
    pub events: Vec<Event>,
    pub created: Moment,
    /// What it was created with, to know the same request again.
    #[serde(skip)]
    pub request: Value,
    pub tags: Tags,
    /// No task is started until what waits has waited long enough.
    #[serde(skip)]
    pub is_backing_off: bool,
    #[serde(skip)]
    pub is_steady: bool,
    /// After which of the world's changes it was last seen steady.
    #[serde(skip)]
    pub steady_at: u64,
}

#[derive(Clone, Debug, Serialize)]
pub struct Event {
    pub id: String,
    pub at: Moment,
    pub message: String,
}

impl Service {
    pub fn is_active(&self) -> bool {
        self.status == Status::Active
    }

    pub fn to_value(&self, ecs: &Ecs, shows_tags: bool) -> Value {
        let count = |is_counted: fn(TaskState) -> bool| {
            ecs.tasks_of(&self.arn)
                .filter(|task| is_counted(task.state))
                .count()
        };
        let deployments: Value = self
            .deployments
            .iter()
            .enumerate()
            .map(|(index, deployment)| {
                let desired = (index == 0).then_some(self.desired_count);
                deployment.to_value(ecs, self, desired)
            })
            .collect();
        let events: Value = self
            .events
            .iter()
            .map(|event| json!({"id": event.id, "createdAt": event.at.seconds(), "message": event.message}))
            .collect();
        let mut value = json!({
            "serviceArn": self.arn,
            "serviceName": self.name,
            "clusterArn": self.cluster,
            "loadBalancers": [],
            "serviceRegistries": [],
            "status": self.status,
            "desiredCount": self.desired_count,
            "runningCount": count(TaskState::is_running),
            "pendingCount": count(TaskState::is_pending),
            "platformFamily": "Linux",
            "deploymentConfiguration": self.deployment_configuration,
            "deployments": deployments,
            "events": events,
            "createdAt": self.created.seconds(),
            "createdBy": self.account_root(),
            "placementConstraints": [],
            "placementStrategy": [],
            "schedulingStrategy": self.scheduling_strategy,
            "deploymentController": {"type": "ECS"},
            "enableECSManagedTags": self.enables_managed_tags,
            "propagateTags": self.propagates_tags,
            "enableExecuteCommand": self.enables_execute_command,
            "availabilityZoneRebalancing": self.zone_rebalancing,
        });
        match self.strategy.is_empty() {
            true => value["launchType"] = json!(self.launch_type),
            false => value["capacityProviderStrategy"] = to_list(&self.strategy),
        }
        if let Some(members) = value.as_object_mut() {
            self.add_settings(members);
        }
        if shows_tags {
            value["tags"] = tag_list(&self.tags);
        }
        value
    }

    fn add_settings(&self, value: &mut Map<String, Value>) {
        let Some(primary) = self.deployments.first().or(self.past_deployments.last()) else {
            return;
        };
        let settings = &primary.settings;
        let mut insert = |name: &str, member: Value| value.insert(name.to_owned(), member);
        insert("taskDefinition", json!(settings.task_definition));
        insert("platformVersion", json!(settings.platform_version));
        insert(
            "loadBalancers",
            settings
                .load_balancers
                .iter()
                .map(|used| used.to_value())
                .collect(),
        );
        insert(
            "serviceRegistries",
            settings
                .registries
                .iter()
                .map(|used| used.to_value())
                .collect(),
        );
        insert("currentServiceDeployment", json!(primary.arn));
        if let Some(network) = &settings.network {
            insert("networkConfiguration", network.to_value());
            // Tasks with interfaces of their own need the service-linked role (aws-behaviour §2.9).
            let role = "role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS";
            insert(
                "roleArn",
                json!(format!("arn:aws:iam::{}:{role}", self.account())),
            );
        }
        if !settings.load_balancers.is_empty() {
            insert("healthCheckGracePeriodSeconds", json!(self.grace_period));
        }
    }

    fn account(&self) -> &str {
        self.arn.split(':').nth(4).unwrap_or_default()
    }

    fn account_root(&self) -> String {
        format!("arn:aws:iam::{}:user/sandbox", self.account())
    }

    /// `CLUSTER/NAME`, as in the ARNs of what belongs to it.
    pub fn path(&self) -> &str {
        self.arn
            .split_once(":service/")
            .map_or("", |(_, path)| path)
    }
}

/// What the service says happened; the name comes before the message by itself.
pub fn tell(context: &mut Context<'_>, service: &str, message: &str) {
    let id = context.ids.uuid();
    let at = context.now;
    if let Some(service) = context.region.ecs.services.get_mut(service) {
        let message = format!("(service {}) {message}", service.name);
        service.events.insert(0, Event { id, at, message });
        service.events.truncate(MOST_EVENTS);
    }
}

pub fn not_found() -> Fault {
    Fault::new("ServiceNotFoundException", "Service not found.")
}

/// A service that was deleted is still shown for a while, as inactive (aws-behaviour §2.18).
pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let asked = parameters.strings("services");
    if asked.is_empty() {
        return Err(invalid("Services cannot be empty."));
    }
    if asked.len() > MOST_ASKED {
        return Err(invalid(format!(
            "Services cannot be more than {MOST_ASKED}."
        )));
    }
    let shows_tags = includes(&parameters, "TAGS");
    let (mut services, mut failures) = (Vec::new(), Vec::new());
    for id in asked {
        let found = ecs
            .service(&cluster.arn, id)
            .ok()
            .or_else(|| ecs.inactive_service(&cluster.arn, id));
        match found {
            Some(service) => services.push(service.to_value(ecs, shows_tags)),
            None if id.starts_with("arn:") => failures.push(missing(id.to_owned())),
            None => failures.push(missing(
                context.arn("ecs", format_args!("service/{}/{id}", cluster.name)),
            )),
        }
    }
    Ok(json!({"services": services, "failures": failures}))
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let launch_type = parameters.string("launchType");
    let arns = ecs
        .services
        .values()
        .filter(|service| service.cluster == cluster.arn)
        .filter(|service| launch_type.is_none_or(|wanted| service.launch_type == wanted))
        .map(|service| service.arn.clone())
        .collect();
    // Ten by default, unlike the other lists.
    page(&parameters, "serviceArns", arns, 10)
}
