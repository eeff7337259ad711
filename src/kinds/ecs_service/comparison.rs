//! What differs between the ECS service that the stack wants and the one that AWS has?

use std::collections::BTreeSet;

use super::observed::{DEFAULT_MAXIMUM_PERCENT, DEFAULT_MINIMUM_HEALTHY_PERCENT};
use super::{AttachedTargetGroup, EcsService, EcsServiceObserved, rollout};
use crate::resource::{Change, Effect, Known};

impl EcsService {
    /// Every field that differs, with what changing it takes (aws-behaviour §2.18, update).
    pub(super) fn compare(
        &self,
        seen: &EcsServiceObserved,
        recorded: Option<&Self>,
        known: &Known,
    ) -> Change {
        let mut change = Change::default();
        if seen.draining {
            change.condition(
                "status",
                "DRAINING".into(),
                "ACTIVE".into(),
                Effect::Replace,
            );
        }
        let cluster = known.get(&self.cluster, |cluster| cluster.arn);
        change.reference("cluster", &seen.cluster, cluster.as_ref(), Effect::Replace);
        change.field("name", &seen.name, &self.name, Effect::Replace);
        if let (Some(vpc), Some(seen)) = (&self.vpc, &seen.vpc_id) {
            let wanted = known.get(vpc, |vpc| vpc.vpc_id);
            change.reference("vpc", seen, wanted.as_ref(), Effect::Replace);
        }
        let definition = known.get(&self.task_definition, |definition| definition.arn);
        change.reference(
            "task_definition",
            &seen.task_definition,
            definition.as_ref(),
            Effect::InPlace,
        );
        self.note_moved_tags(&mut change, recorded);
        let strategy = self.capacity_provider_strategy.iter().cloned().collect();
        change.field(
            "capacity_provider_strategy",
            &seen.capacity_provider_strategy,
            &strategy,
            Effect::InPlace,
        );
        change.field(
            "desired_count",
            &seen.desired_count,
            &self.wanted_count(seen),
            Effect::InPlace,
        );
        if let Some(why) = rollout::stuck(self.wanted_count(seen), seen) {
            change.condition("deployment", why, "(a new one)".into(), Effect::InPlace);
        }
        self.compare_network(&mut change, seen, known);
        self.compare_attachments(&mut change, seen, known);
        change.field(
            "enable_execute_command",
            &seen.enable_execute_command,
            &self.enable_execute_command,
            Effect::InPlace,
        );
        self.compare_deployment(&mut change, seen, recorded);
        change.field(
            "propagate_tags",
            &seen.propagate_tags,
            &self.propagate_tags,
            Effect::InPlace,
        );
        change.tags(&seen.tags, &self.tags);
        change.dropped_tags(recorded.map(|recorded| &recorded.tags), &self.tags);
        change
    }

    /// Tags that moved since the last run. What was not known then, or is not known now, is no difference:
    /// not to know a digest must never make a deployment.
    pub fn note_moved_tags(&self, change: &mut Change, recorded: Option<&Self>) {
        let Some(recorded) = recorded else { return };
        for (container, digest) in &self.image_digests {
            let Some(before) = recorded.image_digests.get(container) else {
                continue;
            };
            if before != digest {
                change.note(
                    &format!("image_digest.{container}"),
                    short_digest(before).to_owned(),
                    short_digest(digest).to_owned(),
                    Effect::InPlace,
                );
            }
        }
    }

    fn compare_network(&self, change: &mut Change, seen: &EcsServiceObserved, known: &Known) {
        let subnets: Option<BTreeSet<_>> = known
            .all(&self.subnets, |subnet| subnet.subnet_id)
            .map(BTreeSet::from_iter);
        change.reference("subnets", &seen.subnets, subnets.as_ref(), Effect::InPlace);
        let groups: Option<BTreeSet<_>> = known
            .all(&self.security_groups, |group| group.group_id)
            .map(BTreeSet::from_iter);
        change.reference(
            "security_groups",
            &seen.security_groups,
            groups.as_ref(),
            Effect::InPlace,
        );
        change.field(
            "assign_public_ip",
            &seen.assign_public_ip,
            &self.assign_public_ip,
            Effect::InPlace,
        );
    }

    fn compare_attachments(&self, change: &mut Change, seen: &EcsServiceObserved, known: &Known) {
        let balancers: Option<BTreeSet<_>> = self
            .load_balancers
            .iter()
            .map(|balancer| {
                Some(AttachedTargetGroup {
                    target_group_arn: known.get(&balancer.target_group, |group| group.arn)?,
                    container_name: balancer.container_name.clone(),
                    container_port: balancer.container_port,
                })
            })
            .collect();
        change.reference(
            "load_balancers",
            &seen.load_balancers,
            balancers.as_ref(),
            Effect::InPlace,
        );
        let registry = match &self.service_registry {
            Some(registry) => known.get(registry, |service| service.arn).map(Some),
            None => Some(None),
        };
        change.reference(
            "service_registry",
            &seen.service_registry,
            registry.as_ref(),
            Effect::InPlace,
        );
    }

    /// What the stack leaves to AWS is compared only after the stack itself had set it.
    fn compare_deployment(
        &self,
        change: &mut Change,
        seen: &EcsServiceObserved,
        recorded: Option<&Self>,
    ) {
        if self.deployment_circuit_breaker.is_some()
            || recorded.is_some_and(|recorded| recorded.deployment_circuit_breaker.is_some())
        {
            change.field(
                "deployment_circuit_breaker",
                &seen.deployment_circuit_breaker,
                &self.deployment_circuit_breaker,
                Effect::InPlace,
            );
        }
        for (field, seen, wanted, recorded, default) in [
            (
                "minimum_healthy_percent",
                seen.minimum_healthy_percent,
                self.minimum_healthy_percent,
                recorded.and_then(|recorded| recorded.minimum_healthy_percent),
                DEFAULT_MINIMUM_HEALTHY_PERCENT,
            ),
            (
                "maximum_percent",
                seen.maximum_percent,
                self.maximum_percent,
                recorded.and_then(|recorded| recorded.maximum_percent),
                DEFAULT_MAXIMUM_PERCENT,
            ),
        ] {
            if wanted.or(recorded).is_some() {
                change.field(field, &seen, &wanted.unwrap_or(default), Effect::InPlace);
            }
        }
        if self.health_check_grace_period_seconds.is_some()
            || recorded.is_some_and(|recorded| recorded.health_check_grace_period_seconds.is_some())
        {
            change.field(
                "health_check_grace_period_seconds",
                &seen.health_check_grace_period_seconds,
                &self.health_check_grace_period_seconds.unwrap_or(0),
                Effect::InPlace,
            );
        }
    }
}

/// `sha256:` and twelve digits, as Docker shows it.
fn short_digest(digest: &str) -> &str {
    digest.get(.."sha256:".len() + 12).unwrap_or(digest)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde_json::json;

    use super::super::observed::observe;
    use super::super::{
        CapacityProviderStrategyItem, DeploymentCircuitBreaker, ServiceLoadBalancer,
    };
    use super::*;
    use crate::kinds::every_field::{Edit, Row, all_edited, each_field, reached};
    use crate::resource::{Ref, Resource, TagMap};
    use aws_sdk_ecs::types as api;

    fn digests(container: &str, digit: char) -> BTreeMap<String, String> {
        let digest = format!("sha256:{}", digit.to_string().repeat(64));
        BTreeMap::from([(container.to_owned(), digest)])
    }

    fn wanted() -> EcsService {
        EcsService {
            cluster: Ref::exists("main"),
            name: "ecs-navi-backend-service".into(),
            task_definition: Ref::exists("backend"),
            vpc: Some(Ref::exists("main")),
            image_digests: digests("nginx", 'a'),
            capacity_provider_strategy: Vec::new(),
            desired_count: 1,
            autoscaled: false,
            subnets: vec![Ref::exists("private-1c"), Ref::exists("private-1a")],
            security_groups: vec![Ref::exists("backend")],
            assign_public_ip: false,
            load_balancers: vec![ServiceLoadBalancer {
                target_group: Ref::exists("backend"),
                container_name: "nginx".into(),
                container_port: 80,
            }],
            service_registry: Some(Ref::exists("backend")),
            enable_execute_command: true,
            deployment_circuit_breaker: None,
            minimum_healthy_percent: None,
            maximum_percent: None,
            health_check_grace_period_seconds: None,
            propagate_tags: false,
            tags: TagMap::from([("team".into(), "a".into())]),
            security_group_rules: vec![Ref::exists("backend")],
            roles: vec![Ref::exists("main")],
            listeners: Vec::new(),
            listener_rules: vec![Ref::exists("backend")],
            nat_gateways: vec![Ref::ready("1a")],
            vpc_endpoints: Vec::new(),
            route_tables: vec![Ref::exists("private")],
            log_groups: vec![Ref::exists("/ecs/nginx")],
            depends_on: vec![Ref::ready("database").unordered_on_delete()],
            alias_records: vec![],
        }
    }

    fn known() -> Known {
        let mut known = Known::default();
        for (address, outputs) in [
            ("cluster.main", json!({ "arn": "arn:cluster", "name": "c" })),
            ("vpc.main", json!({ "vpc_id": "vpc-1" })),
            (
                "task_definition.backend",
                json!({ "arn": "arn:task:1", "family": "f", "revision": 1, "earlier": [] }),
            ),
            (
                "subnet.private-1a",
                json!({ "subnet_id": "subnet-a", "availability_zone": "1a" }),
            ),
            (
                "subnet.private-1c",
                json!({ "subnet_id": "subnet-c", "availability_zone": "1c" }),
            ),
            (
                "security_group.backend",
                json!({ "group_id": "sg-1", "vpc_id": "vpc-1" }),
            ),
            (
                "target_group.backend",
                json!({ "arn": "arn:targets", "deregistration_delay_seconds": null }),
            ),
            (
                "discovery_service.backend",
                json!({ "service_id": "srv-1", "arn": "arn:srv", "namespace_id": "ns-1", "operation_id": null }),
            ),
        ] {
            known.insert(address.parse().unwrap(), outputs);
        }
        known
    }

    fn seen() -> EcsServiceObserved {
        // With what AWS adds: a platform version, a role, percentages, other people's tags.
        let network = api::AwsVpcConfiguration::builder()
            .subnets("subnet-a")
            .subnets("subnet-c")
            .security_groups("sg-1")
            .assign_public_ip(api::AssignPublicIp::Disabled)
            .build()
            .unwrap();
        let deployment = api::DeploymentConfiguration::builder()
            .maximum_percent(200)
            .minimum_healthy_percent(100)
            .deployment_circuit_breaker(
                api::DeploymentCircuitBreaker::builder()
                    .enable(false)
                    .rollback(false)
                    .build(),
            )
            .build();
        let service = api::Service::builder()
            .service_arn("arn:service")
            .service_name("ecs-navi-backend-service")
            .cluster_arn("arn:cluster")
            .status("ACTIVE")
            .desired_count(1)
            .task_definition("arn:task:1")
            .platform_version("LATEST")
            .role_arn("arn:aws:iam::123456789012:role/aws-service-role/ecs.amazonaws.com/AWSServiceRoleForECS")
            .enable_execute_command(true)
            .propagate_tags(api::PropagateTags::None)
            .deployment_configuration(deployment)
            .network_configuration(
                api::NetworkConfiguration::builder().awsvpc_configuration(network).build(),
            )
            .load_balancers(
                api::LoadBalancer::builder()
                    .target_group_arn("arn:targets")
                    .container_name("nginx")
                    .container_port(80)
                    .build(),
            )
            .service_registries(api::ServiceRegistry::builder().registry_arn("arn:srv").build())
            .tags(api::Tag::builder().key("team").value("a").build())
            .tags(api::Tag::builder().key("somebody").value("else").build())
            .build();
        let mut seen = observe(&service);
        seen.vpc_id = Some("vpc-1".into());
        seen
    }

    #[test]
    fn what_aws_adds_is_no_difference() {
        let change = wanted().diff(&seen(), Some(&wanted()), &known());
        assert!(change.is_empty(), "{change:?}");
    }

    #[test]
    fn each_field_changes_as_aws_allows() {
        let rows: &[Row<EcsService>] = &[
            (
                "cluster",
                |service| service.cluster = Ref::exists("new"),
                Effect::Replace,
            ),
            ("name", |service| service.name = "x".into(), Effect::Replace),
            (
                "task_definition",
                |service| service.task_definition = Ref::exists("new"),
                Effect::InPlace,
            ),
            (
                "image_digest.nginx",
                |service| service.image_digests = digests("nginx", 'b'),
                Effect::InPlace,
            ),
            (
                "minimum_healthy_percent",
                |service| service.minimum_healthy_percent = Some(50),
                Effect::InPlace,
            ),
            (
                "maximum_percent",
                |service| service.maximum_percent = Some(150),
                Effect::InPlace,
            ),
            (
                "capacity_provider_strategy",
                |service| service.capacity_provider_strategy = spot(),
                Effect::InPlace,
            ),
            (
                "desired_count",
                |service| service.desired_count = 3,
                Effect::InPlace,
            ),
            (
                "subnets",
                |service| drop(service.subnets.pop()),
                Effect::InPlace,
            ),
            (
                "security_groups",
                |service| service.security_groups.clear(),
                Effect::InPlace,
            ),
            (
                "assign_public_ip",
                |service| service.assign_public_ip = true,
                Effect::InPlace,
            ),
            (
                "load_balancers",
                |service| service.load_balancers[0].container_port = 81,
                Effect::InPlace,
            ),
            (
                "service_registry",
                |service| service.service_registry = None,
                Effect::InPlace,
            ),
            (
                "enable_execute_command",
                |service| service.enable_execute_command = false,
                Effect::InPlace,
            ),
            (
                "deployment_circuit_breaker",
                |service| {
                    service.deployment_circuit_breaker =
                        Some(DeploymentCircuitBreaker { rollback: true });
                },
                Effect::InPlace,
            ),
            (
                "health_check_grace_period_seconds",
                |service| service.health_check_grace_period_seconds = Some(60),
                Effect::InPlace,
            ),
            (
                "propagate_tags",
                |service| service.propagate_tags = true,
                Effect::InPlace,
            ),
            (
                "tags.team",
                |service| drop(service.tags.insert("team".into(), "b".into())),
                Effect::InPlace,
            ),
            (
                "vpc",
                |service| service.vpc = Some(Ref::exists("new")),
                Effect::Replace,
            ),
            (
                "load_balancers",
                |service| service.load_balancers[0].container_name = "other".into(),
                Effect::InPlace,
            ),
            (
                "load_balancers",
                |service| service.load_balancers[0].target_group = Ref::exists("new"),
                Effect::InPlace,
            ),
        ];
        let diff = |changed: &EcsService| changed.diff(&seen(), Some(&wanted()), &known());
        let no_difference: &[(&str, Edit<EcsService>)] = &[
            // Then the count is not the stack's to say.
            ("autoscaled", |service| service.autoscaled = true),
            ("security_group_rules", |service| {
                service.security_group_rules.clear();
            }),
            ("roles", |service| service.roles.clear()),
            ("listeners", |service| {
                service.listeners.push(Ref::exists("routes"));
            }),
            ("listener_rules", |service| service.listener_rules.clear()),
            ("nat_gateways", |service| service.nat_gateways.clear()),
            ("vpc_endpoints", |service| {
                service.vpc_endpoints.push(Ref::ready("logs"));
            }),
            ("route_tables", |service| service.route_tables.clear()),
            ("log_groups", |service| service.log_groups.clear()),
            ("depends_on", |service| service.depends_on.clear()),
            ("alias_records", |service| {
                service.alias_records.push(Ref::exists("example.com"));
            }),
        ];
        each_field(&wanted(), diff, rows, no_difference);
        let changed = all_edited(&wanted(), rows);
        reached::<_, ServiceLoadBalancer>(&wanted(), &changed, "/load_balancers/0");
    }

    fn spot() -> Vec<CapacityProviderStrategyItem> {
        let item = |provider: &str, weight, base| CapacityProviderStrategyItem {
            capacity_provider: provider.into(),
            weight,
            base,
        };
        vec![item("FARGATE", 30, 1), item("FARGATE_SPOT", 70, 0)]
    }

    #[test]
    fn a_strategy_has_no_order_and_goes_back_to_the_launch_type() {
        let mut service = wanted();
        service.capacity_provider_strategy = spot();
        let mut on = seen();
        on.capacity_provider_strategy = spot().into_iter().rev().collect();
        let change = service.diff(&on, Some(&service), &known());
        assert!(change.is_empty(), "{change:?}");
        assert_eq!(service.launch_type(), None);
        // Also where no run of ours set it: the stack wants the launch type.
        let back = wanted().diff(&on, Some(&wanted()), &known());
        assert!(back.touches("capacity_provider_strategy") && !back.replaces());
        assert_eq!(wanted().launch_type(), Some(api::LaunchType::Fargate));
    }

    #[test]
    fn the_count_of_an_autoscaled_service_is_no_difference() {
        let mut service = wanted();
        service.autoscaled = true;
        let mut scaled = seen();
        scaled.desired_count = 7;
        for recorded in [service.clone(), wanted()] {
            let change = service.diff(&scaled, Some(&recorded), &known());
            assert!(change.is_empty(), "{change:?}");
        }
        // The stack takes the count back.
        let change = wanted().diff(&scaled, Some(&service), &known());
        assert_eq!(change.fields.len(), 1, "{change:?}");
        assert_eq!(change.fields[0].field, "desired_count");
    }

    #[test]
    fn a_digest_that_is_not_known_is_no_difference() {
        let differs = |wanted: BTreeMap<String, String>, recorded: BTreeMap<String, String>| {
            let with = |image_digests| EcsService {
                image_digests,
                ..super::tests::wanted()
            };
            let change = with(wanted).diff(&seen(), Some(&with(recorded)), &known());
            !change.is_empty()
        };
        let none = BTreeMap::new;
        assert!(!differs(none(), digests("nginx", 'a')));
        assert!(!differs(digests("nginx", 'a'), none()));
        assert!(!differs(digests("nginx", 'a'), digests("api", 'b')));
        assert!(differs(digests("nginx", 'a'), digests("nginx", 'b')));
    }

    #[test]
    fn a_moved_tag_is_shown_with_short_digests() {
        let mut service = wanted();
        service.image_digests = digests("nginx", 'b');
        let change = service.diff(&seen(), Some(&wanted()), &known());
        let field = &change.fields[0];
        assert_eq!(
            (field.old.as_str(), field.new.as_str()),
            ("sha256:aaaaaaaaaaaa", "sha256:bbbbbbbbbbbb")
        );
    }

    #[test]
    fn a_percentage_that_the_stack_gives_up_is_aws_s_again() {
        let mut recorded = wanted();
        recorded.maximum_percent = Some(150);
        let mut on = seen();
        on.maximum_percent = 150;
        let change = wanted().diff(&on, Some(&recorded), &known());
        assert_eq!(change.fields.len(), 1, "{change:?}");
        assert_eq!(change.fields[0].new, "200");
        // Somebody else's is left alone.
        assert!(wanted().diff(&on, Some(&wanted()), &known()).is_empty());
    }

    #[test]
    fn a_draining_service_must_be_made_anew() {
        let mut draining = seen();
        draining.draining = true;
        let change = wanted().diff(&draining, None, &known());
        assert!(change.replaces());
        assert!(change.touches("status"));
    }

    #[test]
    fn a_deployment_that_ecs_gave_up_is_begun_anew() {
        let mut failed = seen();
        failed.rollout.deployments = vec![rollout::Deployment {
            id: "ecs-svc/1".into(),
            primary: true,
            task_definition: "arn:task:1".into(),
            state: rollout::RolloutState::Failed,
            reason: String::new(),
            running: 0,
            failed: 0,
            created_at: 0.0,
        }];
        let change = wanted().diff(&failed, Some(&wanted()), &known());
        assert_eq!(change.fields.len(), 1, "{change:?}");
        assert!(change.touches("deployment") && !change.replaces());
    }

    #[test]
    fn a_breaker_that_the_stack_gives_up_is_turned_off() {
        let mut recorded = wanted();
        recorded.deployment_circuit_breaker = Some(DeploymentCircuitBreaker { rollback: false });
        let mut on = seen();
        on.deployment_circuit_breaker = Some(DeploymentCircuitBreaker { rollback: false });
        let change = wanted().diff(&on, Some(&recorded), &known());
        assert!(change.touches("deployment_circuit_breaker"));
        // Somebody else's is left alone.
        assert!(wanted().diff(&on, Some(&wanted()), &known()).is_empty());
    }

    #[test]
    fn every_edge_is_derived_with_its_gate() {
        use crate::resource::{AnyResource, Gate, OnDelete};
        let edges = wanted().edges();
        let edge = |to: &str| edges.iter().find(|edge| edge.to.to_string() == to).unwrap();
        assert_eq!(edge("nat_gateway.1a").gate, Gate::Ready);
        assert_eq!(edge("listener_rule.backend").gate, Gate::Exists);
        assert_eq!(edge("ecs_service.database").gate, Gate::Ready);
        assert_eq!(edge("ecs_service.database").on_delete, OnDelete::Unordered);
        assert_eq!(edge("role.main").on_delete, OnDelete::Gone);
    }
}
