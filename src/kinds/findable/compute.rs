//! How are cluster, task definitions and services found? ECS tells tags with its descriptions.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use aws_sdk_ecs::types as api;
use futures::future::try_join_all;

use super::{each, last, of_stack, only};
use crate::aws::{Aws, send, tags};
use crate::kinds::cluster::{self, CLUSTERS_PER_CALL, Cluster, ClusterOutputs};
use crate::kinds::ecs_service::{self, EcsService, EcsServiceOutputs, ServiceLoadBalancer};
use crate::kinds::task_definition::{self, TaskDefinition, TaskDefinitionOutputs};
use crate::resource::{
    ADDRESS_TAG, CallError, Context, Findable, Found, Remains, STACK_TAG, Search, TagMap,
};

/// DescribeServices takes this many names per call.
const SERVICES_PER_CALL: usize = 10;

fn all(tags: Option<Vec<api::Tag>>) -> TagMap {
    let tags = tags.unwrap_or_default().into_iter();
    tags.filter_map(|tag| Some((tag.key?, tag.value.unwrap_or_default())))
        .collect()
}

/// The clusters of the stack. Its services are found through them.
async fn clusters_of(aws: &Aws, stack: &str) -> Result<Arc<Vec<Found<Cluster>>>, CallError> {
    let ask = async {
        let pages = aws.ecs.list_clusters().into_paginator();
        let arns = send(
            "ecs:ListClusters",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        )
        .await?;
        let calls = arns
            .chunks(CLUSTERS_PER_CALL)
            .map(async |some| cluster::describe(aws, some.to_vec()).await);
        let clusters = try_join_all(calls).await?.into_iter().flatten();
        Ok(of_stack(
            clusters.filter_map(found_cluster).collect(),
            stack,
        ))
    };
    let key = format!("ecs:ListClusters tagged {stack}");
    aws.memo.once(key, ask).await
}

fn found_cluster(cluster: api::Cluster) -> Option<Found<Cluster>> {
    let outputs = ClusterOutputs {
        arn: cluster.cluster_arn?,
        name: cluster.cluster_name?,
    };
    Some(Found::new(outputs, all(cluster.tags)))
}

impl Findable for Cluster {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        Ok(clusters_of(aws, search.stack).await?.to_vec())
    }

    /// By ARN or name.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let clusters = cluster::describe(context.cloud, vec![id.to_owned()]).await?;
        only(clusters.into_iter().filter_map(found_cluster).collect(), id)
    }

    async fn untag(aws: &Aws, outputs: &ClusterOutputs, keys: &[String]) -> Result<(), CallError> {
        tags::untag_ecs(aws, &outputs.arn, keys).await
    }

    fn remnant(found: &Found<Self>, _name: &str, _remains: &Remains) -> Self {
        Cluster {
            name: found.outputs.name.clone(),
            capacity_providers: Default::default(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

/// The services in the stack's clusters, as AWS describes them.
async fn services_of(aws: &Aws, stack: &str) -> Result<Arc<Vec<api::Service>>, CallError> {
    let ask = async {
        let clusters = clusters_of(aws, stack).await?;
        let listings = clusters.iter().map(async |cluster| {
            let arn = &cluster.outputs.arn;
            let pages = aws.ecs.list_services().cluster(arn).into_paginator();
            let listed = send(
                "ecs:ListServices",
                pages.items().send().collect::<Result<Vec<_>, _>>(),
            )
            .await?;
            let calls = listed
                .chunks(SERVICES_PER_CALL)
                .map(async |some| ecs_service::describe(aws, arn, some.to_vec()).await);
            Ok::<_, CallError>(try_join_all(calls).await?.into_iter().flatten())
        });
        let services = try_join_all(listings).await?.into_iter().flatten();
        let ours = |service: &api::Service| {
            all(service.tags.clone()).get(STACK_TAG).map(String::as_str) == Some(stack)
        };
        Ok(services.filter(ours).collect())
    };
    let key = format!("ecs:ListServices tagged {stack}");
    aws.memo.once(key, ask).await
}

/// ECS doesn't tell a service's VPC: its subnets do.
async fn found_services(
    aws: &Aws,
    services: Vec<api::Service>,
) -> Result<Vec<Found<EcsService>>, CallError> {
    let subnet_of = |service: &api::Service| {
        let network = service.network_configuration()?.awsvpc_configuration()?;
        network.subnets().first().cloned()
    };
    let subnets: BTreeSet<String> = services.iter().filter_map(subnet_of).collect();
    let mut vpcs: BTreeMap<String, String> = BTreeMap::new();
    if !subnets.is_empty() {
        let by_id = aws_sdk_ec2::types::Filter::builder()
            .name("subnet-id")
            .set_values(Some(subnets.into_iter().collect()))
            .build();
        let pages = aws.ec2.describe_subnets().filters(by_id).into_paginator();
        let described = send(
            "ec2:DescribeSubnets",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        );
        let placed = described.await?.into_iter();
        vpcs.extend(placed.filter_map(|subnet| Some((subnet.subnet_id?, subnet.vpc_id?))));
    }
    services
        .into_iter()
        .map(|service| {
            let vpc_id = subnet_of(&service).and_then(|subnet| vpcs.get(&subnet).cloned());
            found_service(service, vpc_id)
        })
        .collect()
}

fn found_service(
    service: api::Service,
    vpc_id: Option<String>,
) -> Result<Found<EcsService>, CallError> {
    let tags = all(service.tags.clone());
    let target = service.load_balancers().first();
    let target = target.and_then(|target| target.target_group_arn.clone());
    let outputs = ecs_service::outputs_of(service, vpc_id)?;
    let cluster = outputs.cluster.clone();
    let mut found = Found::new(outputs, tags).within(cluster);
    found.mentions = target
        .map(|arn| ("target_group", arn))
        .into_iter()
        .collect();
    Ok(found)
}

impl Findable for EcsService {
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let services = services_of(aws, search.stack).await?;
        found_services(aws, services.to_vec()).await
    }

    /// By ARN, or by its name in the stack's cluster.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        // `arn:aws:ecs:…:service/CLUSTER/NAME`.
        let in_arn = id.rsplit('/').nth(1).filter(|_| id.starts_with("arn:"));
        let cluster = match (in_arn, context.known.outputs(&self.cluster)) {
            (Some(cluster), _) => cluster.to_owned(),
            (None, Some(cluster)) => cluster.arn,
            (None, None) => {
                return Err(CallError::local(
                    "navi",
                    format!(
                        "a service is known by its cluster; name it by its ARN, or adopt {} first",
                        self.cluster.address()
                    ),
                ));
            }
        };
        let name = last(id).to_owned();
        let services = ecs_service::describe(context.cloud, &cluster, vec![name]).await?;
        Ok(found_services(context.cloud, services)
            .await?
            .into_iter()
            .next())
    }

    async fn untag(
        aws: &Aws,
        outputs: &EcsServiceOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        tags::untag_ecs(aws, &outputs.arn, keys).await
    }

    /// It goes before all that its tasks work with (aws-behaviour §3 step 1).
    fn remnant(found: &Found<Self>, name: &str, remains: &Remains) -> Self {
        let target = found.mentions.first().map(|(_, arn)| arn.as_str());
        let target = remains.holder(target).or_else(|| remains.one(name));
        EcsService {
            cluster: remains.held_by(found.within.as_deref()),
            name: found.outputs.name.clone(),
            task_definition: remains.one(name).unwrap_or_else(|| remains.held_by(None)),
            vpc: None,
            image_digests: BTreeMap::new(),
            capacity_provider_strategy: Vec::new(),
            desired_count: 0,
            // The count that it has is right, whoever chose it.
            autoscaled: true,
            subnets: remains.all(),
            security_groups: remains.all(),
            assign_public_ip: false,
            load_balancers: target
                .map(|target_group| ServiceLoadBalancer {
                    target_group,
                    container_name: String::new(),
                    container_port: 0,
                })
                .into_iter()
                .collect(),
            service_registry: remains.one(name),
            enable_execute_command: false,
            deployment_circuit_breaker: None,
            minimum_healthy_percent: None,
            maximum_percent: None,
            health_check_grace_period_seconds: None,
            propagate_tags: false,
            tags: tags::comparable(found.tags.clone()),
            security_group_rules: remains.all(),
            roles: remains.all(),
            listeners: remains.all(),
            listener_rules: remains.all(),
            nat_gateways: remains.all(),
            vpc_endpoints: remains.all(),
            route_tables: remains.all(),
            log_groups: remains.all(),
            depends_on: Vec::new(),
            alias_records: remains.all(),
        }
    }
}

impl Findable for TaskDefinition {
    /// No listing tells tags. Asked for are the wanted families, those whose names begin with the
    /// stack's, and those that its services run.
    async fn tagged(aws: &Aws, search: &Search<'_, Self>) -> Result<Vec<Found<Self>>, CallError> {
        let call = aws.ecs.list_task_definition_families();
        let call = call.status(api::TaskDefinitionFamilyStatus::Active);
        let pages = call.family_prefix(search.stack).into_paginator();
        let listed = send(
            "ecs:ListTaskDefinitionFamilies",
            pages.items().send().collect::<Result<Vec<_>, _>>(),
        );
        let (listed, services) = tokio::try_join!(listed, services_of(aws, search.stack))?;
        let mut families: BTreeSet<String> = listed.into_iter().collect();
        families.extend(search.wanted.iter().map(|wanted| wanted.family.clone()));
        families.extend(services.iter().filter_map(|service| {
            let (family, _) = last(service.task_definition()?).rsplit_once(':')?;
            Some(family.to_owned())
        }));
        let arns = try_join_all(families.iter().map(async |family| {
            let call = aws.ecs.list_task_definitions().family_prefix(family);
            let call = call.status(api::TaskDefinitionStatus::Active);
            let pages = call.into_paginator();
            send(
                "ecs:ListTaskDefinitions",
                pages.items().send().collect::<Result<Vec<_>, _>>(),
            )
            .await
        }));
        let arns = arns.await?.into_iter().flatten();
        let revisions = each(arns, async |arn| {
            let described = task_definition::describe(aws, &arn).await?;
            Ok(described.and_then(|(definition, tags)| revision(definition, all(Some(tags)))))
        });
        Ok(newest(of_stack(revisions.await?, search.stack)))
    }

    /// By ARN, by `family:revision`, or by family, which means its newest revision.
    async fn identify(
        &self,
        context: &Context<'_, Aws>,
        id: &str,
    ) -> Result<Option<Found<Self>>, CallError> {
        let described = task_definition::describe(context.cloud, id).await?;
        Ok(described.and_then(|(definition, tags)| revision(definition, all(Some(tags)))))
    }

    async fn untag(
        aws: &Aws,
        outputs: &TaskDefinitionOutputs,
        keys: &[String],
    ) -> Result<(), CallError> {
        for arn in outputs.earlier.iter().chain([&outputs.arn]) {
            tags::untag_ecs(aws, arn, keys).await?;
        }
        Ok(())
    }

    fn remnant(found: &Found<Self>, _name: &str, remains: &Remains) -> Self {
        let role = remains.held_by(None);
        TaskDefinition {
            family: found.outputs.family.clone(),
            cpu: 0,
            memory: 0,
            architecture: Default::default(),
            ephemeral_storage_gib: None,
            task_role: role.clone(),
            execution_role: role,
            containers: Vec::new(),
            tags: tags::comparable(found.tags.clone()),
        }
    }
}

/// An active revision, and the roles and log groups that it speaks of.
fn revision(definition: api::TaskDefinition, tags: TagMap) -> Option<Found<TaskDefinition>> {
    if definition.status() != Some(&api::TaskDefinitionStatus::Active) {
        return None;
    }
    let roles = [definition.task_role_arn(), definition.execution_role_arn()];
    let roles = roles
        .into_iter()
        .flatten()
        .map(|arn| ("role", last(arn).to_owned()));
    let groups = definition
        .container_definitions()
        .iter()
        .filter_map(|container| {
            container
                .log_configuration()?
                .options()?
                .get("awslogs-group")
        })
        .map(|group| ("log_group", group.clone()));
    let mentions = roles.chain(groups).collect();
    let outputs = TaskDefinitionOutputs {
        arn: definition.task_definition_arn.clone()?,
        family: definition.family.clone()?,
        revision: definition.revision,
        earlier: Vec::new(),
    };
    let mut found = Found::new(outputs, tags);
    found.mentions = mentions;
    Some(found)
}

/// The newest revision of each address, with those that it superseded.
fn newest(mut revisions: Vec<Found<TaskDefinition>>) -> Vec<Found<TaskDefinition>> {
    revisions.sort_by_key(|found| found.outputs.revision);
    let mut by_address: BTreeMap<(Option<String>, String), Found<TaskDefinition>> = BTreeMap::new();
    for mut found in revisions {
        let address = found.tags.get(ADDRESS_TAG).cloned();
        let key = (address, found.outputs.family.clone());
        if let Some(older) = by_address.remove(&key) {
            found.outputs.earlier = older.outputs.earlier;
            found.outputs.earlier.push(older.outputs.arn);
            found.mentions.extend(older.mentions);
        }
        by_address.insert(key, found);
    }
    by_address.into_values().collect()
}
