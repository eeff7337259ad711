//! The circuit breaker: when has a deployment failed, and what then? (aws-behaviour §2.18, "failing tasks")

use serde_json::{Value, json};

use super::{
    deployment::{Deployment, Rollout},
    service::{self, Service},
};
use crate::sandbox::world::Context;

/// Half the desired count, at least 3 and at most 200, unless told otherwise (the API model's ServiceDeploymentCircuitBreaker
/// and ThresholdConfiguration; the 2023 guide still had 10 for 3).
pub fn threshold(configuration: &Value, desired_count: i64) -> i64 {
    let asked = &configuration["deploymentCircuitBreaker"]["thresholdConfiguration"];
    let value = asked["value"].as_i64().unwrap_or(50);
    let share = (desired_count.saturating_mul(value) + 99) / 100;
    match asked["type"].as_str() {
        Some("COUNT") => value,
        Some("UNBOUNDED_PERCENT") => share,
        _ => share.clamp(3, 200),
    }
}

fn is_tripped(service: &Service, deployment: &Deployment) -> bool {
    service.deployment_configuration["deploymentCircuitBreaker"]["enable"] == json!(true)
        && deployment.rollout == Rollout::InProgress
        && deployment.failed_tasks
            >= threshold(&service.deployment_configuration, service.desired_count)
}

/// Fails the primary deployment if too many of its tasks failed, and goes back to the last one that was completed if the service wants that.
pub fn check(context: &mut Context<'_>, arn: &str) {
    let Some(service) = context.region.ecs.services.get_mut(arn) else {
        return;
    };
    let Some(primary) = service.deployments.first() else {
        return;
    };
    if !is_tripped(service, primary) {
        return;
    }
    let failed = primary.id.clone();
    let path = service.path().to_owned();
    let wants_rollback =
        service.deployment_configuration["deploymentCircuitBreaker"]["rollback"] == json!(true);
    let completed = service
        .deployments
        .iter()
        .chain(service.past_deployments.iter().rev())
        .find(|deployment| deployment.rollout == Rollout::Completed)
        .map(|deployment| (deployment.id.clone(), deployment.settings.clone()));
    if let Some(primary) = service.deployments.first_mut() {
        let reason = "ECS deployment circuit breaker: tasks failed to start.";
        primary.finish(Rollout::Failed, reason.to_owned(), context.now);
    }
    let message = format!("(deployment {failed}) deployment failed: tasks failed to start.");
    service::tell(context, arn, &message);
    if let Some((goal, settings)) = completed.filter(|_| wants_rollback) {
        let mut undoing = Deployment::new(context, &path, settings, Some(failed));
        undoing.rollout_reason =
            format!("ECS deployment circuit breaker: rolling back to deploymentId {goal}.");
        if let Some(service) = context.region.ecs.services.get_mut(arn) {
            service.deployments.insert(0, undoing);
            service.is_backing_off = false;
        }
        service::tell(context, arn, &format!("rolling back to deployment {goal}."));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_threshold_is_half_the_desired_count_within_bounds() {
        for (desired, expected) in [(1, 3), (6, 3), (7, 4), (1000, 200)] {
            assert_eq!(threshold(&Value::Null, desired), expected);
        }
        let count = json!({"deploymentCircuitBreaker": {"thresholdConfiguration": {"type": "COUNT", "value": 1}}});
        assert_eq!(threshold(&count, 100), 1);
    }
}
