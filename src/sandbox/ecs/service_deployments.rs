//! What became of each deployment of a service? The newer API's view of deployments.

use serde_json::{Value, json};

use super::{
    deployment::{Deployment, Rollout},
    request::{invalid, missing, page_of_values},
    service::Service,
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

fn all(service: &Service) -> impl Iterator<Item = &Deployment> {
    service.deployments.iter().chain(&service.past_deployments)
}

/// A deployment that another one took the place of before it was done has been stopped.
fn status(service: &Service, deployment: &Deployment) -> &'static str {
    let is_primary = service
        .deployments
        .first()
        .is_some_and(|primary| primary.id == deployment.id);
    let was_undone = all(service).find(|other| other.undoes.as_ref() == Some(&deployment.id));
    match (
        deployment.rollout,
        was_undone.map(|undoing| undoing.rollout),
    ) {
        (Rollout::Completed, _) => "SUCCESSFUL",
        (Rollout::Failed, Some(Rollout::InProgress)) => "ROLLBACK_IN_PROGRESS",
        (Rollout::Failed, Some(Rollout::Completed)) => "ROLLBACK_SUCCESSFUL",
        (Rollout::Failed, Some(Rollout::Failed)) => "ROLLBACK_FAILED",
        (Rollout::Failed, None) => "FAILED",
        (Rollout::InProgress, _) if is_primary => "IN_PROGRESS",
        (Rollout::InProgress, _) => "STOPPED",
    }
}

fn brief(service: &Service, deployment: &Deployment) -> Value {
    let mut value = json!({
        "serviceDeploymentArn": deployment.arn,
        "serviceArn": service.arn,
        "clusterArn": service.cluster,
        "createdAt": deployment.created.seconds(),
        "startedAt": deployment.created.seconds(),
        "status": status(service, deployment),
        "statusReason": deployment.rollout_reason,
    });
    if let Some(finished) = deployment.finished {
        value["finishedAt"] = json!(finished.seconds());
    }
    value
}

fn detail(service: &Service, deployment: &Deployment) -> Value {
    let mut value = brief(service, deployment);
    let breaker = &service.deployment_configuration["deploymentCircuitBreaker"];
    let breaker_status = match (breaker["enable"] == json!(true), deployment.rollout) {
        (false, _) => "DISABLED",
        (true, Rollout::InProgress) => "MONITORING",
        (true, Rollout::Completed) => "MONITORING_COMPLETE",
        (true, Rollout::Failed) => "TRIGGERED",
    };
    value["updatedAt"] = json!(deployment.updated.seconds());
    value["deploymentConfiguration"] = service.deployment_configuration.clone();
    value["deploymentCircuitBreaker"] = json!({
        "status": breaker_status,
        "failureCount": deployment.failed_tasks,
        "threshold": super::breaker::threshold(&service.deployment_configuration, service.desired_count),
    });
    value
}

pub fn list(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let id = parameters
        .string("service")
        .ok_or_else(|| invalid("Service can not be blank."))?;
    let service = ecs.service(&cluster.arn, id)?;
    let statuses = parameters.strings("status");
    let mut shown: Vec<&Deployment> = all(service)
        .filter(|deployment| statuses.is_empty() || statuses.contains(&status(service, deployment)))
        .collect();
    shown.sort_by_key(|deployment| std::cmp::Reverse(deployment.created));
    let items = shown
        .into_iter()
        .enumerate()
        .map(|(index, deployment)| (format!("{index:020}"), brief(service, deployment)))
        .collect();
    page_of_values(&parameters, "serviceDeployments", items, 100)
}

pub fn describe(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let ecs = &context.region.ecs;
    let services = || ecs.services.values().chain(ecs.inactive_services.values());
    let (mut found, mut failures) = (Vec::new(), Vec::new());
    for arn in call.parameters().strings("serviceDeploymentArns") {
        let deployment = services().find_map(|service| {
            let deployment = all(service).find(|deployment| deployment.arn == arn)?;
            Some(detail(service, deployment))
        });
        match deployment {
            Some(deployment) => found.push(deployment),
            None => failures.push(missing(arn.to_owned())),
        }
    }
    Ok(json!({"serviceDeployments": found, "failures": failures}))
}
