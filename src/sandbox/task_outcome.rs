//! What becomes of a task's containers? They run, unless somebody asked the sandbox otherwise.

use serde::{Deserialize, Serialize};

/// How a task ends up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskOutcome {
    /// It runs and its targets pass their health checks.
    #[default]
    Runs,
    /// Its image is not there, so it stops before it ran.
    CannotPull,
    /// Its registry does not hand out the image.
    PullDenied,
    /// Its registry has had enough pulls for now.
    PullLimited,
    /// Its image has no variant for the task's processors.
    WrongPlatform,
    /// Its command is not in the image.
    CannotStart,
    /// Fargate has no machine for it.
    NoCapacity,
    /// The account may not run as many vCPUs.
    NoVcpus,
    /// Its essential container exits with code 1 after it ran.
    #[serde(rename = "exit-1")]
    Exits,
    /// Its essential container ends well after it ran.
    #[serde(rename = "exit-0")]
    Ends,
    /// Its essential container is killed because the task has no memory left.
    OutOfMemory,
    /// It runs, but its targets fail their health checks.
    Unhealthy,
    /// It runs, but answers nobody.
    Silent,
    /// It runs, but its container fails the health check that its definition has.
    ContainerUnhealthy,
}

/// Exit code of a process that was killed by SIGKILL.
const KILLED: i64 = 137;

impl TaskOutcome {
    /// What the container's process ends with after it ran; none if it goes on.
    pub fn exit_code(self) -> Option<i64> {
        match self {
            Self::Exits => Some(1),
            Self::Ends => Some(0),
            Self::OutOfMemory => Some(KILLED),
            _ => None,
        }
    }

    /// What ECS says of a container that ended so (ECS developer guide, OutOfMemoryError).
    pub fn exit_reason(self) -> Option<&'static str> {
        (self == Self::OutOfMemory)
            .then_some("OutOfMemoryError: Container killed due to memory usage")
    }

    /// What keeps the image from being pulled, or its process from being started, in ECS's and the registries' words
    /// (ECS developer guide, stopped task errors; aws/containers-roadmap#1120; re:Post, pull rate limit).
    pub fn start_failure(self, image: &str, architecture: &str) -> Option<String> {
        let manifest = "CannotPullContainerError: pull image manifest has been retried";
        match self {
            Self::CannotPull => Some(format!(
                "{manifest} 1 time(s): failed to resolve ref {image}: {image}: not found"
            )),
            Self::PullDenied => Some(format!(
                "{manifest} 1 time(s): failed to resolve ref {image}: unexpected status from HEAD request: 403 Forbidden"
            )),
            Self::PullLimited => Some(
                "CannotPullContainerError: inspect image has been retried 5 time(s): httpReaderSeeker: failed open: unexpected status code Too Many Requests - Server message: toomanyrequests: You have reached your pull rate limit. You may increase the limit by authenticating and upgrading: https://www.docker.com/increase-rate-limit"
                    .to_owned(),
            ),
            Self::WrongPlatform => {
                let platform = match architecture {
                    "arm64" => "linux/arm64",
                    _ => "linux/amd64",
                };
                Some(format!(
                    "{manifest} 7 time(s): image Manifest does not contain descriptor matching platform '{platform}'."
                ))
            }
            Self::CannotStart => Some(
                "CannotStartContainerError: failed to create new container runtime task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: exec: \"start\": executable file not found in $PATH: unknown"
                    .to_owned(),
            ),
            _ => None,
        }
    }

    /// Why the task is not even placed (ECS developer guide, service event messages; wellcomecollection/platform#3875;
    /// sil-org/ecs-deploy#277).
    pub fn placement_refusal(self) -> Option<&'static str> {
        match self {
            Self::NoCapacity => Some(
                "Capacity is unavailable at this time. Please try again later or in a different availability zone.",
            ),
            Self::NoVcpus => Some(
                "You've reached the limit on the number of vCPUs you can run concurrently. For more information, see the Troubleshooting section of the Amazon ECS Developer Guide.",
            ),
            _ => None,
        }
    }
}

/// One instruction: tasks with such an image end up so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOutcomeRule {
    /// A part of the image's name.
    pub image: String,
    pub outcome: TaskOutcome,
    /// What its containers write to their logs when they start.
    #[serde(default)]
    pub says: Vec<String>,
}

/// The instructions in force; a later one wins over an earlier one.
#[derive(Clone, Debug, Default, Serialize)]
pub struct TaskOutcomes(Vec<TaskOutcomeRule>);

impl TaskOutcomes {
    pub fn add(&mut self, rule: TaskOutcomeRule) {
        self.0.push(rule);
    }

    /// What becomes of a container with this image.
    pub fn of(&self, image: &str) -> TaskOutcome {
        self.about(image)
            .map(|rule| rule.outcome)
            .unwrap_or_default()
    }

    /// What it writes besides that it has started.
    pub fn lines_of(&self, image: &str) -> Vec<String> {
        self.about(image)
            .map(|rule| rule.says.clone())
            .unwrap_or_default()
    }

    fn about(&self, image: &str) -> Option<&TaskOutcomeRule> {
        let mut latest_first = self.0.iter().rev();
        latest_first.find(|rule| image.contains(&rule.image))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rule_for_an_image_decides() {
        let rule = |outcome, says: &[&str]| TaskOutcomeRule {
            image: "nginx".into(),
            outcome,
            says: says.iter().map(|line| (*line).to_owned()).collect(),
        };
        let mut outcomes = TaskOutcomes::default();
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::Runs);
        outcomes.add(rule(TaskOutcome::CannotPull, &[]));
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::CannotPull);
        assert_eq!(outcomes.of("api"), TaskOutcome::Runs);
        outcomes.add(rule(TaskOutcome::Runs, &["hello"]));
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::Runs);
        assert_eq!(outcomes.lines_of("nginx:latest"), ["hello"]);
    }
}
