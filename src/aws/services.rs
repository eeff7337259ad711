//! What does ECS say of its services? Counts, deployments and events, for somebody who looks at them.

use std::collections::BTreeMap;

use aws_sdk_ecs::types as api;
use futures::future::try_join_all;
use serde::Serialize;

use super::{Aws, Moment, send};
use crate::resource::CallError;

/// DescribeServices takes this many names per call, all of one cluster (the API model's DescribeServicesRequest).
const SERVICES_PER_CALL: usize = 10;

/// One service as ECS tells it.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceNow {
    /// Its name in ECS.
    pub name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub status: String,
    /// How many tasks ECS keeps.
    pub desired: i32,
    /// How many run.
    pub running: i32,
    /// How many are on their way.
    pub pending: i32,
    /// When it was made.
    pub created_at: Option<Moment>,
    /// Whether the tasks that it starts from now on take commands.
    pub execute_command: bool,
    /// The newest first.
    pub deployments: Vec<DeploymentNow>,
    /// The newest first; ECS keeps 100.
    #[serde(skip)]
    pub events: Vec<ServiceEvent>,
}

/// One deployment of a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct DeploymentNow {
    /// `ecs-svc/…`.
    pub id: String,
    /// `PRIMARY`, `ACTIVE` or `INACTIVE`.
    pub status: String,
    /// `IN_PROGRESS`, `COMPLETED` or `FAILED`.
    pub rollout_state: Option<String>,
    /// `family:revision`.
    pub task_definition: String,
    /// How many tasks it is to have.
    pub desired: i32,
    /// How many run.
    pub running: i32,
    /// How many are on their way.
    pub pending: i32,
    /// How many failed in a row.
    pub failed: i32,
    /// When it began.
    pub created_at: Option<Moment>,
}

/// Something that ECS said about a service.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ServiceEvent {
    /// ECS's own.
    pub id: String,
    /// When.
    pub at: Option<Moment>,
    /// What, without the service's name before it.
    pub message: String,
}

impl ServiceNow {
    /// The deployment that ECS works towards.
    pub fn primary(&self) -> Option<&DeploymentNow> {
        self.deployments
            .iter()
            .find(|deployment| deployment.status == "PRIMARY")
    }
}

/// The services of these ARNs by them; one that is gone is missing. `services` are pairs of a cluster's ARN and a service's.
pub async fn services_now(
    aws: &Aws,
    services: impl IntoIterator<Item = (&str, &str)>,
) -> Result<BTreeMap<String, ServiceNow>, CallError> {
    let mut clusters: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (cluster, arn) in services {
        clusters.entry(cluster).or_default().push(arn);
    }
    let calls = clusters.iter().flat_map(|(cluster, arns)| {
        arns.chunks(SERVICES_PER_CALL)
            .map(|some| describe(aws, cluster, some))
    });
    let found = try_join_all(calls).await?.into_iter().flatten();
    Ok(found
        .filter(|service| service.status() != Some("INACTIVE"))
        .map(|service| {
            (
                service.service_arn.clone().unwrap_or_default(),
                now(service),
            )
        })
        .collect())
}

async fn describe(aws: &Aws, cluster: &str, arns: &[&str]) -> Result<Vec<api::Service>, CallError> {
    let names = arns.iter().map(|arn| (*arn).to_owned()).collect();
    let call = aws
        .ecs
        .describe_services()
        .cluster(cluster)
        .set_services(Some(names));
    match send("ecs:DescribeServices", call.send()).await {
        Ok(answer) => Ok(answer.services.unwrap_or_default()),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

fn now(service: api::Service) -> ServiceNow {
    let name = service.service_name.unwrap_or_default();
    let prefix = format!("(service {name}) ");
    ServiceNow {
        status: service.status.unwrap_or_default(),
        desired: service.desired_count,
        running: service.running_count,
        pending: service.pending_count,
        created_at: service.created_at.map(Moment::from),
        execute_command: service.enable_execute_command,
        deployments: service
            .deployments
            .unwrap_or_default()
            .into_iter()
            .map(deployment)
            .collect(),
        events: service
            .events
            .unwrap_or_default()
            .into_iter()
            .map(|event| {
                let message = event.message.unwrap_or_default();
                ServiceEvent {
                    id: event.id.unwrap_or_default(),
                    at: event.created_at.map(Moment::from),
                    message: message.strip_prefix(&prefix).unwrap_or(&message).to_owned(),
                }
            })
            .collect(),
        name,
    }
}

fn deployment(deployment: api::Deployment) -> DeploymentNow {
    let definition = deployment.task_definition.unwrap_or_default();
    DeploymentNow {
        id: deployment.id.unwrap_or_default(),
        status: deployment.status.unwrap_or_default(),
        rollout_state: deployment
            .rollout_state
            .map(|state| state.as_str().to_owned()),
        task_definition: definition.rsplit('/').next().unwrap_or_default().to_owned(),
        desired: deployment.desired_count,
        running: deployment.running_count,
        pending: deployment.pending_count,
        failed: deployment.failed_tasks,
        created_at: deployment.created_at.map(Moment::from),
    }
}
