//! Which check of the load balancer do the tasks fail, and what does it get for an answer?

use super::failure::Failure;
use super::rollout::Event;
use crate::aws::{Aws, send};
use crate::resource::{CallError, Cause};

/// How a target group looks whether its targets are well.
#[derive(Clone, Debug, PartialEq)]
pub struct HealthCheck {
    /// Whose it is.
    pub target_group_arn: String,
    /// What it asks for.
    pub path: String,
    /// The codes that it wants, `200-399`.
    pub matcher: String,
}

/// The health checks of these target groups; none of one that is gone.
pub async fn read(aws: &Aws, arns: Vec<String>) -> Result<Vec<HealthCheck>, CallError> {
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    let call = aws.elb.describe_target_groups();
    let call = call.set_target_group_arns(Some(arns));
    let answer = match send("elb:DescribeTargetGroups", call.send()).await {
        Ok(answer) => answer,
        Err(error) if error.is_not_found() => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let groups = answer.target_groups.unwrap_or_default();
    Ok(groups
        .into_iter()
        .filter_map(|group| {
            Some(HealthCheck {
                target_group_arn: group.target_group_arn?,
                path: group.health_check_path?,
                matcher: group.matcher.and_then(|matcher| matcher.http_code)?,
            })
        })
        .collect())
}

impl HealthCheck {
    /// `GET /health wants 200-399`.
    pub fn asks(&self) -> String {
        format!("GET {} wants {}", self.path, self.matcher)
    }
}

/// The cause that a target's reason stands for: the codes that it answered, or that it answered nothing.
pub fn cause_of_answer(reason: &str) -> Option<Cause> {
    if reason.contains("codes") || reason == "Target.ResponseCodeMismatch" {
        Some(Cause::HealthCheckAnswer)
    } else if reason.contains("timed out")
        || reason.contains("Health checks failed")
        || reason == "Target.Timeout"
        || reason == "Target.FailedHealthChecks"
    {
        Some(Cause::HealthCheckSilence)
    } else {
        None
    }
}

/// A task's failure, with the check and its answer where it is a load balancer's check that failed. ECS tells of the
/// task no more than the target group; the answer is in an event of the service.
pub fn explained(
    failure: Failure,
    checks: &[HealthCheck],
    events: &[Event],
    since: f64,
) -> Failure {
    let Some((_, group)) = failure
        .text
        .split_once("failed ELB health checks in (target-group ")
    else {
        return failure;
    };
    let group = group.split(')').next().unwrap_or_default();
    let check = checks.iter().find(|check| check.target_group_arn == group);
    let answer = answer(group, events, since);
    let by_answer = answer.and_then(cause_of_answer);
    let more = match (check, answer) {
        (Some(check), Some(answer)) => format!(": {}; {answer}", check.asks()),
        (Some(check), None) => format!(": {}", check.asks()),
        (None, Some(answer)) => format!(": {answer}"),
        (None, None) => String::new(),
    };
    Failure {
        text: format!("{}{more}", failure.text),
        cause: by_answer.or(Some(Cause::HealthCheckAnswer)),
    }
}

/// What the newest event since then says of a target of the group:
/// `… (port 80) is unhealthy in (target-group …) due to (reason …)` (ECS developer guide, service unhealthy events).
fn answer<'a>(group: &str, events: &'a [Event], since: f64) -> Option<&'a str> {
    events
        .iter()
        .filter(|event| event.at >= since)
        .filter(|event| event.message.contains("is unhealthy in") && event.message.contains(group))
        .find_map(|event| {
            let (_, reason) = event.message.split_once("due to (reason ")?;
            let (reason, _) = reason.rsplit_once(')')?;
            Some(reason.trim_end_matches('.'))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    const STOPPED: &str = "Task failed ELB health checks in (target-group arn:g)";

    fn told(reason: &str) -> Failure {
        let check = HealthCheck {
            target_group_arn: "arn:g".into(),
            path: "/health".into(),
            matcher: "200".into(),
        };
        let event = Event {
            at: 101.0,
            message: format!(
                "(service web) (task 0aa1) (port 80) is unhealthy in (target-group arn:g) due to (reason {reason})."
            ),
        };
        explained(Failure::told(STOPPED), &[check], &[event], 100.0)
    }

    #[test]
    fn the_check_and_its_answer_are_told() {
        let failure = told("Health checks failed with these codes: [503]");
        assert_eq!(
            failure.text,
            format!(
                "{STOPPED}: GET /health wants 200; Health checks failed with these codes: [503]"
            )
        );
        assert_eq!(failure.cause, Some(Cause::HealthCheckAnswer));
        // In the words of TargetHealth: nothing came in time, and the connection was refused.
        for silence in ["Request timed out", "Health checks failed"] {
            assert_eq!(
                told(silence).cause,
                Some(Cause::HealthCheckSilence),
                "{silence}"
            );
        }
    }

    #[test]
    fn what_was_said_of_an_earlier_deployment_is_no_answer() {
        let event = Event {
            at: 99.0,
            message: "(service web) (port 80) is unhealthy in (target-group arn:g) due to (reason Request timed out).".into(),
        };
        let failure = explained(Failure::told(STOPPED), &[], &[event], 100.0);
        assert_eq!(failure.text, STOPPED);
    }
}
