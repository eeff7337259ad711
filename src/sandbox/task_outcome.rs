//! What becomes of a task's containers? They run, unless somebody asked the sandbox otherwise.

use serde::{Deserialize, Serialize};

/// How a task ends up.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TaskOutcome {
    /// It runs and its targets pass their health checks.
    #[default]
    Runs,
    /// Its image can't be pulled, so it stops before it ran.
    CannotPull,
    /// Its essential container exits with code 1 after it ran.
    #[serde(rename = "exit-1")]
    Exits,
    /// It runs, but its targets fail their health checks.
    Unhealthy,
    /// It runs, but its container fails the health check that its definition has.
    ContainerUnhealthy,
}

/// One instruction: tasks with such an image end up so.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TaskOutcomeRule {
    /// A part of the image's name.
    pub image: String,
    pub outcome: TaskOutcome,
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
        self.0
            .iter()
            .rev()
            .find(|rule| image.contains(&rule.image))
            .map(|rule| rule.outcome)
            .unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_latest_rule_for_an_image_decides() {
        let mut outcomes = TaskOutcomes::default();
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::Runs);
        outcomes.add(TaskOutcomeRule {
            image: "nginx".into(),
            outcome: TaskOutcome::CannotPull,
        });
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::CannotPull);
        assert_eq!(outcomes.of("api"), TaskOutcome::Runs);
        outcomes.add(TaskOutcomeRule {
            image: "nginx".into(),
            outcome: TaskOutcome::Runs,
        });
        assert_eq!(outcomes.of("nginx:latest"), TaskOutcome::Runs);
    }
}
