//! How does a service come into being, and what does ECS ask before?

use serde_json::{Map, Value, json};

use super::{
    capacity::{Share, read_strategy},
    deployment::Deployment,
    request::{invalid, is_name, tags_at_create},
    scheduler,
    service::{Service, Status},
    service_settings::Settings,
};
use crate::sandbox::{
    call::{Call, Parameters},
    fault::Fault,
    iam,
    world::Context,
};

/// Tasks per service, the default quota.
const MOST_TASKS: i64 = 5000;

pub fn create(context: &mut Context<'_>, call: &Call) -> Result<Value, Fault> {
    let parameters = call.parameters();
    let ecs = &context.region.ecs;
    let cluster = ecs.cluster(parameters.string("cluster"))?;
    let (cluster_arn, cluster_name) = (cluster.arn.clone(), cluster.name.clone());
    let name = parameters.string("serviceName").unwrap_or_default();
    if !is_name(name) {
        return Err(invalid(
            "Service name should be a string of 1 to 255 letters, digits, hyphens and underscores.",
        ));
    }
    if let Ok(existing) = ecs.service(&cluster_arn, name) {
        return again(existing, &call.parameters)
            .map(|()| json!({"service": existing.to_value(ecs, true)}));
    }
    let service = read(
        context,
        call,
        &cluster_arn,
        &format!("{cluster_name}/{name}"),
    )?;
    let arn = service.arn.clone();
    iam::ensure_service_linked_role(context, "ecs.amazonaws.com");
    let ecs = &mut context.region.ecs;
    ecs.inactive_services.remove(&arn);
    let answer = service.to_value(ecs, true);
    ecs.services.insert(arn.clone(), service);
    scheduler::begin(context, arn);
    Ok(json!({"service": answer}))
}

/// The same request finds its own service; any other one is refused (aws-behaviour §2.18).
fn again(existing: &Service, request: &Value) -> Result<(), Fault> {
    if existing.status == Status::Draining {
        return Err(invalid("Unable to Start a service that is still Draining."));
    }
    // Another token means nothing when nothing else differs.
    let settings = |request: &Value| {
        let mut settings = request.as_object().cloned().unwrap_or_default();
        settings.remove("clientToken");
        settings
    };
    if settings(&existing.request) != settings(request) {
        return Err(invalid("Creation of service was not idempotent."));
    }
    Ok(())
}

fn read(
    context: &mut Context<'_>,
    call: &Call,
    cluster: &str,
    path: &str,
) -> Result<Service, Fault> {
    let parameters = call.parameters();
    let tags = tags_at_create(&parameters)?;
    let settings = Settings::read(context.region, &parameters, None)?;
    let strategy = read_asked_strategy(context, &parameters, cluster)?;
    let launch_type = launch_type(&parameters, &strategy);
    check_launch_type(context, &settings, launch_type)?;
    if parameters.string("schedulingStrategy") == Some("DAEMON") {
        return Err(invalid(
            "The FARGATE launch type does not support the scheduling strategy DAEMON.",
        ));
    }
    let desired_count = read_desired_count(&parameters)?.unwrap_or(1);
    let deployment = Deployment::new(context, path, settings, None);
    Ok(Service {
        arn: context.arn("ecs", format_args!("service/{path}")),
        name: path.rsplit('/').next().unwrap_or(path).to_owned(),
        cluster: cluster.to_owned(),
        status: Status::Active,
        desired_count,
        launch_type: launch_type.to_owned(),
        strategy,
        scheduling_strategy: "REPLICA".to_owned(),
        deployment_configuration: deployment_configuration(&parameters, &Value::Null),
        grace_period: parameters
            .integer("healthCheckGracePeriodSeconds")?
            .unwrap_or(0),
        enables_execute_command: parameters.boolean("enableExecuteCommand")? == Some(true),
        enables_managed_tags: parameters.boolean("enableECSManagedTags")? == Some(true),
        propagates_tags: parameters
            .string("propagateTags")
            .unwrap_or("NONE")
            .to_owned(),
        zone_rebalancing: parameters
            .string("availabilityZoneRebalancing")
            .unwrap_or("ENABLED")
            .to_owned(),
        deployments: vec![deployment],
        past_deployments: Vec::new(),
        events: Vec::new(),
        created: context.now,
        request: call.parameters.clone(),
        tags,
        is_backing_off: false,
        is_steady: false,
        steady_at: 0,
    })
}

pub fn read_desired_count(parameters: &Parameters<'_>) -> Result<Option<i64>, Fault> {
    let count = parameters.integer("desiredCount")?;
    if count.is_some_and(|count| !(0..=MOST_TASKS).contains(&count)) {
        return Err(invalid(format!(
            "desiredCount must be between 0 and {MOST_TASKS}."
        )));
    }
    Ok(count)
}

/// A strategy or a launch type; with neither it is the cluster's own strategy, if there is one.
fn read_asked_strategy(
    context: &Context<'_>,
    parameters: &Parameters<'_>,
    cluster: &str,
) -> Result<Vec<Share>, Fault> {
    let cluster = context.region.ecs.cluster(Some(cluster))?;
    let asked = parameters.list("capacityProviderStrategy");
    match (parameters.has("launchType"), asked.is_empty()) {
        (true, false) => Err(invalid(
            "Specifying both a launch type and capacity provider strategy is not supported. Remove one and try again.",
        )),
        (true, true) => Ok(Vec::new()),
        (false, true) => Ok(cluster.default_strategy.clone()),
        (false, false) => read_strategy(&asked, &cluster.capacity_providers),
    }
}

/// ECS's own default is EC2; all of the sandbox's capacity providers are Fargate's.
fn launch_type<'a>(parameters: &Parameters<'a>, strategy: &[Share]) -> &'a str {
    let default = match strategy.is_empty() {
        true => "EC2",
        false => "FARGATE",
    };
    parameters.string("launchType").unwrap_or(default)
}

/// The sandbox has no container instances.
fn check_launch_type(
    context: &Context<'_>,
    settings: &Settings,
    launch_type: &str,
) -> Result<(), Fault> {
    if launch_type != "FARGATE" {
        return Err(Fault::new(
            "NotImplemented",
            format!("the sandbox runs tasks on FARGATE only, not on {launch_type}; docs/SANDBOX.md lists what it serves"),
        )
        .with_status(501));
    }
    let definition = context
        .region
        .ecs
        .task_definition(&settings.task_definition)?;
    if !definition.supports_fargate() {
        return Err(invalid(
            "Task definition does not support launch_type FARGATE.",
        ));
    }
    Ok(())
}

/// The request's percentages and circuit breaker over those there were, over ECS's defaults (aws-behaviour §2.18).
pub fn deployment_configuration(parameters: &Parameters<'_>, before: &Value) -> Value {
    let mut configuration = match before {
        Value::Object(before) => before.clone(),
        _ => Map::from_iter([
            (
                "deploymentCircuitBreaker".to_owned(),
                json!({"enable": false, "rollback": false}),
            ),
            ("maximumPercent".to_owned(), json!(200)),
            ("minimumHealthyPercent".to_owned(), json!(100)),
            ("strategy".to_owned(), json!("ROLLING")),
            ("bakeTimeInMinutes".to_owned(), json!(0)),
        ]),
    };
    let given = parameters
        .structure("deploymentConfiguration")
        .and_then(|given| given.value().as_object());
    for (name, value) in given
        .into_iter()
        .flatten()
        .filter(|(_, value)| !value.is_null())
    {
        configuration.insert(name.clone(), value.clone());
    }
    configuration.into()
}
