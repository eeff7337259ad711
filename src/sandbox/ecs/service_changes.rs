//! How does a service change, and how does it go?

use serde_json::{Value, json};

use super::{
    capacity::read_strategy,
    deployment::Deployment,
    request::invalid,
    scheduler,
    service::{Status, not_found},
    service_creation::{deployment_configuration, read_desired_count},
    service_settings::Settings,
};
use crate::sandbox::{call::Call, fault::Fault, world::Context};

fn find(context: &Context<'_>, call: &Call) -> Result<String, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let id = parameters
        .string("service")
        .ok_or_else(|| invalid("Service can not be blank."))?;
    if let Ok(service) = ecs.service(&cluster.arn, id) {
        return Ok(service.arn.clone());
    }
    Err(match ecs.inactive_service(&cluster.arn, id) {
        Some(_) => not_active(),
        None => not_found(),
    })
}

fn not_active() -> Fault {
    Fault::new("ServiceNotActiveException", "Service was not ACTIVE.")
}

/// Settings of tasks make a new deployment, the others do not (aws-behaviour §2.18).
pub fn update(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = find(context, call)?;
    let ecs = &context.region.ecs;
    let service = ecs.services.get(&arn).ok_or_else(not_found)?;
    if service.status != Status::Active {
        return Err(not_active());
    }
    let before = service.deployments.first().map(|primary| &primary.settings);
    let settings = Settings::read(context.region, &parameters, before)?;
    if !ecs
        .task_definition(&settings.task_definition)?
        .supports_fargate()
    {
        return Err(invalid(
            "Task definition does not support launch_type FARGATE.",
        ));
    }
    // An empty list goes back to the launch type; neither makes a deployment (the API model's UpdateService).
    let strategy = match parameters.has("capacityProviderStrategy") {
        false => None,
        true => {
            let cluster = ecs.cluster(Some(&service.cluster))?;
            let asked = parameters.list("capacityProviderStrategy");
            Some(read_strategy(&asked, &cluster.capacity_providers)?)
        }
    };
    let is_forced = parameters.boolean("forceNewDeployment")? == Some(true);
    let is_new = is_forced || before != Some(&settings);
    let path = service.path().to_owned();
    let desired_count = read_desired_count(&parameters)?;
    let grace_period = parameters.integer("healthCheckGracePeriodSeconds")?;
    let execute_command = parameters.boolean("enableExecuteCommand")?;
    let managed_tags = parameters.boolean("enableECSManagedTags")?;
    let deployment = is_new.then(|| Deployment::new(context, &path, settings, None));
    let service = context
        .region
        .ecs
        .services
        .get_mut(&arn)
        .ok_or_else(not_found)?;
    service.desired_count = desired_count.unwrap_or(service.desired_count);
    service.strategy = strategy.unwrap_or_else(|| service.strategy.clone());
    service.grace_period = grace_period.unwrap_or(service.grace_period);
    service.enables_execute_command = execute_command.unwrap_or(service.enables_execute_command);
    service.enables_managed_tags = managed_tags.unwrap_or(service.enables_managed_tags);
    service.deployment_configuration =
        deployment_configuration(&parameters, &service.deployment_configuration);
    if let Some(propagates) = parameters.string("propagateTags") {
        service.propagates_tags = propagates.to_owned();
    }
    if let Some(rebalancing) = parameters.string("availabilityZoneRebalancing") {
        service.zone_rebalancing = rebalancing.to_owned();
    }
    service.is_steady = false;
    if let Some(deployment) = deployment {
        service.deployments.insert(0, deployment);
        // A new deployment starts afresh (aws-behaviour §2.18, "failing tasks").
        service.is_backing_off = false;
    }
    answer(context, &arn)
}

/// Scaled to nothing first, or by force (aws-behaviour §2.18).
pub fn delete(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let arn = find(context, call).map_err(|fault| match fault.code.as_str() {
        "ServiceNotActiveException" => not_found(),
        _ => fault,
    })?;
    let is_forced = parameters.boolean("force")? == Some(true);
    let service = context
        .region
        .ecs
        .services
        .get_mut(&arn)
        .ok_or_else(not_found)?;
    if service.desired_count > 0 && !is_forced && service.status == Status::Active {
        return Err(invalid(
            "The service cannot be stopped while it is scaled above 0.",
        ));
    }
    service.status = Status::Draining;
    service.desired_count = 0;
    answer(context, &arn)
}

fn answer(context: &mut Context<'_>, arn: &str) -> Result<Value, Fault> {
    let ecs = &context.region.ecs;
    let service = ecs.services.get(arn).ok_or_else(not_found)?;
    let answer = service.to_value(ecs, true);
    scheduler::look_soon(context, arn);
    Ok(json!({"service": answer}))
}
