//! What is a deployment? One set of settings on its way to be what a service runs.

use serde::Serialize;
use serde_json::{Map, Value, json};

use super::{
    capacity::to_list, service::Service, service_settings::Settings, state::Ecs, task::TaskState,
};
use crate::sandbox::{clock::Moment, world::Context};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Rollout {
    #[serde(rename = "IN_PROGRESS")]
    InProgress,
    #[serde(rename = "COMPLETED")]
    Completed,
    #[serde(rename = "FAILED")]
    Failed,
}

#[derive(Clone, Debug, Serialize)]
pub struct Deployment {
    /// `ecs-svc/` and a number.
    pub id: String,
    /// The ARN of the service deployment, the newer API's view of the same thing.
    pub arn: String,
    pub settings: Settings,
    pub created: Moment,
    pub updated: Moment,
    pub rollout: Rollout,
    pub rollout_reason: String,
    /// In a row.
    pub failed_tasks: i64,
    pub finished: Option<Moment>,
    /// The deployment that failed, if this one undoes it.
    pub undoes: Option<String>,
}

impl Deployment {
    pub fn new(
        context: &mut Context<'_>,
        service_path: &str,
        settings: Settings,
        undoes: Option<String>,
    ) -> Self {
        let number = 1_000_000_000_000_000_000 + context.ids.below(8_999_999_999_999_999_999);
        let id = format!("ecs-svc/{number}");
        let identifier = context.ids.alphanumeric(21);
        let reason = match &undoes {
            None => format!("ECS deployment {id} in progress."),
            Some(failed) => {
                format!("ECS deployment circuit breaker: rolling back to deploymentId {failed}.")
            }
        };
        Self {
            arn: context.arn(
                "ecs",
                format_args!("service-deployment/{service_path}/{identifier}"),
            ),
            id,
            settings,
            created: context.now,
            updated: context.now,
            rollout: Rollout::InProgress,
            rollout_reason: reason,
            failed_tasks: 0,
            finished: None,
            undoes,
        }
    }

    pub fn finish(&mut self, rollout: Rollout, reason: String, now: Moment) {
        self.rollout = rollout;
        self.rollout_reason = reason;
        self.updated = now;
        self.finished = Some(now);
    }

    /// `desired` is the service's for the primary deployment; another one wants no more than it still has.
    pub fn to_value(&self, ecs: &Ecs, service: &Service, desired: Option<i64>) -> Value {
        let count = |is_counted: fn(TaskState) -> bool| {
            ecs.tasks_of(&service.arn)
                .filter(|task| task.deployment == self.id && is_counted(task.state))
                .count()
        };
        let wanted = ecs
            .tasks_of(&service.arn)
            .filter(|task| task.deployment == self.id && task.is_wanted)
            .count();
        let mut value = Map::from_iter([
            ("id".to_owned(), json!(self.id)),
            (
                "status".to_owned(),
                json!(if desired.is_some() {
                    "PRIMARY"
                } else {
                    "ACTIVE"
                }),
            ),
            (
                "taskDefinition".to_owned(),
                json!(self.settings.task_definition),
            ),
            (
                "desiredCount".to_owned(),
                desired.map_or(json!(wanted), |desired| json!(desired)),
            ),
            (
                "pendingCount".to_owned(),
                json!(count(TaskState::is_pending)),
            ),
            (
                "runningCount".to_owned(),
                json!(count(TaskState::is_running)),
            ),
            ("failedTasks".to_owned(), json!(self.failed_tasks)),
            ("createdAt".to_owned(), json!(self.created.seconds())),
            ("updatedAt".to_owned(), json!(self.updated.seconds())),
            (
                "platformVersion".to_owned(),
                json!(actual_platform(&self.settings.platform_version)),
            ),
            ("platformFamily".to_owned(), json!("Linux")),
            ("rolloutState".to_owned(), json!(self.rollout)),
            ("rolloutStateReason".to_owned(), json!(self.rollout_reason)),
        ]);
        match service.strategy.is_empty() {
            true => value.insert("launchType".to_owned(), json!("FARGATE")),
            false => value.insert(
                "capacityProviderStrategy".to_owned(),
                to_list(&service.strategy),
            ),
        };
        if let Some(network) = &self.settings.network {
            value.insert("networkConfiguration".to_owned(), network.to_value());
        }
        value.into()
    }
}

/// What `LATEST` means.
pub fn actual_platform(asked: &str) -> &str {
    if asked == "LATEST" { "1.4.0" } else { asked }
}
