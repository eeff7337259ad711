//! The ECS service: how is it made, compared, changed, drained and removed?

mod comparison;
mod failure;
mod health_checks;
mod last_words;
mod observed;
mod requests;
mod rollout;
mod stopped_task;

use std::collections::BTreeMap;
use std::time::Duration;

use aws_sdk_ecs::types as api;
use serde::{Deserialize, Serialize};

pub(super) use observed::describe;
pub use observed::{AttachedTargetGroup, EcsServiceObserved};
use requests::count;

use super::alias_records::AliasRecords;
use super::cluster::Cluster;
use super::discovery_service::DiscoveryService;
use super::listener::Listener;
use super::listener_rule::ListenerRule;
use super::log_group::LogGroup;
use super::nat_gateway::NatGateway;
use super::role::Role;
use super::route_table::RouteTable;
use super::security_group::SecurityGroup;
use super::security_group_rules::SecurityGroupRules;
use super::subnet::Subnet;
use super::target_group::TargetGroup;
use super::task_definition::TaskDefinition;
use super::vpc::Vpc;
use super::vpc_endpoint::VpcEndpoint;
use crate::aws::{Aws, Settle, ours_or_taken, send, settle, tags};
use crate::resource::{
    Bridge, CallError, Change, Context, Diagnosis, Holder, Known, Lookup, Readiness, Ref, Resource,
    RolloutProgress, StepError, TagMap, Timing, UniqueName,
};

/// What the stack wants: a number of Fargate tasks, kept running, found and balanced.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EcsService {
    /// `Ref::exists`: aws-behaviour §1 row 29. `Ref::ready` with a strategy, which names what the cluster has.
    pub cluster: Ref<Cluster>,
    /// Unique in the cluster.
    pub name: String,
    /// What its tasks are. `Ref::exists`: only the ARN is needed.
    pub task_definition: Ref<TaskDefinition>,
    /// Where its subnets, groups and target groups are: another VPC takes another service, whose tasks
    /// can't share the old one's target groups.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc: Option<Ref<Vpc>>,
    /// What the images' tags name in their registries now, by container; a container is missing where nobody knows.
    /// No part of the definition, whose image stays `…:latest`: ECS looks a tag up once, when a deployment begins,
    /// and starts every later task of it from that digest (the API model's ContainerImage and versionConsistency).
    /// So a tag that moved takes a new deployment, and nothing else does.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub image_digests: BTreeMap<String, String>,
    /// On what the tasks run. Empty: the launch type Fargate.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub capacity_provider_strategy: Vec<CapacityProviderStrategyItem>,
    /// How many tasks to keep running; of an autoscaled service, how many to begin with.
    pub desired_count: u32,
    /// Whether the count is Application Auto Scaling's from then on: never compared, never changed
    /// (aws-behaviour §2.18, read / drift).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub autoscaled: bool,
    /// Where the tasks live. `Ref::exists`: row 1.
    pub subnets: Vec<Ref<Subnet>>,
    /// What may reach them. `Ref::exists`: row 1.
    pub security_groups: Vec<Ref<SecurityGroup>>,
    /// Whether the tasks get public addresses.
    pub assign_public_ip: bool,
    /// Who sends them requests.
    pub load_balancers: Vec<ServiceLoadBalancer>,
    /// Where they are registered under a name; AWS takes one. `Ref::exists`: row 26.
    pub service_registry: Option<Ref<DiscoveryService>>,
    /// Whether `aws ecs execute-command` works; tasks that already run keep what they started with.
    pub enable_execute_command: bool,
    /// `None` leaves it off, as AWS does: navi itself sees tasks that keep failing.
    pub deployment_circuit_breaker: Option<DeploymentCircuitBreaker>,
    /// How many of the wanted tasks a deployment leaves running at least, in percent; `None` leaves it to AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub minimum_healthy_percent: Option<u32>,
    /// How many of the wanted tasks a deployment runs at most, in percent; `None` leaves it to AWS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub maximum_percent: Option<u32>,
    /// How long failing health checks are overlooked after a task's start; `None` leaves it to AWS.
    pub health_check_grace_period_seconds: Option<u32>,
    /// Whether tasks get the service's tags. AWS's default is off.
    pub propagate_tags: bool,
    /// Tags.
    pub tags: TagMap,

    // From here on edges that carry no value: what must be there for the tasks to work.
    /// `Ref::exists`: row 35, the tasks' peers could not reach them.
    pub security_group_rules: Vec<Ref<SecurityGroupRules>>,
    /// `Ref::exists`: row 33. Without the policy tasks can't pull their images, and a service that outlives it
    /// sticks in DRAINING.
    pub roles: Vec<Ref<Role>>,
    /// Listeners whose default action names a target group of this service. `Ref::exists`: row 30.
    pub listeners: Vec<Ref<Listener>>,
    /// `Ref::exists`: row 30, CreateService refuses a target group that no rule names.
    pub listener_rules: Vec<Ref<ListenerRule>>,
    /// `Ref::ready`: row 34. Tasks that start before the gateway works fail to pull, and ECS backs off up to 15 minutes.
    pub nat_gateways: Vec<Ref<NatGateway>>,
    /// `Ref::ready`: row 34 again, where endpoints take the gateway's place (aws-behaviour §2.19).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub vpc_endpoints: Vec<Ref<VpcEndpoint>>,
    /// The tables of its subnets, with route and association. `Ref::exists`: row 34.
    pub route_tables: Vec<Ref<RouteTable>>,
    /// `Ref::exists`: row 28, a task whose log group is missing stops.
    pub log_groups: Vec<Ref<LogGroup>>,
    /// Services of which healthy instances must be registered first. `Ref::ready` (row 36), `unordered_on_delete`:
    /// all services drain together (aws-behaviour §3 step 1).
    pub depends_on: Vec<Ref<EcsService>>,
    /// The names that lead to it: not needed to make it, but traffic is cut only once the tasks have
    /// drained (aws-behaviour §3 steps 1 and 2).
    pub alias_records: Vec<Ref<AliasRecords>>,
}

/// How many of the tasks run on one capacity provider.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct CapacityProviderStrategyItem {
    /// `FARGATE` or `FARGATE_SPOT`.
    pub capacity_provider: String,
    /// Its part of the tasks beyond the base, against the weights of the others.
    pub weight: u32,
    /// How many run there first. Only one item of a strategy can have any.
    pub base: u32,
}

/// A target group that the tasks are registered in.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceLoadBalancer {
    /// `Ref::exists`: row 30.
    pub target_group: Ref<TargetGroup>,
    /// Which container gets the requests.
    pub container_name: String,
    /// On which port.
    pub container_port: u16,
}

/// Lets ECS give up a deployment whose tasks keep failing to start.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DeploymentCircuitBreaker {
    /// Whether it then goes back to the last one that worked.
    pub rollback: bool,
}

/// What dependents may read.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EcsServiceOutputs {
    /// `arn:aws:ecs:…:service/cluster/name`.
    pub arn: String,
    /// The name.
    pub name: String,
    /// ARN of the cluster.
    pub cluster: String,
    /// The deployment that the last create or update began: events tell its fate by this ID.
    pub deployment_id: Option<String>,
    /// The VPC that it was made in. ECS doesn't tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vpc_id: Option<String>,
    /// When that was, in seconds since 1970: a deployment that began later is somebody else's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployment_began: Option<f64>,
}

impl Resource for EcsService {
    const KIND: &'static str = "ecs_service";
    // aws-behaviour §2.18 "typical delete" and §6.4.
    const TIMING: Timing = Timing {
        ready: Duration::from_secs(50),
        gone: Duration::from_secs(60),
        look_every: Duration::from_secs(2),
        ready_within: Duration::from_secs(1200),
        gone_within: Duration::from_secs(1500),
    };
    const WORKLOAD: bool = true;
    type Cloud = Aws;
    type Observed = EcsServiceObserved;
    type Outputs = EcsServiceOutputs;

    fn claim(&self) -> Option<String> {
        Some(self.name.clone())
    }

    fn unique_name(&self) -> Option<UniqueName> {
        Some(UniqueName {
            name: self.name.clone(),
            longest: 255,
        })
    }

    fn renamed(&self, name: String) -> Self {
        EcsService {
            name,
            ..self.clone()
        }
    }

    fn bridge(&self, recorded: &Self) -> Option<Bridge<Self>> {
        let wanted = self.load_balancers.first()?;
        // New tasks register in the old group as well, under whatever the container is called now.
        let old: Vec<ServiceLoadBalancer> = recorded
            .load_balancers
            .iter()
            .filter(|balancer| balancer.target_group.address().is_deposed())
            .map(|balancer| ServiceLoadBalancer {
                target_group: balancer.target_group.clone(),
                ..wanted.clone()
            })
            .collect();
        (!old.is_empty()).then(|| Bridge {
            spec: EcsService {
                load_balancers: [old, self.load_balancers.clone()].concat(),
                // Without them no load balancer would lead to the old group, and ECS would refuse it (row 30).
                listeners: with_deposed(&self.listeners, &recorded.listeners),
                listener_rules: with_deposed(&self.listener_rules, &recorded.listener_rules),
                ..self.clone()
            },
            fields: &["load_balancers"],
        })
    }

    fn diff(&self, seen: &EcsServiceObserved, recorded: Option<&Self>, known: &Known) -> Change {
        self.compare(seen, recorded, known)
    }

    fn outputs(&self, seen: &EcsServiceObserved) -> EcsServiceOutputs {
        EcsServiceOutputs {
            arn: seen.arn.clone(),
            name: seen.name.clone(),
            cluster: seen.cluster.clone(),
            deployment_id: seen.rollout.deployment_id.clone(),
            vpc_id: seen.vpc_id.clone(),
            deployment_began: seen.rollout.deployment_began,
        }
    }

    fn readiness(&self, seen: &EcsServiceObserved) -> Readiness {
        rollout::readiness(self.wanted_count(seen), seen)
    }

    fn diagnosis(&self, seen: &EcsServiceObserved) -> Diagnosis {
        rollout::diagnosis(self.wanted_count(seen), seen)
    }

    fn serves_already(&self, seen: &EcsServiceObserved) -> bool {
        rollout::serves_already(&seen.rollout)
    }

    fn rollout(&self, seen: &EcsServiceObserved) -> Option<RolloutProgress> {
        Some(rollout::told(self.wanted_count(seen), seen))
    }

    async fn read(
        aws: &Aws,
        lookups: &[Lookup<'_, Self>],
    ) -> Result<Vec<Option<EcsServiceObserved>>, CallError> {
        observed::read(aws, lookups).await
    }

    async fn find(
        &self,
        context: &Context<'_, Aws>,
    ) -> Result<Option<EcsServiceOutputs>, CallError> {
        let cluster = context.outputs(&self.cluster)?.arn;
        let found = observed::describe(context.cloud, &cluster, vec![self.name.clone()]).await?;
        found
            .into_iter()
            .find(|service| tags::ecs_made_by(service.tags.as_deref(), context.token))
            .map(|service| outputs_of(service, self.vpc_id(context)))
            .transpose()
    }

    async fn create(&self, context: &Context<'_, Aws>) -> Result<EcsServiceOutputs, StepError> {
        let aws = context.cloud;
        let cluster = context.outputs(&self.cluster)?.arn;
        let definition = context.outputs(&self.task_definition)?.arn;
        let network = self.network(context)?;
        let balancers = self.target_groups(context)?;
        let registries = self.registries(context)?;
        let tags = tags::ecs(&tags::with_token(&self.tags, context.token));
        self.restore_draining(context).await?;
        let first_count = self.first_count(context).await?;
        // Rows 29, 30 and 32: a target group, a cluster or the service-linked role that AWS still spreads.
        let answer = settle("ecs:CreateService", Settle::Spreading, || {
            aws.ecs
                .create_service()
                .cluster(&cluster)
                .service_name(&self.name)
                .client_token(context.token)
                .set_launch_type(self.launch_type())
                .set_capacity_provider_strategy(
                    Some(self.strategy()).filter(|strategy| !strategy.is_empty()),
                )
                .task_definition(&definition)
                .desired_count(count(first_count))
                .network_configuration(network.clone())
                .set_load_balancers(Some(balancers.clone()))
                .set_service_registries(Some(registries.clone()))
                .enable_execute_command(self.enable_execute_command)
                .set_deployment_configuration(self.deployment_configuration())
                .set_health_check_grace_period_seconds(self.grace_period())
                .set_propagate_tags(self.propagate_tags.then_some(api::PropagateTags::Service))
                .set_tags(Some(tags.clone()))
                .send()
        })
        .await;
        match answer {
            Ok(answer) => {
                let vpc_id = self.vpc_id(context);
                Ok(answered(answer.service, vpc_id, "ecs:CreateService")?)
            }
            Err(error) => {
                let what = format!("the service `{}`", self.name);
                Ok(ours_or_taken(error, &what, || self.find(context)).await?)
            }
        }
    }

    async fn update(
        &self,
        context: &Context<'_, Aws>,
        outputs: &EcsServiceOutputs,
        seen: &EcsServiceObserved,
        change: &Change,
    ) -> Result<EcsServiceOutputs, StepError> {
        let aws = context.cloud;
        if change.touches("tags") {
            let dropped = change.dropped_tag_keys(&self.tags);
            tags::retag_ecs(aws, &outputs.arn, &self.tags, &dropped).await?;
        }
        if change
            .fields
            .iter()
            .all(|field| field.field.starts_with("tags."))
        {
            return Ok(outputs.clone());
        }
        let call = self.changed_fields(context, outputs, seen, change)?;
        // A target group or a role that the change brings along is as fresh as at a create.
        let answer = settle("ecs:UpdateService", Settle::Spreading, || {
            call.clone().send()
        })
        .await?;
        Ok(answered(
            answer.service,
            outputs.vpc_id.clone(),
            "ecs:UpdateService",
        )?)
    }

    async fn delete(
        &self,
        context: &Context<'_, Aws>,
        outputs: &EcsServiceOutputs,
    ) -> Result<(), StepError> {
        let aws = context.cloud;
        if !context.drain {
            self.shorten_draining(context).await;
        }
        let call = aws
            .ecs
            .update_service()
            .cluster(&outputs.cluster)
            .service(&outputs.name)
            .desired_count(0);
        // Not active any more: an earlier delete was accepted, and this one is as well.
        match send("ecs:UpdateService", call.send()).await {
            Err(error) if error.is_not_found() => {}
            Err(error) => return Err(error.into()),
            Ok(_) => {}
        }
        let call = aws
            .ecs
            .delete_service()
            .cluster(&outputs.cluster)
            .service(&outputs.name)
            .force(true);
        match send("ecs:DeleteService", call.send()).await {
            Err(error) if error.is_not_found() => Ok(()),
            Err(error) => Err(error.into()),
            Ok(_) => Ok(()),
        }
    }

    async fn holders(
        &self,
        context: &Context<'_, Aws>,
        outputs: &EcsServiceOutputs,
    ) -> Vec<Holder> {
        let tasks = observed::living_tasks(context.cloud, outputs).await;
        tasks
            .unwrap_or_default()
            .into_iter()
            .map(|arn| Holder {
                id: arn.rsplit('/').next().unwrap_or(&arn).to_owned(),
                what: "task that is still to stop".to_owned(),
            })
            .collect()
    }
}

/// What is wanted, and what of the recorded ones is deposed and still to go.
fn with_deposed<K>(wanted: &[Ref<K>], recorded: &[Ref<K>]) -> Vec<Ref<K>> {
    let deposed = recorded.iter().filter(|old| old.address().is_deposed());
    wanted.iter().chain(deposed).cloned().collect()
}

impl EcsService {
    /// How many tasks it should have now, whoever says so.
    fn wanted_count(&self, seen: &EcsServiceObserved) -> u32 {
        match self.autoscaled {
            true => seen.desired_count,
            false => self.desired_count,
        }
    }

    /// How many tasks to begin with. The successor of an autoscaled service takes over what that one has to bear, and
    /// has as many from the start.
    async fn first_count(&self, context: &Context<'_, Aws>) -> Result<u32, CallError> {
        let mut first = self.desired_count;
        if !self.autoscaled {
            return Ok(first);
        }
        for predecessor in context.known.predecessors(context.address) {
            let Ok(outputs) = serde_json::from_value::<EcsServiceOutputs>(predecessor.clone())
            else {
                continue;
            };
            let names = vec![outputs.name];
            let found = observed::describe(context.cloud, &outputs.cluster, names).await?;
            let counts = found
                .iter()
                .map(|service| observed::observe(service).desired_count);
            first = counts.chain([first]).max().unwrap_or(first);
        }
        Ok(first)
    }

    fn vpc_id(&self, context: &Context<'_, Aws>) -> Option<String> {
        context.known.get(self.vpc.as_ref()?, |vpc| vpc.vpc_id)
    }
}

fn answered(
    service: Option<api::Service>,
    vpc_id: Option<String>,
    operation: &str,
) -> Result<EcsServiceOutputs, CallError> {
    service
        .ok_or_else(|| CallError::incomplete(operation, "the answer holds no service"))
        .and_then(|service| outputs_of(service, vpc_id))
}

pub(super) fn outputs_of(
    service: api::Service,
    vpc_id: Option<String>,
) -> Result<EcsServiceOutputs, CallError> {
    let primary = service
        .deployments()
        .iter()
        .find(|deployment| deployment.status() == Some("PRIMARY"));
    let deployment_id = primary.and_then(|deployment| deployment.id.clone());
    let deployment_began = primary
        .and_then(|deployment| deployment.created_at.as_ref())
        .map(aws_smithy_types::DateTime::as_secs_f64);
    let incomplete = || {
        CallError::incomplete(
            "ecs:DescribeServices",
            "the answer lacks the service's ARN, name or cluster",
        )
    };
    Ok(EcsServiceOutputs {
        arn: service.service_arn.ok_or_else(incomplete)?,
        name: service.service_name.ok_or_else(incomplete)?,
        cluster: service.cluster_arn.ok_or_else(incomplete)?,
        deployment_id,
        deployment_began,
        vpc_id,
    })
}
