//! Why did a task stop, in one line, and is it the same reason as another's?

use aws_sdk_ecs::types as api;

/// A task that stopped.
#[derive(Clone, Debug, PartialEq)]
pub struct StoppedTask {
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
}

impl From<api::Task> for StoppedTask {
    fn from(task: api::Task) -> Self {
        let containers = task.containers.unwrap_or_default();
        StoppedTask {
            deployment_id: task.started_by.unwrap_or_default(),
            at: task.stopped_at.map_or(0.0, |moment| moment.as_secs_f64()),
            code: task.stop_code,
            reason: task.stopped_reason.unwrap_or_default(),
            containers: containers
                .into_iter()
                .map(|container| StoppedContainer {
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
    pub fn failure(&self) -> Option<String> {
        match &self.code {
            Some(api::TaskStopCode::TaskFailedToStart) => Some(self.start_failure()),
            Some(api::TaskStopCode::EssentialContainerExited) => Some(self.exit()),
            // The scheduler also stops tasks that fail health checks, and says so.
            Some(api::TaskStopCode::ServiceSchedulerInitiated)
                if self.reason.contains("failed") =>
            {
                Some(self.reason.clone())
            }
            _ => None,
        }
    }

    fn start_failure(&self) -> String {
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
        told.unwrap_or_else(|| match self.containers.as_slice() {
            [only] => format!("{} (image {})", self.reason, only.image),
            _ => self.reason.clone(),
        })
    }

    fn exit(&self) -> String {
        let exited = |container: &&StoppedContainer| container.exit_code.is_some();
        let failed = self
            .containers
            .iter()
            .filter(exited)
            .find(|container| container.exit_code != Some(0))
            .or_else(|| self.containers.iter().find(exited));
        let Some(container) = failed else {
            return self.reason.clone();
        };
        let StoppedContainer {
            name,
            image,
            exit_code,
            reason,
        } = container;
        let mut text = format!(
            "container {name} exited with code {} (image {image})",
            exit_code.unwrap_or_default()
        );
        if let Some(reason) = reason.as_deref().filter(|reason| !reason.is_empty()) {
            text.push_str(": ");
            text.push_str(reason);
        }
        text
    }
}

/// The failure without what differs from task to task: IDs, addresses, request numbers.
pub fn generalised(failure: &str) -> String {
    let part_of_word =
        |character: char| character.is_ascii_alphanumeric() || "-.:".contains(character);
    let differs = |word: &&str| {
        word.len() >= 7
            && word.contains(|character: char| character.is_ascii_digit())
            && word
                .chars()
                .all(|character| character.is_ascii_hexdigit() || "-.:".contains(character))
    };
    let words = failure.split(|character| !part_of_word(character));
    words
        .filter(|word| !word.is_empty() && !differs(word))
        .collect::<Vec<_>>()
        .join(" ")
}

/// What to do about it, where the reason alone tells.
pub fn advice(failure: &str) -> Option<&'static str> {
    let says = |text: &str| failure.contains(text);
    if says("CannotPullContainerError") && (says("not found") || says("does not exist")) {
        Some("push the image and run the command again")
    } else if (says("CannotPullContainerError") || says("ResourceInitializationError"))
        && (says("timeout") || says("deadline exceeded") || says("connection issue"))
    {
        Some(
            "the tasks have no way out: they need a NAT gateway or, in public subnets, a public IP",
        )
    } else if says("log group does not exist") {
        Some("the log group was removed; run the command again to make it anew")
    } else if says("unable to assume the role") {
        Some("the role's trust policy must name ecs-tasks.amazonaws.com")
    } else if says("failed ELB health checks") {
        Some("the container must answer the target group's health check path on its port")
    } else if says("exited with code") {
        Some("the container's own log says why")
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn task(code: api::TaskStopCode, reason: &str, containers: &[StoppedContainer]) -> StoppedTask {
        StoppedTask {
            deployment_id: "ecs-svc/1".into(),
            at: 0.0,
            code: Some(code),
            reason: reason.into(),
            containers: containers.to_vec(),
        }
    }

    fn container(name: &str, exit_code: Option<i32>, reason: Option<&str>) -> StoppedContainer {
        StoppedContainer {
            name: name.into(),
            image: format!("{name}:1"),
            exit_code,
            reason: reason.map(str::to_owned),
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
        assert_eq!(
            stopped.failure().unwrap(),
            "container api exited with code 137 (image api:1): OutOfMemoryError: killed"
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
            failure.contains("not found") && failure.contains("image api:1"),
            "{failure}"
        );
        assert_eq!(
            advice(&failure),
            Some("push the image and run the command again")
        );
        let silent = task(
            api::TaskStopCode::TaskFailedToStart,
            reason,
            &[container("api", None, None)],
        );
        assert!(
            silent
                .failure()
                .unwrap()
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
        let stopped = task(api::TaskStopCode::ServiceSchedulerInitiated, unhealthy, &[]);
        assert_eq!(stopped.failure().as_deref(), Some(unhealthy));
    }

    #[test]
    fn the_same_reason_is_the_same_whatever_ids_it_holds() {
        let pull = |request: &str, address: &str| {
            generalised(&format!(
                "ResourceInitializationError: RequestId: {request}, dial tcp {address}: i/o timeout"
            ))
        };
        assert_eq!(
            pull("a7a0a2b4-1111-4cde-9d2b-000000000001", "10.0.10.5:443"),
            pull("b7a0a2b4-2222-4cde-9d2b-000000000002", "10.0.11.7:443"),
        );
        assert_ne!(
            generalised("exited with code 1"),
            generalised("exited with code 137")
        );
    }
}
