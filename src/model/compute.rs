//! What runs? The cluster, and a task definition with its ECS service per service.

use super::ingress::ROUTES;
use super::{Builder, MAIN};
use crate::kinds::cluster::Cluster;
use crate::kinds::ecs_service::{
    CapacityProviderStrategyItem, DeploymentCircuitBreaker, EcsService, ServiceLoadBalancer,
};
use crate::kinds::log_group::LogGroup;
use crate::kinds::task_definition::{
    Architecture, ContainerDefinition, ContainerDependency, ContainerHealthCheck,
    DependencyCondition, LogConfiguration, PortMapping, Protocol, TaskDefinition,
};
use crate::resource::Ref;
use crate::stack::{
    self, AllowSource, Container, Count, LEAST_EPHEMERAL_STORAGE, Service, Spot, names,
};

const FARGATE: &str = "FARGATE";
const FARGATE_SPOT: &str = "FARGATE_SPOT";

/// The base on ordinary Fargate, and what is beyond it by the share. What has neither is left out.
fn strategy(spot: Spot) -> Vec<CapacityProviderStrategyItem> {
    let item = |provider: &str, weight, base| CapacityProviderStrategyItem {
        capacity_provider: provider.to_owned(),
        weight,
        base,
    };
    [
        item(FARGATE, 100 - spot.share, spot.base),
        item(FARGATE_SPOT, spot.share, 0),
    ]
    .into_iter()
    .filter(|item| item.weight > 0 || item.base > 0)
    .collect()
}

impl Builder<'_> {
    pub(super) fn compute(&mut self) {
        let name = names::cluster(self.stack);
        let tags = self.tags::<Cluster>(MAIN, &name);
        let has_spot = self
            .stack
            .services
            .iter()
            .any(|service| service.spot.is_some());
        let capacity_providers = match has_spot {
            true => vec![FARGATE.to_owned(), FARGATE_SPOT.to_owned()],
            false => Vec::new(),
        };
        self.graph.add(
            MAIN,
            Cluster {
                name,
                capacity_providers,
                tags,
            },
        );
        for service in &self.stack.services {
            self.task_definition(service);
            self.ecs_service(service);
            self.autoscaling(service);
        }
    }

    fn task_definition(&mut self, service: &Service) {
        let family = names::task_family(self.stack, service);
        let tags = self.tags::<TaskDefinition>(&service.name, &family);
        let containers = service
            .containers
            .iter()
            .map(|container| self.container(container))
            .collect();
        self.graph.add(
            &service.name,
            TaskDefinition {
                family,
                cpu: service.cpu,
                memory: service.memory,
                task_role: Ref::exists(MAIN),
                execution_role: Ref::exists(MAIN),
                architecture: match service.architecture {
                    stack::Architecture::X86_64 => Architecture::X86_64,
                    stack::Architecture::Arm64 => Architecture::Arm64,
                },
                ephemeral_storage_gib: Some(service.ephemeral_storage)
                    .filter(|size| *size > LEAST_EPHEMERAL_STORAGE),
                containers,
                tags,
            },
        );
    }

    fn container(&self, container: &Container) -> ContainerDefinition {
        ContainerDefinition {
            name: container.name.clone(),
            image: container.image.clone(),
            essential: container.essential,
            port_mappings: container
                .ports
                .iter()
                .map(|port| PortMapping {
                    container_port: *port,
                    protocol: Protocol::Tcp,
                })
                .collect(),
            environment: container
                .environment
                .iter()
                .map(|(key, value)| (key.clone(), value.clone().into()))
                .collect(),
            secrets: container
                .secrets
                .iter()
                .map(|(key, source)| (key.clone(), source.value_from()))
                .collect(),
            environment_files: container.environment_files.clone(),
            depends_on: container
                .depends_on
                .iter()
                .map(|(name, condition)| ContainerDependency {
                    container_name: name.clone(),
                    condition: match condition {
                        stack::ContainerCondition::Start => DependencyCondition::Start,
                        stack::ContainerCondition::Complete => DependencyCondition::Complete,
                        stack::ContainerCondition::Success => DependencyCondition::Success,
                        stack::ContainerCondition::Healthy => DependencyCondition::Healthy,
                    },
                })
                .collect(),
            health_check: container
                .health_check
                .as_ref()
                .map(|check| ContainerHealthCheck {
                    command: check.command.clone(),
                    interval_seconds: check.interval_seconds,
                    timeout_seconds: check.timeout_seconds,
                    retries: check.retries,
                    start_period_seconds: check.start_period_seconds,
                }),
            stop_timeout_seconds: container.stop_timeout_seconds,
            entry_point: container.entrypoint.clone(),
            command: container.command.clone(),
            log_configuration: container.logs.as_ref().map(|logs| LogConfiguration {
                // A task whose log group is missing is stopped (aws-behaviour §1 row 28).
                log_group: Ref::exists(&logs.group),
                group: logs.group.clone(),
                region: self.region.to_owned(),
                stream_prefix: logs.stream_prefix.clone(),
            }),
        }
    }

    fn ecs_service(&mut self, service: &Service) {
        let name = names::service(self.stack, service);
        let tags = self.tags::<EcsService>(&service.name, &name);
        let has_peers = service
            .allow
            .iter()
            .any(|rule| !matches!(rule.from, AllowSource::Cidr(_)));
        let route = service.route.as_ref();
        let facts = self.facts.get(&service.name).cloned().unwrap_or_default();
        let mut log_groups: Vec<Ref<LogGroup>> = Vec::new();
        for logs in service
            .containers
            .iter()
            .filter_map(|container| container.logs.as_ref())
        {
            let group = Ref::exists(&logs.group);
            if !log_groups.contains(&group) {
                log_groups.push(group);
            }
        }
        self.graph.add(
            &service.name,
            EcsService {
                // A strategy names what is attached to the cluster (the API model's CapacityProviderStrategyItem).
                cluster: match service.spot {
                    Some(_) => Ref::ready(MAIN),
                    None => Ref::exists(MAIN),
                },
                name,
                task_definition: Ref::exists(&service.name),
                vpc: Some(Ref::exists(MAIN)),
                image_digests: facts.image_digests,
                capacity_provider_strategy: service.spot.map_or_else(Vec::new, strategy),
                desired_count: match service.count {
                    Count::Fixed(count) => facts.desired_count.unwrap_or(count),
                    Count::Autoscaled(autoscaling) => autoscaling.min,
                },
                autoscaled: matches!(service.count, Count::Autoscaled(_)),
                subnets: self.subnets(service.subnets),
                security_groups: vec![Ref::exists(&service.name)],
                assign_public_ip: service.assign_public_ip(),
                load_balancers: route
                    .map(|route| ServiceLoadBalancer {
                        target_group: Ref::exists(&service.name),
                        container_name: route.container.clone(),
                        container_port: route.container_port,
                    })
                    .into_iter()
                    .collect(),
                service_registry: service
                    .discovery
                    .as_ref()
                    .map(|_| Ref::exists(&service.name)),
                enable_execute_command: service.exec,
                deployment_circuit_breaker: service.deployment.circuit_breaker.map(|breaker| {
                    DeploymentCircuitBreaker {
                        rollback: breaker.rollback,
                    }
                }),
                minimum_healthy_percent: service.deployment.min_healthy,
                maximum_percent: service.deployment.max,
                health_check_grace_period_seconds: None,
                propagate_tags: true,
                tags,
                security_group_rules: has_peers
                    .then(|| Ref::exists(&service.name))
                    .into_iter()
                    .chain(self.endpoint_rules())
                    .collect(),
                roles: vec![Ref::exists(MAIN)],
                // A target group must hang on a listener before ECS takes it (aws-behaviour §1 row 30).
                listeners: route.map(|_| Ref::exists(ROUTES)).into_iter().collect(),
                listener_rules: route
                    .map(|_| Ref::exists(&service.name))
                    .into_iter()
                    .collect(),
                nat_gateways: self.nat_gateways(service.subnets),
                vpc_endpoints: self.vpc_endpoints(service.subnets),
                route_tables: self.route_tables(service.subnets),
                log_groups,
                // A healthy instance of the other has to be registered (aws-behaviour §1 row 36);
                // they may go in any order.
                depends_on: service
                    .depends_on
                    .iter()
                    .map(|other| Ref::ready(other).unordered_on_delete())
                    .collect(),
                alias_records: self.alias_records(service),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_becomes_weights() {
        let of = |share, base| -> Vec<(String, u32, u32)> {
            strategy(Spot { share, base })
                .into_iter()
                .map(|item| (item.capacity_provider, item.weight, item.base))
                .collect()
        };
        let (fargate, spot) = (FARGATE.to_owned(), FARGATE_SPOT.to_owned());
        assert_eq!(of(70, 2), [(fargate.clone(), 30, 2), (spot.clone(), 70, 0)]);
        assert_eq!(of(100, 1), [(fargate, 0, 1), (spot.clone(), 100, 0)]);
        assert_eq!(of(100, 0), [(spot, 100, 0)]);
    }
}
