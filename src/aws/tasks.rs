//! Which tasks does an ECS service have, how do they do, and where are they?

use aws_sdk_ecs::types as api;
use futures::future::try_join_all;
use serde::Serialize;

use super::{Aws, Moment, send};
use crate::resource::CallError;

/// DescribeTasks takes this many per call (the API model's DescribeTasksRequest).
const TASKS_PER_CALL: usize = 100;

/// Which tasks of a service are meant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wanted {
    /// Those that ECS keeps, also while they start.
    Running,
    /// Those that stopped within the last hour: ECS forgets them after that (aws-behaviour §2.18).
    Stopped,
}

/// One task, as far as somebody who looks at it wants to know.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Task {
    /// The last part of the ARN; Cloud Map's instances are called so, too.
    pub id: String,
    /// `arn:aws:ecs:…:task/cluster/id`.
    pub arn: String,
    /// `family:revision`.
    pub task_definition: String,
    /// The deployment that started it.
    pub deployment: String,
    /// `PROVISIONING`, `PENDING`, `RUNNING`, … (ECS developer guide, task life cycle).
    pub last_status: String,
    /// `RUNNING` or `STOPPED`.
    pub desired_status: String,
    /// `HEALTHY`, `UNHEALTHY` or `UNKNOWN`, by the containers' own health checks.
    pub health: String,
    /// The zone that it runs in.
    pub availability_zone: Option<String>,
    /// The ID of its subnet.
    pub subnet: Option<String>,
    /// The ID of its network interface.
    #[serde(skip)]
    pub network_interface: Option<String>,
    /// Its address in the VPC.
    pub address: Option<String>,
    /// When ECS began with it.
    pub created_at: Option<Moment>,
    /// When its containers ran.
    pub started_at: Option<Moment>,
    /// When they ended.
    pub stopped_at: Option<Moment>,
    /// Why it stopped, in ECS's words.
    pub stopped_reason: Option<String>,
    /// Whether it was started to take commands.
    pub execute_command: bool,
    /// Its containers, as the definition orders them.
    pub containers: Vec<TaskContainer>,
}

/// One container of a task.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TaskContainer {
    /// The name.
    pub name: String,
    /// The image reference.
    pub image: String,
    /// What the reference named when the task started, `sha256:…`.
    pub image_digest: Option<String>,
    /// `PENDING`, `RUNNING`, `STOPPED`.
    pub last_status: String,
    /// By its own health check.
    pub health: String,
    /// What its main process ended with.
    pub exit_code: Option<i32>,
    /// What ECS says of it.
    pub reason: Option<String>,
    /// Of the agent that takes commands: `PENDING`, `RUNNING`, `STOPPED`; none where there is none.
    pub execute_command_agent: Option<String>,
    /// Why that agent doesn't run, in ECS's words.
    pub execute_command_agent_reason: Option<String>,
    /// By what Systems Manager knows the container.
    pub runtime_id: Option<String>,
}

impl Task {
    /// Whether its containers run and are to go on doing so.
    pub fn is_running(&self) -> bool {
        self.last_status == "RUNNING" && self.desired_status == "RUNNING"
    }
}

/// The tasks of a service, oldest first. None when the service or its cluster is gone.
pub async fn tasks_of(
    aws: &Aws,
    cluster: &str,
    service: &str,
    wanted: Wanted,
) -> Result<Vec<Task>, CallError> {
    let status = match wanted {
        Wanted::Running => api::DesiredStatus::Running,
        Wanted::Stopped => api::DesiredStatus::Stopped,
    };
    let pages = aws
        .ecs
        .list_tasks()
        .cluster(cluster)
        .service_name(service)
        .desired_status(status)
        .into_paginator()
        .items();
    let arns: Vec<String> = match send("ecs:ListTasks", pages.send().collect()).await {
        Ok(arns) => arns,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let calls = arns
        .chunks(TASKS_PER_CALL)
        .map(|some| describe(aws, cluster, some));
    let mut tasks: Vec<Task> = try_join_all(calls).await?.into_iter().flatten().collect();
    tasks.sort_by(|one, other| (one.created_at, &one.id).cmp(&(other.created_at, &other.id)));
    Ok(tasks)
}

/// What ended between the two calls is missing in the answer.
async fn describe(aws: &Aws, cluster: &str, arns: &[String]) -> Result<Vec<Task>, CallError> {
    let call = aws
        .ecs
        .describe_tasks()
        .cluster(cluster)
        .set_tasks(Some(arns.to_vec()));
    let answer = send("ecs:DescribeTasks", call.send()).await?;
    let tasks = answer.tasks.unwrap_or_default();
    Ok(tasks.into_iter().map(task).collect())
}

fn task(task: api::Task) -> Task {
    let last = |text: &str| text.rsplit('/').next().unwrap_or_default().to_owned();
    let detail = |name: &str| {
        let mut details = task.attachments().iter().flat_map(api::Attachment::details);
        details
            .find(|detail| detail.name() == Some(name))
            .and_then(|detail| detail.value.clone())
    };
    let (subnet, address) = (detail("subnetId"), detail("privateIPv4Address"));
    let network_interface = detail("networkInterfaceId");
    let arn = task.task_arn.unwrap_or_default();
    Task {
        id: last(&arn),
        arn,
        task_definition: last(task.task_definition_arn.as_deref().unwrap_or_default()),
        deployment: task.started_by.unwrap_or_default(),
        last_status: task.last_status.unwrap_or_default(),
        desired_status: task.desired_status.unwrap_or_default(),
        health: health(task.health_status),
        availability_zone: task.availability_zone,
        subnet,
        network_interface,
        address,
        created_at: task.created_at.map(Moment::from),
        started_at: task.started_at.map(Moment::from),
        stopped_at: task.stopped_at.map(Moment::from),
        stopped_reason: task.stopped_reason,
        execute_command: task.enable_execute_command,
        containers: task
            .containers
            .unwrap_or_default()
            .into_iter()
            .map(container)
            .collect(),
    }
}

fn container(container: api::Container) -> TaskContainer {
    let agent = container
        .managed_agents()
        .iter()
        .find(|agent| agent.name() == Some(&api::ManagedAgentName::ExecuteCommandAgent));
    TaskContainer {
        execute_command_agent: agent.and_then(|agent| agent.last_status.clone()),
        execute_command_agent_reason: agent.and_then(|agent| agent.reason.clone()),
        name: container.name.unwrap_or_default(),
        image: container.image.unwrap_or_default(),
        image_digest: container.image_digest,
        last_status: container.last_status.unwrap_or_default(),
        health: health(container.health_status),
        exit_code: container.exit_code,
        reason: container.reason,
        runtime_id: container.runtime_id,
    }
}

fn health(status: Option<api::HealthStatus>) -> String {
    status.map_or_else(|| "UNKNOWN".to_owned(), |status| status.as_str().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The shape of the answer of DescribeTasks for a Fargate task (ECS API reference, Task).
    #[test]
    fn a_task_is_told_with_its_address_and_its_agent() {
        let detail =
            |name: &str, value: &str| api::KeyValuePair::builder().name(name).value(value).build();
        let agent = api::ManagedAgent::builder()
            .name(api::ManagedAgentName::ExecuteCommandAgent)
            .last_status("RUNNING")
            .build();
        let seen = task(
            api::Task::builder()
                .task_arn("arn:aws:ecs:ap-northeast-1:123456789012:task/main/0aa1")
                .task_definition_arn(
                    "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:7",
                )
                .last_status("RUNNING")
                .desired_status("RUNNING")
                .attachments(
                    api::Attachment::builder()
                        .r#type("ElasticNetworkInterface")
                        .details(detail("subnetId", "subnet-1"))
                        .details(detail("privateIPv4Address", "10.0.10.7"))
                        .build(),
                )
                .containers(
                    api::Container::builder()
                        .name("web")
                        .managed_agents(agent)
                        .build(),
                )
                .build(),
        );
        assert_eq!(seen.id, "0aa1");
        assert_eq!(seen.task_definition, "web:7");
        assert_eq!(seen.address.as_deref(), Some("10.0.10.7"));
        assert_eq!(seen.subnet.as_deref(), Some("subnet-1"));
        assert_eq!(seen.health, "UNKNOWN");
        assert!(seen.is_running());
        let agent = &seen.containers[0].execute_command_agent;
        assert_eq!(agent.as_deref(), Some("RUNNING"));
    }
}
