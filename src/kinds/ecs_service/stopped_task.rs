//! Why did a task stop, in one line?

use aws_sdk_ecs::types as api;

use super::failure::Failure;
use crate::resource::Cause;

/// A task that stopped.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoppedTask {
    /// The last part of its ARN; its log streams end with it.
    pub id: String,
    /// ARN of its revision.
    pub task_definition: String,
    /// The deployment that started it.
    pub deployment_id: String,
    /// When it stopped, in seconds since 1970.
    pub at: f64,
    /// ECS's kind of reason.
    pub code: Option<api::TaskStopCode>,
    /// ECS's reason.
    pub reason: String,
    /// Its containers.
    pub containers: Vec<StoppedContainer>,
}

/// A container of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct StoppedContainer {
    /// The name.
    pub name: String,
    /// The image reference.
    pub image: String,
    /// What its main process ended with, if it had started.
    pub exit_code: Option<i32>,
    /// What ECS says of it (`OutOfMemoryError: …`, `CannotPullContainerError: …`).
    pub reason: Option<String>,
    /// Whether it failed the health check of its definition.
    pub unhealthy: bool,
}

impl From<api::Task> for StoppedTask {
    fn from(task: api::Task) -> Self {
        let arn = task.task_arn.unwrap_or_default();
        let containers = task.containers.unwrap_or_default();
        StoppedTask {
            id: arn.rsplit('/').next().unwrap_or_default().to_owned(),
            task_definition: task.task_definition_arn.unwrap_or_default(),
            deployment_id: task.started_by.unwrap_or_default(),
            at: task.stopped_at.map_or(0.0, |moment| moment.as_secs_f64()),
            code: task.stop_code,
            reason: task.stopped_reason.unwrap_or_default(),
            containers: containers
                .into_iter()
                .map(|container| StoppedContainer {
                    unhealthy: container.health_status == Some(api::HealthStatus::Unhealthy),
                    name: container.name.unwrap_or_default(),
                    image: container.image.unwrap_or_default(),
                    exit_code: container.exit_code,
                    reason: container.reason,
                })
                .collect(),
        }
    }
}

impl StoppedTask {
    /// Why it failed; `None` for one that was stopped on purpose (a smaller count, a newer deployment, a person).
    pub fn failure(&self) -> Option<Failure> {
        match &self.code {
            Some(api::TaskStopCode::TaskFailedToStart) => Some(self.start_failure()),
            Some(api::TaskStopCode::EssentialContainerExited) => Some(self.exit()),
            // The scheduler also stops tasks that fail health checks, and says so.
            Some(api::TaskStopCode::ServiceSchedulerInitiated)
                if self.reason.contains("failed") =>
            {
                Some(Failure::told(self.reason.clone()))
            }
            _ => None,
        }
    }

    fn start_failure(&self) -> Failure {
        // The container's own reason is the more telling one, where there is one.
        let told = self.containers.iter().find_map(|container| {
            let reason = container
                .reason
                .as_deref()
                .filter(|reason| !reason.is_empty())?;
            Some(format!(
                "{reason} (container {}, image {})",
                container.name, container.image
            ))
        });
        Failure::told(told.unwrap_or_else(|| match self.containers.as_slice() {
            [only] => format!("{} (image {})", self.reason, only.image),
            _ => self.reason.clone(),
        }))
    }

    fn exit(&self) -> Failure {
        let Some(container) = self.exited() else {
            return Failure::told(self.reason.clone());
        };
        let StoppedContainer {
            name,
            image,
            exit_code,
            reason,
            ..
        } = container;
        let exit_code = exit_code.unwrap_or_default();
        let mut text = format!("container {name} exited with code {exit_code} (image {image})");
        if let Some(reason) = reason.as_deref().filter(|reason| !reason.is_empty()) {
            text.push_str(": ");
            text.push_str(reason);
        }
        let told = Failure::told(text);
        let by_code = match exit_code {
            0 => Cause::ContainerEnds,
            _ => Cause::ContainerExits,
        };
        Failure {
            cause: told.cause.or(Some(by_code)),
            ..told
        }
    }

    /// The container whose end ended the task.
    fn exited(&self) -> Option<&StoppedContainer> {
        let exited = |container: &&StoppedContainer| container.exit_code.is_some();
        self.containers
            .iter()
            .filter(exited)
            .find(|container| container.exit_code != Some(0))
            .or_else(|| self.containers.iter().find(exited))
    }

    /// The containers whose last lines may tell why: what ended by itself, else what is unhealthy. `routed` are
    /// those that the load balancer asks.
    pub fn suspects(&self, routed: &[&str]) -> Vec<&str> {
        let all = || self.containers.iter();
        let names = |of: &dyn Fn(&&StoppedContainer) -> bool| -> Vec<&str> {
            all()
                .filter(of)
                .map(|container| container.name.as_str())
                .collect()
        };
        let suspects = match &self.code {
            // Those that still run are killed with the task, which leaves a code of its own.
            Some(api::TaskStopCode::ServiceSchedulerInitiated) => {
                let unhealthy = names(&|container| container.unhealthy);
                match unhealthy.is_empty() {
                    true => names(&|container| routed.contains(&container.name.as_str())),
                    false => unhealthy,
                }
            }
            Some(api::TaskStopCode::EssentialContainerExited) => self
                .exited()
                .map(|container| container.name.as_str())
                .into_iter()
                .collect(),
            _ => names(&|container| {
                container.unhealthy || container.exit_code.is_some_and(|code| code != 0)
            }),
        };
        suspects.into_iter().take(2).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(code: api::TaskStopCode, reason: &str, containers: &[StoppedContainer]) -> StoppedTask {
        StoppedTask {
            deployment_id: "ecs-svc/1".into(),
            code: Some(code),
            reason: reason.into(),
            containers: containers.to_vec(),
            ..StoppedTask::default()
        }
    }

    fn container(name: &str, exit_code: Option<i32>, reason: Option<&str>) -> StoppedContainer {
        StoppedContainer {
            name: name.into(),
            image: format!("{name}:1"),
            exit_code,
            reason: reason.map(str::to_owned),
            unhealthy: false,
        }
    }

    #[test]
    fn the_container_that_failed_is_named_with_code_and_image() {
        let stopped = task(
            api::TaskStopCode::EssentialContainerExited,
            "Essential container in task exited",
            &[
                container("sidecar", Some(0), None),
                container("api", Some(137), Some("OutOfMemoryError: killed")),
            ],
        );
        let failure = stopped.failure().unwrap();
        assert_eq!(
            failure.text,
            "container api exited with code 137 (image api:1): OutOfMemoryError: killed"
        );
        assert_eq!(failure.cause, Some(Cause::OutOfMemory));
        assert_eq!(stopped.suspects(&[]), ["api"]);
    }

    #[test]
    fn an_end_without_an_error_is_told_from_a_crash() {
        let ended = |code| {
            let reason = "Essential container in task exited";
            let web = container("web", Some(code), None);
            task(api::TaskStopCode::EssentialContainerExited, reason, &[web])
        };
        assert_eq!(
            ended(0).failure().unwrap().cause,
            Some(Cause::ContainerEnds)
        );
        assert_eq!(
            ended(1).failure().unwrap().cause,
            Some(Cause::ContainerExits)
        );
        assert_eq!(
            ended(137).failure().unwrap().cause,
            Some(Cause::ContainerExits)
        );
    }

    #[test]
    fn a_failed_pull_is_told_in_the_registrys_words() {
        let reason = "CannotPullContainerError: failed to resolve ref x:latest: not found";
        let stopped = task(
            api::TaskStopCode::TaskFailedToStart,
            "Task failed to start",
            &[container("api", None, Some(reason))],
        );
        let failure = stopped.failure().unwrap();
        assert!(
            failure.text.contains("not found") && failure.text.contains("image api:1"),
            "{failure:?}"
        );
        assert_eq!(failure.cause, Some(Cause::ImageMissing));
        assert_eq!(stopped.suspects(&[]), Vec::<&str>::new());
        let silent = task(
            api::TaskStopCode::TaskFailedToStart,
            reason,
            &[container("api", None, None)],
        );
        assert!(
            silent
                .failure()
                .unwrap()
                .text
                .starts_with("CannotPullContainerError")
        );
    }

    #[test]
    fn a_task_that_was_stopped_on_purpose_did_not_fail() {
        for (code, reason) in [
            (
                api::TaskStopCode::ServiceSchedulerInitiated,
                "Scaling activity initiated by (deployment ecs-svc/1)",
            ),
            (api::TaskStopCode::UserInitiated, "Task stopped by user"),
        ] {
            assert_eq!(task(code, reason, &[]).failure(), None, "{reason}");
        }
        let unhealthy = "Task failed ELB health checks in (target-group arn:x)";
        let killed = [
            container("proxy", Some(137), None),
            container("web", Some(137), None),
        ];
        let stopped = task(
            api::TaskStopCode::ServiceSchedulerInitiated,
            unhealthy,
            &killed,
        );
        assert_eq!(stopped.failure().unwrap().text, unhealthy);
        assert_eq!(stopped.suspects(&["web"]), ["web"]);
    }
}
