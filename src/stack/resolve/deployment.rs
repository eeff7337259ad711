//! How do new tasks take the place of old ones, and can they at all?

use super::super::file;
use super::super::problem::Problems;
use super::super::resolved::{CircuitBreaker, Count, Deployment};
use super::services::Settings;

/// What AWS keeps to where the file says nothing (the API model's DeploymentConfiguration).
const AWS_MIN_HEALTHY: u32 = 100;
const AWS_MAX: u32 = 200;

/// The service's own settings over the defaults', key by key.
pub(super) fn resolve(settings: &Settings, count: Count, problems: &mut Problems) -> Deployment {
    let nothing = file::Deployment::default();
    let own = settings.own.deployment.as_ref().unwrap_or(&nothing);
    let defaults = settings.defaults.deployment.as_ref().unwrap_or(&nothing);
    let breaker = own.circuit_breaker.or(defaults.circuit_breaker);
    let rollback = own.rollback.or(defaults.rollback);
    if rollback == Some(true) && breaker != Some(true) {
        problems
            .error(
                &settings.place_within("deployment", "rollback"),
                "only the circuit breaker rolls a deployment back, and it is off",
            )
            .label(format!("for the service `{}`", settings.name))
            .hint("add `circuit_breaker: true` beside it");
    }
    let deployment = Deployment {
        circuit_breaker: (breaker == Some(true)).then_some(CircuitBreaker {
            rollback: rollback.unwrap_or(true),
        }),
        min_healthy: own.min_healthy.or(defaults.min_healthy),
        max: own.max.or(defaults.max),
    };
    check_room(&deployment, count.least(), settings, problems);
    deployment
}

/// A deployment that may neither stop an old task first nor start a new one beside it never gets anywhere.
fn check_room(deployment: &Deployment, count: u32, settings: &Settings, problems: &mut Problems) {
    let min_healthy = deployment.min_healthy.unwrap_or(AWS_MIN_HEALTHY);
    let max = deployment.max.unwrap_or(AWS_MAX);
    let fewest = count.saturating_mul(min_healthy).div_ceil(100);
    let most = count.saturating_mul(max) / 100;
    if count == 0 || most > fewest {
        return;
    }
    let mut place = settings.place_within("deployment", "max");
    if !place.is_given() {
        place = settings.place_within("deployment", "min_healthy");
    }
    problems
        .error(
            &place,
            format!(
                "no deployment of `{}` could ever replace a task: at least {fewest} of {count} must run, and at most {most} may",
                settings.name
            ),
        )
        .label("leaves no room")
        .hint(format!(
            "with {count} {} a larger `max` or a smaller `min_healthy` makes room; AWS's own are 200 and 100",
            if count == 1 { "task" } else { "tasks" }
        ));
}
