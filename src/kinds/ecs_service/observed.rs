//! What does AWS have of an ECS service, and what must be asked to know whether it serves?

use std::collections::{BTreeMap, BTreeSet, HashMap};

use aws_sdk_ecs::types as api;
use aws_sdk_elasticloadbalancingv2::types::{TargetHealth, TargetHealthStateEnum};
use futures::future::try_join_all;
use serde::Serialize;

use super::health_checks;
use super::last_words::last_words;
use super::rollout::{self, Deployment, Event, Rollout, RolloutState, TargetGroupHealth};
use super::stopped_task::StoppedTask;
use super::{
    CapacityProviderStrategyItem, DeploymentCircuitBreaker, EcsService, EcsServiceOutputs,
};
use crate::aws::{Aws, cloud_map, send, tags};
use crate::resource::{CallError, Lookup, Readiness, TagMap};

/// DescribeServices takes this many names per call, all of one cluster.
const SERVICES_PER_CALL: usize = 10;

/// What a rolling update of a Fargate service keeps to where nothing is said (the API model's DeploymentConfiguration).
pub(super) const DEFAULT_MINIMUM_HEALTHY_PERCENT: u32 = 100;
/// See above.
pub(super) const DEFAULT_MAXIMUM_PERCENT: u32 = 200;

/// What AWS has.
#[derive(Clone, Debug, PartialEq)]
pub struct EcsServiceObserved {
    /// `arn:aws:ecs:…:service/cluster/name`.
    pub arn: String,
    /// The name.
    pub name: String,
    /// ARN of the cluster.
    pub cluster: String,
    /// See [`EcsServiceOutputs::vpc_id`].
    pub vpc_id: Option<String>,
    /// Whether it is being deleted.
    pub draining: bool,
    /// ARN of the revision.
    pub task_definition: String,
    /// On what its tasks run; none for a launch type.
    pub capacity_provider_strategy: BTreeSet<CapacityProviderStrategyItem>,
    /// How many tasks ECS keeps running.
    pub desired_count: u32,
    /// How many run, of whatever deployment.
    pub running_count: u32,
    /// How many tasks are on their way.
    pub pending_count: u32,
    /// IDs of the subnets.
    pub subnets: BTreeSet<String>,
    /// IDs of the security groups.
    pub security_groups: BTreeSet<String>,
    /// Whether tasks get public addresses.
    pub assign_public_ip: bool,
    /// Target groups.
    pub load_balancers: BTreeSet<AttachedTargetGroup>,
    /// ARN of the Cloud Map service.
    pub service_registry: Option<String>,
    /// Whether tasks take commands.
    pub enable_execute_command: bool,
    /// `None`: off.
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// In percent of the wanted tasks.
    pub minimum_healthy_percent: u32,
    /// In percent of the wanted tasks.
    pub maximum_percent: u32,
    /// AWS answers nothing for none.
    pub health_check_grace_period_seconds: u32,
    /// Whether tasks get the service's tags.
    pub propagate_tags: bool,
    /// Tags but AWS's own.
    pub tags: TagMap,
    /// What its readiness is judged by.
    pub rollout: Rollout,
}

/// A target group with the container behind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct AttachedTargetGroup {
    /// ARN of the group.
    pub target_group_arn: String,
    /// The container.
    pub container_name: String,
    /// Its port.
    pub container_port: u16,
}

/// Reads services, ten per call, and for those that somebody waits for also what tells how they do.
pub(super) async fn read(
    aws: &Aws,
    lookups: &[Lookup<'_, EcsService>],
) -> Result<Vec<Option<EcsServiceObserved>>, CallError> {
    let mut clusters: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for lookup in lookups {
        let names = clusters.entry(&lookup.outputs.cluster).or_default();
        names.push(lookup.outputs.name.clone());
    }
    let calls = clusters.iter().flat_map(|(cluster, names)| {
        names
            .chunks(SERVICES_PER_CALL)
            .map(|some| describe(aws, cluster, some.to_vec()))
    });
    let found: HashMap<String, api::Service> = try_join_all(calls)
        .await?
        .into_iter()
        .flatten()
        .map(|service| (service.service_arn.clone().unwrap_or_default(), service))
        .collect();
    try_join_all(
        lookups
            .iter()
            .map(async |lookup| match found.get(&lookup.outputs.arn) {
                Some(service) => complete(aws, lookup, service).await.map(Some),
                None => Ok(None),
            }),
    )
    .await
}

/// The services that are there. A missing one is told in `failures`, a deleted one is shown as INACTIVE for
/// a while, and a missing cluster has none (aws-behaviour §2.18).
pub(in crate::kinds) async fn describe(
    aws: &Aws,
    cluster: &str,
    names: Vec<String>,
) -> Result<Vec<api::Service>, CallError> {
    let call = aws
        .ecs
        .describe_services()
        .cluster(cluster)
        .set_services(Some(names))
        .include(api::ServiceField::Tags);
    match send("ecs:DescribeServices", call.send()).await {
        Ok(answer) => Ok(answer
            .services
            .unwrap_or_default()
            .into_iter()
            .filter(|service| service.status() != Some("INACTIVE"))
            .collect()),
        Err(error) if error.is_not_found() => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// The ARNs of the tasks that a service still has.
pub(super) async fn living_tasks(
    aws: &Aws,
    outputs: &EcsServiceOutputs,
) -> Result<Vec<String>, CallError> {
    let call = aws
        .ecs
        .list_tasks()
        .cluster(&outputs.cluster)
        .service_name(&outputs.name);
    let answer = send("ecs:ListTasks", call.send()).await?;
    Ok(answer.task_arns.unwrap_or_default())
}

/// The service, and what only further calls tell: how it does, for who waits, and why its tasks stop.
async fn complete(
    aws: &Aws,
    lookup: &Lookup<'_, EcsService>,
    service: &api::Service,
) -> Result<EcsServiceObserved, CallError> {
    let mut seen = observe(service);
    let definition = &lookup.spec.task_definition;
    seen.rollout.task_definition = lookup.known.get(definition, |definition| definition.arn);
    seen.rollout.deployment_id = lookup.outputs.deployment_id.clone();
    seen.vpc_id = lookup.outputs.vpc_id.clone();
    seen.rollout.deployment_began = lookup.outputs.deployment_began;
    let wanted = lookup.spec.wanted_count(&seen);
    if seen.draining || wanted == 0 {
        return Ok(seen);
    }
    let running = seen.rollout.primary().map_or(0, |primary| primary.running);
    if lookup.waiting && running > 0 {
        let groups = seen
            .load_balancers
            .iter()
            .map(|attached| target_group_health(aws, &attached.target_group_arn));
        let (groups, instances) = tokio::try_join!(
            try_join_all(groups),
            instances(aws, seen.service_registry.as_deref())
        )?;
        seen.rollout.target_groups = Some(groups);
        seen.rollout.instances = instances;
    }
    // A task that dies after it ran is not among `failedTasks`, and that count starts again from nothing
    // once one task ran: a crash loop shows in the stopped tasks alone. Asked for in a plain sweep too, so
    // that the next run begins a new deployment; a service that runs as wanted costs no such call.
    let rolled_back = seen
        .rollout
        .deployments
        .iter()
        .any(|one| one.state == RolloutState::Failed);
    // Tasks that run and fail the load balancer's check are stopped and started again: at times as many run as
    // are wanted.
    let failing = seen
        .rollout
        .primary()
        .is_some_and(|primary| primary.state == RolloutState::InProgress && primary.failed > 0);
    if running < wanted || rolled_back || failing || seen.rollout.is_undone() {
        seen.rollout.stopped = stopped_tasks(aws, lookup.outputs).await?;
    }
    if lookup.waiting {
        explain(aws, wanted, &mut seen).await?;
    }
    Ok(seen)
}

/// What tells who waits why it takes long: the check that fails, and in the end what containers wrote last.
async fn explain(aws: &Aws, wanted: u32, seen: &mut EcsServiceObserved) -> Result<(), CallError> {
    let rollout = &seen.rollout;
    // A target that is only being registered fails nothing yet.
    let fails = |group: &TargetGroupHealth| {
        let reason = group.reason.as_deref();
        reason.and_then(health_checks::cause_of_answer).is_some()
    };
    let mut failed = rollout.stopped.iter();
    if rollout.target_groups.iter().flatten().any(fails)
        || failed.any(|task| task.reason.contains("ELB health checks"))
    {
        let balancers = seen.load_balancers.iter();
        let arns = balancers.map(|attached| attached.target_group_arn.clone());
        seen.rollout.health_checks = health_checks::read(aws, arns.collect()).await?;
    }
    if matches!(rollout::readiness(wanted, seen), Readiness::Failed(_))
        && let Some(task) = seen.rollout.last_failed()
    {
        let balancers = seen.load_balancers.iter();
        let routed: Vec<&str> = balancers
            .map(|attached| attached.container_name.as_str())
            .collect();
        let logs = last_words(aws, task, &routed).await;
        seen.rollout.logs = logs;
    }
    Ok(())
}

/// What DescribeServices tells.
pub(super) fn observe(service: &api::Service) -> EcsServiceObserved {
    let network = service
        .network_configuration()
        .and_then(|network| network.awsvpc_configuration());
    let list = |values: Option<&[String]>| values.unwrap_or_default().iter().cloned().collect();
    let configuration = service.deployment_configuration();
    let breaker = configuration
        .and_then(|configuration| configuration.deployment_circuit_breaker())
        .filter(|breaker| breaker.enable());
    EcsServiceObserved {
        arn: service.service_arn.clone().unwrap_or_default(),
        name: service.service_name.clone().unwrap_or_default(),
        cluster: service.cluster_arn.clone().unwrap_or_default(),
        vpc_id: None,
        draining: service.status() == Some("DRAINING"),
        task_definition: service.task_definition.clone().unwrap_or_default(),
        capacity_provider_strategy: service
            .capacity_provider_strategy()
            .iter()
            .map(|item| CapacityProviderStrategyItem {
                capacity_provider: item.capacity_provider.clone(),
                weight: unsigned(item.weight),
                base: unsigned(item.base),
            })
            .collect(),
        desired_count: unsigned(service.desired_count),
        running_count: unsigned(service.running_count),
        pending_count: unsigned(service.pending_count),
        subnets: list(network.map(|network| network.subnets())),
        security_groups: list(network.map(|network| network.security_groups())),
        assign_public_ip: network.and_then(|network| network.assign_public_ip())
            == Some(&api::AssignPublicIp::Enabled),
        load_balancers: service
            .load_balancers()
            .iter()
            .filter_map(attached)
            .collect(),
        service_registry: service
            .service_registries()
            .first()
            .and_then(|registry| registry.registry_arn.clone()),
        enable_execute_command: service.enable_execute_command,
        deployment_circuit_breaker: breaker.map(|breaker| DeploymentCircuitBreaker {
            rollback: breaker.rollback(),
        }),
        minimum_healthy_percent: configuration
            .and_then(|configuration| configuration.minimum_healthy_percent)
            .map_or(DEFAULT_MINIMUM_HEALTHY_PERCENT, unsigned),
        maximum_percent: configuration
            .and_then(|configuration| configuration.maximum_percent)
            .map_or(DEFAULT_MAXIMUM_PERCENT, unsigned),
        health_check_grace_period_seconds: unsigned(
            service.health_check_grace_period_seconds.unwrap_or(0),
        ),
        propagate_tags: service.propagate_tags == Some(api::PropagateTags::Service),
        tags: tags::from_ecs(service.tags.clone()),
        rollout: Rollout {
            deployments: service.deployments().iter().map(deployment).collect(),
            events: service.events().iter().map(event).collect(),
            ..Rollout::default()
        },
    }
}

fn attached(balancer: &api::LoadBalancer) -> Option<AttachedTargetGroup> {
    Some(AttachedTargetGroup {
        target_group_arn: balancer.target_group_arn.clone()?,
        container_name: balancer.container_name.clone().unwrap_or_default(),
        container_port: balancer
            .container_port
            .and_then(|port| u16::try_from(port).ok())
            .unwrap_or_default(),
    })
}

fn deployment(deployment: &api::Deployment) -> Deployment {
    Deployment {
        id: deployment.id.clone().unwrap_or_default(),
        primary: deployment.status() == Some("PRIMARY"),
        task_definition: deployment.task_definition.clone().unwrap_or_default(),
        state: match deployment.rollout_state() {
            Some(api::DeploymentRolloutState::Completed) => RolloutState::Completed,
            Some(api::DeploymentRolloutState::Failed) => RolloutState::Failed,
            _ => RolloutState::InProgress,
        },
        reason: deployment.rollout_state_reason.clone().unwrap_or_default(),
        running: unsigned(deployment.running_count),
        failed: unsigned(deployment.failed_tasks),
        created_at: seconds(deployment.created_at.as_ref()),
    }
}

fn event(event: &api::ServiceEvent) -> Event {
    Event {
        at: seconds(event.created_at.as_ref()),
        message: event.message.clone().unwrap_or_default(),
    }
}

fn seconds(moment: Option<&aws_smithy_types::DateTime>) -> f64 {
    moment.map_or(0.0, |moment| moment.as_secs_f64())
}

/// A count; AWS never answers a negative one.
fn unsigned(value: i32) -> u32 {
    u32::try_from(value).unwrap_or(0)
}

async fn target_group_health(aws: &Aws, arn: &str) -> Result<TargetGroupHealth, CallError> {
    let call = aws.elb.describe_target_health().target_group_arn(arn);
    let answer = send("elb:DescribeTargetHealth", call.send()).await?;
    let health: Vec<TargetHealth> = answer
        .target_health_descriptions
        .unwrap_or_default()
        .into_iter()
        .filter_map(|description| description.target_health)
        .collect();
    Ok(TargetGroupHealth {
        arn: arn.to_owned(),
        ..summary(&health)
    })
}

/// How many are healthy and, if some are not, what is said of the worst.
fn summary(health: &[TargetHealth]) -> TargetGroupHealth {
    let with = |state| {
        health
            .iter()
            .find(move |health| health.state() == Some(&state))
    };
    let worst = with(TargetHealthStateEnum::Unhealthy)
        .or_else(|| with(TargetHealthStateEnum::Unused))
        .or_else(|| with(TargetHealthStateEnum::Initial));
    TargetGroupHealth {
        arn: String::new(),
        healthy: health
            .iter()
            .filter(|health| health.state() == Some(&TargetHealthStateEnum::Healthy))
            .count(),
        reason: worst.and_then(|health| {
            let reason = || health.reason().map(|reason| reason.as_str().to_owned());
            health.description.clone().or_else(reason)
        }),
    }
}

async fn instances(aws: &Aws, registry_arn: Option<&str>) -> Result<Option<usize>, CallError> {
    match registry_arn.and_then(|arn| arn.rsplit('/').next()) {
        Some(service_id) => cloud_map::visible_instances(aws, service_id)
            .await
            .map(Some),
        None => Ok(None),
    }
}

/// The tasks that stopped lately; ECS remembers them for an hour.
async fn stopped_tasks(
    aws: &Aws,
    outputs: &EcsServiceOutputs,
) -> Result<Vec<StoppedTask>, CallError> {
    let call = aws
        .ecs
        .list_tasks()
        .cluster(&outputs.cluster)
        .service_name(&outputs.name)
        .desired_status(api::DesiredStatus::Stopped);
    let answer = send("ecs:ListTasks", call.send()).await?;
    let arns = answer.task_arns.unwrap_or_default();
    if arns.is_empty() {
        return Ok(Vec::new());
    }
    // One page of ListTasks is what DescribeTasks takes, and more than a verdict needs.
    let call = aws
        .ecs
        .describe_tasks()
        .cluster(&outputs.cluster)
        .set_tasks(Some(arns));
    let answer = send("ecs:DescribeTasks", call.send()).await?;
    let tasks = answer.tasks.unwrap_or_default();
    Ok(tasks.into_iter().map(StoppedTask::from).collect())
}

#[cfg(test)]
mod tests {
    use aws_sdk_elasticloadbalancingv2::types::TargetHealthReasonEnum;

    use super::*;

    #[test]
    fn target_health_says_what_is_wrong_with_the_worst() {
        let target = |state, description: Option<&str>| {
            TargetHealth::builder()
                .state(state)
                .reason(TargetHealthReasonEnum::FailedHealthChecks)
                .set_description(description.map(str::to_owned))
                .build()
        };
        let seen = summary(&[
            target(TargetHealthStateEnum::Healthy, None),
            target(
                TargetHealthStateEnum::Initial,
                Some("Initial health checks in progress"),
            ),
            target(
                TargetHealthStateEnum::Unhealthy,
                Some("Health checks failed with these codes: [502]"),
            ),
        ]);
        assert_eq!(seen.healthy, 1);
        assert_eq!(
            seen.reason.as_deref(),
            Some("Health checks failed with these codes: [502]")
        );
        let silent = summary(&[target(TargetHealthStateEnum::Unhealthy, None)]);
        assert_eq!(silent.reason.as_deref(), Some("Target.FailedHealthChecks"));
    }

    #[test]
    fn a_breaker_that_is_off_reads_as_none() {
        let breaker = |enable| {
            let breaker = api::DeploymentCircuitBreaker::builder()
                .enable(enable)
                .rollback(true)
                .build();
            let configuration =
                api::DeploymentConfiguration::builder().deployment_circuit_breaker(breaker);
            observe(
                &api::Service::builder()
                    .deployment_configuration(configuration.build())
                    .build(),
            )
            .deployment_circuit_breaker
        };
        assert_eq!(breaker(false), None);
        assert_eq!(
            breaker(true),
            Some(DeploymentCircuitBreaker { rollback: true })
        );
    }
}
