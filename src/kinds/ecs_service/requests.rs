//! How do the wishes of an ECS service look in ECS's own requests?

use aws_sdk_ecs::types as api;
use aws_sdk_elasticloadbalancingv2::types::TargetGroupAttribute;
use futures::future::{join_all, try_join_all};

use super::super::target_group::DEFAULT_DEREGISTRATION_DELAY_SECONDS;
use super::observed::{DEFAULT_MAXIMUM_PERCENT, DEFAULT_MINIMUM_HEALTHY_PERCENT};
use super::{DeploymentCircuitBreaker, EcsService, EcsServiceObserved, EcsServiceOutputs};
use crate::aws::{Aws, Settle, send, settle};
use crate::resource::{CallError, Change, Context};

/// The deregistration delay while a whole stack is being removed. The 300 s that AWS sets dominate every `down`
/// (aws-behaviour §2.18); a few seconds let requests that are under way end.
const DELAY_ON_DELETE_SECONDS: u32 = 5;

type UpdateService = aws_sdk_ecs::operation::update_service::builders::UpdateServiceFluentBuilder;

impl EcsService {
    pub(super) fn network(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<api::NetworkConfiguration, CallError> {
        let subnets = context.all(&self.subnets, |subnet| subnet.subnet_id)?;
        let groups = context.all(&self.security_groups, |group| group.group_id)?;
        let configuration = api::AwsVpcConfiguration::builder()
            .set_subnets(Some(subnets))
            .set_security_groups(Some(groups))
            .assign_public_ip(match self.assign_public_ip {
                true => api::AssignPublicIp::Enabled,
                false => api::AssignPublicIp::Disabled,
            })
            .build()
            .expect("its required member is set");
        Ok(api::NetworkConfiguration::builder()
            .awsvpc_configuration(configuration)
            .build())
    }

    pub(super) fn target_groups(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Vec<api::LoadBalancer>, CallError> {
        self.load_balancers
            .iter()
            .map(|balancer| {
                Ok(api::LoadBalancer::builder()
                    .target_group_arn(context.outputs(&balancer.target_group)?.arn)
                    .container_name(&balancer.container_name)
                    .container_port(balancer.container_port.into())
                    .build())
            })
            .collect()
    }

    pub(super) fn registries(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Vec<api::ServiceRegistry>, CallError> {
        self.service_registry
            .iter()
            .map(|registry| {
                let arn = context.outputs(registry)?.arn;
                Ok(api::ServiceRegistry::builder().registry_arn(arn).build())
            })
            .collect()
    }

    /// A service has a launch type or a strategy, never both (the API model's CreateService).
    pub(super) fn launch_type(&self) -> Option<api::LaunchType> {
        let is_bare = self.capacity_provider_strategy.is_empty();
        is_bare.then_some(api::LaunchType::Fargate)
    }

    pub(super) fn strategy(&self) -> Vec<api::CapacityProviderStrategyItem> {
        self.capacity_provider_strategy
            .iter()
            .map(|item| {
                api::CapacityProviderStrategyItem::builder()
                    .capacity_provider(&item.capacity_provider)
                    .weight(count(item.weight))
                    .base(count(item.base))
                    .build()
                    .expect("its required member is set")
            })
            .collect()
    }

    /// For a new service: what the stack sets, and nothing where it leaves all to AWS.
    pub(super) fn deployment_configuration(&self) -> Option<api::DeploymentConfiguration> {
        let breaker = self.deployment_circuit_breaker.as_ref().map(on);
        if breaker.is_none()
            && self.minimum_healthy_percent.is_none()
            && self.maximum_percent.is_none()
        {
            return None;
        }
        Some(
            api::DeploymentConfiguration::builder()
                .set_deployment_circuit_breaker(breaker)
                .set_minimum_healthy_percent(self.minimum_healthy_percent.map(count))
                .set_maximum_percent(self.maximum_percent.map(count))
                .build(),
        )
    }

    /// For a service that exists: all of it, since nobody says that members left out of the structure stay.
    /// What the stack never set stays as it was seen, what it gave up is AWS's default again.
    fn changed_configuration(
        &self,
        seen: &EcsServiceObserved,
        change: &Change,
    ) -> api::DeploymentConfiguration {
        let breaker = match &self.deployment_circuit_breaker {
            None if !change.touches("deployment_circuit_breaker") => {
                seen.deployment_circuit_breaker.as_ref()
            }
            wanted => wanted.as_ref(),
        };
        let percent = |field: &str, wanted: Option<u32>, seen: u32, default: u32| match wanted {
            Some(wanted) => wanted,
            None if change.touches(field) => default,
            None => seen,
        };
        let minimum = percent(
            "minimum_healthy_percent",
            self.minimum_healthy_percent,
            seen.minimum_healthy_percent,
            DEFAULT_MINIMUM_HEALTHY_PERCENT,
        );
        let maximum = percent(
            "maximum_percent",
            self.maximum_percent,
            seen.maximum_percent,
            DEFAULT_MAXIMUM_PERCENT,
        );
        api::DeploymentConfiguration::builder()
            .deployment_circuit_breaker(breaker.map_or_else(off, on))
            .minimum_healthy_percent(count(minimum))
            .maximum_percent(count(maximum))
            .build()
    }

    pub(super) fn grace_period(&self) -> Option<i32> {
        self.health_check_grace_period_seconds.map(count)
    }

    /// One UpdateService with what differs; what it leaves out stays as it is (aws-behaviour §2.18).
    pub(super) fn changed_fields(
        &self,
        context: &Context<'_, Aws>,
        outputs: &EcsServiceOutputs,
        seen: &EcsServiceObserved,
        change: &Change,
    ) -> Result<UpdateService, CallError> {
        let mut call = context
            .cloud
            .ecs
            .update_service()
            .cluster(&outputs.cluster)
            .service(&outputs.name);
        if change.touches("task_definition") {
            call = call.task_definition(context.outputs(&self.task_definition)?.arn);
        }
        // Another definition makes a new deployment by itself, and ECS looks every tag up for it.
        let only_moved = change.touches("image_digest") && !change.touches("task_definition");
        // An empty list is the launch type again; either way ECS asks for a new deployment ("you must force a new
        // deployment", pipe-cd/pipecd#6385).
        let moves = change.touches("capacity_provider_strategy");
        if moves {
            call = call.set_capacity_provider_strategy(Some(self.strategy()));
        }
        if change.touches("deployment") || only_moved || moves {
            call = call.force_new_deployment(true);
        }
        if change.touches("desired_count") {
            call = call.desired_count(count(self.desired_count));
        }
        if ["subnets", "security_groups", "assign_public_ip"]
            .iter()
            .any(|field| change.touches(field))
        {
            call = call.network_configuration(self.network(context)?);
        }
        if change.touches("load_balancers") {
            call = call.set_load_balancers(Some(self.target_groups(context)?));
        }
        if change.touches("service_registry") {
            call = call.set_service_registries(Some(self.registries(context)?));
        }
        if change.touches("enable_execute_command") {
            call = call.enable_execute_command(self.enable_execute_command);
        }
        if [
            "deployment_circuit_breaker",
            "minimum_healthy_percent",
            "maximum_percent",
        ]
        .iter()
        .any(|field| change.touches(field))
        {
            call = call.deployment_configuration(self.changed_configuration(seen, change));
        }
        if change.touches("health_check_grace_period_seconds") {
            call = call.health_check_grace_period_seconds(self.grace_period().unwrap_or(0));
        }
        if change.touches("propagate_tags") {
            call = call.propagate_tags(match self.propagate_tags {
                true => api::PropagateTags::Service,
                false => api::PropagateTags::None,
            });
        }
        Ok(call)
    }

    /// The target groups whose delay a removal shortens, with the delay that they are to have.
    fn slow_groups(&self, context: &Context<'_, Aws>) -> Vec<(String, u32)> {
        self.load_balancers
            .iter()
            .filter_map(|balancer| context.known.outputs(&balancer.target_group))
            .map(|group| {
                let delay = group.deregistration_delay_seconds;
                let delay = delay.unwrap_or(DEFAULT_DEREGISTRATION_DELAY_SECONDS);
                (group.arn, delay)
            })
            .filter(|(_, delay)| *delay > DELAY_ON_DELETE_SECONDS)
            .collect()
    }

    /// Best effort: a service drains as well with the long delay, only slower.
    pub(super) async fn shorten_draining(&self, context: &Context<'_, Aws>) {
        let groups = self.slow_groups(context);
        let calls = groups
            .iter()
            .map(|(arn, _)| set_delay(context.cloud, arn, DELAY_ON_DELETE_SECONDS));
        join_all(calls).await;
    }

    /// Undoes `shorten_draining`, for a target group that outlived a removal which was broken off.
    /// Who shortens the delay removes the service too, so every way back leads through its create,
    /// and the sweeps need not read the delay.
    pub(super) async fn restore_draining(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<(), CallError> {
        let groups = self.slow_groups(context);
        try_join_all(groups.iter().map(async |(arn, wanted)| {
            match delay_of(context.cloud, arn).await? {
                Some(delay) if delay != *wanted => set_delay(context.cloud, arn, *wanted).await,
                _ => Ok(()),
            }
        }))
        .await
        .map(drop)
    }
}

const DELAY: &str = "deregistration_delay.timeout_seconds";

async fn set_delay(aws: &Aws, target_group_arn: &str, seconds: u32) -> Result<(), CallError> {
    let delay = TargetGroupAttribute::builder().key(DELAY);
    let call = aws
        .elb
        .modify_target_group_attributes()
        .target_group_arn(target_group_arn)
        .attributes(delay.value(seconds.to_string()).build());
    send("elb:ModifyTargetGroupAttributes", call.send())
        .await
        .map(drop)
}

async fn delay_of(aws: &Aws, target_group_arn: &str) -> Result<Option<u32>, CallError> {
    let answer = settle("elb:DescribeTargetGroupAttributes", Settle::Fresh, || {
        let call = aws.elb.describe_target_group_attributes();
        call.target_group_arn(target_group_arn).send()
    })
    .await?;
    Ok(answer
        .attributes()
        .iter()
        .find(|attribute| attribute.key() == Some(DELAY))
        .and_then(|attribute| attribute.value()?.parse().ok()))
}

fn on(breaker: &DeploymentCircuitBreaker) -> api::DeploymentCircuitBreaker {
    api::DeploymentCircuitBreaker::builder()
        .enable(true)
        .rollback(breaker.rollback)
        .build()
}

fn off() -> api::DeploymentCircuitBreaker {
    api::DeploymentCircuitBreaker::builder()
        .enable(false)
        .rollback(false)
        .build()
}

/// A count as the API takes it; ECS's own limits lie far below what does not fit.
pub(super) fn count(value: u32) -> i32 {
    i32::try_from(value).unwrap_or(i32::MAX)
}
