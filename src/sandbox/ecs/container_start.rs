//! How do a task's containers start? In the order of their dependencies: some only run to their end, some must be healthy first.

use std::time::Duration;

use serde_json::Value;

use super::{
    container_rules::dependencies,
    task::{Container, Task},
    task_definition::TaskDefinition,
    task_stop::Failure,
};
use crate::sandbox::{cloud_map, task_outcome::TaskOutcome, world::Context};

#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ContainerHealth {
    Unknown,
    Healthy,
    Unhealthy,
}

impl ContainerHealth {
    pub fn text(self) -> &'static str {
        match self {
            Self::Unknown => "UNKNOWN",
            Self::Healthy => "HEALTHY",
            Self::Unhealthy => "UNHEALTHY",
        }
    }
}

impl Container {
    fn health_when_known(&self) -> ContainerHealth {
        match (self.checks_health, self.outcome) {
            (false, _) => ContainerHealth::Unknown,
            (true, TaskOutcome::ContainerUnhealthy) => ContainerHealth::Unhealthy,
            (true, _) => ContainerHealth::Healthy,
        }
    }
}

impl Task {
    /// By its essential containers that have a health check (the API model's Task).
    pub fn health(&self) -> ContainerHealth {
        let checked = self
            .containers
            .iter()
            .filter(|container| container.is_essential && container.checks_health);
        let has = |health| checked.clone().any(|container| container.health == health);
        if has(ContainerHealth::Unhealthy) {
            ContainerHealth::Unhealthy
        } else if checked.clone().count() == 0 || has(ContainerHealth::Unknown) {
            ContainerHealth::Unknown
        } else {
            ContainerHealth::Healthy
        }
    }

    /// Whether anything of it is to pass a health check before it counts as good.
    pub fn checks_health(&self) -> bool {
        self.containers
            .iter()
            .any(|container| container.is_essential && container.checks_health)
    }
}

/// Lets the containers that others wait for end, or become healthy. What does not come to pass keeps the task from starting.
pub fn start_in_order(context: &mut Context<'_>, task: &Task) -> Result<(), Failure> {
    let Ok(definition) = context.region.ecs.task_definition(&task.task_definition) else {
        return Ok(());
    };
    let waiting: Vec<(String, String, String)> = definition
        .containers()
        .iter()
        .flat_map(|container| {
            dependencies(container).map(|wanted| {
                let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
                (
                    text(&container["name"]),
                    wanted.container.to_owned(),
                    wanted.condition.to_owned(),
                )
            })
        })
        .collect();
    for (waiter, name, condition) in waiting {
        let container = context
            .region
            .ecs
            .tasks
            .get_mut(&task.arn)
            .and_then(|task| task.containers.iter_mut().find(|found| found.name == name));
        let Some(container) = container else {
            continue;
        };
        let code = container.outcome.exit_code().unwrap_or_default();
        let has_failed = code != 0;
        match condition.as_str() {
            "COMPLETE" | "SUCCESS" => container.exit_code = Some(code),
            "HEALTHY" => container.health = container.health_when_known(),
            _ => {}
        }
        let is_kept_waiting = match condition.as_str() {
            "SUCCESS" => has_failed,
            "HEALTHY" => container.health != ContainerHealth::Healthy,
            _ => false,
        };
        if is_kept_waiting {
            return Err(Failure::of_container(
                &waiter,
                format!(
                    "dependency graph: failed to resolve container ordering dependency [{name}] for target [{waiter}] as dependency did not {}.",
                    if condition == "SUCCESS" {
                        "exit successfully"
                    } else {
                        "become healthy"
                    }
                ),
            ));
        }
    }
    Ok(())
}

/// The first result of a container's health check comes with the first check, a bad one when all tries have failed.
pub fn watch_health(context: &mut Context<'_>, task: &Task) {
    for container in task.containers.iter().filter(|found| found.checks_health) {
        let (arn, name) = (task.arn.clone(), container.name.clone());
        let delay = Duration::from_secs(container.seconds_to_health);
        context.schedule_after(context.tempo.scale(delay), move |context| {
            tell_health(context, &arn, &name);
        });
    }
}

fn tell_health(context: &mut Context<'_>, arn: &str, name: &str) {
    let Some(task) = context.region.ecs.tasks.get_mut(arn) else {
        return;
    };
    let was_healthy = task.health() == ContainerHealth::Healthy;
    for container in &mut task.containers {
        if container.name == name && container.exit_code.is_none() {
            container.health = container.health_when_known();
        }
    }
    task.version += 1;
    let task = task.clone();
    if task.health() == ContainerHealth::Healthy && !was_healthy {
        for registry in &task.registries {
            cloud_map::become_healthy(context, &registry.service_id, &task.id);
        }
    }
    if let Some(service) = task.service {
        super::scheduler::look_soon(context, &service);
    }
}

pub fn checks_health(definition: &Value) -> bool {
    let first = &definition["healthCheck"]["command"][0];
    first.is_string() && *first != "NONE"
}

pub fn seconds_to_health(definition: &TaskDefinition, container: &Container) -> u64 {
    let check = definition
        .containers()
        .iter()
        .find(|found| found["name"] == container.name)
        .map_or(&Value::Null, |found| &found["healthCheck"]);
    let number = |name: &str| check[name].as_u64().unwrap_or_default();
    match container.health_when_known() {
        ContainerHealth::Unhealthy => {
            number("startPeriod") + number("interval") * number("retries")
        }
        _ => number("interval"),
    }
}
